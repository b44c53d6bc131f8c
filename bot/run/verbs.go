package run

import (
	"context"
	"errors"
	"time"

	"pipebot/gitlab"
)

// asking is one request to GitLab, and the looks at what came of it where its answer does
// not tell.
type asking func(ctx context.Context, project, pipeline, job int64) (answer, error)

// asks is how GitLab is asked for a verb, nil for what is none.
func (e *Engine) asks(v Verb) asking {
	return map[Verb]asking{Cancel: e.cancel, Retry: e.retry, Play: e.play, Delete: e.remove}[v]
}

func (e *Engine) cancel(ctx context.Context, project, pipeline, _ int64) (answer, error) {
	p, err := e.GitLab.Cancel(ctx, project, pipeline)
	return answer{seen: gitlab.Observation{Pipeline: p}}, err
}

// retry asks for the retry once. GitLab's answer can be lost, and can still be that
// of the ended pipeline; then the pipeline is looked at until it has come to life.
func (e *Engine) retry(ctx context.Context, project, pipeline, _ int64) (answer, error) {
	p, err := e.GitLab.Retry(ctx, project, pipeline)
	if err == nil && !p.Status.Ended() || err != nil && gitlab.KindOf(err) != gitlab.Unclear {
		return answer{seen: gitlab.Observation{Pipeline: p}}, err
	}
	o, lives := e.lookUntil(ctx, project, pipeline, func(o gitlab.Observation, err error) bool {
		return err == nil && !o.Pipeline.Status.Ended()
	})
	switch {
	case lives:
		return answer{seen: o}, nil
	case err != nil:
		return answer{}, err
	default:
		return answer{late: true}, ErrNotYet
	}
}

// play starts a job and looks what became of the pipeline: GitLab moves that a moment
// later.
func (e *Engine) play(ctx context.Context, project, pipeline, job int64) (answer, error) {
	before, err := e.GitLab.ObserveOne(ctx, project, pipeline)
	if err != nil {
		return answer{}, err
	}
	played, err := e.playOnce(ctx, project, before, job)
	if err != nil {
		return answer{}, err
	}
	o, moved := e.lookUntil(ctx, project, pipeline, func(o gitlab.Observation, err error) bool {
		// One that ran already goes on as before.
		rests := o.Pipeline.Status.Ended() || o.Pipeline.Status.Waits()
		return err == nil && (!rests || o.Pipeline.UpdatedAt.After(before.Pipeline.UpdatedAt))
	})
	return answer{seen: o, job: played.Name, late: !moved}, nil
}

// playOnce asks once for a job of a pipeline. A lost answer counts as given where the job
// was waiting for somebody before, and is not any more.
func (e *Engine) playOnce(ctx context.Context, project int64, before gitlab.Observation, job int64) (gitlab.Job, error) {
	played, err := e.GitLab.PlayJob(ctx, project, job)
	waiting, waited := manualJob(before, job)
	if err == nil || gitlab.KindOf(err) != gitlab.Unclear || !waited {
		return played, err
	}
	_, taken := e.lookUntil(ctx, project, before.Pipeline.ID, func(o gitlab.Observation, err error) bool {
		_, waits := manualJob(o, job)
		return err == nil && !waits
	})
	if !taken {
		return gitlab.Job{}, err
	}
	return waiting, nil
}

// remove deletes a pipeline. Where it was gone already, that is written down as nobody's
// doing.
func (e *Engine) remove(ctx context.Context, project, pipeline, _ int64) (answer, error) {
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
	return answer{}, err
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
