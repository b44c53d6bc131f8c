package gitlab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

const (
	authorizePath = "POST /oauth/authorize_device"
	tokenPath     = "POST /oauth/token"
	revokePath    = "POST /oauth/revoke"
)

// linking is an instance on which Alice can be linked.
type linking struct {
	*gitlabtest.Server
	linker *gitlab.Linker
	alice  *gitlabtest.User
}

func newLinking(t *testing.T) linking {
	t.Helper()
	gl := gitlabtest.NewServer(gitlabtest.Config{})
	t.Cleanup(gl.Close)
	gl.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: 10 * time.Millisecond})
	return linking{gl, newLinker(t, gl.URL, gl.AddApplication("pipebot"), nil), gl.AddUser("alice")}
}

// newLinker returns a linker with connections of its own, or with the given transport.
func newLinker(t *testing.T, url, clientID string, transport http.RoundTripper) *gitlab.Linker {
	t.Helper()
	if transport == nil {
		connections := &http.Transport{}
		t.Cleanup(connections.CloseIdleConnections)
		transport = connections
	}
	linker, err := gitlab.NewLinker(gitlab.LinkerConfig{URL: url, ClientID: clientID, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return linker
}

func (l linking) begin(t *testing.T) gitlab.Grant {
	t.Helper()
	grant, err := l.linker.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

// finished is what came out of Finish.
type finished struct {
	user gitlab.User
	err  error
}

// finishing calls Finish in the background.
func (l linking) finishing(ctx context.Context, grant gitlab.Grant) <-chan finished {
	out := make(chan finished, 1)
	go func() {
		user, err := l.linker.Finish(ctx, grant)
		out <- finished{user, err}
	}()
	return out
}

// polled waits until GitLab was asked so many times.
func (l linking) polled(t *testing.T, times int) {
	t.Helper()
	if err := l.Wait(t.Context(), func() bool { return l.Count(tokenPath) >= times }); err != nil {
		t.Fatal(err)
	}
}

// check looks at what every attempt has to keep to, however it ended.
func (l linking) check(t *testing.T, got finished) {
	t.Helper()
	if n := l.OAuthTokens(); n != 0 {
		t.Errorf("%d tokens are left", n)
	}
	for _, v := range l.Violations() {
		t.Error(v)
	}
	l.noSecrets(t, got.err)
}

func (l linking) noSecrets(t *testing.T, err error) {
	t.Helper()
	for _, cause := range causes(err) {
		for _, secret := range l.OAuthSecrets() {
			if text := fmt.Sprintf("%v %+v", cause, cause); strings.Contains(text, secret) {
				t.Errorf("a %T shows a secret: %s", cause, text)
			}
		}
	}
}

func TestLink(t *testing.T) {
	l := newLinking(t)
	grant := l.begin(t)
	if codes := l.UserCodes(); len(codes) != 1 || codes[0] != grant.UserCode {
		t.Errorf("GitLab waits for %q, the person gets %q", codes, grant.UserCode)
	}
	if grant.VerificationURI != l.URL+"/oauth/device" || grant.VerificationURIComplete != l.URL+"/oauth/device?user_code="+grant.UserCode {
		t.Errorf("the page is %s, or %s", grant.VerificationURI, grant.VerificationURIComplete)
	}
	if left := time.Until(grant.Expires); left <= 4*time.Minute || left > 5*time.Minute {
		t.Errorf("it expires in %v", left)
	}
	finishing := l.finishing(t.Context(), grant)
	l.polled(t, 3) // the person takes their time
	if err := l.alice.Approve(grant.UserCode); err != nil {
		t.Fatal(err)
	}
	got := <-finishing
	if want := (gitlab.User{ID: int64(l.alice.ID), Username: "alice", Name: "Alice"}); got.user != want || got.err != nil {
		t.Errorf("got %+v, %v", got.user, got.err)
	}
	if n := l.Count(revokePath); n != 1 {
		t.Errorf("the token was revoked %d times", n)
	}
	l.check(t, got)
}

// Whoever prints or stores a grant learns what the person sees, and no more.
func TestGrantShowsNoSecrets(t *testing.T) {
	l := newLinking(t)
	grant := l.begin(t)
	encoded, err := json.Marshal(grant)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(encoded), fmt.Sprintf("%v %+v %#v", grant, grant, grant), fmt.Sprintf("%+v %#v", &grant, &grant)} {
		for _, secret := range l.OAuthSecrets() {
			if strings.Contains(text, secret) {
				t.Errorf("a secret is in %s", text)
			}
		}
	}
}

func TestLinkDoesNotWorkOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, l linking, grant gitlab.Grant)
		want   error
	}{
		{"refused", func(t *testing.T, l linking, grant gitlab.Grant) {
			t.Helper()
			if err := l.alice.Deny(grant.UserCode); err != nil {
				t.Fatal(err)
			}
		}, gitlab.ErrDenied},
		{"expired on GitLab", func(_ *testing.T, l linking, grant gitlab.Grant) { l.ExpireCode(grant.UserCode) }, gitlab.ErrExpired},
		{"used already", func(t *testing.T, l linking, grant gitlab.Grant) {
			t.Helper()
			if err := l.alice.Approve(grant.UserCode); err != nil {
				t.Fatal(err)
			}
			if _, err := l.linker.Finish(t.Context(), grant); err != nil {
				t.Fatal(err)
			}
		}, gitlab.ErrExpired},
		{"confirmed by somebody who is blocked by now", func(t *testing.T, l linking, grant gitlab.Grant) {
			t.Helper()
			if err := l.alice.Approve(grant.UserCode); err != nil {
				t.Fatal(err)
			}
			l.alice.Block()
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLinking(t)
			grant := l.begin(t)
			tt.change(t, l, grant)
			user, err := l.linker.Finish(t.Context(), grant)
			if err == nil || user != (gitlab.User{}) {
				t.Errorf("got %+v, %v", user, err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if n := l.OAuthTokens(); n != 0 {
				t.Errorf("%d tokens are left", n)
			}
			l.noSecrets(t, err)
		})
	}
}

func TestCodesExpireHere(t *testing.T) {
	l := newLinking(t)
	l.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Hour, ExpiresIn: 20 * time.Millisecond})
	got := <-l.finishing(t.Context(), l.begin(t))
	checkError(t, got.err, gitlab.Error{Op: "waiting for an account to be linked", Kind: gitlab.Invalid, Message: "the code is not valid any more"})
	if !errors.Is(got.err, gitlab.ErrExpired) {
		t.Errorf("got %v", got.err)
	}
	l.check(t, got)
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	l := newLinking(t)
	ctx, cancel := context.WithCancel(t.Context())
	finishing := l.finishing(ctx, l.begin(t))
	l.polled(t, 1)
	cancel()
	got := <-finishing
	if !errors.Is(got.err, context.Canceled) || errors.Is(got.err, gitlab.ErrExpired) {
		t.Errorf("got %v", got.err)
	}
	l.check(t, got)
}

