package run_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

func TestNewFollow(t *testing.T) {
	for status, want := range map[gitlab.Status]run.State{
		gitlab.StatusRunning: run.Started, gitlab.StatusManual: run.Started, gitlab.StatusCreated: run.Started,
		gitlab.StatusSuccess: run.Ended, gitlab.StatusSkipped: run.Ended,
	} {
		r := run.NewFollow(run.Request{ID: "F1"}, app, observation(status, noon))
		if r.State != want || r.EndedBefore != (want == run.Ended) || !r.Request.Follow || r.Project != app || r.Pipeline.ID != 42 || len(r.Progress.Stages) != 1 {
			t.Errorf("%s: %+v", status, r)
		}
		if r.TellsEnd() {
			t.Errorf("%s: its end is told", status)
		}
	}
}

// Nothing that only follows is ever started, held or let go, whatever its record says.
func TestFollowIsNeverStarted(t *testing.T) {
	for _, state := range []run.State{run.Held, run.Requested, run.Starting, run.Started, run.Ended, run.Refused, run.Unknown} {
		r := held(approval())
		r.Request.Follow, r.State, r.Strayed = true, state, true
		for _, now := range []time.Time{noon, noon.Add(48 * time.Hour)} {
			if got, _ := run.NextStep(r, now, settle); got != run.StepNone {
				t.Errorf("%s: step %d", state, got)
			}
		}
		for name, changed := range map[string]run.Run{
			"let go": r.Release(noon), "held": r.Holding(*approval()), "denied": r.Denied(run.Refusal{}),
			"asked about anew": run.AsksAnew(r, *approval(), movedSHA, noon),
		} {
			if diff := cmp.Diff(r, changed); diff != "" {
				t.Errorf("%s, %s (-before +after):\n%s", state, name, diff)
			}
		}
	}
}

func TestFollowedBy(t *testing.T) {
	r := requested(func(r *run.Run) { r.Request.Team, r.Request.Asker = "T1", "U1" })
	for range 2 {
		r = run.FollowedBy(r, run.Person{Team: "T1", User: "U1"})
		r = run.FollowedBy(r, run.Person{Team: "T1", User: "U2"})
		r = run.FollowedBy(r, run.Person{Team: "T2", User: "U1"})
	}
	if diff := cmp.Diff([]run.Person{{Team: "T1", User: "U2"}, {Team: "T2", User: "U1"}}, r.Followers); diff != "" {
		t.Errorf("followers (-want +got):\n%s", diff)
	}
	for i := range run.MostFollowers {
		r = run.FollowedBy(r, run.Person{User: fmt.Sprint("V", i)})
	}
	if len(r.Followers) != run.MostFollowers {
		t.Errorf("%d followers", len(r.Followers))
	}
}

// watches has a pipeline followed that is there already.
func (w *world) watches(id string, pipeline int64) {
	w.Helper()
	o, err := w.gitlab.ObserveOne(w.ctx, app.ID, pipeline)
	if err != nil {
		w.Fatal(err)
	}
	asked := request(id)
	asked.BuildType = ""
	if _, created, err := w.engine.Follow(w.ctx, asked, app, o); err != nil || !created {
		w.Fatalf("following %d as %s: created %t, %v", pipeline, id, created, err)
	}
}

// A pipeline of somebody else is shown to its end, which is told, and never started.
func TestFollow(t *testing.T) {
	t.Parallel()
	w := running(t)
	id := w.gitlab.someones(gitlab.StatusRunning)
	w.watches("F1", id)
	w.showsStatus("F1", gitlab.StatusRunning)
	w.gitlab.moves(id, gitlab.StatusManual)
	w.showsStatus("F1", gitlab.StatusManual)
	w.gitlab.moves(id, gitlab.StatusFailed)
	w.showsState("F1", run.Ended)
	w.rests()
	if got := w.display.notices("F1"); !slices.Equal(got, []string{"ended:0"}) {
		t.Errorf("notices %q", got)
	}
	if w.gitlab.called("start") != 0 || w.gitlab.number() != 1 {
		t.Errorf("%d POSTs, %d pipelines", w.gitlab.called("start"), w.gitlab.number())
	}
}

// Following twice is following once.
func TestFollowTwice(t *testing.T) {
	t.Parallel()
	w := running(t)
	first, second := w.gitlab.someones(gitlab.StatusRunning), w.gitlab.someones(gitlab.StatusRunning)
	w.watches("F1", first)
	o, err := w.gitlab.ObserveOne(w.ctx, app.ID, second)
	if err != nil {
		t.Fatal(err)
	}
	r, created, err := w.engine.Follow(w.ctx, request("F1"), app, o)
	if err != nil || created || r.Pipeline.ID != first {
		t.Errorf("created %t, pipeline %d, %v", created, r.Pipeline.ID, err)
	}
	if _, _, err := w.engine.Follow(w.ctx, request("F2"), app, gitlab.Observation{}); err == nil {
		t.Error("nothing can be followed")
	}
	if _, _, err := w.engine.Submit(w.ctx, r.Request, nil); err == nil {
		t.Error("what only follows can be submitted")
	}
}

