package main_test

import (
	"context"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipebot/bot/slacktest"
	sandbox "pipebot/cmd/sandbox"
	"pipebot/gitlab/gitlabtest"
)

// world is a sandbox without its page, and a person in it.
type world struct {
	*sandbox.World
	t       *testing.T
	ctx     context.Context
	alice   *slacktest.User
	channel *slacktest.Channel
	project *gitlabtest.Project
	dataDir string
	stderr  *output
}

func newWorld(t *testing.T, speed string) *world {
	t.Helper()
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	stderr, dataDir := &output{}, filepath.Join(t.TempDir(), "data")
	w, stop, err := sandbox.StartWorld(ctx, []string{"--speed", speed}, dataDir, stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return &world{
		World: w, t: t, ctx: ctx, dataDir: dataDir, stderr: stderr,
		alice: w.Slack().Users()[0], channel: w.Slack().Channels()[0], project: w.GitLab().Projects()[0],
	}
}

// until waits for something to be so.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	if err := w.Wait(w.ctx, ok); err != nil {
		w.t.Fatalf("waiting for %s: %v\n%s", what, err, w.stderr)
	}
}

func (w *world) pull(id string, on bool) {
	w.t.Helper()
	if err := w.Pull(w.ctx, id, on); err != nil {
		w.t.Fatalf("pulling %s: %v", id, err)
	}
}

// pushed pulls a lever that is on until something happens.
func (w *world) pushed(id string) {
	w.t.Helper()
	w.pull(id, true)
	if on, _ := w.IsOn(id); !on {
		w.t.Fatalf("%s is not on", id)
	}
}

func (w *world) off(id string) {
	w.t.Helper()
	w.until(id+" to be off", func() bool { on, _ := w.IsOn(id); return !on })
}

