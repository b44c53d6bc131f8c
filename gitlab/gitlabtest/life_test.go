package gitlabtest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

// TestStatusOfPipeline is the table by which GitLab computes a pipeline's status from its jobs. A job is written as
// its status, with ? when it may fail.
func TestStatusOfPipeline(t *testing.T) {
	for _, test := range []struct{ jobs, status, label string }{
		{"created created", "created", "created"},
		{"preparing", "preparing", "preparing"},
		{"pending created", "pending", "pending"},
		{"pending success", "running", "running"},
		{"running pending", "running", "running"},
		{"success created", "running", "running"},
		{"success waiting_for_resource", "waiting_for_resource", "waiting for resource"},
		{"success waiting_for_callback", "waiting_for_callback", "waiting for callback"},
		{"success preparing", "preparing", "preparing"},
		{"success success", "success", "passed"},
		{"success skipped", "success", "passed"},
		{"success failed", "failed", "failed"},
		{"success failed?", "success", "passed with warnings"},
		{"success canceled?", "success", "passed with warnings"},
		{"failed failed?", "failed", "failed"},
		{"failed running", "running", "running"},
		{"success canceled", "canceled", "canceled"},
		{"failed canceled", "failed", "failed"},
		{"canceling success", "canceling", "canceling"},
		{"canceling running", "canceling", "canceling"},
		{"skipped skipped", "skipped", "skipped"},
		{"manual", "manual", "waiting for manual action"},
		{"success manual", "manual", "waiting for manual action"},
		{"success manual?", "success", "passed"},
		{"manual?", "skipped", "skipped"},
		{"success scheduled", "scheduled", "waiting for delayed job"},
	} {
		t.Run(test.jobs, func(t *testing.T) {
			w := newWorld(t)
			var specs []gitlabtest.JobSpec
			for i, status := range strings.Fields(test.jobs) {
				specs = append(specs, gitlabtest.JobSpec{Name: fmt.Sprint(i), Stage: "all", AllowFailure: strings.HasSuffix(status, "?")})
			}
			w.app.SetCI(gitlabtest.CI{Jobs: specs})
			pl := w.run()
			for i, status := range strings.Fields(test.jobs) {
				pl.Job(fmt.Sprint(i)).SetStatus(strings.TrimSuffix(status, "?"))
			}
			if pl.Status() != test.status || pl.DetailedStatus() != test.label {
				t.Errorf("%s (%s), want %s (%s)", pl.Status(), pl.DetailedStatus(), test.status, test.label)
			}
		})
	}
}

// states lists the pipeline's and the jobs' statuses in a line.
func states(pl *gitlabtest.Pipeline) string {
	out := pl.Status() + ":"
	for _, j := range pl.Jobs() {
		out += " " + j.Name + "=" + j.Status()
	}
	return out
}

