package main_test

import (
	"testing"

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
