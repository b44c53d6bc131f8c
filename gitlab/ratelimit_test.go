package gitlab_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// Whatever is asked for, a 429 is told as one, with its Retry-After in both forms and
// GitLab's words in plain text, and the request is not repeated before.
func TestRateLimitOfEveryRequest(t *testing.T) {
	asks := map[string]func(context.Context, instance) error{
		"start": func(ctx context.Context, gl instance) error {
			_, err := gl.client.StartPipeline(ctx, gitlab.Start{Project: gl.project.ID, Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}})
			return err
		},
		"look for a start": func(ctx context.Context, gl instance) error {
			_, err := gl.client.FindStarted(ctx, gitlab.Started{Project: gl.project.ID, Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}})
			return err
		},
		"list": func(ctx context.Context, gl instance) error {
			_, err := gl.client.ListPipelines(ctx, gl.project.ID, gitlab.ListFilter{})
			return err
		},
		"observe": func(ctx context.Context, gl instance) error {
			_, err := gl.client.Observe(ctx, gl.project, []int64{1})
			return err
		},
		"cancel": func(ctx context.Context, gl instance) error {
			_, err := gl.client.Cancel(ctx, gl.project.ID, 1)
			return err
		},
		"retry": func(ctx context.Context, gl instance) error {
			_, err := gl.client.Retry(ctx, gl.project.ID, 1)
			return err
		},
		"play": func(ctx context.Context, gl instance) error {
			_, err := gl.client.PlayJob(ctx, gl.project.ID, 1)
			return err
		},
		"delete": func(ctx context.Context, gl instance) error {
			return gl.client.DeletePipeline(ctx, gl.project.ID, 1)
		},
	}
	for form, want := range map[string]time.Duration{"37": 37 * time.Second, "Fri, 31 Dec 9999 23:59:59 GMT": gitlab.MaxRetryAfter} {
		for name, ask := range asks {
			t.Run(name+", "+form, func(t *testing.T) {
				gl := newInstance(t, nil)
				gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 429, Header: http.Header{"Retry-After": {form}}, Body: "Retry later\n"})
				err := ask(t.Context(), gl)
				got := gitlab.Error{Kind: gitlab.KindOf(err)}
				if e, ok := errors.AsType[*gitlab.Error](err); ok {
					got.RetryAfter, got.Message = e.RetryAfter, e.Message
				}
				if got.Kind != gitlab.RateLimited || got.RetryAfter != want || got.Message != "Retry later" {
					t.Errorf("%v: %s, %s, %q", err, got.Kind, got.RetryAfter, got.Message)
				}
				if n := len(gl.Requests()); n != 1 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}
