package budget_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"pipebot/bot/budget"
)

// clocked is a budget on a clock that a test moves.
type clocked struct {
	*budget.Budget
	now time.Time
}

func newClocked(rate float64) *clocked {
	c := &clocked{Budget: budget.New(budget.Config{Rate: rate, Log: zap.NewNop()}), now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	c.SetClock(func() time.Time { return c.now }, func(time.Duration) time.Duration { return 0 })
	return c
}

// granted is how many calls in a row are granted.
func (c *clocked) granted(method, channel string, p budget.Purpose) (n int) {
	for c.Take(method, channel, p) == 0 {
		n++
	}
	return n
}

// What matters less leaves some of a full bucket to what matters more.
func TestTakeLeavesSomeToWhatMattersMore(t *testing.T) {
	for name, tt := range map[string]struct {
		method, channel      string
		progress, end, start int
	}{
		"edits":              {budget.Update, "", 5, 3, 2},
		"posts in a channel": {budget.PostMessage, "C1", 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(1)
			got := []int{
				c.granted(tt.method, tt.channel, budget.Progress), c.granted(tt.method, tt.channel, budget.End),
				c.granted(tt.method, tt.channel, budget.Start),
			}
			if diff := cmp.Diff([]int{tt.progress, tt.end, tt.start}, got); diff != "" {
				t.Errorf("granted to progress, ends and starts (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever is refused is told when there will be enough, and there is.
func TestTakeSaysWhen(t *testing.T) {
	c := newClocked(1)
	c.granted(budget.Update, "", budget.Start)
	for _, tt := range []struct {
		purpose budget.Purpose
		want    time.Duration // at 40 a minute
	}{{budget.Start, 1500 * time.Millisecond}, {budget.End, 4500 * time.Millisecond}, {budget.Progress, 9 * time.Second}} {
		c := *c
		c.granted(budget.Update, "", budget.Start)
		if got := c.Take(budget.Update, "", tt.purpose); got != tt.want {
			t.Errorf("%d: again after %s, want %s", tt.purpose, got, tt.want)
		}
	}
	c.now = c.now.Add(c.Take(budget.Update, "", budget.Progress))
	if got := c.Take(budget.Update, "", budget.Progress); got != 0 {
		t.Errorf("when it was told to come it was told to come after %s", got)
	}
}

// Where the bucket holds one call, which leaves nothing to anybody, who was refused goes
// before what matters less; but nobody waits for long for one that does not come again, nor
// for one that waits for something else.
func TestWhatMattersMoreGoesFirst(t *testing.T) {
	for name, tt := range map[string]struct{ more, less budget.Purpose }{
		"a start before an end": {budget.Start, budget.End},
		"a start before news":   {budget.Start, budget.Progress},
		"an end before news":    {budget.End, budget.Progress},
	} {
		t.Run(name, func(t *testing.T) {
			refused := func() *clocked {
				c := newClocked(1)
				c.Share(2, 4)
				c.granted(budget.PostMessage, "C1", tt.more) // until one is refused
				return c
			}
			const again = 2 * time.Second
			c := refused()
			c.now = c.now.Add(again)
			if c.Take(budget.PostMessage, "C1", tt.less) == 0 {
				t.Error("what matters less took what the other one was told to come for")
			}
			if got := c.Take(budget.PostMessage, "C1", tt.more); got != 0 {
				t.Errorf("it came when it was told to, and was told to come after %s", got)
			}
			c = refused()
			if got := c.Take(budget.PostMessage, "C1", tt.less); got > again+budget.LongestLate {
				t.Errorf("one that does not come is waited for for %s, want %s after it was to come at most", got, budget.LongestLate)
			}
			c.now = c.now.Add(again + budget.LongestLate)
			if got := c.Take(budget.PostMessage, "C1", tt.less); got != 0 {
				t.Errorf("one that did not come is still waited for, for %s", got)
			}
			c = refused()
			if got := c.Take(budget.PostMessage, "C2", tt.less); got != 0 {
				t.Errorf("in another channel it was told to come after %s", got)
			}
		})
	}
}

// In no minute there are more calls than Slack publishes, and none are lost over time.
func TestTakeKeepsWithinEveryMinute(t *testing.T) {
	for name, tt := range map[string]struct {
		method      string
		channels    int
		rate, share float64
		most, least int // in a minute; over ten minutes, in each
	}{
		"edits, tier 3":                    {budget.Update, 0, 1, 1, 50, 40},
		"edits, shared with others":        {budget.Update, 0, 0.5, 1, 25, 20},
		"edits, one of two replicas":       {budget.Update, 0, 1, 0.5, 25, 20},
		"posts in one channel":             {budget.PostMessage, 1, 1, 1, 63, 60},
		"posts in one, one of two":         {budget.PostMessage, 1, 1, 0.5, 31, 30},
		"posts in as many as there may be": {budget.PostMessage, 20, 1, 1, 300, 240},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(tt.rate)
			c.Share(1, int(1/tt.share))
			var calls []time.Time
			for range 600 * 4 {
				for i := range max(1, tt.channels) {
					channel := ""
					if tt.channels > 0 {
						channel = fmt.Sprint("C", i)
					}
					for c.Take(tt.method, channel, budget.Start) == 0 {
						calls = append(calls, c.now)
					}
				}
				c.now = c.now.Add(250 * time.Millisecond)
			}
			most := 0
			for i, at := range calls {
				j, _ := slices.BinarySearchFunc(calls, at.Add(-time.Minute), time.Time.Compare)
				for j < i && !calls[j].After(at.Add(-time.Minute)) {
					j++
				}
				most = max(most, i-j+1)
			}
			if most > tt.most || len(calls) < 10*tt.least-1 {
				t.Errorf("up to %d calls a minute and %d in ten; want at most %d, and at least %d", most, len(calls), tt.most, 10*tt.least)
			}
		})
	}
}

func TestShareComesAndGoes(t *testing.T) {
	c := newClocked(1)
	for _, tt := range []struct{ own, all, want int }{{2, 4, 5}, {2, 2, 10}, {2, 20, 1}, {0, 0, 10}, {2, 1, 10}} {
		c.Share(tt.own, tt.all)
		c.now = c.now.Add(time.Hour)
		if got := c.granted(budget.Update, "", budget.Start); got != tt.want {
			t.Errorf("%d of %d connections: %d edits at once, want %d", tt.own, tt.all, got, tt.want)
		}
	}
}

// Channels that are not used any more are forgotten.
func TestChannelsAreForgotten(t *testing.T) {
	c := newClocked(1)
	for i := range 10 * budget.ManyChannels {
		c.Take(budget.PostMessage, fmt.Sprint("C", i), budget.Start)
		c.now = c.now.Add(10 * time.Second)
	}
	if got := c.Places(); got > budget.ManyChannels+1 {
		t.Errorf("%d are kept", got)
	}
}

// flood is a time in which all want to show something at once: their cards' ends and the
// replies to them, how others come along, and what is started meanwhile.
type flood struct {
	*clocked
	random *rand.Rand
	jobs   []*job // the next one first
	calls  []job
}

// job is a call that somebody makes when it is granted.
type job struct {
	method, channel string
	purpose         budget.Purpose
	asked, due      time.Time
	again           bool // there is always more to show
}

func newFlood(rate float64, seed uint64) *flood {
	f := &flood{clocked: newClocked(rate), random: rand.New(rand.NewPCG(seed, seed))}
	f.SetClock(func() time.Time { return f.now }, func(d time.Duration) time.Duration { return time.Duration(f.random.Int64N(int64(d) + 1)) })
	return f
}

func (f *flood) want(at time.Time, method, channel string, p budget.Purpose, again bool) {
	f.queue(&job{method, channel, p, at, at, again})
}

// queue puts a job behind those that are due no later.
func (f *flood) queue(j *job) {
	at, _ := slices.BinarySearchFunc(f.jobs, j.due, func(other *job, due time.Time) int {
		if other.due.After(due) {
			return 1
		}
		return -1
	})
	f.jobs = slices.Insert(f.jobs, at, j)
}

// run makes the calls until none is left but those that never end. Nobody sleeps for
// longer than the engine lets a card's token sleep.
func (f *flood) run() {
	const nap = 2 * time.Second
	for slices.ContainsFunc(f.jobs, func(j *job) bool { return !j.again }) {
		next := f.jobs[0]
		f.jobs, f.now = f.jobs[1:], next.due
		if wait := f.Take(next.method, next.channel, next.purpose); wait > 0 {
			next.due = f.now.Add(min(wait, nap))
			f.queue(next)
			continue
		}
		f.calls = append(f.calls, *next)
		if next.again {
			next.asked, next.due = f.now, f.now.Add(3*time.Second)
			f.queue(next)
		}
	}
}

// Two hundred pipelines end at once while twenty others come along and somebody starts one
// now and then: every end is shown within Slack's limits, starts are shown at once, and
// progress only when no end waits. So it is with a part of the limits, in a part's time.
func TestNothingStarves(t *testing.T) {
	for _, tt := range []struct {
		channels int
		rate     float64
		own, all int // connections
	}{{1, 1, 2, 2}, {10, 1, 2, 2}, {1, 1, 2, 4}, {10, 1, 2, 4}, {1, 1, 2, 6}, {10, 1, 2, 6}, {1, 0.5, 2, 2}} {
		channels, part := tt.channels, tt.rate*float64(tt.own)/float64(tt.all)
		t.Run(fmt.Sprintf("%d channels, rate %g, %d of %d connections", channels, tt.rate, tt.own, tt.all), func(t *testing.T) {
			partly := func(d time.Duration) time.Duration { return time.Duration(float64(d) / part) }
			f := newFlood(tt.rate, uint64(channels))
			f.Share(tt.own, tt.all)
			begin := f.now
			for range 20 {
				f.want(begin, budget.Update, "", budget.Progress, true)
			}
			for i := range 200 {
				f.want(begin, budget.Update, "", budget.End, false)
				f.want(begin, budget.PostMessage, fmt.Sprint("C", i%channels), budget.End, false)
			}
			for i := range 10 {
				f.want(begin.Add(time.Duration(i)*15*time.Second), budget.PostMessage, fmt.Sprint("C", i%channels), budget.Start, false)
			}
			f.run()
			var slowest, edits, posts time.Duration
			progress := 0
			for _, c := range f.calls {
				switch {
				case c.purpose == budget.Start:
					slowest = max(slowest, c.due.Sub(c.asked))
				case c.purpose == budget.Progress:
					progress++
				case c.method == budget.Update:
					edits = max(edits, c.due.Sub(begin))
				default:
					posts = max(posts, c.due.Sub(begin))
				}
			}
			t.Logf("the last card was final after %s, the last reply there after %s; a start waited %s at most; %d edits showed progress", edits, posts, slowest, progress)
			if most := partly(30*time.Second + 240*time.Second/time.Duration(channels)); posts > most {
				t.Errorf("the last reply came after %s, want at most %s", posts, most)
			}
			if most := partly(5 * time.Minute); edits > most { // 200 at 40 a minute, without the bucket
				t.Errorf("the last card was final after %s, want at most %s", edits, most)
			}
			if most := 2*time.Second + partly(2*time.Second); slowest > most { // to come again; and until there is enough
				t.Errorf("a start waited for %s, want at most %s", slowest, most)
			}
			if progress > 20 {
				t.Errorf("%d edits showed progress while ends waited", progress)
			}
		})
	}
}
