package gitlab_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// A branch and a tag of one name are two refs, and each is started as itself.
func TestStartPipeline(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trigger bool
		ref     gitlab.Ref
		source  string
		owner   string
	}{
		{"a branch by a trigger token", true, branch("v1"), "trigger", "release"},
		{"a tag by a trigger token", true, tag("v1"), "trigger", "release"},
		{"a branch by the access token", false, branch("v1"), "api", "bot"},
		{"a tag by the access token", false, tag("v1"), "api", "bot"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.app.AddBranch("v1", time.Now().Add(-time.Hour))
			gl.app.AddTag("v1", time.Now().Add(-24*time.Hour))
			owner := gl.AddUser("release")
			gl.app.AddMember(owner, gitlabtest.Developer)
			start := gitlab.Start{
				Project: gl.project.ID, Ref: tt.ref,
				Variables: map[string]string{"BUILD_TYPE": "release", "NOTE": "a b=c,\n\"d\" ümlaut"},
			}
			if tt.trigger {
				start.TriggerToken = gl.app.AddTriggerToken(owner, "pipebot").Token
			}
			got, err := gl.client.StartPipeline(t.Context(), start)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(gl.app.Pipelines()); n != 1 {
				t.Fatalf("%d pipelines were started", n)
			}
			there := gl.app.Pipelines()[0]
			if there.Source != tt.source || there.Ref != "v1" || there.Tag != (tt.ref.Kind == gitlab.Tag) || there.User().Username != tt.owner {
				t.Errorf("started by %s of %s for %s, a tag: %v", there.Source, there.User().Username, there.Ref, there.Tag)
			}
			variables := map[string]string{}
			for _, v := range there.Variables() {
				if v.Key != "TRIGGER_PAYLOAD" { // which GitLab adds
					variables[v.Key] = v.Value
				}
			}
			if diff := cmp.Diff(start.Variables, variables); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
			want := gitlab.Pipeline{
				ID: int64(there.ID), IID: 1, ProjectID: gl.project.ID, Status: gitlab.StatusCreated,
				Source: tt.source, Ref: "v1", Tag: there.Tag, SHA: there.SHA, WebURL: there.WebURL(), User: account(there.User()),
			}
			got.CreatedAt, got.UpdatedAt = time.Time{}, time.Time{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the pipeline (-want +got):\n%s", diff)
			}
			for _, v := range gl.Violations() {
				t.Error(v)
			}
		})
	}
}

// A trigger without variables must not send any: some projects refuse them.
func TestStartWithoutVariables(t *testing.T) {
	for _, trigger := range []bool{true, false} {
		t.Run(gitlab.Source(trigger), func(t *testing.T) {
			bodies := &recorded{}
			gl := newInstance(t, func(next http.RoundTripper) http.RoundTripper {
				bodies.RoundTripper = next
				return bodies
			})
			gl.SetPayloadExempt(true)
			gl.app.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = "no_one_allowed" })
			if _, err := gl.client.StartPipeline(t.Context(), gl.start(trigger)); err != nil {
				t.Errorf("refused: %v", err)
			}
			if strings.Contains(bodies.last, "variables") {
				t.Errorf("GitLab was sent %s", bodies.last)
			}
		})
	}
}

// The trigger API would make other variables of them.
func TestFilesDoNotGoWithATriggerToken(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(true)
	start.Files = map[string]string{"CONFIG": "a: 1"}
	_, err := gl.client.StartPipeline(t.Context(), start)
	checkError(t, err, gitlab.Error{
		Op: "starting a pipeline", Kind: gitlab.Invalid, Message: "variables of the type file cannot be set by a trigger token",
	})
	if n := len(gl.Requests()); n != 0 {
		t.Errorf("GitLab was asked %d times", n)
	}
}

// recorded keeps the body of the last request.
type recorded struct {
	http.RoundTripper
	last string
}

func (r *recorded) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		r.last = string(body)
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(strings.NewReader(r.last))
	}
	return r.RoundTripper.RoundTrip(request)
}

// start is a start of main, with a trigger token of the bot's or without.
func (gl instance) start(trigger bool) gitlab.Start {
	s := gitlab.Start{Project: gl.project.ID, Ref: branch("main")}
	if trigger {
		owner := gl.AddUser("owner of the token")
		gl.app.AddMember(owner, gitlabtest.Developer)
		s.TriggerToken = gl.app.AddTriggerToken(owner, "pipebot").Token
	}
	return s
}

