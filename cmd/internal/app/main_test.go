package app_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A program that ended leaves nothing running: a part that does not end would hold
// up the others at the next stop.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
