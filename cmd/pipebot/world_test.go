package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// The programs that tests start, built once by TestMain, where no test's time runs: the
// one under test, and the NATS server that a cluster is made of.
var binary, natsServer string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "pipebot")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary, natsServer = filepath.Join(dir, "pipebot"), filepath.Join(dir, "nats-server")
		if err := errors.Join(build(binary, ".", raceEnabled), build(natsServer, natsPackage, false)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func build(program, from string, race bool) error {
	args := []string{"build", "-o", program}
	if race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, from)...).CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", from, err, out)
	}
	return nil
}

// patience bounds what a test, and what a benchmark, waits for: nothing takes
// nearly as long.
const (
	patience      = 90 * time.Second
	benchPatience = 10 * time.Minute
)

// world is a workspace, an instance, and the program between them.
type world struct {
	t       testing.TB
	ctx     context.Context
	slack   *slacktest.Server
	gitlab  *gitlabtest.Server
	owner   *gitlabtest.User // of the access token and the trigger token
	project *gitlabtest.Project
	alice   *slacktest.User
	channel *slacktest.Channel
	env     map[string]string
	bot     *process

	accounts map[string]*gitlabtest.User // by the Slack ids of the people whose they are
	forged   map[string]string           // what the last answer to a made up command was, by the Slack id

	forgeries int // how many there were
}

const projectPath = "group/app"

// newWorld has one project with a trigger token, and one channel with the bot in
// it. Nothing runs yet.
func newWorld(t testing.TB) *world {
	t.Helper()
	if _, ok := t.(*testing.B); ok {
		return newWorldFor(t, benchPatience)
	}
	return newWorldFor(t, patience)
}

// newWorldFor is newWorld for a test that takes no longer than that.
func newWorldFor(t testing.TB, limit time.Duration) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	instance := gitlabtest.NewServer(gitlabtest.Config{})
	app := readManifest(t)
	w := &world{
		t: t, ctx: ctx, gitlab: instance, slack: slacktest.NewServer(slacktest.Config{
			Scopes: app.OAuth.Scopes.Bot, Events: app.Settings.Events.Bot,
			UnfurlDomains: []string{strings.TrimPrefix(instance.URL, "http://")}, // the README says to put one's own there
		}),
		accounts: make(map[string]*gitlabtest.User), forged: make(map[string]string),
	}
	t.Cleanup(w.slack.Close)
	t.Cleanup(w.gitlab.Close)
	w.owner = w.gitlab.AddUser("release-bot")
	w.project = w.gitlab.AddProject(projectPath)
	w.project.AddMember(w.owner, gitlabtest.Maintainer)
	w.project.AddBranch("feature/login", time.Now().Add(-time.Hour))
	w.project.AddTag("v1.0.0", time.Now().Add(-24*time.Hour))
	w.project.SetCI(gitlabtest.CI{
		Stages: []string{"build", "test", "deploy"},
		Jobs: []gitlabtest.JobSpec{
			{Name: "compile", Stage: "build", Artifacts: []string{"app.zip"}},
			{Name: "unit", Stage: "test"},
			{Name: "lint", Stage: "test"},
			{Name: "ship", Stage: "deploy"},
		},
	})
	w.alice = w.person("alice", gitlabtest.Developer)
	w.channel = w.slack.AddChannel("releases", slacktest.Public, w.alice)
	w.channel.InviteBot()
	w.env = map[string]string{
		"SLACK_APP_TOKEN":      slacktest.DefaultAppToken,
		"SLACK_BOT_TOKEN":      slacktest.DefaultBotToken,
		"SLACK_API_URL":        w.slack.APIURL(),
		"SLACK_RATE":           "1000", // this Slack has no limits unless a test wants some
		"GITLAB_URL":           w.gitlab.URL,
		"GITLAB_TOKEN":         w.gitlab.AddToken(w.owner, "api"),
		"GITLAB_PROJECTS":      projectPath,
		"GITLAB_TRIGGER_TOKEN": w.project.AddTriggerToken(w.owner, "pipebot").Token,
		"POLL_INTERVAL":        "100ms",
		"START_TIMEOUT":        "2s",
		"START_SETTLE":         "500ms",
		"DATA_DIR":             filepath.Join(t.TempDir(), "data"),
		"HTTP_ADDR":            "off",
		"LOG_LEVEL":            "debug",
	}
	return w
}

// person is somebody with a role in the project, whose e-mail address GitLab shows.
func (w *world) person(name string, role gitlabtest.Role, options ...slacktest.UserOption) *slacktest.User {
	account := w.gitlab.AddUser(name)
	account.SetPublicEmail(name + "@example.com")
	if role != gitlabtest.NoAccess {
		w.project.AddMember(account, role)
	}
	who := w.slack.AddUser(name, options...)
	w.accounts[who.ID] = account
	return who
}

