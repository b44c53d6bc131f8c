package bot

import (
	"strconv"
	"time"
)

// What was shown is written down with the time by the wall clock, which may have gone back
// since: a time that is still to come says that, and nothing about how long ago it was.

// left is how much is left of a pause that began at a time, 0 for nothing.
func left(began time.Time, pause time.Duration, now time.Time) time.Duration {
	gone := now.Sub(began)
	if gone < 0 {
		return 0
	}
	return max(0, pause-gone)
}

// postedBetween is between when, in Slack's form, a message is looked for that may have
// been posted at a time: some minutes more, since Slack has its own clock. A message of a
// time that is still to come is looked for from a day ago on.
func postedBetween(at, now time.Time) (oldest, latest string) {
	if at.After(now) {
		return slackTime(now.Add(-24 * time.Hour)), ""
	}
	return slackTime(at.Add(-5 * time.Minute)), slackTime(at.Add(5 * time.Minute))
}

func slackTime(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
