package gitlabtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The limits of https://docs.gitlab.com/api/rest/#pagination.
const (
	defaultPerPage = 20
	maxPerPage     = 100
	maxCounted     = 10_000 // beyond it GitLab sends no totals
)

// perPage reads per_page: 20 by default, 100 at most.
func (c *call) perPage() (int, *reply) {
	n, bad := c.params.number("per_page", defaultPerPage)
	switch {
	case bad != nil:
		return 0, bad
	case n <= 0:
		return 0, invalid("per_page has a value not allowed")
	case n > maxPerPage:
		c.violate(fmt.Sprintf("asked for %d a page, GitLab gives %d at most", n, maxPerPage))
		return maxPerPage, nil
	}
	return n, nil
}

// offset cuts an offset page out of a list of n and makes the headers for it.
func (c *call) offset(n int) (from, to int, header http.Header, bad *reply) {
	size, bad := c.perPage()
	if bad != nil {
		return 0, 0, nil, bad
	}
	page, bad := c.params.number("page", 1)
	if bad != nil {
		return 0, 0, nil, bad
	}
	page = max(1, page)
	from, to = min((page-1)*size, n), min(page*size, n)
	pages := max(1, (n+size-1)/size)
	header = http.Header{}
	header.Set("X-Page", strconv.Itoa(page))
	header.Set("X-Per-Page", strconv.Itoa(size))
	header.Set("X-Next-Page", "")
	header.Set("X-Prev-Page", "")
	var links []string
	link := func(rel string, page int) {
		links = append(links, fmt.Sprintf("<%s>; rel=%q", c.address("page", strconv.Itoa(page), "per_page", strconv.Itoa(size)), rel))
	}
	if page > 1 {
		header.Set("X-Prev-Page", strconv.Itoa(page-1))
		link("prev", page-1)
	}
	if to < n {
		header.Set("X-Next-Page", strconv.Itoa(page+1))
		link("next", page+1)
	}
	link("first", 1)
	if n <= maxCounted {
		header.Set("X-Total", strconv.Itoa(n))
		header.Set("X-Total-Pages", strconv.Itoa(pages))
		link("last", pages)
	}
	header.Set("Link", strings.Join(links, ", "))
	return from, to, header, nil
}

// next is the header of a keyset page, which only links to the page after it.
func (c *call) next(key, value string) http.Header {
	header := http.Header{}
	header.Set("Link", fmt.Sprintf("<%s>; rel=%q", c.address("pagination", "keyset", key, value), "next"))
	return header
}

// address is the URL of this request with some query parameters set to other values.
func (c *call) address(pairs ...string) string {
	query, _ := url.ParseQuery(c.r.URL.RawQuery) // parse has refused what is wrong with it
	query.Del("private_token")
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return c.s.URL + c.r.URL.EscapedPath() + "?" + query.Encode()
}

// A cursor names the last item of a keyset page; clients must not look into it.
func cursor(id int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"id":"%d"}`, id))
}

func readCursor(value string) (int, bool) {
	text, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return 0, false
	}
	digits, ok := strings.CutPrefix(string(text), `{"id":"`)
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(strings.TrimSuffix(digits, `"}`))
	return id, err == nil
}
