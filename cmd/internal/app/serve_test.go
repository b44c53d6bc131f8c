package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/cmd/internal/app"
	"pipebot/gitlab/gitlabtest"
)

// soon bounds what a test waits for; it never passes in a test that succeeds.
const soon = 30 * time.Second

// world is a workspace, an instance with one project, and settings for the program
// between them.
type world struct {
	t       *testing.T
	ctx     context.Context
	slack   *slacktest.Server
	gitlab  *gitlabtest.Server
	project *gitlabtest.Project
	owner   *gitlabtest.User
	env     map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, slack: slacktest.NewServer(slacktest.Config{}), gitlab: gitlabtest.NewServer(gitlabtest.Config{})}
	t.Cleanup(w.slack.Close)
	t.Cleanup(w.gitlab.Close)
	w.owner = w.gitlab.AddUser("release-bot")
	w.project = w.gitlab.AddProject("group/app")
	w.project.AddMember(w.owner, gitlabtest.Maintainer)
	w.env = map[string]string{
		"SLACK_APP_TOKEN": slacktest.DefaultAppToken, "SLACK_BOT_TOKEN": slacktest.DefaultBotToken, "SLACK_API_URL": w.slack.APIURL(),
		"SLACK_RATE": "1000", "GITLAB_URL": w.gitlab.URL, "GITLAB_TOKEN": w.gitlab.AddToken(w.owner, "api"), "GITLAB_PROJECTS": "group/app",
		"GITLAB_TRIGGER_TOKEN": w.project.AddTriggerToken(w.owner, "pipebot").Token,
		"DATA_DIR":             filepath.Join(t.TempDir(), "data"), "HTTP_ADDR": "127.0.0.1:0", "LOG_LEVEL": "debug",
	}
	return w
}

// program is Main while it runs.
type program struct {
	w      *world
	stderr *output
	cancel context.CancelFunc
	code   chan int
}

// start runs Main. When the test ends it is stopped, and has to take that well.
func (w *world) start() *program {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{w: w, stderr: newOutput(), cancel: cancel, code: make(chan int, 1)}
	var running sync.WaitGroup
	running.Go(func() {
		p.code <- app.Main(ctx, "v1.2.3", nil, environ(w.env), io.Discard, p.stderr)
	})
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
		if w.t.Failed() {
			w.t.Logf("what it said:\n%s", p.stderr)
		}
	})
	return p
}

// exit waits until Main returns.
func (p *program) exit() int {
	p.w.t.Helper()
	select {
	case code := <-p.code:
		return code
	case <-p.w.ctx.Done():
		p.w.t.Fatal("it does not end")
		return -1
	}
}

// stop ends Main as a signal would.
func (p *program) stop() int {
	p.w.t.Helper()
	p.cancel()
	return p.exit()
}

// url is where it listens for health checks, which it says.
func (p *program) url() string {
	p.w.t.Helper()
	var line struct{ Address string }
	if err := json.Unmarshal([]byte(p.says("listening for health checks")), &line); err != nil {
		p.w.t.Fatal(err)
	}
	return "http://" + line.Address
}

// says waits for a line that holds the text.
func (p *program) says(text string) string {
	p.w.t.Helper()
	for {
		said, moved := p.stderr.read()
		for line := range strings.Lines(said) {
			if strings.Contains(line, text) {
				return line
			}
		}
		select {
		case <-moved:
		case code := <-p.code:
			p.w.t.Fatalf("it ended with %d and has not said %q", code, text)
		case <-p.w.ctx.Done():
			p.w.t.Fatalf("it does not say %q", text)
		}
	}
}

// get fetches a page.
func (w *world) get(method, url string) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.ctx, method, url, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// becomes asks /readyz until it answers as wanted: what it tells of comes from many
// places, each in its own time.
func (p *program) becomes(code int, lines ...string) {
	p.w.t.Helper()
	url, want := p.url()+"/readyz", strings.Join(lines, "\n")+"\n"
	for {
		gotCode, got := p.w.get(http.MethodGet, url)
		if gotCode == code && got == want {
			return
		}
		if p.w.ctx.Err() != nil {
			p.w.t.Fatalf("/readyz answers %d\n%s\nwant %d\n%s", gotCode, got, code, want)
		}
	}
}

// output is what the program says.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	moved chan struct{} // closed and replaced at each write
}

func newOutput() *output { return &output{moved: make(chan struct{})} }

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(data)
	close(o.moved)
	o.moved = make(chan struct{})
	return len(data), nil
}

func (o *output) read() (said string, moved <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.moved
}

