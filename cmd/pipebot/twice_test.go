package main_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// submitTwice submits a form whose submission Slack delivers twice.
func (w *world) submitTwice(modal *slacktest.Modal) {
	w.t.Helper()
	if result, err := modal.SubmitTwice(w.ctx); err != nil || !result.Closed {
		w.t.Fatalf("closed=%t, %v:\n%s", result.Closed, err, modal.Text())
	}
}

// Each way to start a pipeline starts one, though Slack delivers what somebody did twice;
// two who do the same start two. One of main runs already.
func TestDeliveredTwice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do    func(t *testing.T, w *world, bob *slacktest.User)
		wants int // pipelines beside the first
	}{
		"the form, run anyway": {func(_ *testing.T, w *world, _ *slacktest.User) {
			modal := w.open(w.alice, w.channel)
			w.choose(modal, "main")
			w.stays(modal)
			w.submitTwice(modal)
		}, 1},
		"typed, run anyway": {func(t *testing.T, w *world, _ *slacktest.User) {
			t.Helper()
			w.types(t, w.alice, "run main")
			m := w.alone("This runs already", "[Run anyway]")
			w.slack.RedeliverNext(1)
			w.presses(w.alice, m, "Run anyway")
		}, 1},
		"typed with --anyway": {func(t *testing.T, w *world, _ *slacktest.User) {
			t.Helper()
			w.slack.RedeliverNext(1)
			w.types(t, w.alice, "run main --anyway")
		}, 1},
		"run again": {func(_ *testing.T, w *world, _ *slacktest.User) {
			w.pipeline(1).Finish("success")
			card := w.card(w.channel, "Passed", "[Run again]")
			w.slack.RedeliverNext(1)
			w.presses(w.alice, card, "Run again")
			w.submitTwice(w.modalOf())
		}, 1},
		"typed by two": {func(t *testing.T, w *world, bob *slacktest.User) {
			t.Helper()
			w.types(t, w.alice, "run main --anyway")
			w.types(t, bob, "run main --anyway")
		}, 2},
		"run again by two": {func(_ *testing.T, w *world, bob *slacktest.User) {
			w.pipeline(1).Finish("success")
			card := w.card(w.channel, "Passed", "[Run again]")
			for _, who := range []*slacktest.User{w.alice, bob} {
				w.presses(who, card, "Run again")
				modal, err := who.Modal(w.ctx)
				if err != nil {
					w.t.Fatal(err)
				}
				w.submit(modal)
			}
		}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bob := w.person("bob", gitlabtest.Developer)
			w.channel.Invite(bob)
			w.start()
			w.types(t, w.alice, "run main")
			w.pipeline(1).Start()
			w.card(w.channel, "Running")
			test.do(t, w, bob)
			w.pipeline(1 + test.wants)
			for _, p := range w.project.Pipelines() {
				p.Finish("success")
			}
			if err := w.slack.Wait(w.ctx, func() bool { return w.finalCards() == 1+test.wants }); err != nil {
				t.Errorf("%v: %d cards are final", err, w.finalCards())
			}
			w.started(1 + test.wants)
			w.clean()
		})
	}
}

// The second delivery may come to another bot.
func TestDeliveredToTwoReplicas(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	r.slack.RedeliverNext(1)
	r.types(t, r.alice, "run main")
	r.pipeline(1).Finish("success")
	r.card(r.channel, "Passed")
	modal := r.open(r.alice, r.channel)
	r.choose(modal, "main")
	r.submitTwice(modal)
	r.pipeline(2).Finish("success")
	if err := r.slack.Wait(r.ctx, func() bool { return r.finalCards() == 2 && r.replies() == 2 }); err != nil {
		t.Errorf("%v: %d cards are final and %d have their reply", err, r.finalCards(), r.replies())
	}
	r.started(2)
	r.clean()
}

