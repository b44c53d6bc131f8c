package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pipebot/gitlab"
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

	known   chan struct{} // closed once every record has been told of
	closing sync.Once     // closes it

	mu   sync.Mutex
	runs map[string]Run
}

func newLive(s *store, q *queue, log *zap.Logger) *live {
	return &live{store: s, queue: q, log: log, every: sweepEvery, runs: make(map[string]Run), known: make(chan struct{})}
}

// watch follows every change of every record until ctx ends.
func (l *live) watch(ctx context.Context) {
	w := watch{
		conn: l.store.conn, kv: l.store.kv, keys: runPrefix + "*", what: "the runs", log: l.log,
		began: l.began, changed: l.changed, complete: l.complete,
	}
	w.keep(ctx)
}

func (l *live) began() {
	l.history.began()
	l.mu.Lock()
	clear(l.runs) // a run that is not known yet is announced when it is
	l.mu.Unlock()
}

func (l *live) complete(all bool) {
	if all {
		l.history.complete()
		l.closing.Do(func() { close(l.known) })
	}
}

// knowsAll waits until every record there was at the start has been told of.
func (l *live) knowsAll(ctx context.Context) error {
	select {
	case <-l.known:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reading the runs: %w", ctx.Err())
	}
}

func (l *live) changed(ctx context.Context, entry jetstream.KeyValueEntry) {
	id := strings.TrimPrefix(entry.Key(), runPrefix)
	if entry.Operation() != jetstream.KeyValuePut {
		l.history.remove(id)
		l.forget(id)
		return
	}
	r, err := decode(entry.Value())
	if err != nil {
		l.log.Error("a record cannot be read and is left alone", zap.String("run", id), zap.Error(err))
		l.history.remove(id)
		l.forget(id)
		return
	}
	l.history.put(r)
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

// announce makes the tokens of work that the run needs.
func (l *live) announce(ctx context.Context, r Run) {
	switch r.State {
	case Held, Requested, Starting:
		l.queue.publish(ctx, kindRun, r.Request.ID)
	case Started:
		l.queue.publish(ctx, kindPoll, projectKey(r.Project.ID))
		if r.strays() {
			l.queue.publish(ctx, kindRun, r.Request.ID)
		}
	case Ended, Refused, Unknown:
	}
	if len(r.Doing) > 0 {
		l.queue.publish(ctx, kindRun, r.Request.ID)
	}
	l.announceCard(ctx, r)
}

func (l *live) announceCard(ctx context.Context, r Run) {
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
			err := guarded(func() error {
				for _, r := range l.onePerToken() {
					l.announce(ctx, r)
				}
				return nil
			})
			if err != nil {
				l.log.Error("a sweep ended early", zap.Error(err))
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
		if r.State == Started && r.current() && !r.strays() && len(r.Doing) == 0 {
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

// held are the runs of somebody that wait until it is known who they are.
func (l *live) held(team, user string) []Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	var runs []Run
	for _, r := range l.runs {
		if r.State == Held && r.Hold.For == ForLink && r.Request.Team == team && r.Request.Asker == user {
			runs = append(runs, r)
		}
	}
	return runs
}

func (l *live) running(project string, ref gitlab.Ref, buildType string) []Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	var runs []Run
	for _, r := range l.runs {
		asked := r.Request
		if asked.Follow || asked.Project != project || asked.Ref != ref || asked.BuildType != buildType {
			continue
		}
		if r.State == Requested || r.State == Starting || r.State == Started {
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, func(a, b Run) int { return b.Request.At.Compare(a.Request.At) })
	return runs
}

func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.runs)
}

// behind is how many runs there are whose newest state people have not been shown.
func (l *live) behind() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.runs {
		if !r.current() {
			n++
		}
	}
	return n
}
