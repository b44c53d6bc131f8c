package budget

import (
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Config says how much there is to spend.
type Config struct {
	// Rate is the part of Slack's published limits to use; above 1 where Slack granted
	// more.
	Rate float64
	Log  *zap.Logger
}

// Budget is what one process may ask of Slack. All methods may be called from any
// goroutine.
type Budget struct {
	cfg    Config
	now    func() time.Time
	jitter func(time.Duration) time.Duration // up to that long

	mu       sync.Mutex
	share    float64 // of this process in what the app may do
	accounts map[place]*account
	way      outage // of the way to Slack
}

// New returns a budget that has everything to itself until [Budget.Share].
func New(cfg Config) *Budget {
	return &Budget{
		cfg: cfg, now: time.Now, share: 1, accounts: make(map[place]*account),
		jitter: func(d time.Duration) time.Duration { return rand.N(d + 1) }, //nolint:gosec // jitter is no secret
	}
}

// Share tells how many of the app's connections are this process's own: Slack limits the
// app, and spreads its envelopes, and with them the work, over its connections.
// Slack tells it when one of them is opened, so of others that come or go later a process
// learns late, and Slack's 429s hold those that use too much meanwhile.
func (b *Budget) Share(own, all int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.share = 1
	if own > 0 && all > own {
		b.share = float64(own) / float64(all)
	}
	now := b.now()
	for _, a := range b.accounts {
		a.resize(now, b.part())
	}
}

func (b *Budget) part() float64 { return b.share * b.cfg.Rate }

// spread keeps those who wait for the same from coming again all at once.
const spread = time.Second

// Take asks for one call of a method; a post names its channel. Where again is 0 it is
// granted, and counted. Where not, nobody may call it now, and it is asked for anew after
// again.
func (b *Budget) Take(method, channel string, p Purpose) (again time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	accounts := []*account{b.account(now, place{method: method})}
	if channel != "" {
		accounts = append(accounts, b.account(now, place{method, channel}))
	}
	wait := b.way.wait(now)
	for _, a := range accounts {
		wait = max(wait, a.wait(now, p))
	}
	if wait > 0 {
		for _, a := range accounts {
			if a.wait(now, p) == wait { // only the one that is in the way: another must not stand idle
				a.expect(now, p)
			}
		}
		return wait + b.jitter(spread)
	}
	b.way.probe(now)
	for _, a := range accounts {
		a.take(now)
	}
	return 0
}

// manyChannels is when those that are not used any more are forgotten.
const manyChannels = 500

// account is the account of a place. The lock is held.
func (b *Budget) account(now time.Time, of place) *account {
	if a := b.accounts[of]; a != nil {
		return a
	}
	if len(b.accounts) >= manyChannels {
		for other, a := range b.accounts {
			if a.idle(now) {
				delete(b.accounts, other)
			}
		}
	}
	a := newAccount(limitOf(of), b.part())
	b.accounts[of] = a
	return a
}

// held is how long Slack wants to hear nothing of this.
func (b *Budget) held(method, channel string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, longest := b.now(), time.Duration(0)
	for _, of := range []place{{method: method}, {method, channel}} {
		if a := b.accounts[of]; a != nil {
			longest = max(longest, a.held(now))
		}
	}
	return longest
}

// longestHold is the longest time that a 429 is taken seriously for: Slack counts by the
// minute.
const longestHold = 10 * time.Minute

// limited notes a 429, and returns for how long it holds. after is what Slack said, 0
// where it said nothing: such answers have been seen, and are backed off from as from a
// failure (https://github.com/slackapi/node-slack-sdk/issues/1421). A 429 to a post holds
// its channel; but where two of them are held, it is the workspace that posts too much.
func (b *Budget) limited(method, channel string, after time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.way.over()
	of := place{method, channel}
	for other, a := range b.accounts {
		if channel != "" && other.method == method && other.channel != "" && other.channel != channel && a.held(now) > 0 {
			of.channel = ""
		}
	}
	a := b.account(now, of)
	if after <= 0 {
		a.outage.failed(now, b.jitter)
		after = max(time.Second, a.outage.until.Sub(now))
	}
	after = min(after, longestHold)
	a.hold(now, after)
	b.cfg.Log.Info("Slack has had enough of a method for a while",
		zap.String("method", method), zap.String("channel", of.channel), zap.Duration("for", after))
	return after
}

// answered notes that Slack did what it was asked for, or refused it for good reasons.
func (b *Budget) answered(method, channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reached()
	for _, of := range []place{{method: method}, {method, channel}} {
		if a := b.accounts[of]; a != nil && a.outage.over() {
			b.cfg.Log.Info("Slack does again what it failed at", zap.String("method", method))
		}
	}
}

// failed notes that Slack failed at a method.
func (b *Budget) failed(method, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reached()
	now := b.now()
	if b.account(now, place{method: method}).outage.failed(now, b.jitter) {
		b.cfg.Log.Warn("Slack fails at a method; trying again ever more rarely", zap.String("method", method), zap.String("reason", reason))
	}
}

// unreachable notes that Slack gave no answer at all.
func (b *Budget) unreachable() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.way.failed(b.now(), b.jitter) {
		b.cfg.Log.Warn("Slack does not answer; trying again ever more rarely")
	}
}

// reached notes that Slack gave some answer. The lock is held.
func (b *Budget) reached() {
	if b.way.over() {
		b.cfg.Log.Info("Slack answers again")
	}
}