// kill -9 between GitLab's retry and the acknowledgement: Slack delivers it again, to the
// process that comes after. The jobs have failed once more by then, and are not run a third
// time.
func TestKillBeforeTheAcknowledgement(t *testing.T) {
	t.Parallel()
	for name, retries := range map[string]func(w *world, p *gitlabtest.Pipeline, card slacktest.Message) error{
		"typed": func(w *world, p *gitlabtest.Pipeline, _ slacktest.Message) error {
			return w.alice.Command(w.ctx, w.channel, "/pipeline", command("retry", p))
		},
		"by a button": func(w *world, _ *gitlabtest.Pipeline, card slacktest.Message) error {
			w.slack.RefuseConnections(1000)
			w.slack.LoseAcks(2) // one on each connection
			return w.alice.Click(w.ctx, card, "Retry")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			if err := w.slack.WaitConnected(w.ctx, 2); err != nil {
				t.Fatal(err)
			}
			p := w.asked()
			p.Finish("failed")
			card := w.cardOf(p, "Failed", "[Retry]")
			w.gitlab.Fault(gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/retry"}, gitlabtest.Fault{Times: 1, ApplyAfter: 300 * time.Millisecond})
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				_ = retries(w, p, card) // in time or not: Slack waits for three seconds
			}()
			w.becomes(p, func() bool { return w.gitlab.Count("POST **/retry") > 0 })
			w.bot.kill()
			w.becomes(p, func() bool { return p.Status() != "failed" })
			p.Finish("failed")
			w.slack.LoseAcks(0)
			w.slack.RefuseConnections(0)
			w.run()
			w.saysTwice()
			<-answered
			w.cardOf(p, "Failed", "Retried by @alice")
			if got := w.gitlab.Count("POST **/retry"); got != 1 {
				t.Errorf("GitLab was asked to retry %d times", got)
			}
			w.clean()
		})
	}
}

// saysTwice waits until alice is told, in an acknowledgement or after it, that something came
// twice. Whom Slack has waited for too long for, it does not show the former.
func (w *world) saysTwice() {
	w.t.Helper()
	const told = "This came to me twice, and I ask GitLab for it only once."
	err := w.slack.Wait(w.ctx, func() bool {
		return slices.ContainsFunc(w.slack.Acks(), func(a slacktest.Ack) bool { return strings.Contains(string(a.Payload), told) }) ||
			slices.ContainsFunc(w.channel.Messages(w.alice), func(m slacktest.Message) bool { return strings.Contains(readable(m), told) })
	})
	if err != nil {
		w.t.Errorf("nobody is told that it came twice: %v", err)
	}
}

// A confirmation comes to both bots. One deletes the pipeline, and the other one says too
// that it is deleted, whether it looks before that is so or after.
func TestDeletionDeliveredToTwoReplicas(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]time.Duration{"at once": 0, "while the other one is at it": 700 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicas(t)
			olga := r.person("olga", gitlabtest.Owner)
			r.channel.Invite(olga)
			r.project.AddMember(r.owner, gitlabtest.Owner)
			p := r.asked()
			p.Finish("failed")
			r.cardOf(p, "Failed")
			r.gitlab.Fault(gitlabtest.Match{Method: http.MethodDelete}, gitlabtest.Fault{Delay: takes})
			r.types(t, olga, command("delete", p))
			modal := r.modalReads(olga, "This cannot be undone.")
			acks := len(r.slack.Acks())
			if _, err := modal.SubmitTwice(r.ctx); err != nil {
				t.Fatal(err)
			}
			if err := r.slack.Wait(r.ctx, func() bool { return len(r.slack.Acks()) >= acks+2 }); err != nil {
				t.Fatal(err)
			}
			for _, ack := range r.slack.Acks()[acks:] { // whoever takes longer says first what it is doing
				if text := string(ack.Payload); !strings.Contains(text, "is deleted") && !strings.Contains(text, "Deleting Pipeline") {
					t.Errorf("a bot answers %s", text)
				}
			}
			r.modalReads(olga, "is deleted")
			if got := r.gitlab.Count("DELETE **"); got != 1 {
				t.Errorf("GitLab was asked to delete %d times", got)
			}
			r.cardOf(p, "Deleted", "The pipeline was deleted by @olga.")
			r.clean()
		})
	}
}
