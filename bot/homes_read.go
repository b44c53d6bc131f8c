package bot

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

const (
	// readSize is how many pipelines of a project are read, so that enough are left of
	// them for who may not see all.
	readSize = 20
	// readWithin bounds the reading of one project.
	readWithin = 5 * time.Second
	// readsAtOnce is how many projects are read at the same time.
	readsAtOnce = 4
)

// reading is what was last read of a project's pipelines.
type reading struct {
	done    bool // list is one that GitLab gave
	list    []gitlab.Pipeline
	version int       // counts what people would see differently
	fault   phrase    // why there is no newer list, where that is about the project
	away    time.Time // since when GitLab does not answer, zero: it does
	after   time.Time // not to be read before
}

// keepReading reads the projects that open Homes show, each once for all of them.
func (h *Homes) keepReading(ctx context.Context) {
	tick := time.NewTicker(h.Every)
	defer tick.Stop()
	for {
		all := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			all = true
		case <-h.hurry:
		}
		together(h.wanted(all, h.now()), readsAtOnce, func(_ int, name string) {
			h.guarded(func() { h.readOne(ctx, name) }, func() {})
		})
	}
}

// wanted are the projects that are due: those that open Homes show, and where not all
// are, those of them that were never read. What no Home shows any more is forgotten.
func (h *Homes) wanted(all bool, now time.Time) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	shown := make(map[string]bool)
	for _, hm := range h.open {
		maps.Copy(shown, hm.views)
	}
	maps.DeleteFunc(h.read, func(name string, _ *reading) bool { return !shown[name] })
	return slices.DeleteFunc(slices.Sorted(maps.Keys(shown)), func(name string) bool {
		known := h.read[name]
		return known != nil && (!all || now.Before(known.after))
	})
}

// readOne reads the newest pipelines of a project.
func (h *Homes) readOne(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	h.mu.Lock()
	var last reading
	if known := h.read[name]; known != nil {
		last = *known
	}
	h.mu.Unlock()
	next, err := h.next(ctx, name, last)
	if err != nil {
		h.Log.Info("reading pipelines for the open Homes failed", zap.String("project", name), zap.NamedError("reason", err))
		next = last.failed(err, h.now())
	}
	if differs(last, next) {
		next.version++
	}
	h.mu.Lock()
	h.read[name] = &next
	h.mu.Unlock()
	if next.version != last.version {
		signal(h.wake)
	}
}

// next reads a project's list, and asks who started those that are not known yet.
func (h *Homes) next(ctx context.Context, name string, last reading) (reading, error) {
	project, err := h.Projects.Resolve(ctx, name)
	if err != nil {
		return reading{}, err
	}
	list, _, err := h.Lists.PipelinesPage(ctx, project.ID, gitlab.ListFilter{OrderBy: "id"}, 1, readSize)
	if err != nil {
		return reading{}, err
	}
	var unknown []gitlab.Pipeline
	for i, p := range list {
		if !describedBy(&list[i], last.list) {
			unknown = append(unknown, p)
		}
	}
	if len(unknown) > 0 {
		unknown, err = h.Lists.Describe(ctx, project, unknown)
		if err != nil {
			h.Log.Info("pipelines are shown without who started them", zap.String("project", name), zap.NamedError("reason", err))
		}
		for i := range list {
			describedBy(&list[i], unknown)
		}
	}
	return reading{done: true, list: list, version: last.version}, nil
}

// describedBy takes what lists leave out from the pipeline as it is among others, where
// it is there in the same status: that it passed with warnings comes with the status.
func describedBy(p *gitlab.Pipeline, among []gitlab.Pipeline) bool {
	for _, known := range among {
		if known.ID == p.ID && known.Status == p.Status && known.User.ID != 0 {
			p.User, p.Tag, p.Warnings = known.User, known.Tag, known.Warnings
			return true
		}
	}
	return false
}

// failed is a reading after one that failed: the list stays.
func (r reading) failed(err error, now time.Time) reading {
	if fault, ok := errors.AsType[*gitlab.Error](err); ok {
		r.after = now.Add(fault.RetryAfter)
	}
	switch gitlab.KindOf(err) {
	case gitlab.NotSent, gitlab.Unclear, gitlab.RateLimited:
		if r.away.IsZero() {
			r.away = now
		}
	default:
		r.fault, _ = listFault(err)
	}
	return r
}

// differs reports whether people would see something else.
func differs(a, b reading) bool {
	same := func(x, y gitlab.Pipeline) bool {
		x.UpdatedAt, y.UpdatedAt = time.Time{}, time.Time{}
		return reflect.DeepEqual(x, y)
	}
	return a.done != b.done || a.away != b.away || len(a.fault) != len(b.fault) || !slices.EqualFunc(a.list, b.list, same)
}

// awaySince is since when GitLab does not answer about one of the projects.
func (h *Homes) awaySince(shown map[string]bool) (since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range shown {
		known := h.read[name]
		if known != nil && !known.away.IsZero() && (since.IsZero() || known.away.Before(since)) {
			since = known.away
		}
	}
	return since
}
