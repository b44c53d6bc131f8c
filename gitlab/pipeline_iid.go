package gitlab

import (
	"context"
	"fmt"
	"net/http"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// iidQuery asks for the id behind the number that a project's pipelines are counted by.
// https://docs.gitlab.com/api/graphql/reference/#projectpipeline
const iidQuery = `query($path: ID!, $iid: ID!) { project(fullPath: $path) { pipeline(iid: $iid) { id } } }`

// PipelineByIID reads the pipeline that the project counts as its iid-th, which only
// GraphQL finds. An error of the kind NotFound says that there is none, or that the
// project cannot be seen.
func (c *Client) PipelineByIID(ctx context.Context, project Project, iid int64) (Pipeline, error) {
	const op = "looking up the pipeline"
	var answer struct {
		Data *struct {
			Project *struct {
				Pipeline *struct {
					ID string `json:"id"`
				} `json:"pipeline"`
			} `json:"project"`
		} `json:"data"`
		Errors graphQLErrors `json:"errors"`
	}
	resp, err := c.call(op, func() (*gl.Response, error) {
		return c.gl.GraphQL.Do(gl.GraphQLQuery{
			Query:     iidQuery,
			Variables: map[string]any{"path": project.Path, "iid": fmt.Sprint(iid)},
		}, &answer, gl.WithContext(ctx))
	})
	switch {
	case hasStatus(err, http.StatusNotFound): // no query says so, GitLab or a proxy does
		return Pipeline{}, &Error{Op: op, Kind: Invalid, Status: http.StatusNotFound, Message: "the instance has no GraphQL API", err: err}
	case err != nil:
		return Pipeline{}, err
	case len(answer.Errors) > 0:
		return Pipeline{}, &Error{Op: op, Kind: Unclear, Status: http.StatusOK, Message: answer.Errors.message()}
	case answer.Data == nil:
		return Pipeline{}, unreadable(op, resp, "its answer holds no data")
	case answer.Data.Project == nil || answer.Data.Project.Pipeline == nil:
		return Pipeline{}, &Error{Op: op, Kind: NotFound, Status: http.StatusOK, Message: fmt.Sprintf("the project has no pipeline %d", iid)}
	}
	id := globalID(answer.Data.Project.Pipeline.ID)
	if err := named(op, resp, id, "pipeline"); err != nil {
		return Pipeline{}, err
	}
	return c.Pipeline(ctx, project.ID, id)
}