// What GitLab refuses, in its own words and as plain ones.
func TestStartRefused(t *testing.T) {
	invalid := func(message string) gitlab.Error {
		return gitlab.Error{Kind: gitlab.Invalid, Status: 400, Message: message}
	}
	const (
		triggers = 1 << iota
		creates
	)
	for _, tt := range []struct {
		name string
		how  int // triggers, creates, or both
		set  func(gl instance, s *gitlab.Start)
		want gitlab.Error
		left int // pipelines that GitLab leaves behind
	}{
		{
			name: "a ref that is gone", how: triggers | creates,
			set:  func(_ instance, s *gitlab.Start) { s.Ref = branch("gone") },
			want: invalid("Reference not found"),
		},
		{
			name: "variables that nobody may set", how: triggers | creates,
			set: func(gl instance, s *gitlab.Start) {
				s.Variables = map[string]string{"BUILD_TYPE": "debug"}
				gl.app.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = "no_one_allowed" })
			},
			want: invalid("Insufficient permissions to set pipeline variables"),
		},
		{
			name: "a variable that is a file too", how: creates,
			set: func(_ instance, s *gitlab.Start) {
				s.Variables = map[string]string{"CONFIG": "a"}
				s.Files = map[string]string{"CONFIG": "a"}
			},
			want: invalid("Duplicate variable name: CONFIG"),
		},
		{
			name: "TRIGGER_PAYLOAD, which GitLab adds itself", how: triggers,
			set: func(gl instance, _ *gitlab.Start) {
				gl.app.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = "no_one_allowed" })
			},
			want: invalid("Insufficient permissions to set pipeline variables"),
		},
		{
			name: "rules that leave no job", how: triggers | creates,
			set: func(gl instance, _ *gitlab.Start) {
				onPush := func(e gitlabtest.Event) bool { return e.Source == "push" }
				gl.app.SetCI(gitlabtest.CI{Stages: []string{"build"}, Jobs: []gitlabtest.JobSpec{{Name: "build", Stage: "build", Rules: onPush}}})
			},
			want: invalid("Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added to the pipeline."),
		},
		{
			name: "no jobs at all", how: triggers | creates,
			set:  func(gl instance, _ *gitlab.Start) { gl.app.SetCI(gitlabtest.CI{Stages: []string{"build"}}) },
			want: invalid("No stages / jobs for this pipeline."),
		},
		{
			name: "too many pipelines", how: triggers | creates,
			set: func(gl instance, s *gitlab.Start) {
				gl.app.Configure(func(s *gitlabtest.Settings) { s.PipelinesPerMinute = 1 })
				_, _ = gl.client.StartPipeline(context.Background(), *s)
			},
			want: invalid("Too many pipelines created in the last minute. Try again later."),
			left: 1,
		},
		{
			name: "a protected branch, told in HTML", how: triggers | creates,
			set: func(gl instance, _ *gitlab.Start) {
				gl.app.ProtectBranch("main", gitlabtest.Maintainer, gitlabtest.Maintainer)
			},
			want: invalid("You do not have sufficient permission to run a pipeline on 'refs/heads/main'. " +
				"Please select a different branch or contact your administrator for assistance. Learn more"),
		},
		{
			name: "YAML errors, by the access token", how: creates,
			set: func(gl instance, _ *gitlab.Start) {
				gl.app.SetCI(gitlabtest.CI{YAMLErrors: "jobs:build config is wrong"})
			},
			want: invalid("jobs:build config is wrong"),
		},
		{
			name: "YAML errors, by a trigger token", how: triggers,
			set: func(gl instance, _ *gitlab.Start) {
				gl.app.SetCI(gitlabtest.CI{YAMLErrors: "jobs:build config is wrong"})
			},
			want: gitlab.Error{Kind: gitlab.Invalid, Status: 422, Message: "jobs:build config is wrong"},
			left: 1,
		},
		{
			name: "a trigger token that nobody knows", how: triggers,
			set:  func(_ instance, s *gitlab.Start) { s.TriggerToken = secretTrigger },
			want: gitlab.Error{Kind: gitlab.NotFound, Status: 404},
		},
		{
			name: "a trigger token of another project", how: triggers,
			set: func(gl instance, s *gitlab.Start) {
				other := gl.AddProject("group/other")
				s.TriggerToken = other.AddTriggerToken(gl.AddUser("other"), "other").Token
			},
			want: gitlab.Error{Kind: gitlab.NotFound, Status: 404},
		},
		{
			name: "a project that is not there", how: triggers | creates,
			set:  func(_ instance, s *gitlab.Start) { s.Project = 4711 },
			want: gitlab.Error{Kind: gitlab.NotFound, Status: 404},
		},
		{
			name: "an archived project", how: creates,
			set: func(gl instance, _ *gitlab.Start) {
				gl.app.Configure(func(s *gitlabtest.Settings) { s.Archived = true })
			},
			want: gitlab.Error{Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden"},
		},
		{
			name: "a rate limit", how: creates,
			set: func(gl instance, _ *gitlab.Start) {
				gl.SetRateLimit(gitlabtest.RateLimit{Requests: 1, Per: 2 * time.Hour})
				_, _ = gl.client.Project(context.Background(), "group/app")
			},
			want: gitlab.Error{
				Kind: gitlab.RateLimited, Status: 429, RetryAfter: gitlab.MaxRetryAfter,
				Message: "This endpoint has been requested too many times. Try again later.",
			},
		},
		{
			name: "a rate limit in plain text", how: creates,
			set: func(gl instance, _ *gitlab.Start) {
				gl.SetRateLimit(gitlabtest.RateLimit{Requests: 1, Per: 2 * time.Hour, PlainText: true})
				_, _ = gl.client.Project(context.Background(), "group/app")
			},
			want: gitlab.Error{Kind: gitlab.RateLimited, Status: 429, RetryAfter: gitlab.MaxRetryAfter, Message: "Retry later"},
		},
	} {
		for _, how := range []int{triggers, creates} {
			if tt.how&how == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", tt.name, gitlab.Source(how == triggers)), func(t *testing.T) {
				counted := &counting{}
				gl := newInstance(t, func(next http.RoundTripper) http.RoundTripper {
					counted.RoundTripper = next
					return counted
				})
				start := gl.start(how == triggers)
				tt.set(gl, &start)
				counted.sent.Store(0)
				_, err := gl.client.StartPipeline(t.Context(), start)
				want := tt.want
				want.Op = "starting a pipeline"
				checkError(t, err, want)
				if n := counted.sent.Load(); n != 1 {
					t.Errorf("GitLab was asked %d times", n)
				}
				if n := len(gl.app.Pipelines()); n != tt.left {
					t.Errorf("there are %d pipelines, want %d", n, tt.left)
				}
			})
		}
	}
}

