package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"
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
	Warnings bool `json:"warnings,omitempty"`
	// Name is what workflow:name or a person called it, often empty. GitLab leaves it
	// out when it answers a start, a retry or a cancel.
	Name   string `json:"name,omitempty"`
	Source string `json:"source,omitempty"`
	Ref    string `json:"ref,omitempty"` // short name
	// Tag: the ref is a tag. Lists do not say; Describe does.
	Tag bool   `json:"tag,omitempty"`
	SHA string `json:"sha,omitempty"`
	// User is who GitLab says started it, for a trigger the owner of the token. Lists do
	// not say; Describe does.
	User       User          `json:"user,omitzero"`
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
	Name           string    `json:"name"`
	Source         string    `json:"source"`
	Ref            string    `json:"ref"`
	Tag            bool      `json:"tag"`
	SHA            string    `json:"sha"`
	User           User      `json:"user"`
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
		Name:     a.Name, Source: a.Source, Ref: a.Ref, Tag: a.Tag, SHA: a.SHA, User: a.User,
		WebURL: a.WebURL, YAMLErrors: a.YAMLErrors,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, StartedAt: a.StartedAt, FinishedAt: a.FinishedAt,
		Duration: lasting(a.Duration),
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

func (c *Client) pipeline(ctx context.Context, op, method, path string, body any) (Pipeline, error) {
	var answer pipelineAnswer
	resp, err := c.request(ctx, op, method, path, body, &answer)
	if err != nil {
		return Pipeline{}, err
	}
	// A 2xx that names no pipeline, from a proxy perhaps: nothing is known.
	if err := named(op, resp, answer.ID, "pipeline"); err != nil {
		return Pipeline{}, err
	}
	return answer.pipeline(), nil
}
