package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Start says what pipeline to start.
type Start struct {
	Project int64
	Ref     Ref
	// TriggerToken starts it as a trigger (CI_PIPELINE_SOURCE "trigger");
	// without one it is started with the access token ("api"). The two are
	// different pipelines, so one never stands in for the other.
	TriggerToken string
	Variables    map[string]string
	// Files are variables of the type file. The trigger API knows no types, so they
	// do not go with a TriggerToken.
	// https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token
	Files map[string]string
}

// Source is the CI_PIPELINE_SOURCE of a pipeline that was started with a trigger
// token, or without one.
// https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
func Source(trigger bool) string {
	if trigger {
		return "trigger"
	}
	return "api"
}

// StartPipeline asks once for a new pipeline. On an error of the kind Unclear the
// pipeline may have been started, or may still be: GitLab has no idempotency key.
// https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token
// https://docs.gitlab.com/api/pipelines/#create-a-new-pipeline
func (c *Client) StartPipeline(ctx context.Context, s Start) (Pipeline, error) {
	const op = "starting a pipeline"
	if s.TriggerToken != "" && len(s.Files) > 0 {
		// Sent as plain variables they would be other variables, and jobs that read
		// a file would fail in their own words.
		return Pipeline{}, &Error{Op: op, Kind: Invalid, Message: "variables of the type file cannot be set by a trigger token"}
	}
	path := fmt.Sprintf("projects/%d/pipeline", s.Project)
	var body any = createBody{Ref: s.Ref.String(), Variables: variableList(s.Variables, s.Files)}
	if s.TriggerToken != "" {
		path = fmt.Sprintf("projects/%d/trigger/pipeline", s.Project)
		body = triggerBody{Ref: s.Ref.String(), Token: s.TriggerToken, Variables: s.Variables}
	}
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	pipeline, err := c.pipeline(traced, op, http.MethodPost, path, body)
	if err != nil && KindOf(err) == Unclear && !connected.Load() {
		// No connection ever stood, so there was nothing to send it on: a
		// deadline during the dial, or a TLS handshake that failed.
		return Pipeline{}, &Error{Op: op, Kind: NotSent, err: err}
	}
	return pipeline, err
}

type triggerBody struct {
	Ref       string            `json:"ref"`
	Token     string            `json:"token"`
	Variables map[string]string `json:"variables,omitempty"`
}

type createBody struct {
	Ref       string         `json:"ref"`
	Variables []variableBody `json:"variables,omitempty"`
}
