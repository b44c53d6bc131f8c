package gitlabtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// A world is a server with a project and one user for each role.
type world struct {
	*gitlabtest.Server
	t     *testing.T
	app   *gitlabtest.Project
	users map[gitlabtest.Role]*gitlabtest.User
	token map[gitlabtest.Role]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := gitlabtest.NewServer(gitlabtest.Config{})
	t.Cleanup(s.Close)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	w := &world{Server: s, t: t, users: map[gitlabtest.Role]*gitlabtest.User{}, token: map[gitlabtest.Role]string{}}
	w.app = s.AddProject("group/app")
	for role, name := range map[gitlabtest.Role]string{
		gitlabtest.NoAccess: "stranger", gitlabtest.Guest: "guest", gitlabtest.Reporter: "reporter",
		gitlabtest.Developer: "developer", gitlabtest.Maintainer: "maintainer", gitlabtest.Owner: "owner",
	} {
		u := s.AddUser(name)
		w.app.AddMember(u, role)
		w.users[role], w.token[role] = u, s.AddToken(u, "api")
	}
	w.app.SetCI(gitlabtest.CI{
		Stages: []string{"build", "test"},
		Jobs: []gitlabtest.JobSpec{
			{Name: "compile", Stage: "build", Duration: time.Minute},
			{Name: "unit", Stage: "test", Duration: time.Minute},
			{Name: "lint", Stage: "test", Duration: time.Minute, AllowFailure: true},
		},
	})
	return w
}

// run starts a pipeline on main as the developer.
func (w *world) run() *gitlabtest.Pipeline {
	w.t.Helper()
	pl, reason := w.app.StartPipeline(w.users[gitlabtest.Developer], "main", "web")
	if reason != "" {
		w.t.Fatal(reason)
	}
	return pl
}

// An answer is what the server said.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// ask sends a request under /api/v4 with the token; a body is JSON unless it is url.Values.
func (w *world) ask(method, path, token string, body any) answer {
	w.t.Helper()
	a, err := w.try(method, path, token, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (w *world) try(method, path, token string, body any) (answer, error) {
	w.t.Helper()
	return w.send(method, path, func(header map[string][]string) {
		if token != "" {
			header["Private-Token"] = []string{token}
		}
	}, body)
}

// send is try with any way to sign the request.
func (w *world) send(method, path string, sign func(header map[string][]string), body any) (answer, error) {
	w.t.Helper()
	var content io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		content, kind = bytes.NewReader(text), "application/json"
	}
	if strings.HasPrefix(path, "/") {
		path = w.URL + "/api/v4" + path
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, path, content)
	if err != nil {
		w.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	sign(r.Header)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

// get reads a path as the maintainer into a value.
func get[T any](w *world, path string) T {
	w.t.Helper()
	return decode[T](w, w.ask("GET", path, w.token[gitlabtest.Maintainer], nil), http.StatusOK)
}

func decode[T any](w *world, a answer, status int) T {
	w.t.Helper()
	var v T
	if a.Status != status {
		w.t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		w.t.Fatalf("%v in %s", err, a.Body)
	}
	return v
}

// next is the address of the next page, "" after the last.
func (a answer) next() string {
	for _, link := range strings.Split(a.Header.Get("Link"), ", ") {
		if address, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

type named struct {
	Name string `json:"name"`
}

func names(list []named) []string {
	out := []string{}
	for _, n := range list {
		out = append(out, n.Name)
	}
	return out
}

func numbered(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}
