package bot

import "time"

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

// postedAfter is from when on a message is looked for that may have been posted at a
// time: a minute before, since Slack has its own clock.
func postedAfter(at, now time.Time) time.Time {
	if at.After(now) {
		return now.Add(-24 * time.Hour)
	}
	return at.Add(-time.Minute)
}
