package run_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// doing is a run with an act of U2 that somebody works on for ten seconds from noon.
func doing(verb run.Verb, r run.Run) run.Run {
	return run.Intends(r, run.Intent{Act: by("U2", verb), JobID: 5, Until: noon.Add(10 * time.Second)})
}

func TestNextStepOfIntents(t *testing.T) {
	follows := func(r *run.Run) { r.Request.Follow = true }
	strays := func(r *run.Run) { r.Strayed = true }
	tests := map[string]struct {
		run   run.Run
		now   int // seconds after noon
		want  run.Step
		until int
	}{
		"its asker works on it":                  {doing(run.Retry, ended()), 9, run.StepWait, 10},
		"its asker has given up, or is dead":     {doing(run.Retry, ended()), 10, run.StepSettle, 10},
		"of what is followed":                    {doing(run.Retry, ended(follows)), 10, run.StepSettle, 10},
		"of what runs":                           {doing(run.Cancel, following()), 10, run.StepSettle, 10},
		"and what strays is canceled first":      {doing(run.Play, following(strays)), 10, run.StepCancel, 10},
		"the clock went back by an hour":         {doing(run.Retry, ended()), -3600, run.StepSettle, -3600},
		"the clock went on by an hour":           {doing(run.Retry, ended()), 3600, run.StepSettle, 3600},
		"two acts, and the first one is due":     {doing(run.Play, doing(run.Retry, ended())), 10, run.StepSettle, 10},
		"none is kept of what has no pipeline":   {doing(run.Retry, requested()), 10, run.StepPost, 10},
		"none is kept of what was deleted":       {doing(run.Retry, run.Gone(following())), 10, run.StepNone, 10},
		"at its end, and nothing is asked of it": {ended(), 10, run.StepNone, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, at := run.NextStep(tt.run, noon.Add(time.Duration(tt.now)*time.Second), settle)
			if want := noon.Add(time.Duration(tt.until) * time.Second); got != tt.want || !at.Equal(want) {
				t.Errorf("step %d at %s, want %d at %s", got, at, tt.want, want)
			}
		})
	}
}

// People see nothing of an intent, and with one a record is not at rest.
func TestIntentIsNotAtRest(t *testing.T) {
	r := ended()
	r.Shown.Version = r.Version
	if !run.AtRest(r) || run.AtRest(doing(run.Retry, r)) {
		t.Errorf("at rest: %t without an intent and %t with one", run.AtRest(r), run.AtRest(doing(run.Retry, r)))
	}
}

