package gitlabtest

import (
	"net/http"
	"strings"
	"time"
)

// A Match says which requests a fault is for. Empty fields match all.
type Match struct {
	Method      string
	PathPattern string // of the path as sent; * stands for any text without a slash, ** for any text
}

func (m Match) fits(method, path string) bool {
	if m.Method != "" && m.Method != method {
		return false
	}
	return m.PathPattern == "" || pathGlob(m.PathPattern, path)
}

// A Fault is what happens to a request instead of, or besides, what it asks for.
type Fault struct {
	Times int // how many requests; 0 is all of them

	Delay  time.Duration // waits this long before anything else
	Status int           // answers this status instead of doing what was asked
	Header http.Header   // of that answer
	Body   string        // of that answer
	Cut    bool          // closes the connection without an answer

	// Applied makes what was asked happen before the answer is replaced or the connection cut.
	Applied bool

	// ApplyAfter lets the request take effect that much later, even when the client gave up by then; the client
	// gets its answer then, if it still waits. Close drops what has not happened yet.
	ApplyAfter time.Duration
}

type plannedFault struct {
	match Match
	fault Fault
	left  int
}

// Fault plans a fault. Of several that match a request, the one planned first and not used up counts. The
// returned function ends it.
func (s *Server) Fault(match Match, fault Fault) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	planned := &plannedFault{match: match, fault: fault, left: fault.Times}
	if fault.Times <= 0 {
		planned.left = -1
	}
	s.faults = append(s.faults, planned)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		planned.left = 0
	}
}

// fault takes the fault for a request, nil when it goes through unharmed.
func (s *Server) takeFault(method, path string) *Fault {
	for _, f := range s.faults {
		if f.left != 0 && f.match.fits(method, path) {
			f.left--
			return &f.fault
		}
	}
	return nil
}

// pathGlob matches a path: * stands for any text without a slash, ** for any text.
func pathGlob(pattern, path string) bool {
	first, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == path
	}
	if !strings.HasPrefix(path, first) {
		return false
	}
	path = path[len(first):]
	rest, deep := strings.CutPrefix(rest, "*")
	for i := range len(path) + 1 {
		if pathGlob(rest, path[i:]) {
			return true
		}
		if i < len(path) && path[i] == '/' && !deep {
			return false
		}
	}
	return false
}
