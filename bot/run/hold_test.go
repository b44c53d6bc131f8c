package run_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

const (
	seenSHA  = "1111111111111111111111111111111111111111"
	movedSHA = "2222222222222222222222222222222222222222"
)

// approval is the hold of a rule that wants a second person.
func approval() *run.Hold {
	return &run.Hold{
		For: run.ForApproval, Rule: "releases", SHA: seenSHA, Until: noon.Add(4 * time.Hour), Lasts: 4 * time.Hour,
		Approvers: run.Approvers{Roles: []string{"maintainer"}},
	}
}

func held(hold *run.Hold) run.Run {
	return run.NewRun(run.Request{ID: "V1", Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, At: noon, Trigger: true}, hold)
}

func TestNextStepOfHeldRuns(t *testing.T) {
	link := approval()
	link.For = run.ForLink
	released := held(approval()).Release(noon.Add(3 * time.Hour))
	strayed := run.Run{State: run.Started, Strayed: true, Pipeline: gitlab.Pipeline{Status: gitlab.StatusRunning}}
	canceling, over := strayed, strayed
	canceling.Pipeline.Status, over.Pipeline.Status = gitlab.StatusCanceling, gitlab.StatusFailed
	tests := map[string]struct {
		run  run.Run
		now  time.Duration // after noon
		want run.Step
	}{
		"one that waits for an approval":           {held(approval()), time.Hour, run.StepReview},
		"a moment before it expires":               {held(approval()), 4*time.Hour - 1, run.StepReview},
		"when it expires":                          {held(approval()), 4 * time.Hour, run.StepGiveUp},
		"one that waits for its asker":             {held(link), time.Hour, run.StepReview},
		"one that waited too long for its asker":   {held(link), 4 * time.Hour, run.StepGiveUp},
		"one that was let go is posted":            {released, 3 * time.Hour, run.StepPost},
		"its hour for GitLab begins when let go":   {released, 4*time.Hour - 1, run.StepPost},
		"and ends":                                 {released, 4 * time.Hour, run.StepGiveUp},
		"one that strayed is canceled":             {strayed, 0, run.StepCancel},
		"one that strayed and is being canceled":   {canceling, 0, run.StepNone},
		"one that strayed and has ended meanwhile": {over, 0, run.StepNone},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, _ := run.NextStep(tt.run, noon.Add(tt.now), settle); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestHeldChanges says what each change makes of a run in each state: nothing but a
// held run is let go, and none is denied or held that GitLab was asked for.
func TestHeldChanges(t *testing.T) {
	now := noon.Add(time.Minute)
	changes := map[string]struct {
		change func(run.Run) run.Run
		want   map[run.State]run.State // all others stay as they are
	}{
		"let go":  {func(r run.Run) run.Run { return r.Release(now) }, map[run.State]run.State{run.Held: run.Requested}},
		"denied":  {func(r run.Run) run.Run { return r.Denied(run.Refusal{By: "U2"}) }, map[run.State]run.State{run.Held: run.Refused, run.Requested: run.Refused}},
		"held on": {func(r run.Run) run.Run { return r.Holding(run.Hold{For: run.ForLink}) }, map[run.State]run.State{run.Requested: run.Held}},
		"approved at the commit": {func(r run.Run) run.Run {
			return run.Approved(r, run.Approval{By: "U2", SHA: seenSHA})
		}, map[run.State]run.State{run.Held: run.Requested}},
		"approved at another commit": {func(r run.Run) run.Run {
			return run.Approved(r, run.Approval{By: "U2", SHA: movedSHA})
		}, nil},
		"approved too late": {func(r run.Run) run.Run {
			return run.Approved(r, run.Approval{By: "U2", SHA: seenSHA, At: approval().Until})
		}, nil},
		"moved on": {func(r run.Run) run.Run { return run.AsksAnew(r, *approval(), movedSHA, now) }, map[run.State]run.State{run.Requested: run.Held}},
	}
	for name, tt := range changes {
		for _, state := range []run.State{run.Held, run.Requested, run.Starting, run.Started, run.Ended, run.Refused, run.Unknown} {
			t.Run(name+" "+string(state), func(t *testing.T) {
				r := held(nil)
				if state == run.Held {
					r = held(approval())
				}
				r.State = state
				want, changes := tt.want[state]
				if !changes {
					want = state
				}
				if got := tt.change(r).State; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

func TestAsksAnew(t *testing.T) {
	now := noon.Add(time.Hour)
	got := run.AsksAnew(held(approval()), *approval(), movedSHA, now)
	want := *approval()
	want.SHA, want.Moved, want.Until = movedSHA, 1, now.Add(4*time.Hour)
	if diff := cmp.Diff(&want, got.Hold); diff != "" {
		t.Errorf("the hold (-want +got):\n%s", diff)
	}
	if same := run.AsksAnew(got, *got.Hold, movedSHA, now.Add(time.Hour)); same.Hold.Moved != 1 || !same.Hold.Until.Equal(want.Until) {
		t.Errorf("a ref that stayed where it is moved the hold: %+v", same.Hold)
	}
}

func TestExpiredHold(t *testing.T) {
	got := run.GaveUp(held(approval()))
	if diff := cmp.Diff(&run.Refusal{Expired: true, Held: run.ForApproval}, got.Refusal); diff != "" || got.State != run.Refused || got.Hold != nil {
		t.Errorf("%s, hold %v, refusal (-want +got):\n%s", got.State, got.Hold, diff)
	}
}

// holds asks for a pipeline that waits.
func (w *world) holds(id string, hold run.HoldFor, lasts time.Duration) {
	w.Helper()
	w.isHeld(id, hold, lasts)
	w.showsState(id, run.Held)
}

// isHeld asks for a pipeline that is held.
func (w *world) isHeld(id string, hold run.HoldFor, lasts time.Duration) {
	w.Helper()
	h := approval()
	h.For, h.Until, h.Lasts = hold, time.Now().Add(lasts), lasts
	w.gitlab.moveTo(seenSHA)
	if _, _, err := w.engine.Submit(w.ctx, request(id), h); err != nil {
		w.Fatal(err)
	}
}

func TestApprove(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	if got := w.gitlab.called("start"); got != 0 {
		t.Fatalf("%d POSTs before the approval", got)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: at, SHA: seenSHA}); err != nil {
		t.Fatal(err)
	}
	r := w.showsState("V1", run.Started)
	if r.Approval == nil || r.Approval.By != "U2" || r.Approval.SHA != seenSHA || r.Strayed {
		t.Errorf("approval %+v, strayed %t", r.Approval, r.Strayed)
	}
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U3", At: at, SHA: seenSHA}); !errors.Is(err, run.ErrNotHeld) {
		t.Errorf("a second approval: %v", err)
	}
	if _, err := w.engine.TurnDown(w.ctx, "V1", "U3", "no"); !errors.Is(err, run.ErrNotHeld) {
		t.Errorf("turned down after the approval: %v", err)
	}
	if w.gitlab.number() != 1 {
		t.Errorf("%d pipelines", w.gitlab.number())
	}
}

// TestApproveTogether: of several who approve at once one does it, and one pipeline starts.
func TestApproveTogether(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	var done, late int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now().UTC(), SHA: seenSHA})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case errors.Is(err, run.ErrNotHeld):
				late++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.showsState("V1", run.Started)
	if done != 1 || late != 7 || w.gitlab.number() != 1 {
		t.Errorf("%d approved, %d were late, %d pipelines", done, late, w.gitlab.number())
	}
}

func TestApproveMovedRef(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	w.gitlab.moveTo(movedSHA)
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now(), SHA: seenSHA}); !errors.Is(err, run.ErrRefMoved) {
		t.Fatalf("approving what has moved: %v", err)
	}
	r := w.shows("V1", "held for the new commit", func(r run.Run) bool { return r.State == run.Held && r.Hold.SHA == movedSHA })
	if r.Hold.Moved != 1 || w.gitlab.called("start") != 0 {
		t.Errorf("moved %d times, %d POSTs", r.Hold.Moved, w.gitlab.called("start"))
	}
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now(), SHA: movedSHA}); err != nil {
		t.Fatal(err)
	}
	w.showsState("V1", run.Started)
}

