package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// by is what somebody does to a pipeline.
func by(user string, verb run.Verb) run.Act {
	return run.Act{Verb: verb, By: user, Team: "T1", At: noon}
}

func TestActed(t *testing.T) {
	answer := func(status gitlab.Status, after time.Duration) gitlab.Pipeline {
		return gitlab.Pipeline{ID: 42, Status: status, UpdatedAt: noon.Add(400*time.Millisecond + after)}
	}
	const moment = time.Second
	finished := func(after time.Duration) func(*run.Run) {
		return func(r *run.Run) { r.Pipeline.FinishedAt = noon.Add(after) }
	}
	finishedAgain := func(status gitlab.Status) gitlab.Pipeline {
		p := answer(status, moment)
		p.FinishedAt = noon.Add(moment)
		return p
	}
	wasCanceled := func(r *run.Run) { r.Pipeline.Status = gitlab.StatusCanceled }
	isDeleted := func(r *run.Run) { r.Deleted = true }
	tests := map[string]struct {
		run    run.Run
		verb   run.Verb
		answer gitlab.Pipeline
		state  run.State
		status gitlab.Status
		lives  int
		noted  bool
	}{
		"canceled while it runs":                   {following(), run.Cancel, answer(gitlab.StatusCanceling, moment), run.Started, gitlab.StatusCanceling, 0, true},
		"canceled at once":                         {following(), run.Cancel, answer(gitlab.StatusCanceled, moment), run.Started, gitlab.StatusCanceled, 0, true},
		"canceled, and the poller was quicker":     {ended(wasCanceled), run.Cancel, answer(gitlab.StatusCanceled, 0), run.Ended, gitlab.StatusCanceled, 0, true},
		"canceled when it had failed":              {ended(), run.Cancel, answer(gitlab.StatusFailed, 0), run.Ended, gitlab.StatusFailed, 0, false},
		"canceled by the engine":                   {following(), "", answer(gitlab.StatusCanceling, moment), run.Started, gitlab.StatusCanceling, 0, false},
		"retried":                                  {ended(), run.Retry, answer(gitlab.StatusRunning, moment), run.Started, gitlab.StatusRunning, 1, true},
		"retried while it runs":                    {following(), run.Retry, answer(gitlab.StatusRunning, moment), run.Started, gitlab.StatusRunning, 0, true},
		"retried before its time moved":            {ended(), run.Retry, answer(gitlab.StatusPending, 0), run.Started, gitlab.StatusPending, 1, true},
		"nothing to retry":                         {ended(), run.Retry, answer(gitlab.StatusFailed, moment), run.Ended, gitlab.StatusFailed, 0, false},
		"retried, and the answer came late":        {ended(), run.Retry, answer(gitlab.StatusRunning, -moment), run.Ended, gitlab.StatusFailed, 0, true},
		"a job was started":                        {following(), run.Play, answer(gitlab.StatusRunning, moment), run.Started, gitlab.StatusRunning, 0, true},
		"a job was started after the end":          {ended(), run.Play, answer(gitlab.StatusRunning, moment), run.Started, gitlab.StatusRunning, 1, true},
		"a job was started and is done":            {ended(), run.Play, answer(gitlab.StatusSuccess, moment), run.Started, gitlab.StatusSuccess, 1, true},
		"a job was started, and nothing moves yet": {ended(), run.Play, answer(gitlab.StatusFailed, 0), run.Ended, gitlab.StatusFailed, 0, true},
		"ended once more since, and nobody looked": {ended(finished(0)), "", finishedAgain(gitlab.StatusSuccess), run.Started, gitlab.StatusSuccess, 1, false},
		"retried, and ended once more since":       {ended(finished(0)), run.Retry, finishedAgain(gitlab.StatusFailed), run.Started, gitlab.StatusFailed, 1, true},
		"deleted":                                  {ended(isDeleted), run.Retry, answer(gitlab.StatusRunning, moment), run.Ended, gitlab.StatusFailed, 0, false},
		"not started":                              {requested(), run.Retry, answer(gitlab.StatusRunning, moment), run.Requested, "", 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run.Acted(tt.run, gitlab.Observation{Pipeline: tt.answer}, by("U2", tt.verb))
			if r.State != tt.state || r.Pipeline.Status != tt.status || r.Lives != tt.lives || len(r.Acts) == 1 != tt.noted {
				t.Errorf("%s, %s, %d lives, acts %v; want %s, %s, %d, noted %t",
					r.State, r.Pipeline.Status, r.Lives, r.Acts, tt.state, tt.status, tt.lives, tt.noted)
			}
		})
	}
}

