package run_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"pipebot/bot/run"
)

// openQueue opens a queue whose tokens come back soon from who does not beat.
func openQueue(t *testing.T, ackWait time.Duration) *run.Queue {
	t.Helper()
	q, err := run.OpenQueue(testContext(t), open(t, run.StoreConfig{Dir: t.TempDir()}), zap.NewNop(), ackWait)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func tokens(t *testing.T, q *run.Queue) uint64 {
	t.Helper()
	n, err := q.Tokens(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func nothing(context.Context, string) {}

// work works on tokens until the returned function is called, which waits for the
// end of the work in hand.
func work(t *testing.T, q *run.Queue, workers int, handle func(context.Context, string) time.Duration, after func(context.Context, string)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	var working sync.WaitGroup
	working.Go(func() {
		if err := q.Work(ctx, run.KindRun, workers, handle, after); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); working.Wait() }
	t.Cleanup(stop)
	return stop
}

// receive waits for a signal.
func receive[T any](t testing.TB, what string, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-testContext(t).Done():
		t.Fatalf("waited in vain for %s", what)
	}
	return got
}

// A cluster that chooses who leads answers nothing, or 503: work begins when it does.
func TestWorkBeginsOnceThereIsALeader(t *testing.T) {
	t.Parallel()
	q, ctx := openQueue(t, time.Second), testContext(t)
	q.FailConsumers(context.DeadlineExceeded, &jetstream.APIError{Code: 503, ErrorCode: 10008})
	q.Publish(ctx, run.KindRun, "V1")
	worked := make(chan string, 1)
	work(t, q, 1, func(_ context.Context, key string) time.Duration { worked <- key; return 0 }, nothing)
	if got := receive(t, "the token", worked); got != "V1" {
		t.Errorf("worked on %q", got)
	}
}

// What JetStream refuses it refuses again.
func TestWorkEndsWhereItIsRefused(t *testing.T) {
	t.Parallel()
	q := openQueue(t, time.Second)
	q.FailConsumers(&jetstream.APIError{Code: 400, ErrorCode: 10099})
	if err := q.Work(testContext(t), run.KindRun, 1, nil, nothing); err == nil {
		t.Error("it goes on without a consumer")
	}
}

func TestOneTokenOfASubject(t *testing.T) {
	t.Parallel()
	q, ctx := openQueue(t, time.Second), testContext(t)
	q.Publish(ctx, run.KindRun, "V1")
	q.Publish(ctx, run.KindRun, "V1")
	q.Publish(ctx, run.KindRun, "V2")
	q.Publish(ctx, run.KindCard, "V1")
	made, err := q.Made(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := tokens(t, q); got != 3 || made != 3 {
		t.Errorf("%d tokens of %d that were made, want 3 of 3", got, made)
	}
}

// While a token is in hand a second one is refused. Once it is gone, after may
// publish a new one: a change in between is never lost.
func TestTokenInHandCounts(t *testing.T) {
	t.Parallel()
	q, ctx := openQueue(t, time.Second), testContext(t)
	handled := make(chan string, 4)
	var again sync.Once
	work(t, q, 2, func(ctx context.Context, key string) time.Duration {
		q.Publish(ctx, run.KindRun, key)
		if got, err := q.Tokens(ctx); got != 1 || err != nil {
			t.Errorf("%d tokens while one is in hand, want 1; %v", got, err)
		}
		handled <- key
		return 0
	}, func(ctx context.Context, key string) {
		again.Do(func() { q.Publish(ctx, run.KindRun, key) })
	})
	q.Publish(ctx, run.KindRun, "V1")
	receive(t, "the token", handled)
	receive(t, "the token that was made after the first had gone", handled)
}

func TestTokenComesAgain(t *testing.T) {
	t.Parallel()
	q, ctx := openQueue(t, time.Minute), testContext(t)
	var times atomic.Int32
	gone := make(chan string, 1)
	stop := work(t, q, 2, func(context.Context, string) time.Duration {
		if times.Add(1) < 3 {
			return time.Millisecond
		}
		return 0
	}, func(_ context.Context, key string) { gone <- key })
	q.Publish(ctx, run.KindRun, "V1")
	if got := receive(t, "the end of the token", gone); got != "V1" {
		t.Errorf("%q is done", got)
	}
	stop()
	if times.Load() != 3 || tokens(t, q) != 0 {
		t.Errorf("handled %d times, %d tokens are left", times.Load(), tokens(t, q))
	}
}

// fakeToken is a token that tells what was done with it.
type fakeToken struct {
	jetstream.Msg
	beats  chan struct{}
	cutOff bool // no beat gets through
	done   []string
}

func (*fakeToken) Subject() string { return "work.run.V1" }

func (f *fakeToken) InProgress() error {
	select {
	case f.beats <- struct{}{}:
	default: // nobody waits for it just now
	}
	if f.cutOff {
		return nats.ErrDisconnected
	}
	return nil
}

func (f *fakeToken) DoubleAck(context.Context) error { f.done = append(f.done, "acked"); return nil }

func (f *fakeToken) NakWithDelay(d time.Duration) error {
	f.done = append(f.done, "wanted again in "+d.String())
	return nil
}

// A holder that takes its time keeps its token, and hands it back once.
func TestTokenStaysWithItsHolder(t *testing.T) {
	t.Parallel()
	for want, delay := range map[string]time.Duration{"acked": 0, "wanted again in 3s": 3 * time.Second} {
		token := &fakeToken{beats: make(chan struct{})}
		run.HandleToken(testContext(t), token, run.KindRun, 10*time.Millisecond, func(_ context.Context, key string) time.Duration {
			if key != "V1" {
				t.Errorf("key %q", key)
			}
			receive(t, "a beat", token.beats)
			receive(t, "another beat", token.beats)
			return delay
		}, func(context.Context, string) { token.done = append(token.done, "looked at anew") })
		if delay == 0 {
			want += ", looked at anew"
		}
		if got := strings.Join(token.done, ", "); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

func TestPanicEndsOnlyItsWork(t *testing.T) {
	t.Parallel()
	var log logged
	q, err := run.OpenQueue(testContext(t), open(t, run.StoreConfig{Dir: t.TempDir()}), log.logger(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan string, 1)
	stop := work(t, q, 1, func(_ context.Context, key string) time.Duration {
		if key == "bad" {
			return []time.Duration{}[len(key)]
		}
		return 0
	}, func(_ context.Context, key string) { gone <- key })
	q.Publish(testContext(t), run.KindRun, "bad")
	q.Publish(testContext(t), run.KindRun, "good")
	if got := receive(t, "the good one", gone); got != "good" {
		t.Errorf("%q is done", got)
	}
	stop()
	if got := tokens(t, q); got != 1 {
		t.Errorf("%d tokens, want that of the bad one", got)
	}
	if !strings.Contains(log.String(), "index out of range") {
		t.Errorf("the log does not tell of it:\n%s", log.String())
	}
}

// When ctx ends, what is in hand is finished and what is not stays.
func TestWorkDrains(t *testing.T) {
	t.Parallel()
	q := openQueue(t, time.Minute)
	begun, release := make(chan string), make(chan struct{})
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var done atomic.Int32
	worked := make(chan error, 1)
	go func() {
		worked <- q.Work(ctx, run.KindRun, 1, func(inHand context.Context, key string) time.Duration {
			begun <- key
			<-release
			if err := inHand.Err(); err != nil {
				t.Errorf("the work in hand was cut: %v", err)
			}
			done.Add(1)
			return 0
		}, nothing)
	}()
	q.Publish(ctx, run.KindRun, "V1")
	q.Publish(ctx, run.KindRun, "V2")
	receive(t, "work", begun)
	cancel()
	select {
	case err := <-worked:
		t.Errorf("it did not wait for the work in hand: %v", err)
	default:
	}
	close(release)
	if err := receive(t, "the end of Work", worked); err != nil {
		t.Error(err)
	}
	if got := tokens(t, q); done.Load() != 1 || got != 1 {
		t.Errorf("%d done, %d left; want 1 and 1", done.Load(), got)
	}
}

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) logger() *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(l), zapcore.DebugLevel))
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Who cannot keep the token of a card stops drawing it, and leaves the token to the one
// who has it by then. A start is brought to its end.
func TestTokenIsLost(t *testing.T) {
	t.Parallel()
	for kind, want := range map[run.Kind]string{run.KindCard: "", run.KindRun: "acked, looked at anew"} {
		token := &fakeToken{beats: make(chan struct{}), cutOff: true}
		run.HandleToken(testContext(t), token, kind, 10*time.Millisecond, func(ctx context.Context, _ string) time.Duration {
			for range 5 { // beats in vain; with the third or fourth the token is another's
				select {
				case <-token.beats:
				case <-ctx.Done():
				}
			}
			if lost := ctx.Err() != nil; lost != (kind == run.KindCard) {
				t.Errorf("%s: its work is over: %t", kind, lost)
			}
			return 0
		}, func(context.Context, string) { token.done = append(token.done, "looked at anew") })
		if got := strings.Join(token.done, ", "); got != want {
			t.Errorf("%s: %q; want %q", kind, got, want)
		}
	}
}
