package gitlab

import (
	"context"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// branchPiece is how many names of branches one GraphQL request asks for. GitLab
// sets no limit; 20,000 are about a megabyte.
const branchPiece = 20_000

// branchNamesQuery reads names alone, which GitLab keeps in a cache; the REST API
// reads a commit for every branch.
// https://docs.gitlab.com/api/graphql/reference/#repositorybranchnames
const branchNamesQuery = `query($path: ID!, $offset: Int!, $limit: Int!) {
  project(fullPath: $path) {
    repository {
      branchCount
      branchNames(searchPattern: "*", offset: $offset, limit: $limit)
    }
  }
}`

// BranchNames are all branches in the order of their names, by GraphQL in pieces
// of 20,000, and where that fails by the REST API, a hundred a request.
// https://docs.gitlab.com/api/branches/#list-repository-branches
func (c *Client) BranchNames(ctx context.Context, project Project) ([]string, error) {
	list, err := c.branchNames(ctx, project)
	if err == nil || ctx.Err() != nil {
		return list, err
	}
	switch KindOf(err) {
	case NotSent, RateLimited, Unauthorized:
		return nil, err // the REST API would answer the same
	default:
	}
	const op = "listing branches"
	options := &gl.ListBranchesOptions{ListOptions: gl.ListOptions{Pagination: "keyset", Sort: "name_asc", PerPage: perPage}}
	return everyPage(op, func(next ...gl.RequestOptionFunc) ([]string, *gl.Response, error) {
		return c.branchPage(ctx, op, project, options, next...)
	})
}

// branchNames reads the names by GraphQL. GitLab cuts the pieces out of a set
// whose order changes with every push of a new branch, so pieces can overlap and
// miss names: what is short of the count is read again in one piece.
func (c *Client) branchNames(ctx context.Context, project Project) ([]string, error) {
	var all names
	total := 1
	for offset := 0; offset < total; offset += branchPiece {
		piece, count, err := c.branchPieceAt(ctx, project, offset, branchPiece)
		if err != nil {
			return nil, err
		}
		all.add(piece)
		if total = count; all.added == 0 {
			break // whatever the count says
		}
	}
	if len(all.list) < total {
		piece, count, err := c.branchPieceAt(ctx, project, 0, total+branchPiece)
		if err != nil {
			return nil, err
		}
		all = names{}
		all.add(piece)
		if !complete(len(all.list), count) {
			return nil, incomplete(branchNamesOp, len(all.list), count)
		}
	}
	slices.Sort(all.list)
	return all.list, nil
}

const branchNamesOp = "listing branches by GraphQL"

func (c *Client) branchPieceAt(ctx context.Context, project Project, offset, limit int) (piece []string, total int, err error) {
	var answer struct {
		Data struct {
			Project *struct {
				Repository *struct {
					BranchCount int      `json:"branchCount"`
					BranchNames []string `json:"branchNames"`
				} `json:"repository"`
			} `json:"project"`
		} `json:"data"`
		// Errors come with HTTP 200, and client-go reports none.
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	resp, err := c.call(branchNamesOp, func() (*gl.Response, error) {
		return c.gl.GraphQL.Do(gl.GraphQLQuery{
			Query:     branchNamesQuery,
			Variables: map[string]any{"path": project.Path, "offset": offset, "limit": limit},
		}, &answer, gl.WithContext(ctx))
	})
	switch {
	case err != nil:
		return nil, 0, err
	case len(answer.Errors) > 0:
		return nil, 0, &Error{Op: branchNamesOp, Kind: Invalid, Message: answer.Errors[0].Message}
	case answer.Data.Project == nil || answer.Data.Project.Repository == nil:
		return nil, 0, &Error{Op: branchNamesOp, Kind: NotFound}
	}
	repository := answer.Data.Project.Repository
	if repository.BranchNames == nil {
		return nil, 0, unreadable(branchNamesOp, resp, "its answer holds no names")
	}
	return repository.BranchNames, repository.BranchCount, nil
}
