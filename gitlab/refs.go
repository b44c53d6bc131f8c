package gitlab

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Refs knows the branches and tags of projects and answers from memory while
// somebody types. GitLab is asked
//
//   - for all names, in the background, when a project is used and they are older
//     than ten minutes;
//   - for the newest hundred of each kind, in the background, when a project is
//     used and they are older than 15 seconds;
//   - for names that contain what is typed, while the answer waits, when not all
//     names are known yet or none of them matches.
//
// A project is used when its modal is opened or somebody types: what nobody uses
// costs no requests. New names are searchable as soon as any of these has seen
// them; names that are gone leave with the next reading of all names, or by
// Forget. When GitLab fails, what is known keeps serving and GitLab is asked again
// later and later, up to a minute.
//
// Refs is safe for concurrent use.
type Refs struct {
	lister RefLister
	failed func(Project, error)

	ctx    context.Context // of the goroutines, until Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	projects map[int64]*projectRefs
}

// RefLister is what Refs asks GitLab; a *Client is one.
type RefLister interface {
	Project(ctx context.Context, pathOrID string) (Project, error)
	BranchNames(ctx context.Context, project Project) ([]string, error)
	TagNames(ctx context.Context, project Project) ([]string, error)
	NewestBranches(ctx context.Context, project Project) ([]string, error)
	NewestTags(ctx context.Context, project Project) ([]string, error)
	SearchRefs(ctx context.Context, project Project, text string, limit int) ([]Ref, error)
}

// RefsConfig is what Refs can be told; the zero value is good.
type RefsConfig struct {
	// Failed, when set, is told of every reading in the background that failed.
	Failed func(project Project, err error)
}

