package run_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

func TestSilenceOf(t *testing.T) {
	for kind, want := range map[gitlab.Kind]gitlab.Kind{
		gitlab.NotSent: gitlab.Unclear, gitlab.Unclear: gitlab.Unclear, gitlab.RateLimited: gitlab.Unclear, gitlab.Invalid: gitlab.Unclear,
		gitlab.Unauthorized: gitlab.Unauthorized, gitlab.Forbidden: gitlab.NotFound, gitlab.NotFound: gitlab.NotFound,
	} {
		if got := run.SilenceOf(gitlabError(kind)); got != want {
			t.Errorf("%s means %s, want %s", kind, got, want)
		}
	}
}

func TestFellSilent(t *testing.T) {
	away, rejected := run.Silence{Since: noon}, run.Silence{Since: noon.Add(time.Minute), Why: gitlab.Unauthorized}
	said := func(s run.Silence) func(*run.Run) { return func(r *run.Run) { r.Silence = &s } }
	tests := map[string]struct {
		run  run.Run
		says run.Silence
		want *run.Silence
	}{
		"one that runs":                      {following(), away, &away},
		"one that knows it keeps since when": {following(said(run.Silence{Since: noon.Add(-time.Hour)})), away, &run.Silence{Since: noon.Add(-time.Hour)}},
		"and now the token is rejected":      {following(said(away)), rejected, &rejected},
		"one that has ended":                 {ended(), away, nil},
		"one that was not started":           {requested(), away, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := run.FellSilent(tt.run, tt.says).Silence
			if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Whatever is seen of the pipeline ends the silence, and so does its end.
func TestWhatIsSeenEndsTheSilence(t *testing.T) {
	silent := following(func(r *run.Run) { r.Silence = &run.Silence{Since: noon} })
	o := observation(gitlab.StatusRunning, noon.Add(time.Second))
	for name, r := range map[string]run.Run{
		"observed": run.Observed(silent, o, false, noon), "acted on": run.Acted(silent, o, run.Act{}), "gone": run.Gone(silent),
	} {
		if r.Silence != nil {
			t.Errorf("%s: still %v", name, r.Silence)
		}
	}
}

// While GitLab is away a project is asked again after three intervals at the latest, so
// that everything is right again within them.
func TestPollBackoffBounds(t *testing.T) {
	w := newWorld(t)
	for _, interval := range []time.Duration{100 * time.Millisecond, 5 * time.Second, 24 * time.Hour} {
		w.poll = interval
		w.prepare()
		step := min(interval, 10*time.Minute)
		for failures, most := range map[int]time.Duration{1: step, 2: 2 * step, 3: run.SlowestPolls * step, 1000: run.SlowestPolls * step} {
			for range 100 {
				if got := w.engine.PollBackoff(failures); got < most/2 || got > most {
					t.Fatalf("every %s, after %d failures: %s, want %s to %s", interval, failures, got, most/2, most)
				}
			}
		}
	}
}

// isAway has every request to GitLab fail like this, nil: none does.
func (g *fakeGitLab) isAway(err error) {
	g.on(func(context.Context, string) error { return err }, nil)
}

// polls polls by hand, as the tokens would, until something is the case.
func (w *world) polls(what string, is func() bool) {
	w.Helper()
	for !is() {
		select {
		case <-time.After(w.round()):
		case <-w.ctx.Done():
			w.Fatalf("polled in vain: %s", what)
		}
	}
}

// One failure is not worth a word.
func TestHiccupIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.poll = 500 * time.Millisecond // it is told after six of them
	w.prepare()
	w.follow(app, "V1")
	version := w.record("V1").Version
	w.gitlab.refuses("list", gitlabError(gitlab.Unclear))
	w.polls("three lists", func() bool { return w.gitlab.called("list") == 3 })
	if r := w.record("V1"); r.Silence != nil || r.Version != version {
		t.Errorf("silent since %v, version %d", r.Silence, r.Version)
	}
}

// GitLab is away, and all runs say so, each once; when it is back they take it back.
func TestOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	const runs = 50
	w := newWorld(t)
	w.prepare()
	ids := make([]string, runs)
	for i := range ids {
		ids[i] = fmt.Sprint("V", i)
	}
	w.follow(app, ids...)
	written := func() uint64 {
		n, err := w.engine.Store().Written(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.round()
	before, version := written(), w.record("V0").Version
	w.gitlab.isAway(gitlabError(gitlab.NotSent))
	began := time.Now()
	w.polls("all say it", func() bool { return w.record(ids[runs-1]).Silence != nil })
	lists := w.gitlab.called("list")
	w.polls("five more polls", func() bool { return w.gitlab.called("list") >= lists+5 })
	if got := written() - before; got != runs {
		t.Errorf("the outage of %s took %d writes for %d runs", time.Since(began), got, runs)
	}
	r := w.record("V0")
	if since := r.Silence.Since; since.Before(began.Truncate(time.Second)) || since.After(time.Now()) || r.Silence.Why != gitlab.Unclear || r.Version != version+1 {
		t.Errorf("silent since %s, %s, version %d", since, r.Silence.Why, r.Version)
	}
	w.gitlab.isAway(nil)
	back := time.Now()
	w.polls("all take it back", func() bool { return w.record(ids[runs-1]).Silence == nil })
	for _, id := range ids {
		if r := w.record(id); r.Silence != nil || r.Version != version+2 {
			t.Fatalf("%s: silent since %v, version %d", id, r.Silence, r.Version)
		}
	}
	if got := written() - before; got != 2*runs {
		t.Errorf("there and back took %d writes for %d runs", got, runs)
	}
	t.Logf("%d runs took it back within %s of GitLab's return", runs, time.Since(back))
}

// What has happened meanwhile and that GitLab is back is one change.
func TestReturnIsOneChange(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	w.gitlab.isAway(gitlabError(gitlab.Unclear))
	w.polls("it says so", func() bool { return w.record("V1").Silence != nil })
	version := w.record("V1").Version
	w.gitlab.isAway(nil)
	w.gitlab.moves(1, gitlab.StatusFailed)
	w.polls("its end", func() bool { return w.record("V1").State == run.Ended })
	if r := w.record("V1"); r.Silence != nil || r.Version != version+1 {
		t.Errorf("silent since %v, %d changes", r.Silence, r.Version-version)
	}
}

// People would wait in vain for what the access token may not see.
func TestRejectedTokenIsTold(t *testing.T) {
	t.Parallel()
	for _, kind := range []gitlab.Kind{gitlab.Unauthorized, gitlab.NotFound} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			w := byHand(t, "V1")
			w.gitlab.isAway(gitlabError(gitlab.Unclear))
			w.polls("it is away", func() bool { return w.record("V1").Silence != nil })
			w.gitlab.isAway(gitlabError(kind))
			w.polls("why", func() bool { return w.record("V1").Silence.Why == kind })
			if r := w.record("V1"); r.State != run.Started || r.Deleted {
				t.Errorf("%s, deleted %t", r.State, r.Deleted)
			}
		})
	}
}

