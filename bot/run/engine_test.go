package run_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

func TestHappyPath(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.submit("V1")
	w.showsStatus("V1", gitlab.StatusCreated)
	w.gitlab.moves(1, gitlab.StatusRunning)
	w.showsStatus("V1", gitlab.StatusRunning)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	last := w.showsState("V1", run.Ended)
	w.rests()

	if last.Pipeline.Status != gitlab.StatusSuccess || last.Pipeline.Source != "trigger" || len(last.Progress.Stages) != 2 {
		t.Errorf("the end is not complete: %+v", last)
	}
	want := map[string]string{"BUILD_TYPE": "debug", "PASSWORD": secretValue, "PIPEBOT_RUN_ID": "V1", "PIPEBOT_USER": "U1"}
	if diff := cmp.Diff(want, w.gitlab.pipelines[0].variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if got := w.display.notices("V1"); !slices.Equal(got, []string{"ended:0"}) {
		t.Errorf("notices %q", got)
	}
	if w.gitlab.number() != 1 || w.gitlab.called("find") != 0 {
		t.Errorf("%d pipelines, %d looks", w.gitlab.number(), w.gitlab.called("find"))
	}
	if got := w.engine.History().RecentRefs("", "U1", "group/app"); len(got) != 1 || got[0].Name != "main" {
		t.Errorf("recent refs %v", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, kind := range []gitlab.Kind{gitlab.Unauthorized, gitlab.Forbidden, gitlab.NotFound, gitlab.Invalid} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			w := running(t)
			w.gitlab.refuses("start", gitlabError(kind))
			w.submit("V1")
			last := w.showsState("V1", run.Refused)
			w.rests()
			want := &run.Refusal{Kind: kind, Message: "said " + kind.String(), Source: "trigger"}
			if diff := cmp.Diff(want, last.Refusal); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			if w.gitlab.called("start") != 1 || w.gitlab.called("list") != 0 {
				t.Errorf("%d POSTs and %d polls", w.gitlab.called("start"), w.gitlab.called("list"))
			}
		})
	}
}

func TestProjectNotFound(t *testing.T) {
	t.Parallel()
	w := running(t)
	r := request("V1")
	r.Project = "group/gone"
	if _, _, err := w.engine.Submit(w.ctx, r, nil); err != nil {
		t.Fatal(err)
	}
	if last := w.showsState("V1", run.Refused); last.Refusal.Kind != gitlab.NotFound {
		t.Errorf("refusal %+v", last.Refusal)
	}
	if got := w.gitlab.called("start"); got != 0 {
		t.Errorf("%d POSTs", got)
	}
}

// What never left is tried again, and the person is told once that it waits.
func TestNotSentRecovers(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"resolve", "start"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w := running(t)
			w.gitlab.refuses(op, gitlabError(gitlab.NotSent), gitlabError(gitlab.RateLimited))
			waits := func(r run.Run) bool { return r.State == run.Requested && r.Waiting != nil }
			w.gitlab.on(func(_ context.Context, asked string) error {
				tried := w.gitlab.called(op)
				if asked == op {
					tried-- // this one is not answered yet
				}
				// Each try begins with reading the project: none before the person was told.
				if asked == "resolve" && tried > 0 && !w.eventually(func() bool { return w.display.ever("V1", waits) }) {
					w.Error("nobody was told that it waits")
				}
				return nil
			}, nil)
			w.submit("V1")
			if last := w.showsState("V1", run.Started); last.Waiting != nil {
				t.Errorf("it still waits: %+v", last.Waiting)
			}
			if got := w.display.notices("V1"); !slices.Equal(got, []string{"waits"}) {
				t.Errorf("notices %q", got)
			}
			if w.gitlab.number() != 1 || w.gitlab.called(op) != 3 {
				t.Errorf("%d pipelines after %d tries", w.gitlab.number(), w.gitlab.called(op))
			}
		})
	}
}

// looksLate fails the test where a look or a second POST comes before GitLab can
// have finished what it did not answer, or before people are told of the doubt.
func (w *world) looksLate() {
	isUnclear := func(r run.Run) bool { return r.State == run.Starting && r.Unclear }
	w.gitlab.on(func(ctx context.Context, op string) error {
		switch {
		case op == "start" && w.gitlab.called("start") > w.gitlab.called("find")+1:
			w.Error("posted again without having looked")
		case op == "find":
			r, err := w.engine.Find(ctx, "V1")
			if err != nil {
				w.Error(err)
			}
			if due := r.Deadline.Add(startSettle); time.Now().Before(due) {
				w.Errorf("looked %s too early", time.Until(due))
			}
			if !w.eventually(func() bool { return w.display.ever("V1", isUnclear) }) {
				w.Error("nobody was told that it is unclear")
			}
		}
		return nil
	}, nil)
}

