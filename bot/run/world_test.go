package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Engines are tested at this pace.
const (
	pollInterval = 20 * time.Millisecond
	startTimeout = 100 * time.Millisecond
	startSettle  = 50 * time.Millisecond
	testAckWait  = 5 * time.Second // no machine is too busy for a heartbeat within
	testDrain    = 5 * time.Second
	testSweep    = 100 * time.Millisecond
)

// What must be in no log.
const (
	secretURL   = "https://hooks.slack.com/commands/T1/s3cret"
	secretValue = "hunter2"
)

// world is an engine on a real store, between fakes.
type world struct {
	testing.TB
	*signal
	ctx     context.Context
	gitlab  *fakeGitLab
	display *fakeDisplay
	gate    *fakeGate
	audit   *run.Audit // nil: none is kept
	log     *logged
	cfg     run.StoreConfig
	conn    *run.Conn
	engine  *run.Engine
	stop    func()

	poll, startTimeout, settle, ackWait, drain, sweep time.Duration

	dying atomic.Bool // the store goes while the engine works
}

// newWorld is a world in which nothing runs yet.
func newWorld(t testing.TB) *world {
	t.Helper()
	s := &signal{}
	w := &world{
		TB: t, signal: s, ctx: testContext(t), gitlab: newGitLab(s), log: &logged{},
		poll: pollInterval, startTimeout: startTimeout, settle: startSettle, ackWait: testAckWait, drain: testDrain, sweep: testSweep,
		display: &fakeDisplay{script: newScript(s)}, gate: &fakeGate{signal: s},
		cfg: run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour},
	}
	t.Cleanup(func() {
		w.close()
		for _, secret := range []string{secretURL, secretValue, "glptt-t0ken"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds %s:\n%s", secret, w.log)
			}
		}
		if t.Failed() {
			t.Logf("the log:\n%s", w.log)
		}
	})
	return w
}

// running is a world whose engine works.
func running(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.start()
	return w
}

