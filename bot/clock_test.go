package bot_test

import (
	"strconv"
	"testing"
	"time"

	"pipebot/bot"
	"pipebot/bot/slacktest"
)

// A clock that jumps by an hour keeps no card from being edited, and has a message looked
// for where it is, so that it is not posted twice.
func TestClockJumps(t *testing.T) {
	const pause = 3 * time.Second
	at := askedAt
	for name, tt := range map[string]struct {
		now  time.Time
		left time.Duration
		from time.Time // that it is looked for from
	}{
		"at once":            {at, pause, at.Add(-5 * time.Minute)},
		"a second later":     {at.Add(time.Second), 2 * time.Second, at.Add(-5 * time.Minute)},
		"long after":         {at.Add(time.Minute), 0, at.Add(-5 * time.Minute)},
		"it went on":         {at.Add(time.Hour), 0, at.Add(-5 * time.Minute)},
		"it went back":       {at.Add(-time.Hour), 0, at.Add(-25 * time.Hour)},
		"it went back a bit": {at.Add(-time.Second), 0, at.Add(-24*time.Hour - time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bot.Left(at, pause, tt.now); got != tt.left {
				t.Errorf("%s are left, want %s", got, tt.left)
			}
			oldest, latest := bot.PostedBetween(at, tt.now)
			if want := strconv.FormatInt(tt.from.Unix(), 10); oldest != want {
				t.Errorf("it is looked for from %s on, want %s", oldest, want)
			}
			if back := tt.now.Before(at); (latest == "") != back {
				t.Errorf("it is looked for until %q; the clock went back: %t", latest, back)
			}
		})
	}
}

// A card whose last edit is still to come, by the clock, is edited.
func TestShowAfterTheClockWentBack(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.display.CardInterval = time.Minute
	b.showAll(running())
	b.kept.At = time.Now().Add(time.Hour)
	b.showAll(running(failing(jobs("test", "unit"))))
	b.calls("chat.update", 1)
}
