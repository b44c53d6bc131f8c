package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

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

// Act does something to a pipeline for a person: once on GitLab, and then in every record
// that shows the pipeline; there may be none. job is GitLab's id of the job to start, of
// Play alone; the caller knows that it is one of the pipeline's. An answer that was lost
// is looked into before it is an error. Where GitLab has no such pipeline any more, the
// records say so, and the error is a NotFound.
//
// The records have the intent before GitLab is asked. What cannot be written afterwards,
// by a process that died or a store that is away, is written by whoever looks at the
// intent later: no error says that something was not done which was.
func (e *Engine) Act(ctx context.Context, project gitlab.Project, pipeline int64, act Act, job int64) error {
	if pipeline == 0 {
		return errNoPipeline
	}
	if !slices.Contains([]Verb{Cancel, Retry, Delete, Play}, act.Verb) {
		return fmt.Errorf("nobody can %q a pipeline", act.Verb)
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	// A record that is at rest is found by the mirror alone.
	if err := e.live.knowsAll(ctx); err != nil {
		return err
	}
	until, _ := ctx.Deadline()
	intent := Intent{Act: act, JobID: job, Until: until}
	if err := e.keepShown(ctx, project.ID, pipeline, func(r Run) Run { return r.intends(intent) }); err != nil {
		// Nobody asks GitLab: where one record has the intent, nothing is to come of it.
		if undo := e.keepShown(ctx, project.ID, pipeline, func(r Run) Run { return r.without(act) }); undo != nil {
			e.Log.Warn("an act that nobody does is looked for", zap.String("verb", string(act.Verb)),
				zap.Int64("project", project.ID), zap.Int64("pipeline", pipeline), zap.NamedError("reason", undo))
		}
		return err
	}
	change, err := e.do(ctx, project.ID, pipeline, act, job)
	if err != nil {
		if gitlab.KindOf(err) == gitlab.Unclear {
			return err // GitLab may yet do it: the intent stands
		}
		change = func(r Run) Run { return r }
	}
	keepErr := e.keepShown(ctx, project.ID, pipeline, func(r Run) Run { return change(r).without(act) })
	if keepErr != nil {
		e.Log.Warn("what somebody did to a pipeline is shown later", zap.String("verb", string(act.Verb)),
			zap.Int64("project", project.ID), zap.Int64("pipeline", pipeline), zap.NamedError("reason", keepErr))
	}
	return err
}

// do asks GitLab, and returns what it means to a record that shows the pipeline.
func (e *Engine) do(ctx context.Context, project, pipeline int64, act Act, job int64) (change func(Run) Run, err error) {
	var o gitlab.Observation
	switch act.Verb {
	case Cancel:
		o.Pipeline, err = e.GitLab.Cancel(ctx, project, pipeline)
	case Retry:
		o, err = e.retry(ctx, project, pipeline)
	case Play:
		var name string
		o, name, err = e.play(ctx, project, pipeline, job)
		act.Job = cmp.Or(name, act.Job)
	case Delete:
		return func(r Run) Run { return r.deleted(act) }, e.remove(ctx, project, pipeline)
	}
	return func(r Run) Run { return r.acted(o, act) }, err
}

// keepShown changes every record that shows a pipeline.
func (e *Engine) keepShown(ctx context.Context, project, pipeline int64, change func(Run) Run) error {
	var failed error
	for _, s := range e.History().Shown(project, pipeline) {
		if _, err := e.keep(ctx, s.ID, change); !errors.Is(err, ErrNotFound) { // it may have expired just now
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// cancelStrayed cancels the pipeline of a run that is not what was approved.
func (e *Engine) cancelStrayed(ctx context.Context, r Run) error {
	p, err := e.GitLab.Cancel(ctx, r.Project.ID, r.Pipeline.ID)
	if err != nil {
		return err
	}
	_, err = e.keep(ctx, r.Request.ID, func(r Run) Run { return r.acted(gitlab.Observation{Pipeline: p}, Act{}) })
	return err
}

// retry asks for the retry once. GitLab's answer can be lost, and can still be that
// of the ended pipeline; then the pipeline is looked at until it has come to life.
func (e *Engine) retry(ctx context.Context, project, pipeline int64) (gitlab.Observation, error) {
	p, err := e.GitLab.Retry(ctx, project, pipeline)
	if err == nil && !p.Status.Ended() || err != nil && gitlab.KindOf(err) != gitlab.Unclear {
		return gitlab.Observation{Pipeline: p}, err
	}
	o, lives := e.lookUntil(ctx, project, pipeline, func(o gitlab.Observation, err error) bool {
		return err == nil && !o.Pipeline.Status.Ended()
	})
	switch {
	case lives:
		err = nil
	case err == nil:
		err = &gitlab.Error{Op: "retrying the pipeline", Kind: gitlab.Invalid, Message: "it has not started again"}
	}
	return o, err
}

// play starts a job and looks what became of the pipeline: GitLab moves that a moment
// later. It returns the job's name too. A lost answer counts as given where the job was
// waiting for somebody before, and is not any more.
func (e *Engine) play(ctx context.Context, project, pipeline, job int64) (o gitlab.Observation, name string, err error) {
	before, err := e.GitLab.ObserveOne(ctx, project, pipeline)
	if err != nil {
		return before, "", err
	}
	played, playErr := e.GitLab.PlayJob(ctx, project, job)
	if playErr != nil {
		var waited bool
		if played, waited = manualJob(before, job); !waited || gitlab.KindOf(playErr) != gitlab.Unclear {
			return before, "", playErr
		}
	}
	o, moved := e.lookUntil(ctx, project, pipeline, func(o gitlab.Observation, err error) bool {
		if _, waits := manualJob(o, job); playErr != nil {
			return err == nil && !waits
		}
		// One that ran already goes on as before.
		rests := o.Pipeline.Status.Ended() || o.Pipeline.Status.Waits()
		return err == nil && (!rests || o.Pipeline.UpdatedAt.After(before.Pipeline.UpdatedAt))
	})
	switch {
	case moved:
		return o, played.Name, nil
	case playErr != nil:
		return before, "", playErr
	default:
		before.Progress = startedIn(before.Progress, job)
		return before, played.Name, nil
	}
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

// remove deletes a pipeline. Where it was gone already, that is written down as nobody's
// doing.
func (e *Engine) remove(ctx context.Context, project, pipeline int64) error {
	err := e.GitLab.DeletePipeline(ctx, project, pipeline)
	switch {
	case err == nil:
	case gitlab.IsNotFound(err) && e.canSee(ctx, project):
		err = errors.Join(err, e.keepShown(ctx, project, pipeline, Run.gone))
	case gitlab.KindOf(err) == gitlab.Unclear:
		_, gone := e.lookUntil(ctx, project, pipeline, func(_ gitlab.Observation, err error) bool {
			return gitlab.IsNotFound(err) && e.canSee(ctx, project)
		})
		if gone {
			err = nil
		}
	}
	return err
}

// canSee reports whether GitLab shows the project: a 404 for one of its pipelines says
// nothing without that.
func (e *Engine) canSee(ctx context.Context, project int64) bool {
	_, err := e.GitLab.ListPipelines(ctx, project, gitlab.ListFilter{UpdatedAfter: time.Now()})
	return err == nil
}

// lookUntil looks at a pipeline a few times, each after a pause, until it is as it
// should be.
func (e *Engine) lookUntil(ctx context.Context, project, pipeline int64, is func(gitlab.Observation, error) bool) (o gitlab.Observation, ok bool) {
	const looks = 5
	for range looks {
		pause(ctx)
		o, err := e.GitLab.ObserveOne(ctx, project, pipeline)
		if is(o, err) {
			return o, true
		}
	}
	return gitlab.Observation{}, false
}
