package run

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

// ErrNotYet: GitLab took a retry, and has started nothing so far. Perhaps there was nothing
// to run again; where it starts something within a while, the records that show the
// pipeline say so.
var ErrNotYet = errors.New("GitLab took it and has started nothing so far")

// Act does something to a pipeline for a person: once on GitLab, and then in every record
// that shows the pipeline; there may be none. job is GitLab's id of the job to start, of
// Play alone; the caller knows that it is one of the pipeline's. An answer that was lost
// is looked into before it is an error; one that stays Unclear leaves open whether it was
// done. Where GitLab has no such pipeline any more, the records say so, and the error is a
// NotFound. ErrNotYet is of Retry alone.
//
// The records have the intent before GitLab is asked. What cannot be written afterwards,
// by a process that died or a store that is away, and what GitLab does later, is written by
// whoever looks at the intent then.
func (e *Engine) Act(ctx context.Context, project gitlab.Project, pipeline int64, act Act, job int64) error {
	if pipeline == 0 {
		return errNoPipeline
	}
	ask := e.asks(act.Verb)
	if ask == nil {
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
	a, err := ask(ctx, project.ID, pipeline, job)
	keepErr := e.keepShown(ctx, project.ID, pipeline, func(r Run) Run { return r.answered(intent, a, err) })
	if keepErr != nil {
		e.Log.Warn("what somebody did to a pipeline is shown later", zap.String("verb", string(act.Verb)),
			zap.Int64("project", project.ID), zap.Int64("pipeline", pipeline), zap.NamedError("reason", keepErr))
	}
	return err
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
