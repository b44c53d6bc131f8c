package gitlab_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
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
				Source: tt.source, Ref: "v1", SHA: there.SHA, WebURL: there.WebURL(),
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

// posts are all the requests that change something.
func posts() []struct {
	op, path string
	do       func(ctx context.Context, client *gitlab.Client) error
} {
	return []struct {
		op, path string
		do       func(ctx context.Context, client *gitlab.Client) error
	}{
		{"starting a pipeline", triggerPath, func(ctx context.Context, client *gitlab.Client) error {
			_, err := client.StartPipeline(ctx, gitlab.Start{Project: 1, Ref: branch("main"), TriggerToken: secretTrigger})
			return err
		}},
		{"starting a pipeline", createPath, func(ctx context.Context, client *gitlab.Client) error {
			_, err := client.StartPipeline(ctx, gitlab.Start{Project: 1, Ref: branch("main")})
			return err
		}},
		{"retrying the pipeline", retryPath, func(ctx context.Context, client *gitlab.Client) error {
			_, err := client.Retry(ctx, 1, 1)
			return err
		}},
		{"canceling the pipeline", cancelPath, func(ctx context.Context, client *gitlab.Client) error {
			_, err := client.Cancel(ctx, 1, 1)
			return err
		}},
	}
}

// Whatever comes back instead of an answer: it is unclear, and nothing is sent a
// second time, here or anywhere else.
func TestUnclearAnswersAreNotRepeated(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault gitlabtest.Fault
		want  gitlab.Error
	}{
		{"500", gitlabtest.Fault{Status: 500, Body: `{"message":"500 Internal Server Error"}`}, gitlab.Error{Status: 500}},
		{"502", gitlabtest.Fault{Status: 502, Body: "<html>Bad Gateway</html>"}, gitlab.Error{Status: 502}},
		{
			"503 with a page",
			gitlabtest.Fault{Status: 503, Header: http.Header{"Retry-After": {"1"}}, Body: "<!DOCTYPE html><html>Deploy in progress</html>"},
			gitlab.Error{Status: 503, RetryAfter: time.Second},
		},
		{"504", gitlabtest.Fault{Status: 504}, gitlab.Error{Status: 504}},
		{"a page with 200", gitlabtest.Fault{Status: 200, Body: "<html>Sign in</html>"}, gitlab.Error{Status: 200, Message: "its answer could not be read"}},
		{"an empty object", gitlabtest.Fault{Status: 201, Body: "{}"}, gitlab.Error{Status: 201, Message: "its answer names no pipeline"}},
		{"the id 0", gitlabtest.Fault{Status: 201, Body: `{"id":0,"status":"created"}`}, gitlab.Error{Status: 201, Message: "its answer names no pipeline"}},
		{"no body", gitlabtest.Fault{Status: 204}, gitlab.Error{Status: 204, Message: "its answer could not be read"}},
		{"a body that breaks off", gitlabtest.Fault{Status: 201, Body: `{"id":12,"sta`}, gitlab.Error{Status: 201, Message: "its answer could not be read"}},
		{"a cut connection", gitlabtest.Fault{Cut: true}, gitlab.Error{}},
		{"a cut connection though it was done", gitlabtest.Fault{Cut: true, Applied: true}, gitlab.Error{}},
	} {
		for _, post := range posts() {
			t.Run(tt.name+"/"+strings.ReplaceAll(post.path, "/", " "), func(t *testing.T) {
				gl := gitlabtest.NewServer(gitlabtest.Config{})
				t.Cleanup(gl.Close)
				gl.Fault(gitlabtest.Match{}, tt.fault)
				client, counted := connect(t, gl.URL, &http.Transport{})
				err := post.do(t.Context(), client)
				want := tt.want
				want.Op, want.Kind = post.op, gitlab.Unclear
				checkError(t, err, want)
				if n := counted.sent.Load(); n != 1 {
					t.Errorf("the client sent %d requests", n)
				}
				if n := gl.Count("POST " + post.path); n != 1 {
					t.Errorf("GitLab got %d requests", n)
				}
			})
		}
	}
}

