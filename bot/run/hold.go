package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

// HoldFor is what a held run waits for.
type HoldFor string

// What runs are held for.
const (
	// ForLink: the asker has to say who they are in GitLab.
	ForLink HoldFor = "link"
	// ForApproval: a second person has to agree.
	ForApproval HoldFor = "approval"
)

// Hold is why a request may not start yet.
type Hold struct {
	For HoldFor `json:"for"`
	// Rule names the rule that asks for it, Reason is what that rule says.
	Rule   string `json:"rule,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Approvers are those whom the rule names.
	Approvers Approvers `json:"approvers,omitzero"`
	// SHA is the commit that is asked about. Moved counts how often the ref went on
	// to another one, which is asked about anew.
	SHA   string `json:"sha,omitempty"`
	Moved int    `json:"moved,omitempty"`
	// Until is when the request expires, Lasts how long it was given.
	Until time.Time     `json:"until"`
	Lasts time.Duration `json:"lasts"`
}

// Approvers are people: by Slack id, by Slack user group, or by their role in the
// project on GitLab.
type Approvers struct {
	Users  []string `json:"users,omitempty"`
	Groups []string `json:"groups,omitempty"`
	Roles  []string `json:"roles,omitempty"`
}

// Approval is who let a held run go, and at which commit. Hold is what it was held
// by, for the case that the ref moves before GitLab is asked.
type Approval struct {
	By   string    `json:"by"`
	Team string    `json:"team,omitempty"`
	At   time.Time `json:"at"`
	SHA  string    `json:"sha"`
	Hold Hold      `json:"hold"`
}

// Gate decides anew about a run that is held.
type Gate interface {
	// Review returns the run as it goes on: released, held for something else,
	// denied, or as it is. A run that is still waiting comes back unchanged.
	Review(ctx context.Context, r Run) (Run, error)
	// Recheck decides anew about a run that was let go a while ago and is about to
	// start: it returns it as it is, held again, or withdrawn. An error says that
	// nobody knows just now.
	Recheck(ctx context.Context, r Run) (Run, error)
}

// Release is the run when nothing holds it any more.
func (r Run) Release(now time.Time) Run {
	if r.State == Held {
		r.State, r.Hold, r.ReleasedAt = Requested, nil, now
	}
	return r
}

// Holding is a held run that waits for something else from now on.
func (r Run) Holding(h Hold) Run {
	if r.State == Held {
		r.Hold = &h
	}
	return r
}

// Denied is a held run that may not start after all: by the rules, or by a person.
func (r Run) Denied(refusal Refusal) Run {
	if r.State == Held {
		refusal.Denied = true
		r.State, r.Hold, r.Refusal = Refused, nil, &refusal
	}
	return r
}

// HeldAgain is a run that was let go and waits for somebody once more.
func (r Run) HeldAgain(h Hold) Run {
	if r.State == Requested {
		r.State, r.Hold, r.Approval, r.Waiting = Held, &h, nil, nil
	}
	return r
}

// Withdrawn is a run that was let go, and may not start any more by now.
func (r Run) Withdrawn(refusal Refusal) Run {
	if r.State == Requested {
		refusal.Denied = true
		r.State, r.Waiting, r.Refusal = Refused, nil, &refusal
	}
	return r
}

// goodFor is how long a decision counts that lets a run start: as long as what GitLab
// says of people's rights.
const goodFor = time.Minute

// outdated reports whether a run has waited so long since it was let go that it has to
// be decided anew.
func (r Run) outdated(now time.Time) bool {
	return r.Tries > 0 || now.Sub(later(r.Request.At, r.ReleasedAt)) > goodFor
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

// approved is a held run that a second person let go, if it is still about the
// commit that the person saw, and has not expired: the sweep may be late.
func (r Run) approved(a Approval) Run {
	if r.State != Held || r.Hold.For != ForApproval || r.Hold.SHA != a.SHA || !a.At.Before(r.Hold.Until) {
		return r
	}
	a.Hold = *r.Hold
	r = r.Release(a.At)
	r.Approval = &a
	return r
}

// asksAnew is a run whose ref has moved since it was asked about, or agreed to.
// hold is what it was held by.
func (r Run) asksAnew(hold Hold, sha string, now time.Time) Run {
	if hold.SHA == sha || r.State != Held && r.State != Requested {
		return r
	}
	hold.SHA, hold.Until = sha, now.Add(hold.Lasts)
	hold.Moved++
	r.State, r.Hold, r.Approval = Held, &hold, nil
	return r
}

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