// The answers of cancel and retry tell nothing of the stages, a look at the pipeline does.
func TestActedProgress(t *testing.T) {
	p := following().Pipeline
	before := following(func(r *run.Run) { r.Progress = stages("build") })
	if r := run.Acted(before, gitlab.Observation{Pipeline: p}, by("U2", run.Cancel)); len(r.Progress.Stages) != 1 {
		t.Errorf("without stages: %v", r.Progress)
	}
	if r := run.Acted(before, gitlab.Observation{Pipeline: p, Progress: stages("build", "ship")}, by("U2", run.Play)); len(r.Progress.Stages) != 2 {
		t.Errorf("with stages: %v", r.Progress)
	}
}

// GitLab's answers to a retry and to a cancel have no name, and the pipeline keeps its.
func TestActedKeepsTheName(t *testing.T) {
	named := following(func(r *run.Run) { r.Pipeline.Name = "nightly" })
	o := gitlab.Observation{Pipeline: following().Pipeline}
	if r := run.Acted(named, o, by("U2", run.Retry)); r.Pipeline.Name != "nightly" {
		t.Errorf("it is called %q", r.Pipeline.Name)
	}
}

func TestDeleted(t *testing.T) {
	act := by("U2", run.Delete)
	tests := map[string]struct {
		run   run.Run
		state run.State
		gone  bool
	}{
		"while it runs":                   {following(), run.Ended, true},
		"after its end":                   {ended(), run.Ended, true},
		"and the poller was quicker":      {run.Gone(following()), run.Ended, true},
		"of a run that was not started":   {requested(), run.Requested, false},
		"of a run that was never started": {requested(in(run.Refused)), run.Refused, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run.Deleted(tt.run, act)
			if r.State != tt.state || r.Deleted != tt.gone || slices.Contains(r.Acts, act) != tt.gone {
				t.Errorf("%s, deleted %t, acts %v", r.State, r.Deleted, r.Acts)
			}
		})
	}
}

// A record keeps the last acts, and a copy of it keeps its own.
func TestActsAreBounded(t *testing.T) {
	r := following()
	var last []string
	for i := range run.ActsKept + 3 {
		before := slices.Clone(r.Acts)
		after := run.Acted(r, gitlab.Observation{Pipeline: r.Pipeline}, by(fmt.Sprint("U", i), run.Retry))
		if diff := cmp.Diff(before, r.Acts); diff != "" {
			t.Fatalf("the acts of the record before (-before +after):\n%s", diff)
		}
		r = after
		last = append(last, fmt.Sprint("U", i))
	}
	var got []string
	for _, act := range r.Acts {
		got = append(got, act.By)
	}
	if diff := cmp.Diff(last[len(last)-run.ActsKept:], got); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
}

// acts does something to a pipeline, for U2.
func (w *world) acts(verb run.Verb, pipeline, job int64) {
	w.Helper()
	if err := w.engine.Act(w.ctx, app, pipeline, by("U2", verb), job); err != nil {
		w.Fatalf("%s: %v", verb, err)
	}
}

// shownEverywhere is a pipeline that was started for V1 and is followed as F1 and F2.
func shownEverywhere(w *world) {
	w.Helper()
	w.submit("V1")
	w.showsState("V1", run.Started)
	for _, id := range everywhere[1:] {
		w.watches(id, 1)
		w.showsState(id, run.Started)
	}
}

var everywhere = []string{"V1", "F1", "F2"}

// sees waits until every record of the pipeline is shown as it should be.
func (w *world) sees(what string, is func(run.Run) bool) {
	w.Helper()
	for _, id := range everywhere {
		w.shows(id, what, is)
	}
}

