package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// Every end reads as what it is, on the card and in the thread.
func TestEndings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ci    func(*gitlabtest.CI)
		end   func(*gitlabtest.Pipeline)
		card  []string
		reply []string
	}{
		"failed": {
			end: func(p *gitlabtest.Pipeline) {
				p.Start()
				p.Job("compile").Succeed()
				p.Job("unit").Fail("script_failure")
				p.Job("lint").Fail("script_failure")
			},
			card:  []string{"Failed", "build 1/1", "test 2/2", "[Retry]"},
			reply: []string{"@alice", "failed in test: ", "unit (http", "lint (http"},
		},
		"passed with warnings": {
			ci: func(ci *gitlabtest.CI) { ci.Jobs[2].AllowFailure = true },
			end: func(p *gitlabtest.Pipeline) {
				p.Start()
				p.Job("compile").Succeed()
				p.Job("unit").Succeed()
				p.Job("lint").Fail("script_failure")
				p.Job("ship").Succeed()
			},
			card:  []string{"Passed with warnings"},
			reply: []string{"@alice", "passed with warnings in"},
		},
		"canceled": {
			end:   func(p *gitlabtest.Pipeline) { p.Start(); p.Finish("canceled") },
			card:  []string{"Canceled", "[Retry]"},
			reply: []string{"@alice", "was canceled"},
		},
		"skipped": {
			end:   func(p *gitlabtest.Pipeline) { p.SetStatus("skipped") },
			card:  []string{"Skipped"},
			reply: []string{"@alice", "was skipped"},
		},
		"deleted": {
			end:   func(p *gitlabtest.Pipeline) { p.Start(); p.Delete() },
			card:  []string{"Deleted"},
			reply: []string{"@alice", "was deleted in GitLab"},
		},
		"blocked by a manual job": {
			ci: func(ci *gitlabtest.CI) { ci.Jobs[3].Manual = true },
			end: func(p *gitlabtest.Pipeline) {
				p.Start()
				p.Job("compile").Succeed()
				p.Job("unit").Succeed()
				p.Job("lint").Succeed()
			},
			card:  []string{"Blocked by a manual job", "deploy 0/1"},
			reply: []string{"@alice", "is blocked by a manual job: ship"},
		},
		"waiting for a scheduled job": {
			end:   func(p *gitlabtest.Pipeline) { p.SetStatus("scheduled") },
			card:  []string{"Waiting for a scheduled job"},
			reply: []string{"@alice", "waits for a scheduled job"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.ci != nil {
				ci := w.project.CI()
				test.ci(&ci)
				w.project.SetCI(ci)
			}
			w.start()
			w.ask(w.alice, w.channel, "main")
			p := w.pipeline(1)
			w.card(w.channel, "Pipeline #1")
			test.end(p)
			card := w.card(w.channel, test.card...)
			reply := w.reply(w.channel, test.reply...)
			t.Logf("the card:\n%s\nits reply:\n%s", card.Read(time.Now()), reply.Read(time.Now()))
			if reply.ThreadTS != card.TS {
				t.Errorf("the reply is not in the card's thread:\n%s", reply.Read(time.Now()))
			}
			w.clean()
		})
	}
}

// A pipeline that waited for a person is followed on to its end.
func TestManualJobIsFollowedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ci := w.project.CI()
	ci.Jobs[3].Manual = true
	w.project.SetCI(ci)
	w.start()
	w.ask(w.alice, w.channel, "main")
	p := w.pipeline(1)
	p.Start()
	for _, name := range []string{"compile", "unit", "lint"} {
		p.Job(name).Succeed()
	}
	w.reply(w.channel, "is blocked by a manual job")
	p.Job("ship").Play()
	p.Job("ship").Succeed()
	card := w.card(w.channel, "Passed", "deploy 1/1")
	w.reply(w.channel, "passed in")
	if got := len(w.channel.Thread(w.alice, card.TS)); got != 3 {
		t.Errorf("the thread has %d messages, want the card, that it waits, and how it ended", got)
	}
	w.clean()
}

