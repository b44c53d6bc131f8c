package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// membersOf is what the four endpoints for members work on: a project or a group.
type membersOf struct {
	direct memberList
	all    func(*User) []member // memberships, the most direct one first
}

// projectMembers: https://docs.gitlab.com/api/members/#list-all-members-of-a-group-or-project.
func (c *call) projectMembers() *reply { return c.listMembers(c.ofProject(), false) }

// allProjectMembers: https://docs.gitlab.com/api/members/#list-all-members-of-a-group-or-project-including-inherited-and-invited-members.
func (c *call) allProjectMembers() *reply { return c.listMembers(c.ofProject(), true) }

// projectMember: https://docs.gitlab.com/api/members/#get-a-member-of-a-group-or-project.
func (c *call) projectMember() *reply { return c.oneMember(c.ofProject(), false) }

// anyProjectMember: https://docs.gitlab.com/api/members/#get-a-member-of-a-group-or-project-including-inherited-and-invited-members.
func (c *call) anyProjectMember() *reply { return c.oneMember(c.ofProject(), true) }

func (c *call) ofProject() membersOf { return membersOf{c.project.members, c.project.memberships} }

// ofGroup finds the group; anybody may list the members of what they may see.
func (c *call) ofGroup(then func(membersOf) *reply) *reply {
	g := c.s.findGroup(c.path["group_id"])
	if g == nil || !g.visible(c.user) {
		return notFound("Group")
	}
	return then(membersOf{g.members, func(u *User) []member { return c.s.groupMemberships(u, g.Path) }})
}

func (c *call) groupMembers() *reply {
	return c.ofGroup(func(m membersOf) *reply { return c.listMembers(m, false) })
}

func (c *call) allGroupMembers() *reply {
	return c.ofGroup(func(m membersOf) *reply { return c.listMembers(m, true) })
}

func (c *call) groupMember() *reply {
	return c.ofGroup(func(m membersOf) *reply { return c.oneMember(m, false) })
}

func (c *call) anyGroupMember() *reply {
	return c.ofGroup(func(m membersOf) *reply { return c.oneMember(m, true) })
}

// shown is the membership of a user as the API shows it. Of several it is the most direct one, with the role that all
// of them together are good for; where none is good any more, with its own.
func (m membersOf) shown(u *User, all bool) (member, bool) {
	if !all {
		return m.direct.find(u)
	}
	memberships := m.all(u)
	if len(memberships) == 0 {
		return member{}, false
	}
	shown := memberships[0]
	if role := highest(memberships); role > NoAccess {
		shown.role = role
	}
	return shown, true
}

func (c *call) listMembers(of membersOf, all bool) *reply {
	wanted := strings.Split(strings.Join(c.params.list("user_ids"), ","), ",") // an array, or numbers with commas
	query := strings.ToLower(c.params.text("query"))
	var list []any
	for _, u := range c.s.users {
		m, there := of.shown(u, all)
		if !there || c.params.has("user_ids") && !slices.Contains(wanted, itoa(u.ID)) ||
			!strings.Contains(strings.ToLower(u.Username+" "+u.Name), query) {
			continue
		}
		list = append(list, c.memberJSON(m))
	}
	return c.page(list)
}

func (c *call) oneMember(of membersOf, all bool) *reply {
	id, bad := c.number("user_id")
	if bad != nil {
		return bad
	}
	for _, u := range c.s.users {
		if m, there := of.shown(u, all); there && u.ID == id {
			return ok(c.memberJSON(m))
		}
	}
	// What Rails finds nothing for; a project that may not be seen is "404 Project Not Found".
	return refuse(http.StatusNotFound, "404 Not found")
}

func (c *call) memberJSON(m member) any {
	body, _ := c.s.basicUser(m.user).(object)
	var expires any
	if !m.expires.IsZero() {
		expires = m.expires.Format(time.DateOnly)
	}
	body["access_level"], body["created_at"], body["expires_at"] = int(m.role), stamp(m.since), expires
	body["membership_state"] = "active"
	return body
}
