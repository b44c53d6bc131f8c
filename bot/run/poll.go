package run

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pipebot/gitlab"
)

// readTimeout bounds the GitLab requests of one piece of work.
const readTimeout = 20 * time.Second

const (
	// quietAfter is how often a pipeline is read whose status does not change.
	quietAfter = 5 * time.Minute
	// listOverlap is how far each list reaches back behind the newest change seen:
	// a transaction can become visible after a younger one.
	listOverlap = 10 * time.Second
)

// poller is what is remembered of one project between two polls. It is no more
// than a saving: without it everything is read once.
type poller struct {
	mu       sync.Mutex
	newest   time.Time // the newest updated_at seen, by GitLab's clock
	listedAt time.Time // when GitLab was last asked for a list that it gave
	readAt   map[string]time.Time
	notUntil time.Time

	// How often in a row the project was polled in vain, and what that means.
	failures int
	silence  Silence
	told     bool      // people were told
	hushed   time.Time // until when they are not, since another bot knows better
}

// pollers hands out the poller of each project.
type pollers struct{ byProject sync.Map }

func (p *pollers) of(project string) *poller {
	got, _ := p.byProject.LoadOrStore(project, &poller{readAt: make(map[string]time.Time)})
	return got.(*poller) //nolint:forcetypeassert // only pollers are stored
}

// poll looks once at everything that is followed in a project. Its times are compared
// within this process alone, and so by a clock that nobody sets, but for one that is held
// against GitLab's (observed): a jump of the wall clock changes nothing else here.
func (e *Engine) poll(ctx context.Context, project string) time.Duration {
	runs := e.live.followed(project)
	if len(runs) == 0 {
		return 0
	}
	p := e.pollers.of(project)
	if !p.mu.TryLock() {
		return e.PollInterval // a token of it is still being worked on here
	}
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.notUntil) {
		return min(e.PollInterval, p.notUntil.Sub(now))
	}
	asking, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	listed, err := e.list(asking, p, runs[0].Project.ID, now)
	if ctx.Err() != nil {
		return e.PollInterval // stopped: that says nothing about GitLab
	}
	if err != nil {
		p.failed(err, now, time.Now().Add(max(e.pollBackoff(p.failures+1), retryAfter(err))))
		e.tellSilence(ctx, p, runs, time.Now())
		return e.failed("polling a project", project, err, min(e.PollInterval, time.Until(p.notUntil)))
	}
	p.answered()
	err = e.readDue(asking, p, runs, listed, now)
	e.tellHeard(ctx, project)
	if err != nil {
		// GitLab answers, but not for all: the others are not held up by that.
		p.notUntil = time.Now().Add(retryAfter(err))
		return e.failed("reading pipelines", project, err, e.PollInterval)
	}
	return e.PollInterval
}

// list gives the pipelines of a project that changed since the last list. It also proves
// that the project can be seen: a 404 means a deleted pipeline then.
func (e *Engine) list(ctx context.Context, p *poller, project int64, now time.Time) ([]gitlab.Pipeline, error) {
	since := p.newest.Add(-listOverlap)
	if p.newest.IsZero() || now.Sub(p.listedAt) > quietAfter {
		// What changed longer ago than quietAfter is read for its age.
		since = later(since, now.Add(-quietAfter))
	}
	listed, err := e.GitLab.ListPipelines(ctx, project, gitlab.ListFilter{UpdatedAfter: since})
	if err != nil {
		return nil, err
	}
	p.listedAt = now
	for _, pipeline := range listed {
		p.newest = later(p.newest, pipeline.UpdatedAt)
	}
	return listed, nil
}

// readDue reads the pipelines that are due: those that have ended each by itself, and the
// others in batches. One that cannot be read or written does not hold up the others; it
// stays due.
func (e *Engine) readDue(ctx context.Context, p *poller, runs []Run, listed []gitlab.Pipeline, now time.Time) error {
	project := runs[0].Project
	reading := due(p.watched(runs), listed, now, cadence{progress: 2 * e.PollInterval, quiet: quietAfter})
	if len(reading) == 0 {
		return nil
	}
	// Where not all can be read in time, each gets its turn.
	slices.SortStableFunc(reading, func(a, b watched) int { return a.readAt.Compare(b.readAt) })
	over := endedOf(reading, listed)
	var ids []int64
	alone := make(map[int64]func() (gitlab.Observation, error)) // reads it once, for all who show it
	for _, w := range reading {
		id := w.run.Pipeline.ID
		if alone[id] == nil {
			alone[id] = sync.OnceValues(func() (gitlab.Observation, error) { return e.readAlone(ctx, project.ID, id) })
			ids = append(ids, id)
		}
		delete(p.readAt, w.run.Request.ID)
	}
	ids = slices.DeleteFunc(ids, func(id int64) bool { return over[id] })
	observations, failed := e.readBatch(ctx, project, ids)
	if failed != nil { // what is missing may just not have been read
		reading = slices.DeleteFunc(reading, func(w watched) bool {
			_, ok := observations[w.run.Pipeline.ID]
			return !ok && !over[w.run.Pipeline.ID]
		})
	}
	recorded, err := recordEach(ctx, reading, func(w watched) error {
		o, ok := observations[w.run.Pipeline.ID]
		if ok && !o.Pipeline.Status.Ended() {
			return e.record(ctx, w.run, o, nil, now)
		}
		return e.record(ctx, w.run, o, alone[w.run.Pipeline.ID], now)
	})
	for _, id := range recorded {
		p.readAt[id] = now
	}
	return worse(failed, err)
}