// TestMovedAfterApproval: while GitLab was away the branch moved on.
func TestMovedAfterApproval(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	w.gitlab.on(func(_ context.Context, op string) error {
		if op != "start" {
			return nil
		}
		w.gitlab.moveTo(movedSHA)
		return gitlabError(gitlab.NotSent)
	}, nil)
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now(), SHA: seenSHA}); err != nil {
		t.Fatal(err)
	}
	r := w.shows("V1", "held for the new commit", func(r run.Run) bool { return r.State == run.Held && r.Hold.SHA == movedSHA })
	if r.Approval != nil || w.gitlab.called("start") != 1 {
		t.Errorf("approval %+v, %d POSTs", r.Approval, w.gitlab.called("start"))
	}
}

// TestStrayed: the push came between the last look and the start.
func TestStrayed(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	w.gitlab.mu.Lock()
	w.gitlab.pushed = movedSHA
	w.gitlab.mu.Unlock()
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now(), SHA: seenSHA}); err != nil {
		t.Fatal(err)
	}
	r := w.showsStatus("V1", gitlab.StatusCanceling)
	if !r.Strayed || w.gitlab.called("cancel") != 1 {
		t.Errorf("strayed %t, canceled %d times", r.Strayed, w.gitlab.called("cancel"))
	}
	w.gitlab.moves(1, gitlab.StatusCanceled)
	w.showsState("V1", run.Ended)
	w.rests()
}

