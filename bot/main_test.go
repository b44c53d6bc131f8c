package bot_test

import (
	"testing"

	"go.uber.org/goleak"
)

// What handlers start beside themselves ends with them: a bot that stops waits for all of
// it, and one that runs for a year keeps none.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
