package gitlab_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

const pipelinesPath = "/api/v4/projects/*/pipelines"

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		statuses     []gitlab.Status
		ended, waits bool
	}{
		{[]gitlab.Status{"success", "failed", "canceled", "skipped"}, true, false},
		{[]gitlab.Status{"manual", "scheduled"}, false, true},
		{[]gitlab.Status{
			"created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "canceling",
			"", "of a later version",
		}, false, false},
	} {
		for _, status := range tt.statuses {
			if status.Ended() != tt.ended || status.Waits() != tt.waits {
				t.Errorf("%q has ended: %v, waits: %v", status, status.Ended(), status.Waits())
			}
		}
	}
}

// Durations are whole seconds in most versions, and not in all.
func TestPipelineFields(t *testing.T) {
	const body = `{
		"id": 12, "iid": 3, "project_id": 1, "status": "success", "source": "trigger", "ref": "main", "sha": "abc",
		"web_url": "https://x/1", "yaml_errors": null, "tag": true, "name": "nightly",
		"user": {"id": 7, "username": "alice", "name": "Alice", "state": "active"},
		"created_at": "2026-09-01T12:00:00.000Z", "updated_at": "2026-09-01T12:05:00.000+02:00",
		"started_at": "2026-09-01T12:00:01.5Z", "finished_at": null, "duration": 63.25, "queued_duration": 0.5,
		"detailed_status": {"text": "bestanden", "group": "success-with-warnings"}
	}`
	want := gitlab.Pipeline{
		ID: 12, IID: 3, ProjectID: 1, Status: gitlab.StatusSuccess, Warnings: true, Source: "trigger", Ref: "main", SHA: "abc",
		WebURL: "https://x/1", Name: "nightly", Tag: true, User: gitlab.User{ID: 7, Username: "alice", Name: "Alice"},
		CreatedAt: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 9, 1, 10, 5, 0, 0, time.UTC),
		StartedAt: time.Date(2026, 9, 1, 12, 0, 1, 5e8, time.UTC), Duration: 63250 * time.Millisecond,
	}
	gl := newInstance(t, nil)
	gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/1/pipelines/12"}, gitlabtest.Fault{Status: 200, Body: body})
	got, err := gl.client.Pipeline(t.Context(), 1, 12)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the pipeline (-want +got):\n%s", diff)
	}
}

// An answer that cannot be decoded would make a start unclear.
func TestAFractionalDurationIsNoReasonToDoubtAStart(t *testing.T) {
	gl := newInstance(t, nil)
	gl.Fault(gitlabtest.Match{Method: http.MethodPost}, gitlabtest.Fault{Status: 201, Body: `{"id":12,"status":"created","duration":0.5}`})
	got, err := gl.client.StartPipeline(t.Context(), gl.start(false))
	if err != nil || got.ID != 12 {
		t.Errorf("started %d, %v", got.ID, err)
	}
}

func TestCancel(t *testing.T) {
	gl := newInstance(t, nil)
	there := gl.startHere(t, "main")
	there.Start()
	got, err := gl.client.Cancel(t.Context(), gl.project.ID, int64(there.ID))
	if err != nil || got.Status != gitlab.StatusCanceling || there.Status() != "canceling" {
		t.Errorf("canceled: %+v, %v; in GitLab it is %s", got, err, there.Status())
	}
}

func TestRetry(t *testing.T) {
	gl := newInstance(t, nil)
	there := gl.startHere(t, "main")
	there.Finish("failed")
	got, err := gl.client.Retry(t.Context(), gl.project.ID, int64(there.ID))
	if err != nil || got.Status.Ended() || there.Status() != string(got.Status) {
		t.Errorf("retried: %+v, %v; in GitLab it is %s", got, err, there.Status())
	}
}

func TestCancelAndRetryRefused(t *testing.T) {
	for _, post := range posts()[2:] {
		t.Run(post.op, func(t *testing.T) {
			gl := newInstance(t, nil)
			checkError(t, post.do(t.Context(), gl.client), gitlab.Error{Op: post.op, Kind: gitlab.NotFound, Status: 404})
			gl.startHere(t, "main")
			checkError(t, post.do(t.Context(), gl.as(t, gitlabtest.Reporter)), gitlab.Error{
				Op: post.op, Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden",
			})
		})
	}
}