// Of two bots one does not reach GitLab. The cards do not go to and fro.
func TestOneOfTwoBotsIsCutOff(t *testing.T) {
	t.Parallel()
	w := byHand(t, "V1")
	cut := newGitLab(w.signal)
	cut.isAway(gitlabError(gitlab.NotSent))
	lonely := w.newEngine(cut)
	round := func() {
		t.Helper()
		if err := lonely.Mirror(w.ctx); err != nil {
			t.Fatal(err)
		}
		<-time.After(lonely.Poll(w.ctx, app.ID))
	}
	for w.record("V1").Silence == nil {
		round()
	}
	w.polls("the other one hears GitLab", func() bool { return w.record("V1").Silence == nil })
	for lists := cut.called("list"); cut.called("list") < lists+2*run.SilentPolls; {
		round()
	}
	if r := w.record("V1"); r.Silence != nil {
		t.Errorf("silent since %s", r.Silence.Since)
	}
}

// A project that GitLab takes no requests for is left alone as long as it says; others go
// on.
func TestRateLimitIsObeyedByProject(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"list", "observe", "one"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.prepare()
			other := gitlab.Project{ID: 8, Path: "group/api"}
			w.follow(app, "V1", "V2")
			w.follow(other, "W1")
			w.gitlab.moves(1, gitlab.StatusFailed)
			limited := &gitlab.Error{Op: "reading", Kind: gitlab.RateLimited, Status: 429, RetryAfter: time.Hour}
			w.gitlab.refuses(op, limited)
			w.round()
			lists := w.gitlab.listed(app.ID)
			w.gitlab.moves(2, gitlab.StatusFailed)
			w.gitlab.moves(3, gitlab.StatusFailed)
			for w.record("W1").State != run.Ended {
				w.round()
				<-time.After(w.engine.Poll(w.ctx, other.ID))
			}
			if r := w.record("V2"); r.State != run.Started {
				t.Errorf("the limited project was read: %s", r.State)
			}
			if got := w.gitlab.listed(app.ID); got != lists {
				t.Errorf("it was listed %d times more", got-lists)
			}
		})
	}
}

// A pipeline that GitLab cannot tell of, or not in time, holds up no other one of its
// project: not their progress, not their ends, not the list.
func TestFailingReadsHoldUpNothing(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error { <-ctx.Done(); return gitlabError(gitlab.Unclear) }
	w := byHand(t, "V1", "V2", "V3")
	for id := range int64(3) {
		w.gitlab.moves(id+1, gitlab.StatusSuccess)
	}
	var first atomic.Bool
	hanging := make(chan struct{})
	w.gitlab.on(func(ctx context.Context, op string) error {
		switch {
		case op == "observe":
			return gitlabError(gitlab.Unclear) // batches fail as a whole
		case op == "one" && first.CompareAndSwap(false, true):
			close(hanging)
			return hang(ctx)
		}
		return nil
	}, nil)
	polled := make(chan time.Duration, 1)
	go func() { polled <- w.round() }()
	receive(t, "the one that hangs", hanging)
	w.until("the two others have ended", func() bool {
		n := 0
		for _, id := range []string{"V1", "V2", "V3"} {
			if w.record(id).State == run.Ended {
				n++
			}
		}
		return n == 2
	})
	if again := receive(t, "the end of the round", polled); again > w.poll {
		t.Errorf("the next round is in %s", again)
	}
}
