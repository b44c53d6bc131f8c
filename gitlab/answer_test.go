package gitlab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"pipebot/gitlab"
)

// An operation is one thing that can be asked of GitLab. What it gives is checked
// where it gives something: whatever GitLab answered, it has to have a form.
type operation struct {
	name  string
	list  bool // it takes a list
	write bool // it changes something, and is sent once
	gone  bool // it takes a 204
	do    func(ctx context.Context, to asking) error
}

// asking is what operations ask with.
type asking struct {
	client *gitlab.Client
	linker *gitlab.Linker
}

// errFormless: what an operation gave without an error is not what it should give.
var errFormless = errors.New("it has no form")

// formed is the error of an operation, or errFormless.
func formed(err error, is ...bool) error {
	for _, ok := range is {
		if err == nil && !ok {
			return errFormless
		}
	}
	return err
}

func pipelineFormed(p gitlab.Pipeline, err error) error {
	return formed(err, p.ID > 0, p.Duration >= 0)
}

func pipelinesFormed(list []gitlab.Pipeline, err error) error {
	for _, p := range list {
		err = pipelineFormed(p, err)
	}
	return err
}

func namesFormed(names []string, err error) error {
	for _, name := range names {
		err = formed(err, name != "")
	}
	return err
}

func tokenFormed(token gitlab.TriggerToken, err error) error { return formed(err, token.ID > 0) }

