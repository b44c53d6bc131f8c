package run_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// unknown is a run of which people are asked what came of it, after a POST at noon.
func unknown(change ...func(*run.Run)) run.Run {
	r := run.Looked(unclear(), gitlab.Search{Unread: []gitlab.Pipeline{{ID: 41, SHA: "a"}, {ID: 42, SHA: "b"}}, More: 1}, nil, noon)
	for _, c := range change {
		c(&r)
	}
	return r
}

func TestDecided(t *testing.T) {
	later := noon.Add(time.Hour)
	verdict := func(pipeline int64, about run.Run) run.Verdict {
		return run.Verdict{By: "U2", Team: "T1", At: later, Doubt: about.Doubt(), Pipeline: pipeline}
	}
	approved := func(r *run.Run) { r.Approval = &run.Approval{SHA: "a"} }
	another := unknown(func(r *run.Run) { r.Deadline = later })
	tests := map[string]struct {
		run     run.Run
		verdict run.Verdict
		state   run.State // "": nothing changes
		strayed bool
	}{
		"the first":               {unknown(), verdict(41, unknown()), run.Started, false},
		"the second":              {unknown(), verdict(42, unknown()), run.Started, false},
		"none":                    {unknown(), verdict(0, unknown()), run.Requested, false},
		"no candidate":            {unknown(), verdict(43, unknown()), "", false},
		"another start":           {unknown(), verdict(0, another), "", false},
		"a run that is started":   {unknown(in(run.Started)), verdict(42, unknown()), "", false},
		"a run that is looked at": {unknown(in(run.Starting)), verdict(0, unknown()), "", false},
		"what was approved":       {unknown(approved), verdict(41, unknown()), run.Started, false},
		"not what was approved":   {unknown(approved), verdict(42, unknown()), run.Started, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run.Decided(tt.run, tt.verdict)
			if tt.state == "" {
				if diff := cmp.Diff(tt.run, r); diff != "" {
					t.Errorf("it has changed:\n%s", diff)
				}
				return
			}
			if r.State != tt.state || r.Pipeline.ID != tt.verdict.Pipeline || r.Strayed != tt.strayed || r.Unclear {
				t.Errorf("%s, pipeline %d, strayed %t, unclear %t", r.State, r.Pipeline.ID, r.Strayed, r.Unclear)
			}
			if r.Candidates != nil || r.MoreCandidates != 0 || r.Refusal != nil {
				t.Errorf("people are still asked: %+v", r)
			}
			if diff := cmp.Diff(&tt.verdict, r.Verdict); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// A request that somebody has started again has a new hour. One that is only looked for
// again has not.
func TestHourOfWhatIsStartedAgain(t *testing.T) {
	at := noon.Add(5 * time.Hour)
	again := run.Decided(unknown(tries(run.MostLooks)), run.Verdict{By: "U2", At: at, Doubt: unknown().Doubt()})
	looked := run.LookAnew(unknown(tries(run.MostLooks), notBefore(at)), unknown().Doubt())
	for name, tt := range map[string]struct {
		run  run.Run
		now  time.Time
		want run.Step
	}{
		"at once":                       {again, at, run.StepPost},
		"before its hour is over":       {again, at.Add(run.RequestExpires - 1), run.StepPost},
		"after its hour":                {again, at.Add(run.RequestExpires), run.StepGiveUp},
		"looked for again":              {looked, noon.Add(5 * time.Minute), run.StepLook},
		"looked for again and not made": {run.Looked(looked, gitlab.Search{}, nil, at), at, run.StepGiveUp},
	} {
		if got, _ := run.NextStep(tt.run, tt.now, settle); got != tt.want {
			t.Errorf("%s: step %d, want %d", name, got, tt.want)
		}
	}
	if diff := cmp.Diff(unknown(), run.LookAnew(unknown(), 1)); diff != "" {
		t.Errorf("a word about another start has changed it:\n%s", diff)
	}
}

// doubtful is a world with a run whose start nobody can find out about, though GitLab
// has made its pipeline.
func doubtful(t *testing.T, w *world, id string) run.Run {
	t.Helper()
	w.gitlab.hides(true)
	w.gitlab.loses("start", gitlabError(gitlab.Unclear))
	w.submit(id)
	return w.showsState(id, run.Unknown)
}

// anothers is a start that was not made here and could be taken for one that was.
func anothers() gitlab.Start {
	return gitlab.Start{Project: 7, Ref: request("").Ref, TriggerToken: "glptt-an0ther"}
}

// says is somebody's word about a run.
func says(who string, r run.Run, pipeline int64) run.Verdict {
	return run.Verdict{By: who, Team: "T1", At: time.Now().UTC().Truncate(time.Millisecond), Doubt: r.Doubt(), Pipeline: pipeline}
}

func (w *world) settles(r run.Run, v run.Verdict) {
	w.Helper()
	if _, err := w.engine.Settle(w.ctx, r.Request.ID, v); err != nil {
		w.Fatal(err)
	}
}

// The pipeline that somebody points out is followed to its end, and is the only one.
func TestThisOne(t *testing.T) {
	t.Parallel()
	w := audited(t)
	r := doubtful(t, w, "V1")
	if len(r.Candidates) != 1 || r.Candidates[0].ID != 1 {
		t.Fatalf("candidates %+v", r.Candidates)
	}
	w.rests()
	w.settles(r, says("U2", r, 1))
	w.settles(r, says("U2", r, 1)) // delivered again
	w.showsState("V1", run.Started)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.showsState("V1", run.Ended)
	w.rests()
	if w.gitlab.number() != 1 || w.gitlab.called("start") != 1 {
		t.Errorf("%d pipelines by %d POSTs", w.gitlab.number(), w.gitlab.called("start"))
	}
	want := []string{
		"request run requested", "action run starting", "result run unknown", "result run started said by U2", "result run success",
	}
	if diff := cmp.Diff(want, w.noted("V1")); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// Where it is none of them, there is one more POST, which is decided anew.
func TestNoneOfThem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule  func(run.Run) (run.Run, error)
		want  run.State
		posts int
	}{
		"it may be run": {func(r run.Run) (run.Run, error) { return r, nil }, run.Started, 2},
		"it may not any more": {func(r run.Run) (run.Run, error) {
			return r.Denied(run.Refusal{Message: "frozen"}), nil
		}, run.Refused, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := audited(t)
			w.gitlab.hides(true)
			w.gitlab.took(anothers())
			w.gitlab.refuses("start", gitlabError(gitlab.Unclear))
			w.submit("V1")
			r := w.showsState("V1", run.Unknown)
			w.gate.decide(test.rule)
			w.settles(r, says("U2", r, 0))
			w.settles(r, says("U2", r, 0)) // delivered again
			w.showsState("V1", test.want)
			if got := w.gitlab.called("start"); got != test.posts {
				t.Errorf("%d POSTs, want %d", got, test.posts)
			}
			if got := len(w.gitlab.of("V1")); got != test.posts-1 {
				t.Errorf("%d pipelines of its own", got)
			}
			if lines := w.noted("V1"); !slices.Contains(lines, "result run to be started again said by U2") {
				t.Errorf("the audit log: %q", lines)
			}
		})
	}
}

// A word about one start is none about the next one, whenever Slack delivers it again.
func TestWordAboutAnEarlierStart(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.gitlab.hides(true)
	w.gitlab.took(anothers())
	w.gitlab.refuses("start", gitlabError(gitlab.Unclear), gitlabError(gitlab.Unclear))
	w.submit("V1")
	first := w.showsState("V1", run.Unknown)
	w.settles(first, says("U2", first, 0))
	w.shows("V1", "unknown again", func(r run.Run) bool { return r.State == run.Unknown && r.Doubt() != first.Doubt() })
	for _, v := range []run.Verdict{says("U3", first, 0), says("U3", first, 1)} {
		if _, err := w.engine.Settle(w.ctx, "V1", v); !errors.Is(err, run.ErrSettled) {
			t.Errorf("%+v: %v", v, err)
		}
	}
	if err := w.engine.LookAgain(w.ctx, "V1", first.Doubt()); !errors.Is(err, run.ErrSettled) {
		t.Errorf("looking again: %v", err)
	}
	if got := w.gitlab.called("start"); got != 2 {
		t.Errorf("%d POSTs", got)
	}
}

// Of people who say different things at once one is heard.
func TestSettleTogether(t *testing.T) {
	t.Parallel()
	w := running(t)
	r := doubtful(t, w, "V1")
	var heard atomic.Int32
	var again atomic.Bool
	var saying sync.WaitGroup
	for i := range 10 {
		saying.Go(func() {
			pipeline := int64(i % 2)
			_, err := w.engine.Settle(w.ctx, "V1", says(fmt.Sprint("U", i), r, pipeline))
			switch {
			case err == nil:
				heard.Add(1)
				again.Store(pipeline == 0)
			case !errors.Is(err, run.ErrSettled):
				t.Error(err)
			}
		})
	}
	saying.Wait()
	w.showsState("V1", run.Started)
	want := 1
	if again.Load() {
		want = 2
	}
	if heard.Load() != 1 || w.gitlab.called("start") != want {
		t.Errorf("%d were heard, and there were %d POSTs", heard.Load(), w.gitlab.called("start"))
	}
}

// A pipeline becomes that of one request, though people point to it for two at once.
func TestCandidateOfTwo(t *testing.T) {
	t.Parallel()
	w := running(t)
	first := doubtful(t, w, "V1")
	second := doubtful(t, w, "V2")
	if len(second.Candidates) != 2 {
		t.Fatalf("candidates %+v", second.Candidates)
	}
	var heard atomic.Int32
	var saying sync.WaitGroup
	for _, r := range []run.Run{first, second} {
		saying.Go(func() {
			_, err := w.engine.Settle(w.ctx, r.Request.ID, says("U2", r, 1))
			switch {
			case err == nil:
				heard.Add(1)
			case !errors.Is(err, run.ErrAnothers):
				t.Error(err)
			}
		})
	}
	saying.Wait()
	// Whoever was not heard is not asked about it any more, once it is looked for again.
	of, left := first, second
	if w.record("V1").State == run.Unknown {
		of, left = second, first
	}
	w.showsState(of.Request.ID, run.Started)
	if err := w.engine.LookAgain(w.ctx, left.Request.ID, left.Doubt()); err != nil {
		t.Fatal(err)
	}
	w.shows(left.Request.ID, "the other candidate", func(r run.Run) bool {
		return r.State == run.Unknown && len(r.Candidates) == 1 && r.Candidates[0].ID == 2
	})
	if heard.Load() != 1 || w.gitlab.number() != 2 {
		t.Errorf("%d were heard; there are %d pipelines", heard.Load(), w.gitlab.number())
	}
}

// People said that one's pipeline is another's. Its marker counts more, and while nobody can
// read that they are asked: on their word alone nothing is posted again.
func TestMarkerOverWord(t *testing.T) {
	t.Parallel()
	for name, hidden := range map[string]bool{"the marker can be read": false, "nobody can read it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := running(t)
			first := doubtful(t, w, "V1")
			w.gitlab.refuses("start", gitlabError(gitlab.Unclear))
			w.submit("V2")
			second := w.showsState("V2", run.Unknown)
			w.settles(second, says("U2", second, 1))
			w.showsState("V2", run.Started)
			w.gitlab.hides(hidden)
			if err := w.engine.LookAgain(w.ctx, "V1", first.Doubt()); err != nil {
				t.Fatal(err)
			}
			w.until("it was looked for", func() bool {
				r := w.record("V1")
				return r.State != run.Starting && r.State != run.Requested
			})
			r := w.record("V1")
			if hidden && (r.State != run.Unknown || len(r.Candidates) != 1) || !hidden && (r.State != run.Started || r.Pipeline.ID != 1) {
				t.Errorf("%s, pipeline %d, candidates %+v", r.State, r.Pipeline.ID, r.Candidates)
			}
			if n := w.gitlab.called("start"); n != 2 {
				t.Errorf("%d POSTs for two runs", n)
			}
		})
	}
}

