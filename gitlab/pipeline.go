package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// Status is a pipeline's or a job's status, in GitLab's own words.
// https://docs.gitlab.com/api/pipelines/#list-project-pipelines
type Status string

// The statuses that decide something here; GitLab has more, and an unknown one
// is no end.
const (
	StatusCreated   Status = "created"
	StatusPending   Status = "pending"
	StatusRunning   Status = "running"
	StatusSuccess   Status = "success"
	StatusFailed    Status = "failed"
	StatusCanceling Status = "canceling"
	StatusCanceled  Status = "canceled"
	StatusSkipped   Status = "skipped"
	StatusManual    Status = "manual"
	StatusScheduled Status = "scheduled"
)

// Ended reports whether the status stays unless somebody acts.
func (s Status) Ended() bool {
	return s == StatusSuccess || s == StatusFailed || s == StatusCanceled || s == StatusSkipped
}

// Waits reports whether the pipeline goes on only when a person, or a timer that
// a person set, starts a job.
func (s Status) Waits() bool { return s == StatusManual || s == StatusScheduled }

// Pipeline is one pipeline as GitLab last showed it.
type Pipeline struct {
	ID        int64  `json:"id"`
	IID       int64  `json:"iid"`
	ProjectID int64  `json:"project_id"`
	Status    Status `json:"status"`
	// Warnings: it passed though a job that may fail did.
	Warnings   bool          `json:"warnings,omitempty"`
	Source     string        `json:"source,omitempty"`
	Ref        string        `json:"ref,omitempty"`
	SHA        string        `json:"sha,omitempty"`
	WebURL     string        `json:"web_url,omitempty"`
	YAMLErrors string        `json:"yaml_errors,omitempty"`
	CreatedAt  time.Time     `json:"created_at,omitzero"`
	UpdatedAt  time.Time     `json:"updated_at,omitzero"`
	StartedAt  time.Time     `json:"started_at,omitzero"`
	FinishedAt time.Time     `json:"finished_at,omitzero"`
	Duration   time.Duration `json:"duration,omitempty"`
}