// startHere starts a pipeline as GitLab itself would.
func (gl instance) startHere(t *testing.T, ref string) *gitlabtest.Pipeline {
	t.Helper()
	user := gl.AddUser("pusher")
	gl.app.AddMember(user, gitlabtest.Developer)
	there, reason := gl.app.StartPipeline(user, ref, "push")
	if there == nil {
		t.Fatal(reason)
	}
	return there
}

// startMany starts n pipelines and returns their ids.
func (gl instance) startMany(t *testing.T, n int) []int64 {
	t.Helper()
	user := gl.AddUser("pusher")
	gl.app.AddMember(user, gitlabtest.Developer)
	ids := make([]int64, n)
	for i := range ids {
		there, reason := gl.app.StartPipeline(user, "main", "push")
		if there == nil {
			t.Fatal(reason)
		}
		ids[i] = int64(there.ID)
	}
	return ids
}

func idsOf(pipelines []gitlab.Pipeline) []int64 {
	ids := make([]int64, len(pipelines))
	for i, p := range pipelines {
		ids[i] = p.ID
	}
	slices.Sort(ids)
	return ids
}

func TestListPipelinesReadsEveryPage(t *testing.T) {
	gl := newInstance(t, nil)
	want := gl.startMany(t, 250)
	got, err := gl.client.ListPipelines(t.Context(), gl.project.ID, gitlab.ListFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, idsOf(got)); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if n := gl.Count("GET " + pipelinesPath); n != 3 {
		t.Errorf("it took %d requests", n)
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

func TestListPipelinesFields(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.AddTag("v1", time.Now())
	there := gl.startHere(t, "refs/tags/v1")
	got, err := gl.client.ListPipelines(t.Context(), gl.project.ID, gitlab.ListFilter{})
	if err != nil || len(got) != 1 {
		t.Fatalf("listed %+v, %v", got, err)
	}
	want := gitlab.Pipeline{
		ID: int64(there.ID), IID: 1, ProjectID: gl.project.ID, Status: gitlab.StatusCreated, Source: "push", Ref: "v1",
		SHA: there.SHA, WebURL: there.WebURL(), CreatedAt: got[0].CreatedAt, UpdatedAt: got[0].UpdatedAt,
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("the pipeline (-want +got):\n%s", diff)
	}
	if !got[0].UpdatedAt.Equal(there.UpdatedAt().Truncate(time.Millisecond)) || got[0].CreatedAt.IsZero() {
		t.Errorf("updated at %s, created at %s", got[0].UpdatedAt, got[0].CreatedAt)
	}
}

func TestListPipelinesFilters(t *testing.T) {
	clock := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	server := gitlabtest.NewServer(gitlabtest.Config{Now: func() time.Time { return clock }})
	t.Cleanup(server.Close)
	user, project := server.AddUser("bot"), server.AddProject("group/app")
	project.AddMember(user, gitlabtest.Maintainer)
	project.AddBranch("other", clock)
	gl := instance{Server: server, app: project}
	client := gl.with(t, server.AddToken(user, "api"))
	begin := clock
	var all []*gitlabtest.Pipeline
	for _, p := range []struct{ ref, source string }{{"main", "push"}, {"main", "trigger"}, {"other", "push"}} {
		there, reason := project.StartPipeline(user, p.ref, p.source)
		if there == nil {
			t.Fatal(reason)
		}
		all = append(all, there)
		clock = clock.Add(time.Hour)
	}
	all[0].Start() // at 15:00
	for _, tt := range []struct {
		name   string
		filter gitlab.ListFilter
		want   []int64
	}{
		{"nothing", gitlab.ListFilter{}, []int64{1, 2, 3}},
		{"the source", gitlab.ListFilter{Source: "push"}, []int64{1, 3}},
		{"the ref", gitlab.ListFilter{Ref: "main"}, []int64{1, 2}},
		{"the last change", gitlab.ListFilter{UpdatedAfter: begin.Add(90 * time.Minute)}, []int64{1, 3}},
		{"the creation", gitlab.ListFilter{CreatedAfter: begin.Add(30 * time.Minute)}, []int64{2, 3}},
		{"several", gitlab.ListFilter{Source: "push", Ref: "main", CreatedAfter: begin.Add(-time.Minute), UpdatedAfter: begin}, []int64{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client.ListPipelines(t.Context(), int64(project.ID), tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, idsOf(got)); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

// between runs something after the first answer of a list.
type between struct {
	http.RoundTripper
	do func()
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if b.do != nil {
		b.do()
		b.do = nil
	}
	return response, err
}

// A pipeline that moves while the pages are read must not hide another one: a start
// that is looked for would be made again.
func TestListPipelinesWhileTheyMove(t *testing.T) {
	for _, tt := range []struct {
		name   string
		filter gitlab.ListFilter
		moves  int // which one, by age
		unseen int // which one may be seen by the next list only; -1: none
	}{
		{"by id, an old one moves", gitlab.ListFilter{Source: "push"}, 0, -1},
		{"by id, a new one moves", gitlab.ListFilter{Source: "push"}, 149, -1},
		{"by the last change, an old one moves", gitlab.ListFilter{UpdatedAfter: time.Now().Add(-time.Hour)}, 0, 0},
		{"by the last change, a new one moves", gitlab.ListFilter{UpdatedAfter: time.Now().Add(-time.Hour)}, 149, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hook := &between{}
			gl := newInstance(t, func(next http.RoundTripper) http.RoundTripper {
				hook.RoundTripper = next
				return hook
			})
			want := gl.startMany(t, 150)
			hook.do = func() { gl.app.Pipelines()[tt.moves].Start() }
			got, err := gl.client.ListPipelines(t.Context(), gl.project.ID, tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if tt.unseen >= 0 {
				want = slices.Delete(want, tt.unseen, tt.unseen+1)
			}
			ids := slices.Compact(idsOf(got))
			for _, id := range want {
				if !slices.Contains(ids, id) {
					t.Errorf("pipeline %d is missing", id)
				}
			}
		})
	}
}

func TestListPipelinesFailsWhole(t *testing.T) {
	gl := newInstance(t, nil)
	gl.startMany(t, 150)
	gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Times: 1})
	gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 502})
	got, err := gl.client.ListPipelines(t.Context(), gl.project.ID, gitlab.ListFilter{})
	checkError(t, err, gitlab.Error{Op: "listing pipelines", Kind: gitlab.Unclear, Status: 502})
	if got != nil {
		t.Errorf("half a list: %d pipelines", len(got))
	}
}

func TestVariables(t *testing.T) {
	gl := newInstance(t, nil)
	want := []gitlab.Variable{
		{Key: "BUILD_TYPE", Value: "release"},
		{Key: "CONFIG", Value: "a: 1\n", File: true},
		{Key: "EMPTY"},
		{Key: "NOTE", Value: "a=b\nc"},
	}
	start := gl.start(false)
	start.Variables = map[string]string{"NOTE": "a=b\nc", "BUILD_TYPE": "release", "EMPTY": ""}
	start.Files = map[string]string{"CONFIG": "a: 1\n"}
	started, err := gl.client.StartPipeline(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gl.client.Variables(t.Context(), gl.project.ID, started.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, full := range []string{"refs/heads/main", "refs/tags/v1", "refs/heads/", "main", "refs/heads/refs/tags/v1", "refs/merge-requests/1/head", ""} {
		f.Add(full)
	}
	f.Fuzz(func(t *testing.T, full string) {
		ref, err := gitlab.ParseRef(full)
		if err != nil {
			if ref != (gitlab.Ref{}) {
				t.Errorf("%q is wrong (%v) and read as %+v", full, err, ref)
			}
			return
		}
		if ref.String() != full || ref.Name == "" {
			t.Errorf("%q is read as %+v and written as %q", full, ref, ref)
		}
		text, err := ref.MarshalText()
		var back gitlab.Ref
		if err != nil || back.UnmarshalText(text) != nil || back != ref {
			t.Errorf("%+v comes back as %+v", ref, back)
		}
	})
}

func TestParseRef(t *testing.T) {
	for _, tt := range []struct {
		full string
		want gitlab.Ref
	}{
		{"refs/heads/main", branch("main")},
		{"refs/tags/v1", tag("v1")},
		{"refs/heads/refs/tags/v1", branch("refs/tags/v1")},
		{"refs/tags/refs/heads/x", tag("refs/heads/x")},
	} {
		if got, err := gitlab.ParseRef(tt.full); err != nil || got != tt.want {
			t.Errorf("%s is read as %+v, %v", tt.full, got, err)
		}
	}
	for _, full := range []string{"", "main", "refs/heads/", "refs/tags/", "refs/merge-requests/1/head", "REFS/HEADS/main"} {
		if got, err := gitlab.ParseRef(full); err == nil {
			t.Errorf("%q is read as %+v", full, got)
		}
	}
}