// account is what a person has in GitLab.
func (w *world) account(who *slacktest.User) *gitlabtest.User { return w.accounts[who.ID] }

// known has somebody ask what they may do on the default branch. Once they are told,
// GitLab has said who they are and what their rights are, which counts for a minute:
// for requests that are made while it is away.
func (w *world) known(who *slacktest.User, where *slacktest.Channel) {
	w.t.Helper()
	if err := who.Command(w.ctx, where, "/pipeline", "can-i main"); err != nil {
		w.t.Fatalf("typing /pipeline can-i: %v", err)
	}
	w.told(who, where, "You may run a pipeline on the branch main")
}

// told waits until somebody reads a message in a channel that they alone see.
func (w *world) told(who *slacktest.User, where *slacktest.Channel, parts ...string) slacktest.Message {
	w.t.Helper()
	return w.seen(who, where, func(m slacktest.Message) bool { return m.Ephemeral }, parts)
}

// manifest is what the app's manifest asks of Slack: the program has to get by with it.
type manifest struct {
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
	} `yaml:"settings"`
	Features struct {
		Shortcuts []struct {
			CallbackID string `yaml:"callback_id"`
		} `yaml:"shortcuts"`
	} `yaml:"features"`
}

func readManifest(t testing.TB) manifest {
	t.Helper()
	data, err := os.ReadFile("../../deploy/slack/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := yaml.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// start runs the program and waits until it is connected to Slack.
func (w *world) start() {
	w.t.Helper()
	w.run()
	if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
		w.t.Fatalf("pipebot did not connect: %v\n%s", err, w.bot.output())
	}
}

// run runs the program.
func (w *world) run() {
	w.t.Helper()
	w.bot = w.replica(nil)
}

// replica runs the program with other settings than the world's where changes has some.
// At the end of the test it is stopped as an operator would stop it, and has to take
// that well.
func (w *world) replica(changes map[string]string) *process {
	w.t.Helper()
	env := maps.Clone(w.env)
	maps.Copy(env, changes)
	p, err := startProcess(env)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if code := p.stop(); code != 0 && !p.killed {
			w.t.Errorf("pipebot exited with %d after SIGTERM\n%s", code, p.output())
		}
		if w.t.Failed() {
			w.t.Logf("what pipebot said:\n%s", p.output())
		}
	})
	return p
}

// process is the program as a child process.
type process struct {
	cmd    *exec.Cmd
	out    *lockedBuffer
	exited chan struct{}
	killed bool
}

func startProcess(env map[string]string) (*process, error) {
	return startCommand(exec.Command(binary), env)
}

func startCommand(cmd *exec.Cmd, env map[string]string) (*process, error) {
	p := &process{cmd: cmd, out: &lockedBuffer{}, exited: make(chan struct{})}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.cmd.Env = append(p.cmd.Env, name+"="+env[name])
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting pipebot: %w", err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// stop is stopBy SIGTERM.
func (p *process) stop() int { return p.stopBy(syscall.SIGTERM) }

// stopBy sends a signal and returns the exit code. Orchestrators kill what needs
// more than ten seconds; so does this, and the code is -1 then.
func (p *process) stopBy(signal os.Signal) int {
	_ = p.cmd.Process.Signal(signal)
	deadline := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer deadline.Stop()
	<-p.exited
	return p.cmd.ProcessState.ExitCode()
}

// hang has it do nothing more, with its connections open, until cont.
func (p *process) hang() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) cont() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// kill is kill -9.
func (p *process) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) output() string { return p.out.String() }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// open types /pipeline in the channel and returns the modal.
func (w *world) open(who *slacktest.User, where *slacktest.Channel) *slacktest.Modal {
	w.t.Helper()
	if err := who.Command(w.ctx, where, "/pipeline", ""); err != nil {
		w.t.Fatalf("typing /pipeline: %v", err)
	}
	modal, err := who.Modal(w.ctx)
	if err != nil {
		w.t.Fatalf("waiting for the modal: %v\n%s", err, w.bot.output())
	}
	return modal
}

// anyway submits a modal, and presses Run anyway where the same runs already.
func anyway(ctx context.Context, modal *slacktest.Modal) (slacktest.SubmitResult, error) {
	result, err := modal.Submit(ctx)
	if err == nil && !result.Closed && len(result.Errors) == 0 && strings.Contains(modal.Text(), "[Run anyway]") {
		return modal.Submit(ctx)
	}
	return result, err
}

