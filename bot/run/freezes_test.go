package run_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"pipebot/bot/run"
)

// freezer is a store of freezes, whose signal tells when its mirror was told something.
type freezer struct {
	testing.TB
	*signal
	*run.Freezes
	ctx context.Context
}

func newFreezer(t testing.TB, conn *run.Conn) *freezer {
	t.Helper()
	s, err := run.OpenFreezes(testContext(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{t, &signal{}, s, testContext(t)}
	f.OnTold(f.broadcast)
	return f
}

// keep keeps the mirror until the returned function is called.
func (f *freezer) keep() (stop func()) {
	ctx, cancel := context.WithCancel(f.ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { f.Keep(ctx) })
	stop = func() { cancel(); keeping.Wait() }
	f.Cleanup(stop)
	return stop
}

func (f *freezer) add(freeze run.Freeze) run.Freeze {
	f.Helper()
	added, err := f.Add(f.ctx, freeze)
	if err != nil {
		f.Fatal(err)
	}
	return added
}

// lists checks what the store has.
func (f *freezer) lists(want ...run.Freeze) {
	f.Helper()
	got, err := f.List(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(append([]run.Freeze{}, want...), got); diff != "" {
		f.Errorf("listed (-want +got):\n%s", diff)
	}
}

// until waits until the mirror has it.
func (f *freezer) until(what string, is func([]run.Freeze, error) bool) {
	f.Helper()
	for {
		told := f.wait()
		got, err := f.Current(time.Now())
		if is(got, err) {
			return
		}
		if errors.Is(err, run.ErrFreezesUnknown) && f.Known(f.ctx) == nil {
			continue
		}
		select {
		case <-told:
		case <-f.ctx.Done():
			f.Fatalf("waited in vain: %s; the mirror has %+v, %v", what, got, err)
		}
	}
}

func isComplete(_ []run.Freeze, err error) bool { return err == nil }

func has(n int) func([]run.Freeze, error) bool {
	return func(got []run.Freeze, err error) bool { return err == nil && len(got) == n }
}

// What is frozen stays so until it is taken back, through a restart too.
func TestFreezesAreKept(t *testing.T) {
	t.Parallel()
	cfg := run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour}
	conn, err := run.Open(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := newFreezer(t, conn)
	f.lists()
	later := f.add(run.Freeze{Project: "group/app", Pattern: "release/*", By: "U1", Team: "T1", Reason: "audit\nglptt-s3cret", At: noon.Add(time.Hour)})
	everything := f.add(run.Freeze{By: "U2", At: noon, Until: time.Now().Add(time.Hour)})
	if len(later.ID) != 6 || later.ID == everything.ID || later.Reason != "audit ***" {
		t.Errorf("added %+v and %+v", later, everything)
	}
	f.lists(everything, later)
	conn.Close()

	f = newFreezer(t, open(t, cfg))
	f.lists(everything, later)
	f.keep()
	f.until("all is mirrored", has(2))
	if err := f.Remove(f.ctx, everything.ID); err != nil {
		t.Fatal(err)
	}
	f.lists(later)
	if got, err := f.Current(time.Now()); err != nil || len(got) != 1 {
		t.Errorf("the mirror has %+v, %v", got, err)
	}
	for _, id := range []string{everything.ID, "nobody", "", "*", "a.b"} {
		if err := f.Remove(f.ctx, id); !errors.Is(err, run.ErrNoFreeze) {
			t.Errorf("removing %q: %v", id, err)
		}
	}
}

// One with an end is over then, and goes.
func TestFreezesExpire(t *testing.T) {
	t.Parallel()
	f := newFreezer(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	f.keep()
	f.until("the mirror is complete", isComplete)
	stays := f.add(run.Freeze{At: noon})
	long := f.add(run.Freeze{Until: time.Now().Add(time.Hour)})
	for when, want := range map[time.Time]int{long.Until.Add(-time.Nanosecond): 2, long.Until: 1} {
		if got, err := f.Current(when); err != nil || len(got) != want {
			t.Errorf("at %s there are %+v, %v", when, got, err)
		}
	}
	if err := f.Remove(f.ctx, long.ID); err != nil {
		t.Fatal(err)
	}
	if err := f.PutRaw(f.ctx, "past", `{"id":"past","at":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}`); err != nil {
		t.Fatal(err)
	}
	f.lists(stays)
	short := f.add(run.Freeze{Until: time.Now().Add(time.Second)})
	f.until("the store has let go of it", func([]run.Freeze, error) bool { return !f.Knows(short.ID) })
	f.lists(stays)
}

// A freeze that would be another one, or none, is refused.
func TestFreezesRefuse(t *testing.T) {
	t.Parallel()
	f := newFreezer(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	for name, freeze := range map[string]run.Freeze{
		"over already":    {Until: time.Now().Add(-time.Second)},
		"two lines":       {Pattern: "release\n*"},
		"no text":         {Project: "\xff"},
		"a token":         {Pattern: "glptt-s3cret"},
		"a long pattern":  {Pattern: strings.Repeat("a", 501)},
		"a hidden letter": {Project: "group/app\u200b"},
	} {
		if _, err := f.Add(f.ctx, freeze); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.lists()
}

// What was frozen here holds here at once, before the watch has told of it, and what was
// removed does not.
func TestFreezeHoldsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFreezer(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	hangs, hold := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.OnTold(func() { once.Do(func() { close(hangs) }); <-hold })
	f.keep()
	f.until("the mirror is complete", isComplete)
	a, b := f.add(run.Freeze{At: noon}), f.add(run.Freeze{At: noon.Add(1)})
	got, err := f.Current(time.Now())
	if diff := cmp.Diff([]run.Freeze{a, b}, got); diff != "" || err != nil {
		t.Errorf("%v (-added +current):\n%s", err, diff)
	}
	receive(t, "the hanging watch", hangs) // it has told of the first, and tells of no more
	if err := f.Remove(f.ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	got, err = f.Current(time.Now())
	if diff := cmp.Diff([]run.Freeze{b}, got); diff != "" || err != nil {
		t.Errorf("after one was removed: %v (-want +current):\n%s", err, diff)
	}
	close(hold)
	f.until("one is left", has(1))
}

// Nothing counts as not frozen as long as that is not known.
func TestFreezesFailClosed(t *testing.T) {
	t.Parallel()
	conn := open(t, run.StoreConfig{Dir: t.TempDir()})
	f := newFreezer(t, conn)
	unknown := func(when string) {
		t.Helper()
		if got, err := f.Current(time.Now()); !errors.Is(err, run.ErrFreezesUnknown) {
			t.Errorf("%s: %+v, %v", when, got, err)
		}
	}
	f.add(run.Freeze{})
	f.add(run.Freeze{})
	unknown("before Keep")

	half, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.OnTold(func() { once.Do(func() { close(half); <-goOn }) })
	stop := f.keep()
	receive(t, "the first of two", half)
	unknown("with half of them read")
	close(goOn)
	f.until("all is mirrored", has(2))
	stop()
	unknown("after Keep")

	f.keep()
	f.until("all is mirrored again", has(2))
	conn.Close()
	unknown("with the store closed")
}

// One that cannot be read may be anything: nothing is free until it is removed.
func TestFreezeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFreezer(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	f.keep()
	f.until("the mirror is complete", isComplete)
	for id, data := range map[string]string{"text": "hello", "empty": "{}", "other": `{"id":"text","at":"2026-01-01T00:00:00Z"}`} {
		if err := f.PutRaw(f.ctx, id, data); err != nil {
			t.Fatal(err)
		}
		f.until("it is not known what is frozen", func(_ []run.Freeze, err error) bool {
			return err != nil && strings.Contains(err.Error(), id)
		})
		if _, err := f.List(f.ctx); err == nil || !strings.Contains(err.Error(), id) {
			t.Errorf("listing %s: %v", id, err)
		}
		if err := f.Remove(f.ctx, id); err != nil {
			t.Errorf("removing %s: %v", id, err)
		}
		f.until("nothing is frozen", has(0))
	}
}

// Another process's freezes are told; while the store is away nothing is known, and
// afterwards not before all has been read anew.
func TestFreezesOfAnOutsideNATS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := natsServer(t, dir, 0)
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	cfg := run.StoreConfig{URL: "nats://" + server.Addr().String()}
	conn := open(t, cfg)
	f, other := newFreezer(t, conn), newFreezer(t, open(t, cfg))
	f.keep()
	f.until("the mirror is complete", isComplete)
	first := other.add(run.Freeze{Project: "group/app", At: noon})
	f.until("the other's freeze is told", has(1))

	// The watch hangs while the connection goes and comes, so it does not learn of that.
	hangs, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.OnTold(func() { once.Do(func() { close(hangs); <-goOn }) })
	second := other.add(run.Freeze{At: noon.Add(time.Hour)})
	receive(t, "the hanging watch", hangs)
	away, back := conn.Statuses(nats.RECONNECTING), conn.Statuses(nats.CONNECTED)
	server = restart(t, server, dir, func() {
		receive(t, "the loss of the connection", away)
		if got, err := f.Current(time.Now()); !errors.Is(err, run.ErrFreezesUnknown) {
			t.Errorf("without a store: %+v, %v", got, err)
		}
		short, cancel := context.WithTimeout(f.ctx, time.Second)
		defer cancel()
		if got, err := f.Add(short, run.Freeze{Reason: "meanwhile"}); err == nil {
			t.Errorf("added without a store: %+v", got)
		}
	})
	receive(t, "the connection", back)
	third := newFreezer(t, open(t, cfg)).add(run.Freeze{At: noon.Add(2 * time.Hour)})
	if got, err := f.Current(time.Now()); !errors.Is(err, run.ErrFreezesUnknown) {
		t.Errorf("before it was read anew: %+v, %v", got, err)
	}
	close(goOn)
	f.until("all is mirrored", isComplete)
	got, err := f.Current(time.Now())
	if diff := cmp.Diff([]run.Freeze{first, second, third}, got); diff != "" || err != nil {
		t.Errorf("%v (-added +current):\n%s", err, diff)
	}
	f.lists(first, second, third)
}
