package run

import (
	"context"
	"time"
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
	if r.State == Held && r.open() {
		r.State, r.Hold, r.ReleasedAt = Requested, nil, now
	}
	return r
}

// Holding is a run that waits for this from now on. What approval it had is about
// something else.
func (r Run) Holding(h Hold) Run {
	if r.open() {
		r.State, r.Hold, r.Approval, r.Waiting = Held, &h, nil, nil
	}
	return r
}

// Denied is a run that may not start after all: by the rules, or by a person.
func (r Run) Denied(refusal Refusal) Run {
	if r.open() {
		refusal.Denied = true
		r.State, r.Hold, r.Waiting, r.Refusal = Refused, nil, nil, &refusal
	}
	return r
}

// open reports whether a run may still be held or refused: GitLab was not asked yet, and
// is going to be.
func (r Run) open() bool {
	return !r.Request.Follow && (r.State == Held || r.State == Requested)
}

// goodFor is how long a decision counts that lets a run start: as long as what GitLab
// says of people's rights.
const goodFor = time.Minute

// outdated reports whether a run has waited so long since it was let go that it has to
// be decided anew. Who has it started over does not decide whether its asker still may.
func (r Run) outdated(now time.Time) bool {
	return r.Tries > 0 || !r.startedOverAt().IsZero() || now.Sub(later(r.Request.At, r.ReleasedAt)) > goodFor
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
	if hold.SHA == sha || !r.open() {
		return r
	}
	hold.SHA, hold.Until = sha, now.Add(hold.Lasts)
	hold.Moved++
	r.State, r.Hold, r.Approval = Held, &hold, nil
	return r
}
