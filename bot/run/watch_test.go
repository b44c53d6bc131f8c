package run_test

import (
	"sync"
	"testing"
	"time"

	"pipebot/bot/run"
)

// A mistake about one entry of the store has the watch begin anew; nobody above it would
// catch the panic.
func TestAWatchThatPanicsBeginsAnew(t *testing.T) {
	t.Parallel()
	f := newFreezer(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	var once sync.Once
	f.OnTold(func() {
		once.Do(func() { panic("a mistake") }) //nolint:forbidigo // what it must not do
	})
	f.add(run.Freeze{Project: "group/app", By: "U1", Team: "T1", Reason: "the release is out", Until: time.Now().Add(time.Hour)})
	f.keep()
	f.until("it is read", has(1))
}