func TestAGrantOfNothingCannotBeFinished(t *testing.T) {
	l := newLinking(t)
	if _, err := l.linker.Finish(t.Context(), gitlab.Grant{UserCode: "ABCD1234", Expires: day(1)}); !errors.Is(err, gitlab.ErrExpired) {
		t.Errorf("got %v", err)
	}
	if n := len(l.Requests()); n != 0 {
		t.Errorf("it took %d requests", n)
	}
}

// What passes is waited for; the person has done their part by then.
func TestLinkOutlivesFaults(t *testing.T) {
	for name, fault := range map[string]gitlabtest.Fault{
		"maintenance":       {Times: 2, Status: 503, Body: "<html>soon</html>"},
		"a bad gateway":     {Times: 2, Status: 502},
		"a cut connection":  {Times: 2, Cut: true},
		"too many requests": {Times: 1, Status: 429, Body: "Retry later\n"},
		"a page of a proxy": {Times: 1, Status: 200, Body: "<html>sign in</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinking(t)
			grant := l.begin(t)
			l.Fault(gitlabtest.Match{PathPattern: "/oauth/token"}, fault)
			if err := l.alice.Approve(grant.UserCode); err != nil {
				t.Fatal(err)
			}
			got := <-l.finishing(t.Context(), grant)
			if got.user.ID != int64(l.alice.ID) || got.err != nil {
				t.Errorf("got %+v, %v", got.user, got.err)
			}
			l.check(t, got)
		})
	}
}

