package gitlab

import (
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// What comes back need not be GitLab's: a proxy, a sign-in page or a captive portal can
// stand before it. It is read within bounds, and believed where it has the form that it
// should.

const (
	// maxAnswer bounds what is read of an answer. The longest are the names of all
	// branches of a project: half a million of them take less.
	maxAnswer = 32 << 20
	// maxRefusal bounds what is read of an answer that is an error or a page.
	maxRefusal = 1 << 20
)

// bounded is a transport whose answers end, and have no header that client-go stumbles
// over.
type bounded struct{ http.RoundTripper }

// RoundTrip makes the request and bounds its answer, as it is after decompression.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if !readableLinks(resp.Header.Get("Link")) {
		_ = resp.Body.Close() // nothing of it is used
		return nil, errLinks
	}
	limit := int64(maxAnswer)
	if resp.StatusCode >= http.StatusMultipleChoices {
		limit = maxRefusal
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, limit)
	return resp, nil
}

var errLinks = errors.New("the answer's header Link is none")

// readableLinks reports whether client-go (v2.64) can read the header: it panics where
// what follows the first semicolon of a link has no equals sign.
func readableLinks(header string) bool {
	for link := range strings.SplitSeq(header, ",") {
		if _, after, found := strings.Cut(link, ";"); found {
			if param, _, _ := strings.Cut(after, ";"); !strings.Contains(param, "=") {
				return false
			}
		}
	}
	return true
}

// isText reports whether the answer is a page or plain text: all that GitLab's API says
// itself is JSON, but for a 429.
func isText(resp *gl.Response) bool {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && strings.HasPrefix(kind, "text/")
}

// unreadable is the error for an answer that is not what it should be. Nothing is known
// then: of a write that may have taken effect, no less than of what was to be read.
func unreadable(op string, resp *gl.Response, message string) error {
	return &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: message}
}

// wholeList checks a list: null is none, and neither is one with something in it that
// does not say what it is.
func wholeList[T any](op string, resp *gl.Response, list []T, names func(T) bool) error {
	if list == nil || slices.ContainsFunc(list, func(item T) bool { return !names(item) }) {
		return unreadable(op, resp, "its answer is not the list that was asked for")
	}
	return nil
}

// maxPages ends lists that do not end by themselves: 100,000 of anything that is read
// in pages are more than there can be.
const maxPages = 1000

// eachPage reads one page after the other, counted from 1, until GitLab says that none
// follows. read returns the last thing on the page, or the zero value where it is empty.
// Pages that repeat, or are empty before the end, are no list.
func eachPage[K comparable](op string, read func(page int64) (last K, more bool, err error)) error {
	var before, none K
	for page := int64(1); page <= maxPages; page++ {
		last, more, err := read(page)
		if err != nil || !more {
			return err
		}
		if last == none || last == before {
			break
		}
		before = last
	}
	return &Error{Op: op, Kind: Unclear, Status: http.StatusOK, Message: "the pages of its list do not end"}
}

// hasNext reports whether a page follows. Which one is for us to count: a header that
// leads back would be followed for ever. Link, which GitLab's documentation prefers,
// survives proxies that drop what begins with X-.
// https://docs.gitlab.com/api/rest/#offset-based-pagination
func hasNext(resp *gl.Response) bool { return resp.NextPage != 0 || resp.NextLink != "" }

// lasting is a number of seconds, which may be broken or none, as a time.
func lasting(seconds float64) time.Duration {
	const most = float64(math.MaxInt64 / int64(time.Second))
	return time.Duration(min(max(seconds, 0), most-1) * float64(time.Second))
}

// named is how an answer that holds a number in place of a thing is refused.
func named(op string, resp *gl.Response, id int64, what string) error {
	if id > 0 {
		return nil
	}
	return unreadable(op, resp, fmt.Sprintf("its answer names no %s", what))
}