// A connection that GitLab closed while it was idle is no reason to send twice.
func TestAReusedConnectionThatIsCutIsNotRepeated(t *testing.T) {
	gl := newInstance(t, nil)
	if _, err := gl.client.Project(t.Context(), "group/app"); err != nil { // leaves a connection behind
		t.Fatal(err)
	}
	gl.Fault(gitlabtest.Match{Method: http.MethodPost}, gitlabtest.Fault{Cut: true, Applied: true, Times: 1})
	_, err := gl.client.StartPipeline(t.Context(), gl.start(false))
	checkError(t, err, gitlab.Error{Op: "starting a pipeline", Kind: gitlab.Unclear})
	if n := gl.Count("POST " + createPath); n != 1 {
		t.Errorf("GitLab got %d requests", n)
	}
}

// A redirect takes neither the request nor a token to another place.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, post := range posts() {
			t.Run(fmt.Sprint(status)+strings.ReplaceAll(post.path, "/", " "), func(t *testing.T) {
				elsewhere := gitlabtest.NewServer(gitlabtest.Config{})
				t.Cleanup(elsewhere.Close)
				gl := gitlabtest.NewServer(gitlabtest.Config{})
				t.Cleanup(gl.Close)
				gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: status, Header: http.Header{"Location": {elsewhere.URL + "/"}}})
				client, counted := connect(t, gl.URL, &http.Transport{})
				checkError(t, post.do(t.Context(), client), gitlab.Error{
					Op: post.op, Kind: gitlab.Unclear, Status: status,
					Message: "it redirects elsewhere; GITLAB_URL or the project's path has changed",
				})
				if n := counted.sent.Load(); n != 1 {
					t.Errorf("the client sent %d requests", n)
				}
				if requests := elsewhere.Requests(); len(requests) > 0 {
					t.Errorf("the other host was asked: %v", requests)
				}
			})
		}
	}
}

// GitLab may finish what the client gave up on; then it is found by its marker.
func TestATimeoutAfterItWasSentIsUnclear(t *testing.T) {
	for _, trigger := range []bool{true, false} {
		t.Run(gitlab.Source(trigger), func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{Method: http.MethodPost}, gitlabtest.Fault{ApplyAfter: 20 * time.Millisecond})
			start := gl.start(trigger)
			start.Variables = map[string]string{"PIPEBOT_RUN_ID": "V1"}
			since := time.Now()

			ctx, giveUp := context.WithCancelCause(t.Context())
			go func() {
				_ = gl.Wait(t.Context(), func() bool { return gl.Count("POST /api/v4/projects/**") == 1 })
				giveUp(context.DeadlineExceeded)
			}()
			_, err := gl.client.StartPipeline(ctx, start)
			checkError(t, err, gitlab.Error{Op: "starting a pipeline", Kind: gitlab.Unclear})

			if err := gl.Wait(t.Context(), func() bool { return len(gl.app.Pipelines()) == 1 }); err != nil {
				t.Fatal(err)
			}
			got, found, err := gl.as(t, gitlabtest.Maintainer).FindStarted(t.Context(), gitlab.Started{
				Project: gl.project.ID, Ref: start.Ref, Trigger: trigger, Since: since, Key: "PIPEBOT_RUN_ID", Value: "V1",
			})
			if err != nil || !found || got.ID != int64(gl.app.Pipelines()[0].ID) {
				t.Errorf("found %+v, %v, %v", got, found, err)
			}
			if n := gl.Count("POST /api/v4/projects/**"); n != 1 {
				t.Errorf("GitLab got %d requests", n)
			}
		})
	}
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

