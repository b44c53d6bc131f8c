package run

import (
	"math/rand/v2"
	"time"

	"pipebot/gitlab"
)

// requestExpires is how long a request waits for GitLab. Nobody wants a release
// that was asked for in the morning to start when GitLab comes back at night.
const requestExpires = time.Hour

// mostLooks is how often in a row GitLab may fail to say whether it started a
// pipeline, before people are asked: three quarters of an hour of trying. It counts
// looks and not hours, since a bot that was down has not looked.
const mostLooks = 120

// step is what has to be done next for a run, on its own: to start it, or to find out what
// came of what people did to its pipeline. What is followed in GitLab is polled.
type step int

const (
	stepNone   step = iota // it is started, refused or unknown
	stepWait               // until the given time
	stepPost               // ask GitLab to start it
	stepDoubt              // tell people that its start is unclear
	stepRewind             // count its start from now on, since the clock went back
	stepLook               // look whether GitLab started it
	stepReview             // ask whether what held it is gone
	stepCancel             // cancel what strayed from what was approved
	stepSettle             // look what came of what people did
	stepGiveUp
)

// nextStep decides how a run goes on, and when: towards its start, and with the acts on
// its pipeline that nobody works on any more.
func nextStep(r Run, now time.Time, settle time.Duration) (step, time.Time) {
	expires := later(later(r.Request.At, r.ReleasedAt), r.startedOverAt()).Add(requestExpires)
	settleAt, doing := r.settleAt(now)
	switch {
	case doing && now.Before(settleAt):
		return stepWait, settleAt
	case doing:
		return stepSettle, now
	case r.Request.Follow:
		return stepNone, now // whatever it says: it is nothing that may be started
	case r.State == Held && !now.Before(r.Hold.Until):
		return stepGiveUp, now
	case r.State == Held:
		return stepReview, now
	case r.strays():
		return stepCancel, now
	case r.State == Requested && !now.Before(expires):
		return stepGiveUp, now
	case r.State == Requested && now.Before(r.due(now)):
		return stepWait, earlier(r.due(now), expires)
	case r.State == Requested:
		return stepPost, now
	case r.State != Starting:
		return stepNone, now
	}
	// GitLab may yet finish what the client gave up on.
	due := later(r.Deadline.Add(settle), r.due(now))
	switch {
	case r.clockWentBack(now):
		return stepRewind, now
	case !r.Unclear && now.Before(r.Deadline):
		return stepWait, r.Deadline
	case !r.Unclear:
		return stepDoubt, now
	case r.Tries >= mostLooks:
		return stepGiveUp, now
	case now.Before(due):
		return stepWait, due
	default:
		return stepLook, now
	}
}

