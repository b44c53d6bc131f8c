package gitlabtest

import (
	"slices"
	"strings"
	"time"
)

// Planner lies between Guest and Reporter. Admin is named by protections only, https://docs.gitlab.com/api/protected_branches/.
const (
	Planner Role = 15
	Admin   Role = 60
)

type member struct {
	user    *User
	role    Role
	since   time.Time
	expires time.Time // the first moment of the day; zero: never
}

func (m member) expired() bool { return !m.expires.IsZero() && !m.user.s.now().Before(m.expires) }

type memberList []member

func (l memberList) find(u *User) (member, bool) {
	i := slices.IndexFunc(l, func(m member) bool { return m.user == u })
	if i < 0 {
		return member{}, false
	}
	return l[i], true
}

func (l *memberList) set(m member) {
	*l = slices.DeleteFunc(*l, func(other member) bool { return other.user == m.user })
	if m.role > NoAccess {
		*l = append(*l, m)
	}
}

// A Group is a namespace of projects and other groups, https://docs.gitlab.com/api/groups/. What is in it by its
// path inherits its members, and so does a project to which it is invited.
type Group struct {
	ID     int
	Path   string // with the groups above it: "group/team"
	Name   string
	WebURL string

	s          *Server
	visibility string
	members    memberList
}

// AddGroup creates a private group without members. Projects and groups whose path begins with its path are in it,
// whether they were there before or not.
func (s *Server) AddGroup(path string) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{
		ID: s.nextID("group"), Path: path, Name: path[strings.LastIndex(path, "/")+1:], WebURL: s.URL + "/groups/" + path,
		s: s, visibility: "private",
	}
	s.groups = append(s.groups, g)
	s.changed()
	return g
}

// SetVisibility makes the group private, internal or public.
func (g *Group) SetVisibility(visibility string) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.visibility = visibility
	g.s.changed()
}

// AddMember gives the user a role in the group, or another one than before. NoAccess removes the membership.
func (g *Group) AddMember(u *User, role Role) { g.AddMemberUntil(u, role, time.Time{}) }

// AddMemberUntil is [Group.AddMember] for a membership that ends with the beginning of the day of expires, in UTC.
func (g *Group) AddMemberUntil(u *User, role Role, expires time.Time) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.members.set(member{u, role, g.s.now(), day(expires)})
	g.s.changed()
}

// AddMemberUntil is [Project.AddMember] for a membership that ends with the beginning of the day of expires, in UTC.
// It stays in the answers of the members API, as GitLab's does until a nightly job takes it out, but is good for nothing.
func (p *Project) AddMemberUntil(u *User, role Role, expires time.Time) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.members.set(member{u, role, p.s.now(), day(expires)})
	p.s.changed()
}

// day is the beginning of the day; the zero time stays.
func day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(24 * time.Hour)
}

// invitation is a group that a project is shared with.
type invitation struct {
	group *Group
	role  Role // the most that its members get
}

// InviteGroup shares the project with a group, whose members have their role there, but role at most. NoAccess ends it.
// https://docs.gitlab.com/user/project/members/sharing_projects_groups/
func (p *Project) InviteGroup(g *Group, role Role) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.invited = slices.DeleteFunc(p.invited, func(i invitation) bool { return i.group == g })
	if role > NoAccess {
		p.invited = append(p.invited, invitation{g, role})
	}
	p.s.changed()
}

func (p *Project) invitedAs(g *Group) Role {
	for _, i := range p.invited {
		if i.group == g {
			return i.role
		}
	}
	return NoAccess
}

// above are the groups that hold what has the path, and the group of that path itself.
func (s *Server) above(path string) []*Group {
	var groups []*Group
	for _, g := range s.groups {
		if strings.HasPrefix(path+"/", g.Path+"/") {
			groups = append(groups, g)
		}
	}
	return groups
}

// memberships are those that a user has in a project, those in the project itself first and those in groups above it
// second, with the role that each is good for.
func (p *Project) memberships(u *User) []member {
	var all []member
	if m, ok := p.members.find(u); ok {
		all = append(all, m)
	}
	all = append(all, p.s.groupMemberships(u, p.Path)...)
	for _, i := range p.invited {
		for _, m := range p.s.groupMemberships(u, i.group.Path) {
			m.role = min(m.role, i.role)
			all = append(all, m)
		}
	}
	return all
}

// groupMemberships are those that a user has in the groups above a path.
func (s *Server) groupMemberships(u *User, path string) []member {
	var all []member
	for _, g := range s.above(path) {
		if m, ok := g.members.find(u); ok {
			all = append(all, m)
		}
	}
	return all
}

// highest is the highest role of those memberships that have not expired.
func highest(memberships []member) Role {
	role := NoAccess
	for _, m := range memberships {
		if !m.expired() {
			role = max(role, m.role)
		}
	}
	return role
}

// role is the user's access level; nil is somebody who did not sign in.
func (p *Project) role(u *User) Role {
	switch {
	case u == nil || u.blocked:
		return NoAccess
	case u.admin:
		return Owner
	default:
		return highest(p.memberships(u))
	}
}

func (g *Group) role(u *User) Role {
	switch {
	case u == nil || u.blocked:
		return NoAccess
	case u.admin:
		return Owner
	default:
		return highest(g.s.groupMemberships(u, g.Path))
	}
}

// visible tells whether the user may know that the group exists: members of a project in it may, those of a project
// to which it is invited may not.
func (g *Group) visible(u *User) bool {
	switch {
	case g.visibility == "public" || g.visibility == "internal" && u != nil:
		return true
	case g.role(u) > NoAccess:
		return true
	}
	return slices.ContainsFunc(g.s.projects, func(p *Project) bool {
		return strings.HasPrefix(p.Path, g.Path+"/") && p.role(u) > NoAccess
	})
}

func (s *Server) findGroup(idOrPath string) *Group {
	for _, g := range s.groups {
		if itoa(g.ID) == idOrPath || strings.EqualFold(g.Path, idOrPath) {
			return g
		}
	}
	return nil
}