// A claim that never came to anything does not stand in another's way.
func TestClaimOfADead(t *testing.T) {
	t.Parallel()
	w := running(t)
	first := doubtful(t, w, "V1")
	second := doubtful(t, w, "V2")
	if err := w.engine.Store().Claim(w.ctx, first, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.Settle(w.ctx, "V2", says("U2", second, 1)); !errors.Is(err, run.ErrAnothers) {
		t.Errorf("while the other may still have it: %v", err)
	}
	w.settles(first, says("U2", first, 0))
	w.showsState("V1", run.Started)
	w.settles(second, says("U2", second, 1))
	w.showsState("V2", run.Started)
}

// Values of buttons come from outside.
func TestSettleWithWhatIsNoCandidate(t *testing.T) {
	t.Parallel()
	w := running(t)
	r := doubtful(t, w, "V1")
	other := w.gitlab.someones(gitlab.StatusRunning)
	if _, err := w.engine.Settle(w.ctx, "V1", says("U2", r, other)); !errors.Is(err, run.ErrNoCandidate) {
		t.Errorf("no candidate: %v", err)
	}
	if _, err := w.engine.Settle(w.ctx, "V9", says("U2", r, 1)); !errors.Is(err, run.ErrNotFound) {
		t.Errorf("no run: %v", err)
	}
	if got := w.record("V1"); got.State != run.Unknown {
		t.Errorf("it is %s", got.State)
	}
}

// Once the access token may read variables it is found, and nothing is posted again.
func TestLookAgain(t *testing.T) {
	t.Parallel()
	w := audited(t)
	r := doubtful(t, w, "V1")
	w.gitlab.hides(false)
	for range 2 { // a double click
		if err := w.engine.LookAgain(w.ctx, "V1", r.Doubt()); err != nil && !errors.Is(err, run.ErrSettled) {
			t.Fatal(err)
		}
	}
	w.showsState("V1", run.Started)
	if w.gitlab.number() != 1 || w.gitlab.called("start") != 1 || w.gitlab.called("find") != 2 {
		t.Errorf("%d pipelines by %d POSTs, %d looks", w.gitlab.number(), w.gitlab.called("start"), w.gitlab.called("find"))
	}
	if lines := w.noted("V1"); !slices.Contains(lines, "result run looked for again") {
		t.Errorf("the audit log: %q", lines)
	}
}

// expires reports whether a record is going to expire.
func (w *world) expires(id string) bool {
	w.Helper()
	expires, err := w.engine.Store().Expires(w.ctx, id)
	if err != nil {
		w.Fatal(err)
	}
	return expires
}

// What somebody said outlives the process, at which moment ever that dies.
func TestDecidedSurvives(t *testing.T) {
	t.Parallel()
	for name, pipeline := range map[string]int64{"this one": 1, "none": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := running(t)
			r := doubtful(t, w, "V1")
			w.rests()
			if !w.expires("V1") {
				t.Error("what is at rest is kept for ever")
			}
			w.close()
			w.prepare() // an engine that dies right after it was told
			if err := w.engine.Mirror(w.ctx); err != nil {
				t.Fatal(err)
			}
			w.settles(r, says("U2", r, pipeline))
			if w.expires("V1") {
				t.Error("what goes on expires")
			}
			w.close()
			w.start()
			w.showsState("V1", run.Started)
			if posts := w.gitlab.called("start"); posts != 2-int(pipeline) {
				t.Errorf("%d POSTs", posts)
			}
		})
	}
}