func TestLife(t *testing.T) {
	type step struct {
		name string
		do   func(*gitlabtest.Pipeline)
		want string
	}
	job := func(name string) func(*gitlabtest.Pipeline) *gitlabtest.Job {
		return func(pl *gitlabtest.Pipeline) *gitlabtest.Job { return pl.Job(name) }
	}
	succeed := func(name string) func(*gitlabtest.Pipeline) {
		return func(pl *gitlabtest.Pipeline) { job(name)(pl).Succeed() }
	}
	fail := func(name string) func(*gitlabtest.Pipeline) {
		return func(pl *gitlabtest.Pipeline) { job(name)(pl).Fail("") }
	}
	play := func(name string) func(*gitlabtest.Pipeline) {
		return func(pl *gitlabtest.Pipeline) { job(name)(pl).Play() }
	}
	plain := []gitlabtest.JobSpec{{Name: "a", Stage: "1"}, {Name: "b", Stage: "2"}, {Name: "c", Stage: "3"}}
	for _, test := range []struct {
		name  string
		jobs  []gitlabtest.JobSpec
		steps []step
	}{
		{"stage after stage", plain, []step{
			{"new", func(*gitlabtest.Pipeline) {}, "created: a=created b=created c=created"},
			{"enqueue", (*gitlabtest.Pipeline).Enqueue, "pending: a=pending b=created c=created"},
			{"start", (*gitlabtest.Pipeline).Start, "running: a=running b=created c=created"},
			{"a", succeed("a"), "running: a=success b=pending c=created"},
			{"b", succeed("b"), "running: a=success b=success c=pending"},
			{"c", succeed("c"), "success: a=success b=success c=success"},
		}},
		{"failure skips the rest, retry reopens", plain, []step{
			{"a", fail("a"), "failed: a=failed b=skipped c=skipped"},
			{"retry", (*gitlabtest.Pipeline).Retry, "pending: a=pending b=created c=created"},
			{"finish", func(pl *gitlabtest.Pipeline) { pl.Finish("success") }, "success: a=success b=success c=success"},
		}},
		{"allowed failure", []gitlabtest.JobSpec{{Name: "a", Stage: "1", AllowFailure: true}, {Name: "b", Stage: "2"}}, []step{
			{"a", fail("a"), "pending: a=failed b=pending"},
			{"b", succeed("b"), "success: a=failed b=success"},
		}},
		{"cancel passes through canceling", plain, []step{
			{"start", (*gitlabtest.Pipeline).Start, "running: a=running b=created c=created"},
			{"cancel", (*gitlabtest.Pipeline).Cancel, "canceling: a=canceling b=canceled c=canceled"},
			{"runner lets go", func(pl *gitlabtest.Pipeline) { pl.Finish("canceled") }, "canceled: a=canceled b=canceled c=canceled"},
		}},
		{"cancel before anything runs", plain, []step{
			{"cancel", (*gitlabtest.Pipeline).Cancel, "canceled: a=canceled b=canceled c=canceled"},
		}},
		{"blocking manual job", []gitlabtest.JobSpec{{Name: "a", Stage: "1"}, {Name: "m", Stage: "2", Manual: true}, {Name: "c", Stage: "3"}}, []step{
			{"a", succeed("a"), "manual: a=success m=manual c=created"},
			{"play", play("m"), "running: a=success m=pending c=created"},
			{"m", succeed("m"), "running: a=success m=success c=pending"},
		}},
		{"optional manual job", []gitlabtest.JobSpec{{Name: "a", Stage: "1"}, {Name: "m", Stage: "2", Manual: true, AllowFailure: true}, {Name: "c", Stage: "3"}}, []step{
			{"a", succeed("a"), "running: a=success m=manual c=pending"},
			{"c", succeed("c"), "success: a=success m=manual c=success"},
			{"play", play("m"), "running: a=success m=pending c=success"},
		}},
		{"delayed job", []gitlabtest.JobSpec{{Name: "d", Stage: "1", Delayed: time.Hour}}, []step{
			{"start", (*gitlabtest.Pipeline).Start, "scheduled: d=scheduled"},
			{"play", play("d"), "pending: d=pending"},
		}},
		{"on failure and always", []gitlabtest.JobSpec{{Name: "a", Stage: "1"}, {Name: "f", Stage: "2", When: "on_failure"}, {Name: "w", Stage: "2", When: "always"}}, []step{
			{"a", fail("a"), "running: a=failed f=pending w=pending"},
		}},
		{"finish as failed", plain, []step{
			{"finish", func(pl *gitlabtest.Pipeline) { pl.Finish("failed") }, "failed: a=failed b=skipped c=skipped"},
		}},
		{"pinned status", plain, []step{
			{"pin", func(pl *gitlabtest.Pipeline) { pl.SetStatus("brand_new") }, "brand_new: a=pending b=created c=created"},
			{"let go", func(pl *gitlabtest.Pipeline) { pl.SetStatus("") }, "pending: a=pending b=created c=created"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.app.SetCI(gitlabtest.CI{Jobs: test.jobs})
			pl := w.run()
			for _, s := range test.steps {
				s.do(pl)
				if got := states(pl); got != s.want {
					t.Fatalf("after %s: %s\nwant %s", s.name, got, s.want)
				}
			}
		})
	}
}

// A clock moves only when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestTimes(t *testing.T) {
	c := &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
	s := gitlabtest.NewServer(gitlabtest.Config{Now: c.Now})
	t.Cleanup(s.Close)
	u := s.AddUser("dev")
	p := s.AddProject("group/app")
	p.AddMember(u, gitlabtest.Maintainer)
	p.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "a", Stage: "1", Coverage: 80}, {Name: "b", Stage: "2", Coverage: 90.5}}})
	w := &world{Server: s, t: t, app: p, token: map[gitlabtest.Role]string{gitlabtest.Maintainer: s.AddToken(u)}}
	pl, reason := p.StartPipeline(u, "main", "push")
	if reason != "" {
		t.Fatal(reason)
	}
	c.pass(5 * time.Second)
	pl.Enqueue()
	c.pass(5 * time.Second)
	pl.Job("a").Run()
	c.pass(20 * time.Second)
	before := pl.UpdatedAt()
	pl.Job("a").Succeed()
	if !pl.UpdatedAt().Equal(before) {
		t.Error("updated_at moved although the status did not change")
	}
	c.pass(10 * time.Second)
	pl.Job("b").Run()
	c.pass(40 * time.Second)
	pl.Job("b").Succeed()

	want := map[string]any{
		"created_at": "2026-09-01T12:00:00.000Z", "started_at": "2026-09-01T12:00:10.000Z",
		"updated_at": "2026-09-01T12:01:20.000Z", "finished_at": "2026-09-01T12:01:20.000Z",
		"duration": 60.0, "queued_duration": 10.0, "coverage": "85.25", "status": "success",
	}
	got := get[map[string]any](w, fmt.Sprintf("/projects/1/pipelines/%d", pl.ID))
	for key := range got {
		if _, wanted := want[key]; !wanted {
			delete(got, key)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	j := get[map[string]any](w, fmt.Sprintf("/projects/1/jobs/%d", pl.Job("b").ID))
	if j["duration"] != 40.0 || j["queued_duration"] != 10.0 {
		t.Errorf("job took %v after %v", j["duration"], j["queued_duration"])
	}
}

func TestAuto(t *testing.T) {
	w := newWorld(t)
	w.app.SetCI(gitlabtest.CI{Stages: []string{"build", "test"}, Jobs: []gitlabtest.JobSpec{
		{Name: "compile", Stage: "build", Duration: time.Minute},
		{Name: "wait", Stage: "build", Duration: time.Second, Delayed: time.Minute},
		{Name: "unit", Stage: "test", Duration: time.Minute, Outcome: "failed", FailureReason: "job_execution_timeout"},
	}})
	w.Auto(10_000)
	pl := w.run()
	wait(t, w, func() bool { return pl.Status() == "failed" })
	job := get[map[string]any](w, fmt.Sprintf("/projects/1/jobs/%d", pl.Job("unit").ID))
	if job["failure_reason"] != "job_execution_timeout" {
		t.Errorf("job %v", job)
	}
	canceled := w.run()
	canceled.Start()
	canceled.Cancel()
	wait(t, w, func() bool { return canceled.Status() == "canceled" })
}

// wait fails the test when the condition does not come true in half a minute, which no machine needs.
func wait(t *testing.T, s interface {
	Wait(ctx context.Context, condition func() bool) error
}, condition func() bool,
) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Wait(ctx, condition); err != nil {
		t.Fatal(err)
	}
}

