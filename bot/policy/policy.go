package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pipebot/gitlab"
)

// Mode is what has to hold besides the rules; the setting AUTHZ. The zero value lets
// nobody do anything but link.
type Mode string

// The modes.
const (
	// ModeGitLab asks for the person's own role in GitLab. The default.
	ModeGitLab Mode = "gitlab"
	// ModePolicy leaves it to the rules alone.
	ModePolicy Mode = "policy"
	// ModeOpen lets every full member of the workspace.
	ModeOpen Mode = "open"
)

// Modes are all modes, the default first.
func Modes() []Mode { return []Mode{ModeGitLab, ModePolicy, ModeOpen} }

// Policy is the rules and the mode. One without rules is made by its literal, with
// rules by Parse. It is not changed once it is in use.
type Policy struct {
	Mode  Mode
	links []link
	rules []rule
}

// link says who somebody of Slack is in GitLab.
type link struct{ slack, username string }

// GitLabUser is the GitLab username that the policy file gives to somebody. An entry
// with their workspace comes before one without.
func (p *Policy) GitLabUser(who Person) (username string, ok bool) {
	if p == nil {
		return "", false
	}
	for _, l := range p.links {
		if !isUser(l.slack, who) {
			continue
		}
		if strings.Contains(l.slack, "/") {
			return l.username, true
		}
		username, ok = l.username, true
	}
	return username, ok
}

// Decide says whether somebody may do what they ask.
func (p *Policy) Decide(q Question, who Person, f Facts, now time.Time) Decision {
	d := Decision{Action: q.Action, Project: q.Project, Ref: q.Ref}
	t, refused := p.begin(d, q, who)
	if refused != nil {
		return *refused
	}
	switch q.Action {
	case ActionLink:
		return p.mayLink(d, who)
	case ActionApprove:
		return p.mightApprove(d, q, t, who, f)
	}
	return p.decide(d, q, t, who, f, now)
}

// begin refuses what needs no rule to be refused.
func (p *Policy) begin(d Decision, q Question, who Person) (trait, *Decision) {
	refuse := func(d Decision) (trait, *Decision) { return trait{}, &d }
	t, known := traitOf(q.Action)
	if !known {
		return refuse(d.doubting(doubt{Doubtful, "what you ask for is not known to me"}))
	}
	switch who.Kind {
	case Member, Guest, External:
	case Bot:
		return refuse(d.because(NotAPerson))
	default:
		return refuse(d.doubting(doubt{Doubtful, "Slack did not say who you are"}))
	}
	if who.ID == "" {
		return refuse(d.doubting(doubt{Doubtful, "Slack did not say who you are"}))
	}
	if p == nil || !slices.Contains(Modes(), p.Mode) && (q.Action != ActionLink || who.Kind != Member) {
		return refuse(d.doubting(doubt{Doubtful, "my settings do not say who may do what"}))
	}
	if missing := q.missing(t); missing != "" {
		return refuse(d.doubting(doubt{Doubtful, missing}))
	}
	return t, nil
}

// missing is what a question lacks, so that rules could pass by it.
func (q Question) missing(t trait) string {
	switch {
	case t.action == ActionLink, t.wide && q.Project == "":
		return ""
	case !strings.Contains(q.Project, "/"):
		return "the project's path is not known"
	case t.pipeline && q.Ref.Name == "":
		return "the pipeline's branch or tag is not known"
	default:
		return ""
	}
}

// mayLink: members always may. Of the others those do whom a rule lets do anything:
// what it lets them do can take an account.
func (p *Policy) mayLink(d Decision, who Person) Decision {
	if who.Kind == Member {
		return d.allow(Always)
	}
	var unsure *doubt
	for i := range p.rules {
		r := &p.rules[i]
		if r.then != thenAllow && r.then != thenApprove {
			continue
		}
		switch named, c := r.people.names(who); named {
		case yes:
			return d.by(r).allow(ByRule)
		case maybe:
			unsure = &c
		}
	}
	if unsure != nil {
		return d.doubting(*unsure)
	}
	return d.because(Outsider)
}

// decide is Decide for all that is done to pipelines and projects.
func (p *Policy) decide(d Decision, q Question, t trait, who Person, f Facts, now time.Time) Decision {
	v := p.verdict(q, t, who, f)
	if who.Kind != Member && !v.lets() {
		return v.refuse(d, Outsider)
	}
	if t.freezes {
		if f.FreezesDoubt != "" {
			return d.doubting(doubt{Doubtful, f.FreezesDoubt})
		}
		if d.Freeze = frozen(q, f.Freezes, now); d.Freeze != nil {
			return d.because(Frozen)
		}
	}
	if v.refuses() || v.rule == nil && p.Mode == ModePolicy {
		return v.refuse(d, NoRule)
	}
	if p.Mode == ModeGitLab {
		var ok bool
		if d, ok = byRole(d, q, t, who, f); !ok {
			return d
		}
	}
	switch {
	case v.rule == nil && p.Mode == ModeOpen:
		return d.allow(OpenMode)
	case v.rule == nil:
		return d.allow(ByRole)
	case v.rule.then == thenApprove:
		d = d.by(v.rule)
		d.Outcome, d.Why = NeedsApproval, ByRule
		d.Approvers, d.Expires = v.rule.approvers.clone(), v.rule.expires
		return d
	default:
		return d.by(v.rule).allow(ByRule)
	}
}

// byRole is what GitLab itself would say to the person.
func byRole(d Decision, q Question, t trait, who Person, f Facts) (Decision, bool) {
	needs, updates := t.needs, t.updates
	own := q.Own || who.Account != nil && q.Starter != 0 && who.Account.ID == q.Starter
	if t.action == ActionVariables && own && f.Role < needs {
		// GitLab shows a pipeline's variables to who started it and may update it:
		// app/policies/ci/pipeline_policy.rb.
		needs, updates = gitlab.Developer, true
	}
	d.Needs = needs
	if c := knows(who, f); c != nil {
		return d.doubting(*c), false
	}
	d.Has = f.Role
	switch {
	case needs <= 0 || f.Role < needs:
		return d.because(ByRole), false
	case !updates, f.Protection == Unprotected, f.Protection == MayUpdate:
		return d, true
	case f.Protection == MayNot:
		return d.because(ByProtection), false
	default:
		return d.doubting(doubt{Doubtful, fmt.Sprintf("it is not known whether %s is protected", q.Ref.Name)}), false
	}
}
