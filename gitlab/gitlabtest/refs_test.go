package gitlabtest_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

func TestRefOrderAndSearch(t *testing.T) {
	w := newWorld(t)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.app.AddBranch("main", day)
	w.app.AddBranch("release/1.0", day.Add(2*time.Hour))
	w.app.AddBranch("release", day.Add(1*time.Hour))
	w.app.AddBranch("Feature/release-notes", day.Add(3*time.Hour))
	for _, tag := range []string{"v1.10.0", "v1.9.0", "v2.0.0-rc1"} {
		day = day.Add(time.Hour)
		w.app.AddTag(tag, day)
	}
	for _, test := range []struct{ query, want string }{
		{"branches", "Feature/release-notes main release release/1.0"},
		{"branches?sort=updated_desc", "Feature/release-notes release/1.0 release main"},
		{"branches?sort=updated_asc", "main release release/1.0 Feature/release-notes"},
		{"branches?search=release", "release Feature/release-notes release/1.0"},
		{"branches?search=RELEASE/", "release/1.0"},
		{"branches?search=^release", "release release/1.0"},
		{"branches?search=notes$", "Feature/release-notes"},
		{"branches?search=^release$", "release"},
		{"branches?search=^f*notes", "Feature/release-notes"},
		{"branches?regex=^release/[0-9]", "release/1.0"},
		{"branches?search=none", ""},
		{"tags", "v2.0.0-rc1 v1.9.0 v1.10.0"},
		{"tags?order_by=name&sort=asc", "v1.10.0 v1.9.0 v2.0.0-rc1"},
		{"tags?order_by=version&sort=asc", "v1.9.0 v1.10.0 v2.0.0-rc1"},
		{"tags?search=^v1", "v1.9.0 v1.10.0"},
	} {
		t.Run(test.query, func(t *testing.T) {
			path := strings.NewReplacer("^", "%5E", "$", "%24").Replace(test.query)
			got := strings.Join(names(get[[]named](w, "/projects/1/repository/"+path)), " ")
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestRefPaging(t *testing.T) {
	w := newWorld(t)
	w.app.DeleteBranch("main")
	branches := numbered("b%03d", 250)
	w.app.AddBranches(branches)
	w.app.AddTags(branches)
	for _, test := range []struct {
		path  string
		pages int
	}{
		{"branches?per_page=100", 3},
		{"branches?per_page=100&pagination=keyset", 3},
		{"branches?per_page=50&pagination=keyset&sort=updated_desc", 6}, // a full last page still links to an empty one
		{"branches", 13},
		{"tags?per_page=100", 3},
		{"tags?per_page=100&pagination=keyset", 3},
		{"tags?per_page=100&pagination=keyset&order_by=version", 3},
		{"branches?per_page=100&pagination=keyset&search=b", 1}, // a search is not paged by keyset
	} {
		t.Run(test.path, func(t *testing.T) {
			var all []string
			pages := 0
			for path := "/projects/1/repository/" + test.path; path != ""; pages++ {
				a := w.ask("GET", path, w.token[gitlabtest.Reporter], nil)
				all = append(all, names(decode[[]named](w, a, 200))...)
				path = a.next()
			}
			slices.Sort(all)
			if diff := cmp.Diff(branches, all); diff != "" {
				t.Error(diff)
			}
			if pages != test.pages {
				t.Errorf("%d pages, want %d", pages, test.pages)
			}
		})
	}
}

func TestOffsetHeaders(t *testing.T) {
	w := newWorld(t)
	w.app.AddBranches(numbered("b%03d", 249))
	a := w.ask("GET", "/projects/1/repository/branches?per_page=100&page=2", w.token[gitlabtest.Reporter], nil)
	want := map[string]string{
		"X-Page": "2", "X-Per-Page": "100", "X-Prev-Page": "1", "X-Next-Page": "3", "X-Total": "250", "X-Total-Pages": "3",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = a.Header.Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoTotalsOverTenThousand(t *testing.T) {
	w := newWorld(t)
	w.app.AddBranches(numbered("b%06d", 100_000))
	a := w.ask("GET", "/projects/1/repository/branches?per_page=100", w.token[gitlabtest.Reporter], nil)
	if a.Header.Get("X-Total") != "" || a.Header.Get("X-Next-Page") != "2" || strings.Contains(a.Header.Get("Link"), "last") {
		t.Errorf("headers %v", a.Header)
	}
}

func TestRefRefusals(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"branches/none":          `404 {"message":"404 Branch Not Found"}`,
		"tags/none":              `404 {"message":"404 Tag Not Found"}`,
		"commits/none":           `404 {"message":"404 Commit Not Found"}`,
		"branches?sort=newest":   `400 {"error":"sort does not have a valid value"}`,
		"branches?per_page=0":    `400 {"error":"per_page has a value not allowed"}`,
		"branches?per_page=many": `400 {"error":"per_page is invalid"}`,
		"branches?pagination=keyset&page_token=not": `422 {"message":"422 Unprocessable entity - Invalid page token: not"}`,
	} {
		a := w.ask("GET", "/projects/1/repository/"+path, w.token[gitlabtest.Reporter], nil)
		if got := fmt.Sprintf("%d %s", a.Status, a.Body); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestPerPageIsCutToAHundred(t *testing.T) {
	w := newWorld(t)
	w.app.AddBranches(numbered("b%03d", 200))
	if n := len(get[[]named](w, "/projects/1/repository/branches?per_page=200")); n != 100 {
		t.Errorf("%d branches", n)
	}
	if v := w.Violations(); len(v) != 1 || !strings.Contains(v[0].String(), "GitLab gives 100 at most") {
		t.Errorf("violations %v", v)
	}
}

func TestEmptyLaterPages(t *testing.T) {
	w := newWorld(t)
	w.app.AddBranches(numbered("b%03d", 50))
	w.SetEmptyPages(true)
	if n := len(get[[]named](w, "/projects/1/repository/branches?page=2")); n != 0 {
		t.Errorf("%d branches on page 2", n)
	}
	if n := len(get[[]named](w, "/projects/1/repository/branches?pagination=keyset&page_token=b020")); n != 20 {
		t.Errorf("%d branches with keyset", n)
	}
}

func TestRefsByName(t *testing.T) {
	w := newWorld(t)
	w.app.AddBranch("feature/x", time.Now())
	if b := get[named](w, "/projects/group%2Fapp/repository/branches/"+url.PathEscape("feature/x")); b.Name != "feature/x" {
		t.Errorf("branch %q", b.Name)
	}
	type commit struct {
		ID string `json:"id"`
	}
	byName := get[commit](w, "/projects/1/repository/commits/feature%2Fx")
	if byID := get[commit](w, "/projects/1/repository/commits/"+byName.ID[:8]); byID != byName {
		t.Errorf("%v by id, %v by name", byID, byName)
	}
}
