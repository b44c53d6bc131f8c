package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	sandbox "pipebot/cmd/sandbox"
)

// What a sandbox leaves running when it ends would hold it up.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for: nothing takes nearly as long.
const patience = 90 * time.Second

// needGit skips a test where Git is not installed, and fails it where nothing may be left out.
func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err == nil {
		return
	}
	const why = "Git is not installed, and this test makes a repository with it"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// environ is an environment in which Git finds itself and nobody's settings.
func environ(t testing.TB) []string {
	t.Helper()
	home := t.TempDir()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(home),
		"GIT_AUTHOR_NAME=Alice", "GIT_AUTHOR_EMAIL=alice@example.com",
		"GIT_COMMITTER_NAME=Alice", "GIT_COMMITTER_EMAIL=alice@example.com",
	}
}

// newRepository is a repository of group/app with two branches and a tag besides main.
func newRepository(t testing.TB) string {
	t.Helper()
	return repositoryOf(t,
		"init --quiet --initial-branch=main",
		"commit --quiet --allow-empty --message=First",
		"tag v1.0.0",
		"branch feature/login",
		"branch release/2.4",
		"remote add origin git@gitlab.example.com:group/app.git",
	)
}

// newEmptyRepository is one of acme/shop without refs, which stands for the made-up ones.
func newEmptyRepository(t testing.TB) string {
	t.Helper()
	return repositoryOf(t, "init --quiet --initial-branch=main", "remote add origin git@gitlab.example.com:acme/shop.git")
}

func repositoryOf(t testing.TB, commands ...string) string {
	t.Helper()
	needGit(t)
	folder := t.TempDir()
	for _, args := range commands {
		git := exec.CommandContext(t.Context(), "git", strings.Fields(args)...)
		git.Dir, git.Env = folder, environ(t)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	return folder
}

// running is a sandbox that a test has started.
type running struct {
	t      testing.TB
	ctx    context.Context
	url    string // of the page
	stderr *output
	client *http.Client
}

// start runs the command until the test ends.
func start(t testing.TB, args ...string) *running {
	t.Helper()
	return startIn(t, environ(t), args...)
}

// startIn does the same in another environment.
func startIn(t testing.TB, env []string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	r := &running{t: t, ctx: ctx, stderr: &output{}, client: &http.Client{Transport: &http.Transport{}}}
	stdout, printed := io.Pipe()
	ended := make(chan int, 1)
	runCtx, stop := context.WithCancel(ctx)
	go func() {
		ended <- sandbox.Run(runCtx, append([]string{"--no-open", "--addr", "127.0.0.1:0"}, args...), env, printed, r.stderr)
		printed.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d, want 0\n%s", code, r.stderr)
		}
		r.client.CloseIdleConnections()
		cancel()
	})
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("it printed %q and ended\n%s", first, r.stderr)
	}
	r.url = strings.TrimSpace(first)
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the command
	if !slices.Contains(args, "--manifest") {
		// A bot that is stopped while its store begins leaves goroutines of the store behind.
		r.as("alice").find("workspace", func(w object) bool { return w["connections"].(float64) > 0 })
	}
	return r
}

func (r *running) origin() string {
	u, err := url.Parse(r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host
}

// do posts an action that has to be taken, and returns the answer.
func (r *running) do(action string, body map[string]any) map[string]any {
	r.t.Helper()
	answer := r.try(action, body)
	if answer["ok"] != true {
		r.t.Fatalf("%s %v: %v\n%s", action, body, answer["error"], r.stderr)
	}
	return answer
}

func (r *running) try(action string, body map[string]any) map[string]any {
	r.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	header := map[string]string{"Origin": r.origin(), "Content-Type": "application/json"}
	response := r.send(http.MethodPost, r.url+"do/"+action, text, header)
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		r.t.Fatalf("%s %v: status %d, %v", action, body, response.StatusCode, err)
	}
	return answer
}

func (r *running) send(method, address string, body []byte, header map[string]string) *http.Response {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.ctx, method, address, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	request.Host = request.Header.Get("Host") // "" is that of the address
	response, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	return response
}

// object is a value of the page's map.
type object = map[string]any

// person is what the page knows when somebody is acted as.
type person struct {
	r  *running
	id string

	mu      sync.Mutex
	state   map[string]object
	changed chan struct{}
}

// as follows the events as the person of this name sees them.
func (r *running) as(name string) *person {
	r.t.Helper()
	p := &person{r: r, changed: make(chan struct{}, 1)}
	if name != "alice" { // who is the one without an id
		first := r.as("alice")
		p.id = first.find("user/", func(u object) bool { return u["name"] == name })["id"].(string)
	}
	response := r.send(http.MethodGet, r.url+"events?as="+p.id, nil, nil)
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		r.t.Fatalf("events: status %d, %s", response.StatusCode, kind)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(response.Body)
	}()
	r.t.Cleanup(func() {
		response.Body.Close()
		<-read
	})
	p.find("user/", func(u object) bool { return u["name"] == name })
	p.mu.Lock()
	defer p.mu.Unlock()
	return p
}

// read applies the events as the page does.
func (p *person) read(body io.Reader) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		text, isData := strings.CutPrefix(lines.Text(), "data: ")
		if !isData {
			continue
		}
		var event struct {
			Reset bool
			Set   map[string]json.RawMessage
			Gone  []string
		}
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			p.r.t.Errorf("event %.200s: %v", text, err)
			return
		}
		p.mu.Lock()
		if event.Reset {
			p.state = map[string]object{}
		}
		for key, value := range event.Set {
			var o object
			if key == "me" {
				_ = json.Unmarshal(value, &p.id)
			} else if err := json.Unmarshal(value, &o); err != nil {
				p.r.t.Errorf("%s: %v", key, err)
			}
			p.state[key] = o
		}
		for _, key := range event.Gone {
			delete(p.state, key)
		}
		p.mu.Unlock()
		select {
		case p.changed <- struct{}{}:
		default:
		}
	}
}

// find waits for a value whose key begins so and that want likes.
func (p *person) find(prefix string, want func(object) bool) object {
	p.r.t.Helper()
	for {
		p.mu.Lock()
		for key, value := range p.state {
			if strings.HasPrefix(key, prefix) && want(value) {
				p.mu.Unlock()
				return value
			}
		}
		p.mu.Unlock()
		p.wait("a value of " + prefix)
	}
}

// gone waits until no key begins so.
func (p *person) gone(prefix string) {
	p.r.t.Helper()
	for {
		found := false
		p.mu.Lock()
		for key := range p.state {
			found = found || strings.HasPrefix(key, prefix)
		}
		p.mu.Unlock()
		if !found {
			return
		}
		p.wait("no value of " + prefix)
	}
}

func (p *person) wait(what string) {
	p.r.t.Helper()
	select {
	case <-p.changed:
	case <-p.r.ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		text, _ := json.MarshalIndent(p.state, "", " ")
		p.r.t.Fatalf("waiting for %s\n%s\n%s", what, text, p.r.stderr)
	}
}

// channel is the id of the channel of this name.
func (p *person) channel(name string) string {
	p.r.t.Helper()
	return p.find("channel/", func(c object) bool { return c["name"] == name })["id"].(string)
}

// output is written by the command and read by the test.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