func TestSettled(t *testing.T) {
	seen := func(status gitlab.Status, change ...func(*gitlab.Observation)) gitlab.Observation {
		o := gitlab.Observation{Pipeline: gitlab.Pipeline{ID: 42, Status: status, UpdatedAt: noon.Add(time.Second)}}
		for _, c := range change {
			c(&o)
		}
		return o
	}
	ship := gitlab.Job{ID: 5, Name: "ship"}
	waits := func(o *gitlab.Observation) { o.Progress.Manual = []gitlab.Job{ship} }
	again := func(o *gitlab.Observation) { o.Pipeline.FinishedAt = noon.Add(time.Minute) }
	blocked := following(func(r *run.Run) {
		r.Pipeline.Status, r.Progress.Manual = gitlab.StatusManual, []gitlab.Job{ship}
	})
	over := ended(func(r *run.Run) { r.Pipeline.FinishedAt = noon })
	optional := ended(func(r *run.Run) { r.Progress.Manual = []gitlab.Job{ship} }) // GitLab told no time of its end
	unmoved := func(o *gitlab.Observation) { o.Pipeline.UpdatedAt = over.Pipeline.UpdatedAt }
	taken := run.Intent{Act: by("U2", run.Play), JobID: ship.ID, Until: noon.Add(10 * time.Second)}
	taken.Job = ship.Name
	const gone = gitlab.Status("gone")
	type outcome struct {
		state  run.State
		status gitlab.Status
		lives  int
		act    run.Verb
		doing  int
	}
	tests := map[string]struct {
		run  run.Run
		seen gitlab.Observation
		now  int // seconds after noon
		want outcome
	}{
		"retried":                                {doing(run.Retry, over), seen(gitlab.StatusRunning), 10, outcome{run.Started, gitlab.StatusRunning, 1, run.Retry, 0}},
		"retried, and over again":                {doing(run.Retry, over), seen(gitlab.StatusFailed, again), 10, outcome{run.Started, gitlab.StatusFailed, 1, run.Retry, 0}},
		"not retried yet":                        {doing(run.Retry, over), seen(gitlab.StatusFailed), 99, outcome{run.Ended, gitlab.StatusFailed, 0, "", 1}},
		"not retried":                            {doing(run.Retry, over), seen(gitlab.StatusFailed), 100, outcome{run.Ended, gitlab.StatusFailed, 0, "", 0}},
		"retried while it ran: nobody can tell":  {doing(run.Retry, following()), seen(gitlab.StatusRunning), 100, outcome{run.Started, gitlab.StatusRunning, 0, "", 0}},
		"somebody still works on it":             {doing(run.Cancel, following()), seen(gitlab.StatusCanceled), 9, outcome{run.Started, gitlab.StatusCanceled, 0, "", 1}},
		"canceled":                               {doing(run.Cancel, following()), seen(gitlab.StatusCanceling), 10, outcome{run.Started, gitlab.StatusCanceling, 0, run.Cancel, 0}},
		"not canceled":                           {doing(run.Cancel, following()), seen(gitlab.StatusRunning), 100, outcome{run.Started, gitlab.StatusRunning, 0, "", 0}},
		"its job was started":                    {doing(run.Play, blocked), seen(gitlab.StatusRunning), 10, outcome{run.Started, gitlab.StatusRunning, 0, run.Play, 0}},
		"its job was not started":                {doing(run.Play, blocked), seen(gitlab.StatusManual, waits), 100, outcome{run.Started, gitlab.StatusManual, 0, "", 0}},
		"its job was started, and it moves":      {doing(run.Play, optional), seen(gitlab.StatusRunning), 10, outcome{run.Started, gitlab.StatusRunning, 1, run.Play, 0}},
		"its job was started and is done":        {doing(run.Play, optional), seen(gitlab.StatusSuccess), 10, outcome{run.Started, gitlab.StatusSuccess, 1, run.Play, 0}},
		"its job was started, and nothing moves": {doing(run.Play, optional), seen(gitlab.StatusFailed, unmoved), 99, outcome{run.Ended, gitlab.StatusFailed, 0, "", 1}},
		"GitLab took a job, and moves it now":    {run.Taken(over, taken), seen(gitlab.StatusRunning), 10, outcome{run.Started, gitlab.StatusRunning, 1, run.Play, 0}},
		"GitLab took a job, and it is done":      {run.Taken(over, taken), seen(gitlab.StatusSuccess), 10, outcome{run.Started, gitlab.StatusSuccess, 1, run.Play, 0}},
		"GitLab took a job, and nothing moves":   {run.Taken(over, taken), seen(gitlab.StatusFailed, unmoved), 99, outcome{run.Ended, gitlab.StatusFailed, 0, run.Play, 1}},
		"GitLab took a job, and never moves it":  {run.Taken(over, taken), seen(gitlab.StatusFailed, unmoved), 100, outcome{run.Ended, gitlab.StatusFailed, 0, run.Play, 0}},
		"GitLab took a job of what waited":       {run.Taken(blocked, taken), seen(gitlab.StatusRunning), 10, outcome{run.Started, gitlab.StatusRunning, 0, run.Play, 0}},
		"a job that nobody knew by name":         {doing(run.Play, over), seen(gitlab.StatusRunning), 100, outcome{run.Started, gitlab.StatusRunning, 1, "", 0}},
		"deleted":                                {doing(run.Delete, over), seen(gone), 10, outcome{run.Ended, gitlab.StatusFailed, 0, run.Delete, 0}},
		"not deleted":                            {doing(run.Delete, over), seen(gitlab.StatusFailed), 100, outcome{run.Ended, gitlab.StatusFailed, 0, "", 0}},
		"retried, and deleted by somebody else":  {doing(run.Retry, over), seen(gone), 10, outcome{run.Ended, gitlab.StatusFailed, 0, "", 0}},
		"the clock went back: it counts anew":    {doing(run.Retry, over), seen(gitlab.StatusFailed), -3600, outcome{run.Ended, gitlab.StatusFailed, 0, "", 1}},
		"retried and canceled, and both is seen": {doing(run.Cancel, doing(run.Retry, over)), seen(gitlab.StatusCanceled, again), 10, outcome{run.Started, gitlab.StatusCanceled, 1, run.Cancel, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now := noon.Add(time.Duration(tt.now) * time.Second)
			r := run.Settled(tt.run, tt.seen, tt.seen.Pipeline.Status == gone, now, settle)
			got := outcome{r.State, r.Pipeline.Status, r.Lives, lastAct(r).Verb, len(r.Doing)}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			for _, i := range r.Doing {
				if i.Until.Sub(now) > run.ActTimeout {
					t.Errorf("at %s it is waited for until %s", now, i.Until)
				}
			}
		})
	}
}

