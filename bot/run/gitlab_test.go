package run_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// fakeGitLab is a GitLab in memory with the faults that a test scripts.
type fakeGitLab struct {
	script

	mu        sync.Mutex
	projects  map[string]gitlab.Project
	pipelines []*fakePipeline // the first has the id 1
	// endsAfter is how many observations a pipeline runs for; 0: until it is told to end.
	endsAfter int
	// observed is what was read in batches: how many pipelines of which project.
	observed []batch
	// since is what the lists began with; lists counts them by project.
	since []time.Time
	lists map[int64]int
	// noToken: the settings have no trigger token (any more).
	noToken bool
	// unreadable: the access token may not read the variables of pipelines.
	unreadable bool
	// shas are the commits of refs, by name; pushed is what comes between the last
	// look at a ref and the start.
	shas   map[string]string
	pushed string
	// keepsOn: pipelines stay as they are, whatever is asked of them.
	keepsOn bool
}

type fakePipeline struct {
	gitlab.Pipeline
	variables map[string]string
	files     map[string]string
	seen      int
	deleted   bool
	manual    []gitlab.Job // that wait for somebody
	optional  []gitlab.Job // that may be started, and that the pipeline does not wait for
}

type batch struct {
	project int64
	size    int
}

func newGitLab(s *signal) *fakeGitLab {
	return &fakeGitLab{
		script:   newScript(s),
		lists:    make(map[int64]int),
		projects: map[string]gitlab.Project{"group/app": {ID: 7, Path: "group/app", WebURL: "https://gitlab.example.com/group/app"}},
	}
}

func (g *fakeGitLab) Resolve(ctx context.Context, name string) (project gitlab.Project, err error) {
	err = g.call(ctx, "resolve", func() error {
		var ok bool
		if project, ok = g.projects[name]; !ok {
			return &gitlab.Error{Op: "reading the project", Kind: gitlab.NotFound, Status: 404}
		}
		return nil
	})
	return project, err
}

func (g *fakeGitLab) TriggerToken(string) (string, bool) {
	if g.noToken {
		return "", true
	}
	return "glptt-t0ken", true
}

func (g *fakeGitLab) StartPipeline(ctx context.Context, s gitlab.Start) (p gitlab.Pipeline, err error) {
	err = g.call(ctx, "start", func() error {
		p = g.add(s).Pipeline
		return nil
	})
	return p, err
}

// add makes a pipeline.
func (g *fakeGitLab) add(s gitlab.Start) *fakePipeline {
	now := time.Now().UTC().Truncate(time.Millisecond)
	p := &fakePipeline{variables: s.Variables, files: s.Files, Pipeline: gitlab.Pipeline{
		ID: int64(len(g.pipelines) + 1), IID: 1, ProjectID: s.Project, Status: gitlab.StatusCreated,
		Source: gitlab.Source(s.TriggerToken != ""), Ref: s.Ref.Name, SHA: g.shas[s.Ref.Name], CreatedAt: now, UpdatedAt: now,
	}}
	if g.pushed != "" {
		p.SHA = g.pushed
	}
	g.pipelines = append(g.pipelines, p)
	return p
}

// took makes the pipeline that a POST asked for, of which nobody was told.
func (g *fakeGitLab) took(s gitlab.Start) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.add(s)
}

// moveTo makes the branch main point at a commit.
func (g *fakeGitLab) moveTo(sha string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shas = map[string]string{"main": sha}
}

func (g *fakeGitLab) RefSHA(ctx context.Context, _ int64, ref gitlab.Ref) (sha string, err error) {
	err = g.call(ctx, "sha", func() error {
		sha = g.shas[ref.Name]
		return nil
	})
	return sha, err
}

func (g *fakeGitLab) FindStarted(ctx context.Context, s gitlab.Started) (found gitlab.Search, err error) {
	err = g.call(ctx, "find", func() error {
		var said []gitlab.Pipeline
		for _, p := range g.pipelines {
			switch {
			case p.ProjectID != s.Project || p.Source != gitlab.Source(s.Trigger) || p.Ref != s.Ref.Name ||
				!p.CreatedAt.After(s.Since.Add(-5*time.Minute)) || s.Others(p.ID):
			case g.unreadable && s.Said(p.ID):
				said = append(said, p.Pipeline)
			case g.unreadable:
				found.Unread = append(found.Unread, p.Pipeline)
			case p.variables[s.Key] == s.Value:
				found.Found = p.Pipeline
			}
		}
		if len(found.Unread) == 0 {
			found.Unread = said
		}
		return nil
	})
	return found, err
}

// hides the variables of all pipelines from the access token, or shows them.
func (g *fakeGitLab) hides(all bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unreadable = all
}

func (g *fakeGitLab) ListPipelines(ctx context.Context, project int64, filter gitlab.ListFilter) (list []gitlab.Pipeline, err error) {
	g.mu.Lock()
	g.lists[project]++
	g.mu.Unlock()
	err = g.call(ctx, "list", func() error {
		g.since = append(g.since, filter.UpdatedAfter)
		for _, p := range g.pipelines {
			if p.ProjectID == project && !p.deleted && p.UpdatedAt.After(filter.UpdatedAfter) {
				list = append(list, p.Pipeline)
			}
		}
		return nil
	})
	return list, err
}

func (g *fakeGitLab) Observe(ctx context.Context, project gitlab.Project, ids []int64) (map[int64]gitlab.Observation, error) {
	found := make(map[int64]gitlab.Observation)
	err := g.call(ctx, "observe", func() error {
		g.observed = append(g.observed, batch{project.ID, len(ids)})
		for _, id := range ids {
			p := g.get(id)
			if p == nil {
				continue
			}
			if p.seen++; g.endsAfter > 0 && p.seen >= g.endsAfter && !p.Status.Ended() {
				p.move(gitlab.StatusSuccess)
			}
			o := gitlab.Observation{Pipeline: gitlab.Pipeline{
				ID: id, Status: p.Status, UpdatedAt: p.UpdatedAt.Truncate(time.Second),
			}, Progress: stages("build")}
			o.Progress.Manual, o.Progress.ManualTotal = slices.Clone(p.manual), len(p.manual)
			found[id] = o
		}
		return nil
	})
	return found, err
}

func (g *fakeGitLab) ObserveOne(ctx context.Context, _, id int64) (o gitlab.Observation, err error) {
	err = g.call(ctx, "one", func() error {
		p := g.get(id)
		if p == nil {
			return &gitlab.Error{Op: "reading the pipeline", Kind: gitlab.NotFound, Status: 404}
		}
		o = gitlab.Observation{Pipeline: p.Pipeline, Progress: stages("build", "artifacts")}
		o.Progress.Manual, o.Progress.ManualTotal = slices.Clone(p.manual), len(p.manual)
		return nil
	})
	return o, err
}

func (g *fakeGitLab) Cancel(ctx context.Context, _, id int64) (gitlab.Pipeline, error) {
	return g.act(ctx, "cancel", id, gitlab.StatusCanceling)
}

func (g *fakeGitLab) Retry(ctx context.Context, _, id int64) (gitlab.Pipeline, error) {
	return g.act(ctx, "retry", id, gitlab.StatusRunning)
}

func (g *fakeGitLab) DeletePipeline(ctx context.Context, _, id int64) error {
	return g.call(ctx, "delete", func() error {
		if g.get(id) == nil {
			return &gitlab.Error{Op: "deleting the pipeline", Kind: gitlab.NotFound, Status: 404}
		}
		g.get(id).deleted = true
		return nil
	})
}

// PlayJob starts a job that waits, and its pipeline runs.
func (g *fakeGitLab) PlayJob(ctx context.Context, _, id int64) (job gitlab.Job, err error) {
	err = g.call(ctx, "play", func() error {
		for _, p := range g.pipelines {
			for _, waiting := range []*[]gitlab.Job{&p.manual, &p.optional} {
				i := slices.IndexFunc(*waiting, func(j gitlab.Job) bool { return j.ID == id })
				if i < 0 {
					continue
				}
				job = (*waiting)[i]
				*waiting = slices.Delete(*waiting, i, i+1)
				if !g.keepsOn {
					p.move(gitlab.StatusRunning)
				}
				return nil
			}
		}
		return &gitlab.Error{Op: "starting the job", Kind: gitlab.Invalid, Status: 400}
	})
	return job, err
}

// offers has a pipeline have jobs that somebody may start, and that it does not wait for:
// observations do not show those.
func (g *fakeGitLab) offers(id int64, jobs ...gitlab.Job) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.get(id).optional = jobs
}

// standsStill has pipelines stay as they are from now on, whatever is asked of them.
func (g *fakeGitLab) standsStill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keepsOn = true
}

// waitsFor has a pipeline wait until somebody starts a job.
func (g *fakeGitLab) waitsFor(id int64, jobs ...gitlab.Job) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.get(id).manual = jobs
	g.get(id).move(gitlab.StatusManual)
}

