package policy

import (
	"strings"
	"time"

	"pipebot/gitlab"
)

// Kind is what somebody is in Slack.
type Kind string

// The kinds. A guest is of pipebot's own workspace, an external person of another
// one that a channel is shared with.
const (
	Unknown  Kind = ""
	Member   Kind = "member"
	Guest    Kind = "guest"
	External Kind = "external"
	Bot      Kind = "bot"
)

// Person is who asks.
type Person struct {
	// ID and Team are those of Slack, of the payload and never of a name.
	ID   string
	Team string
	Kind Kind
	// Groups are the ids of the user groups that the person is in.
	Groups []string
	// GroupsDoubt is why Groups could not be learned, empty when they were.
	GroupsDoubt string
	// Account is the person's user in GitLab, nil when nobody has linked them.
	Account *Account
}

// Account is a user of GitLab.
type Account struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

func (p Person) linked() bool {
	return p.Account != nil && (p.Account.ID != 0 || p.Account.Username != "")
}

// same reports whether two people are one. Where a workspace is not known, the id
// alone has to differ.
func (p Person) same(other Person) bool {
	if p.ID == other.ID && (p.Team == other.Team || p.Team == "" || other.Team == "") {
		return true
	}
	if !p.linked() || !other.linked() {
		return false
	}
	a, b := p.Account, other.Account
	return a.ID != 0 && a.ID == b.ID || a.Username != "" && strings.EqualFold(a.Username, b.Username)
}

// Question is what is asked.
type Question struct {
	Action Action
	// Project is the path with namespace as GitLab writes it, not an id: rules are
	// about paths. Empty means all projects, which only freeze, unfreeze and audit
	// can be about.
	Project string
	// Ref is the branch or tag of the pipeline; of neither kind where it is another
	// ref, such as a merge request's. To freeze and unfreeze it is a pattern, and
	// empty for all refs. Listing and what is of a whole project has none; each
	// pipeline that a list shows has to be asked for by itself.
	Ref gitlab.Ref
	// BuildType of the pipeline, empty when it is not known, as with a pipeline that
	// pipebot has not started.
	BuildType string
	// Variables that were asked for, and the one that carries the build type: a rule
	// can be about it too. Nil with an empty BuildType: not known.
	Variables map[string]string
	// Channel is where it is asked; empty: outside of any.
	Channel string
	// Own: it is about the person's own run, or request.
	Own bool
	// Starter is the user of GitLab whose pipeline it is, 0 where that is not known:
	// what GitLab lets people do with their own is up to it.
	Starter int64
}

// Protection is whether the person may update the ref as GitLab's protected
// branches and tags have it. The zero value is: not known.
type Protection string

// What protection a ref can have.
const (
	Unprotected Protection = "unprotected"
	MayUpdate   Protection = "may_update" // protected, and the person may push or merge, or create the tag
	MayNot      Protection = "may_not"
)

// Facts are what is known besides.
type Facts struct {
	// Role is the person's in the project; where the question is about all projects,
	// the least that they have in any of them.
	Role gitlab.Role
	// Doubt is why Role or Protection could not be learned, empty when they were.
	Doubt string
	// Protection of the question's ref.
	Protection Protection
	// Freezes are all there are; those that are over or elsewhere do not matter.
	Freezes []Freeze
	// FreezesDoubt is why Freezes could not be learned, empty when they were.
	FreezesDoubt string
}

// Freeze stops starts in a project for a while.
type Freeze struct {
	ID string `json:"id"`
	// Project is a path with namespace, empty for all.
	Project string `json:"project,omitempty"`
	// Pattern is of ref names, empty for all.
	Pattern string    `json:"pattern,omitempty"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
	// Until is when it is over, zero: when somebody lifts it.
	Until time.Time `json:"until,omitzero"`
}

// stops reports whether the freeze holds for a question about a pipeline.
func (f Freeze) stops(q Question, now time.Time) bool {
	over := !f.Until.IsZero() && !now.Before(f.Until)
	return !over && (f.Project == "" || covers(f.Project, q.Project)) && (f.Pattern == "" || covers(f.Pattern, q.Ref.Name))
}

// frozen is the freeze that stops it and lasts longest, nil for none.
func frozen(q Question, freezes []Freeze, now time.Time) *Freeze {
	var found *Freeze
	for i, f := range freezes {
		if !f.stops(q, now) || found != nil && found.Until.IsZero() {
			continue
		}
		if found == nil || f.Until.IsZero() || f.Until.After(found.Until) {
			found = &freezes[i]
		}
	}
	if found == nil {
		return nil
	}
	held := *found
	return &held
}
