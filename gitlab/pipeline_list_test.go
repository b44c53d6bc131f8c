package gitlab_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// GitLab tells no total beyond 10,000, and whether more follows all the same.
func TestPipelinesPage(t *testing.T) {
	for _, tt := range []struct {
		pipelines, page, size int
		first, last           int64 // 0: the page is empty
		more                  bool
	}{
		{0, 1, 20, 0, 0, false},
		{0, 2, 20, 0, 0, false},
		{1, 1, 1, 1, 1, false},
		{1, 2, 1, 0, 0, false},
		{2, 1, 1, 2, 2, true},
		{100, 1, 100, 100, 1, false},
		{100, 1, 99, 100, 2, true},
		{100, 2, 99, 1, 1, false},
		{10_001, 1, 100, 10_001, 9902, true},
		{10_001, 100, 100, 101, 2, true},
		{10_001, 101, 100, 1, 1, false},
	} {
		t.Run(fmt.Sprintf("page %d of %d, %d a page", tt.page, tt.pipelines, tt.size), func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.startMany(t, tt.pipelines)
			gl.ResetRequests()
			got, more, err := gl.client.PipelinesPage(t.Context(), gl.project.ID, gitlab.ListFilter{}, tt.page, tt.size)
			if err != nil || more != tt.more {
				t.Errorf("more: %v, %v", more, err)
			}
			var want, ids []int64
			for id := tt.first; id > 0 && id >= tt.last; id-- {
				want = append(want, id)
			}
			for _, p := range got {
				ids = append(ids, p.ID)
			}
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if n := len(gl.Requests()); n != 1 {
				t.Errorf("it took %d requests", n)
			}
			for _, v := range gl.Violations() {
				t.Error(v)
			}
		})
	}
}

// Some proxies let no header through whose name begins with X-.
func TestPipelinesPageByLinkAlone(t *testing.T) {
	for link, want := range map[string]bool{
		`<https://gitlab.example.com/x?page=2>; rel="next", <https://gitlab.example.com/x?page=1>; rel="first"`: true,
		`<https://gitlab.example.com/x?page=1>; rel="first"`:                                                    false,
	} {
		gl := newInstance(t, nil)
		gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Header: map[string][]string{"Link": {link}}, Body: `[{"id":7}]`})
		got, more, err := gl.client.PipelinesPage(t.Context(), gl.project.ID, gitlab.ListFilter{}, 1, 1)
		if err != nil || more != want || len(got) != 1 || got[0].ID != 7 {
			t.Errorf("%+v, more: %v, %v", got, more, err)
		}
	}
}

func TestPipelinesPageThatCannotBe(t *testing.T) {
	gl := newInstance(t, nil)
	for _, page := range [][2]int{{0, 20}, {-1, 20}, {1, 0}, {1, 101}} {
		_, _, err := gl.client.PipelinesPage(t.Context(), gl.project.ID, gitlab.ListFilter{}, page[0], page[1])
		checkError(t, err, gitlab.Error{
			Op: "listing pipelines", Kind: gitlab.Invalid, Message: fmt.Sprintf("there is no page %d of %d pipelines", page[0], page[1]),
		})
	}
	if n := len(gl.Requests()); n != 0 {
		t.Errorf("GitLab was asked %d times", n)
	}
}

// history has pipelines of two people on a branch, a branch that is gone and a tag, one a
// minute.
func history(t *testing.T) (gl instance, begin time.Time) {
	t.Helper()
	begin = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	clock := begin
	server := gitlabtest.NewServer(gitlabtest.Config{Now: func() time.Time { return clock }})
	t.Cleanup(server.Close)
	alice, bob, app := server.AddUser("alice"), server.AddUser("bob"), server.AddProject("group/app")
	app.AddMember(alice, gitlabtest.Maintainer)
	app.AddMember(bob, gitlabtest.Developer)
	app.AddBranch("gone", begin)
	app.AddTag("v1", begin)
	for _, p := range []struct {
		user *gitlabtest.User
		ref  string
		name string
		then string
	}{
		{alice, "main", "", "success"},
		{bob, "main", "nightly", "running"},
		{alice, "gone", "", "failed"},
		{bob, "v1", "nightly", "running"},
		{alice, "main", "", "pending"},
	} {
		clock = clock.Add(time.Minute)
		app.SetCI(gitlabtest.CI{Name: p.name, Jobs: []gitlabtest.JobSpec{{Name: "unit"}}})
		there, reason := app.StartPipeline(p.user, p.ref, "push")
		if there == nil {
			t.Fatal(reason)
		}
		switch p.then {
		case "running":
			there.Start()
		case "pending":
			there.Enqueue()
		default:
			there.Finish(p.then)
		}
	}
	clock = clock.Add(time.Minute)
	app.Pipelines()[1].Finish("success")
	app.DeleteBranch("gone")
	gl = instance{Server: server, app: app, user: alice, project: gitlab.Project{ID: int64(app.ID), Path: "group/app"}}
	gl.client = gl.with(t, server.AddToken(alice, "api"))
	return gl, begin
}