func TestUnclear(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange   func(*fakeGitLab)
		state     run.State
		starts    int
		finds     int
		pipelines int
	}{
		"it was started": {
			func(g *fakeGitLab) { g.loses("start", gitlabError(gitlab.Unclear)) }, run.Started, 1, 1, 1,
		},
		"it was not": {
			func(g *fakeGitLab) { g.refuses("start", gitlabError(gitlab.Unclear)) }, run.Started, 2, 1, 1,
		},
		"it was not, twice": {
			func(g *fakeGitLab) { g.refuses("start", gitlabError(gitlab.Unclear), gitlabError(gitlab.Unclear)) }, run.Started, 3, 2, 1,
		},
		"it was not, and then refused": {
			func(g *fakeGitLab) { g.refuses("start", gitlabError(gitlab.Unclear), gitlabError(gitlab.Invalid)) }, run.Refused, 2, 1, 0,
		},
		"nobody may look": {
			func(g *fakeGitLab) {
				g.loses("start", gitlabError(gitlab.Unclear))
				g.refuses("find", gitlabError(gitlab.Forbidden))
			}, run.Unknown, 1, 1, 1,
		},
		"GitLab is away when it is looked for": {
			func(g *fakeGitLab) {
				g.loses("start", gitlabError(gitlab.Unclear))
				g.refuses("find", gitlabError(gitlab.NotSent), gitlabError(gitlab.Unclear))
			}, run.Started, 1, 3, 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.arrange(w.gitlab)
			w.looksLate()
			w.start()
			w.submit("V1")
			w.showsState("V1", tt.state)
			g := w.gitlab
			if g.called("start") != tt.starts || g.called("find") != tt.finds || g.number() != tt.pipelines {
				t.Errorf("%d POSTs, %d looks, %d pipelines; want %d, %d, %d",
					g.called("start"), g.called("find"), g.number(), tt.starts, tt.finds, tt.pipelines)
			}
		})
	}
}