// operations are all of them, of Client and Linker.
func operations() []operation {
	marker := gitlab.Started{Project: 1, Ref: branch("main"), Since: time.Now(), Key: "PIPEBOT_RUN_ID", Value: "V1"}
	starts := func(token string) func(context.Context, asking) error {
		return func(ctx context.Context, to asking) error {
			return pipelineFormed(to.client.StartPipeline(ctx, gitlab.Start{Project: 1, Ref: branch("main"), TriggerToken: token}))
		}
	}
	protected := func(kind gitlab.RefKind) func(context.Context, asking) error {
		return func(ctx context.Context, to asking) error {
			p, err := to.client.Protected(ctx, 1, kind)
			return formed(err, p.Kind == kind)
		}
	}
	return []operation{
		{"start by a trigger token", false, true, false, starts(secretTrigger)},
		{"start by the access token", false, true, false, starts("")},
		{"retry", false, true, false, func(ctx context.Context, to asking) error { return pipelineFormed(to.client.Retry(ctx, 1, 2)) }},
		{"cancel", false, true, false, func(ctx context.Context, to asking) error { return pipelineFormed(to.client.Cancel(ctx, 1, 2)) }},
		{"rename", false, true, false, func(ctx context.Context, to asking) error {
			return pipelineFormed(to.client.RenamePipeline(ctx, 1, 2, "nightly"))
		}},
		{"delete", false, true, true, func(ctx context.Context, to asking) error { return to.client.DeletePipeline(ctx, 1, 2) }},
		{"play a job", false, true, false, func(ctx context.Context, to asking) error {
			job, err := to.client.PlayJob(ctx, 1, 3)
			return formed(err, job.ID > 0)
		}},
		{"create a trigger token", false, true, false, func(ctx context.Context, to asking) error {
			token, err := to.client.CreateTriggerToken(ctx, 1, "nightly", time.Time{})
			return formed(tokenFormed(token, err), token.Value != "")
		}},
		{"rename a trigger token", false, true, false, func(ctx context.Context, to asking) error {
			return tokenFormed(to.client.RenameTriggerToken(ctx, 1, 4, "hourly"))
		}},
		{"revoke a trigger token", false, true, true, func(ctx context.Context, to asking) error { return to.client.RevokeTriggerToken(ctx, 1, 4) }},
		{"find what was started", true, false, false, func(ctx context.Context, to asking) error {
			search, err := to.client.FindStarted(ctx, marker)
			for _, p := range search.Unread {
				err = formed(err, p.ID > 0)
			}
			return formed(err, search.Found.ID >= 0)
		}},
		{"list pipelines", true, false, false, func(ctx context.Context, to asking) error {
			return pipelinesFormed(to.client.ListPipelines(ctx, 1, gitlab.ListFilter{}))
		}},
		{"the newest of a ref", true, false, false, func(ctx context.Context, to asking) error {
			p, found, err := to.client.LatestPipeline(ctx, 1, "main")
			return formed(err, !found || p.ID > 0)
		}},
		{"read a pipeline", false, false, false, func(ctx context.Context, to asking) error { return pipelineFormed(to.client.Pipeline(ctx, 1, 2)) }},
		{"read a pipeline by its number", false, false, false, func(ctx context.Context, to asking) error {
			return pipelineFormed(to.client.PipelineByIID(ctx, app, 1))
		}},
		{"observe", false, false, false, func(ctx context.Context, to asking) error {
			seen, err := to.client.Observe(ctx, app, []int64{2, 5})
			for id, o := range seen {
				err = formed(err, id == 2 || id == 5, o.Pipeline.ID > 0, o.Pipeline.Duration >= 0)
			}
			return err
		}},
		{"observe one", false, false, false, func(ctx context.Context, to asking) error {
			o, err := to.client.ObserveOne(ctx, 1, 2)
			return pipelineFormed(o.Pipeline, err)
		}},
		{"describe", false, false, false, func(ctx context.Context, to asking) error {
			described, err := to.client.Describe(ctx, app, []gitlab.Pipeline{{ID: 2}})
			return pipelinesFormed(described, err)
		}},
		{"list jobs", true, false, false, func(ctx context.Context, to asking) error {
			jobs, err := to.client.Jobs(ctx, 1, 2)
			for _, job := range jobs {
				err = formed(err, job.ID > 0)
			}
			return err
		}},
		{"read variables", true, false, false, func(ctx context.Context, to asking) error {
			variables, err := to.client.Variables(ctx, 1, 2)
			for _, v := range variables {
				err = formed(err, v.Key != "")
			}
			return err
		}},
		{"the test report", false, false, false, func(ctx context.Context, to asking) error {
			report, err := to.client.TestReportSummary(ctx, 1, 2)
			return formed(err, report.Duration >= 0)
		}},
		{"list trigger tokens", true, false, false, func(ctx context.Context, to asking) error {
			tokens, err := to.client.TriggerTokens(ctx, 1)
			for _, token := range tokens {
				err = tokenFormed(token, err)
			}
			return err
		}},
		{"read a trigger token", false, false, false, func(ctx context.Context, to asking) error {
			return tokenFormed(to.client.TriggerToken(ctx, 1, 4))
		}},
		{"a member's role", true, false, false, func(ctx context.Context, to asking) error {
			_, err := to.client.Member(ctx, 1, 6)
			return err
		}},
		{"a group member's role", true, false, false, func(ctx context.Context, to asking) error {
			_, err := to.client.GroupMember(ctx, 1, 6)
			return err
		}},
		{"protected branches", true, false, false, protected(gitlab.Branch)},
		{"protected tags", true, false, false, protected(gitlab.Tag)},
		{"a user by name", true, false, false, func(ctx context.Context, to asking) error {
			user, err := to.client.UserByName(ctx, "alice")
			return formed(err, user.ID > 0)
		}},
		{"a user by e-mail", true, false, false, func(ctx context.Context, to asking) error {
			user, err := to.client.UserByEmail(ctx, "alice@example.com")
			return formed(err, user.ID > 0)
		}},
		{"read a project", false, false, false, func(ctx context.Context, to asking) error {
			project, err := to.client.Project(ctx, "group/app")
			return formed(err, project.ID > 0)
		}},
		{"the newest branches", true, false, false, func(ctx context.Context, to asking) error {
			return namesFormed(to.client.NewestBranches(ctx, app))
		}},
		{"the newest tags", true, false, false, func(ctx context.Context, to asking) error {
			return namesFormed(to.client.NewestTags(ctx, app))
		}},
		{"all branches", true, false, false, func(ctx context.Context, to asking) error {
			return namesFormed(to.client.BranchNames(ctx, app))
		}},
		{"all tags", true, false, false, func(ctx context.Context, to asking) error {
			return namesFormed(to.client.TagNames(ctx, app))
		}},
		{"search refs", true, false, false, func(ctx context.Context, to asking) error {
			refs, err := to.client.SearchRefs(ctx, app, "main", 0)
			for _, ref := range refs {
				err = formed(err, ref.Name != "")
			}
			return err
		}},
		{"the commit of a branch", false, false, false, func(ctx context.Context, to asking) error {
			sha, err := to.client.RefSHA(ctx, 1, branch("main"))
			return formed(err, sha != "")
		}},
		{"the commit of a tag", false, false, false, func(ctx context.Context, to asking) error {
			sha, err := to.client.RefSHA(ctx, 1, tag("v1"))
			return formed(err, sha != "")
		}},
		{"whether a branch is there", false, false, false, func(ctx context.Context, to asking) error {
			_, err := to.client.RefExists(ctx, app, branch("main"))
			return err
		}},
		{"whether a tag is there", false, false, false, func(ctx context.Context, to asking) error {
			_, err := to.client.RefExists(ctx, app, tag("v1"))
			return err
		}},
		{"a code to link an account", false, true, false, func(ctx context.Context, to asking) error {
			grant, err := to.linker.Begin(ctx)
			return formed(err, grant.UserCode != "", grant.VerificationURI != "")
		}},
	}
}