func TestListFilter(t *testing.T) {
	gl, begin := history(t)
	minute := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Minute) }
	sha := gl.app.Pipelines()[3].SHA
	for _, tt := range []struct {
		name   string
		filter gitlab.ListFilter
		want   []int64
	}{
		{"nothing", gitlab.ListFilter{}, []int64{5, 4, 3, 2, 1}},
		{"finished", gitlab.ListFilter{Scope: "finished"}, []int64{3, 2, 1}},
		{"of branches", gitlab.ListFilter{Scope: "branches"}, []int64{5}},
		{"of tags", gitlab.ListFilter{Scope: "tags"}, []int64{4}},
		{"a status", gitlab.ListFilter{Status: "running"}, []int64{4}},
		{"a commit", gitlab.ListFilter{SHA: sha}, []int64{4}},
		{"a name", gitlab.ListFilter{Name: "nightly"}, []int64{4, 2}},
		{"a person", gitlab.ListFilter{Username: "bob"}, []int64{4, 2}},
		{"faulty ones", gitlab.ListFilter{YAMLErrors: new(true)}, nil},
		{"good ones", gitlab.ListFilter{YAMLErrors: new(false)}, []int64{5, 4, 3, 2, 1}},
		{"changed before", gitlab.ListFilter{UpdatedBefore: minute(3)}, []int64{3, 1}},
		{"changed after, by the change", gitlab.ListFilter{UpdatedAfter: minute(4)}, []int64{2, 5, 4}},
		{"changed after, by the id", gitlab.ListFilter{UpdatedAfter: minute(4), OrderBy: "id"}, []int64{5, 4, 2}},
		{"created between", gitlab.ListFilter{CreatedAfter: minute(2), CreatedBefore: minute(3)}, []int64{3, 2}},
		{"by the ref", gitlab.ListFilter{OrderBy: "ref", Sort: "asc"}, []int64{3, 1, 2, 5, 4}},
		{"by the person", gitlab.ListFilter{OrderBy: "user_id"}, []int64{4, 2, 5, 3, 1}},
		{"the oldest first", gitlab.ListFilter{Sort: "asc"}, []int64{1, 2, 3, 4, 5}},
		{"several", gitlab.ListFilter{Username: "bob", Ref: "main", Scope: "finished", Source: "push"}, []int64{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := gl.client.ListPipelines(t.Context(), gl.project.ID, tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			page, more, err := gl.client.PipelinesPage(t.Context(), gl.project.ID, tt.filter, 1, 2)
			if err != nil || more != (len(tt.want) > 2) {
				t.Errorf("more: %v, %v", more, err)
			}
			for _, list := range []struct {
				got  []gitlab.Pipeline
				want []int64
			}{{all, tt.want}, {page, tt.want[:min(2, len(tt.want))]}} {
				var ids []int64
				for _, p := range list.got {
					ids = append(ids, p.ID)
				}
				if !slices.Equal(list.want, ids) {
					t.Errorf("ids %v, want %v", ids, list.want)
				}
			}
		})
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

func TestListFilterOfWhatGitLabDoesNotKnow(t *testing.T) {
	gl := newInstance(t, nil)
	for _, filter := range []gitlab.ListFilter{{Scope: "new"}, {Status: "done"}, {Source: "slack"}, {OrderBy: "created_at"}, {Sort: "up"}} {
		_, _, err := gl.client.PipelinesPage(t.Context(), gl.project.ID, filter, 1, 1)
		if gitlab.KindOf(err) != gitlab.Invalid || err == nil {
			t.Errorf("%+v: %v", filter, err)
		}
	}
}

func TestLatestPipeline(t *testing.T) {
	gl, _ := history(t)
	for ref, want := range map[string]int64{"main": 5, "gone": 3, "v1": 4, "never": 0} {
		got, found, err := gl.client.LatestPipeline(t.Context(), gl.project.ID, ref)
		if err != nil || found != (want != 0) || got.ID != want {
			t.Errorf("%s: %d, %v, %v", ref, got.ID, found, err)
		}
	}
}
