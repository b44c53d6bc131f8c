package run

import (
	"context"
	"errors"
	"maps"
	"time"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

// Variables that a start carries beside the person's own.
const (
	// MarkerVariable holds the request's ID, by which the pipeline is found again
	// when GitLab's answer is lost.
	MarkerVariable = "PIPEBOT_RUN_ID"
	// UserVariable holds who asked, since GitLab shows the token's owner.
	UserVariable = "PIPEBOT_USER"
)

// start takes a run its next step, and returns when it wants to take another: 0 where that
// is for the watch or the sweep to say.
func (e *Engine) start(ctx context.Context, id string) time.Duration {
	r, err := e.store.get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return 0
	}
	if err != nil {
		return e.failed("reading a run", id, err, time.Second)
	}
	now := time.Now()
	next, at := nextStep(r, now, e.StartSettle)
	if wait := e.posts.wait(id, next, e.StartSettle); wait > 0 {
		return wait
	}
	switch next {
	case stepWait:
		return at.Sub(now)
	case stepPost:
		err = e.post(ctx, r)
	case stepDoubt:
		_, err = e.store.update(ctx, id, func(now Run) Run {
			if !now.Deadline.Equal(r.Deadline) {
				return now
			}
			return now.doubted()
		})
	case stepRewind:
		_, err = e.store.update(ctx, id, func(r Run) Run { return r.rewound(now) })
	case stepLook:
		err = e.look(ctx, r)
	case stepReview:
		if err = e.review(ctx, r); err == nil {
			return 0 // a change makes its own token, and the sweep comes by
		}
	case stepCancel:
		if err = e.cancelStrayed(ctx, r); err == nil {
			return e.PollInterval // it may still run by GitLab's answer
		}
	case stepSettle:
		return e.settle(ctx, r)
	case stepGiveUp:
		_, err = e.store.update(ctx, id, func(r Run) Run {
			if s, _ := nextStep(r, now, e.StartSettle); s != stepGiveUp {
				return r
			}
			return r.gaveUp()
		})
	case stepNone:
		return 0
	}
	if err != nil {
		// Not for long: while the token sleeps, nobody can tell that the run was let go.
		return e.failed("starting a run", id, err, max(time.Second, min(retryAfter(err), time.Minute)))
	}
	return again // the record says what comes next
}

// again is a delay that only lets others have a turn.
const again = time.Millisecond

// post asks GitLab once to start the pipeline. The record says so before, by
// compare-and-set, so that no second POST can be made beside or after this one
// without looking first.
func (e *Engine) post(ctx context.Context, r Run) error {
	token, known := e.Projects.TriggerToken(r.Request.Project)
	if !known || r.Request.triggers(token) != r.Request.Trigger {
		_, err := e.store.update(ctx, r.Request.ID, Run.moved)
		return err
	}
	if limited := e.enough.still(r.Request.Project, time.Now()); limited != nil {
		_, err := e.store.update(ctx, r.Request.ID, func(r Run) Run { return r.unresolved(limited, time.Now()) })
		return err
	}
	resolving, cancel := context.WithTimeout(ctx, readTimeout)
	project, err := e.Projects.Resolve(resolving, r.Request.Project)
	cancel()
	e.enough.note(r.Request.Project, err, time.Now())
	if err != nil {
		_, err = e.store.update(ctx, r.Request.ID, func(r Run) Run { return r.unresolved(err, time.Now()) })
		return err
	}
	if may, err := e.recheckGate(ctx, r); !may {
		return err
	}
	if approved, err := e.stillApproved(ctx, r, project); !approved {
		return err
	}
	now := time.Now()
	deadline := now.Add(e.StartTimeout)
	r, err = e.store.replace(ctx, r, r.posting(project, now, deadline))
	if errors.Is(err, errMoved) {
		return nil // somebody else has it
	}
	if err != nil {
		return err
	}
	if !r.Request.Trigger {
		token = "" // the project's others are started by it
	}
	e.posts.begin(r.Request.ID, deadline)
	postCtx, cancel := context.WithDeadline(ctx, deadline)
	p, postErr := e.GitLab.StartPipeline(postCtx, gitlab.Start{
		Project: project.ID, Ref: r.Request.Ref, TriggerToken: token, Variables: e.variables(r.Request), Files: r.Request.Files,
	})
	cancel()
	e.enough.note(r.Request.Project, postErr, time.Now())
	if postErr == nil || gitlab.KindOf(postErr) != gitlab.Unclear {
		e.posts.end(r.Request.ID)
	}
	if postErr != nil {
		e.Log.Warn("GitLab did not start a pipeline", zap.String("run", r.Request.ID), zap.NamedError("reason", postErr))
	} else {
		e.Log.Info("started a pipeline", zap.String("run", r.Request.ID), zap.Int64("project", project.ID), zap.Int64("pipeline", p.ID))
	}
	return e.answered(ctx, r, func(r Run) Run { return r.posted(p, postErr, time.Now()) })
}

// answered writes down what came of the POST that r tells of. Losing it costs a
// wait, and a look that may not succeed: it is tried until others begin to look.
func (e *Engine) answered(ctx context.Context, r Run, change func(Run) Run) error {
	for {
		_, err := e.keep(ctx, r.Request.ID, func(now Run) Run {
			if now.State != Starting || !now.Deadline.Equal(r.Deadline) {
				return now
			}
			return change(now)
		})
		if err == nil || ctx.Err() != nil || time.Now().After(r.Deadline.Add(e.StartSettle)) {
			return err
		}
		e.Log.Warn("writing GitLab's answer down failed, trying again", zap.String("run", r.Request.ID), zap.Error(err))
		pause(ctx)
	}
}

// look finds out whether GitLab started what it gave no answer to.
func (e *Engine) look(ctx context.Context, r Run) error {
	if limited := e.enough.still(r.Request.Project, time.Now()); limited != nil {
		return e.answered(ctx, r, func(r Run) Run { return r.looked(gitlab.Search{}, limited, time.Now()) })
	}
	looking, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// What is others' is known once every record is.
	if err := e.live.knowsAll(looking); err != nil {
		return err
	}
	found, lookErr := e.GitLab.FindStarted(looking, gitlab.Started{
		Project: r.Project.ID, Ref: r.Request.Ref, Trigger: r.Request.Trigger, Since: r.PostedAt,
		Key: MarkerVariable, Value: r.Request.ID, At: r.Deadline.Add(-e.StartTimeout),
		Until:  r.startedUntil(e.StartSettle),
		Others: func(pipeline int64) bool { return e.isAnothers(r, pipeline) },
		Said:   func(pipeline int64) bool { return e.isSaidAnothers(r, pipeline) },
	})
	e.enough.note(r.Request.Project, lookErr, time.Now())
	e.posts.end(r.Request.ID) // its time was over
	if lookErr != nil {
		e.Log.Warn("looking for a pipeline whose start was unclear failed", zap.String("run", r.Request.ID), zap.NamedError("reason", lookErr))
	} else {
		e.Log.Info("looked for a pipeline whose start was unclear", zap.String("run", r.Request.ID), zap.Bool("found", found.Found.ID != 0), zap.Int("unread", len(found.Unread)+found.More))
	}
	return e.answered(ctx, r, func(r Run) Run { return r.looked(found, lookErr, time.Now()) })
}

func (e *Engine) variables(request Request) map[string]string {
	variables := maps.Clone(request.Variables)
	if variables == nil {
		variables = make(map[string]string, 3)
	}
	variables[e.BuildTypeVariable] = request.BuildType
	variables[MarkerVariable] = request.ID
	variables[UserVariable] = request.Asker
	return variables
}