// lastAct is what somebody did last to the run's pipeline.
func lastAct(r run.Run) run.Act {
	if len(r.Acts) == 0 {
		return run.Act{}
	}
	return r.Acts[len(r.Acts)-1]
}

// What is done to a pipeline is done once, and seen wherever it is shown.
func TestActsAreShownEverywhere(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.acts(run.Cancel, 1, 0)
	w.sees("that it is being canceled", func(r run.Run) bool {
		return r.Pipeline.Status == gitlab.StatusCanceling && lastAct(r) == by("U2", run.Cancel)
	})
	w.gitlab.moves(1, gitlab.StatusCanceled)
	w.sees("its end", func(r run.Run) bool { return r.State == run.Ended })
	w.rests()

	w.acts(run.Retry, 1, 0)
	w.sees("its second life", func(r run.Run) bool {
		return r.State == run.Started && r.Lives == 1 && lastAct(r) == by("U2", run.Retry)
	})
	w.gitlab.moves(1, gitlab.StatusFailed)
	w.sees("its second end", func(r run.Run) bool { return r.State == run.Ended && r.Lives == 1 })
	w.rests()

	w.acts(run.Delete, 1, 0)
	w.sees("that it is gone", func(r run.Run) bool { return r.Deleted && lastAct(r) == by("U2", run.Delete) })
	w.rests()
	for _, op := range []string{"cancel", "retry", "delete"} {
		if got := w.gitlab.called(op); got != 1 {
			t.Errorf("%s: GitLab was asked %d times", op, got)
		}
	}
	for _, id := range everywhere {
		if got := w.display.notices(id); !slices.Equal(got, []string{"ended:0", "ended:1"}) {
			t.Errorf("%s: notices %q", id, got)
		}
	}
}

func TestDeleteWhatRuns(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.acts(run.Delete, 1, 0)
	w.sees("that it is gone", func(r run.Run) bool { return r.State == run.Ended && r.Deleted && lastAct(r).Verb == run.Delete })
	w.rests()
}

// A record at rest that a retry brings back does not expire any more.
func TestRevivedRecordStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Retention = 10 * time.Second // after which what is at rest must not be gone before it is retried
	w.start()
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.watches("F1", 1)
	w.showsState("F1", run.Started)
	w.gitlab.moves(1, gitlab.StatusFailed)
	w.showsState("V1", run.Ended)
	w.showsState("F1", run.Ended)
	w.rests()
	w.acts(run.Retry, 1, 0)
	expired, err := w.engine.Store().Expired(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.gitlab.refuses("start", gitlabError(gitlab.Invalid))
	w.submit("V2") // at rest after the others were, so it would go after them
	if got := receive(t, "a record to expire", expired); got != "V2" {
		t.Errorf("%s has expired", got)
	}
	for _, id := range []string{"V1", "F1"} {
		if r := w.record(id); r.State != run.Started || r.Lives != 1 {
			t.Errorf("%s: %s, %d lives", id, r.State, r.Lives)
		}
	}
}

// Where nothing shows the pipeline, GitLab is asked all the same.
func TestActOnWhatIsNotShown(t *testing.T) {
	t.Parallel()
	w := running(t)
	id := w.gitlab.someones(gitlab.StatusRunning)
	w.acts(run.Cancel, id, 0)
	if w.gitlab.called("cancel") != 1 || w.engine.Live() != 0 {
		t.Errorf("GitLab was asked %d times, and %d runs are there", w.gitlab.called("cancel"), w.engine.Live())
	}
}

