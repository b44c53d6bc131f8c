package run_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// The engine is stopped, or dies, before or after each of its first requests, and
// another one goes on. There is one pipeline, and people are shown its end.
func TestRestartAnywhere(t *testing.T) {
	t.Parallel()
	scenarios := map[string]func(*fakeGitLab){
		"all is well":       func(*fakeGitLab) {},
		"an answer is lost": func(g *fakeGitLab) { g.loses("start", gitlabError(gitlab.Unclear)) },
		"a request is lost": func(g *fakeGitLab) { g.refuses("start", gitlabError(gitlab.Unclear)) },
	}
	const requests = 6
	for scenario, arrange := range scenarios {
		for _, dies := range []bool{false, true} {
			for i := range 2 * requests {
				n, before := 1+i/2, i%2 == 0
				t.Run(fmt.Sprintf("%s/dies %t/request %d, before %t", scenario, dies, n, before), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.gitlab.endsAfter = 2
					arrange(w.gitlab)
					w.restartsAt(n, before, dies, func() { w.submit("V1") })
				})
			}
		}
	}
}

// restartsAt ends the engine before the n-th request of what was asked for takes effect,
// or after it, and lets another one bring V1 to its end.
func (w *world) restartsAt(n int, before, dies bool, asks func()) {
	if dies {
		w.ackWait = 100 * time.Millisecond // what it had in hand comes back soon
	}
	w.prepare()
	ended := make(chan struct{})
	var requests atomic.Int32
	var end sync.Once
	conn := w.conn
	ends := func(here bool) (err error) {
		if here && int(requests.Load()) >= n {
			end.Do(func() {
				if dies {
					w.dying.Store(true)
					conn.Close() // nothing is written any more
					err = gitlabError(gitlab.Unclear)
				}
				close(ended)
			})
		}
		return err
	}
	begin := func(context.Context, string) error { requests.Add(1); return ends(before) }
	finish := func(context.Context, string) error { return ends(!before) }
	w.gitlab.on(begin, finish)
	w.display.on(begin, finish)
	w.stop = w.work(w.engine)
	asks()
	receive(w.TB, "the end of the first engine", ended)
	w.close()
	w.dying.Store(false)

	w.start()
	w.showsState("V1", run.Ended)
	w.rests()
	if got := w.gitlab.number(); got != 1 {
		w.Errorf("there are %d pipelines, want one", got)
	}
	if last := w.display.last("V1"); last.State != run.Ended || last.Pipeline.Status != gitlab.StatusSuccess {
		w.Errorf("shown last: %s, %s", last.State, last.Pipeline.Status)
	}
	// What was told and not saved is told again: at least once.
	if got := w.display.notices("V1"); !slices.Contains(got, "ended:0") || !dies && len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		w.Errorf("notices %q", got)
	}
}

// A POST that is under way when the stop is asked for is finished and written down.
func TestStopFinishesPOST(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	posting, answer := make(chan struct{}), make(chan struct{})
	w.gitlab.on(func(_ context.Context, op string) error {
		if op == "start" {
			close(posting)
			<-answer
		}
		return nil
	}, nil)
	w.prepare()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	worked := make(chan error, 1)
	go func() { worked <- w.engine.Work(ctx) }()
	w.submit("V1")
	receive(t, "the POST", posting)
	cancel()
	close(answer)
	if err := receive(t, "the end of Work", worked); err != nil {
		t.Error(err)
	}
	if r := w.record("V1"); r.State != run.Started || r.Pipeline.ID != 1 {
		t.Errorf("%s, pipeline %d", r.State, r.Pipeline.ID)
	}
}

// One that hangs is cut in the end, and so is whatever speaks to Slack. The next
// engine looks before it posts.
func TestStopCutsWhatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startTimeout, w.drain = 3*time.Second, 200*time.Millisecond
	posting, showing := make(chan struct{}), make(chan struct{})
	hang := func(begun chan struct{}, what string) func(context.Context, string) error {
		return func(ctx context.Context, op string) error {
			if op != what {
				return nil
			}
			close(begun)
			<-ctx.Done()
			return gitlabError(gitlab.Unclear)
		}
	}
	posts := hang(posting, "start")
	w.gitlab.on(func(ctx context.Context, op string) error {
		if op == "resolve" { // no POST before the message hangs: from there the time to stop runs
			select {
			case <-showing:
			case <-ctx.Done():
			}
		}
		return posts(ctx, op)
	}, nil)
	w.display.on(hang(showing, "show"), nil)
	w.start()
	w.submit("V1")
	receive(t, "the POST", posting)
	w.stop()
	if r := w.record("V1"); r.State != run.Starting || !r.Unclear {
		t.Errorf("%s, unclear %t", r.State, r.Unclear)
	}
	w.close()

	w.gitlab.on(nil, nil)
	w.display.on(nil, nil)
	w.start()
	w.showsState("V1", run.Started)
	if w.gitlab.number() != 1 || w.gitlab.called("find") != 1 {
		t.Errorf("%d pipelines, %d looks", w.gitlab.number(), w.gitlab.called("find"))
	}
}

// Stopping before anything began is no failure.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if err := w.engine.Work(ctx); err != nil {
		t.Error(err)
	}
}

// Two engines work on one store: each does a part, and nothing is done twice.
func TestTwoEngines(t *testing.T) {
	t.Parallel()
	const runs = 24
	w := newWorld(t)
	w.gitlab.endsAfter = 2
	w.poll, w.startTimeout = 100*time.Millisecond, 10*time.Second
	w.prepare()
	// The first POST of each engine goes through only when the other has one too.
	var both sync.WaitGroup
	both.Add(2)
	var posts [2]atomic.Int32
	var stops []func()
	for i := range posts {
		var first sync.Once
		stops = append(stops, w.work(w.newEngine(withDoor{w.gitlab, func() {
			posts[i].Add(1)
			first.Do(both.Done)
			both.Wait()
		}})))
	}
	w.stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for i := range runs {
		w.submit(fmt.Sprint("V", i))
	}
	for i := range runs {
		w.showsState(fmt.Sprint("V", i), run.Ended)
	}
	w.rests()
	for i := range runs {
		id := fmt.Sprint("V", i)
		if got := w.gitlab.of(id); len(got) != 1 {
			t.Errorf("%s: pipelines %v", id, got)
		}
		if got := w.display.notices(id); !slices.Equal(got, []string{"ended:0"}) {
			t.Errorf("%s: notices %q", id, got)
		}
	}
	t.Logf("the engines made %d and %d POSTs", posts[0].Load(), posts[1].Load())
}

// withDoor is a GitLab that starts pipelines behind a door.
type withDoor struct {
	*fakeGitLab
	door func()
}

func (d withDoor) StartPipeline(ctx context.Context, s gitlab.Start) (gitlab.Pipeline, error) {
	d.door()
	return d.fakeGitLab.StartPipeline(ctx, s)
}
