package app_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"pipebot/cmd/internal/app"
)

// A mistake in the background costs a line in the log and not the process.
func TestWorkInTheBackgroundGoesOnAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.InfoLevel))
		ctx, cancel := context.WithCancel(t.Context())
		begun := 0
		app.KeepGoing(ctx, log, func() {
			if begun++; begun < 3 {
				panic("a mistake") //nolint:forbidigo // what work must not do
			}
			cancel()
		})
		if lines := strings.Count(out.String(), "\n"); begun != 3 || lines != 2 || !strings.Contains(out.String(), "keepgoing_test.go") {
			t.Errorf("it began %d times and wrote %d lines:\n%s", begun, lines, out.String())
		}
	})
}
