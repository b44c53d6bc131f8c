package run

import (
	"sync"
	"time"
)

// What holds when a clock jumps. Times in records are by the wall clock, since they are
// compared by another process than wrote them, so each wait is bounded by what it can
// sensibly be. A clock that went back is known by a time in the record that is still to
// come although it was written as the present: what waited is due now then, and an
// unclear start is counted anew from now (rewound), never earlier.
//
// A clock that went on makes waits seem over. All but one of them are for politeness. The
// one is START_SETTLE, before which nobody may look whether an unanswered start was done:
// the process that made the POST waits by its own clock, which does not jump (posts). What
// is left is a process that died with a POST under way, on a machine whose clock is set
// forward before it is back; for it the settle time is shorter by the jump. Requests and
// holds that seem to have grown too old are refused, and people are told.

// lookBack is how far back an unclear start is looked for after the clock went back: its
// time says nothing then.
const lookBack = 24 * time.Hour

// longestWait is the most that GitLab's Retry-After is obeyed for, and more than any
// back-off.
const longestWait = time.Hour

// clocksApart is how far the clocks of two replicas may be apart. What one wrote down is
// then a little ahead of the other's present, which does not say that a clock went back.
const clocksApart = time.Minute

// due is when the next try is due, by a clock that may have gone back since the last one.
func (r Run) due(now time.Time) time.Time {
	if r.Tried.Sub(now) > clocksApart || r.NotBefore.Sub(now) > longestWait {
		return now
	}
	return r.NotBefore
}

// clockWentBack reports whether GitLab was asked at a time that is still to come.
func (r Run) clockWentBack(now time.Time) bool {
	return r.State == Starting && now.Before(r.PostedAt)
}

// rewound is a run whose start is unclear, after the clock went back: GitLab has as long
// from now on as it had from the first POST on.
func (r Run) rewound(now time.Time) Run {
	if !r.clockWentBack(now) {
		return r
	}
	r.Deadline = now.Add(r.Deadline.Sub(r.PostedAt))
	r.PostedAt = now.Add(-lookBack)
	return r
}

// startedUntil is when GitLab has made the pipeline of an unclear start at the latest, zero
// where the record cannot tell: it was counted anew.
func (r Run) startedUntil(settle time.Duration) time.Time {
	if r.Deadline.Sub(r.PostedAt) >= lookBack {
		return time.Time{}
	}
	return r.Deadline.Add(settle)
}

// posts are the ends of the POSTs that this process made and that were not answered, by
// the run. They are times that a jump of the wall clock does not move.
type posts struct{ ends sync.Map }

// postsKept is how long an end is kept that nobody came back to here: another replica
// looked. That is longer than anybody waits for a start to settle.
const postsKept = time.Hour

func (p *posts) begin(id string, deadline time.Time) {
	p.ends.Range(func(old, end any) bool {
		if time.Since(end.(time.Time)) > postsKept { //nolint:forcetypeassert // only times are stored
			p.ends.Delete(old)
		}
		return true
	})
	p.ends.Store(id, deadline)
}

func (p *posts) end(id string) { p.ends.Delete(id) }

// wait is how much longer the step has to wait for the run's POST, whatever the wall
// clock says.
func (p *posts) wait(id string, next step, settle time.Duration) time.Duration {
	end, ok := p.ends.Load(id)
	if !ok {
		return 0
	}
	left := time.Until(end.(time.Time)) //nolint:forcetypeassert // only times are stored
	switch next {
	case stepDoubt, stepRewind:
		return left
	case stepLook:
		return left + settle
	case stepNone, stepPost: // it is past that start
		p.end(id)
	}
	return 0
}
