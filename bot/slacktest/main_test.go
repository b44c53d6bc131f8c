package slacktest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A server that is closed leaves nothing running: tests open thousands of them.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
