package gitlabtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Request is one HTTP request that reached the server.
type Request struct {
	Method string
	Path   string // as sent, with %2F in the path of a project
	Query  string
	Status int // 0 while it is under way, and when the connection was cut without an answer
	Time   time.Time
	User   string // username of the access token, "" without one
}

// A Violation is something that a client did and that GitLab's documents warn against, forgive or refuse.
type Violation struct {
	Method  string
	Path    string
	Message string
}

// String puts the violation in a line for a test's message.
func (v Violation) String() string { return fmt.Sprintf("%s %s: %s", v.Method, v.Path, v.Message) }

// Requests returns all requests since the start or the last [Server.ResetRequests], oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
	s.changed()
}

// Count is the number of requests that match a pattern such as "/api/v4/projects/*/pipelines" or
// "POST /api/v4/projects/*/trigger/pipeline"; * stands for any text without a slash, ** for any text.
func (s *Server) Count(pattern string) int {
	match := Match{PathPattern: pattern}
	if method, path, ok := strings.Cut(pattern, " "); ok {
		match = Match{Method: method, PathPattern: path}
	}
	n := 0
	for _, r := range s.Requests() {
		if match.fits(r.Method, r.Path) {
			n++
		}
	}
	return n
}

// Violations returns what clients did wrong so far; a test of a good client ends by checking that there are none.
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Wait returns when the condition holds. It is asked again after each change of the world and each request;
// it may call any method of the server. The error is the context's.
func (s *Server) Wait(ctx context.Context, condition func() bool) error {
	for {
		s.mu.Lock()
		next := s.generation
		s.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Subscribe returns a channel that gets a value soon after each change of the world; changes that come quickly
// after one another share one. Call stop when it is no longer read.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan struct{}, 1)
	s.watchers[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
	}
}

// changed tells everybody who watches that the world is another one.
func (s *Server) changed() {
	s.again()
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// again lets waiting conditions be asked again.
func (s *Server) again() {
	close(s.generation)
	s.generation = make(chan struct{})
}
