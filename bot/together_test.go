package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pipebot/bot"
)

// Work for each of a list goes on at the others' panic, which is then that of who waits.
func TestAPanicOfOneOfManyIsThatOfWhoWaits(t *testing.T) {
	done := make([]bool, 9)
	defer func() {
		if bad := fmt.Sprint(recover()); !strings.Contains(bad, "a mistake") || !strings.Contains(bad, "together_test.go") {
			t.Errorf("who waits caught %s", bad)
		}
		if i := slices.Index(done, false); i != 3 || slices.Contains(done[4:], false) {
			t.Errorf("it was done for %v", done)
		}
	}()
	bot.Together(done, 2, func(i int, _ bool) {
		if i == 3 {
			panic("a mistake") //nolint:forbidigo // what work must not do
		}
		done[i] = true
	})
	t.Error("who waits goes on")
}

func TestTogetherKeepsToItsLimit(t *testing.T) {
	var now, most, all atomic.Int32
	bot.Together(make([]int, 50), 3, func(int, int) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		all.Add(1)
		now.Add(-1)
	})
	if all.Load() != 50 || most.Load() > 3 {
		t.Errorf("it was done %d times, %d of them at once", all.Load(), most.Load())
	}
}