func TestActIsRefused(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusFailed)
	w.showsState("V1", run.Ended)
	w.rests()
	before := w.record("V1")
	for _, verb := range []run.Verb{run.Cancel, run.Retry, run.Delete, run.Play} {
		w.gitlab.refuses(string(verb), gitlabError(gitlab.Forbidden))
		if err := w.engine.Act(w.ctx, app, 1, by("U2", verb), 1); gitlab.KindOf(err) != gitlab.Forbidden {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if err := w.engine.Act(w.ctx, app, 1, by("U2", "bless"), 0); err == nil {
		t.Error("nobody can bless a pipeline")
	}
	if err := w.engine.Act(w.ctx, app, 0, by("U2", run.Cancel), 0); err == nil {
		t.Error("there is no pipeline 0")
	}
	if diff := cmp.Diff(before, w.record("V1")); diff != "" {
		t.Errorf("the record has changed (-before +after):\n%s", diff)
	}
}

// The engine finds what is shown by its mirror, so it waits for that.
func TestActRightAfterTheStart(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.submit("V1")
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusFailed)
	w.showsState("V1", run.Ended)
	w.rests()
	w.close()

	w.prepare()
	short, cancel := context.WithCancel(w.ctx)
	cancel()
	if err := w.engine.Act(short, app, 1, by("U2", run.Retry), 0); !errors.Is(err, context.Canceled) || w.gitlab.called("retry") != 0 {
		t.Errorf("before it knows its records: %v, and GitLab was asked %d times", err, w.gitlab.called("retry"))
	}
	acted := make(chan error, 1)
	go func() { acted <- w.engine.Act(w.ctx, app, 1, by("U2", run.Retry), 0) }()
	w.stop = w.work(w.engine)
	if err := receive(t, "the retry", acted); err != nil {
		t.Fatal(err)
	}
	w.shows("V1", "its second life", func(r run.Run) bool { return r.State == run.Started && r.Lives == 1 })
}

// A lost answer is looked into.
func TestLostAnswersOfActs(t *testing.T) {
	t.Parallel()
	ship := gitlab.Job{ID: 5, Name: "ship", Stage: "deploy"}
	lost := gitlabError(gitlab.Unclear)
	notFound := gitlabError(gitlab.NotFound)
	tests := map[string]struct {
		verb    run.Verb
		arrange func(*fakeGitLab)
		err     bool
		is      func(run.Run) bool
	}{
		"it was retried": {
			run.Retry, func(g *fakeGitLab) { g.moves(1, gitlab.StatusFailed); g.loses("retry", lost) },
			false, func(r run.Run) bool { return r.State == run.Started && lastAct(r).Verb == run.Retry },
		},
		"it was deleted": {
			run.Delete, func(g *fakeGitLab) { g.loses("delete", lost) },
			false, func(r run.Run) bool { return r.Deleted && lastAct(r).Verb == run.Delete },
		},
		"it was not deleted": {
			run.Delete, func(g *fakeGitLab) { g.refuses("delete", lost) },
			true, func(r run.Run) bool { return r.State == run.Started && len(r.Acts) == 0 },
		},
		"nobody can say whether it was deleted": {
			run.Delete, func(g *fakeGitLab) {
				g.refuses("delete", lost)
				g.on(func(_ context.Context, op string) error {
					if op == "one" || op == "list" {
						return notFound // the project is lost from sight
					}
					return nil
				}, nil)
			}, true, func(r run.Run) bool { return r.State == run.Started && len(r.Acts) == 0 },
		},
		"it had been deleted before": {
			run.Delete, func(g *fakeGitLab) { g.refuses("delete", notFound); g.deletes(1) },
			true, func(r run.Run) bool { return r.Deleted && len(r.Acts) == 0 },
		},
		"the job was started": {
			run.Play, func(g *fakeGitLab) { g.waitsFor(1, ship); g.loses("play", lost) },
			false, func(r run.Run) bool { return r.Pipeline.Status == gitlab.StatusRunning && lastAct(r).Job == "ship" },
		},
		"the job was started, and the pipeline stands still": {
			run.Play, func(g *fakeGitLab) { g.waitsFor(1, ship); g.standsStill(); g.loses("play", lost) },
			false, func(r run.Run) bool { return lastAct(r).Job == "ship" && len(r.Progress.Manual) == 0 },
		},
		"the job was not started": {
			run.Play, func(g *fakeGitLab) { g.waitsFor(1, ship); g.refuses("play", lost) },
			true, func(r run.Run) bool { return len(r.Acts) == 0 },
		},
		"nobody can say whether the job was started": {
			run.Play, func(g *fakeGitLab) { g.refuses("play", lost) },
			true, func(r run.Run) bool { return len(r.Acts) == 0 },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := running(t)
			w.submit("V1")
			w.showsState("V1", run.Started)
			tt.arrange(w.gitlab)
			if err := w.engine.Act(w.ctx, app, 1, by("U2", tt.verb), ship.ID); (err != nil) != tt.err {
				t.Errorf("%v", err)
			}
			if r := w.record("V1"); !tt.is(r) {
				t.Errorf("%s, %s, deleted %t, acts %v", r.State, r.Pipeline.Status, r.Deleted, r.Acts)
			}
			if got := w.gitlab.called(string(tt.verb)); got != 1 {
				t.Errorf("GitLab was asked %d times", got)
			}
		})
	}
}

