package gitlab_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"pipebot/gitlab"
)

// fakeLister is a GitLab of one project, in memory. What it was asked is counted
// by method; of searches the texts are kept too.
type fakeLister struct {
	mu       sync.Mutex
	main     string
	refs     []gitlab.Ref // newest first
	takes    time.Duration
	hangs    map[string]bool // methods that answer nothing until their time is over
	err      error
	calls    map[string]int
	searched []string
}

var errDown = errors.New("GitLab is down")

func (f *fakeLister) change(edit func(f *fakeLister)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *fakeLister) counted() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.calls)
}

func (f *fakeLister) searches() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.searched)
}

// answer counts the call and takes its time.
func (f *fakeLister) answer(ctx context.Context, method string) error {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[method]++
	takes, err := f.takes, f.err
	if f.hangs[method] {
		takes = time.Hour
	}
	f.mu.Unlock()
	if takes == 0 {
		return err
	}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeLister) names(kind gitlab.RefKind, limit int) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, ref := range f.refs {
		if ref.Kind == kind && len(names) < limit {
			names = append(names, ref.Name)
		}
	}
	return names
}

func (f *fakeLister) Project(ctx context.Context, pathOrID string) (gitlab.Project, error) {
	err := f.answer(ctx, "Project")
	f.mu.Lock()
	defer f.mu.Unlock()
	return gitlab.Project{ID: 1, Path: "group/app", DefaultBranch: f.main}, err
}

func (f *fakeLister) BranchNames(ctx context.Context, _ gitlab.Project) ([]string, error) {
	err := f.answer(ctx, "BranchNames")
	names := f.names(gitlab.Branch, math.MaxInt)
	slices.Sort(names)
	return names, err
}

func (f *fakeLister) TagNames(ctx context.Context, _ gitlab.Project) ([]string, error) {
	err := f.answer(ctx, "TagNames")
	return f.names(gitlab.Tag, math.MaxInt), err
}

// The fake's newest are two of each kind.

func (f *fakeLister) NewestBranches(ctx context.Context, _ gitlab.Project) ([]string, error) {
	err := f.answer(ctx, "NewestBranches")
	return f.names(gitlab.Branch, 2), err
}

func (f *fakeLister) NewestTags(ctx context.Context, _ gitlab.Project) ([]string, error) {
	err := f.answer(ctx, "NewestTags")
	return f.names(gitlab.Tag, 2), err
}

func (f *fakeLister) SearchRefs(ctx context.Context, _ gitlab.Project, text string, limit int) ([]gitlab.Ref, error) {
	f.change(func(f *fakeLister) { f.searched = append(f.searched, text) })
	err := f.answer(ctx, "SearchRefs")
	f.mu.Lock()
	defer f.mu.Unlock()
	beginning, anchored := strings.CutPrefix(text, "^")
	var found []gitlab.Ref
	for _, ref := range f.refs {
		name := strings.ToLower(ref.Name)
		if anchored && strings.HasPrefix(name, strings.ToLower(beginning)) || !anchored && strings.Contains(name, text) {
			found = append(found, ref)
		}
	}
	if limit > 0 {
		found = found[:min(limit, len(found))]
	}
	return found, err
}
