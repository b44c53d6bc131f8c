package gitlabtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// gitRef is a branch or a tag and the commit it points to. The commit is made from the name and the time when
// it is asked for, so that a hundred thousand branches cost little more than their names.
type gitRef struct {
	name string
	at   time.Time
}

// refSet holds branches or tags by name, and in order when a list is asked for.
type refSet struct {
	byName map[string]*gitRef
	sorted []*gitRef // by name; nil when it must be made again
}

func (r *refSet) add(name string, at time.Time) {
	if r.byName == nil {
		r.byName = map[string]*gitRef{}
	}
	r.byName[name] = &gitRef{name: name, at: at}
	r.sorted = nil
}

func (r *refSet) remove(name string) {
	delete(r.byName, name)
	r.sorted = nil
}

func (r *refSet) has(name string) bool { return r.byName[name] != nil }

// list returns the refs by name. The slice is shared: callers copy it before they change it.
func (r *refSet) list() []*gitRef {
	if r.sorted == nil {
		r.sorted = make([]*gitRef, 0, len(r.byName))
		for _, ref := range r.byName {
			r.sorted = append(r.sorted, ref)
		}
		slices.SortFunc(r.sorted, func(a, b *gitRef) int { return strings.Compare(a.name, b.name) })
	}
	return r.sorted
}

// sha is the id of the commit that the ref points to.
func (p *Project) sha(r *gitRef) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", p.ID, r.name, r.at.UnixNano()))
	return hex.EncodeToString(sum[:])[:40]
}

// AddBranch creates a branch whose newest commit was made at the given time, or moves it there.
func (p *Project) AddBranch(name string, committedAt time.Time) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.branches.add(name, committedAt)
	p.s.changed()
}

// AddBranches creates many branches at once, each a second older than the one before it.
func (p *Project) AddBranches(names []string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	at := p.s.now()
	for _, name := range names {
		at = at.Add(-time.Second)
		p.branches.add(name, at)
	}
	p.s.changed()
}

// AddTag creates a lightweight tag at a commit of the given time.
func (p *Project) AddTag(name string, at time.Time) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.tags.add(name, at)
	p.s.changed()
}

// AddTags creates many tags at once, each a second older than the one before it.
func (p *Project) AddTags(names []string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	at := p.s.now()
	for _, name := range names {
		at = at.Add(-time.Second)
		p.tags.add(name, at)
	}
	p.s.changed()
}

// DeleteBranch removes a branch; its pipelines stay.
func (p *Project) DeleteBranch(name string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.branches.remove(name)
	p.s.changed()
}

// DeleteTag removes a tag; its pipelines stay.
func (p *Project) DeleteTag(name string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.tags.remove(name)
	p.s.changed()
}

// RefCounts is how many branches and tags there are.
func (p *Project) RefCounts() (branches, tags int) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return len(p.branches.byName), len(p.tags.byName)
}

// resolveRef finds a branch or a tag by its short or full name, as GitLab's pipeline creation does: a commit id
// is not enough. Two of the same short name are ambiguous.
func (p *Project) resolveRef(ref string) (found *gitRef, tag, ambiguous bool) {
	if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return p.branches.byName[name], false, false
	}
	if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		return p.tags.byName[name], true, false
	}
	branch, t := p.branches.byName[ref], p.tags.byName[ref]
	switch {
	case branch != nil && t != nil:
		return branch, false, true
	case branch != nil:
		return branch, false, false
	default:
		return t, true, false
	}
}

// wildcard matches a pattern in which * stands for any text, slashes too.
func wildcard(pattern, name string) bool {
	first, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == name
	}
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for i := range len(name) + 1 {
		if wildcard(rest, name[i:]) {
			return true
		}
	}
	return false
}