func TestDownstream(t *testing.T) {
	w := newWorld(t)
	other := w.AddProject("group/other")
	other.AddMember(w.users[gitlabtest.Developer], gitlabtest.Developer)
	child := &gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "inner"}}}
	w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{
		{Name: "child", Stage: "1", Downstream: &gitlabtest.Downstream{CI: child, Depend: true}},
		{Name: "multi", Stage: "1", Downstream: &gitlabtest.Downstream{Project: other}},
	}})
	pl := w.run()
	pl.Start()
	down := pl.Downstream()
	if len(down) != 2 || down[0].Source != "parent_pipeline" || down[1].Project != other || down[1].Source != "pipeline" {
		t.Fatalf("downstream %v", down)
	}
	if got := states(pl); got != "running: child=running multi=success" {
		t.Error(got)
	}
	down[0].Job("inner").Fail("")
	if got := states(pl); got != "failed: child=failed multi=success" {
		t.Error(got)
	}
	if n := len(get[[]named](w, "/projects/1/pipelines")); n != 1 {
		t.Errorf("%d pipelines listed, the child should not be", n)
	}
	if n := len(get[[]named](w, "/projects/1/pipelines?source=parent_pipeline")); n != 1 {
		t.Errorf("%d child pipelines listed", n)
	}
	type bridge struct {
		Name       string
		Downstream struct{ ID int } `json:"downstream_pipeline"`
	}
	bridges := get[[]bridge](w, fmt.Sprintf("/projects/1/pipelines/%d/bridges", pl.ID))
	if len(bridges) != 2 || bridges[1].Downstream.ID != down[0].ID {
		t.Errorf("bridges %+v", bridges)
	}
	if jobs := get[[]named](w, fmt.Sprintf("/projects/1/pipelines/%d/jobs", pl.ID)); len(jobs) != 0 {
		t.Errorf("jobs %v, bridges are none", jobs)
	}
}

func TestActsOnOneJob(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	pl.Job("compile").Run()
	pl.Job("compile").AppendLog("half way\n")
	pl.Job("compile").Cancel()
	if got := states(pl); got != "canceled: compile=canceled unit=skipped lint=skipped" {
		t.Error(got)
	}
	a := w.ask("GET", fmt.Sprintf("/projects/1/jobs/%d/trace", pl.Job("compile").ID), w.token[gitlabtest.Reporter], nil)
	if a.Body != "Running compile\nhalf way\n" {
		t.Errorf("trace %q", a.Body)
	}
	pl.Delete()
	if n := len(w.Pipelines(w.app)); n != 0 {
		t.Errorf("%d pipelines are left", n)
	}
}
