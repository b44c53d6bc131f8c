package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// Every card and thread ends in the true state, whatever was away meanwhile.

// watching has people follow pipelines that run, and returns them.
func (w *world) watching(count int) []*gitlabtest.Pipeline {
	w.t.Helper()
	const each = 5 // that one person follows: the bot paces a flood of commands
	var list []*gitlabtest.Pipeline
	var who *slacktest.User
	for i := range count {
		if i%each == 0 {
			who = w.person(fmt.Sprintf("watcher%d", i), gitlabtest.Developer)
			w.channel.Invite(who)
		}
		p := w.pushed("main")
		w.writes(who, "follow %d", p.ID)
		list = append(list, p)
	}
	for _, p := range list {
		w.cardOf(p, "Running")
	}
	return list
}

// endsByTurns are how pipelines end, by turns, and what their cards and threads say of it.
var endsByTurns = []struct{ status, card, reply string }{
	{"success", "Passed", "passed in"},
	{"failed", "Failed", "failed in"},
	{"canceled", "Canceled", "was canceled"},
}

// finishes ends pipelines by turns.
func finishes(list []*gitlabtest.Pipeline) {
	for i, p := range list {
		p.Finish(endsByTurns[i%len(endsByTurns)].status)
	}
}

// allFinal waits until each of the pipelines, which ended by turns, has one card in its
// true state and one reply, and until nothing else is there.
func (w *world) allFinal(list []*gitlabtest.Pipeline) {
	w.t.Helper()
	w.allFinalBut(list, 0)
}

// allFinalBut is allFinal where the channel has other cards too.
func (w *world) allFinalBut(list []*gitlabtest.Pipeline, others int) {
	w.t.Helper()
	for i, p := range list {
		end := endsByTurns[i%len(endsByTurns)]
		card := w.cardOf(p, end.card)
		w.reply(w.channel, fmt.Sprintf("Pipeline #%d ", p.ID), end.reply)
		if thread := w.channel.Thread(nil, card.TS); len(thread) != 2 {
			w.t.Errorf("the thread of pipeline %d has %d messages, want the card and its end", p.ID, len(thread))
		}
		if text := readable(card); strings.Contains(text, "[Cancel]") || strings.Contains(text, "GitLab has not") {
			w.t.Errorf("the card of pipeline %d still says\n%s", p.ID, text)
		}
	}
	if got := len(w.public()); got != len(list)+others {
		w.t.Errorf("the channel has %d messages for %d pipelines", got, len(list))
	}
}

// GitLab is away for a while, and pipelines end meanwhile. Each card says so in one line,
// once, and what is true when it is back.
func TestGitLabIsAwayWhilePipelinesEnd(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(w *world, away bool){
		"it cannot be reached":    func(w *world, away bool) { w.gitlab.Refuse(away) },
		"it shows its page of it": func(w *world, away bool) { w.gitlab.Down(away) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			list := w.watching(6)
			before := len(w.slack.Calls("chat.update"))
			away(w, true)
			for _, p := range list {
				w.cardOf(p, "Running", "GitLab has not answered since")
			}
			said := len(w.slack.Calls("chat.update")) - before
			finishes(list)
			away(w, false)
			w.allFinal(list)
			if said > 2*len(list) {
				t.Errorf("%d edits said that GitLab is away, for %d cards", said, len(list))
			}
			if got := len(w.slack.Calls("chat.update")) - before; got > 4*len(list) {
				t.Errorf("the outage took %d edits for %d cards", got, len(list))
			}
			w.clean()
		})
	}
}

// An access token that GitLab does not accept any more is no outage: readers would wait
// in vain. With a new one the bot goes on.
func TestTokenRevokedWhilePipelinesRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	list := w.watching(3)
	w.gitlab.RevokeToken(w.env["GITLAB_TOKEN"])
	for _, p := range list {
		w.cardOf(p, "Running", "GitLab has not accepted my access token since", "GITLAB_TOKEN")
	}
	finishes(list)
	w.env["GITLAB_TOKEN"] = w.gitlab.AddToken(w.owner, "api")
	w.bot.stop()
	w.run()
	w.allFinal(list)
}

// A project whose requests GitLab takes no more is left alone for as long as GitLab says;
// another one goes on.
func TestRateLimitOfOneProject(t *testing.T) {
	t.Parallel()
	const seconds = 3
	w := newWorld(t)
	other := w.gitlab.AddProject("group/api")
	other.AddMember(w.owner, gitlabtest.Maintainer)
	other.AddMember(w.account(w.alice), gitlabtest.Developer)
	other.SetCI(w.project.CI())
	w.env["GITLAB_PROJECTS"] = "group/app,group/api"
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.start()
	list := w.watching(1)
	p, reason := other.StartPipeline(w.owner, "main", "push")
	if p == nil {
		t.Fatal(reason)
	}
	p.Start()
	w.writes(w.alice, "follow group/api %d", p.ID)
	w.cardOf(p, "Running")

	path := fmt.Sprintf("/api/v4/projects/%d/pipelines", w.project.ID)
	w.gitlab.ResetRequests()
	w.gitlab.Fault(gitlabtest.Match{Method: http.MethodGet, PathPattern: path}, gitlabtest.Fault{
		Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {fmt.Sprint(seconds)}}, Body: "Retry later\n",
	})
	limited := func() (at time.Time) {
		for _, r := range w.gitlab.Requests() {
			if r.Path == path && r.Status == http.StatusTooManyRequests {
				at = r.Time
			}
		}
		return at
	}
	if err := w.gitlab.Wait(w.ctx, func() bool { return !limited().IsZero() }); err != nil {
		t.Fatal(err)
	}
	finishes(list)
	p.Finish("success")
	w.cardOf(p, "Passed")
	w.allFinalBut(list, 1)
	since := limited()
	for _, r := range w.gitlab.Requests() {
		if r.Path == path && r.Time.After(since) && r.Time.Before(since.Add(seconds*time.Second)) {
			t.Errorf("the project was polled %s after GitLab said to wait for %d s", r.Time.Sub(since), seconds)
		}
	}
	w.clean()
}