// ask makes what operations ask with, over a transport.
func ask(tb testing.TB, address string, transport http.RoundTripper) asking {
	tb.Helper()
	client, err := gitlab.New(gitlab.Config{URL: address, Token: secretAccess, Transport: transport})
	if err != nil {
		tb.Fatal(err)
	}
	linker, err := gitlab.NewLinker(gitlab.LinkerConfig{URL: address, ClientID: "pipebot", Transport: transport})
	if err != nil {
		tb.Fatal(err)
	}
	return asking{client, linker}
}

const page = "<!DOCTYPE html><html><body>Sign in</body></html>"

// answering answers every request in one way.
func answering(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for key, value := range header {
			w.Header().Set(key, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Whatever stands where GitLab's answer should: nothing is taken for an answer, and of
// a write it is said that it may have taken effect. It is sent once.
func TestAnswersThatAreNone(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html; charset=utf-8"}
	// With 404 it is taken for an instance without the query, and said so.
	noGraphQL := func(o operation) bool { return o.name == "read a pipeline by its number" }
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		not    func(operation) bool // for which it is an answer, or cannot be
	}{
		{"a page with 200", answering(200, html, page), nil},
		{"a page with 503", answering(503, html, page), nil},
		{"a page with 404", answering(404, html, page), noGraphQL},
		{"the 404 of an ingress", answering(404, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, "default backend - 404"), noGraphQL},
		{"nothing", answering(200, nil, ""), nil},
		{"no content", answering(204, nil, ""), func(o operation) bool { return o.gone }},
		{"null", answering(200, nil, "null"), nil},
		{"a text", answering(200, nil, `"pipeline"`), nil},
		{"a number", answering(201, nil, "7"), nil},
		{"a list of null", answering(200, nil, "[null]"), nil},
		{"a list of lists", answering(200, nil, "[[]]"), nil},
		{"a list of nothing", answering(200, nil, "[{}]"), nil},
		{"an empty object", answering(200, nil, "{}"), nil},
		{"a list for an object", answering(200, nil, "[]"), func(o operation) bool { return o.list }},
		{"an object that breaks off", answering(201, nil, `{"id":12,"sta`), nil},
		{"a list that breaks off", answering(200, nil, `[{"id":12,"name":"main","key":"A"},`), nil},
		{"the id 0", answering(201, nil, `{"id":0}`), nil},
		{"an id below 0", answering(201, nil, `{"id":-4,"commit":{"id":""}}`), nil},
		{"an id that no number holds", answering(201, nil, `{"id":9223372036854775808,"commit":{"id":8}}`), nil},
		{"an id that is a text", answering(201, nil, `{"id":"12","name":4}`), nil},
		{"things without a name", answering(200, nil, `[{"id":-4,"name":""}]`), nil},
		{"GraphQL's errors", answering(200, nil, `{"data":null,"errors":[{"message":"internal"}]}`), nil},
		{"GraphQL's null", answering(200, nil, `{"data":{"project":{"pipelines":{"nodes":[null]},"pipeline":{"id":"0"},"repository":{"branchNames":null}}}}`), nil},
		{"what is no gzip", answering(200, map[string]string{"Content-Encoding": "gzip"}, "no gzip at all"), nil},
		{"less than it says", answering(200, map[string]string{"Content-Length": "900"}, `{"id":12,`), nil},
		{"a header that is none", answering(200, map[string]string{"Link": `<https://gitlab.example.com>; next`}, `[]`), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := counts{n: make(map[string]int)}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.add(r.Header.Get(operationHeader))
				tt.answer(w, r)
			}))
			t.Cleanup(server.Close)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			for _, o := range operations() {
				if tt.not != nil && tt.not(o) {
					continue
				}
				t.Run(o.name, func(t *testing.T) {
					wantUnclear(t, o.do(t.Context(), ask(t, server.URL, named{transport, o.name})))
					if n := asked.of(o.name); o.write && n != 1 {
						t.Errorf("it was sent %d times", n)
					}
				})
			}
		})
	}
}

