package gitlab_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

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
	t.Parallel()
	for _, trigger := range []bool{true, false} {
		t.Run(gitlab.Source(trigger), func(t *testing.T) {
			t.Parallel()
			gl := newInstance(t, nil)
			// Long enough for the client to give up before, on whatever machine.
			gl.Fault(gitlabtest.Match{Method: http.MethodPost}, gitlabtest.Fault{ApplyAfter: 5 * time.Second})
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
			got, err := gl.as(t, gitlabtest.Maintainer).FindStarted(t.Context(), gitlab.Started{
				Project: gl.project.ID, Ref: start.Ref, Trigger: trigger, Since: since, Key: "PIPEBOT_RUN_ID", Value: "V1",
			})
			if err != nil || got.Found.ID != int64(gl.app.Pipelines()[0].ID) {
				t.Errorf("found %+v, %v", got, err)
			}
			if n := gl.Count("POST /api/v4/projects/**"); n != 1 {
				t.Errorf("GitLab got %d requests", n)
			}
		})
	}
}

// What never reached GitLab is told from what may have.
func TestNotSent(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	const nobody = "127.0.0.1:1" // no test's server is given a port below 1024
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

// A machine that was suspended with a POST in hand does not send it when it is back: the
// timer of its deadline stood still, and others have looked for what it did.
func TestNothingIsSentAfterASuspend(t *testing.T) {
	for _, trigger := range []bool{true, false} {
		t.Run(gitlab.Source(trigger), func(t *testing.T) {
			gl := newInstance(t, nil)
			if _, err := gl.client.Project(t.Context(), "group/app"); err != nil { // leaves a connection behind
				t.Fatal(err)
			}
			_, err := gl.client.StartPipeline(suspended{t.Context()}, gl.start(trigger))
			checkError(t, err, gitlab.Error{
				Op: "starting a pipeline", Kind: gitlab.NotSent, Message: "the time for the request was over before it was sent",
			})
			if n := len(gl.app.Pipelines()); n != 0 {
				t.Errorf("%d pipelines were started", n)
			}
		})
	}
}

// suspended is a context whose deadline is over by the clock, though its timer has not
// fired.
type suspended struct{ context.Context }

func (suspended) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }
