package run

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"pipebot/gitlab"
)

const (
	// recentRefs is how many choices of a person are remembered for each project.
	recentRefs = 5
	// recentRuns is how many records of a person are kept whole.
	recentRuns = 10
)

// History is an index of the kept runs, at rest or not. It is made from the records
// alone, so it survives restarts and is the same in every replica, but for the moment
// that a change takes to get there. A record that expires leaves it.
type History struct {
	mu      sync.Mutex
	records map[string]*remembered
	// Each list has the newest request first.
	pipelines map[pipelineKey][]*remembered
	people    map[Person][]*remembered // who asked; who only follows is not in it
	channels  map[string][]*remembered
	// told are the records that were told of since the watch began, nil once it has
	// told of all.
	told map[string]bool
}

type pipelineKey struct{ project, pipeline int64 }

// Sighting is a run as what shows a pipeline.
type Sighting struct {
	// ID is the run's.
	ID    string
	State State
	// Follow: it was not asked for here, only to be shown.
	Follow bool
	// Said: that it is of this run is somebody's word, and nothing else shows it.
	Said bool
	// Channel and Card say where the card is. Before there is one Card is empty and
	// Channel is where it is going to be.
	Channel, Card string
	// Team and Asker are who asked for it, or to follow it.
	Team, Asker string
	At          time.Time
}

// remembered is what is kept in memory of a record.
type remembered struct {
	Sighting
	pipeline pipelineKey
	channel  string // that it was asked for in
	project  string // as the settings name it
	ref      gitlab.Ref
	whole    *Run // of a person's newest alone
}

func (m *remembered) person() Person { return Person{Team: m.Team, User: m.Asker} }

// newest sorts the newest request first.
func newest(a, b *remembered) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID))
}

// began is called when all records are going to be told of anew. Until that is done the
// old ones stand: who looks meanwhile must not find nothing.
func (h *History) began() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = make(map[string]bool)
}

// complete is called when all records have been told of.
func (h *History) complete() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, m := range h.records {
		if !h.told[id] {
			h.drop(m)
		}
	}
	h.told = nil
}

// put adds a record, or the change of one.
func (h *History) put(r Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.records == nil {
		h.records = make(map[string]*remembered)
		h.pipelines = make(map[pipelineKey][]*remembered)
		h.people = make(map[Person][]*remembered)
		h.channels = make(map[string][]*remembered)
	}
	request := r.Request
	if h.told != nil {
		h.told[request.ID] = true
	}
	if before := h.records[request.ID]; before != nil {
		h.drop(before)
	}
	m := &remembered{
		Sighting: Sighting{
			ID: request.ID, State: r.State, Follow: request.Follow, Said: r.Verdict != nil && r.Verdict.Pipeline == r.Pipeline.ID,
			Channel: cmp.Or(r.Shown.Channel, request.Channel), Card: r.Shown.Card,
			Team: request.Team, Asker: request.Asker, At: request.At,
		},
		pipeline: pipelineKey{r.Project.ID, r.Pipeline.ID}, channel: request.Channel, project: request.Project, ref: request.Ref,
	}
	h.records[m.ID] = m
	insert(h.channels, m.channel, m)
	if r.Pipeline.ID != 0 {
		insert(h.pipelines, m.pipeline, m)
	}
	if request.Follow {
		return
	}
	at := insert(h.people, m.person(), m)
	if at < recentRuns {
		m.whole = &r
	}
	if list := h.people[m.person()]; len(list) > recentRuns {
		list[recentRuns].whole = nil
	}
}

// remove takes a record out that is no longer kept.
func (h *History) remove(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.records[id]; m != nil {
		h.drop(m)
	}
}

func (h *History) drop(m *remembered) {
	delete(h.records, m.ID)
	takeOut(h.channels, m.channel, m)
	takeOut(h.pipelines, m.pipeline, m)
	takeOut(h.people, m.person(), m)
}

func insert[K comparable](lists map[K][]*remembered, key K, m *remembered) (at int) {
	at, _ = slices.BinarySearchFunc(lists[key], m, newest)
	lists[key] = slices.Insert(lists[key], at, m)
	return at
}

// takeOut does nothing where the list has no such record.
func takeOut[K comparable](lists map[K][]*remembered, key K, m *remembered) {
	list := lists[key]
	at, is := slices.BinarySearchFunc(list, m, newest)
	switch {
	case is && len(list) == 1:
		delete(lists, key)
	case is:
		lists[key] = slices.Delete(list, at, at+1)
	}
}

// Shown are the runs whose pipeline that is: the one that it was started for and those
// that follow it, newest first.
func (h *History) Shown(project, pipeline int64) []Sighting {
	h.mu.Lock()
	defer h.mu.Unlock()
	var shown []Sighting
	for _, m := range h.pipelines[pipelineKey{project, pipeline}] {
		shown = append(shown, m.Sighting)
	}
	return shown
}

// AskerOf is who asked for the pipeline here, by Slack's ids; ok is false where nobody
// did.
func (h *History) AskerOf(project, pipeline int64) (team, user string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.pipelines[pipelineKey{project, pipeline}] {
		if !m.Follow {
			return m.Team, m.Asker, true
		}
	}
	return "", "", false
}

// LastPipeline is the pipeline of the request, or of the wish to follow one, that was
// made last in a channel. Requests that have no pipeline (yet) do not count.
func (h *History) LastPipeline(channel string) (project, pipeline int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.channels[channel] {
		if m.pipeline.pipeline != 0 {
			return m.pipeline.project, m.pipeline.pipeline, true
		}
	}
	return 0, 0, false
}

// LastProject is the project, as the settings name it, that a run was last asked for in
// a channel, "" where none was.
func (h *History) LastProject(channel string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.channels[channel] {
		if !m.Follow {
			return m.project
		}
	}
	return ""
}

// RecentRefs are the refs that a person chose last in a project, newest first.
func (h *History) RecentRefs(team, asker, project string) []gitlab.Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	var refs []gitlab.Ref
	for _, m := range h.people[Person{Team: team, User: asker}] {
		if m.project == project && len(refs) < recentRefs && !slices.Contains(refs, m.ref) {
			refs = append(refs, m.ref)
		}
	}
	return refs
}

// RecentRuns are the last runs that a person asked for, newest first, n at most and no
// more than ten. What a person only follows is not among them. Their maps and slices are
// the history's own.
func (h *History) RecentRuns(team, asker string, n int) []Run {
	h.mu.Lock()
	defer h.mu.Unlock()
	var runs []Run
	for _, m := range h.people[Person{Team: team, User: asker}] {
		// Where a newer one has expired first, an older one moves up that is not kept.
		if m.whole != nil && len(runs) < n {
			runs = append(runs, *m.whole)
		}
	}
	return runs
}

// PipelinesOf are the ids of the pipelines that a person asked for in a project, by the
// request, newest first.
func (h *History) PipelinesOf(team, asker string, project int64) []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	var ids []int64
	for _, m := range h.people[Person{Team: team, User: asker}] {
		if m.pipeline.project == project && m.pipeline.pipeline != 0 {
			ids = append(ids, m.pipeline.pipeline)
		}
	}
	return ids
}
