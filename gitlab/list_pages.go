package gitlab

import (
	"fmt"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// readPage reads one page of names; the option leads to the next one.
type readPage func(next ...gl.RequestOptionFunc) ([]string, *gl.Response, error)

// everyPage reads page after page, as each links to the next. GitLab links to
// keyset pages where it knows them and to offset pages elsewhere; both are
// followed to the end.
// https://docs.gitlab.com/api/rest/#pagination-link-header
func everyPage(op string, read readPage) ([]string, error) {
	all, last, err := pages(0, read)
	if err != nil {
		return nil, err
	}
	// Some versions answer [] to every offset page of branches but the first.
	// X-Total tells, which keyset pages and lists of more than 10,000 lack; there
	// an empty offset page gives it away.
	total := int(last.TotalItems)
	if !complete(len(all.list), total) || total == 0 && last.CurrentPage > 1 && all.added == 0 {
		return nil, incomplete(op, len(all.list), total)
	}
	return all.list, nil
}

// upTo reads pages until there are limit names, or the last page where limit is 0.
// What GitLab says of the total is not looked at: when it searches, it may count
// all refs and not those that it found.
func upTo(limit int, read readPage) ([]string, error) {
	all, _, err := pages(limit, read)
	if err != nil {
		return nil, err
	}
	if limit > 0 && len(all.list) > limit {
		all.list = all.list[:limit] // some versions do not page what was searched
	}
	return all.list, nil
}

func pages(limit int, read readPage) (all names, last *gl.Response, err error) {
	var next []gl.RequestOptionFunc
	for range maxNamePages {
		var page []string
		if page, last, err = read(next...); err != nil {
			return all, last, err
		}
		all.add(page)
		option, more := gl.WithNext(last)
		// A page that adds nothing ends the list too, or one that only repeats
		// would go on for ever.
		if !more || all.added == 0 || limit > 0 && len(all.list) >= limit {
			return all, last, nil
		}
		next = []gl.RequestOptionFunc{option}
	}
	return all, last, unreadable("listing refs", last, "the pages of its list do not end")
}

// maxNamePages ends a list of names that does not end by itself, after a million.
const maxNamePages = 10_000

// complete reports whether got names can be all of total. Refs come and go while
// their pages are read, so a hundredth may be missing.
func complete(got, total int) bool { return total-got <= total/100 }

func incomplete(op string, got, total int) error {
	e := &Error{Op: op, Kind: Unclear, Message: fmt.Sprintf("the list ends after %d names", got)}
	if total > 0 {
		e.Message += fmt.Sprintf(" of %d", total)
	}
	return e
}

// names is a list without repetitions.
type names struct {
	list  []string
	seen  map[string]bool
	added int // how many of the last ones were new
}

func (n *names) add(more []string) {
	if n.seen == nil {
		n.seen = make(map[string]bool, len(more))
	}
	n.added = 0
	for _, name := range more {
		if !n.seen[name] {
			n.seen[name] = true
			n.list = append(n.list, name)
			n.added++
		}
	}
}