// TestHeldAndStrayedWait: between two sweeps, or two polls, what nothing can be done about
// makes no work. Other runs tell the time.
func TestHeldAndStrayedWait(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]run.HoldFor{"for a link": run.ForLink, "for an approval": run.ForApproval} {
		t.Run("held "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sweep = time.Hour
			w.start()
			w.holds("V1", hold, time.Hour)
			w.startsOthers()
			// Submit makes a token, and so does the watch.
			if n := w.gate.asked(); n > 2 {
				t.Errorf("the gate was asked %d times", n)
			}
		})
	}
	for name, keepsOn := range map[string]bool{"is being canceled": false, "runs on": true} {
		t.Run("strayed and "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sweep, w.poll = time.Hour, time.Hour
			w.start()
			w.holds("V1", run.ForApproval, time.Hour)
			w.gitlab.mu.Lock()
			w.gitlab.pushed, w.gitlab.keepsOn = movedSHA, keepsOn
			w.gitlab.mu.Unlock()
			if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now(), SHA: seenSHA}); err != nil {
				t.Fatal(err)
			}
			w.until("it was canceled", func() bool { return w.gitlab.called("cancel") > 0 })
			w.startsOthers()
			made, err := w.engine.Tokens().Made(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			// A run takes a handful of tokens, and at this pace not one of them a second time.
			if n := w.gitlab.called("cancel"); n != 1 || made > 15*(others+1) {
				t.Errorf("canceled %d times, %d tokens", n, made)
			}
		})
	}
}

// others is how many runs startsOthers starts.
const others = 10

// startsOthers starts runs that nothing holds, one after the other.
func (w *world) startsOthers() {
	w.Helper()
	for n := range others {
		id := fmt.Sprint("O", n)
		w.submit(id)
		w.showsState(id, run.Started)
	}
}

func TestTurnDown(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	if _, err := w.engine.TurnDown(w.ctx, "V1", "U2", "not on a Friday"); err != nil {
		t.Fatal(err)
	}
	r := w.showsState("V1", run.Refused)
	w.rests()
	if diff := cmp.Diff(&run.Refusal{Denied: true, By: "U2", Message: "not on a Friday"}, r.Refusal); diff != "" || w.gitlab.called("start") != 0 {
		t.Errorf("%d POSTs, refusal (-want +got):\n%s", w.gitlab.called("start"), diff)
	}
}

func TestApprovalExpires(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.isHeld("V1", run.ForApproval, 50*time.Millisecond) // which may be over before it is shown
	r := w.showsState("V1", run.Refused)
	w.rests()
	if !r.Refusal.Expired || r.Refusal.Held != run.ForApproval || w.gitlab.called("start") != 0 {
		t.Errorf("refusal %+v, %d POSTs", r.Refusal, w.gitlab.called("start"))
	}
}

