package gitlabtest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

func TestNextCIIsForOnePipeline(t *testing.T) {
	w := newWorld(t)
	next := gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "special", Stage: "all"}}}
	names := func() []string {
		var names []string
		for _, j := range w.run().Jobs() {
			names = append(names, j.Name)
		}
		return names
	}
	usual := []string{"compile", "unit", "lint"}

	w.app.SetNextCI(next)
	if !w.app.HasNextCI() || len(w.app.CI().Jobs) != 3 {
		t.Error("it is not the next definition, or it is the project's own")
	}
	if _, refused := w.app.StartPipeline(w.users[gitlabtest.Developer], "none", "web"); refused == "" {
		t.Error("a pipeline on no ref was started")
	}
	if diff := cmp.Diff([]string{"special"}, names()); diff != "" {
		t.Errorf("jobs of the next pipeline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(usual, names()); diff != "" || w.app.HasNextCI() {
		t.Errorf("jobs of the one after it (-want +got):\n%s", diff)
	}

	first := w.app.SetNextCI(next)
	end := w.app.SetNextCI(next)
	if first(); !w.app.HasNextCI() {
		t.Error("the end of a replaced definition took away the one that replaced it")
	}
	end()
	if diff := cmp.Diff(usual, names()); diff != "" {
		t.Errorf("jobs after the next definition was taken back (-want +got):\n%s", diff)
	}
}

func TestWhatAPaneShowsOfAPipeline(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	s := gitlabtest.NewServer(gitlabtest.Config{Now: func() time.Time { return now }})
	defer s.Close()
	u, p := s.AddUser("alice"), s.AddProject("group/app")
	p.AddMember(u, gitlabtest.Developer)
	p.AddTag("v1", now)
	p.SetCI(gitlabtest.CI{Stages: []string{"build", "test"}, Jobs: []gitlabtest.JobSpec{
		{Name: "compile", Stage: "build"}, {Name: "unit", Stage: "test", AllowFailure: true}, {Name: "lint", Stage: "test"},
	}})
	pl, refused := p.StartPipeline(u, "main", "web")
	if refused != "" {
		t.Fatal(refused)
	}
	if _, known := pl.Duration(); known || !pl.CreatedAt().Equal(now) {
		t.Errorf("a new pipeline: created %v, its duration is known: %t", pl.CreatedAt(), known)
	}
	pl.Job("compile").Run()
	now = now.Add(time.Minute)
	pl.Job("compile").Succeed()
	pl.Job("unit").Fail("")
	if build, test := pl.StageStatus("build"), pl.StageStatus("test"); build != "success" || test != "pending" {
		t.Errorf("stages build %s, test %s; want success and pending", build, test)
	}
	now = now.Add(time.Hour) // in which no job runs
	pl.Job("lint").Run()
	now = now.Add(time.Second)
	pl.Job("lint").Succeed()
	if took, known := pl.Duration(); took != time.Minute+time.Second || !known || pl.StageStatus("deploy") != "" {
		t.Errorf("an ended pipeline: it took %v, which is known: %t", took, known)
	}
	unit := pl.Job("unit")
	if !unit.Spec().AllowFailure || pl.JobByID(unit.ID) != unit || pl.JobByID(0) != nil {
		t.Error("the job unit is not found by its id, or may not fail")
	}
	if s.Pipeline(pl.ID) != pl || s.Pipeline(0) != nil {
		t.Error("the pipeline is not found by its id")
	}
	if branches, tags := p.RefCounts(); branches != 1 || tags != 1 {
		t.Errorf("%d branches and %d tags, want one of each", branches, tags)
	}
}

func TestRetryOfOneJob(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	if pl.Job("compile").Retry() != nil {
		t.Error("a job was retried that has not ended")
	}
	pl.Job("compile").Fail("")
	old := pl.Job("compile")
	fresh := old.Retry()
	if fresh == nil || fresh != pl.Job("compile") || fresh == old || fresh.Status() != "pending" {
		t.Fatalf("the new job is %+v", fresh)
	}
	if old.Retry() != nil {
		t.Error("a job was retried twice")
	}
	if pl.JobByID(old.ID) != old {
		t.Error("the retried job is gone")
	}
	pl.Finish("success")
	if pl.Status() != "success" {
		t.Errorf("the pipeline is %s", pl.Status())
	}
}
