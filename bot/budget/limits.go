package budget

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// The methods that are asked about.
const (
	PostMessage = "chat.postMessage"
	Update      = "chat.update"
	History     = "conversations.history"
	Replies     = "conversations.replies"
)

// Purpose is what a call is for.
type Purpose int

// The purposes, from what can wait to what cannot.
const (
	// Progress shows how something comes along. The next one will show more.
	Progress Purpose = iota
	// End shows how something ended, or that somebody is needed.
	End
	// Start is the first that people see of what they asked for.
	Start
)

// leaves is the part of a full bucket that has to be left to what matters more.
func (p Purpose) leaves() float64 {
	switch p {
	case Start:
		return 0
	case End:
		return 0.2
	default:
		return 0.5
	}
}

// limit is how often something may be called: bursts from a bucket that fills up evenly.
type limit struct {
	burst     float64
	perMinute float64
}

// tier is one of Slack's tiers, so many calls a minute. Slack counts by the minute: a full
// bucket and what flows in during a minute are together no more than the tier, whenever
// the minute begins.
// https://docs.slack.dev/apis/web-api/rate-limits
func tier(calls float64) limit { return limit{burst: calls / 5, perMinute: calls * 4 / 5} }

// limitOf is the limit of a method, or of posting in one channel. Posting has rules of its
// own: about one message a second in a channel, with short bursts, and "several hundred" a
// minute in the workspace. All other methods that are asked about are of tier 3.
// https://docs.slack.dev/reference/methods/chat.postMessage#rate_limiting
// https://docs.slack.dev/reference/methods/chat.update#facts
func limitOf(of place) limit {
	const severalHundred, tier3 = 300, 50
	switch {
	case of.channel != "":
		return limit{burst: 3, perMinute: 60}
	case of.method == PostMessage:
		return tier(severalHundred)
	default:
		return tier(tier3)
	}
}

// place is what Slack limits: a method, or posting in one channel.
type place struct{ method, channel string }

// account is what is left of a limit, and what Slack said about it.
type account struct {
	limit     limit
	bucket    *rate.Limiter
	notBefore time.Time // Slack said so with a 429
	outage    outage
	expected  [Start + 1]time.Time // until when who was refused is waited for, by purpose
}

// newAccount begins with a full bucket, of a part of the limit.
func newAccount(limit limit, part float64) *account {
	return &account{limit: limit, bucket: rate.NewLimiter(limit.flow(part), limit.most(part))}
}

// flow is what flows into the bucket, in calls a second.
func (l limit) flow(part float64) rate.Limit { return rate.Limit(l.perMinute * part / 60) }

// most is what the bucket holds. More than Slack takes at once it never does.
func (l limit) most(part float64) int { return max(1, int(l.burst*min(part, 1))) }

// resize makes the bucket that of another part of the limit.
func (a *account) resize(now time.Time, part float64) {
	a.bucket.SetLimitAt(now, a.limit.flow(part))
	a.bucket.SetBurstAt(now, a.limit.most(part))
}

// wait is how long it takes until there is enough for a purpose, if nobody else takes any.
func (a *account) wait(now time.Time, p Purpose) time.Duration {
	return max(a.turn(now, p), a.held(now), a.outage.wait(now))
}

// turn is how long it takes until the bucket has enough for a purpose, and nobody is
// expected whom it has to leave that to.
func (a *account) turn(now time.Time, p Purpose) time.Duration {
	full := float64(a.bucket.Burst())
	missing := min(1+p.leaves()*full, full) - a.bucket.TokensAt(now)
	wait := time.Duration(0)
	if missing > 0 {
		wait = time.Duration(math.Ceil(missing / float64(a.bucket.Limit()) * float64(time.Second)))
	}
	for _, until := range a.expected[p+1:] {
		wait = max(wait, until.Sub(now))
	}
	return wait
}

// late is how much later than it was told to somebody may come again.
const late = time.Second

// expect notes that a call was refused and will come again: what matters less lets it go
// first. A bucket of one call, which is what a channel has where replicas share it, can
// leave nothing to anybody. Where it does not come, others wait for it no more than spread and
// late longer than it was told to wait.
func (a *account) expect(now time.Time, p Purpose) {
	a.expected[p] = now.Add(a.turn(now, p) + spread + late)
}

// held is how long Slack still wants to hear nothing.
func (a *account) held(now time.Time) time.Duration { return max(0, a.notBefore.Sub(now)) }

// take takes one call.
func (a *account) take(now time.Time) {
	a.bucket.AllowN(now, 1)
	a.outage.probe(now)
}

// hold takes a 429 for what it says: nothing is left, and nothing may be called for a time.
func (a *account) hold(now time.Time, d time.Duration) {
	if until := now.Add(d); until.After(a.notBefore) {
		a.notBefore = until
	}
	if left := int(a.bucket.TokensAt(now)); left > 0 {
		a.bucket.AllowN(now, left)
	}
}

// idle reports whether there is nothing to remember.
func (a *account) idle(now time.Time) bool {
	return a.held(now) == 0 && a.outage.failures == 0 && a.bucket.TokensAt(now) >= float64(a.bucket.Burst())
}
