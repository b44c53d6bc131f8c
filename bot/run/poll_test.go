package run_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// follow writes down runs whose pipelines run already, and shows what there is.
func (w *world) follow(project gitlab.Project, ids ...string) {
	w.Helper()
	g := w.gitlab
	for _, id := range ids {
		g.mu.Lock()
		p := g.add(gitlab.Start{Project: project.ID, TriggerToken: "x", Variables: map[string]string{run.MarkerVariable: id}})
		p.Status = gitlab.StatusRunning
		g.mu.Unlock()
		r := run.NewRun(request(id), nil)
		r.State, r.Project, r.Pipeline, r.Progress, r.Shown.Version = run.Started, project, p.Pipeline, stages("build"), r.Version
		r.Pipeline.UpdatedAt = r.Pipeline.UpdatedAt.Truncate(time.Second)
		if _, err := w.engine.Store().Create(w.ctx, r); err != nil {
			w.Fatal(err)
		}
	}
}

var app = gitlab.Project{ID: 7, Path: "group/app"}

// byHand is a world in which nothing is done by itself: rounds are polled by hand.
func byHand(t *testing.T, ids ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.prepare()
	w.follow(app, ids...)
	return w
}

// round polls once, on the records as they are.
func (w *world) round() (again time.Duration) {
	w.Helper()
	if err := w.engine.Mirror(w.ctx); err != nil {
		w.Fatal(err)
	}
	return w.engine.Poll(w.ctx, app.ID)
}

func TestGitLabAwayWhilePolling(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"list", "observe", "one"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w := running(t)
			w.submit("V1")
			w.showsState("V1", run.Started)
			w.gitlab.refuses(op, gitlabError(gitlab.NotSent), gitlabError(gitlab.Unclear), errors.New("deadline exceeded"))
			w.gitlab.moves(1, gitlab.StatusFailed)
			last := w.showsState("V1", run.Ended)
			if last.Deleted || last.Pipeline.Status != gitlab.StatusFailed {
				t.Errorf("deleted %t, %s", last.Deleted, last.Pipeline.Status)
			}
		})
	}
}

func TestDeletedPipeline(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.deletes(1)
	if last := w.showsState("V1", run.Ended); !last.Deleted {
		t.Error("nobody is told that it was deleted")
	}
	w.rests()
	w.gitlab.mu.Lock()
	w.gitlab.pipelines[0].deleted = false
	w.gitlab.mu.Unlock()
	if err := w.engine.Act(w.ctx, app, 1, by("U2", run.Retry), 0); err != nil {
		t.Fatal(err)
	}
	if r := w.record("V1"); r.State != run.Ended {
		t.Errorf("a deleted pipeline is followed again: %s", r.State)
	}
}

// A 404 for the whole project says that the token lost its rights, and nothing about
// the pipelines.
func TestLostProjectIsNoDeletion(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	notFound := gitlabError(gitlab.NotFound)
	w.gitlab.refuses("list", notFound)
	w.gitlab.refuses("one", notFound)
	w.gitlab.deletes(1)
	w.round()
	if r := w.record("V1"); r.State != run.Started || r.Deleted {
		t.Errorf("%s, deleted %t", r.State, r.Deleted)
	}
}

func TestManualPipelineIsFollowedOn(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusManual)
	w.showsStatus("V1", gitlab.StatusManual)
	w.until("the polls know it", func() bool {
		r, _ := w.engine.Mirrored("V1")
		return r.Pipeline.Status == gitlab.StatusManual
	})
	// It is not read for its progress, but listed when it goes on.
	reads := w.gitlab.called("observe")
	lists := w.gitlab.called("list")
	w.until("five more lists", func() bool { return w.gitlab.called("list") >= lists+5 })
	if got := w.gitlab.called("observe"); got > reads+1 {
		t.Errorf("a waiting pipeline was read %d times", got-reads)
	}
	w.gitlab.moves(1, gitlab.StatusRunning)
	w.showsStatus("V1", gitlab.StatusRunning)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.showsState("V1", run.Ended)
}

// GitLab's clock was set back: the end of a pipeline is older than what its record knows,
// and all the same its end.
func TestEndThatIsOlderThanWhatIsKnown(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	known := time.Now().Add(-2 * run.LatestAnswer)
	if _, err := w.engine.Store().Update(w.ctx, "V1", func(r run.Run) run.Run { r.Pipeline.UpdatedAt = known; return r }); err != nil {
		t.Fatal(err)
	}
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.gitlab.mu.Lock()
	w.gitlab.pipelines[0].UpdatedAt = known.Add(-time.Hour)
	w.gitlab.mu.Unlock()
	w.round()
	if r := w.record("V1"); r.State != run.Ended || r.Pipeline.Status != gitlab.StatusSuccess {
		t.Errorf("%s, %s", r.State, r.Pipeline.Status)
	}
}