// submit submits a modal that has to be taken.
func (w *world) submit(modal *slacktest.Modal) {
	w.t.Helper()
	result, err := anyway(w.ctx, modal)
	if err != nil {
		w.t.Fatalf("submitting: %v; %v", err, w.slack.Violations())
	}
	if !result.Closed {
		w.t.Fatalf("the modal stayed open:\n%s", modal.Text())
	}
}

// ask makes a whole request: the command, a ref, submit.
func (w *world) ask(who *slacktest.User, where *slacktest.Channel, ref string) {
	w.t.Helper()
	modal := w.open(who, where)
	w.choose(modal, ref)
	w.submit(modal)
}

// choose picks a ref, by what the person sees once it is offered.
func (w *world) choose(modal *slacktest.Modal, name string) {
	w.t.Helper()
	if err := modal.Choose(w.ctx, "Branch or tag", name); err != nil {
		w.t.Fatalf("choosing %s: %v", name, err)
	}
}

// pushed is a pipeline of a ref that the bot did not start. It runs.
func (w *world) pushed(ref string, variables ...gitlabtest.Variable) *gitlabtest.Pipeline {
	w.t.Helper()
	p, reason := w.project.StartPipeline(w.owner, ref, "push", variables...)
	if p == nil {
		w.t.Fatalf("GitLab started nothing: %s", reason)
	}
	p.Start()
	return p
}

// pipeline waits for the nth pipeline of the project.
func (w *world) pipeline(n int) *gitlabtest.Pipeline {
	w.t.Helper()
	if err := w.gitlab.Wait(w.ctx, func() bool { return len(w.project.Pipelines()) >= n }); err != nil {
		w.t.Fatalf("waiting for pipeline %d: %v\n%s", n, err, w.bot.output())
	}
	return w.project.Pipelines()[n-1]
}

// runs is the first pipeline, which alice has asked for on main, once its card says that it
// runs.
func (w *world) runs() *gitlabtest.Pipeline {
	w.t.Helper()
	w.ask(w.alice, w.channel, "main")
	p := w.pipeline(1)
	p.Start()
	w.card(w.channel, "Running")
	return p
}

// card waits until a message of the bot in the channel itself reads as wanted, in
// parts.
func (w *world) card(where *slacktest.Channel, parts ...string) slacktest.Message {
	w.t.Helper()
	return w.message(where, func(m slacktest.Message) bool { return m.ThreadTS == "" || m.ThreadTS == m.TS }, parts)
}

// reply waits until a message of the bot in a thread of the channel reads as
// wanted, in parts.
func (w *world) reply(where *slacktest.Channel, parts ...string) slacktest.Message {
	w.t.Helper()
	return w.message(where, func(m slacktest.Message) bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }, parts)
}

func (w *world) message(where *slacktest.Channel, belongs func(slacktest.Message) bool, parts []string) slacktest.Message {
	w.t.Helper()
	return w.seen(w.alice, where, belongs, parts)
}

// seen waits until a message of the bot that somebody sees reads as wanted, in parts.
func (w *world) seen(who *slacktest.User, where *slacktest.Channel, belongs func(slacktest.Message) bool, parts []string) slacktest.Message {
	w.t.Helper()
	var last string
	m, err := w.slack.WaitMessage(w.ctx, where, who, func(m slacktest.Message) bool {
		if !m.FromApp() || !belongs(m) {
			return false
		}
		last = strings.ReplaceAll(m.Read(time.Now()), "\u00a0", " ") // looks the same
		return containsAll(last, parts)
	})
	if err != nil {
		w.t.Fatalf("no message with %q; the last one reads:\n%s\n%s", parts, last, w.bot.output())
	}
	return m
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

// clean fails the test for anything that Slack or GitLab would dislike.
func (w *world) clean() {
	w.t.Helper()
	for _, violation := range w.slack.Violations() {
		w.t.Errorf("Slack: %s", violation)
	}
	for _, violation := range w.gitlab.Violations() {
		w.t.Errorf("GitLab: %s", violation)
	}
}

// get fetches a page of the program's HTTP port.
func (w *world) get(url string) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// Addresses that a test gives away before anybody listens on them, or listens on again
// later, are of ports that no system hands out by itself: Linux does from 32768 on, others
// from 49152.
const firstPort, lastPort = 30720, 32767

// freeAddress is an address on loopback that nobody listens on. It is the test's until the
// test ends, whether somebody listens or not: whoever holds the next port, which is odd, has
// claimed it, in this process or in that of another package's tests.
func freeAddress(t testing.TB) string {
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
