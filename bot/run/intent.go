package run

import (
	"context"
	"slices"
	"time"

	"pipebot/gitlab"
)

// actTimeout is how long somebody works on an act at the most. Whoever asks may give it
// less.
const actTimeout = 20 * time.Second

// settleLooks is how often GitLab is looked at, while it may still finish what nobody
// waits for any more.
const settleLooks = 8

// Intent is an act that GitLab is being asked for. It is written into the records that
// show the pipeline before GitLab is, so that whatever dies in between, somebody looks
// what came of it. It is never done again for that.
type Intent struct {
	Act
	// JobID is the job that is to be started; Waited says that it is known to have waited
	// for somebody.
	JobID  int64 `json:"job_id,omitempty"`
	Waited bool  `json:"waited,omitempty"`
	// Until is when whoever asks GitLab gives up. Nobody else looks before.
	Until time.Time `json:"until"`
}

// due is when the intent is looked into. One that lies further ahead than anybody works
// on it says that the clock went back: it is looked into now. A look changes nothing in
// GitLab, and where the act is still under way the next one sees more.
func (i Intent) due(now time.Time) time.Time {
	if i.Until.Sub(now) > actTimeout {
		return now
	}
	return i.Until
}

// intends is the run with an act that GitLab is about to be asked for.
func (r Run) intends(i Intent) Run {
	if !r.hasPipeline() || r.Deleted {
		return r
	}
	if job, waits := manualJob(gitlab.Observation{Progress: r.Progress}, i.JobID); waits {
		i.Waited = true
		if i.Job == "" {
			i.Job = job.Name
		}
	}
	doing := append(slices.Clone(r.Doing), i)
	r.Doing = doing[max(0, len(doing)-actsKept):]
	return r
}

// without is the run without an intent that has come to its end.
func (r Run) without(act Act) Run {
	doing := slices.DeleteFunc(slices.Clone(r.Doing), func(i Intent) bool { return i.same(act) })
	if len(doing) == 0 {
		doing = nil
	}
	r.Doing = doing
	return r
}

// settleAt is when the next of the run's intents is to be looked into, where it has any.
// What strays is canceled first.
func (r Run) settleAt(now time.Time) (at time.Time, doing bool) {
	if !r.hasPipeline() || r.strays() {
		return now, false
	}
	for n, i := range r.Doing {
		if due := i.due(now); n == 0 || due.Before(at) {
			at = due
		}
	}
	return at, len(r.Doing) > 0
}

// came reports whether GitLab shows that the act was done. In doubt it was not: who did
// it is then not named, and the pipeline is followed all the same.
func (i Intent) came(r Run, o gitlab.Observation) bool {
	revived := r.State == Ended && (!o.Pipeline.Status.Ended() || r.endedAnew(o.Pipeline))
	switch i.Verb {
	case Cancel:
		return o.Pipeline.Status == gitlab.StatusCanceling || o.Pipeline.Status == gitlab.StatusCanceled
	case Retry:
		return revived
	case Play:
		// The job is taken before an ended pipeline moves: until that does, somebody has to
		// look, since nobody polls it.
		_, waits := manualJob(o, i.JobID)
		moved := !o.Pipeline.Status.Ended() || o.Pipeline.UpdatedAt.After(r.Pipeline.UpdatedAt)
		return i.Job != "" && (revived || i.Waited && !waits && moved)
	default:
		return false // what is deleted is not seen
	}
}

// settled is the run after GitLab was looked at for the intents that nobody works on any
// more; gone says that it has no such pipeline. One that nothing came of is kept for as
// long as GitLab may still finish it.
func (r Run) settled(o gitlab.Observation, gone bool, now time.Time, settle time.Duration) Run {
	for _, i := range r.Doing {
		switch {
		case now.Before(i.due(now)):
		case gone && i.Verb == Delete:
			r = r.deleted(i.Act).without(i.Act)
		case gone:
			r = r.gone().without(i.Act)
		case i.came(r, o):
			r = r.acted(o, i.Act).without(i.Act)
		case !now.Before(i.Until.Add(settle)):
			r = r.without(i.Act)
		case i.Until.After(now): // by a clock that went back: it counts from now on
			r = r.without(i.Act)
			i.Until = now
			r.Doing = append(r.Doing, i)
		}
	}
	if gone {
		return r
	}
	return r.acted(o, Act{})
}

// outlived is the run without intents of which GitLab did not tell for so long that
// nobody waits for it.
func (r Run) outlived(now time.Time) Run {
	for _, i := range r.Doing {
		if now.Sub(i.Until) > requestExpires {
			r = r.without(i.Act)
		}
	}
	return r
}

// settle looks what came of the acts on a run's pipeline that whoever asked for them did
// not write down, and says when to look again.
func (e *Engine) settle(ctx context.Context, r Run) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	o, err := e.GitLab.ObserveOne(ctx, r.Project.ID, r.Pipeline.ID)
	gone := gitlab.IsNotFound(err) && e.canSee(ctx, r.Project.ID)
	if gone {
		err = nil
	}
	change := func(r Run) Run { return r.settled(o, gone, time.Now(), e.StartSettle) }
	if err != nil {
		change = func(r Run) Run { return r.outlived(time.Now()) }
	}
	after, keepErr := e.keep(ctx, r.Request.ID, change)
	switch {
	case err != nil:
		return e.failed("looking what came of an act", r.Request.ID, err,
			max(e.pollBackoff(settleLooks), min(retryAfter(err), time.Minute))) // while the token sleeps nothing else is done
	case keepErr != nil:
		return e.failed("writing what came of an act", r.Request.ID, keepErr, time.Second)
	case len(after.Doing) > 0:
		return e.StartSettle / settleLooks
	default:
		return 0
	}
}
