package run

import (
	"slices"
	"sync"
	"time"

	"pipebot/gitlab"
)

// recentRefs is how many choices of a person are remembered for each project.
const recentRefs = 5

// History is what the kept runs tell about people's habits. It is made from the
// records alone, so it survives restarts and is the same in every replica.
type History struct {
	mu       sync.Mutex
	recent   map[recentKey][]dated[gitlab.Ref]
	projects map[string]dated[string]
}

type recentKey struct{ team, asker, project string }

type dated[T any] struct {
	value T
	at    time.Time
}

func (h *History) add(r Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.recent == nil {
		h.recent = make(map[recentKey][]dated[gitlab.Ref])
		h.projects = make(map[string]dated[string])
	}
	// Records come in the order of their last change, and again at each change.
	if last := h.projects[r.Channel]; r.At.After(last.at) {
		h.projects[r.Channel] = dated[string]{r.Project, r.At}
	}
	key := recentKey{r.Team, r.Asker, r.Project}
	list := h.recent[key]
	if i := slices.IndexFunc(list, func(d dated[gitlab.Ref]) bool { return d.value == r.Ref }); i >= 0 {
		if !r.At.After(list[i].at) {
			return
		}
		list = slices.Delete(list, i, i+1)
	}
	list = append(list, dated[gitlab.Ref]{r.Ref, r.At})
	slices.SortFunc(list, func(a, b dated[gitlab.Ref]) int { return b.at.Compare(a.at) })
	h.recent[key] = list[:min(len(list), recentRefs)]
}

// RecentRefs are the refs that a person chose last in a project, newest first.
func (h *History) RecentRefs(team, asker, project string) []gitlab.Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.recent[recentKey{team, asker, project}]
	refs := make([]gitlab.Ref, len(list))
	for i, d := range list {
		refs[i] = d.value
	}
	return refs
}

// LastProject is the project that was last used in a channel, "" where none was.
func (h *History) LastProject(channel string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.projects[channel].value
}
