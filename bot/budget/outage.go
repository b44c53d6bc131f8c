package budget

import "time"

const (
	// longestPause is the most time between two tries while Slack is away: so soon after
	// it is back that is noticed.
	longestPause = 30 * time.Second
	// probeWithin is how long the outcome of a try is waited for before another one may
	// try. Calls take no longer.
	probeWithin = 12 * time.Second
)

// outage is a row of failures of the same thing. While it lasts one call at a time tries
// whether it is over, ever more rarely. The first failure of all does not make an outage:
// it may have been about that one call.
type outage struct {
	failures int
	until    time.Time // nobody tries before
	probing  bool      // somebody tries
}

// wait is how long nobody may try.
func (o *outage) wait(now time.Time) time.Duration {
	if o.failures < 2 {
		return 0
	}
	return max(0, o.until.Sub(now))
}

// probe notes that somebody tries.
func (o *outage) probe(now time.Time) {
	if o.failures >= 2 {
		o.probing, o.until = true, now.Add(probeWithin)
	}
}

// failed notes a failure, and reports whether an outage begins with it. Those that were
// under way while it began tell nothing new.
func (o *outage) failed(now time.Time, jitter func(time.Duration) time.Duration) (begins bool) {
	if o.wait(now) > 0 && !o.probing {
		return false
	}
	o.failures, o.probing = o.failures+1, false
	o.until = now.Add(backoff(o.failures, jitter))
	return o.failures == 2
}

// over notes a success, and reports whether an outage ends with it.
func (o *outage) over() (ends bool) {
	ends = o.failures >= 2
	*o = outage{}
	return ends
}

// backoff is the time between two tries: doubling from half a second to half a minute, and
// never the same for two processes.
func backoff(failures int, jitter func(time.Duration) time.Duration) time.Duration {
	ceiling := min(longestPause, time.Duration(1<<min(failures, 10))*250*time.Millisecond)
	return ceiling/2 + jitter(ceiling/2)
}
