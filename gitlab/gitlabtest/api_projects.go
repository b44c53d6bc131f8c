package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
)

// getProject: https://docs.gitlab.com/api/projects/#get-a-single-project.
func (c *call) getProject() *reply { return ok(c.projectJSON(c.project)) }

func (c *call) projectJSON(p *Project) object {
	namespace, _, _ := strings.Cut(p.Path, "/")
	if i := strings.LastIndex(p.Path, "/"); i > 0 {
		namespace = p.Path[:i]
	}
	body := object{
		"id": p.ID, "name": p.Name, "path": p.Name, "path_with_namespace": p.Path,
		"name_with_namespace": strings.ReplaceAll(p.Path, "/", " / "), "description": nil,
		"visibility": p.settings.Visibility, "archived": p.settings.Archived,
		"web_url": p.WebURL, "http_url_to_repo": p.WebURL + ".git", "avatar_url": nil,
		"created_at": stamp(p.createdAt), "last_activity_at": stamp(p.createdAt),
		"namespace": object{"id": 1, "name": namespace, "path": namespace, "kind": "group", "full_path": namespace, "parent_id": nil, "web_url": c.s.URL + "/groups/" + namespace},
	}
	if p.canReadCode(c.user) {
		body["default_branch"] = p.settings.DefaultBranch
		body["empty_repo"] = len(p.branches.byName) == 0
	}
	if c.user == nil {
		return body
	}
	role := p.role(c.user)
	body["permissions"] = p.permissionsJSON(c.user)
	body["shared_with_groups"] = c.invitationsJSON(p)
	if role >= Maintainer {
		body["ci_pipeline_variables_minimum_override_role"] = p.settings.MinimumRoleForVariables
		body["restrict_user_defined_variables"] = p.settings.MinimumRoleForVariables != "developer"
	}
	return body
}

// permissionsJSON is the user's own role, as given in the project and as inherited from groups above it.
func (p *Project) permissionsJSON(u *User) object {
	access := func(role Role) any {
		if role == NoAccess {
			return nil
		}
		return object{"access_level": int(role), "notification_level": 3}
	}
	group := highest(p.s.groupMemberships(u, p.Path))
	own := NoAccess
	if m, there := p.members.find(u); there {
		own = highest([]member{m})
	}
	return object{"project_access": access(own), "group_access": access(group)}
}

// invitationsJSON are the groups that the project is shared with, those that the user may see.
func (c *call) invitationsJSON(p *Project) []any {
	list := []any{}
	for _, i := range p.invited {
		if i.group.visible(c.user) {
			list = append(list, object{
				"group_id": i.group.ID, "group_name": i.group.Name, "group_full_path": i.group.Path,
				"group_access_level": int(i.role), "expires_at": nil,
			})
		}
	}
	return list
}

// listProjects: https://docs.gitlab.com/api/projects/#list-all-projects.
func (c *call) listProjects() *reply {
	sort, bad := c.params.oneOf("sort", "desc", "asc", "desc")
	if bad != nil {
		return bad
	}
	if _, bad := c.params.oneOf("order_by", "created_at", "id", "name", "path", "created_at", "updated_at", "last_activity_at"); bad != nil {
		return bad
	}
	member, bad := c.params.flag("membership")
	if bad != nil {
		return bad
	}
	minimum, bad := c.params.number("min_access_level", 0)
	if bad != nil {
		return bad
	}
	search := strings.ToLower(c.params.text("search"))
	var found []*Project
	for _, p := range c.s.projects {
		role := p.role(c.user)
		if p.visible(c.user) && (!member || role > NoAccess) && int(role) >= minimum && strings.Contains(strings.ToLower(p.Path), search) {
			found = append(found, p)
		}
	}
	if sort == "desc" {
		slices.Reverse(found)
	}
	if c.params.text("pagination") == "keyset" {
		return c.keysetProjects(found, sort)
	}
	all := make([]any, len(found))
	for i, p := range found {
		all[i] = c.projectJSON(p)
	}
	return c.page(all)
}

// keysetProjects pages by id, https://docs.gitlab.com/api/rest/#keyset-based-pagination.
func (c *call) keysetProjects(found []*Project, sort string) *reply {
	key, size, bad := "id_before", 0, (*reply)(nil)
	if sort == "asc" {
		key = "id_after"
	}
	if size, bad = c.perPage(); bad != nil {
		return bad
	}
	last, bad := c.params.number(key, 0)
	if bad != nil {
		return bad
	}
	list, more := []any{}, false
	id := 0
	for _, p := range found {
		if last != 0 && (sort == "asc") != (p.ID > last) || p.ID == last {
			continue
		}
		if more = len(list) == size; more {
			break
		}
		list, id = append(list, c.projectJSON(p)), p.ID
	}
	header := http.Header{}
	if more {
		header = c.next(key, itoa(id))
	}
	return &reply{status: http.StatusOK, header: header, body: list}
}
