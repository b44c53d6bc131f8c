package run

import (
	"cmp"
	"slices"
	"time"

	"pipebot/gitlab"
)

// Verb is what people do to a pipeline.
type Verb string

// The verbs.
const (
	// Cancel stops the jobs that have not ended.
	Cancel Verb = "cancel"
	// Retry runs the jobs again that failed or were canceled.
	Retry Verb = "retry"
	// Delete takes the pipeline away for good.
	Delete Verb = "delete"
	// Play starts a manual job.
	Play Verb = "play"
)

// Act is what a person did to a pipeline.
type Act struct {
	Verb Verb `json:"verb"`
	// By is who did it; Team is the workspace that the id belongs to.
	By   string    `json:"by"`
	Team string    `json:"team,omitempty"`
	At   time.Time `json:"at"`
	// Job is the name of the job that was started, where it is known; [Engine.Act] learns
	// it from GitLab.
	Job string `json:"job,omitempty"`
}

// same reports whether two acts are one: nobody does two things at the same moment.
func (a Act) same(other Act) bool {
	return a.Verb == other.Verb && a.By == other.By && a.Team == other.Team && a.At.Equal(other.At)
}

// actsKept is how many acts a record keeps: the card names the last ones.
const actsKept = 5

// did is the run with what somebody did to its pipeline. What the engine does itself has
// no verb and is not kept, and what is known already is not known twice.
func (r Run) did(act Act) Run {
	if act.Verb == "" || slices.ContainsFunc(r.Acts, act.same) {
		return r
	}
	acts := append(slices.Clone(r.Acts), act)
	r.Acts = acts[max(0, len(acts)-actsKept):]
	return r
}

// answer is what GitLab said to an act.
type answer struct {
	seen gitlab.Observation // the pipeline after it
	job  string             // the name of the job that was started
	// late: GitLab took it, and the pipeline has not moved so far.
	late bool
}

// answered is the run after GitLab's answer to an act. Where GitLab may yet do it, or will
// move the pipeline in a moment, the intent stands: somebody goes on looking.
func (r Run) answered(i Intent, a answer, err error) Run {
	i.Job = cmp.Or(a.job, i.Job)
	switch {
	case a.late && i.Verb == Play:
		return r.taken(i)
	case a.late:
		return r // perhaps there is nothing to run again
	case err != nil && gitlab.KindOf(err) == gitlab.Unclear:
		return r
	case err != nil:
		return r.without(i.Act)
	case i.Verb == Delete:
		return r.deleted(i.Act).without(i.Act)
	default:
		return r.acted(a.seen, i.Act).without(i.Act)
	}
}

// taken is the run after GitLab took a job to start, and before its pipeline moves.
func (r Run) taken(i Intent) Run {
	r = r.without(i.Act)
	if !r.hasPipeline() || r.Deleted {
		return r
	}
	i.Waited = true // GitLab starts no other
	r = r.intends(i).did(i.Act)
	r.Progress = startedIn(r.Progress, i.JobID)
	return r
}

// deleted is the run after a person deleted its pipeline. The poller may have been
// quicker, and not have known who did.
func (r Run) deleted(act Act) Run {
	if !r.hasPipeline() {
		return r
	}
	return r.gone().did(act)
}

// acted is the run after something was done to its pipeline, and GitLab showed it like
// this then. An observation without stages leaves the progress as it is.
func (r Run) acted(o gitlab.Observation, act Act) Run {
	if !r.hasPipeline() || r.Deleted {
		return r
	}
	p, known := o.Pipeline, r.Pipeline.UpdatedAt
	// over: it had ended, and has ended (again). A job that somebody started can be
	// done by now, and a cancellation can have been polled before GitLab answered.
	over := r.State == Ended && p.Status.Ended() && !r.endedAnew(p)
	if over && act.Verb != Play && (act.Verb != Cancel || p.Status != gitlab.StatusCanceled) {
		return r // nothing came of it
	}
	r = r.did(act)
	if p.UpdatedAt.Before(known) || over && (act.Verb != Play || p.UpdatedAt.Equal(known)) {
		return r // the poller was quicker, and knows better
	}
	if r.State == Ended {
		r.State = Started
		r.Lives++
	}
	r.Silence = nil
	p.Name = cmp.Or(p.Name, r.Pipeline.Name) // answers to a retry and to a cancel leave it out
	r.Pipeline = p
	if len(o.Progress.Stages) > 0 {
		r.Progress = o.Progress
	}
	return r
}

// startedIn is the progress without a job that waits for somebody no more.
func startedIn(p gitlab.Progress, job int64) gitlab.Progress {
	manual := slices.DeleteFunc(slices.Clone(p.Manual), func(j gitlab.Job) bool { return j.ID == job })
	p.ManualTotal -= len(p.Manual) - len(manual)
	p.Manual = manual
	return p
}

// manualJob finds a job among those that wait for somebody to start them.
func manualJob(o gitlab.Observation, id int64) (job gitlab.Job, waits bool) {
	i := slices.IndexFunc(o.Progress.Manual, func(j gitlab.Job) bool { return j.ID == id })
	if i < 0 {
		return gitlab.Job{}, false
	}
	return o.Progress.Manual[i], true
}