// open types /pipeline and chooses main, which the bot has read by then.
func (w *world) open() *slacktest.Modal {
	w.t.Helper()
	if err := w.Slack().WaitConnected(w.ctx, 1); err != nil {
		w.t.Fatal(err)
	}
	if err := w.alice.Command(w.ctx, w.channel, "/pipeline", ""); err != nil {
		w.t.Fatal(err)
	}
	modal, err := w.alice.Modal(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if modal.Value("Branch or tag") != "main" {
		if err := modal.Choose(w.ctx, "Branch or tag", "main"); err != nil {
			w.t.Fatal(err)
		}
	}
	return modal
}

func (w *world) submit(modal *slacktest.Modal) {
	w.t.Helper()
	result, err := modal.Submit(w.ctx)
	if err == nil && !result.Closed && strings.Contains(modal.Text(), "[Run anyway]") {
		result, err = modal.Submit(w.ctx) // the same runs already
	}
	if err != nil || !result.Closed {
		w.t.Fatalf("submitting: %+v, %v\n%s", result, err, modal.Text())
	}
}

func (w *world) ask() {
	w.t.Helper()
	w.submit(w.open())
}

// asked is the first pipeline that the bot has started.
func (w *world) asked() *gitlabtest.Pipeline {
	w.t.Helper()
	var found *gitlabtest.Pipeline
	w.until("a pipeline", func() bool {
		for _, pl := range w.project.Pipelines() {
			if pl.Source == "trigger" {
				found = pl
			}
		}
		return found != nil
	})
	return found
}

func (w *world) status(pl *gitlabtest.Pipeline, want string) {
	w.t.Helper()
	w.until("the status "+want, func() bool { return pl.Status() == want })
}

// reads waits for a message of the bot.
func (w *world) reads(words string) {
	w.t.Helper()
	_, err := w.Slack().WaitMessage(w.ctx, w.channel, w.alice, func(m slacktest.Message) bool {
		return m.FromApp() && strings.Contains(m.Read(time.Now()), words)
	})
	if err != nil {
		w.t.Fatalf("waiting for %q: %v\n%s", words, err, w.stderr)
	}
}

func TestLeverNextPipelineFails(t *testing.T) {
	w := newWorld(t, "40")
	w.pushed("next-pipeline-fails")
	w.ask()
	w.status(w.asked(), "failed")
	w.reads("Failed")
	w.off("next-pipeline-fails")
	if again, refused := w.project.StartPipeline(w.asked().User(), "main", "web"); refused != "" {
		t.Error(refused)
	} else {
		w.status(again, "success")
	}
}

func TestLeverNextPipelineWaits(t *testing.T) {
	w := newWorld(t, "40")
	w.pushed("next-pipeline-waits")
	w.ask()
	w.status(w.asked(), "manual")
	w.off("next-pipeline-waits")
	w.asked().Job("staging").Play()
	w.status(w.asked(), "success")
}

// Two levers for the next pipeline add up, and both are spent by it, whichever project it is in.
func TestLeversOfTheNextPipelineAddUp(t *testing.T) {
	w := newWorld(t, "40")
	w.pushed("next-pipeline-waits")
	w.pushed("next-pipeline-fails")
	w.pushed("next-pipeline-slow")
	w.pull("next-pipeline-fails", false)
	w.ask()
	if got := w.asked().Job("compile").Spec().Duration; got != 36*time.Second {
		t.Errorf("compile takes %v, want 36s", got)
	}
	if !w.asked().Job("staging").Spec().Manual {
		t.Error("staging does not wait")
	}
	w.off("next-pipeline-waits")
	w.off("next-pipeline-slow")
	if slices.ContainsFunc(w.GitLab().Projects(), func(p *gitlabtest.Project) bool { return p.HasNextCI() }) {
		t.Error("the lever is spent and another project would still use it")
	}
	w.asked().Cancel()
}

func TestLeverRefuseVariables(t *testing.T) {
	w := newWorld(t, "40")
	w.pushed("refuse-variables")
	w.ask()
	w.reads("does not let me set pipeline variables")
	w.pull("refuse-variables", false)
	w.ask()
	w.asked()
}

// The pipeline has started, and the bot finds out without starting another one.
func TestLeverLoseAnswer(t *testing.T) {
	w := newWorld(t, "1")
	w.pushed("lose-answer")
	w.ask()
	w.asked()
	w.off("lose-answer")
	w.reads("Running")
	started := 0
	for _, pl := range w.project.Pipelines() {
		if pl.Source == "trigger" {
			started++
		}
	}
	if started != 1 {
		t.Errorf("%d pipelines were started", started)
	}
	w.asked().Cancel()
}

func TestLeversThatTakeGitLabAway(t *testing.T) {
	for id, status := range map[string]int{"gitlab-down": 503, "gitlab-rate-limit": 429} {
		t.Run(id, func(t *testing.T) {
			w := newWorld(t, "40")
			modal := w.open()
			w.told("/api/v4/projects/*/members/all")
			w.told("/api/v4/projects/*/protected_branches")
			begun := time.Now()
			w.pushed(id)
			if _, until := w.IsOn(id); !until.After(begun) {
				t.Errorf("it is on until %v", until)
			}
			w.submit(modal)
			w.until("the start to be refused", func() bool {
				return slices.ContainsFunc(w.GitLab().Requests(), func(r gitlabtest.Request) bool {
					return r.Method == http.MethodPost && r.Status == status
				})
			})
			w.pull(id, false)
			if got := w.knock(); got == status {
				t.Errorf("it is off, and GitLab answers %d", got)
			}
		})
	}
}

// told waits until GitLab has answered such a request: nothing starts for somebody whose rights are not known.
func (w *world) told(pattern string) {
	w.t.Helper()
	err := w.GitLab().Wait(w.ctx, func() bool { // which is asked after each request, too
		return slices.ContainsFunc(w.GitLab().Requests(), func(r gitlabtest.Request) bool {
			matches, err := path.Match(pattern, r.Path)
			return err == nil && matches && r.Status == http.StatusOK
		})
	})
	if err != nil {
		w.t.Fatalf("waiting for an answer to %s: %v", pattern, err)
	}
}

// knock is the status of a request to GitLab.
func (w *world) knock() int {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.GitLab().URL+"/api/v4/version", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestLeversOfTheConnection(t *testing.T) {
	for _, id := range []string{"drop-connection", "refresh-connection"} {
		t.Run(id, func(t *testing.T) {
			w := newWorld(t, "40")
			opened := func() int { return len(w.Slack().Calls("apps.connections.open")) }
			w.until("both connections", func() bool { return w.Slack().Connections() == 2 })
			before := opened()
			w.pull(id, true)
			if on, _ := w.IsOn(id); on {
				t.Error("it stays on")
			}
			w.until("others", func() bool { return opened() >= before+2 && w.Slack().Connections() == 2 })
			w.ask()
			w.asked()
		})
	}
}

func TestLeverDeliverTwice(t *testing.T) {
	w := newWorld(t, "40")
	modal := w.open()
	w.pushed("deliver-twice")
	w.submit(modal)
	w.asked()
	for range 2 {
		if err := w.alice.Command(w.ctx, w.channel, "/pipeline", ""); err != nil {
			t.Fatal(err)
		}
	}
	w.off("deliver-twice")
	w.status(w.asked(), "success")
	if n := len(w.project.Pipelines()); n != 3+1 {
		t.Errorf("%d pipelines, want the three of the past and one", n)
	}
	for _, v := range w.Slack().Violations() {
		t.Errorf("the app is blamed for what the lever did: %s", v)
	}
}

func TestLeverSlackRateLimit(t *testing.T) {
	w := newWorld(t, "40")
	w.pushed("slack-rate-limit")
	w.ask()
	w.until("a message to be refused", func() bool {
		return slices.ContainsFunc(w.Slack().Calls("chat.postMessage"), func(c slacktest.Call) bool {
			return c.Response["error"] == "ratelimited"
		})
	})
	w.pull("slack-rate-limit", false)
	w.off("slack-rate-limit")
}

func TestLeversOfTheBot(t *testing.T) {
	w := newWorld(t, "40")
	w.until("both connections", func() bool { return w.Slack().Connections() == 2 })
	w.pull("restart-bot", true)
	w.until("connections of the new one", func() bool { return w.Slack().Connections() == 2 })
	if on, _ := w.IsOn("restart-bot"); on {
		t.Error("a restart stays on")
	}
	w.pushed("stop-bot")
	w.until("no connection", func() bool { return w.Slack().Connections() == 0 })
	w.pull("stop-bot", false)
	w.off("stop-bot")
	w.ask()
	w.reads("Passed")
}

// The bot's own end is not passed over in silence.
func TestBotThatEndsByItselfIsShownAsStopped(t *testing.T) {
	w := newWorld(t, "1")
	if err := w.Slack().WaitConnected(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	second := &output{}
	other, stop, err := sandbox.StartWorld(w.ctx, nil, w.dataDir, second) // of which there can be one
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	err = other.Wait(w.ctx, func() bool {
		on, _ := other.IsOn("stop-bot")
		return on && strings.Contains(second.String(), "the bot has stopped by itself, exit code 2")
	})
	if err != nil {
		t.Fatalf("%v; it says %q", err, second)
	}
}

func TestEveryLeverHasATest(t *testing.T) {
	w := newWorld(t, "1")
	tested := []string{
		"next-pipeline-fails", "next-pipeline-waits", "next-pipeline-slow", "lose-answer", "refuse-variables",
		"gitlab-rate-limit", "gitlab-down", "drop-connection", "refresh-connection", "deliver-twice", "slack-rate-limit",
		"restart-bot", "stop-bot",
	}
	for _, id := range w.Levers() {
		if !slices.Contains(tested, id) {
			t.Errorf("%s has no test here", id)
		}
	}
}

func TestTimedLeverTurnsItselfOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turned := make(chan bool, 2)
		l, keep := sandbox.TimedLever(30*time.Second, func(on bool) { turned <- on })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- keep(ctx) }()
		begun := time.Now()
		if err := l(ctx, true); err != nil || !<-turned {
			t.Fatalf("turning it on: %v", err)
		}
		if <-turned || time.Since(begun) != 30*time.Second {
			t.Errorf("turned off after %v", time.Since(begun))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
