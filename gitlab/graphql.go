package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// errNoBatches: this instance does not read pipelines by their ids in one request.
var errNoBatches = errors.New("the instance knows no such query")

// pipelineNodes reads pipelines by their ids, in one request.
func (c *Client) pipelineNodes(ctx context.Context, op, query string, project Project, ids []int64) ([]pipelineNode, error) {
	gids := make([]string, len(ids))
	for i, id := range ids {
		gids[i] = fmt.Sprintf("gid://gitlab/Ci::Pipeline/%d", id)
	}
	var answer pipelinesAnswer
	_, err := c.call(op, func() (*gl.Response, error) {
		return c.gl.GraphQL.Do(gl.GraphQLQuery{
			Query:     query,
			Variables: map[string]any{"path": project.Path, "ids": gids, "n": len(gids)},
		}, &answer, gl.WithContext(ctx))
	})
	if err != nil && !knowsNoQuery(err) {
		return nil, err
	}
	if answer.Data.Project == nil || answer.Data.Project.Pipelines.Nodes == nil || len(answer.Errors) > 0 {
		return nil, errNoBatches
	}
	nodes := answer.Data.Project.Pipelines.Nodes
	if slices.ContainsFunc(nodes, func(n pipelineNode) bool { return !slices.Contains(ids, globalID(n.ID)) }) {
		return nil, errNoBatches // it answers something else
	}
	return nodes, nil
}

// knowsNoQuery reports whether the instance refused the query, or has no GraphQL at all,
// which a proxy may say for it.
func knowsNoQuery(err error) bool {
	return KindOf(err) == Invalid || hasStatus(err, http.StatusNotFound)
}

type pipelinesAnswer struct {
	Data struct {
		Project *struct {
			Pipelines struct {
				Nodes []pipelineNode `json:"nodes"`
			} `json:"pipelines"`
		} `json:"project"`
	} `json:"data"`
	Errors graphQLErrors `json:"errors"`
}

type pipelineNode struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	Status         string    `json:"status"`
	RefPath        string    `json:"refPath"`
	UpdatedAt      time.Time `json:"updatedAt"`
	StartedAt      time.Time `json:"startedAt"`
	FinishedAt     time.Time `json:"finishedAt"`
	Duration       float64   `json:"duration"`
	DetailedStatus struct {
		Group string `json:"group"`
	} `json:"detailedStatus"`
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"user"`
	Jobs struct {
		PageInfo struct {
			HasNextPage bool `json:"hasNextPage"`
		} `json:"pageInfo"`
		Nodes []jobNode `json:"nodes"`
	} `json:"jobs"`
}

func (n pipelineNode) pipeline(project int64) Pipeline {
	return Pipeline{
		ID: globalID(n.ID), ProjectID: project, Name: n.Name,
		Status:    Status(strings.ToLower(n.Status)),
		Warnings:  n.DetailedStatus.Group == groupWarnings,
		Tag:       strings.HasPrefix(n.RefPath, tagsPrefix),
		User:      User{ID: globalID(n.User.ID), Username: n.User.Username, Name: n.User.Name},
		UpdatedAt: n.UpdatedAt, StartedAt: n.StartedAt, FinishedAt: n.FinishedAt,
		Duration: lasting(n.Duration),
	}
}

// graphQLErrors come with HTTP 200, and client-go reports none.
type graphQLErrors []struct {
	Message string `json:"message"`
}

func (e graphQLErrors) message() string {
	texts := make([]string, len(e))
	for i, fault := range e {
		texts[i] = plainText(fault.Message)
	}
	return strings.Join(texts, "; ")
}

// globalID takes the number out of gid://gitlab/Ci::Build/123.
func globalID(gid string) int64 {
	id, err := strconv.ParseInt(gid[strings.LastIndexByte(gid, '/')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return id
}
