package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pipebot/gitlab"
)

// live mirrors the runs that are not at rest, as the store tells of them, so that
// no list and no poll has to read them all again.
type live struct {
	conn    *Conn
	log     *zap.Logger
	watch   *watch
	history History
	// moved is told of a run that is new here, or has moved.
	moved func(context.Context, Run)

	mu   sync.Mutex
	runs map[string]Run
}

func newLive(s *store, log *zap.Logger, moved func(context.Context, Run)) *live {
	l := &live{conn: s.conn, log: log, moved: moved, runs: make(map[string]Run)}
	l.watch = &watch{
		conn: s.conn, kv: s.kv, keys: runPrefix + "*", what: "the runs", log: log,
		began: l.began, changed: l.changed, complete: l.history.complete,
	}
	return l
}

func (l *live) began() {
	l.history.began()
	l.mu.Lock()
	clear(l.runs) // a run that is not known yet is announced when it is
	l.mu.Unlock()
}

// knowsAll waits until every record has been told of, at the start and whenever the
// connection was away meanwhile. Where it is away now nothing can be written either.
func (l *live) knowsAll(ctx context.Context) error {
	err := l.conn.Ready()
	if err == nil {
		err = l.watch.waitWhole(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading the runs: %w", err)
	}
	return nil
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
	l.moved(ctx, r)
}

func (l *live) forget(id string) {
	l.mu.Lock()
	delete(l.runs, id)
	l.mu.Unlock()
}

func (l *live) all() []Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.runs))
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