// What the owner of the access token may not do, or not any more.
func TestStartWithTheWrongAccessToken(t *testing.T) {
	for _, tt := range []struct {
		name  string
		token func(gl instance, user *gitlabtest.User) string
		role  gitlabtest.Role
		want  gitlab.Error
	}{
		{
			name:  "unknown",
			token: func(instance, *gitlabtest.User) string { return secretAccess },
			want:  gitlab.Error{Kind: gitlab.Unauthorized, Status: 401, Message: "401 Unauthorized"},
		},
		{
			name: "expired",
			token: func(gl instance, user *gitlabtest.User) string {
				token := gl.AddToken(user, "api")
				gl.ExpireToken(token, time.Now().Add(-time.Hour))
				return token
			},
			role: gitlabtest.Developer,
			want: gitlab.Error{
				Kind: gitlab.Unauthorized, Status: 401,
				Message: "Token is expired. You can either do re-authorization or token refresh.",
			},
		},
		{
			name:  "without the scope",
			token: func(gl instance, user *gitlabtest.User) string { return gl.AddToken(user, "read_api") },
			role:  gitlabtest.Developer,
			want: gitlab.Error{
				Kind: gitlab.Forbidden, Status: 403,
				Message: "The request requires higher privileges than provided by the access token.",
			},
		},
		{
			name:  "of a reporter",
			token: func(gl instance, user *gitlabtest.User) string { return gl.AddToken(user, "api") },
			role:  gitlabtest.Reporter,
			want:  gitlab.Error{Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden"},
		},
		{
			name:  "of a stranger",
			token: func(gl instance, user *gitlabtest.User) string { return gl.AddToken(user, "api") },
			want:  gitlab.Error{Kind: gitlab.NotFound, Status: 404},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			user := gl.AddUser("somebody")
			gl.app.AddMember(user, tt.role)
			_, err := gl.with(t, tt.token(gl, user)).StartPipeline(t.Context(), gitlab.Start{Project: gl.project.ID, Ref: branch("main")})
			tt.want.Op = "starting a pipeline"
			checkError(t, err, tt.want)
		})
	}
}

// account is a user of GitLab's as the client shows it.
func account(u *gitlabtest.User) gitlab.User {
	return gitlab.User{ID: int64(u.ID), Username: u.Username, Name: u.Name}
}

// as returns a client of somebody who has a role in the project.
func (gl instance) as(t *testing.T, role gitlabtest.Role) *gitlab.Client {
	t.Helper()
	user := gl.AddUser(fmt.Sprintf("somebody with role %d", role))
	gl.app.AddMember(user, role)
	return gl.with(t, gl.AddToken(user, "api"))
}

// with returns a client with an access token.
func (gl instance) with(t *testing.T, token string) *gitlab.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := gitlab.New(gitlab.Config{URL: gl.URL, Token: token, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
