package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

// Errors of decisions about held runs.
var (
	// ErrNotHeld: the run does not wait for an approval (any more).
	ErrNotHeld = errors.New("the run does not wait for an approval")
	// ErrRefMoved: the ref is at another commit than the one that was looked at.
	ErrRefMoved = errors.New("the ref has moved")
)

// Approve lets a held run go. The ref is looked up: where it has moved, the run asks
// anew and ErrRefMoved is returned.
func (e *Engine) Approve(ctx context.Context, id string, a Approval) (Run, error) {
	r, err := e.store.get(ctx, id)
	if err != nil {
		return Run{}, err
	}
	if r.State != Held || r.Hold.For != ForApproval {
		return r, ErrNotHeld
	}
	sha, err := e.shaNow(ctx, r)
	if err != nil {
		return r, err
	}
	if sha != r.Hold.SHA || a.SHA != sha {
		r, err = e.keep(ctx, id, func(r Run) Run {
			if r.State != Held || r.Hold.For != ForApproval {
				return r
			}
			return r.asksAnew(*r.Hold, sha, time.Now())
		})
		return r, errors.Join(ErrRefMoved, err)
	}
	before := r
	r, err = e.keep(ctx, id, func(r Run) Run { return r.approved(a) })
	if err != nil {
		return before, err
	}
	if r.Approval == nil || r.Approval.By != a.By || !r.Approval.At.Equal(a.At) {
		return r, ErrNotHeld // somebody else was quicker
	}
	e.queue.publish(ctx, kindRun, id)
	return r, nil
}

// TurnDown ends a held run, because a person said no.
func (e *Engine) TurnDown(ctx context.Context, id string, by, reason string) (Run, error) {
	done := false
	r, err := e.keep(ctx, id, func(r Run) Run {
		done = r.State == Held && r.Hold.For == ForApproval
		if !done {
			return r
		}
		return r.Denied(Refusal{By: by, Message: reason})
	})
	if err == nil && !done {
		err = ErrNotHeld
	}
	return r, err
}

// Nudge has the gate look again at what somebody asked for and was held until it is
// known who they are.
func (e *Engine) Nudge(ctx context.Context, team, user string) {
	for _, r := range e.live.held(team, user) {
		e.queue.publish(ctx, kindRun, r.Request.ID)
	}
}

// review lets the gate look at a held run.
func (e *Engine) review(ctx context.Context, r Run) error {
	reviewing, cancel := context.WithTimeout(ctx, readTimeout)
	next, err := e.Gate.Review(reviewing, r)
	cancel()
	if err != nil {
		return fmt.Errorf("deciding about a held run: %w", err)
	}
	_, err = e.store.replace(ctx, r, next)
	if errors.Is(err, errMoved) {
		return nil
	}
	return err
}

// shaNow is the commit at which the run's ref is now.
func (e *Engine) shaNow(ctx context.Context, r Run) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	project, err := e.Projects.Resolve(ctx, r.Request.Project)
	if err != nil {
		return "", err
	}
	return e.GitLab.RefSHA(ctx, project.ID, r.Request.Ref)
}

// stillApproved looks, right before GitLab is asked, whether the approved commit is
// still the one that would run; where it is not, the run asks anew.
func (e *Engine) stillApproved(ctx context.Context, r Run, project gitlab.Project) (bool, error) {
	if r.Approval == nil {
		return true, nil
	}
	looking, cancel := context.WithTimeout(ctx, readTimeout)
	sha, err := e.GitLab.RefSHA(looking, project.ID, r.Request.Ref)
	cancel()
	if err != nil {
		_, err = e.store.update(ctx, r.Request.ID, func(r Run) Run { return r.unresolved(err, time.Now()) })
		return false, err
	}
	if sha == r.Approval.SHA {
		return true, nil
	}
	e.Log.Info("the ref of an approved run has moved", zap.String("run", r.Request.ID))
	_, err = e.store.update(ctx, r.Request.ID, func(now Run) Run {
		if now.Approval == nil || now.Approval.SHA != r.Approval.SHA {
			return now
		}
		return now.asksAnew(now.Approval.Hold, sha, time.Now())
	})
	return false, err
}

// recheckGate has the gate look once more at a run that is about to start. It reports
// whether it may.
func (e *Engine) recheckGate(ctx context.Context, r Run) (bool, error) {
	if !r.outdated(time.Now()) {
		return true, nil
	}
	looking, cancel := context.WithTimeout(ctx, readTimeout)
	next, err := e.Gate.Recheck(looking, r)
	cancel()
	if err != nil {
		e.Log.Warn("deciding anew about a run failed", zap.String("run", r.Request.ID), zap.NamedError("reason", err))
		_, err = e.store.update(ctx, r.Request.ID, func(r Run) Run {
			if r.State != Requested {
				return r
			}
			return r.waiting(err, time.Now())
		})
		return false, err
	}
	if next.State == Requested {
		return true, nil
	}
	_, err = e.store.replace(ctx, r, next)
	if errors.Is(err, errMoved) {
		err = nil
	}
	return false, err
}