// A batch that was read before somebody canceled, and is written down afterwards, is of the
// same second: it takes nothing back.
func TestABatchThatWasOvertaken(t *testing.T) {
	t.Parallel()
	w := running(t)
	read, canceled := make(chan struct{}), make(chan struct{})
	var first sync.Once
	w.gitlab.on(func(_ context.Context, op string) error {
		select {
		case <-canceled:
			if op == "list" {
				return gitlabError(gitlab.NotSent) // no later poll mends what this one does
			}
		default:
		}
		return nil
	}, func(ctx context.Context, op string) error {
		if op == "observe" {
			first.Do(func() {
				close(read)
				select {
				case <-canceled:
				case <-ctx.Done():
				}
			})
		}
		return nil
	})
	w.submit("V1")
	select {
	case <-read:
	case <-w.ctx.Done():
		t.Fatal("nothing was read")
	}
	w.acts(run.Cancel, 1, 0)
	polls := w.gitlab.called("list")
	close(canceled)
	w.until("it was polled again", func() bool { return w.gitlab.called("list") > polls })
	if r := w.record("V1"); r.Pipeline.Status != gitlab.StatusCanceling {
		t.Errorf("it is %s", r.Pipeline.Status)
	}
}

// A blocked pipeline comes to life when its job is started, wherever it is shown.
func TestPlay(t *testing.T) {
	t.Parallel()
	w := running(t)
	shownEverywhere(w)
	w.gitlab.waitsFor(1, gitlab.Job{ID: 5, Name: "ship", Stage: "deploy"})
	w.sees("that it waits", func(r run.Run) bool { return r.Pipeline.Status == gitlab.StatusManual })
	w.gitlab.on(func(_ context.Context, op string) error {
		if op == "list" || op == "observe" {
			return gitlabError(gitlab.NotSent) // nothing is polled
		}
		return nil
	}, nil)
	w.acts(run.Play, 1, 5)
	want := by("U2", run.Play)
	want.Job = "ship"
	for _, id := range everywhere {
		if r := w.record(id); r.Pipeline.Status != gitlab.StatusRunning || lastAct(r) != want || len(r.Progress.Stages) != 2 {
			t.Errorf("%s: %s, %+v, %+v", id, r.Pipeline.Status, lastAct(r), r.Progress)
		}
	}
}

// The audit log has what became of a pipeline once, and not for each that shows it.
func TestAuditOfActs(t *testing.T) {
	t.Parallel()
	w := audited(t)
	shownEverywhere(w)
	w.acts(run.Cancel, 1, 0)
	w.gitlab.moves(1, gitlab.StatusCanceled)
	w.sees("its end", func(r run.Run) bool { return r.State == run.Ended })
	w.acts(run.Retry, 1, 0)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.sees("its second end", func(r run.Run) bool { return r.State == run.Ended && r.Lives == 1 })
	w.acts(run.Delete, 1, 0)
	w.sees("that it is gone", func(r run.Run) bool { return r.Deleted })
	w.rests()
	want := []string{
		"request run requested", "action run starting", "result run started", "result run canceled",
		"result run started retry by U2", "result run success",
	}
	if diff := cmp.Diff(want, w.noted("V1")); diff != "" {
		t.Errorf("the audit log of the run (-want +got):\n%s", diff)
	}
	for _, id := range everywhere[1:] {
		if diff := cmp.Diff([]string{"request follow started"}, w.noted(id)); diff != "" {
			t.Errorf("the audit log of %s (-want +got):\n%s", id, diff)
		}
	}
}
