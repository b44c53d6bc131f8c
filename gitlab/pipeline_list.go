package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// ListFilter narrows and orders lists of pipelines. Zero fields filter nothing.
// https://docs.gitlab.com/api/pipelines/#list-project-pipelines
type ListFilter struct {
	Scope         string // running, pending, finished, branches or tags
	Status        string
	Source        string
	Ref           string // short name
	SHA           string
	Name          string
	Username      string // who started it
	YAMLErrors    *bool  // with an invalid configuration, or without
	UpdatedAfter  time.Time
	UpdatedBefore time.Time
	CreatedAfter  time.Time
	CreatedBefore time.Time
	// OrderBy is id, status, ref, updated_at or user_id; when it is empty that is
	// updated_at for a list of what changed after a time, and id for any other.
	OrderBy string
	Sort    string // asc or desc, desc when it is empty
}

func (f ListFilter) options() *gl.ListProjectPipelinesOptions {
	order := "id"
	if !f.UpdatedAfter.IsZero() {
		order = "updated_at"
	}
	return &gl.ListProjectPipelinesOptions{
		Scope: given(f.Scope), Status: given(gl.BuildStateValue(f.Status)), Source: given(f.Source), Ref: given(f.Ref),
		SHA: given(f.SHA), Name: given(f.Name), Username: given(f.Username), YamlErrors: f.YAMLErrors,
		UpdatedAfter: given(f.UpdatedAfter), UpdatedBefore: given(f.UpdatedBefore),
		CreatedAfter: given(f.CreatedAfter), CreatedBefore: given(f.CreatedBefore),
		OrderBy: new(cmp.Or(f.OrderBy, order)), Sort: new(cmp.Or(f.Sort, "desc")),
	}
}

// given is how client-go wants an optional parameter.
func given[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// ListPipelines reads every page of the pipelines that pass the filter. What
// changes between two pages may move, and may move others, from one page to
// another, so the order is one in which nothing moves past the reader unseen:
// newest first, and by the last change only where the next list, which reaches
// back to the newest change of this one, shows what changed meanwhile.
func (c *Client) ListPipelines(ctx context.Context, project int64, filter ListFilter) ([]Pipeline, error) {
	var pipelines []Pipeline
	err := eachPage(listPipelinesOp, func(page int64) (last int64, more bool, err error) {
		list, more, err := c.PipelinesPage(ctx, project, filter, int(page), perPage)
		if len(list) > 0 {
			last = list[len(list)-1].ID
		}
		pipelines = append(pipelines, list...)
		return last, more, err
	})
	if err != nil {
		return nil, err
	}
	return pipelines, nil
}

const listPipelinesOp = "listing pipelines"

// perPage is the largest page that GitLab gives.
// https://docs.gitlab.com/api/rest/#offset-based-pagination
const perPage = 100

// PipelinesPage reads one page of the pipelines that pass the filter, page counted from 1
// and of 100 pipelines at most. more says that a page follows: GitLab tells no total of
// more than 10,000. User, Tag and Warnings are left empty; Describe fills them in.
func (c *Client) PipelinesPage(ctx context.Context, project int64, filter ListFilter, page, size int) (list []Pipeline, more bool, err error) {
	const op = listPipelinesOp
	if page < 1 || size < 1 || size > perPage {
		return nil, false, &Error{Op: op, Kind: Invalid, Message: fmt.Sprintf("there is no page %d of %d pipelines", page, size)}
	}
	opt := filter.options()
	opt.ListOptions = gl.ListOptions{Page: int64(page), PerPage: int64(size)}
	var answers []*gl.PipelineInfo
	resp, err := c.call(op, func() (resp *gl.Response, err error) {
		answers, resp, err = c.gl.Pipelines.ListProjectPipelines(project, opt, gl.WithContext(ctx))
		return resp, err
	})
	if err == nil {
		err = wholeList(op, resp, answers, func(p *gl.PipelineInfo) bool { return p != nil && p.ID > 0 })
	}
	if err != nil {
		return nil, false, err
	}
	for _, p := range answers {
		list = append(list, listed(p))
	}
	return list, hasNext(resp), nil
}

// LatestPipeline reads the newest pipeline of a ref, given by its short name; found is
// false where there is none. GitLab's own /pipelines/latest answers 403 then, which is
// also its answer to who may not look, and only knows pipelines of the ref's last commit.
func (c *Client) LatestPipeline(ctx context.Context, project int64, ref string) (latest Pipeline, found bool, err error) {
	list, _, err := c.PipelinesPage(ctx, project, ListFilter{Ref: ref}, 1, 1)
	if err != nil || len(list) == 0 {
		return Pipeline{}, false, err
	}
	return list[0], true, nil
}

func listed(p *gl.PipelineInfo) Pipeline {
	pipeline := Pipeline{
		ID: p.ID, IID: p.IID, ProjectID: p.ProjectID, Status: Status(p.Status), Name: p.Name,
		Source: p.Source, Ref: p.Ref, SHA: p.SHA, WebURL: p.WebURL,
	}
	if p.UpdatedAt != nil {
		pipeline.UpdatedAt = *p.UpdatedAt
	}
	if p.CreatedAt != nil {
		pipeline.CreatedAt = *p.CreatedAt
	}
	return pipeline
}
