package gitlab_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// there is what requests are about: a pipeline with a manual job, and a trigger token.
type there struct {
	instance
	pipeline, job, trigger int64
}

func newThere(t *testing.T, change func(http.RoundTripper) http.RoundTripper) there {
	t.Helper()
	gl := newInstance(t, change)
	gl.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "ship", Manual: true}}})
	p := gl.startHere(t, "main")
	p.Enqueue()
	token := gl.app.AddTriggerToken(p.User(), "nightly")
	return there{gl, int64(p.ID), int64(p.Job("ship").ID), int64(token.ID)}
}

// A request is one thing that the client can ask of GitLab.
type request struct {
	op    string
	role  gitlabtest.Role // the lowest that may; 0: none of the others
	whole bool            // it is about all of a project, not about one thing in it
	do    func(ctx context.Context, client *gitlab.Client, at there) error
}

func requests() []request {
	return []request{
		{"listing pipelines", gitlabtest.Reporter, true, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, _, err := client.PipelinesPage(ctx, at.project.ID, gitlab.ListFilter{}, 1, 20)
			return err
		}},
		{"listing pipelines", gitlabtest.Reporter, true, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, _, err := client.LatestPipeline(ctx, at.project.ID, "main")
			return err
		}},
		{"reading the pipeline's variables", gitlabtest.Maintainer, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.Variables(ctx, at.project.ID, at.pipeline)
			return err
		}},
		{"reading the test report", gitlabtest.Reporter, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.TestReportSummary(ctx, at.project.ID, at.pipeline)
			return err
		}},
		{"renaming the pipeline", gitlabtest.Developer, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.RenamePipeline(ctx, at.project.ID, at.pipeline, "nightly")
			return err
		}},
		{"deleting the pipeline", gitlabtest.Owner, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			return client.DeletePipeline(ctx, at.project.ID, at.pipeline)
		}},
		{"playing the job", gitlabtest.Developer, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.PlayJob(ctx, at.project.ID, at.job)
			return err
		}},
		{"listing trigger tokens", gitlabtest.Maintainer, true, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.TriggerTokens(ctx, at.project.ID)
			return err
		}},
		{"reading the trigger token", gitlabtest.Maintainer, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.TriggerToken(ctx, at.project.ID, at.trigger)
			return err
		}},
		{"creating a trigger token", gitlabtest.Maintainer, true, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.CreateTriggerToken(ctx, at.project.ID, "nightly", time.Time{})
			return err
		}},
		{"renaming the trigger token", 0, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			_, err := client.RenameTriggerToken(ctx, at.project.ID, at.trigger, "hourly")
			return err
		}},
		{"revoking the trigger token", gitlabtest.Maintainer, false, func(ctx context.Context, client *gitlab.Client, at there) error {
			return client.RevokeTriggerToken(ctx, at.project.ID, at.trigger)
		}},
	}
}

// wantKind checks the kind of an error that is of the request.
func (r request) wantKind(t *testing.T, err error, kind gitlab.Kind) {
	t.Helper()
	if err == nil || gitlab.KindOf(err) != kind || !strings.HasPrefix(err.Error(), r.op+": ") {
		t.Errorf("the error is %v, want one of the kind %s", err, kind)
	}
	noTokens(t, err)
}

func TestRequestsByRole(t *testing.T) {
	for _, r := range requests() {
		t.Run(r.op, func(t *testing.T) {
			for _, role := range []gitlabtest.Role{
				gitlabtest.NoAccess, gitlabtest.Guest, gitlabtest.Reporter, gitlabtest.Developer, gitlabtest.Maintainer, gitlabtest.Owner,
			} {
				at := newThere(t, nil)
				err := r.do(t.Context(), at.as(t, role), at)
				switch {
				case role == gitlabtest.NoAccess: // the project cannot be seen
					r.wantKind(t, err, gitlab.NotFound)
				case r.role == 0 || role < r.role:
					r.wantKind(t, err, gitlab.Forbidden)
				case err != nil:
					t.Errorf("as %d: %v", role, err)
				}
				for _, v := range at.Violations() {
					t.Errorf("as %d: %v", role, v)
				}
			}
		})
	}
}

func TestRequestsForWhatIsNotThere(t *testing.T) {
	for _, r := range requests() {
		t.Run(r.op, func(t *testing.T) {
			at := newThere(t, nil)
			owner := at.as(t, gitlabtest.Owner)
			if gone := at; !r.whole {
				gone.pipeline, gone.job, gone.trigger = 4711, 4711, 4711
				r.wantKind(t, r.do(t.Context(), owner, gone), gitlab.NotFound)
			}
			at.project.ID = 4711
			r.wantKind(t, r.do(t.Context(), owner, at), gitlab.NotFound)
		})
	}
}

// Whatever is wrong, it is told as what it is, and nothing is sent again.
func TestRequestsThatFail(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(gl instance)
		kind gitlab.Kind
	}{
		{"a rate limit", func(gl instance) {
			gl.SetRateLimit(gitlabtest.RateLimit{Requests: 1, Per: time.Hour})
			_, _ = gl.client.Project(context.Background(), "group/app")
		}, gitlab.RateLimited},
		{"GitLab is down", func(gl instance) { gl.Down(true) }, gitlab.Unclear},
		{"a cut connection", func(gl instance) { gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Cut: true}) }, gitlab.Unclear},
		{"a cut connection though it was done", func(gl instance) {
			gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Cut: true, Applied: true})
		}, gitlab.Unclear},
		{"a page with 200", func(gl instance) {
			gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Body: "<html>Sign in</html>"})
		}, gitlab.Unclear},
		{"409", func(gl instance) {
			gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 409, Body: `{"message":"409 Conflict"}`})
		}, gitlab.Invalid},
		{"422", func(gl instance) { gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 422}) }, gitlab.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range requests() {
				t.Run(r.op, func(t *testing.T) {
					counted := &counting{}
					at := newThere(t, func(next http.RoundTripper) http.RoundTripper {
						counted.RoundTripper = next
						return counted
					})
					at.app.AddMember(at.user, gitlabtest.Owner)
					tt.set(at.instance)
					counted.sent.Store(0)
					r.wantKind(t, r.do(t.Context(), at.client, at), tt.kind)
					if n := counted.sent.Load(); n != 1 {
						t.Errorf("the client sent %d requests", n)
					}
				})
			}
		})
	}
}

// An answer without what was asked for is none.
func TestAnswersThatNameNothing(t *testing.T) {
	for op, want := range map[string]string{
		"reading the test report":    "its answer holds no report",
		"renaming the pipeline":      "its answer names no pipeline",
		"deleting the pipeline":      "its answer does not say that it is gone",
		"playing the job":            "its answer names no job",
		"reading the trigger token":  "its answer names no trigger token",
		"creating a trigger token":   "its answer names no trigger token",
		"renaming the trigger token": "its answer names no trigger token",
		"revoking the trigger token": "its answer does not say that it is gone",
	} {
		for _, r := range requests() {
			if r.op != op {
				continue
			}
			t.Run(op, func(t *testing.T) {
				at := newThere(t, nil)
				at.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Body: "{}"})
				checkError(t, r.do(t.Context(), at.client, at), gitlab.Error{Op: op, Kind: gitlab.Unclear, Status: 200, Message: want})
			})
		}
	}
}