// The card is as large for 72 jobs as for 2.
func TestCardKeepsItsSize(t *testing.T) {
	t.Parallel()
	sizes := make(map[int]int)
	for _, jobs := range []int{2, 72} {
		w := newWorld(t)
		ci := gitlabtest.CI{}
		for i := range jobs {
			stage := fmt.Sprintf("stage-%d", i%12)
			if i < 12 && i < jobs {
				ci.Stages = append(ci.Stages, stage)
			}
			ci.Jobs = append(ci.Jobs, gitlabtest.JobSpec{Name: fmt.Sprintf("job-%d", i), Stage: stage})
		}
		w.project.SetCI(ci)
		w.start()
		w.ask(w.alice, w.channel, "main")
		w.pipeline(1).Start()
		card := w.card(w.channel, "Running", "stage-1")
		sizes[jobs] = strings.Count(card.Read(time.Now()), "\n")
	}
	if sizes[2] != sizes[72] {
		t.Errorf("the card has %d lines for 2 jobs and %d for 72", sizes[2], sizes[72])
	}
}

// Cancel asks first, and cancels; Retry brings the card of a failed pipeline back
// to life.
func TestButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.ask(w.alice, w.channel, "main")
	p := w.pipeline(1)
	p.Start()
	card := w.card(w.channel, "Running")
	if button, ok := card.Button("Cancel"); !ok || button.Confirm == nil || !strings.Contains(button.Confirm.Text, "#1") {
		t.Errorf("Cancel does not ask first: %+v", button)
	}
	if err := w.alice.Click(w.ctx, card, "Cancel", slacktest.Dismiss); err != nil {
		t.Fatal(err)
	}
	if p.Status() != "running" {
		t.Errorf("the pipeline is %s though the person kept it running", p.Status())
	}
	if err := w.alice.Click(w.ctx, card, "Cancel", slacktest.Confirm); err != nil {
		t.Fatal(err)
	}
	if err := w.gitlab.Wait(w.ctx, func() bool { return p.Status() == "canceled" || p.Status() == "canceling" }); err != nil {
		t.Fatal(err)
	}
	p.Finish("canceled")
	card = w.card(w.channel, "Canceled", "[Retry]")
	if err := w.alice.Click(w.ctx, card, "Retry"); err != nil {
		t.Fatal(err)
	}
	if err := w.gitlab.Wait(w.ctx, func() bool { return p.Status() != "canceled" }); err != nil {
		t.Fatal(err)
	}
	w.card(w.channel, "[Cancel]")
	p.Finish("success")
	w.card(w.channel, "Passed")
	w.reply(w.channel, "passed in")
	if got := len(w.channel.Messages(w.alice)); got != 1 {
		t.Errorf("the channel has %d messages, want the one card", got)
	}
	w.clean()
}

// What GitLab does not let the bot do is told to the one who pressed.
func TestButtonRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.ask(w.alice, w.channel, "main")
	p := w.pipeline(1)
	p.Start()
	card := w.card(w.channel, "Running")
	bob := w.person("bob", gitlabtest.Developer)
	w.channel.Invite(bob)
	w.gitlab.Fault(gitlabtest.Match{Method: "POST", PathPattern: "**/cancel"}, gitlabtest.Fault{Status: 403, Body: `{"message":"403 Forbidden"}`})
	if err := bob.Click(w.ctx, card, "Cancel", slacktest.Confirm); err != nil {
		t.Fatal(err)
	}
	if _, err := w.slack.WaitMessage(w.ctx, w.channel, bob, func(m slacktest.Message) bool {
		return m.Ephemeral && strings.Contains(m.Read(time.Now()), "I could not cancel the pipeline")
	}); err != nil {
		t.Fatal(err)
	}
}

// The answer to a retry is lost, and GitLab has done it: the card comes to life.
func TestRetryWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.runs()
	p.Finish("failed")
	card := w.card(w.channel, "Failed", "[Retry]")
	w.gitlab.Fault(gitlabtest.Match{Method: "POST", PathPattern: "**/retry"}, gitlabtest.Fault{Cut: true, Applied: true, Times: 1})
	if err := w.alice.Click(w.ctx, card, "Retry"); err != nil {
		t.Fatal(err)
	}
	w.card(w.channel, "[Cancel]")
	p.Finish("success")
	w.card(w.channel, "Passed")
}