// audited is a running world that keeps an audit log.
func audited(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	conn, err := run.Open(w.ctx, w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.conn = conn
	if w.audit, err = run.OpenAudit(w.ctx, conn, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.start()
	return w
}

// start opens the store if it is closed, and lets an engine work on it.
func (w *world) start() {
	w.Helper()
	w.prepare()
	w.stop = w.work(w.engine)
}

// prepare makes an engine that does not work yet.
func (w *world) prepare() {
	w.Helper()
	if w.conn == nil {
		conn, err := run.Open(w.ctx, w.cfg)
		if err != nil {
			w.Fatal(err)
		}
		w.conn = conn
	}
	w.engine = w.newEngine(w.gitlab)
}

func (w *world) newEngine(g interface {
	run.GitLab
	run.Projects
},
) *run.Engine {
	w.Helper()
	e, err := run.NewEngine(w.ctx, w.conn, run.Config{
		GitLab: g, Projects: g, Display: w.display, Gate: w.gate, Audit: w.audit, Log: w.log.logger(), BuildTypeVariable: "BUILD_TYPE",
		PollInterval: w.poll, StartTimeout: w.startTimeout, StartSettle: w.settle,
	})
	if err != nil {
		w.Fatal(err)
	}
	e.SetPace(w.ackWait, w.drain, w.sweep)
	return e
}

// work lets an engine work until the returned function is called.
func (w *world) work(e *run.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	var working sync.WaitGroup
	working.Go(func() {
		if err := e.Work(ctx); err != nil && !w.dying.Load() {
			w.Errorf("working: %v", err)
		}
	})
	return func() { cancel(); working.Wait() }
}

// close stops the engine, as SIGTERM does, and closes the store.
func (w *world) close() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// request is a request as Slack brings it.
func request(id string) run.Request {
	return run.Request{
		ID: id, Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, BuildType: "debug",
		Variables: map[string]string{"PASSWORD": secretValue}, Asker: "U1", Channel: "C1", ReplyURL: secretURL, At: time.Now(),
		Trigger: true,
	}
}

// submit asks for a pipeline.
func (w *world) submit(id string) {
	w.Helper()
	if _, created, err := w.engine.Submit(w.ctx, request(id), nil); err != nil || !created {
		w.Fatalf("submitting %s: created %t, %v", id, created, err)
	}
}

// until waits until something is the case.
func (w *world) until(what string, is func() bool) {
	w.Helper()
	if !w.eventually(is) {
		w.Fatalf("waited in vain: %s", what)
	}
}

func (w *world) eventually(is func() bool) bool {
	for {
		changed := w.wait()
		if is() {
			return true
		}
		select {
		case <-changed:
		case <-w.ctx.Done():
			return false
		}
	}
}

// shows waits until people are shown a run that is as it should be.
func (w *world) shows(id, what string, is func(run.Run) bool) run.Run {
	w.Helper()
	var last run.Run
	w.until(fmt.Sprintf("%s is shown: %s", id, what), func() bool {
		last = w.display.last(id)
		return last.Version > 0 && is(last)
	})
	return last
}

// showsState waits until people are shown a run in a state.
func (w *world) showsState(id string, state run.State) run.Run {
	w.Helper()
	return w.shows(id, string(state), func(r run.Run) bool { return r.State == state })
}

// showsStatus waits until people are shown a run's pipeline at a status.
func (w *world) showsStatus(id string, status gitlab.Status) run.Run {
	w.Helper()
	return w.shows(id, string(status), func(r run.Run) bool { return r.Pipeline.Status == status })
}

// rests waits until nothing is left to do for any run.
func (w *world) rests() {
	w.Helper()
	if err := w.engine.Store().Rests(w.ctx); err != nil {
		w.Fatalf("waited in vain until all runs are at rest: %v", err)
	}
}

// record is the run as it is written down.
func (w *world) record(id string) run.Run {
	w.Helper()
	r, err := w.engine.Find(w.ctx, id)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// fakeDisplay shows runs to nobody and remembers it, as the real one does: what was
// done is saved before the next thing is begun.
type fakeDisplay struct {
	script

	mu    sync.Mutex
	shown []run.Run
	drawn []string // the hash of each edit of a card
	told  []string // id and name of each notice and reply
	again time.Duration
	// during is called while a run is shown.
	during func(context.Context, run.Run) error
}

func cardHash(r run.Run) string {
	return fmt.Sprint(r.Request.ID, r.State, r.Pipeline.Status, r.Lives, len(r.Progress.Stages))
}

func (d *fakeDisplay) Show(ctx context.Context, r run.Run, save func(run.Shown) error) (time.Duration, error) {
	if err := d.begin(ctx, "show"); err != nil {
		return 0, err
	}
	if d.during != nil {
		if err := d.during(ctx, r); err != nil {
			return 0, err
		}
	}
	s := r.Shown
	tell := func(name string) error {
		if slices.Contains(s.Told, name) {
			return nil
		}
		d.mu.Lock()
		d.told = append(d.told, r.Request.ID+" "+name)
		d.mu.Unlock()
		s.Told = append(s.Told, name)
		return save(s)
	}
	if r.State == run.Requested && r.Waiting != nil {
		if err := tell("waits"); err != nil {
			return 0, err
		}
	}
	if hash := cardHash(r); s.Hash != hash {
		d.mu.Lock()
		d.drawn = append(d.drawn, hash)
		d.mu.Unlock()
		s.Card, s.Hash, s.At = "card", hash, time.Now()
		if err := save(s); err != nil {
			return 0, err
		}
	}
	if r.TellsEnd() {
		if err := tell(fmt.Sprint("ended:", r.Lives)); err != nil {
			return 0, err
		}
	}
	d.mu.Lock()
	d.shown = append(d.shown, r)
	again := d.again
	d.again = 0
	d.mu.Unlock()
	return again, d.end(ctx, "show", nil)
}

// last is a run as it was last shown.
func (d *fakeDisplay) last(id string) run.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range slices.Backward(d.shown) {
		if r.Request.ID == id {
			return r
		}
	}
	return run.Run{}
}

// ever reports whether a run was shown as it should be at some time.
func (d *fakeDisplay) ever(id string, is func(run.Run) bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.shown, func(r run.Run) bool { return r.Request.ID == id && is(r) })
}

// edits is how often a card was drawn with this hash.
func (d *fakeDisplay) edits(hash string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, drawn := range d.drawn {
		if drawn == hash {
			n++
		}
	}
	return n
}

// notices are what people were told of a run, in order.
func (d *fakeDisplay) notices(id string) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, told := range d.told {
		if name, ok := strings.CutPrefix(told, id+" "); ok {
			names = append(names, name)
		}
	}
	return names
}