// Nobody is told of an end that is old; the one after a retry is news.
func TestFollowWhatHasEnded(t *testing.T) {
	t.Parallel()
	w := running(t)
	id := w.gitlab.someones(gitlab.StatusFailed)
	w.watches("F1", id)
	w.showsState("F1", run.Ended)
	w.rests()
	if got := w.display.notices("F1"); len(got) > 0 {
		t.Errorf("notices of the old end: %q", got)
	}
	w.acts(run.Retry, id, 0)
	w.showsStatus("F1", gitlab.StatusRunning)
	w.gitlab.moves(id, gitlab.StatusSuccess)
	w.shows("F1", "its second end", func(r run.Run) bool { return r.State == run.Ended && r.Lives == 1 })
	w.rests()
	if got := w.display.notices("F1"); !slices.Equal(got, []string{"ended:1"}) {
		t.Errorf("notices %q", got)
	}
}

// An end that several records show is read by itself once.
func TestEndIsReadOnce(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	for _, id := range []string{"F1", "F2"} {
		w.watches(id, 1)
	}
	before := w.gitlab.called("one")
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.round()
	for _, id := range everywhere {
		if r := w.record(id); r.State != run.Ended || len(r.Progress.Stages) != 2 {
			t.Errorf("%s: %s, %+v", id, r.State, r.Progress)
		}
	}
	if got := w.gitlab.called("one") - before; got != 1 {
		t.Errorf("it was read %d times by itself", got)
	}
}

// What was being followed when the engine stopped, or died, is followed by the next one.
func TestFollowSurvives(t *testing.T) {
	t.Parallel()
	const requests = 5
	for _, dies := range []bool{false, true} {
		for i := range 2 * requests {
			n, before := 1+i/2, i%2 == 0
			t.Run(fmt.Sprintf("dies %t/request %d, before %t", dies, n, before), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.gitlab.endsAfter = 2
				id := w.gitlab.someones(gitlab.StatusRunning)
				o, err := w.gitlab.ObserveOne(w.ctx, app.ID, id)
				if err != nil {
					t.Fatal(err)
				}
				w.restartsAt(n, before, dies, func() {
					if _, _, err := w.engine.Follow(w.ctx, request("V1"), app, o); err != nil {
						t.Error(err)
					}
				})
				if w.gitlab.called("start") != 0 || w.gitlab.number() != 1 {
					t.Errorf("%d POSTs, %d pipelines", w.gitlab.called("start"), w.gitlab.number())
				}
			})
		}
	}
}

func TestAddFollower(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.submit("V1")
	w.showsState("V1", run.Started)
	for i := range run.MostFollowers {
		if r, err := w.engine.AddFollower(w.ctx, "V1", "T1", fmt.Sprint("F", i)); err != nil || len(r.Followers) != i+1 {
			t.Fatalf("%d followers, %v", len(r.Followers), err)
		}
	}
	if _, err := w.engine.AddFollower(w.ctx, "V1", "T1", "F0"); err != nil {
		t.Errorf("who follows already: %v", err)
	}
	if _, err := w.engine.AddFollower(w.ctx, "V1", "T1", "late"); !errors.Is(err, run.ErrManyFollowers) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := w.engine.AddFollower(w.ctx, "V2", "T1", "U2"); !errors.Is(err, run.ErrNotFound) {
		t.Errorf("following no run: %v", err)
	}
}

func TestRunning(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.gitlab.refuses("resolve", &gitlab.Error{Kind: gitlab.NotSent, RetryAfter: time.Hour}) // the first waits for GitLab
	w.submit("V1")
	w.shows("V1", "that it waits", func(r run.Run) bool { return r.Waiting != nil })
	w.submit("V2")
	w.showsState("V2", run.Started)
	w.watches("F1", w.gitlab.someones(gitlab.StatusRunning))
	for id, change := range map[string]func(*run.Request){
		"other-type":    func(r *run.Request) { r.BuildType = "release" },
		"other-ref":     func(r *run.Request) { r.Ref.Kind = gitlab.Tag },
		"other-project": func(r *run.Request) { r.Project = "7" },
	} {
		asked := request(id)
		change(&asked)
		if _, _, err := w.engine.Submit(w.ctx, asked, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.holds("held", run.ForLink, time.Hour)
	ids := func() (ids []string) {
		for _, r := range w.engine.Running("group/app", request("").Ref, "debug") {
			ids = append(ids, r.Request.ID)
		}
		return ids
	}
	w.until("both are known, the newest first", func() bool { return slices.Equal(ids(), []string{"V2", "V1"}) })
	w.gitlab.moves(w.gitlab.of("V2")[0], gitlab.StatusSuccess)
	w.showsState("V2", run.Ended)
	w.until("one has ended", func() bool { return slices.Equal(ids(), []string{"V1"}) })
}
