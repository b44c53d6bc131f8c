package gitlab_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// instance is a simulated GitLab with one project, and a client for it.
type instance struct {
	*gitlabtest.Server
	client  *gitlab.Client
	user    *gitlabtest.User // the client's
	app     *gitlabtest.Project
	project gitlab.Project
}

func newInstance(tb testing.TB, change func(http.RoundTripper) http.RoundTripper) instance {
	tb.Helper()
	server := gitlabtest.NewServer(gitlabtest.Config{})
	tb.Cleanup(server.Close)
	bot := server.AddUser("bot")
	app := server.AddProject("group/app")
	app.AddMember(bot, gitlabtest.Developer)
	connections := &http.Transport{}
	tb.Cleanup(connections.CloseIdleConnections)
	var transport http.RoundTripper = connections
	if change != nil {
		transport = change(transport)
	}
	client, err := gitlab.New(gitlab.Config{URL: server.URL, Token: server.AddToken(bot, "api"), Transport: transport})
	if err != nil {
		tb.Fatal(err)
	}
	project, err := client.Project(tb.Context(), "group/app")
	if err != nil {
		tb.Fatal(err)
	}
	server.ResetRequests()
	return instance{server, client, bot, app, project}
}

// withoutKeyset makes requests as an instance sees them that knows no keyset pages
// of refs: it ignores the parameter.
type withoutKeyset struct{ http.RoundTripper }

func (w withoutKeyset) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	query := r.URL.Query()
	query.Del("pagination")
	r.URL.RawQuery = query.Encode()
	return w.RoundTripper.RoundTrip(r)
}

func noKeyset(transport http.RoundTripper) http.RoundTripper { return withoutKeyset{transport} }

const (
	branchesPath = "/api/v4/projects/*/repository/branches"
	tagsPath     = "/api/v4/projects/*/repository/tags"
	graphQLPath  = "/api/graphql"
)

func TestBranchNames(t *testing.T) {
	for _, tt := range []struct {
		name          string
		branches      int // besides main
		transport     func(http.RoundTripper) http.RoundTripper
		set           func(gl instance)
		graphQL, rest int // requests
	}{
		{name: "an instance as it should be", branches: 99_999, graphQL: 5},
		{name: "a project without branches of its own", branches: 0, graphQL: 1},
		{
			name: "without GraphQL", branches: 2_499, graphQL: 1, rest: 26, // the last one is empty
			set: func(gl instance) { gl.SetGraphQL(false) },
		},
		{
			name: "GraphQL that has errors", branches: 250, graphQL: 1, rest: 3,
			set: func(gl instance) {
				gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 200, Body: `{"errors":[{"message":"Field 'branchCount' doesn't exist"}]}`})
			},
		},
		{
			name: "GraphQL that sees no repository", branches: 250, graphQL: 1, rest: 3,
			set: func(gl instance) {
				gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 200, Body: `{"data":{"project":{"repository":null}}}`})
			},
		},
		{
			name: "without GraphQL and keyset pages", branches: 1_000, graphQL: 1, rest: 11,
			transport: noKeyset, set: func(gl instance) { gl.SetGraphQL(false) },
		},
		{
			name: "without GraphQL, and empty offset pages", branches: 1_000, graphQL: 1, rest: 11,
			set: func(gl instance) { gl.SetGraphQL(false); gl.SetEmptyPages(true) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, tt.transport)
			want := manyBranches(t, tt.branches)
			gl.app.AddBranches(want)
			if tt.set != nil {
				tt.set(gl)
			}
			got, err := gl.client.BranchNames(t.Context(), gl.project)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, "main")
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(want), got) {
				t.Errorf("got %d names, want %d", len(got), len(want))
			}
			if n := gl.Count(graphQLPath); n != tt.graphQL {
				t.Errorf("%d requests of GraphQL, want %d", n, tt.graphQL)
			}
			if n := gl.Count(branchesPath); n != tt.rest {
				t.Errorf("%d requests of REST, want %d", n, tt.rest)
			}
			if v := gl.Violations(); len(v) > 0 {
				t.Error(v)
			}
		})
	}
}

func TestBranchNamesNoticesMissingPages(t *testing.T) {
	for _, branches := range []int{5_000, 15_000} { // with a total, and too many for one
		gl := newInstance(t, noKeyset)
		gl.app.AddBranches(manyBranches(t, branches))
		gl.SetGraphQL(false)
		gl.SetEmptyPages(true)
		if got, err := gl.client.BranchNames(t.Context(), gl.project); err == nil {
			t.Errorf("got %d of %d names for all", len(got), branches)
		}
	}
}