// The person is known although the token could not be given back; it is nowhere.
func TestRevokingIsBestEffort(t *testing.T) {
	for name, fault := range map[string]gitlabtest.Fault{
		"refused": {Status: 403, Body: `{"error":"unauthorized_client"}`}, "cut": {Cut: true}, "away": {Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinking(t)
			grant := l.begin(t)
			l.Fault(gitlabtest.Match{PathPattern: "/oauth/revoke"}, fault)
			if err := l.alice.Approve(grant.UserCode); err != nil {
				t.Fatal(err)
			}
			if user, err := l.linker.Finish(t.Context(), grant); user.ID != int64(l.alice.ID) || err != nil {
				t.Errorf("got %+v, %v", user, err)
			}
		})
	}
}

// Who the token belongs to has to be said clearly, and the token goes in any case.
func TestTheTokensUserIsInDoubt(t *testing.T) {
	for name, fault := range map[string]gitlabtest.Fault{
		"away":       {Status: 502},
		"not let in": {Status: 401, Body: `{"error":"invalid_token"}`},
		"no user":    {Status: 200, Body: `{}`},
		"not active": {Status: 200, Body: `{"id":2,"username":"alice","state":"banned"}`},
		"no state":   {Status: 200, Body: `{"id":2,"username":"alice"}`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinking(t)
			grant := l.begin(t)
			l.Fault(gitlabtest.Match{PathPattern: "/api/v4/user"}, fault)
			if err := l.alice.Approve(grant.UserCode); err != nil {
				t.Fatal(err)
			}
			got := <-l.finishing(t.Context(), grant)
			if got.err == nil || got.user != (gitlab.User{}) {
				t.Errorf("got %+v, %v", got.user, got.err)
			}
			l.check(t, got)
		})
	}
}

func TestLinkIsNotPossible(t *testing.T) {
	notSupported := gitlab.Error{Kind: gitlab.Invalid, Message: gitlab.ErrNotSupported.Error()}
	application := gitlab.Error{Kind: gitlab.Invalid, Message: gitlab.ErrApplication.Error()}
	for _, tt := range []struct {
		name   string
		change func(l linking) (clientID string)
		status int
		want   gitlab.Error
		is     error
	}{
		{"before 17.2", func(l linking) string { l.SetVersion("17.1.8"); return l.AddApplication("x") }, 404, notSupported, gitlab.ErrNotSupported},
		{"before the flag was set", func(l linking) string { l.SetVersion("17.2.0"); return l.AddApplication("x") }, 204, notSupported, gitlab.ErrNotSupported},
		{"an application that may not", func(l linking) string {
			l.Fault(gitlabtest.Match{PathPattern: "/oauth/*"}, gitlabtest.Fault{Status: 401, Body: `{"error":"unauthorized_client"}`})
			return "x"
		}, 401, notSupported, gitlab.ErrNotSupported},
		{"an unknown application", func(linking) string { return "unknown" }, 401, application, gitlab.ErrApplication},
		{"a confidential application", func(l linking) string {
			id := l.AddApplication("x")
			l.SetConfidential(id, true)
			return id
		}, 401, application, gitlab.ErrApplication},
		{"an application without the scope", func(l linking) string { return l.AddApplication("x", "openid") }, 400, application, gitlab.ErrApplication},
		{"away", func(l linking) string { l.Down(true); return "x" }, 503, gitlab.Error{}, nil},
		{"too many requests", func(l linking) string {
			l.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
			return "x"
		}, 429, gitlab.Error{Kind: gitlab.RateLimited, RetryAfter: 7 * time.Second}, nil},
		{"an answer without codes", func(l linking) string {
			l.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Body: `{}`})
			return "x"
		}, 200, gitlab.Error{Message: "its answer is no device authorization"}, nil},
		{"a page that is none", func(l linking) string {
			l.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Body: `{"device_code":"d","user_code":"u","verification_uri":"slack://user/oauth/device","expires_in":300}`})
			return "x"
		}, 200, gitlab.Error{Message: "its answer is no device authorization"}, nil},
		{"a filled-in page that is none", func(l linking) string {
			l.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Body: `{"device_code":"d","user_code":"u","verification_uri":"https://x/","verification_uri_complete":"x","expires_in":300}`})
			return "x"
		}, 200, gitlab.Error{Message: "its answer is no device authorization"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLinking(t)
			grant, err := newLinker(t, l.URL, tt.change(l), nil).Begin(t.Context())
			tt.want.Op, tt.want.Status = "asking for a code to link an account", tt.status
			checkError(t, err, tt.want)
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v", err)
			}
			if grant != (gitlab.Grant{}) {
				t.Errorf("got %+v", grant)
			}
		})
	}
}

