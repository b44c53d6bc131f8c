package run

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

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
	readAt   map[string]time.Time
	failures int
	notUntil time.Time
}

// pollers hands out the poller of each project.
type pollers struct{ byProject sync.Map }

func (p *pollers) of(project string) *poller {
	got, _ := p.byProject.LoadOrStore(project, &poller{readAt: make(map[string]time.Time)})
	return got.(*poller) //nolint:forcetypeassert // only pollers are stored
}

// poll looks once at everything that is followed in a project.
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
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := e.pollOnce(ctx, p, runs, now); err != nil {
		p.failures++
		p.notUntil = now.Add(max(backoff(p.failures), retryAfter(err)))
		return e.failed("polling a project", project, err, e.PollInterval)
	}
	p.failures = 0
	return e.PollInterval
}

// pollOnce lists what changed in a project and reads the pipelines that are due. A
// run that cannot be read or written does not hold up the others; it stays due.
func (e *Engine) pollOnce(ctx context.Context, p *poller, runs []Run, now time.Time) error {
	project := runs[0].Project
	// What changed longer ago than quietAfter is read for its age. The list also
	// proves that the project can be seen: a 404 means a deleted pipeline then.
	since := later(p.newest.Add(-listOverlap), now.Add(-quietAfter))
	listed, err := e.GitLab.ListPipelines(ctx, project.ID, gitlab.ListFilter{UpdatedAfter: since})
	if err != nil {
		return err
	}
	for _, pipeline := range listed {
		p.newest = later(p.newest, pipeline.UpdatedAt)
	}
	reading := due(p.watched(runs), listed, now, cadence{progress: 2 * e.PollInterval, quiet: quietAfter})
	if len(reading) == 0 {
		return nil
	}
	// Where not all can be read in time, each gets its turn.
	slices.SortStableFunc(reading, func(a, b watched) int { return a.readAt.Compare(b.readAt) })
	ids := make([]int64, 0, len(reading))
	alone := make(map[int64]func() (gitlab.Observation, error)) // reads it once, for all who show it
	for _, w := range reading {
		if id := w.run.Pipeline.ID; alone[id] == nil {
			ids = append(ids, id)
			alone[id] = sync.OnceValues(func() (gitlab.Observation, error) { return e.GitLab.ObserveOne(ctx, project.ID, id) })
		}
		delete(p.readAt, w.run.Request.ID)
	}
	observing, cancel := context.WithTimeout(ctx, readTimeout/2) // the rest is for the ends
	observations, failed := e.GitLab.Observe(observing, project, ids)
	cancel()
	missing := failed == nil // else they may just not have been read
	for _, w := range reading {
		o, ok := observations[w.run.Pipeline.ID]
		if !ok && !missing || ctx.Err() != nil {
			continue
		}
		readAlone := alone[w.run.Pipeline.ID]
		if ok && !o.Pipeline.Status.Ended() {
			readAlone = nil
		}
		if err := e.record(ctx, w.run, o, readAlone); err != nil {
			failed = err
			continue
		}
		p.readAt[w.run.Request.ID] = now
	}
	return failed
}

// record writes what was observed of one run. An end, or an absence, is read once
// more by itself: a batch lacks the artifacts, and a list can lack a pipeline for
// other reasons than that it was deleted. Where readAlone is nil the batch does.
func (e *Engine) record(ctx context.Context, r Run, o gitlab.Observation, readAlone func() (gitlab.Observation, error)) (err error) {
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
	if reflect.DeepEqual(r, r.observed(o, complete)) {
		return nil // as the mirror has it: most of what is read has not changed
	}
	_, err = e.keep(ctx, r.Request.ID, func(r Run) Run { return r.observed(o, complete) })
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