// strays reports whether the run's pipeline is not what was approved, and goes on.
func (r Run) strays() bool {
	return r.State == Started && r.Strayed && !r.Pipeline.Status.Ended() && r.Pipeline.Status != gitlab.StatusCanceling
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// moved is a run that the settings would now make another pipeline of.
func (r Run) moved() Run {
	if r.State == Requested {
		r.State, r.Waiting, r.Refusal = Refused, nil, &Refusal{Moved: true}
	}
	return r
}

// unresolved is a run whose project could not be read; nothing was sent.
func (r Run) unresolved(err error, now time.Time) Run {
	switch kind := gitlab.KindOf(err); {
	case r.State != Requested:
		return r
	case kind == gitlab.Unclear || kind == gitlab.NotSent || kind == gitlab.RateLimited:
		return r.waiting(err, now)
	default:
		return r.refused(err)
	}
}

// posting is the run just before GitLab is asked: whoever finds it so later knows
// that a POST may be under way until the deadline, and may take effect after.
func (r Run) posting(project gitlab.Project, now, deadline time.Time) Run {
	r.State, r.Project, r.Deadline, r.Unclear = Starting, project, deadline, false
	if r.PostedAt.IsZero() {
		r.PostedAt = now
	}
	return r
}

// posted is the run after GitLab's answer to the POST.
func (r Run) posted(p gitlab.Pipeline, err error, now time.Time) Run {
	if err == nil {
		return r.started(p)
	}
	switch gitlab.KindOf(err) {
	case gitlab.Unclear:
		return r.doubted()
	case gitlab.NotSent, gitlab.RateLimited:
		r.State = Requested
		return r.waiting(err, now)
	default:
		return r.refused(err)
	}
}

// doubted is the run whose POST was given no answer that was written down. From
// here on Tries counts looks.
func (r Run) doubted() Run {
	if r.State == Starting && !r.Unclear {
		r.Unclear, r.Tries = true, 0
	}
	return r
}

// looked is the run after it was looked for on GitLab.
func (r Run) looked(s gitlab.Search, err error, now time.Time) Run {
	switch kind := gitlab.KindOf(err); {
	case s.Found.ID != 0:
		return r.started(s.Found)
	case err == nil && len(s.Unread) > 0:
		r.State, r.Waiting, r.Refusal = Unknown, nil, nil
		r.Candidates, r.MoreCandidates = s.Unread, s.More
		return r
	case err == nil:
		// A readable "not there", after GitLab had time to finish: the POST did
		// nothing, and one more is allowed.
		r.State, r.Unclear, r.Tries, r.Waiting = Requested, false, 0, nil
		return r
	case kind == gitlab.Forbidden || kind == gitlab.NotFound || kind == gitlab.Invalid:
		r.State, r.Waiting, r.Refusal = Unknown, nil, r.refusal(err)
		return r
	default:
		// Neither an outage nor an expired token tells whether it was started.
		return r.waiting(err, now)
	}
}

// gaveUp is the run after it has waited too long.
func (r Run) gaveUp() Run {
	if r.State == Starting {
		r.State, r.Waiting = Unknown, nil
		return r
	}
	waited := r.Waiting
	refusal := &Refusal{Expired: true}
	if r.State == Held {
		refusal.Held = r.Hold.For
	}
	r.State, r.Waiting, r.Hold, r.Refusal = Refused, nil, nil, refusal
	if waited != nil {
		r.Refusal.Kind, r.Refusal.Message = waited.Kind, waited.Message
	}
	return r
}

func (r Run) started(p gitlab.Pipeline) Run {
	r.State, r.Pipeline, r.Unclear, r.Waiting, r.Tries = Started, p, false, nil, 0
	r.NotBefore, r.Tried = time.Time{}, time.Time{}
	// Between the last look at the ref and the start somebody may have pushed.
	r.Strayed = r.Approval != nil && p.SHA != "" && p.SHA != r.Approval.SHA
	return r
}

func (r Run) refused(err error) Run {
	r.State, r.Waiting, r.Unclear = Refused, nil, false
	r.Refusal = r.refusal(err)
	return r
}

// waiting puts the next try off. The reason is kept for the person, who is told
// once: it stays the first one while the run waits.
func (r Run) waiting(err error, now time.Time) Run {
	refusal := r.refusal(err)
	if r.Waiting == nil {
		r.Waiting = refusal
	}
	r.Tries++
	r.Tried = now
	r.NotBefore = now.Add(max(backoff(r.Tries), retryAfter(err)))
	return r
}

func (r Run) refusal(err error) *Refusal {
	refusal := &Refusal{Kind: gitlab.KindOf(err), Source: gitlab.Source(r.Request.Trigger)}
	if e := asError(err); e != nil {
		refusal.Message = e.Message
	}
	return refusal
}

// backoff is how long to wait after so many failures in a row: doubling from half
// a second to half a minute, with jitter so that many waiting runs do not return
// at once.
func backoff(failures int) time.Duration {
	ceiling := min(30*time.Second, time.Duration(1<<min(failures, 10))*250*time.Millisecond)
	return jittered(ceiling)
}

// jittered is some time between the half and the whole.
func jittered(whole time.Duration) time.Duration {
	return whole/2 + rand.N(whole/2+1) //nolint:gosec // jitter is no secret
}