// recordEach records the runs, a few at once, and returns the ids of those that were, and
// what went wrong with another.
func recordEach(ctx context.Context, reading []watched, record func(watched) error) (recorded []string, failed error) {
	var (
		group errgroup.Group
		mu    sync.Mutex
	)
	group.SetLimit(aloneAtOnce)
	for _, w := range reading {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil // it stays due
			}
			err := record(w)
			mu.Lock()
			defer mu.Unlock()
			if failed = worse(failed, err); err == nil {
				recorded = append(recorded, w.run.Request.ID)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in failed
	return recorded, failed
}

// worse is the error that asks for the longer wait.
func worse(a, b error) error {
	if a == nil || retryAfter(b) > retryAfter(a) {
		return b
	}
	return a
}

const (
	// aloneAtOnce is how many pipelines are read by themselves at the same time, and
	// aloneTimeout is how long one of them may take, so that one which GitLab cannot
	// tell of leaves time for the others.
	aloneAtOnce  = 4
	aloneTimeout = readTimeout / 4
)

func (e *Engine) readAlone(ctx context.Context, project, pipeline int64) (gitlab.Observation, error) {
	ctx, cancel := context.WithTimeout(ctx, aloneTimeout)
	defer cancel()
	return e.GitLab.ObserveOne(ctx, project, pipeline)
}

func (e *Engine) readBatch(ctx context.Context, project gitlab.Project, ids []int64) (map[int64]gitlab.Observation, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout/2) // the rest is for the ends
	defer cancel()
	return e.GitLab.Observe(ctx, project, ids)
}

// endedOf are the pipelines that are known to have ended. A batch would not tell enough
// of them, and where it fails they are read all the same.
func endedOf(reading []watched, listed []gitlab.Pipeline) map[int64]bool {
	over := make(map[int64]bool)
	for _, p := range listed {
		over[p.ID] = p.Status.Ended()
	}
	for _, w := range reading {
		if w.run.Pipeline.Status.Ended() {
			over[w.run.Pipeline.ID] = true
		}
	}
	return over
}

// record writes what was observed of one run. An end, or an absence, is read once
// more by itself: a batch lacks the artifacts, and a list can lack a pipeline for
// other reasons than that it was deleted. Where readAlone is nil the batch does. asked is
// before GitLab was asked for any of it.
func (e *Engine) record(ctx context.Context, r Run, o gitlab.Observation, readAlone func() (gitlab.Observation, error), asked time.Time) (err error) {
	complete := readAlone != nil
	if complete {
		o, err = readAlone()
	}
	if gitlab.IsNotFound(err) {
		_, err = e.keep(ctx, r.Request.ID, Run.gone)
		return err
	}
	if err != nil {
		return err
	}
	if reflect.DeepEqual(r, r.observed(o, complete, asked)) {
		return nil // as the mirror has it: most of what is read has not changed
	}
	_, err = e.keep(ctx, r.Request.ID, func(now Run) Run {
		moved := !now.Pipeline.UpdatedAt.Equal(r.Pipeline.UpdatedAt)
		if moved && (!complete || o.Pipeline.UpdatedAt.Before(now.Pipeline.UpdatedAt)) {
			return now // since GitLab was asked; a batch does not tell what comes first in a second
		}
		return now.observed(o, complete, asked)
	})
	return err
}

// watched joins the runs with what is remembered of them, and forgets others.
func (p *poller) watched(runs []Run) []watched {
	list := make([]watched, len(runs))
	readAt := make(map[string]time.Time, len(runs))
	for i, r := range runs {
		id := r.Request.ID
		readAt[id] = p.readAt[id]
		list[i] = watched{run: r, readAt: readAt[id]}
	}
	p.readAt = readAt
	return list
}

// projectKey is the key of a project's poll token.
func projectKey(id int64) string { return strconv.FormatInt(id, 10) }