// A job that GitLab took waits no more, and what has no pipeline (any more) keeps nothing.
func TestTaken(t *testing.T) {
	ship, rollback := gitlab.Job{ID: 5, Name: "ship"}, gitlab.Job{ID: 6, Name: "rollback"}
	waits := following(func(r *run.Run) {
		r.Progress.Manual, r.Progress.ManualTotal = []gitlab.Job{ship, rollback}, 7
	})
	i := run.Intent{Act: by("U2", run.Play), JobID: ship.ID}
	r := run.Taken(run.Intends(waits, i), i)
	if !slices.Equal(r.Progress.Manual, []gitlab.Job{rollback}) || r.Progress.ManualTotal != 6 || len(r.Doing) != 1 || len(r.Acts) != 1 {
		t.Errorf("%v of %d wait, %d intents, acts %v", r.Progress.Manual, r.Progress.ManualTotal, len(r.Doing), r.Acts)
	}
	for name, r := range map[string]run.Run{"deleted": run.Gone(waits), "not started": requested()} {
		if r := run.Taken(r, i); len(r.Doing) != 0 || len(r.Acts) != 0 {
			t.Errorf("%s: %d intents, acts %v", name, len(r.Doing), r.Acts)
		}
	}
}

// An intent that GitLab tells nothing of is dropped in the end.
func TestOutlived(t *testing.T) {
	r := doing(run.Retry, ended())
	if got := run.Outlived(r, noon.Add(time.Hour)); len(got.Doing) != 1 {
		t.Error("it is dropped too early")
	}
	if got := run.Outlived(r, noon.Add(time.Hour+11*time.Second)); len(got.Doing) != 0 {
		t.Error("it is kept for ever")
	}
}

// The process dies after GitLab took what was asked for and before that was written down.
// The next one sees what came of it, in every record; it asks for nothing again.
func TestDeathAfterAnAct(t *testing.T) {
	t.Parallel()
	ship := gitlab.Job{ID: 5, Name: "ship", Stage: "deploy"}
	tests := map[run.Verb]struct {
		before func(w *world)
		is     func(run.Run) bool
	}{
		run.Retry:  {before: (*world).fails, is: func(r run.Run) bool { return r.State == run.Started && r.Lives == 1 }},
		run.Delete: {before: (*world).fails, is: func(r run.Run) bool { return r.State == run.Ended && r.Deleted }},
		run.Play: {
			before: func(w *world) {
				w.gitlab.waitsFor(1, ship)
				w.sees("that it waits", func(r run.Run) bool { return len(r.Progress.Manual) == 1 })
			},
			is: func(r run.Run) bool { return r.Pipeline.Status == gitlab.StatusRunning && lastAct(r).Job == "ship" },
		},
		run.Cancel: {before: func(*world) {}, is: func(r run.Run) bool { return r.Pipeline.Status == gitlab.StatusCanceling }},
	}
	for verb, tt := range tests {
		t.Run(string(verb), func(t *testing.T) {
			t.Parallel()
			w := running(t)
			shownEverywhere(w)
			tt.before(w)
			w.gitlab.on(nil, func(_ context.Context, op string) error {
				if op == string(verb) {
					w.dying.Store(true)
					w.conn.Close()
				}
				return nil
			})
			asking, cancel := context.WithTimeout(w.ctx, 2*time.Second)
			defer cancel()
			if err := w.engine.Act(asking, app, 1, by("U2", verb), ship.ID); err != nil {
				t.Errorf("GitLab did it, and somebody is told: %v", err)
			}
			w.close()
			w.dying.Store(false)
			w.gitlab.on(nil, nil)

			w.start()
			w.sees("what came of it", func(r run.Run) bool { return tt.is(r) && lastAct(r).Verb == verb })
			if verb != run.Delete {
				w.gitlab.moves(1, gitlab.StatusSuccess)
				w.sees("its end", func(r run.Run) bool { return r.State == run.Ended && r.Pipeline.Status == gitlab.StatusSuccess })
			}
			w.rests()
			if got := w.gitlab.called(string(verb)); got != 1 {
				t.Errorf("GitLab was asked %d times", got)
			}
			for _, id := range everywhere {
				told := w.display.notices(id)
				if slices.Sort(told); len(slices.Compact(slices.Clone(told))) != len(told) {
					t.Errorf("%s: notices %q", id, told)
				}
			}
		})
	}
}

