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
	// Role is the access level of the token's user, as in
	// https://docs.gitlab.com/api/members/#roles (30 Developer, 40 Maintainer);
	// 0 where GitLab does not say, as for administrators who are no members.
	Role int
}

// Maintainer is the access level from which on a user may read any pipeline's
// variables.
const Maintainer = 40

// Project reads a project by its path or its numeric id.
// https://docs.gitlab.com/api/projects/#retrieve-a-project
func (c *Client) Project(ctx context.Context, pathOrID string) (Project, error) {
	var p *gl.Project
	_, err := c.call("reading the project", func() (resp *gl.Response, err error) {
		p, resp, err = c.gl.Projects.GetProject(pathOrID, nil, gl.WithContext(ctx))
		return resp, err
	})
	if err != nil {
		return Project{}, err
	}
	project := Project{ID: p.ID, Path: p.PathWithNamespace, WebURL: p.WebURL, DefaultBranch: p.DefaultBranch}
	if p.Permissions != nil {
		if a := p.Permissions.ProjectAccess; a != nil {
			project.Role = int(a.AccessLevel)
		}
		if a := p.Permissions.GroupAccess; a != nil {
			project.Role = max(project.Role, int(a.AccessLevel))
		}
	}
	return project, nil
}
