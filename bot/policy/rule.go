package policy

import (
	"slices"
	"time"

	"pipebot/gitlab"
)

// then is what a rule does to what it matches.
type then string

const (
	thenAllow   then = "allow"
	thenRefuse  then = "refuse"
	thenApprove then = "approve"
)

// rule is one rule of the policy file. What it leaves out holds for everything.
type rule struct {
	name       string
	line       int
	projects   []string
	refs       []string // of both kinds
	branches   []string
	tags       []string
	buildTypes []string
	variables  map[string]string // patterns, by key
	actions    []Action
	channels   []string
	people     People
	then       then
	reason     string
	approvers  People
	expires    time.Duration
}

// covers reports whether the rule is about the action. One that asks for approval is
// about nothing that could not wait for it.
func (r *rule) covers(t trait) bool {
	return (len(r.actions) == 0 || slices.Contains(r.actions, t.action)) && (r.then != thenApprove || t.approvable)
}

// matches reports whether all conditions hold. The doubt is why that is not known;
// of several the first that linking would not cure.
func (r *rule) matches(q Question, t trait, who Person, f Facts) (match, doubt) {
	people, d := yes, doubt{}
	if !r.people.empty() {
		people, d = r.people.include(who, f)
	}
	where, e := r.matchesWhere(q, t)
	found := min(people, where)
	if found != maybe {
		return found, doubt{}
	}
	if where == maybe {
		return maybe, e
	}
	return maybe, d
}

// matchesWhere is matches for all conditions but the people.
func (r *rule) matchesWhere(q Question, t trait) (match, doubt) {
	found, d := yes, doubt{}
	and := func(m match, unknown string) {
		if m == maybe && found == yes {
			d = doubt{Doubtful, unknown}
		}
		found = min(found, m)
	}
	if len(r.channels) > 0 && !slices.Contains(r.channels, q.Channel) {
		return no, doubt{}
	}
	and(r.project(q, t), "a rule is about some of the projects only")
	and(r.ref(q, t), "a rule is about some of the branches and tags only")
	and(r.buildType(q, t), "the pipeline's build type is not known, and a rule asks for it")
	and(r.vars(q, t), "the pipeline's variables are not known, and a rule asks for them")
	return found, d
}

func (r *rule) project(q Question, t trait) match {
	switch {
	case len(r.projects) == 0:
		return yes
	case q.Project == "" && t.wide:
		return matchAny(r.projects, wild)
	default:
		return matchAny(r.projects, q.Project)
	}
}

func (r *rule) ref(q Question, t trait) match {
	name := q.Ref.Name
	switch {
	case len(r.refs)+len(r.branches)+len(r.tags) == 0:
		return yes
	case name == "" && t.byPattern:
		name = wild
	case name == "":
		return no // it is of a whole project, and the rule is about refs
	}
	ofKind := func(patterns []string, kind gitlab.RefKind) match {
		m := matchAny(patterns, name)
		switch q.Ref.Kind {
		case kind:
			return m
		case gitlab.Branch, gitlab.Tag:
			return no
		default:
			return min(m, maybe)
		}
	}
	return max(matchAny(r.refs, name), ofKind(r.branches, gitlab.Branch), ofKind(r.tags, gitlab.Tag))
}

func (r *rule) buildType(q Question, t trait) match {
	same := func(pattern string) bool { return covers(pattern, q.BuildType) }
	switch {
	case len(r.buildTypes) == 0:
		return yes
	case q.BuildType == "":
		return unknownOf(q, t)
	case slices.ContainsFunc(r.buildTypes, same):
		return yes
	default:
		return no
	}
}

func (r *rule) vars(q Question, t trait) match {
	if len(r.variables) == 0 {
		return yes
	}
	if q.Variables == nil && q.BuildType == "" {
		return unknownOf(q, t)
	}
	for key, pattern := range r.variables {
		if value, ok := q.Variables[key]; !ok || !covers(pattern, value) {
			return no
		}
	}
	return yes
}

// unknownOf is whether a condition on a pipeline holds whose value is not known. What
// is not about one pipeline has no such value; to see them is about one where it names
// the ref.
func unknownOf(q Question, t trait) match {
	if t.pipeline || t.action == ActionView && q.Ref.Name != "" {
		return maybe
	}
	return no
}
