package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	streamName  = "PIPEBOT_WORK"
	workSubject = "work."

	// ackWait is how long a dead process's work stays with it.
	ackWait = 5 * time.Second
	// drain is how long work in hand may go on after the stop was asked for. What
	// it brought is written down and its token handed back after that, which takes
	// two writes: all of it stays below ten seconds.
	drain = 5 * time.Second
)

// kind is a sort of work, and the middle of its tokens' subjects.
type kind string

const (
	kindRun  kind = "run"  // start a run, or settle the acts on it; the key is the run's
	kindPoll kind = "poll" // poll a project; the key is GitLab's id
	kindCard kind = "card" // show a run; the key is the run's
)

func (k kind) subject(key string) string { return workSubject + string(k) + "." + key }

// queue hands out tokens of work. There is at most one of a subject, and one that
// is being worked on counts.
type queue struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	log     *zap.Logger
	ackWait time.Duration
	drain   time.Duration
}

func openQueue(ctx context.Context, conn *Conn, log *zap.Logger) (*queue, error) {
	stream, err := withReplicas(ctx, conn, "the queue of work", func(ctx context.Context, replicas int) (jetstream.Stream, error) {
		return conn.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: streamName, Description: "pipebot: tokens of work", Replicas: replicas,
			Subjects:  []string{workSubject + ">"},
			Retention: jetstream.WorkQueuePolicy,
			// A second token of a subject is refused while one stands.
			MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		})
	})
	if err != nil {
		return nil, err
	}
	return &queue{js: conn.js, stream: stream, log: log, ackWait: ackWait, drain: drain}, nil
}

// errCodeMaxPerSubject: a token of the subject stands already.
const errCodeMaxPerSubject jetstream.ErrorCode = 10077

// publish makes a token. That there is one already is as good; any other failure
// is mended by the sweep.
func (q *queue) publish(ctx context.Context, k kind, key string) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	_, err := q.js.Publish(ctx, k.subject(key), nil)
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == errCodeMaxPerSubject {
		return
	}
	if err != nil && ctx.Err() == nil {
		q.log.Warn("making a token of work failed", zap.String("key", string(k)+"."+key), zap.Error(err))
	}
}

// work lets as many workers handle tokens of a kind until ctx ends. handle returns
// after how long it wants the token again, 0 for done; after is called when a
// token is gone for good.
func (q *queue) work(ctx context.Context, k kind, workers int, handle func(context.Context, string) time.Duration, after func(context.Context, string)) error {
	consumer, err := q.consumer(ctx, k)
	if ctx.Err() != nil {
		return nil // stopped before it began
	}
	if err != nil {
		return fmt.Errorf("opening the consumer of %s tokens: %w", k, err)
	}
	// Work in hand gets a while of its own when ctx ends.
	inHand, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(q.drain, cancel) })
	defer stop()
	var workersDone sync.WaitGroup
	for range workers {
		workersDone.Go(func() {
			for ctx.Err() == nil {
				q.take(ctx, inHand, consumer, k, handle, after)
			}
		})
	}
	workersDone.Wait()
	return nil
}

// consumer opens the consumer of a kind. While a cluster chooses who leads it gives no
// answer, which is no reason to end: the other kinds may be at work already.
func (q *queue) consumer(ctx context.Context, k kind) (jetstream.Consumer, error) {
	for {
		consumer, err := q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: "pipebot-" + string(k), FilterSubject: k.subject("*"),
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: q.ackWait,
			// Tokens that wait for their next turn count as pending.
			MaxAckPending: -1,
		})
		if err == nil || ctx.Err() != nil || refused(err) {
			return consumer, err
		}
		q.log.Warn("opening a consumer failed, trying again", zap.String("kind", string(k)), zap.Error(err))
		pause(ctx)
	}
}

// refused reports whether JetStream said no, which it would say again. What it answers
// with 503 is that it cannot tell just now.
func refused(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code != http.StatusServiceUnavailable
}

// take handles tokens one after the other until ctx ends or the connection does.
func (q *queue) take(ctx, inHand context.Context, consumer jetstream.Consumer, k kind, handle func(context.Context, string) time.Duration, after func(context.Context, string)) {
	// A short expiry and heartbeats: a dead cluster node could cost 30 s otherwise.
	tokens, err := consumer.Messages(jetstream.PullMaxMessages(1),
		jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		q.log.Warn("asking for work failed", zap.String("kind", string(k)), zap.Error(err))
		pause(ctx)
		return
	}
	defer tokens.Stop()
	for {
		token, err := tokens.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			if err == nil {
				_ = token.Nak() // for another process, at once
			}
			return
		}
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue
		}
		if err != nil {
			q.log.Warn("waiting for work failed", zap.String("kind", string(k)), zap.Error(err))
			pause(ctx)
			return
		}
		q.handle(inHand, token, k, handle, after)
	}
}

func (q *queue) handle(ctx context.Context, token jetstream.Msg, k kind, handle func(context.Context, string) time.Duration, after func(context.Context, string)) {
	key := strings.TrimPrefix(token.Subject(), k.subject(""))
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var beating sync.WaitGroup
	beating.Go(func() {
		q.heartbeat(work, token, func() {
			if k.handsOver() {
				cancel(errTokenLost)
			}
		})
	})
	delay := q.guarded(work, k, key, handle)
	lost := errors.Is(context.Cause(work), errTokenLost)
	cancel(nil)
	beating.Wait()
	if lost {
		q.log.Warn("stopped working on what another does by now", zap.String("key", token.Subject()))
		return
	}
	// The answer must reach the server though the work's own time is over.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer done()
	var err error
	if delay > 0 {
		err = token.NakWithDelay(delay)
	} else if err = token.DoubleAck(ctx); err == nil {
		after(ctx, key)
	}
	if err != nil {
		q.log.Warn("handing back a token failed", zap.String("key", token.Subject()), zap.Error(err))
	}
}

// guarded keeps one bad record from ending the process for all others.
func (q *queue) guarded(ctx context.Context, k kind, key string, handle func(context.Context, string) time.Duration) (delay time.Duration) {
	err := guarded(func() error {
		delay = handle(ctx, key)
		return nil
	})
	if err != nil {
		q.log.Error("work panicked", zap.String("key", string(k)+"."+key), zap.Error(err))
		return time.Minute
	}
	return delay
}

// errTokenLost: no beat was sent for so long that the token is another's.
var errTokenLost = errors.New("the token was given to another one")

// handsOver reports whether work of a kind has to end where its token is another's. What
// people are shown must not be drawn by one who has been stopped for a while: it could be
// of before. A start goes on: its record keeps a second one away, and who breaks it off
// loses GitLab's answer. A poll's answer is held against the record's.
func (k kind) handsOver() bool { return k == kindCard }

// heartbeat keeps a token with the one who works on it until ctx ends. It calls late where
// the process was stopped for so long, or cut off from the server, that another has it.
func (q *queue) heartbeat(ctx context.Context, token jetstream.Msg, late func()) {
	beat := time.NewTicker(q.ackWait / 3)
	defer beat.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		if time.Since(last) >= q.ackWait {
			late()
		}
		if token.InProgress() == nil { // a lost beat is made up for by the next
			last = time.Now()
		}
	}
}

// pause waits a second, or less if ctx ends.
func pause(ctx context.Context) { pauseFor(ctx, time.Second) }

func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