// someones is a pipeline that was not started here.
func (g *fakeGitLab) someones(status gitlab.Status) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.add(gitlab.Start{Project: 7, Ref: request("").Ref})
	p.Status = status
	return p.ID
}

func (g *fakeGitLab) act(ctx context.Context, op string, id int64, status gitlab.Status) (p gitlab.Pipeline, err error) {
	err = g.call(ctx, op, func() error {
		if g.get(id) == nil {
			return &gitlab.Error{Op: op, Kind: gitlab.NotFound, Status: 404}
		}
		if !g.keepsOn {
			g.get(id).move(status)
		}
		p = g.get(id).Pipeline
		return nil
	})
	return p, err
}

// get is the pipeline of that id, nil where it is not there.
func (g *fakeGitLab) get(id int64) *fakePipeline {
	if id < 1 || id > int64(len(g.pipelines)) || g.pipelines[id-1].deleted {
		return nil
	}
	return g.pipelines[id-1]
}

func (p *fakePipeline) move(status gitlab.Status) {
	p.Status = status
	p.UpdatedAt = time.Now().UTC().Truncate(time.Millisecond)
	if status.Ended() {
		p.FinishedAt = p.UpdatedAt
	}
}

// moves has a pipeline change its status.
func (g *fakeGitLab) moves(id int64, status gitlab.Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.get(id).move(status)
}

// deletes a pipeline.
func (g *fakeGitLab) deletes(id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.get(id).deleted = true
}

// listed is how often a project's pipelines were asked for.
func (g *fakeGitLab) listed(project int64) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lists[project]
}

// number is how many pipelines there are.
func (g *fakeGitLab) number() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.pipelines)
}

// of gives the ids of the pipelines that were started for a run.
func (g *fakeGitLab) of(run string) (ids []int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pipelines {
		if p.variables["PIPEBOT_RUN_ID"] == run {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// batches are the batched reads so far.
func (g *fakeGitLab) batches() []batch {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.observed)
}

func stages(names ...string) (p gitlab.Progress) {
	for _, name := range names {
		p.Stages = append(p.Stages, gitlab.Stage{Name: name, Status: gitlab.StatusRunning, Total: 1})
	}
	return p
}

// call counts a request, answers with the next scripted fault if there is one, and
// has it take effect else. A lost answer is a fault after the effect.
func (g *fakeGitLab) call(ctx context.Context, op string, effect func() error) error {
	if err := g.begin(ctx, op); err != nil {
		return err
	}
	g.mu.Lock()
	err := effect()
	g.mu.Unlock()
	return g.end(ctx, op, err)
}

// script is what goes wrong, and what happens on the way.
type script struct {
	*signal
	mu     sync.Mutex
	count  map[string]int
	refuse map[string][]error
	lose   map[string][]error
	// before and after are called around each request, and may fail it.
	before, after func(ctx context.Context, op string) error
}

func newScript(s *signal) script {
	return script{signal: s, count: make(map[string]int), refuse: make(map[string][]error), lose: make(map[string][]error)}
}

func (s *script) begin(ctx context.Context, op string) error {
	s.mu.Lock()
	s.count[op]++
	before, err := s.before, next(s.refuse, op)
	s.mu.Unlock()
	if before != nil {
		err = errors.Join(before(ctx, op), err)
	}
	if err != nil {
		s.broadcast()
	}
	return err
}

func (s *script) end(ctx context.Context, op string, err error) error {
	s.mu.Lock()
	after := s.after
	if lost := next(s.lose, op); lost != nil {
		err = lost
	}
	s.mu.Unlock()
	if after != nil {
		err = errors.Join(after(ctx, op), err)
	}
	s.broadcast()
	return err
}

func next(script map[string][]error, op string) error {
	if len(script[op]) == 0 {
		return nil
	}
	err := script[op][0]
	script[op] = script[op][1:]
	return err
}

// refuses has the next requests of a sort fail without any effect; nil lets one pass.
func (s *script) refuses(op string, errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[op] = append(s.refuse[op], errs...)
}

// loses has the answers of the next requests of a sort replaced.
func (s *script) loses(op string, errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose[op] = append(s.lose[op], errs...)
}

// on sets what happens before and after each request.
func (s *script) on(before, after func(ctx context.Context, op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// called is how often a sort of request was made.
func (s *script) called(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[op]
}

// signal lets tests wait until something is the case.
type signal struct {
	mu      sync.Mutex
	changed chan struct{}
}

func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

var (
	_ run.GitLab   = (*fakeGitLab)(nil)
	_ run.Projects = (*fakeGitLab)(nil)
)