// pipelineAnswer decodes more kindly than client-go's type: it takes fractional
// durations, on which an int64 breaks the whole answer and with it the knowledge
// that a pipeline was started.
type pipelineAnswer struct {
	ID             int64     `json:"id"`
	IID            int64     `json:"iid"`
	ProjectID      int64     `json:"project_id"`
	Status         Status    `json:"status"`
	Source         string    `json:"source"`
	Ref            string    `json:"ref"`
	SHA            string    `json:"sha"`
	WebURL         string    `json:"web_url"`
	YAMLErrors     string    `json:"yaml_errors"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	StartedAt      time.Time `json:"started_at"`
	FinishedAt     time.Time `json:"finished_at"`
	Duration       float64   `json:"duration"`
	DetailedStatus struct {
		Group string `json:"group"`
	} `json:"detailed_status"`
}

func (a pipelineAnswer) pipeline() Pipeline {
	return Pipeline{
		ID: a.ID, IID: a.IID, ProjectID: a.ProjectID, Status: a.Status,
		Warnings: a.DetailedStatus.Group == groupWarnings,
		Source:   a.Source, Ref: a.Ref, SHA: a.SHA, WebURL: a.WebURL, YAMLErrors: a.YAMLErrors,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, StartedAt: a.StartedAt, FinishedAt: a.FinishedAt,
		Duration: time.Duration(a.Duration * float64(time.Second)),
	}
}

// groupWarnings is detailed_status.group of a pipeline that "passed with
// warnings"; the text beside it is translated, the group is not.
const groupWarnings = "success-with-warnings"

// Pipeline reads one pipeline.
// https://docs.gitlab.com/api/pipelines/#retrieve-a-pipeline
func (c *Client) Pipeline(ctx context.Context, project, id int64) (Pipeline, error) {
	return c.pipeline(ctx, "reading the pipeline", http.MethodGet, fmt.Sprintf("projects/%d/pipelines/%d", project, id), nil)
}

// Retry runs the failed and canceled jobs of a pipeline again.
// https://docs.gitlab.com/api/pipelines/#retry-jobs-in-a-pipeline
func (c *Client) Retry(ctx context.Context, project, id int64) (Pipeline, error) {
	return c.pipeline(ctx, "retrying the pipeline", http.MethodPost, fmt.Sprintf("projects/%d/pipelines/%d/retry", project, id), nil)
}

// Cancel cancels the jobs of a pipeline that have not ended.
// https://docs.gitlab.com/api/pipelines/#cancel-all-jobs-for-a-pipeline
func (c *Client) Cancel(ctx context.Context, project, id int64) (Pipeline, error) {
	return c.pipeline(ctx, "canceling the pipeline", http.MethodPost, fmt.Sprintf("projects/%d/pipelines/%d/cancel", project, id), nil)
}

func (c *Client) pipeline(ctx context.Context, op, method, path string, body any) (Pipeline, error) {
	var answer pipelineAnswer
	resp, err := c.request(ctx, op, method, path, body, &answer)
	if err != nil {
		return Pipeline{}, err
	}
	if answer.ID == 0 {
		// A 2xx that names no pipeline, from a proxy perhaps: nothing is known.
		return Pipeline{}, &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "its answer names no pipeline"}
	}
	return answer.pipeline(), nil
}

// ListFilter narrows ListPipelines. Zero fields filter nothing.
// https://docs.gitlab.com/api/pipelines/#list-project-pipelines
type ListFilter struct {
	Source       string
	Ref          string // short name
	UpdatedAfter time.Time
	CreatedAfter time.Time
}

// ListPipelines reads every page of the pipelines that pass the filter. What
// changes between two pages may move, and may move others, from one page to
// another, so the order is one in which nothing moves past the reader unseen:
// newest first, and by the last change only where the next list, which reaches
// back to the newest change of this one, shows what changed meanwhile.
func (c *Client) ListPipelines(ctx context.Context, project int64, filter ListFilter) ([]Pipeline, error) {
	opt := &gl.ListProjectPipelinesOptions{
		ListOptions: gl.ListOptions{PerPage: perPage},
		OrderBy:     gl.Ptr("id"), Sort: gl.Ptr("desc"),
	}
	if filter.Source != "" {
		opt.Source = gl.Ptr(filter.Source)
	}
	if filter.Ref != "" {
		opt.Ref = gl.Ptr(filter.Ref)
	}
	if !filter.UpdatedAfter.IsZero() {
		opt.UpdatedAfter, opt.OrderBy = gl.Ptr(filter.UpdatedAfter), gl.Ptr("updated_at")
	}
	if !filter.CreatedAfter.IsZero() {
		opt.CreatedAfter = gl.Ptr(filter.CreatedAfter)
	}
	var pipelines []Pipeline
	for {
		var page []*gl.PipelineInfo
		resp, err := c.call("listing pipelines", func() (resp *gl.Response, err error) {
			page, resp, err = c.gl.Pipelines.ListProjectPipelines(project, opt, gl.WithContext(ctx))
			return resp, err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			pipelines = append(pipelines, listed(p))
		}
		if resp.NextPage == 0 {
			return pipelines, nil
		}
		opt.Page = resp.NextPage
	}
}

// perPage is the largest page that GitLab gives.
// https://docs.gitlab.com/api/rest/#offset-based-pagination
const perPage = 100

func listed(p *gl.PipelineInfo) Pipeline {
	pipeline := Pipeline{
		ID: p.ID, IID: p.IID, ProjectID: p.ProjectID, Status: Status(p.Status),
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

// Variables reads the variables that a pipeline was started with. It takes a
// Maintainer, or the user who started the pipeline: others get Forbidden.
// https://docs.gitlab.com/api/pipelines/#list-variables-for-a-pipeline
func (c *Client) Variables(ctx context.Context, project, id int64) (map[string]string, error) {
	var list []*gl.PipelineVariable
	_, err := c.call("reading the pipeline's variables", func() (resp *gl.Response, err error) {
		list, resp, err = c.gl.Pipelines.GetPipelineVariables(project, id, gl.WithContext(ctx))
		return resp, err
	})
	if err != nil {
		return nil, err
	}
	variables := make(map[string]string, len(list))
	for _, v := range list {
		variables[v.Key] = v.Value
	}
	return variables, nil
}
