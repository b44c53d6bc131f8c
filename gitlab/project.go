package gitlab

import (
	"context"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// Project is a project as pipebot needs to know it.
type Project struct {
	ID            int64
	Path          string // path with namespace: group/app
	WebURL        string
	DefaultBranch string // empty for an empty repository
	// Role is that of the token's user; NoAccess where GitLab does not say, as for
	// administrators who are no members.
	Role Role
}

// Project reads a project by its path or its numeric id.
// https://docs.gitlab.com/api/projects/#retrieve-a-project
func (c *Client) Project(ctx context.Context, pathOrID string) (Project, error) {
	const op = "reading the project"
	var p *gl.Project
	resp, err := c.call(op, func() (resp *gl.Response, err error) {
		p, resp, err = c.gl.Projects.GetProject(pathOrID, nil, gl.WithContext(ctx))
		return resp, err
	})
	if err == nil && (p == nil || p.ID <= 0) {
		err = unreadable(op, resp, "its answer names no project")
	}
	if err != nil {
		return Project{}, err
	}
	project := Project{ID: p.ID, Path: p.PathWithNamespace, WebURL: p.WebURL, DefaultBranch: p.DefaultBranch}
	if p.Permissions != nil {
		if a := p.Permissions.ProjectAccess; a != nil {
			project.Role = Role(a.AccessLevel)
		}
		if a := p.Permissions.GroupAccess; a != nil {
			project.Role = max(project.Role, Role(a.AccessLevel))
		}
	}
	return project, nil
}