// A request with files is no trigger, whether the project has a token for those or not.
// Any other is what it was when it was asked for, or is not started.
func TestTriggerOrNot(t *testing.T) {
	t.Parallel()
	files := map[string]string{"CONFIG": "a: 1"}
	tests := map[string]struct {
		files            map[string]string
		trigger, noToken bool
		source           string // "": it is not started
	}{
		"a trigger":                       {nil, true, false, "trigger"},
		"a trigger whose token is gone":   {nil, true, true, ""},
		"none, for want of a token":       {nil, false, true, "api"},
		"none, and a token came":          {nil, false, false, ""},
		"with files":                      {files, false, false, "api"},
		"with files and without a token":  {files, false, true, "api"},
		"with files, taken for a trigger": {files, true, false, "api"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gitlab.noToken = tt.noToken
			w.start()
			asked := request("V1")
			asked.Files, asked.Trigger = tt.files, tt.trigger
			if _, _, err := w.engine.Submit(w.ctx, asked, nil); err != nil {
				t.Fatal(err)
			}
			if tt.source == "" {
				if r := w.showsState("V1", run.Refused); !r.Refusal.Moved {
					t.Errorf("refusal %+v", r.Refusal)
				}
				return
			}
			if r := w.showsState("V1", run.Started); r.Pipeline.Source != tt.source || r.Request.Trigger != (tt.source == "trigger") {
				t.Errorf("source %s, trigger %t", r.Pipeline.Source, r.Request.Trigger)
			}
			w.gitlab.mu.Lock()
			defer w.gitlab.mu.Unlock()
			if diff := cmp.Diff(tt.files, w.gitlab.pipelines[0].files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// It is found again as what it was started as.
func TestLostStartWithFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gitlab.loses("start", gitlabError(gitlab.Unclear))
	w.start()
	asked := request("V1")
	asked.Files = map[string]string{"CONFIG": "a: 1"}
	if _, _, err := w.engine.Submit(w.ctx, asked, nil); err != nil {
		t.Fatal(err)
	}
	w.showsState("V1", run.Started)
	if w.gitlab.number() != 1 || w.gitlab.called("find") != 1 {
		t.Errorf("%d pipelines, %d looks", w.gitlab.number(), w.gitlab.called("find"))
	}
}

// GitLab finishes what the client has given up on, but before it has settled.
func TestPOSTThatTakesEffectLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gitlab.refuses("start", gitlabError(gitlab.Unclear))
	w.gitlab.on(func(_ context.Context, op string) error {
		if op == "find" {
			w.gitlab.took(gitlab.Start{
				Project: 7, Ref: request("V1").Ref, TriggerToken: "glptt-t0ken",
				Variables: map[string]string{run.MarkerVariable: "V1"},
			})
		}
		return nil
	}, nil)
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Started)
	if w.gitlab.number() != 1 || w.gitlab.called("start") != 1 {
		t.Errorf("%d pipelines, %d POSTs", w.gitlab.number(), w.gitlab.called("start"))
	}
}

func TestSubmitTwice(t *testing.T) {
	t.Parallel()
	w := running(t)
	const times = 20
	var created atomic.Int32
	var submitting sync.WaitGroup
	for range times {
		submitting.Go(func() {
			r, first, err := w.engine.Submit(w.ctx, request("V1"), nil)
			if err != nil || r.Request.ID != "V1" {
				t.Errorf("run %+v, %v", r, err)
			}
			if first {
				created.Add(1)
			}
		})
	}
	submitting.Wait()
	w.showsState("V1", run.Started)
	other := request("V1")
	other.BuildType = "release"
	r, first, err := w.engine.Submit(w.ctx, other, nil)
	if err != nil || first || r.Request.BuildType != "debug" {
		t.Errorf("submitted with changes: created %t, %s, %v", first, r.Request.BuildType, err)
	}
	if created.Load() != 1 || w.gitlab.number() != 1 {
		t.Errorf("created %d times, %d pipelines", created.Load(), w.gitlab.number())
	}
}

func TestUnknownRun(t *testing.T) {
	t.Parallel()
	w := running(t)
	if _, err := w.engine.Find(w.ctx, "V1"); !errors.Is(err, run.ErrNotFound) {
		t.Errorf("finding it: %v", err)
	}
}

// A record that cannot be read is left alone, and holds up no other.
func TestPoisonRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	for id, data := range map[string]string{"newer": `{"format":2,"state":"started"}`, "text": "hello"} {
		if err := w.engine.Store().PutRaw(w.ctx, id, data); err != nil {
			t.Fatal(err)
		}
		w.engine.Tokens().Publish(w.ctx, run.KindRun, id)
		w.engine.Tokens().Publish(w.ctx, run.KindCard, id)
	}
	w.engine.Tokens().Publish(w.ctx, run.KindPoll, "not-a-number")
	w.stop = w.work(w.engine) // which was there before
	w.submit("V1")
	w.showsState("V1", run.Started)
	if _, _, err := w.engine.Submit(w.ctx, request("newer"), nil); err == nil || errors.Is(err, run.ErrNotFound) {
		t.Errorf("submitting over it: %v", err)
	}
	// One that was readable and is no more, as when a newer pipebot took over.
	if err := w.engine.Store().PutRaw(w.ctx, "V1", `{"format":2,"state":"started"}`); err != nil {
		t.Fatal(err)
	}
	w.submit("V2")
	w.showsState("V2", run.Started)
	for _, id := range []string{"newer", "V1"} {
		if _, ok := w.engine.Mirrored(id); ok {
			t.Errorf("%s is followed", id)
		}
	}
}

// Tokens carry nothing: whatever becomes of them, the sweep makes new ones.
func TestLostTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gitlab.endsAfter = 3
	w.gitlab.on(nil, func(ctx context.Context, _ string) error {
		if err := w.engine.Tokens().Lose(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
		return nil
	})
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Ended)
	if got := w.gitlab.of("V1"); len(got) != 1 {
		t.Errorf("%d pipelines", len(got))
	}
}

func TestShowIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.display.refuses("show", nil, errors.New("Slack is away"))
	w.display.again = 5 * time.Millisecond
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.showsState("V1", run.Ended)
	w.rests()
}

// News are shown soon, though the display wanted to be called again much later.
func TestNewsWaitForNoProgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.display.again = time.Hour
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.showsState("V1", run.Ended)
	w.rests()
}