// TestHeldSurvives: an approval is waited for by the next process too.
func TestHeldSurvives(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.holds("V1", run.ForApproval, time.Hour)
	w.close()
	w.start()
	if _, err := w.engine.Approve(w.ctx, "V1", run.Approval{By: "U2", At: time.Now(), SHA: seenSHA}); err != nil {
		t.Fatal(err)
	}
	w.showsState("V1", run.Started)
}

// TestReview: the gate is asked again and again, and nothing starts before it says so.
func TestReview(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.gate.decide(func(r run.Run) (run.Run, error) { return r, nil })
	w.holds("V1", run.ForLink, time.Hour)
	w.until("the gate was asked several times", func() bool { return w.gate.asked() > 2 })
	if got := w.gitlab.called("start"); got != 0 {
		t.Fatalf("%d POSTs", got)
	}
	w.gate.decide(func(run.Run) (run.Run, error) { return run.Run{}, errors.New("GitLab is away") })
	before := w.gate.asked()
	w.until("a gate that cannot decide is asked again", func() bool { return w.gate.asked() > before+1 })
	if r := w.record("V1"); r.State != run.Held {
		t.Fatalf("it is %s", r.State)
	}
	w.gate.decide(func(r run.Run) (run.Run, error) { return r.Release(time.Now()), nil })
	w.showsState("V1", run.Started)
}

// TestRecheck: what was allowed while GitLab was away may not be allowed any more when
// it is back.
func TestRecheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule func(run.Run) (run.Run, error)
		want run.State
	}{
		"still allowed": {func(r run.Run) (run.Run, error) { return r, nil }, run.Started},
		"forbidden by now": {func(r run.Run) (run.Run, error) {
			return r.Denied(run.Refusal{Message: "frozen"}), nil
		}, run.Refused},
		"somebody has to approve it by now": {func(r run.Run) (run.Run, error) {
			if r.State == run.Held {
				return r, nil
			}
			h := approval()
			h.Until = time.Now().Add(time.Hour)
			return r.Holding(*h), nil
		}, run.Held},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := running(t)
			w.gate.decide(test.rule)
			w.gitlab.refuses("start", &gitlab.Error{Op: "starting a pipeline", Kind: gitlab.NotSent})
			w.submit("V1")
			w.showsState("V1", test.want)
			wantStarts := 0
			if test.want == run.Started {
				wantStarts = 1
			}
			if got := w.gitlab.number(); got != wantStarts {
				t.Errorf("%d pipelines, want %d", got, wantStarts)
			}
		})
	}
}

// TestRecheckInDoubt: where nobody knows, the run waits and is asked about again.
func TestRecheckInDoubt(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.gate.decide(func(run.Run) (run.Run, error) { return run.Run{}, errors.New("GitLab is away") })
	w.gitlab.refuses("start", &gitlab.Error{Op: "starting a pipeline", Kind: gitlab.NotSent})
	w.submit("V1")
	w.until("the gate was asked more than once", func() bool { return w.gate.asked() > 1 })
	if r := w.record("V1"); r.State != run.Requested || w.gitlab.number() != 0 {
		t.Fatalf("it is %s, with %d pipelines", r.State, w.gitlab.number())
	}
	w.gate.decide(func(r run.Run) (run.Run, error) { return r, nil })
	w.showsState("V1", run.Started)
}

// fakeGate decides as a test wants it to.
type fakeGate struct {
	*signal
	mu    sync.Mutex // it changes nothing until it is told how to decide
	rule  func(run.Run) (run.Run, error)
	times int
}

func (g *fakeGate) decide(rule func(run.Run) (run.Run, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rule = rule
}

func (g *fakeGate) asked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.times
}

// Recheck decides by the same rule, and without one lets everything go on.
func (g *fakeGate) Recheck(ctx context.Context, r run.Run) (run.Run, error) { return g.Review(ctx, r) }

func (g *fakeGate) Review(_ context.Context, r run.Run) (run.Run, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.broadcast()
	g.times++
	if g.rule == nil {
		return r, nil
	}
	return g.rule(r)
}