// A pipeline that cannot be read holds up no other one of its project.
func TestOneUnreadablePipeline(t *testing.T) {
	t.Parallel()
	ids := []string{"V1", "V2", "V3", "V4", "V5"}
	w := byHand(t, ids...)
	for i := range ids {
		w.gitlab.moves(int64(i+1), gitlab.StatusSuccess)
	}
	w.gitlab.refuses("one", gitlabError(gitlab.Unclear)) // the first to be read
	w.round()
	left := slices.DeleteFunc(ids, func(id string) bool { return w.record(id).State == run.Ended })
	if len(left) != 1 {
		t.Fatalf("%v have not ended, want one", left)
	}
	if got := w.gitlab.called("one"); got != len(ids) {
		t.Errorf("%d were read by themselves, want %d", got, len(ids))
	}
}

// Where a batch fails, what it lacks is not missing in GitLab.
func TestFailedBatchIsNotReadOneByOne(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1", "V2")
	w.gitlab.refuses("observe", gitlabError(gitlab.NotSent))
	w.round()
	if got := w.gitlab.called("one"); got != 0 {
		t.Errorf("%d were read by themselves", got)
	}
}

// What was listed and could not be read is read in the next round, though the list
// does not name it any more.
func TestChangeIsNotForgotten(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	w.gitlab.moves(1, gitlab.StatusManual)
	w.round()
	if r := w.record("V1"); r.Pipeline.Status != gitlab.StatusManual {
		t.Fatalf("it is %s", r.Pipeline.Status)
	}

	w.gitlab.moves(1, gitlab.StatusRunning)
	w.gitlab.mu.Lock()
	other := w.gitlab.add(gitlab.Start{Project: app.ID}) // beyond what the next list reaches back to
	other.UpdatedAt = other.UpdatedAt.Add(2 * run.ListOverlap)
	w.gitlab.mu.Unlock()
	w.gitlab.refuses("observe", &gitlab.Error{Kind: gitlab.Unclear})
	w.round()
	for w.gitlab.called("observe") < 3 {
		<-time.After(w.round()) // as its token comes again
	}
	if r := w.record("V1"); r.Pipeline.Status != gitlab.StatusRunning {
		t.Errorf("it is still %s", r.Pipeline.Status)
	}
}

// A list never reaches back further than quietAfter: what has not been read for so
// long is read by its id.
func TestListReachesBackLittle(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	before := time.Now()
	w.gitlab.mu.Lock()
	w.gitlab.pipelines[0].UpdatedAt = before.Add(-24 * time.Hour)
	w.gitlab.mu.Unlock()
	for w.gitlab.called("list") < 2 {
		w.round()
	}
	for i, since := range w.gitlab.since {
		if since.Before(before.Add(-run.QuietAfter)) {
			t.Errorf("list %d reaches back to %s, %s before the test", i+1, since, before.Sub(since))
		}
	}
}

// Requests to GitLab for a thousand running pipelines in ten projects: one list a
// project and round, and one batched read for the progress of all in every second
// round at most.
func TestThousandRuns(t *testing.T) {
	t.Parallel()
	const projects, each, rounds = 10, 100, 6
	w := newWorld(t)
	w.poll = 200 * time.Millisecond
	w.prepare()
	for p := range projects {
		ids := make([]string, each)
		for i := range ids {
			ids[i] = fmt.Sprintf("P%d-%d", p, i)
		}
		w.follow(gitlab.Project{ID: int64(100 + p), Path: fmt.Sprint("group/", p)}, ids...)
	}
	for round := range rounds {
		if err := w.engine.Mirror(w.ctx); err != nil {
			t.Fatal(err)
		}
		lists, reads := w.gitlab.called("list"), len(w.gitlab.batches())
		for p := range projects {
			w.engine.Poll(w.ctx, int64(100+p))
		}
		pipelines, graphQL := 0, 0
		batches := w.gitlab.batches()[reads:]
		for _, batch := range batches {
			pipelines += batch.size
			graphQL += (batch.size + 49) / 50 // gitlab.Client reads 50 with one request
		}
		lists = w.gitlab.called("list") - lists
		t.Logf("round %d: %d lists, %d batched reads of %d pipelines (%d GraphQL requests)", round+1, lists, len(batches), pipelines, graphQL)
		if lists != projects || len(batches) > projects {
			t.Errorf("round %d took %d lists and %d batched reads, want %d and as many at most", round+1, lists, len(batches), projects)
		}
		<-time.After(w.poll)
	}
	if got := w.gitlab.called("one"); got != 0 {
		t.Errorf("%d pipelines were read one by one", got)
	}
}
