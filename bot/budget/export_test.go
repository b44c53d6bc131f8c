package budget

import (
	"net/http"
	"time"
)

// What the tests, which are outside of the package, see of its inside.

// SetClock gives a budget another clock, and jitter that is not left to chance.
func (b *Budget) SetClock(now func() time.Time, jitter func(time.Duration) time.Duration) {
	b.now, b.jitter = now, jitter
}

// Places is how many limits a budget keeps account of.
func (b *Budget) Places() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.accounts)
}

// RetryAfter reads the header.
func RetryAfter(header http.Header, now time.Time) time.Duration { return retryAfter(header, now) }

// Limits that tests speak of.
const (
	LongestHold  = longestHold
	LongestPause = longestPause
	ManyChannels = manyChannels
	LongestLate  = spread + late
)
