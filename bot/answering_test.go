package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"pipebot/bot"
)

// Who waits for work catches its panic, as if they did it themselves; otherwise one
// answer would take the process with it.
func TestAPanicOfWorkIsThatOfWhoWaits(t *testing.T) {
	result := <-bot.Beside(func() int { panic("a mistake") }) //nolint:forbidigo // what work must not do
	defer func() {
		if bad := fmt.Sprint(recover()); !strings.Contains(bad, "a mistake") || !strings.Contains(bad, "answering_test.go") {
			t.Errorf("who waits caught %s", bad)
		}
	}()
	t.Errorf("the work brought %d", result())
}