// What never reached GitLab is told from what may have.
func TestNotSent(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	nobody := freeAddress(t)
	noResolver := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server here")
	}}}
	for _, tt := range []struct {
		name      string
		url       string
		transport *http.Transport
		message   string // how it begins
	}{
		{name: "nobody listens", url: "http://" + nobody, transport: &http.Transport{}, message: "connect: connection refused"},
		{
			name: "the name does not resolve", url: "http://gitlab.example.com",
			transport: &http.Transport{DialContext: noResolver.DialContext},
			message:   "the name of the host does not resolve (",
		},
		{
			name: "the certificate is of nobody's", url: secure.URL, transport: &http.Transport{},
			message: "its certificate is not trusted (x509: ",
		},
		{
			name: "it does not speak TLS", url: strings.Replace(plain.URL, "http:", "https:", 1), transport: &http.Transport{},
			message: "it does not speak HTTPS there; is GITLAB_URL right?",
		},
		{
			name: "the proxy is away", url: "http://gitlab.example.com",
			transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("me", "glpat-proxy"), Host: nobody})},
			message:   "the proxy cannot be reached (",
		},
		{
			name: "the proxy refuses", url: "https://gitlab.example.com",
			transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(plain.URL) }},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, counted := connect(t, tt.url, tt.transport)
			_, err := client.StartPipeline(t.Context(), gitlab.Start{Project: 1, Ref: branch("main"), TriggerToken: secretTrigger})
			got, ok := errors.AsType[*gitlab.Error](err)
			if !ok || got.Kind != gitlab.NotSent || got.Status != 0 {
				t.Fatalf("the error is %#v", err)
			}
			if !strings.HasPrefix(got.Message, tt.message) {
				t.Errorf("the message is %q, want it to begin with %q", got.Message, tt.message)
			}
			noTokens(t, err)
			for _, cause := range causes(err) {
				if password := base64.StdEncoding.EncodeToString([]byte("me:glpat-proxy")); strings.Contains(cause.Error(), password) {
					t.Errorf("a %T shows the proxy's password", cause)
				}
			}
			if n := counted.sent.Load(); n != 1 {
				t.Errorf("the client sent %d requests", n)
			}
		})
	}
}

// A deadline that ends before there is a connection leaves nothing to wonder about.
func TestADeadlineWhileDialingIsNotSent(t *testing.T) {
	dialing := make(chan struct{})
	client, counted := connect(t, "http://gitlab.example.com", &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			close(dialing)
			<-ctx.Done()
			return nil, context.Cause(ctx)
		},
	})
	ctx, giveUp := context.WithCancelCause(t.Context())
	go func() {
		<-dialing
		giveUp(context.DeadlineExceeded)
	}()
	_, err := client.StartPipeline(ctx, gitlab.Start{Project: 1, Ref: branch("main")})
	checkError(t, err, gitlab.Error{Op: "starting a pipeline", Kind: gitlab.NotSent})
	if n := counted.sent.Load(); n != 1 {
		t.Errorf("the client sent %d requests", n)
	}
}

// So does one that was over before.
func TestADeadlineThatIsOverIsNotSent(t *testing.T) {
	gl := newInstance(t, nil)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := gl.client.StartPipeline(ctx, gl.start(false))
	checkError(t, err, gitlab.Error{Op: "starting a pipeline", Kind: gitlab.NotSent})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the cause is lost: %v", err)
	}
	if n := len(gl.app.Pipelines()); n != 0 {
		t.Errorf("%d pipelines were started", n)
	}
}

// freeAddress is an address on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

const marker = "PIPEBOT_RUN_ID"