// fails lets pipeline 1 fail, and all who show it see that.
func (w *world) fails() {
	w.Helper()
	w.gitlab.moves(1, gitlab.StatusFailed)
	w.sees("its end", func(r run.Run) bool { return r.State == run.Ended })
	w.rests()
}

// GitLab gives no answer to a retry and does it after that: the card comes to life. Where
// it never does it, the record comes to rest again.
func TestActDoneAfterItsAnswer(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"done late": true, "never done": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if late {
				w.settle = 30 * time.Second // it is done within
			}
			w.start()
			shownEverywhere(w)
			w.fails()
			w.gitlab.refuses("retry", gitlabError(gitlab.Unclear))
			asking, cancel := context.WithTimeout(w.ctx, 2*time.Second)
			defer cancel()
			if err := w.engine.Act(asking, app, 1, by("U2", run.Retry), 0); err == nil {
				t.Error("nobody is told that there was no answer")
			}
			if late {
				w.gitlab.moves(1, gitlab.StatusRunning)
				w.sees("its second life", func(r run.Run) bool { return r.Lives == 1 && lastAct(r).Verb == run.Retry })
				w.gitlab.moves(1, gitlab.StatusSuccess)
				w.sees("its second end", func(r run.Run) bool { return r.State == run.Ended && r.Lives == 1 })
			}
			w.rests()
			if r := w.record("V1"); !late && (r.Lives != 0 || len(r.Acts) != 0) {
				t.Errorf("%d lives, acts %v", r.Lives, r.Acts)
			}
		})
	}
}

// GitLab takes a retry, or a job of a pipeline that has ended, and moves the pipeline when
// nobody waits for that any more: every card comes to life. Where it never does, the
// records come to rest again.
func TestPipelineMovesLate(t *testing.T) {
	t.Parallel()
	ship := gitlab.Job{ID: 5, Name: "ship", Stage: "deploy"}
	tests := map[string]struct {
		verb  run.Verb
		moves bool
		err   error
		acts  int
	}{
		"a job, late":    {run.Play, true, nil, 1},
		"a job, never":   {run.Play, false, nil, 1}, // it was started all the same
		"a retry, late":  {run.Retry, true, run.ErrNotYet, 1},
		"a retry, never": {run.Retry, false, run.ErrNotYet, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.moves {
				w.settle = 30 * time.Second // it moves within
			}
			w.gitlab.standsStill()
			w.start()
			shownEverywhere(w)
			w.gitlab.offers(1, ship)
			w.fails()
			asking, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
			defer cancel()
			if err := w.engine.Act(asking, app, 1, by("U2", tt.verb), ship.ID); !errors.Is(err, tt.err) {
				t.Errorf("whoever asked is told: %v; want %v", err, tt.err)
			}
			lives, told := 0, []string{"ended:0"}
			if tt.moves {
				lives, told = 1, append(told, "ended:1")
				w.gitlab.moves(1, gitlab.StatusRunning)
				w.sees("its second life", func(r run.Run) bool {
					return r.State == run.Started && r.Lives == 1 && lastAct(r).Verb == tt.verb
				})
				w.gitlab.moves(1, gitlab.StatusSuccess)
				w.sees("its second end", func(r run.Run) bool { return r.State == run.Ended && r.Pipeline.Status == gitlab.StatusSuccess })
			}
			w.rests()
			for _, id := range everywhere {
				if r := w.record(id); r.State != run.Ended || r.Lives != lives || len(r.Acts) != tt.acts {
					t.Errorf("%s: %s, %d lives, acts %v", id, r.State, r.Lives, r.Acts)
				}
				if got := w.display.notices(id); !slices.Equal(got, told) {
					t.Errorf("%s: notices %q, want %q", id, got, told)
				}
			}
			if got := w.gitlab.called(string(tt.verb)); got != 1 {
				t.Errorf("GitLab was asked %d times", got)
			}
		})
	}
}

