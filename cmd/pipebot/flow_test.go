package main_test

import (
	"strings"
	"testing"
	"time"
)

// The whole job: from the slash command to the last message in the thread.
func TestFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	modal := w.open(w.alice, w.channel)
	t.Logf("the modal:\n%s", modal.Text())
	w.choose(modal, "feature/login")
	if err := modal.Choose(w.ctx, "Build type", "release"); err != nil {
		t.Fatal(err)
	}
	if err := modal.Fill("Variables", "APP_ENV=staging\n"); err != nil {
		t.Fatal(err)
	}
	w.submit(modal)

	p := w.pipeline(1)
	if p.Source != "trigger" || p.Ref != "feature/login" {
		t.Errorf("the pipeline was started by %q for %q", p.Source, p.Ref)
	}
	for key, want := range map[string]string{"BUILD_TYPE": "release", "APP_ENV": "staging", "PIPEBOT_USER": w.alice.ID} {
		if got, _ := p.Variable(key); got != want {
			t.Errorf("variable %s = %q, want %q", key, got, want)
		}
	}
	p.Start()
	p.Job("compile").Succeed()
	card := w.card(w.channel, "Running", "group/app", "feature/login", "release", "@alice", "build 1/1", "test 0/2", "[Cancel]")
	t.Logf("running:\n%s", card.Read(time.Now()))
	p.Finish("success")
	card = w.card(w.channel, "Passed", "build 1/1", "test 2/2", "deploy 1/1")
	t.Logf("passed:\n%s", card.Read(time.Now()))
	reply := w.reply(w.channel, "@alice", "passed in", "compile")
	t.Logf("reply:\n%s", reply.Read(time.Now()))
	if got := len(w.channel.Messages(w.alice)); got != 1 {
		t.Errorf("the channel has %d messages, want the one card", got)
	}
	if strings.Contains(card.Read(time.Now()), "[Cancel]") {
		t.Error("the card of an ended pipeline offers Cancel")
	}
	w.clean()
}