func TestNewLinkerRefuses(t *testing.T) {
	for _, cfg := range []gitlab.LinkerConfig{
		{URL: "https://gitlab.example.com:port", ClientID: "x"}, {URL: "gitlab", ClientID: "x"}, {URL: "https://gitlab.example.com"},
	} {
		if _, err := gitlab.NewLinker(cfg); gitlab.KindOf(err) != gitlab.Invalid || err == nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// A deadline that is over ends Begin, wherever the request hangs.
func TestBeginHeedsItsContext(t *testing.T) {
	l := newLinking(t)
	l.Fault(gitlabtest.Match{}, gitlabtest.Fault{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := l.linker.Begin(ctx)
		failed <- err
	}()
	if err := l.Wait(t.Context(), func() bool { return l.Count(authorizePath) == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Codes and tokens go where they are meant to go, and nowhere else.
func TestLinkerFollowsNoRedirects(t *testing.T) {
	l := newLinking(t)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody else was asked") }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 307, 308} {
		end := l.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: status, Header: http.Header{"Location": {other.URL}}})
		if _, err := l.linker.Begin(t.Context()); err == nil {
			t.Errorf("%d: no error", status)
		}
		end()
	}
	grant := l.begin(t)
	if err := l.alice.Approve(grant.UserCode); err != nil {
		t.Fatal(err)
	}
	l.Fault(gitlabtest.Match{PathPattern: "/api/v4/user"}, gitlabtest.Fault{Status: 307, Header: http.Header{"Location": {other.URL}}})
	l.Fault(gitlabtest.Match{PathPattern: "/oauth/revoke"}, gitlabtest.Fault{Times: 1, Status: 307, Header: http.Header{"Location": {other.URL}}})
	if _, err := l.linker.Finish(t.Context(), grant); err == nil {
		t.Error("no error")
	}
}

func TestLinkerUnderAPath(t *testing.T) {
	for _, ending := range []string{"", "/", "/api/v4", "/api/v4/"} {
		t.Run(ending, func(t *testing.T) {
			l := newLinking(t)
			l.linker = newLinker(t, underPath(t, "/gitlab", l.Server)+ending, l.AddApplication("x"), nil)
			grant := l.begin(t)
			if err := l.alice.Approve(grant.UserCode); err != nil {
				t.Fatal(err)
			}
			got := <-l.finishing(t.Context(), grant)
			if got.user.ID != int64(l.alice.ID) || got.err != nil {
				t.Errorf("got %+v, %v", got.user, got.err)
			}
			l.check(t, got)
		})
	}
}

func TestLinkerTellsOfEachRequest(t *testing.T) {
	l := newLinking(t)
	var mu sync.Mutex
	var told []string
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	linker, err := gitlab.NewLinker(gitlab.LinkerConfig{
		URL: l.URL, ClientID: l.AddApplication("x"), Transport: connections,
		Observe: func(op string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprint(op, " ", status))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	grant, err := linker.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Fault(gitlabtest.Match{PathPattern: "/oauth/token"}, gitlabtest.Fault{Times: 1, Cut: true})
	if err := l.alice.Approve(grant.UserCode); err != nil {
		t.Fatal(err)
	}
	if _, err := linker.Finish(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"asking for a code to link an account 200", "waiting for an account to be linked 0", "waiting for an account to be linked 200",
		"reading the token's user 200", "giving a token back 200",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// script answers requests in turn, and takes down when they came.
type script struct {
	answers []answer
	begin   time.Time
	came    []string
}

// answer is what one request gets: a status with a body, or an error.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		sent = string(text)
	}
	s.came = append(s.came, fmt.Sprint(time.Since(s.begin).Round(time.Second), " ", r.URL.Path))
	if len(s.answers) == 0 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	next := s.answers[0]
	s.answers = s.answers[1:]
	if next.err != nil {
		return nil, next.err
	}
	body := strings.ReplaceAll(next.body, "ECHO", url.PathEscape(sent+r.Header.Get("Authorization")))
	header := next.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

const (
	scriptedCode  = "canary-device-code"
	scriptedToken = "canary-token"
)

func pending() answer { return answer{status: 400, body: `{"error":"authorization_pending"}`} }

// scripted begins with an interval as GitLab names it, and finishes with the answers.
func scripted(t *testing.T, interval string, answers ...answer) (*script, finished) {
	t.Helper()
	s := &script{answers: []answer{{status: 200, body: `{"device_code":"` + scriptedCode +
		`","user_code":"ABCD1234","verification_uri":"https://gitlab.example.com/oauth/device","expires_in":300` + interval + `}`}}}
	linker := newLinker(t, "https://gitlab.example.com", "x", s)
	grant, err := linker.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.answers, s.begin, s.came = answers, time.Now(), nil
	user, err := linker.Finish(t.Context(), grant)
	return s, finished{user, err}
}

// When GitLab is asked is for GitLab to say.
func TestPollsKeepTheInterval(t *testing.T) {
	token := answer{status: 200, body: `{"access_token":"` + scriptedToken + `"}`}
	alice := answer{status: 200, body: `{"id":7,"username":"alice","state":"active"}`}
	slow := answer{status: 400, body: `{"error":"slow_down"}`}
	for _, tt := range []struct {
		name, interval string
		answers        []answer
		want           []string
	}{
		{"as GitLab says", `,"interval":7`, []answer{pending(), pending(), token, alice, {status: 200}}, []string{"7s", "14s", "21s"}},
		{"when GitLab says nothing", ``, []answer{pending(), token, alice, {status: 200}}, []string{"5s", "10s"}},
		{"slower for good when told so", `,"interval":2`, []answer{slow, pending(), slow, pending(), token, alice, {status: 200}}, []string{"2s", "9s", "16s", "28s", "40s"}},
		{
			"as late as GitLab wants after too many requests", `,"interval":2`,
			[]answer{{status: 429, header: http.Header{"Retry-After": {"30"}}}, pending(), token, alice, {status: 200}},
			[]string{"2s", "32s", "34s"},
		},
		{"after a failure", `,"interval":3`, []answer{{err: errAway}, {status: 500}, token, alice, {status: 200}}, []string{"3s", "6s", "9s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, got := scripted(t, tt.interval, tt.answers...)
				if got.user.ID != 7 || got.err != nil {
					t.Errorf("got %+v, %v", got.user, got.err)
				}
				var want []string
				for _, at := range tt.want {
					want = append(want, at+" /oauth/token")
				}
				last := tt.want[len(tt.want)-1]
				want = append(want, last+" /api/v4/user", last+" /oauth/revoke")
				if diff := cmp.Diff(want, s.came); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAPollThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, got := scripted(t, `,"interval":5`)
		if !errors.Is(got.err, gitlab.ErrExpired) {
			t.Errorf("got %v", got.err)
		}
		if want := 300 / (5 + 10); len(s.came) != want {
			t.Errorf("asked %d times, want %d", len(s.came), want)
		}
	})
}

// What GitLab says besides, be it what we sent, is in no error.
func TestLinkErrorsRepeatNothing(t *testing.T) {
	token := answer{status: 200, body: `{"access_token":"` + scriptedToken + `"}`}
	for name, answers := range map[string][]answer{
		"an error we know":     {{status: 400, body: `{"error":"access_denied","error_description":"ECHO"}`}},
		"an error we do not":   {{status: 400, body: `{"error":"ECHO","error_description":"ECHO"}`}},
		"text":                 {{status: 403, body: `ECHO`}},
		"nothing there":        {{status: 404, body: `{"error":"ECHO"}`}},
		"a token without type": {{status: 200, body: `{"token":"` + scriptedToken + `"}`}},
		"the user's request":   {token, {status: 401, body: `{"error":"invalid_token","error_description":"ECHO"}`}, {status: 200}},
		"a network error":      {token, {err: errAway}, {status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, got := scripted(t, "", answers...)
				if got.err == nil {
					t.Fatal("no error")
				}
				for _, cause := range causes(got.err) {
					if text := fmt.Sprintf("%v %+v", cause, cause); strings.Contains(text, "canary") {
						t.Errorf("a %T shows a secret: %s", cause, text)
					}
				}
			})
		})
	}
}
