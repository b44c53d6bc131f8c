package gitlab

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// newestEvery and allEvery are how old the newest names and all names may be
	// when a project is used.
	newestEvery = 15 * time.Second
	allEvery    = 10 * time.Minute

	// newestTimeout and allTimeout end a reading that hangs. All tags of a large
	// project take a thousand requests.
	newestTimeout = 15 * time.Second
	allTimeout    = 10 * time.Minute

	// firstPause is the wait after a failed reading; it doubles up to lastPause.
	firstPause = 5 * time.Second
	lastPause  = time.Minute
)

// reading is something that is read again when it is used and old.
type reading struct {
	every     time.Duration
	under     chan struct{} // closed when the reading under way ends; nil: none is
	notBefore time.Time
	succeeded time.Time // zero: never
	failures  int       // since it last succeeded
	err       error     // of the last one
}

func (r *reading) due(now time.Time) bool { return r.under == nil && !now.Before(r.notBefore) }

func (r *reading) ended(now time.Time, err error) {
	close(r.under)
	r.under, r.err = nil, err
	if err == nil {
		r.succeeded, r.failures, r.notBefore = now, 0, now.Add(r.every)
		return
	}
	r.failures++
	r.notBefore = now.Add(pause(r.failures, err))
}

// pause is how long to leave GitLab alone after so many failures in a row.
func pause(failures int, err error) time.Duration {
	wait := lastPause
	if failures < 5 {
		wait = min(lastPause, firstPause<<(failures-1))
	}
	if e, ok := errors.AsType[*Error](err); ok {
		wait = max(wait, e.RetryAfter)
	}
	return wait
}

// used starts what is due.
func (p *projectRefs) used() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start(&p.newest, newestTimeout, p.readNewest)
	p.start(&p.all, allTimeout, p.readAll)
}

func (p *projectRefs) start(r *reading, timeout time.Duration, read func(context.Context) error) {
	if !r.due(time.Now()) {
		return
	}
	r.under = make(chan struct{})
	started := p.refs.background(func(ctx context.Context) {
		limited, cancel := context.WithTimeout(ctx, timeout)
		err := caught(func() error { return read(limited) })
		cancel()
		if err != nil && ctx.Err() == nil {
			p.refs.failed(p.current(), err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		r.ended(time.Now(), err)
	})
	if !started {
		r.under = nil
	}
}

func (p *projectRefs) current() Project {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.project
}

// readNewest puts the newest names in front.
func (p *projectRefs) readNewest(ctx context.Context) error {
	project, newest := p.current(), lists{}
	group, ctx := newGroup(ctx)
	if project.DefaultBranch == "" {
		group.Go(func() error { _, err := p.readProject(ctx); return err })
	}
	group.Go(func() (err error) { newest.branches, err = p.refs.lister.NewestBranches(ctx, project); return err })
	group.Go(func() (err error) { newest.tags, err = p.refs.lister.NewestTags(ctx, project); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	defaultBranch := p.current().DefaultBranch
	p.change(func(l *lists) bool {
		changed := false
		if l.defaultBranch == "" && defaultBranch != "" {
			l.defaultBranch, changed = defaultBranch, true
		}
		for _, kind := range []RefKind{Branch, Tag} {
			names := *newest.of(kind)
			if !slices.Equal(names, p.newestNames[kind]) {
				*l.of(kind) = slices.Concat(names, *l.of(kind))
				p.newestNames[kind] = names
				changed = true
			}
		}
		return changed
	})
	return nil
}

// readAll replaces all names, those of each kind as soon as they are there.
func (p *projectRefs) readAll(ctx context.Context) error {
	project, err := p.readProject(ctx)
	if err != nil {
		return err
	}
	group, ctx := newGroup(ctx)
	lister := p.refs.lister
	group.Go(func() error { return p.readKind(ctx, project, Branch, lister.BranchNames, lister.NewestBranches) })
	group.Go(func() error { return p.readKind(ctx, project, Tag, lister.TagNames, lister.NewestTags) })
	return group.Wait()
}

type readNames func(context.Context, Project) ([]string, error)

func (p *projectRefs) readKind(ctx context.Context, project Project, kind RefKind, readAll, readNewest readNames) error {
	names, err := readAll(ctx, project)
	if err != nil {
		return err
	}
	// The newest are read afterwards: they have what came while all were read, and
	// none that was gone by then.
	newest, err := readNewest(ctx, project)
	if err != nil {
		return err
	}
	p.change(func(l *lists) bool {
		l.defaultBranch = project.DefaultBranch
		*l.of(kind) = slices.Concat(newest, names)
		p.newestNames[kind] = newest
		return true
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loaded[kind] = true; len(p.loaded) == 2 && !p.complete() {
		close(p.whole)
	}
	return nil
}

// readProject learns the default branch, and the path if the project moved.
func (p *projectRefs) readProject(ctx context.Context) (Project, error) {
	project, err := p.refs.lister.Project(ctx, p.id)
	if err != nil {
		return project, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.project = project
	return project, nil
}

// learn adds refs that were seen elsewhere.
func (p *projectRefs) learn(refs []Ref) {
	x := p.index.Load()
	fresh := slices.DeleteFunc(slices.Clone(refs), x.Has)
	if len(fresh) == 0 {
		return
	}
	p.change(func(l *lists) bool {
		for _, ref := range fresh {
			*l.of(ref.Kind) = append(*l.of(ref.Kind), ref.Name)
		}
		return true
	})
}

func (p *projectRefs) forget(ref Ref) {
	p.mu.Lock()
	if ref == (Ref{Branch, p.project.DefaultBranch}) {
		p.project.DefaultBranch = "" // there is another one by now, read with the newest names
	}
	p.mu.Unlock()
	p.change(func(l *lists) bool {
		if !p.index.Load().Has(ref) {
			return false
		}
		gone := func(name string) bool { return name == ref.Name }
		*l.of(ref.Kind) = slices.DeleteFunc(*l.of(ref.Kind), gone)
		delete(p.newestNames, ref.Kind)
		if ref == (Ref{Branch, l.defaultBranch}) {
			l.defaultBranch = ""
		}
		return true
	})
}

// lists are the names of an index while it is changed.
type lists struct {
	defaultBranch  string
	branches, tags []string
}

func (l *lists) of(kind RefKind) *[]string {
	if kind == Tag {
		return &l.tags
	}
	return &l.branches
}

// change makes a new index out of the old one, where edit says that it changed
// something. Searches go on in the old one meanwhile.
func (p *projectRefs) change(edit func(*lists) bool) {
	p.changing.Lock()
	defer p.changing.Unlock()
	x := p.index.Load()
	l := lists{branches: x.namesOf(Branch), tags: x.namesOf(Tag)}
	l.defaultBranch, _ = x.DefaultBranch()
	if edit(&l) {
		p.index.Store(NewIndex(l.defaultBranch, l.branches, l.tags))
	}
}
