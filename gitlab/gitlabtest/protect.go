package gitlabtest

import "slices"

// An AccessLevel is whom a protection names: a user, a group or a deploy key if one of these is set, or else
// everybody who has the role. NoAccess is no one, Admin an administrator of the instance.
type AccessLevel struct {
	Role      Role
	User      *User
	Group     *Group // with its direct members from Developer up, if it is invited to the project with as much
	DeployKey int    // an id; no person is let in by it
}

// protectedRef is a rule over branches or tags; the pattern may hold the wildcard *.
type protectedRef struct {
	id      int
	pattern string
	tag     bool
	push    []AccessLevel // for a tag: may create
	merge   []AccessLevel
}

// ProtectBranch says who may push and merge to the branches of a name or wildcard pattern; Owner+1 is no one.
// Who may do either may run pipelines there. https://docs.gitlab.com/user/project/repository/branches/protected/
func (p *Project) ProtectBranch(pattern string, push, merge Role) {
	p.ProtectBranchFor(pattern, []AccessLevel{{Role: named(push)}}, []AccessLevel{{Role: named(merge)}})
}

// ProtectTag says who may create the tags of a name or wildcard pattern, and so run pipelines on them.
// https://docs.gitlab.com/user/project/protected_tags/
func (p *Project) ProtectTag(pattern string, create Role) {
	p.ProtectTagFor(pattern, AccessLevel{Role: named(create)})
}

// named makes the no one of [Project.ProtectBranch] GitLab's.
func named(role Role) Role {
	if role > Owner && role != Admin {
		return NoAccess
	}
	return role
}

// ProtectBranchFor is [Project.ProtectBranch] for users, groups and several roles, as Premium has it.
func (p *Project) ProtectBranchFor(pattern string, push, merge []AccessLevel) {
	p.protect(protectedRef{pattern: pattern, push: push, merge: merge})
}

// ProtectTagFor is [Project.ProtectTag] for users, groups and several roles, as Premium has it.
func (p *Project) ProtectTagFor(pattern string, create ...AccessLevel) {
	p.protect(protectedRef{pattern: pattern, tag: true, push: create})
}

// UnprotectBranch takes back what is said of a pattern.
func (p *Project) UnprotectBranch(pattern string) { p.unprotect(pattern, false) }

// UnprotectTag takes back what is said of a pattern.
func (p *Project) UnprotectTag(pattern string) { p.unprotect(pattern, true) }

func (p *Project) protect(rule protectedRef) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	rule.id = p.s.nextID("protection")
	p.remove(rule.pattern, rule.tag)
	p.protected = append(p.protected, rule)
	p.s.changed()
}

func (p *Project) unprotect(pattern string, tag bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.remove(pattern, tag)
	p.s.changed()
}

func (p *Project) remove(pattern string, tag bool) {
	p.protected = slices.DeleteFunc(p.protected, func(r protectedRef) bool { return r.pattern == pattern && r.tag == tag })
}

// protection returns the rules that hold for a ref; none means that it is not protected.
func (p *Project) protection(name string, tag bool) []protectedRef {
	var rules []protectedRef
	for _, r := range p.protected {
		if r.tag == tag && wildcard(r.pattern, name) {
			rules = append(rules, r)
		}
	}
	return rules
}

// canUpdateRef tells whether the user may push or merge to the branch, or create the tag: who may not, may not
// run, retry or cancel pipelines on it either. Of several rules the most permissive one holds.
func (p *Project) canUpdateRef(u *User, name string, tag bool) bool {
	if p.role(u) < Developer {
		return false
	}
	rules := p.protection(name, tag)
	return len(rules) == 0 || p.anyAllows(u, rules, func(r protectedRef) []AccessLevel { return slices.Concat(r.push, r.merge) })
}

func (p *Project) anyAllows(u *User, rules []protectedRef, levels func(protectedRef) []AccessLevel) bool {
	return slices.ContainsFunc(rules, func(r protectedRef) bool {
		return slices.ContainsFunc(levels(r), func(l AccessLevel) bool { return p.allows(u, l) })
	})
}

// allows follows check_access of app/models/concerns/protected_ref_access.rb and ee/app/models/concerns/ee/.
func (p *Project) allows(u *User, l AccessLevel) bool {
	switch {
	case u == nil:
		return false
	case l.User != nil:
		return l.User == u && p.role(u) > NoAccess
	case l.Group != nil:
		m, isMember := l.Group.members.find(u)
		return p.invitedAs(l.Group) >= Developer && isMember && !m.expired() && m.role >= Developer
	case l.DeployKey != 0, l.Role == NoAccess:
		return false
	case l.Role == Admin:
		return u.admin
	default:
		return p.role(u) >= max(l.Role, Developer)
	}
}

// developers tells whether the role Developer is named.
func developers(levels []AccessLevel) bool {
	return slices.ContainsFunc(levels, func(l AccessLevel) bool {
		return l.Role == Developer && l.User == nil && l.Group == nil && l.DeployKey == 0
	})
}