func (o *output) String() string {
	said, _ := o.read()
	return said
}

func TestReady(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.becomes(http.StatusOK, "ready")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(p.stderr.String(), "pipebot has stopped") {
		t.Error("it does not say that it has stopped")
	}
}

// Each thing that is missing has a line of its own, which says what to look at.
func TestNotReady(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(w *world)
		want []string
	}{
		{
			name: "GitLab is away", set: func(w *world) { w.gitlab.Down(true) },
			want: []string{"not ready", "gitlab: project group/app: reading the project: GitLab answered 503"},
		},
		{
			name: "the access token is wrong", set: func(w *world) { w.env["GITLAB_TOKEN"] = "glpat-wrong" },
			want: []string{"not ready", "gitlab: project group/app: reading the project: GitLab answered 401: 401 Unauthorized"},
		},
		{
			name: "a project is not there", set: func(w *world) {
				w.env["GITLAB_PROJECTS"] = "group/app,group/misspelled"
				delete(w.env, "GITLAB_TRIGGER_TOKEN")
			},
			want: []string{"not ready", "gitlab: project group/misspelled: reading the project: GitLab answered 404"},
		},
		{
			name: "the bot token is wrong", set: func(w *world) { w.env["SLACK_BOT_TOKEN"] = "xoxb-wrong" },
			want: []string{"not ready", "slack: Slack rejects the bot token: invalid_auth"},
		},
		{
			name: "Slack is away", set: func(w *world) { w.env["SLACK_API_URL"] = "http://" + freeAddress(w.t) + "/api/" },
			want: []string{"not ready", "slack: not connected: Slack cannot be reached (connect: connection refused)", "slack: Slack cannot be reached"},
		},
		{
			name: "Slack and GitLab are away",
			set: func(w *world) {
				w.env["SLACK_API_URL"] = "http://" + freeAddress(w.t) + "/api/"
				w.env["GITLAB_URL"] = "http://" + freeAddress(w.t)
			},
			want: []string{
				"not ready", "slack: not connected: Slack cannot be reached (connect: connection refused)", "slack: Slack cannot be reached",
				"gitlab: project group/app: reading the project: GitLab cannot be reached: connect: connection refused",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.set(w)
			p := w.start()
			p.becomes(http.StatusServiceUnavailable, tt.want...)
			if code, body := w.get(http.MethodGet, p.url()+"/healthz"); code != http.StatusOK || body != "alive\n" {
				t.Errorf("/healthz answers %d %q: restarting it would not help", code, body)
			}
			if code := p.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// A token that cannot read the marker back is no reason to restart anything, and
// every reason to be told.
func TestReadyWithAWarning(t *testing.T) {
	w := newWorld(t)
	reader := w.gitlab.AddUser("reader")
	w.project.AddMember(reader, gitlabtest.Developer)
	w.env["GITLAB_TOKEN"] = w.gitlab.AddToken(reader, "api")
	p := w.start()
	const warning = "group/app: the access token may be unable to read pipeline variables, so a start whose answer is lost will stay uncertain; " +
		"it takes the role Maintainer, or a token of the user who owns the trigger token"
	p.becomes(http.StatusOK, "ready", "warning: "+warning)
	p.says(warning)
}

// Whoever looks after a bot that is open to all has to come across that.
func TestReadyIfOpenToAll(t *testing.T) {
	w := newWorld(t)
	w.env["AUTHZ"] = "open"
	const warning = "AUTHZ=open: every full member of the workspace may do everything that the tokens may"
	p := w.start()
	p.becomes(http.StatusOK, "ready", "warning: "+warning)
	p.says(warning)
}

// Without a trigger token pipelines are the access token's own, which it can read.
func TestReadyWithoutATriggerToken(t *testing.T) {
	w := newWorld(t)
	starter := w.gitlab.AddUser("starter")
	w.project.AddMember(starter, gitlabtest.Developer)
	w.env["GITLAB_TOKEN"] = w.gitlab.AddToken(starter, "api")
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.start().becomes(http.StatusOK, "ready")
}

// Ready once does not mean ready for ever.
func TestNotReadyWhenSlackGoes(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.becomes(http.StatusOK, "ready")
	if err := w.slack.WaitConnected(w.ctx, 2); err != nil { // it is ready with one
		t.Fatal(err)
	}
	w.slack.RefuseConnections(1000)
	w.slack.DropConnections()
	p.becomes(http.StatusServiceUnavailable, "not ready", "slack: not connected: Slack cannot be reached")
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for _, tt := range []struct {
		method, path string
		code         int
	}{
		{http.MethodGet, "/healthz", http.StatusOK},
		{http.MethodHead, "/healthz", http.StatusOK},
		{http.MethodGet, "/metrics", http.StatusOK},
		{http.MethodPost, "/readyz", http.StatusMethodNotAllowed},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/debug/pprof/", http.StatusNotFound},
	} {
		if code, _ := w.get(tt.method, p.url()+tt.path); code != tt.code {
			t.Errorf("%s %s answers %d, want %d", tt.method, tt.path, code, tt.code)
		}
	}
}

// Metrics tell of operations: of nothing that people chose or typed, and of no secret.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	alice := w.slack.AddUser("alice")
	developer := w.gitlab.AddUser("alice")
	developer.SetPublicEmail(alice.Email)
	w.project.AddMember(developer, gitlabtest.Developer)
	channel := w.slack.AddChannel("releases", slacktest.Public, alice)
	channel.InviteBot()
	p := w.start()
	p.becomes(http.StatusOK, "ready")
	if err := alice.Command(w.ctx, channel, "/pipeline", ""); err != nil {
		t.Fatal(err)
	}
	modal, err := alice.Modal(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := modal.Choose(w.ctx, "Branch or tag", "main"); err != nil {
		t.Fatal(err)
	}
	if err := modal.Fill("Variables", "APP_ENV=staging"); err != nil {
		t.Fatal(err)
	}
	if result, err := modal.Submit(w.ctx); err != nil || !result.Closed {
		t.Fatalf("submitting: %+v, %v", result, err)
	}
	if _, err := w.slack.WaitMessage(w.ctx, channel, alice, func(m slacktest.Message) bool { return m.FromApp() && !m.Ephemeral }); err != nil {
		t.Fatal(err)
	}
	const counted = `pipebot_slack_request_seconds_count{method="chat.postMessage",status="200"}`
	metrics := ""
	for !strings.Contains(metrics, counted) && w.ctx.Err() == nil { // a request is counted a moment after it was seen
		_, metrics = w.get(http.MethodGet, p.url()+"/metrics")
	}
	for _, line := range []string{
		`pipebot_build_info{version="v1.2.3"} 1`, "pipebot_slack_connected 1", "pipebot_slack_connections 2", "pipebot_slack_app_connections 2", "pipebot_runs_live 1", "pipebot_runs_behind ",
		`pipebot_gitlab_request_seconds_count{operation="reading the project",status="200"}`,
		`pipebot_gitlab_request_seconds_count{operation="starting a pipeline",status="201"} 1`,
		`pipebot_slack_request_seconds_count{method="views.open",status="200"} 1`,
		`pipebot_slack_request_seconds_count{method="apps.connections.open",status="200"} 2`,
		counted,
		"go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(metrics, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
	private := maps.Clone(w.env)
	maps.Copy(private, map[string]string{
		"the project": "group/app", "the project's name": "app\"", "the person": alice.ID, "the channel": channel.ID,
		"the ref": "main\"", "a variable": "APP_ENV", "its value": "staging", "the modal": modal.ID(), "a URL": "://",
	})
	for _, ours := range []string{"HTTP_ADDR", "LOG_LEVEL", "START_TIMEOUT", "SLACK_RATE"} {
		delete(private, ours)
	}
	for name, text := range private {
		if strings.Contains(metrics, text) {
			t.Errorf("the metrics show %s, %q", name, text)
		}
	}
	if t.Failed() {
		t.Log(metrics)
	}
}

// Two JetStream servers on one folder would both write.
func TestOneProcessADataDir(t *testing.T) {
	w := newWorld(t)
	first := w.start()
	first.becomes(http.StatusOK, "ready")
	second := w.start()
	if code := second.exit(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	if said := second.stderr.String(); !strings.Contains(said, "another pipebot is using this data folder; stop it, or give this one a DATA_DIR of its own") {
		t.Errorf("it says\n%s", said)
	}
	first.becomes(http.StatusOK, "ready")
	if code := first.stop(); code != 0 {
		t.Errorf("the first one's exit code is %d", code)
	}
	third := w.start()
	third.becomes(http.StatusOK, "ready")
}

// An outside NATS is started at the same time, or later: the program waits for it, and
// says so.
func TestWaitsForNATS(t *testing.T) {
	w := newWorld(t)
	address := freeAddress(t)
	w.env["NATS_URL"] = "nats://me:glptt-canary@" + address
	p := w.start()
	if line := p.says("waiting for NATS"); !strings.Contains(line, "connecting to NATS") {
		t.Errorf("it says %s", line)
	}
	for page, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/metrics": http.StatusOK} {
		if code, text := w.get(http.MethodGet, p.url()+page); code != want {
			t.Errorf("%s answers %d:\n%s", page, code, text)
		}
	}
	p.becomes(http.StatusServiceUnavailable, "not ready", "store: it is not open yet; the log says what is waited for")
	startNATS(t, address)
	p.becomes(http.StatusOK, "ready")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(p.stderr.String(), "canary") {
		t.Error("it says a secret")
	}
}

// One that is stopped while it waits stops.
func TestStopsWhileItWaitsForNATS(t *testing.T) {
	w := newWorld(t)
	w.env["NATS_URL"] = "nats://" + freeAddress(t)
	p := w.start()
	p.says("waiting for NATS")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// What keeps it from starting is told in a sentence that names the setting.
func TestFailures(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for _, tt := range []struct {
		name string
		set  func(w *world)
		want string
	}{
		{
			name: "HTTP_ADDR is in use", set: func(w *world) { w.env["HTTP_ADDR"] = taken.Addr().String() },
			want: "HTTP_ADDR: listen tcp " + taken.Addr().String() + ": bind: address already in use",
		},
		{
			name: "DATA_DIR is a file", set: func(w *world) {
				w.env["DATA_DIR"] = filepath.Join(w.t.TempDir(), "file")
				if err := os.WriteFile(w.env["DATA_DIR"], nil, 0o600); err != nil {
					w.t.Fatal(err)
				}
			},
			want: "DATA_DIR: ",
		},
		{
			name: "the app token is wrong", set: func(w *world) { w.env["SLACK_APP_TOKEN"] = "xapp-canary" },
			want: "Slack rejects the app token: invalid_auth",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.set(w)
			p := w.start()
			if code := p.exit(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			var failed struct{ Level, Msg, Error string }
			lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n")
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &failed); err != nil {
				t.Fatal(err)
			}
			if failed.Level != "error" || failed.Msg != "pipebot failed" || !strings.HasPrefix(failed.Error, tt.want) {
				t.Errorf("the last it says is %+v, want %q", failed, tt.want)
			}
			if strings.Contains(p.stderr.String(), "canary") {
				t.Error("it says a secret")
			}
		})
	}
}

// A signal that comes early is a stop as asked, too.
func TestStoppedBeforeItRuns(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := app.Main(ctx, "v1.2.3", nil, environ(w.env), &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
	if stdout.Len() > 0 {
		t.Errorf("on stdout: %s", &stdout)
	}
}

func TestNoHealthChecks(t *testing.T) {
	w := newWorld(t)
	w.env["HTTP_ADDR"] = "off"
	p := w.start()
	if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if said := p.stderr.String(); strings.Contains(said, "listening") {
		t.Errorf("it listens:\n%s", said)
	}
}

func TestLogFormat(t *testing.T) {
	for format, want := range map[string]string{"json": `"msg":"pipebot starts"`, "console": "\tINFO\tpipebot starts"} {
		t.Run(format, func(t *testing.T) {
			w := newWorld(t)
			w.env["LOG_FORMAT"], w.env["HTTP_ADDR"] = format, "off"
			w.start().says(want)
		})
	}
}

func TestLogLevel(t *testing.T) {
	w := newWorld(t)
	w.env["LOG_LEVEL"] = "error"
	w.env["HTTP_ADDR"] = "off"
	p := w.start()
	if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if said := p.stderr.String(); said != "" {
		t.Errorf("it says\n%s", said)
	}
}

// Addresses that a test gives away before anybody listens on them, or listens on again
// later, are of ports that no system hands out by itself: Linux does from 32768 on, others
// from 49152.
const firstPort, lastPort = 30720, 32767

// freeAddress is an address on loopback that nobody listens on. It is the test's until the
// test ends, whether somebody listens or not: whoever holds the next port, which is odd, has
// claimed it, in this process or in that of another package's tests.
func freeAddress(t *testing.T) string {
	t.Helper()
	listen := func(port int) (*net.TCPListener, error) {
		return net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	}
	for port := firstPort; port < lastPort; port += 2 {
		claim, err := listen(port + 1)
		if err != nil {
			continue
		}
		probe, err := listen(port)
		if err != nil { // somebody else's
			claim.Close()
			continue
		}
		t.Cleanup(func() { claim.Close() })
		probe.Close()
		return probe.Addr().String()
	}
	t.Fatalf("no port from %d to %d is free", firstPort, lastPort)
	return ""
}