func TestFindStarted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trigger bool
		ref     gitlab.Ref
	}{
		{"a branch by a trigger token", true, branch("v1")},
		{"a tag by a trigger token", true, tag("v1")},
		{"a branch by the access token", false, branch("v1")},
		{"a tag by the access token", false, tag("v1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.app.AddBranch("v1", time.Now())
			gl.app.AddTag("v1", time.Now())
			start := gl.start(tt.trigger)
			start.Ref = tt.ref
			want := make([]gitlab.Pipeline, 3)
			for i := range want {
				start.Variables = map[string]string{marker: fmt.Sprint("V", i), "BUILD_TYPE": "debug"}
				var err error
				if want[i], err = gl.client.StartPipeline(t.Context(), start); err != nil {
					t.Fatal(err)
				}
			}
			looker := gl.as(t, gitlabtest.Maintainer)
			for i := range want {
				got, found, err := looker.FindStarted(t.Context(), gitlab.Started{
					Project: gl.project.ID, Ref: tt.ref, Trigger: tt.trigger, Since: time.Now(), Key: marker, Value: fmt.Sprint("V", i),
				})
				if err != nil || !found {
					t.Fatalf("V%d: %v, %v", i, found, err)
				}
				if diff := cmp.Diff(want[i], got); diff != "" {
					t.Errorf("V%d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// What was started otherwise is no candidate, whatever it carries, and is not asked
// for its variables.
func TestFindStartedLooksOnlyWhereItCouldBe(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.AddBranch("other", time.Now())
	trigger := gl.start(true)
	trigger.Variables = map[string]string{marker: "V1"}
	other := gl.start(false)
	other.Ref, other.Variables = branch("other"), trigger.Variables
	for _, s := range []gitlab.Start{trigger, other} {
		if _, err := gl.client.StartPipeline(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	gl.ResetRequests()
	_, found, err := gl.as(t, gitlabtest.Maintainer).FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
	})
	if found || err != nil {
		t.Errorf("found: %v, %v", found, err)
	}
	if n := len(gl.Requests()); n != 1 {
		t.Errorf("it took %d requests", n)
	}
}

// GitLab's clock may be behind ours, by minutes and no more.
func TestFindStartedAllowsForTheClocks(t *testing.T) {
	for _, tt := range []struct {
		behind time.Duration
		found  bool
	}{
		{4 * time.Minute, true},
		{6 * time.Minute, false},
	} {
		t.Run(tt.behind.String(), func(t *testing.T) {
			server := gitlabtest.NewServer(gitlabtest.Config{Now: func() time.Time { return time.Now().Add(-tt.behind) }})
			t.Cleanup(server.Close)
			user, project := server.AddUser("bot"), server.AddProject("group/app")
			project.AddMember(user, gitlabtest.Maintainer)
			client := instance{Server: server}.with(t, server.AddToken(user, "api"))
			if _, err := client.StartPipeline(t.Context(), gitlab.Start{
				Project: int64(project.ID), Ref: branch("main"), Variables: map[string]string{marker: "V1"},
			}); err != nil {
				t.Fatal(err)
			}
			_, found, err := client.FindStarted(t.Context(), gitlab.Started{
				Project: int64(project.ID), Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
			})
			if found != tt.found || err != nil {
				t.Errorf("found: %v, %v", found, err)
			}
		})
	}
}

// A variable that may not be read leaves it open whether the start is there.
func TestFindStartedIsForbidden(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(true) // another user's trigger token
	start.Variables = map[string]string{marker: "V1"}
	if _, err := gl.client.StartPipeline(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	_, found, err := gl.client.FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Trigger: true, Since: time.Now(), Key: marker, Value: "V1",
	})
	if found {
		t.Error("found")
	}
	checkError(t, err, gitlab.Error{Op: "reading the pipeline's variables", Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden"})
}

// Somebody else's pipeline beside ours, whose variables are their business.
func TestFindStartedPassesOverWhatIsNotOurs(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(false)
	start.Variables = map[string]string{marker: "V1"}
	want, err := gl.client.StartPipeline(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gl.as(t, gitlabtest.Developer).StartPipeline(t.Context(), gl.start(false)); err != nil {
		t.Fatal(err)
	}
	got, found, err := gl.client.FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
	})
	if err != nil || !found || got.ID != want.ID {
		t.Errorf("found %d: %v, %v", got.ID, found, err)
	}
}

// While GitLab is away nothing is known of the start.
func TestFindStartedTellsThatItCannotLook(t *testing.T) {
	for _, path := range []string{"/api/v4/projects/*/pipelines", "/api/v4/projects/*/pipelines/*/variables", "/api/v4/projects/*/pipelines/*"} {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			gl := newInstance(t, nil)
			start := gl.start(false)
			start.Variables = map[string]string{marker: "V1"}
			if _, err := gl.client.StartPipeline(t.Context(), start); err != nil {
				t.Fatal(err)
			}
			gl.Fault(gitlabtest.Match{Method: http.MethodGet, PathPattern: path}, gitlabtest.Fault{Status: 502})
			_, found, err := gl.client.FindStarted(t.Context(), gitlab.Started{
				Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
			})
			if found || gitlab.KindOf(err) != gitlab.Unclear || err == nil {
				t.Errorf("found: %v, %v", found, err)
			}
		})
	}
}
