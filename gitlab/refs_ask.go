package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// typingPause is how long a search waits for the next letter. People type one
	// every 100 to 300 ms, and a search that is typed on is not sent.
	typingPause = 150 * time.Millisecond
	// searchesAtOnce is how many searches of a project GitLab is at, at most: each
	// is two requests for which it reads all refs.
	searchesAtOnce = 2
	// searchFresh is how long an answer stands in for asking again.
	searchFresh = 15 * time.Second
	// searchLimit is how many refs of each kind a search asks for.
	searchLimit   = 100
	searchTimeout = 10 * time.Second
	searchRest    = 2 * time.Second // after one that failed
)

var errClosed = errors.New("the refs are closed")

// refSearch is one search by GitLab. Everybody who needs it waits for the same.
type refSearch struct {
	text string
	over chan struct{} // closed when there is an answer, or somebody typed on

	// Guarded by projectRefs.mu, and fixed once over is closed.
	sent     bool
	typedOn  *refSearch // what was typed instead
	all      bool       // GitLab had no more than it gave
	err      error
	answered time.Time
}

// askGitLab has GitLab search and waits until everything that it said is in the
// index. While the project is cold it also waits for the first reading of the
// newest names, which may answer, and ends early when all names are there.
func (p *projectRefs) askGitLab(ctx context.Context, query string, cold bool) error {
	search, err := p.searchFor(query)
	var newest, whole chan struct{}
	if cold {
		newest, whole = p.firstNewest(), p.whole
	}
	for search != nil || newest != nil {
		var over chan struct{}
		if search != nil {
			over = search.over
		}
		select {
		case <-over:
			err, search = search.err, search.typedOn
		case <-newest:
			newest = nil
		case <-whole:
			if newest, whole = nil, nil; search == nil || !p.search(query, 1).empty() {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("waiting for GitLab's list of refs: %w", ctx.Err())
		}
	}
	if err == nil && cold {
		err = p.coldErr()
	}
	return err
}

// firstNewest is closed when the first reading of the newest names ends; nil where
// none is under way or one succeeded.
func (p *projectRefs) firstNewest() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.newest.succeeded.IsZero() {
		return nil
	}
	return p.newest.under
}

// coldErr is why not even the newest names are known.
func (p *projectRefs) coldErr() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.complete() || !p.newest.succeeded.IsZero() {
		return nil
	}
	return p.newest.err
}

// searchFor returns the search to wait for; nil where GitLab has nothing to add,
// or, with an error, is left alone after a failure.
func (p *projectRefs) searchFor(query string) (*refSearch, error) {
	text := searchText(query)
	if text == "" {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.searches = slices.DeleteFunc(p.searches, func(s *refSearch) bool {
		return !s.answered.IsZero() && now.Sub(s.answered) >= searchFresh
	})
	for _, s := range p.searches {
		switch {
		case s.text == text && s.answered.IsZero():
			return s, nil
		case s.text == text, s.all && strings.Contains(text, s.text):
			return nil, nil
		}
	}
	if now.Before(p.askAgain) {
		return nil, p.askErr
	}
	return p.startSearch(text), nil
}

// startSearch puts a search in the place of those that wait and were typed on.
func (p *projectRefs) startSearch(text string) *refSearch {
	s := &refSearch{text: text, over: make(chan struct{})}
	p.searches = slices.DeleteFunc(p.searches, func(older *refSearch) bool {
		if older.sent || !strings.HasPrefix(text, older.text) {
			return false
		}
		older.typedOn = s
		close(older.over)
		return true
	})
	p.searches = append(p.searches, s)
	if !p.refs.background(func(ctx context.Context) { p.runSearch(ctx, s) }) {
		p.searches = p.searches[:len(p.searches)-1]
		s.err = errClosed
		close(s.over)
	}
	return s
}

func (p *projectRefs) runSearch(ctx context.Context, s *refSearch) {
	typing := time.NewTimer(typingPause)
	defer typing.Stop()
	select {
	case <-typing.C:
	case <-s.over:
		return
	case <-ctx.Done():
	}
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-s.over:
		return
	case <-ctx.Done():
	}
	if !p.send(s) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	var refs []Ref
	err := caught(func() (err error) {
		refs, err = p.refs.lister.SearchRefs(ctx, p.current(), s.text, searchLimit)
		return err
	})
	if err == nil {
		p.learn(refs)
	}
	p.answer(s, refs, err)
}

// send marks a search as sent, unless somebody has typed on.
func (p *projectRefs) send(s *refSearch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.sent = s.typedOn == nil
	return s.sent
}

func (p *projectRefs) answer(s *refSearch, refs []Ref, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s.answered, s.err, s.all = now, err, err == nil && len(refs) < searchLimit
	if err != nil {
		p.searches = slices.DeleteFunc(p.searches, func(other *refSearch) bool { return other == s })
		p.askAgain, p.askErr = now.Add(max(searchRest, retryAfterOf(err))), err
	}
	close(s.over)
}

func retryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// searchText is what GitLab is asked for: the longest word of the query, as GitLab
// knows no words. Empty where no name can match: git forbids ^ and *, which GitLab
// would read as a pattern, as it does $.
// https://git-scm.com/docs/git-check-ref-format
func searchText(query string) string {
	var room [maxWords]string
	words := queryWords(room[:0], query)
	if len(words) == 0 || strings.ContainsAny(query, "^*") {
		return ""
	}
	text, _, _ := strings.Cut(words[0], "$")
	return text
}
