package run

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// sweepEvery is how often every record that is not at rest gets its tokens. It is
// what makes up for any token that was lost.
const sweepEvery = 5 * time.Second

// live mirrors the runs that are not at rest, as the store tells of them, so that
// no list and no poll has to read them all again.
type live struct {
	store   *store
	queue   *queue
	log     *zap.Logger
	every   time.Duration // between two sweeps
	history History

	mu   sync.Mutex
	runs map[string]Run
}

func newLive(s *store, q *queue, log *zap.Logger) *live {
	return &live{store: s, queue: q, log: log, every: sweepEvery, runs: make(map[string]Run)}
}

// watch follows every change of every record until ctx ends. An outside NATS can
// end a watch: then it begins anew.
func (l *live) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.watchOnce(ctx); err != nil && ctx.Err() == nil {
			l.log.Warn("watching the runs ended, beginning anew", zap.Error(err))
			pause(ctx)
		}
	}
}

var (
	errWatchEnded  = errors.New("the watch was ended by the store")
	errReconnected = errors.New("the connection to the store was lost meanwhile")
)

func (l *live) watchOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The server's end of a watch may be gone with the connection, and the client
	// would take a quarter of a minute to miss its heartbeats.
	connected := l.store.conn.nc.StatusChanged(nats.CONNECTED)
	defer l.store.conn.nc.RemoveStatusListener(connected)
	watcher, err := l.store.kv.Watch(ctx, runPrefix+"*")
	if err != nil {
		return err
	}
	defer stopWatching(watcher)
	l.forgetAll() // the watch begins with every record there is
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-connected:
			return errReconnected
		case entry, ok := <-watcher.Updates():
			if !ok {
				return errWatchEnded
			}
			if entry != nil { // nil marks the end of what was there at the start
				l.changed(ctx, entry)
			}
		}
	}
}

// stopWatching also takes what was on its way: the watcher waits for its reader.
func stopWatching(watcher jetstream.KeyWatcher) {
	_ = watcher.Stop() // nothing to do about a watcher that is gone
	go func() {
		for range watcher.Updates() {
		}
	}()
}

func (l *live) changed(ctx context.Context, entry jetstream.KeyValueEntry) {
	id := strings.TrimPrefix(entry.Key(), runPrefix)
	if entry.Operation() != jetstream.KeyValuePut {
		l.forget(id)
		return
	}
	r, err := decode(entry.Value())
	if err != nil {
		l.log.Error("a record cannot be read and is left alone", zap.String("run", id), zap.Error(err))
		l.forget(id)
		return
	}
	l.history.add(r.Request)
	if r.atRest() {
		l.forget(id)
		return
	}
	l.mu.Lock()
	before, known := l.runs[id]
	l.runs[id] = r
	l.mu.Unlock()
	if known && before.State == r.State && before.Version == r.Version {
		return // its holder took a note; the tokens that it needs stand
	}
	l.announce(ctx, r)
}

func (l *live) forget(id string) {
	l.mu.Lock()
	delete(l.runs, id)
	l.mu.Unlock()
}

func (l *live) forgetAll() {
	l.mu.Lock()
	clear(l.runs)
	l.mu.Unlock()
}

// announce makes the tokens of work that the run needs.
func (l *live) announce(ctx context.Context, r Run) {
	switch r.State {
	case Requested, Starting:
		l.queue.publish(ctx, kindRun, r.Request.ID)
	case Started:
		l.queue.publish(ctx, kindPoll, projectKey(r.Project.ID))
	case Ended, Refused, Unknown:
	}
	if !r.current() {
		l.queue.publish(ctx, kindCard, r.Request.ID)
	}
}

// sweep announces everything, again and again.
func (l *live) sweep(ctx context.Context) {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if l.store.conn.Ready() != nil {
				continue // the watch begins anew when the store is back, and tells all
			}
			for _, r := range l.onePerToken() {
				l.announce(ctx, r)
			}
		}
	}
}

// onePerToken leaves out the runs whose only token another run has already.
func (l *live) onePerToken() []Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	polled := make(map[int64]bool)
	var runs []Run
	for _, r := range l.runs {
		if r.State == Started && r.current() {
			if polled[r.Project.ID] {
				continue
			}
			polled[r.Project.ID] = true
		}
		runs = append(runs, r)
	}
	return runs
}

// followed are the runs whose pipelines are to be polled in a project.
func (l *live) followed(project string) []Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	var runs []Run
	for _, r := range l.runs {
		if r.State == Started && projectKey(r.Project.ID) == project {
			runs = append(runs, r)
		}
	}
	return runs
}

func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.runs)
}