// NewRefs returns Refs that know nothing yet. Close ends what they do in the
// background.
func NewRefs(lister RefLister, cfg RefsConfig) *Refs {
	r := &Refs{lister: lister, failed: cfg.Failed, projects: map[int64]*projectRefs{}}
	if r.failed == nil {
		r.failed = func(Project, error) {}
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Close ends all requests and returns when none of the goroutines is left. What
// is known can still be searched.
func (r *Refs) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.work.Wait()
}

// Opened is called when somebody is about to choose a ref, such as when a modal
// opens. It never waits.
func (r *Refs) Opened(project Project) { r.of(project).used() }

// Found is what matches a query: at most so many branches and tags as were asked
// for, as positions in Index, best first.
type Found struct {
	Index          *Index
	Branches, Tags []int32
}

func (f Found) empty() bool { return len(f.Branches)+len(f.Tags) == 0 }

// Options searches the refs of a project, as Index.Search does, for up to limit
// branches and as many tags. It is meant to be called on every keystroke. Mostly
// it answers at once; where GitLab has to be asked it waits for that, and no
// longer than ctx lasts.
//
// An error says that GitLab could not be asked, so that refs may be missing; what
// is known is in the result all the same.
func (r *Refs) Options(ctx context.Context, project Project, query string, limit int) (Found, error) {
	p := r.of(project)
	p.used()
	cold := !p.complete()
	found := p.search(query, limit)
	if !cold && (!found.empty() || strings.TrimSpace(query) == "") {
		return found, nil
	}
	err := p.askGitLab(ctx, query, cold)
	return p.search(query, limit), err
}

// Resolve turns a key back into the ref that it was made of. A key that holds the
// whole name is not looked up. An error of the kind NotFound says that the project
// has no such ref, Invalid that it is no key.
func (r *Refs) Resolve(ctx context.Context, project Project, key string) (Ref, error) {
	const op = "looking up the chosen ref"
	k, ok := parseKey(key)
	if !ok {
		return Ref{}, &Error{Op: op, Kind: Invalid, Message: "it is not a branch or tag from the list"}
	}
	if k.hash == "" {
		return k.ref, nil
	}
	p := r.of(project)
	if ref, ok := p.index.Load().byKey(k); ok {
		return ref, nil
	}
	// GitLab reads ^ and $ as the ends of a name, so the text stops before a $.
	beginning, _, _ := strings.Cut(k.beginning, "$")
	refs, err := r.lister.SearchRefs(ctx, project, "^"+beginning, 0)
	if err != nil {
		return Ref{}, err
	}
	for _, ref := range refs {
		if k.matches(ref) {
			p.learn([]Ref{ref})
			return ref, nil
		}
	}
	return Ref{}, &Error{Op: op, Kind: NotFound, Message: "the project has no such " + k.ref.Kind.String()}
}

// Forget takes a ref out that turned out to be gone.
func (r *Refs) Forget(project Project, ref Ref) { r.of(project).forget(ref) }

// DefaultBranch is the project's default branch, where it is known.
func (r *Refs) DefaultBranch(project Project) (string, bool) { return r.Index(project).DefaultBranch() }

// Index is what is known of the project now.
func (r *Refs) Index(project Project) *Index { return r.of(project).index.Load() }

// RefsState says how well a project is known.
type RefsState struct {
	Refs     int       // how many are known
	LoadedAt time.Time // when all names had been read last; zero: not yet
	Err      error     // why the last reading in the background failed; nil: it did not
}

// State says how well the project is known.
func (r *Refs) State(project Project) RefsState {
	p := r.of(project)
	p.mu.Lock()
	defer p.mu.Unlock()
	state := RefsState{Refs: p.index.Load().Len(), LoadedAt: p.all.succeeded, Err: p.all.err}
	if state.Err == nil {
		state.Err = p.newest.err
	}
	return state
}

// of is what is kept of a project.
func (r *Refs) of(project Project) *projectRefs {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.projects[project.ID]
	if p == nil {
		p = newProjectRefs(r, project)
		r.projects[project.ID] = p
	}
	return p
}

// background runs f until it ends or Refs are closed; after Close it does not.
func (r *Refs) background(f func(ctx context.Context)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.work.Go(func() { f(r.ctx) })
	return true
}

// projectRefs is what is kept of one project.
type projectRefs struct {
	refs  *Refs
	id    string // as GitLab is asked for it, whatever its path is by now
	index atomic.Pointer[Index]

	// changing is held while a new index is made of the old one. newestNames are
	// the newest as the index has them in front.
	changing    sync.Mutex
	newestNames map[RefKind][]string

	mu          sync.Mutex // guards what follows
	project     Project
	newest, all reading
	loaded      map[RefKind]bool
	whole       chan struct{} // closed when all names of both kinds are known
	searches    []*refSearch
	askAgain    time.Time // not before, after a search failed
	askErr      error

	asking chan struct{} // holds a token for each search that GitLab is at
}

func newProjectRefs(r *Refs, project Project) *projectRefs {
	p := &projectRefs{
		refs:        r,
		id:          strconv.FormatInt(project.ID, 10),
		project:     project,
		newestNames: map[RefKind][]string{},
		newest:      reading{every: newestEvery},
		all:         reading{every: allEvery},
		loaded:      map[RefKind]bool{},
		whole:       make(chan struct{}),
		asking:      make(chan struct{}, searchesAtOnce),
	}
	if project.DefaultBranch != "" {
		p.index.Store(NewIndex(project.DefaultBranch, nil, nil))
	}
	return p
}

func (p *projectRefs) search(query string, limit int) Found {
	x := p.index.Load()
	room := make([]int32, 0, 2*min(limit, x.Len()))
	branches := x.Search(room, Branch, query, limit)
	tags := x.Search(branches[len(branches):], Tag, query, limit)
	return Found{Index: x, Branches: branches, Tags: tags}
}

// complete reports whether all names are known, if not as they are now.
func (p *projectRefs) complete() bool {
	select {
	case <-p.whole:
		return true
	default:
		return false
	}
}
