package main_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// After a restart every open card is brought up to date.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.runs()
	if code := w.bot.stop(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM\n%s", code, w.bot.output())
	}
	p.Finish("success") // while nobody looks
	w.run()
	card := w.card(w.channel, "Passed")
	w.reply(w.channel, "passed in")
	if got := len(w.channel.Messages(w.alice)); got != 1 {
		t.Errorf("the channel has %d messages, want the one card", got)
	}
	if got := len(w.channel.Thread(w.alice, card.TS)); got != 2 {
		t.Errorf("the thread has %d messages, want the card and its reply", got)
	}
	w.clean()
}

func (w *world) finalCards() int {
	final := 0
	for _, m := range w.channel.Messages(nil) {
		if strings.Contains(m.Read(time.Now()), ":white_check_mark: Passed") {
			final++
		}
	}
	return final
}

// replies counts the threads that have exactly one reply beside the card.
func (w *world) replies() int {
	count := 0
	for _, m := range w.channel.Messages(nil) {
		if len(w.channel.Thread(nil, m.TS)) == 2 {
			count++
		}
	}
	return count
}

// A request that was written down survives though pipebot dies before GitLab was
// asked, and GitLab is away when it comes back.
func TestKillWhileGitLabIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.known(w.alice, w.channel)
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "main")
	w.gitlab.Refuse(true)
	w.submit(modal)
	w.bot.kill()
	w.run()
	if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	w.private(w.channel, "is kept")
	w.gitlab.Refuse(false)
	w.pipeline(1).Finish("success")
	w.card(w.channel, "Passed")
	if got := len(w.project.Pipelines()); got != 1 {
		t.Errorf("%d pipelines were started", got)
	}
}

// SIGTERM with envelopes in hand: what was taken is finished or left for the next
// process, and the exit is clean.
func TestStopWithWorkInHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	var modals []*slacktest.Modal
	for i := range 5 {
		who := w.person(fmt.Sprintf("person%d", i), gitlabtest.Developer)
		w.channel.Invite(who)
		modal := w.open(who, w.channel)
		w.choose(modal, "main")
		modals = append(modals, modal)
	}
	w.gitlab.Fault(gitlabtest.Match{Method: "POST"}, gitlabtest.Fault{Delay: 200 * time.Millisecond})
	for _, modal := range modals {
		w.submit(modal)
	}
	if code := w.bot.stop(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM\n%s", code, w.bot.output())
	}
	w.run()
	w.pipeline(5)
	for _, p := range w.project.Pipelines() {
		p.Finish("success")
	}
	if err := w.slack.Wait(w.ctx, func() bool { return w.finalCards() == 5 }); err != nil {
		t.Errorf("%v: %d cards are final", err, w.finalCards())
	}
	if got := len(w.project.Pipelines()); got != 5 {
		t.Errorf("%d pipelines for 5 requests", got)
	}
	w.clean()
}

// GitLab is down when pipebot starts: it starts, says what is missing, and the
// modal offers what it can.
func TestGitLabDownAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["HTTP_ADDR"] = freeAddress(t)
	w.env["GITLAB_PROJECTS"] = "group/app,group/api"
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.gitlab.Refuse(true)
	w.start()
	url := "http://" + w.env["HTTP_ADDR"]
	if status, _ := w.get(url + "/healthz"); status != 200 {
		t.Errorf("/healthz answers %d", status)
	}
	if status, body := w.get(url + "/readyz"); status != 503 || !strings.Contains(body, "gitlab: project group/app") {
		t.Errorf("/readyz answers %d:\n%s", status, body)
	}
	modal := w.open(w.alice, w.channel)
	if text := modal.Text(); !strings.Contains(text, "group/app") || !strings.Contains(text, "debug") {
		t.Errorf("the modal reads\n%s", text)
	}
	if got := w.offered(modal, ""); got != "" {
		t.Errorf("the ref field offers %q", got)
	}
	w.gitlab.Refuse(false)
	if got := w.offered(modal, "feature"); got != "Branches: feature/login" {
		t.Errorf("with GitLab back the ref field offers %q", got)
	}
	w.clean()
}

// Control-C stops it as SIGTERM does.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	if code := w.bot.stopBy(os.Interrupt); code != 0 {
		t.Errorf("exit code %d after SIGINT\n%s", code, w.bot.output())
	}
}

// A request waits while the settings change: what was asked for as a trigger is not
// started as anything else.
func TestSettingsChangeWhileARequestWaits(t *testing.T) {
	t.Parallel()
	tests := map[string]func(env map[string]string){
		"the trigger token is taken away": func(env map[string]string) { delete(env, "GITLAB_TRIGGER_TOKEN") },
		"the project is taken away": func(env map[string]string) {
			delete(env, "GITLAB_TRIGGER_TOKEN")
			env["GITLAB_PROJECTS"] = "group/other"
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			w.known(w.alice, w.channel)
			modal := w.open(w.alice, w.channel)
			w.choose(modal, "main")
			w.gitlab.Refuse(true)
			w.submit(modal)
			w.bot.kill()
			change(w.env)
			w.gitlab.Refuse(false)
			w.start()
			w.private(w.channel, "I could not start", "was changed after you asked", "/pipeline")
			if got := len(w.project.Pipelines()); got != 0 {
				t.Errorf("%d pipelines were started", got)
			}
		})
	}
}