// Slack is away for a while, calls and connections, and pipelines end meanwhile.
func TestSlackIsAwayWhilePipelinesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	list := w.watching(6)
	w.slack.Down(true)
	finishes(list)
	failed := func() (n int) {
		for _, c := range w.slack.Calls("chat.update") {
			if c.Status != http.StatusOK {
				n++
			}
		}
		return n
	}
	before := failed()
	if err := w.slack.Wait(w.ctx, func() bool { return failed() >= before+2 }); err != nil {
		t.Fatal(err)
	}
	w.slack.Down(false)
	w.allFinal(list)
	if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
		t.Fatalf("pipebot is not connected again: %v", err)
	}
	w.clean()
}

// A new version is rolled out, by SIGTERM and a start, while pipelines run and end.
func TestNewVersionWhilePipelinesRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	list := w.watching(20)
	third := len(list) / 3
	for i, p := range list[:third] {
		p.Finish(endsByTurns[i%len(endsByTurns)].status)
	}
	if code := w.bot.stop(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM\n%s", code, w.bot.output())
	}
	for i, p := range list[third : 2*third] {
		p.Finish(endsByTurns[(third+i)%len(endsByTurns)].status)
	}
	w.start()
	for i, p := range list[2*third:] {
		p.Finish(endsByTurns[(2*third+i)%len(endsByTurns)].status)
	}
	w.allFinal(list)
	w.clean()
}

// kill -9 between GitLab's retry and the record of it: nobody polls what has ended, and
// the pipeline is followed all the same.
func TestKillWhileRetrying(t *testing.T) {
	t.Parallel()
	w, maintainer, _ := newActs(t)
	p := w.asked()
	p.Finish("failed")
	w.cardOf(p, "Failed", "[Retry]")
	w.reply(w.channel, "failed in")
	w.gitlab.Fault(gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/retry"}, gitlabtest.Fault{Times: 1, ApplyAfter: 300 * time.Millisecond})
	w.types(t, maintainer, command("retry", p))
	if err := w.gitlab.Wait(w.ctx, func() bool { return w.gitlab.Count("POST **/retry") > 0 }); err != nil {
		t.Fatal(err)
	}
	w.bot.kill()
	w.becomes(p, func() bool { return p.Status() != "failed" })
	w.run()
	p.Start()
	w.cardOf(p, "Running", "Retried by @mia")
	p.Finish("success")
	card := w.cardOf(p, "Passed")
	w.reply(w.channel, "passed in")
	if thread := w.channel.Thread(nil, card.TS); len(thread) != 3 {
		t.Errorf("the thread has %d messages, want the card and an end for each life", len(thread))
	}
	if got := w.gitlab.Count("POST **/retry"); got != 1 {
		t.Errorf("GitLab was asked to retry %d times", got)
	}
	w.clean()
}

// kill -9 while Slack is being asked for an edit, which Slack does after the next process
// has made a newer one: the card does not stay at the older state.
func TestKillWhileEditing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.runs()
	came, late := w.slack.HoldNext("chat.update")
	p.Job("compile").Succeed()
	select {
	case <-came:
	case <-w.ctx.Done():
		t.Fatalf("the card is not edited\n%s", w.bot.output())
	}
	w.bot.kill()
	p.Finish("success")
	w.run()
	w.card(w.channel, "Passed")
	late()
	w.card(w.channel, "Running")
	w.card(w.channel, "Passed")
	w.reply(w.channel, "passed in")
	w.clean()
}

// The buttons of a job that waits go from the thread when it is started elsewhere.
func TestButtonsOfTheThreadGo(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(w *world, p *gitlabtest.Pipeline){
		"started in GitLab": func(_ *world, p *gitlabtest.Pipeline) { p.Job("ship").Play() },
		"started on the card": func(w *world, p *gitlabtest.Pipeline) {
			w.click(w.alice, w.cardOf(p, "Blocked by a manual job", "[Start ship]"), "Start ship")
		},
		"canceled": func(_ *world, p *gitlabtest.Pipeline) { p.Finish("canceled") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.blocking()
			w.start()
			p := w.asked()
			block(p)
			reply := w.reply(w.channel, "is blocked by a manual job: ship", "[Start ship]")
			start(w, p)
			w.reply(w.channel, "was blocked by a manual job")
			if m, _ := w.channel.Message(w.alice, reply.TS); len(m.Buttons()) != 0 {
				t.Errorf("the reply keeps its buttons:\n%s", readable(m))
			}
			w.clean()
		})
	}
}
