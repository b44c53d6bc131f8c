package policy

import (
	"slices"
	"strings"

	"pipebot/gitlab"
)

// People names some, in any of three ways. It is kept with what waits for approval.
type People struct {
	// Users are ids of this workspace, U0123, or of another one, T0123/U0123.
	Users []string `json:"users,omitempty"`
	// Groups are ids of user groups.
	Groups []string `json:"groups,omitempty"`
	// Roles stand for everybody with one of them in the project, or a higher one.
	Roles []gitlab.Role `json:"roles,omitempty"`
}

// String lists them for a person: U1, S1 or the role maintainer.
func (p People) String() string {
	names := slices.Concat(p.Users, p.Groups)
	for _, role := range p.Roles {
		names = append(names, "the role "+role.Name())
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func (p People) empty() bool { return len(p.Users)+len(p.Groups)+len(p.Roles) == 0 }

// user reports whether the person is named by their id.
func (p People) user(who Person) bool {
	return slices.ContainsFunc(p.Users, func(name string) bool { return isUser(name, who) })
}

// isUser: an id without a team is of this workspace, where people are members or
// guests.
func isUser(name string, who Person) bool {
	team, id, other := strings.Cut(name, "/")
	switch {
	case who.ID == "":
		return false
	case other:
		return who.Team == team && who.ID == id
	default:
		return who.ID == name && (who.Kind == Member || who.Kind == Guest)
	}
}

// names reports whether the person is named by id or user group.
func (p People) names(who Person) (match, doubt) {
	inGroup := func(group string) bool { return slices.Contains(who.Groups, group) }
	switch {
	case p.user(who):
		return yes, doubt{}
	case len(p.Groups) == 0:
		return no, doubt{}
	case who.GroupsDoubt != "":
		return maybe, doubt{Doubtful, who.GroupsDoubt}
	case slices.ContainsFunc(p.Groups, inGroup):
		return yes, doubt{}
	default:
		return no, doubt{}
	}
}

// least is the role that those who are named by role have to have; 0 for nobody.
func (p People) least() gitlab.Role {
	least := gitlab.Role(0)
	for _, role := range p.Roles {
		if role > 0 && (least == 0 || role < least) {
			least = role
		}
	}
	return least
}

// include reports whether the person is one of them.
func (p People) include(who Person, f Facts) (match, doubt) {
	named, d := p.names(who)
	least := p.least()
	unknown := knows(who, f)
	switch {
	case named == yes || least == 0:
		return named, d
	case unknown == nil && f.Role >= least:
		return yes, doubt{}
	case named == maybe:
		return maybe, d
	case unknown != nil:
		return maybe, *unknown
	default:
		return no, doubt{}
	}
}

// doubt is why something is not known.
type doubt struct {
	why  Why // Doubtful or NotLinked
	text string
}

// knows tells why the person's role is not known; nil when it is. Where GitLab does
// not answer, linking would not either, so that doubt is told first.
func knows(who Person, f Facts) *doubt {
	switch {
	case f.Doubt != "":
		return &doubt{Doubtful, f.Doubt}
	case !who.linked():
		return &doubt{why: NotLinked}
	default:
		return nil
	}
}

// UserGroups are the ids of the user groups that the rules name: whose members have
// to be known.
func (p *Policy) UserGroups() []string {
	if p == nil {
		return nil
	}
	var ids []string
	for _, r := range p.rules {
		ids = append(append(ids, r.people.Groups...), r.approvers.Groups...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