// operationHeader says which operation a request is of. One that asks two things at once
// leaves the second where the first fails, and the server may still come to it when the
// next operation is on.
const operationHeader = "X-Operation"

// named sends with each request of which operation it is.
type named struct {
	http.RoundTripper
	operation string
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(operationHeader, n.operation)
	return n.RoundTripper.RoundTrip(r)
}

// counts are how often each thing happened.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[what]++
}

func (c *counts) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}

// wantUnclear checks that an error leaves it open what happened, in words that show
// nothing that should stay inside.
func wantUnclear(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*gitlab.Error](err); !ok || e.Kind != gitlab.Unclear && !errors.Is(err, gitlab.ErrNotSupported) {
		t.Fatalf("the error is %#v, want one of the kind unclear", err)
	}
	presentable(t, err)
}

func presentable(t *testing.T, err error) {
	t.Helper()
	noTokens(t, err)
	if text := err.Error(); strings.Contains(text, "://") || strings.Contains(text, "<") || !utf8.ValidString(text) {
		t.Errorf("the error is %q", text)
	}
}

// An answer that stops in the middle is none, and is not waited for beyond the deadline.
func TestAnswersThatDoNotEndInTime(t *testing.T) {
	stopped := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[{"id":12,`)
		_ = http.NewResponseController(w).Flush()
		select { // which a client that gives up ends
		case <-r.Context().Done():
		case <-stopped:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stopped) })
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			ctx, giveUp := context.WithCancelCause(t.Context())
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			wantUnclear(t, o.do(ctx, ask(t, server.URL, readThen{transport, func() { giveUp(context.DeadlineExceeded) }})))
		})
	}
}

// readThen does something when an answer has begun.
type readThen struct {
	http.RoundTripper
	then func()
}

func (r readThen) RoundTrip(request *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(request)
	r.then()
	return resp, err
}

// Nothing is followed elsewhere, least of all with a token.
func TestNoOperationFollowsRedirects(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(answering(status, map[string]string{"Location": other.URL + "/"}, page))
		t.Cleanup(server.Close)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		to := ask(t, server.URL, transport)
		for _, o := range operations() {
			t.Run(fmt.Sprintf("%d/%s", status, o.name), func(t *testing.T) {
				err := o.do(t.Context(), to)
				if o.write {
					wantUnclear(t, err)
				}
				if err == nil || !strings.Contains(err.Error(), "it redirects elsewhere") {
					t.Fatalf("the error is %v", err)
				}
				presentable(t, err)
			})
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

// canned answers every request from memory.
type canned struct {
	status int
	header http.Header
	body   func() io.Reader
	asked  atomic.Int64
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked.Add(1)
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: c.status, Header: c.header.Clone(), Body: io.NopCloser(c.body()),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

// endless is white space, which JSON may begin with, without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// What is sent without an end is not read without one.
func TestAnswersWithoutAnEnd(t *testing.T) {
	for _, tt := range []struct {
		status int
		want   string
	}{
		{200, "its answer is too long"},
		{500, ""},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			to := ask(t, "https://gitlab.example.com", &canned{status: tt.status, body: func() io.Reader { return endless{} }})
			_, err := to.client.Pipeline(t.Context(), 1, 2)
			checkError(t, err, gitlab.Error{Op: "reading the pipeline", Kind: gitlab.Unclear, Status: tt.status, Message: tt.want})
		})
	}
}

// Pages that lead back, repeat or never end are no list.
func TestPagesThatDoNotEnd(t *testing.T) {
	const one = `[{"id":7,"name":"main","status":"success","pipeline":{"id":2}}]`
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
	}{
		{"back to the first", http.Header{"X-Next-Page": {"1"}}, one},
		{"to below the first", http.Header{"X-Next-Page": {"-3"}}, one},
		{"to another host", http.Header{"Link": {`<https://elsewhere.example.com/api/v4/?page=1>; rel="next"`}}, one},
		{"to empty ones", http.Header{"X-Next-Page": {"2"}}, `[]`},
	} {
		for _, o := range operations() {
			switch o.name {
			case "list pipelines", "find what was started", "list jobs", "list trigger tokens", "protected branches", "protected tags":
			default:
				continue
			}
			t.Run(tt.name+"/"+o.name, func(t *testing.T) {
				server := &canned{status: 200, header: tt.header, body: func() io.Reader { return strings.NewReader(tt.body) }}
				err := o.do(t.Context(), ask(t, "https://gitlab.example.com", server))
				wantUnclear(t, err)
				if !strings.Contains(err.Error(), "do not end") || server.asked.Load() > 2 {
					t.Errorf("asked %d times: %v", server.asked.Load(), err)
				}
			})
		}
	}
}

// Each page is new, and none is the last.
func TestPagesWithoutEnd(t *testing.T) {
	id := 0
	server := &canned{status: 200, header: http.Header{"X-Next-Page": {"2"}}, body: func() io.Reader {
		id++
		return strings.NewReader(fmt.Sprintf(`[{"id":%d}]`, id))
	}}
	_, err := ask(t, "https://gitlab.example.com", server).client.ListPipelines(t.Context(), 1, gitlab.ListFilter{})
	wantUnclear(t, err)
	if server.asked.Load() != gitlab.MaxPages {
		t.Errorf("GitLab was asked %d times", server.asked.Load())
	}
}

// FuzzAnswers has every operation read anything. What it gives without an error has a
// form; what it says with one can be shown.
func FuzzAnswers(f *testing.F) {
	for i := range operations() {
		f.Add(uint8(i), uint16(200), "", "", []byte(`[{"id":12,"name":"main","key":"A","status":"success","duration":1e300,"user":null}]`))
		f.Add(uint8(i), uint16(201), "", "", []byte(`{"id":2,"status":"odd","duration":-1,"commit":{"id":"c0ffee"},"total":{"time":1e99}}`))
	}
	f.Add(uint8(15), uint16(200), "", "", []byte(`{"data":{"project":{"pipelines":{"nodes":[{"id":"gid://gitlab/Ci::Pipeline/2","jobs":{"nodes":[{"id":"x"}]}}]}}}}`))
	f.Add(uint8(32), uint16(200), "", "", []byte(`{"data":{"project":{"repository":{"branchCount":-1,"branchNames":["main",""]}}}}`))
	f.Add(uint8(11), uint16(200), "2", `<https://elsewhere.example.com/?page=2>; rel="next"`, []byte(`[{"id":12}]`))
	f.Add(uint8(11), uint16(429), "", `<>;`, []byte(`Retry later`))
	f.Fuzz(func(t *testing.T, which uint8, status uint16, nextPage, link string, body []byte) {
		all := operations()
		o := all[int(which)%len(all)]
		server := &canned{
			status: 200 + int(status)%400, header: http.Header{"X-Next-Page": {nextPage}, "Link": {link}},
			body: func() io.Reader { return bytes.NewReader(body) },
		}
		err := o.do(t.Context(), ask(t, "https://gitlab.example.com", server))
		if errors.Is(err, errFormless) {
			t.Errorf("%s gave what has no form", o.name)
		}
		if e, ok := errors.AsType[*gitlab.Error](err); err != nil && !ok && !errors.Is(err, errFormless) {
			t.Errorf("%s failed with %#v", o.name, err)
		} else if err != nil && ok && !utf8.ValidString(e.Error()) {
			t.Errorf("%s failed with no text: %q", o.name, e.Error())
		}
		if o.write && server.asked.Load() != 1 {
			t.Errorf("%s was sent %d times", o.name, server.asked.Load())
		}
	})
}
