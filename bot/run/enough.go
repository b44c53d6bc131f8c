package run

import (
	"sync"
	"time"

	"pipebot/gitlab"
)

// enough remembers for which projects GitLab takes no more requests just now (429), so
// that each of many runs does not find that out by itself. Other projects go on.
// https://docs.gitlab.com/security/rate_limits/
type enough struct {
	mu   sync.Mutex
	said map[string]enoughSaid // by the project's name in the settings
}

type enoughSaid struct {
	err   *gitlab.Error
	until time.Time
}

// note takes note of an answer that may be a 429 with a Retry-After.
func (h *enough) note(project string, err error, now time.Time) {
	e := asError(err)
	if e == nil || e.Kind != gitlab.RateLimited || e.RetryAfter <= 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.said == nil {
		h.said = make(map[string]enoughSaid)
	}
	h.said[project] = enoughSaid{e, now.Add(e.RetryAfter)}
}

// still is GitLab's 429 with the time that is left of its Retry-After, nil where GitLab
// takes requests.
func (h *enough) still(project string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	said, ok := h.said[project]
	if left := said.until.Sub(now); ok && left > 0 {
		err := *said.err
		err.RetryAfter = left
		return &err
	}
	delete(h.said, project)
	return nil
}
