package run_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

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

// Nor does a mistake in a sweep end the process: the next one is made all the same.
func TestASweepThatPanicsIsMadeAgain(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(testContext(t))
	defer stop()
	conn, swept := open(t, run.StoreConfig{Dir: t.TempDir()}), 0
	log := zap.NewNop().WithOptions(zap.WrapCore(func(zapcore.Core) zapcore.Core {
		return zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.ErrorLevel)
	}), zap.Hooks(func(zapcore.Entry) error {
		if swept++; swept == 2 {
			stop()
		}
		return nil
	}))
	run.SweepBadly(ctx, conn, log, requested())
	if swept < 2 {
		t.Errorf("%d sweeps said that they ended early", swept)
	}
}