// While GitLab is away the intent waits, and is looked into when it is back.
func TestIntentWaitsForGitLab(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.fails()
	w.gitlab.loses("retry", gitlabError(gitlab.Unclear))
	w.gitlab.on(func(_ context.Context, op string) error {
		if op == "one" {
			return gitlabError(gitlab.NotSent)
		}
		return nil
	}, nil)
	asking, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	if err := w.engine.Act(asking, app, 1, by("U2", run.Retry), 0); err == nil {
		t.Error("nobody is told that there was no answer")
	}
	looks := w.gitlab.called("one")
	w.until("five more looks", func() bool { return w.gitlab.called("one") >= looks+5 })
	w.gitlab.on(nil, nil)
	w.sees("its second life", func(r run.Run) bool { return r.Lives == 1 })
}

// What the store does not take before GitLab is asked is not asked for.
func TestActThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.dying.Store(true)
	w.conn.Close()
	if err := w.engine.Act(w.ctx, app, 1, by("U2", run.Cancel), 0); err == nil || w.gitlab.called("cancel") != 0 {
		t.Errorf("%v, and GitLab was asked %d times", err, w.gitlab.called("cancel"))
	}
}

// Where not every record takes the intent, none keeps it: GitLab is not asked.
func TestActThatOneRecordDoesNotTake(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.stop()
	w.stop = nil // the mirror stays as it is
	if err := w.engine.Mirror(w.ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Store().PutRaw(w.ctx, "F1", "{"); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Act(w.ctx, app, 1, by("U2", run.Cancel), 0); err == nil || w.gitlab.called("cancel") != 0 {
		t.Errorf("%v, and GitLab was asked %d times", err, w.gitlab.called("cancel"))
	}
	for _, id := range []string{"V1", "F2"} {
		if r := w.record(id); len(r.Doing) != 0 {
			t.Errorf("%s keeps the intent", id)
		}
	}
}

// However long GitLab wants to be left alone, the token of a run does not sleep for long.
func TestIntentWaitsAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.gitlab.refuses("one", &gitlab.Error{Op: "reading the pipeline", Kind: gitlab.RateLimited, RetryAfter: time.Hour})
	if again := w.engine.SettleActs(w.ctx, doing(run.Retry, ended())); again != time.Minute {
		t.Errorf("it is looked at again in %s", again)
	}
}

// People see nothing of it while somebody works on an act.
func TestIntentIsNotShown(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.fails()
	before := w.record("V1")
	retrying, answer := make(chan struct{}), make(chan struct{})
	w.gitlab.on(func(_ context.Context, op string) error {
		if op == "retry" {
			close(retrying)
			<-answer
		}
		return nil
	}, nil)
	acted := make(chan error, 1)
	go func() { acted <- w.engine.Act(w.ctx, app, 1, by("U2", run.Retry), 0) }()
	receive(t, "the retry", retrying)
	r := w.record("V1")
	if len(r.Doing) != 1 {
		t.Errorf("the record has %d intents", len(r.Doing))
	}
	r.Doing = nil
	if diff := cmp.Diff(before, r); diff != "" {
		t.Errorf("beside its intent the record has changed (-before +now):\n%s", diff)
	}
	close(answer)
	if err := receive(t, "the answer", acted); err != nil {
		t.Error(err)
	}
	if r := w.record("V1"); len(r.Doing) != 0 || r.Lives != 1 {
		t.Errorf("%d intents, %d lives", len(r.Doing), r.Lives)
	}
}
