package gitlab_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// The paths of the requests that change something.
const (
	triggerPath = "/api/v4/projects/*/trigger/pipeline"
	createPath  = "/api/v4/projects/*/pipeline"
	retryPath   = "/api/v4/projects/*/pipelines/*/retry"
	cancelPath  = "/api/v4/projects/*/pipelines/*/cancel"
)

// counting counts the requests that the client hands to the network, whatever
// becomes of them there.
type counting struct {
	http.RoundTripper
	sent atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

// Tokens that no error may show.
const (
	secretAccess  = "glpat-canary-access"
	secretTrigger = "glptt-canary-trigger"
)

// connect returns a client of its own for the instance at a URL, and the count of
// its requests.
func connect(tb testing.TB, instanceURL string, transport *http.Transport) (*gitlab.Client, *counting) {
	tb.Helper()
	tb.Cleanup(transport.CloseIdleConnections)
	counted := &counting{RoundTripper: transport}
	client, err := gitlab.New(gitlab.Config{URL: instanceURL, Token: secretAccess, Transport: counted})
	if err != nil {
		tb.Fatal(err)
	}
	return client, counted
}

// checkError compares what the error says with what it has to say, and searches
// it, with all its causes, for tokens.
func checkError(tb testing.TB, err error, want gitlab.Error) {
	tb.Helper()
	got, ok := errors.AsType[*gitlab.Error](err)
	if !ok {
		tb.Fatalf("the error is %#v, want a *gitlab.Error", err)
	}
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreUnexported(gitlab.Error{})); diff != "" {
		tb.Errorf("the error is not as wanted (-want +got):\n%s", diff)
	}
	if text := err.Error(); strings.Contains(text, "://") {
		tb.Errorf("the error's text holds a URL: %s", text)
	}
	noTokens(tb, err)
}

// noTokens searches an error and its causes, as careless logging would print them.
func noTokens(tb testing.TB, err error) {
	tb.Helper()
	for _, cause := range causes(err) {
		for _, text := range []string{cause.Error(), fmt.Sprintf("%+v", cause)} {
			if strings.Contains(text, "glpat-") || strings.Contains(text, "glptt-") {
				tb.Errorf("a %T shows a token: %s", cause, text)
			}
		}
	}
}

func causes(err error) []error {
	if err == nil {
		return nil
	}
	all := []error{err}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, causes(err.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			all = append(all, causes(cause)...)
		}
	}
	return all
}

func TestNewRefusesWhatIsNoURL(t *testing.T) {
	_, err := gitlab.New(gitlab.Config{URL: "https://gitlab.example.com:port", Token: secretAccess})
	checkError(t, err, gitlab.Error{Op: "setting up the GitLab client", Kind: gitlab.Invalid, Message: "GITLAB_URL is not a URL"})
}

// underPath serves a GitLab that is installed under a path, as
// https://docs.gitlab.com/omnibus/settings/configuration/#configure-a-relative-url-for-gitlab.
func underPath(tb testing.TB, path string, gl *gitlabtest.Server) string {
	tb.Helper()
	target, err := url.Parse(gl.URL)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := httptest.NewServer(http.StripPrefix(path, proxy))
	tb.Cleanup(front.Close)
	return front.URL + path
}

func TestInstanceUnderAPath(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ending string
	}{
		{"without a slash at the end", ""},
		{"with a slash at the end", "/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			user := gl.AddUser("somebody")
			gl.app.AddMember(user, gitlabtest.Developer)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			client, err := gitlab.New(gitlab.Config{
				URL: underPath(t, "/gitlab", gl.Server) + tt.ending, Token: gl.AddToken(user, "api"), Transport: transport,
			})
			if err != nil {
				t.Fatal(err)
			}
			project, err := client.Project(t.Context(), "group/app")
			if err != nil {
				t.Fatal(err)
			}
			started, err := client.StartPipeline(t.Context(), gitlab.Start{Project: project.ID, Ref: branch("main")})
			if err != nil {
				t.Fatal(err)
			}
			observed, err := client.Observe(t.Context(), project, []int64{started.ID})
			if err != nil {
				t.Fatal(err)
			}
			if observed[started.ID].Pipeline.Status != gitlab.StatusCreated || gl.Count("POST "+graphQLPath) != 1 {
				t.Errorf("observed %+v in %d GraphQL requests", observed, gl.Count("POST "+graphQLPath))
			}
		})
	}
}

func TestObserveIsToldOfEachRequest(t *testing.T) {
	type request struct {
		Op     string
		Status int
	}
	var mu sync.Mutex
	var told []request
	gl := newInstance(t, nil)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	user := gl.AddUser("somebody")
	gl.app.AddMember(user, gitlabtest.Developer)
	client, err := gitlab.New(gitlab.Config{
		URL: gl.URL, Token: gl.AddToken(user, "api"), Transport: transport,
		Observe: func(op string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, request{op, status})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Project(t.Context(), "group/app")
	_, _ = client.Pipeline(t.Context(), gl.project.ID, 4711)
	gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Cut: true})
	_, _ = client.StartPipeline(t.Context(), gitlab.Start{Project: gl.project.ID, Ref: branch("main")})
	want := []request{{"reading the project", 200}, {"reading the pipeline", 404}, {"starting a pipeline", 0}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
