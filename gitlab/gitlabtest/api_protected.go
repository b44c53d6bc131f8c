package gitlabtest

import (
	"net/http"
	"strings"
)

// listProtectedBranches: https://docs.gitlab.com/api/protected_branches/#list-protected-branches. Who may read code may.
func (c *call) listProtectedBranches() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	search := strings.ToLower(c.params.text("search"))
	return c.page(c.protections(func(r protectedRef) bool { return !r.tag && strings.Contains(strings.ToLower(r.pattern), search) }))
}

// getProtectedBranch: https://docs.gitlab.com/api/protected_branches/#get-a-single-protected-branch-or-wildcard-protected-branch.
func (c *call) getProtectedBranch() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	return c.oneProtection(false)
}

// listProtectedTags: https://docs.gitlab.com/api/protected_tags/#list-protected-tags. It takes a Maintainer: the right to
// read them is part of the right to manage them, in app/policies/project_policy.rb.
func (c *call) listProtectedTags() *reply {
	if c.project.role(c.user) < Maintainer {
		return forbidden("")
	}
	return c.page(c.protections(func(r protectedRef) bool { return r.tag }))
}

// getProtectedTag: https://docs.gitlab.com/api/protected_tags/#get-a-protected-tag-or-wildcard-protected-tag.
func (c *call) getProtectedTag() *reply {
	if c.project.role(c.user) < Maintainer {
		return forbidden("")
	}
	return c.oneProtection(true)
}

func (c *call) oneProtection(tag bool) *reply {
	found := c.protections(func(r protectedRef) bool { return r.tag == tag && r.pattern == c.path["name"] })
	if len(found) == 0 {
		return refuse(http.StatusNotFound, "404 Not found")
	}
	return ok(found[0])
}

func (c *call) protections(which func(protectedRef) bool) []any {
	var list []any
	for _, r := range c.project.protected {
		if which(r) {
			list = append(list, protectionJSON(r))
		}
	}
	return list
}

func protectionJSON(r protectedRef) any {
	if r.tag {
		return object{"name": r.pattern, "create_access_levels": levelsJSON(r.id*100, r.push)}
	}
	return object{
		"id": r.id, "name": r.pattern,
		"push_access_levels": levelsJSON(r.id*100, r.push), "merge_access_levels": levelsJSON(r.id*100+50, r.merge),
		"unprotect_access_levels": []any{}, "allow_force_push": false, "code_owner_approval_required": false, "inherited": false,
	}
}

func levelsJSON(id int, levels []AccessLevel) []any {
	list := []any{}
	for i, l := range levels {
		body := object{"id": id + i, "access_level": int(l.Role), "user_id": nil, "group_id": nil, "access_level_description": l.Role.humanized()}
		switch {
		case l.User != nil:
			body["access_level"], body["user_id"], body["access_level_description"] = nil, l.User.ID, l.User.Name
		case l.Group != nil:
			body["access_level"], body["group_id"], body["access_level_description"] = nil, l.Group.ID, l.Group.Name
		case l.DeployKey != 0: // which has the level of a Maintainer all the same
			body["access_level"], body["deploy_key_id"], body["access_level_description"] = int(Maintainer), l.DeployKey, "Deploy key"
		}
		list = append(list, body)
	}
	return list
}

func (r Role) humanized() string {
	switch r {
	case NoAccess:
		return "No one"
	case Developer:
		return "Developers + Maintainers"
	case Maintainer:
		return "Maintainers"
	case Admin:
		return "Instance admins"
	default:
		return "Access level " + itoa(int(r))
	}
}