// After a 429 with a Retry-After no run of the project asks GitLab before, not for a start
// and not for a look; those of other projects go on.
func TestRateLimitHoldsOneProject(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limited  string // what GitLab refuses
		unclear  bool   // the first start is given no answer, so it is looked for
		starts   int
		findings int
	}{
		"reading the project": {limited: "resolve", starts: 0},
		"a start":             {limited: "start", starts: 1},
		"a look":              {limited: "find", unclear: true, starts: 1, findings: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gitlab.projects["group/api"] = gitlab.Project{ID: 8, Path: "group/api"}
			if tt.unclear {
				w.gitlab.refuses("start", gitlabError(gitlab.Unclear))
			}
			w.gitlab.refuses(tt.limited, &gitlab.Error{Op: "asking", Kind: gitlab.RateLimited, Status: 429, RetryAfter: time.Hour})
			w.start()
			w.submit("V1")
			w.shows("V1", "that it waits", func(r run.Run) bool { return r.Waiting != nil })
			w.submit("V2")
			w.shows("V2", "that it waits", func(r run.Run) bool { return r.Waiting != nil && r.Waiting.Kind == gitlab.RateLimited })
			if left := time.Until(w.record("V2").NotBefore); left < 50*time.Minute || left > time.Hour {
				t.Errorf("it waits for %s, want what is left of an hour", left)
			}
			if starts, looks := w.gitlab.called("start"), w.gitlab.called("find"); starts != tt.starts || looks != tt.findings {
				t.Errorf("%d starts and %d looks, want %d and %d", starts, looks, tt.starts, tt.findings)
			}
			other := request("V3")
			other.Project = "group/api"
			if _, _, err := w.engine.Submit(w.ctx, other, nil); err != nil {
				t.Fatal(err)
			}
			w.showsState("V3", run.Started)
		})
	}
}

// Two show a run at once, because the first one hung and lost its token. What was
// told is not forgotten, and the run is drawn anew since nobody knows what stands.
func TestShownTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var once sync.Once
	var drawn string
	w.display.during = func(ctx context.Context, r run.Run) (err error) {
		if r.State == run.Ended {
			once.Do(func() {
				drawn = cardHash(r)
				_, err = w.engine.Store().Update(ctx, "V1", func(r run.Run) run.Run {
					r.Shown.Hash, r.Shown.Told = drawn, append(r.Shown.Told, "by the other")
					r.Shown.Standing = []run.Standing{{Name: "waits:0", TS: "1.2", Hash: "drawn"}}
					return r
				})
			})
		}
		return err
	}
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.showsState("V1", run.Ended)
	w.rests()
	shown := w.record("V1").Shown
	if !slices.Equal(shown.Told, []string{"by the other", "ended:0"}) {
		t.Errorf("told %q", shown.Told)
	}
	if want := []run.Standing{{Name: "waits:0", TS: "1.2"}}; !slices.Equal(shown.Standing, want) {
		t.Errorf("replies %+v, want %+v: to be drawn anew", shown.Standing, want)
	}
	if got := w.display.notices("V1"); !slices.Equal(got, []string{"ended:0"}) {
		t.Errorf("notices %q", got)
	}
	if got := w.display.edits(drawn); got != 2 {
		t.Errorf("the end was drawn %d times, want 2", got)
	}
}

// Whoever posts waits no longer than the record says.
func TestPOSTHasADeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var first sync.Once
	w.gitlab.on(func(ctx context.Context, op string) (err error) {
		if op != "start" {
			return nil
		}
		first.Do(func() {
			r, findErr := w.engine.Find(context.WithoutCancel(ctx), "V1")
			if until, ok := ctx.Deadline(); !ok || until.After(r.Deadline) || findErr != nil {
				t.Errorf("the POST waits until %s, and the record says %s; %v", until, r.Deadline, findErr)
			}
			<-ctx.Done()
			err = gitlabError(gitlab.Unclear)
		})
		return err
	}, nil)
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Started)
}

// Who asks is told that a store gives no answer, without a deadline of their own.
func TestSubmitWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.engine.Store().FallsSilent()
	if _, _, err := w.engine.Submit(w.ctx, request("V1"), nil); err == nil || w.ctx.Err() != nil {
		t.Errorf("it says %v, and the caller %v", err, w.ctx.Err())
	}
}