func TestBranchNamesReadsShortPiecesAgain(t *testing.T) {
	gl := newInstance(t, nil)
	gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{
		Times: 1, Status: 200, Body: `{"data":{"project":{"repository":{"branchCount":4,"branchNames":["main","main","a","a"]}}}}`,
	})
	got, err := gl.client.BranchNames(t.Context(), gl.project)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"main"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBranchNamesGivesUpWhenRESTWouldAnswerTheSame(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusTooManyRequests} {
		gl := newInstance(t, nil)
		gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: status})
		if _, err := gl.client.BranchNames(t.Context(), gl.project); err == nil {
			t.Errorf("%d gave no error", status)
		}
		if n := len(gl.Requests()); n != 1 {
			t.Errorf("%d requests after %d, want 1", n, status)
		}
	}
}

func TestTagNames(t *testing.T) {
	for _, tt := range []struct {
		name      string
		transport func(http.RoundTripper) http.RoundTripper
	}{
		{"in keyset pages", nil},
		{"in offset pages", noKeyset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, tt.transport)
			want := manyTags(t, 2_450)
			gl.app.AddTags(want)
			got, err := gl.client.TagNames(t.Context(), gl.project)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if n := gl.Count(tagsPath); n != 25 {
				t.Errorf("%d requests, want 25", n)
			}
		})
	}
}

func TestNewest(t *testing.T) {
	gl := newInstance(t, nil)
	branches, tagNames := manyBranches(t, 300), manyTags(t, 300)
	gl.app.DeleteBranch("main")
	gl.app.AddBranches(branches)
	gl.app.AddTags(tagNames)
	for _, tt := range []struct {
		name string
		read func(context.Context, gitlab.Project) ([]string, error)
		want []string
	}{
		{"branches", gl.client.NewestBranches, branches[:100]},
		{"tags", gl.client.NewestTags, tagNames[:100]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.read(t.Context(), gl.project)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSearchRefs(t *testing.T) {
	gl := newInstance(t, nil)
	names := make([]string, 0, 250)
	for _, name := range manyBranches(t, 250) {
		names = append(names, "team/"+name)
	}
	gl.app.AddBranches(names)
	gl.app.AddTag("v1-team", time.Now())
	for _, tt := range []struct {
		name, text string
		limit      int
		want       []string
	}{
		{"up to a limit of each kind", "TEAM", 2, append(heads(names[:2]...), tags("v1-team")...)},
		{"all", "^team", 0, heads(names...)},
		{"none", "nothing", 10, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refs, err := gl.client.SearchRefs(t.Context(), gl.project, tt.text, tt.limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, ref := range refs {
				got = append(got, ref.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefExists(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.AddBranch("feature/a b%", time.Now())
	gl.app.AddTag("v1", time.Now())
	for _, tt := range []struct {
		ref  gitlab.Ref
		want bool
	}{
		{branch("main"), true},
		{branch("feature/a b%"), true},
		{tag("v1"), true},
		{branch("v1"), false},
		{tag("main"), false},
		{branch("gone"), false},
	} {
		if got, err := gl.client.RefExists(t.Context(), gl.project, tt.ref); err != nil || got != tt.want {
			t.Errorf("%v: got %v and %v", tt.ref, got, err)
		}
	}
	if _, err := gl.client.RefExists(t.Context(), gitlab.Project{ID: 4711}, branch("main")); !gitlab.IsNotFound(err) {
		t.Errorf("a project that cannot be read gave %v", err)
	}
}

// TestRefsOverGitLab goes the whole way once, over the wire.
func TestRefsOverGitLab(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.AddBranches(manyBranches(t, 500))
	gl.app.AddBranch("v9", time.Now())
	gl.app.AddTag("v9", time.Now())
	long := strings.Repeat("long-", 40)
	gl.app.AddBranch(long, time.Now().Add(-time.Hour))

	refs := gitlab.NewRefs(gl.client, gitlab.RefsConfig{Failed: func(_ gitlab.Project, err error) { t.Error(err) }})
	defer refs.Close()
	found, err := refs.Options(t.Context(), gl.project, "v9", 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Branches) != 1 || len(found.Tags) != 1 {
		t.Errorf("found %d branches and %d tags, want one of each", len(found.Branches), len(found.Tags))
	}
	if got, err := refs.Resolve(t.Context(), gl.project, branch(long).Key(keyLimit)); err != nil || got != branch(long) {
		t.Errorf("the key of a long name became %v and %v", got, err)
	}
}

// BenchmarkLoad100k reads all names of a project with 100,000 branches from a
// GitLab that takes 50 ms for every request.
func BenchmarkLoad100k(b *testing.B) {
	gl := newInstance(b, nil)
	gl.app.AddBranches(manyBranches(b, 100_000))
	gl.Latency(50 * time.Millisecond)
	for b.Loop() {
		gl.ResetRequests()
		names, err := gl.client.BranchNames(b.Context(), gl.project)
		if err != nil || len(names) < 100_000 {
			b.Fatal(len(names), err)
		}
		gitlab.NewIndex("main", names, nil)
	}
	b.ReportMetric(float64(len(gl.Requests())), "requests")
}
