package main_test

import (
	"slices"
	"strings"
	"testing"

	"pipebot/bot/slacktest"
)

// An acknowledgement is lost with its connection after the work was done, so the same thing
// comes again on the other one. It has one effect.
func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(w *world)
	}{
		{"of a command", func(w *world) {
			w.slack.LoseAcks(1)
			w.open(w.alice, w.channel)
			if n := len(w.alice.OpenViews()); n != 1 {
				w.t.Errorf("%d modals are open", n)
			}
		}},
		{"of a submission", func(w *world) {
			modal := w.open(w.alice, w.channel)
			w.choose(modal, "main")
			w.slack.LoseAcks(1)
			w.submit(modal)
			w.pipeline(1).Finish("success")
			w.reply(w.channel, "passed in")
			w.started(1)
			if cards, replies := w.finalCards(), w.replies(); cards != 1 || replies != 1 {
				w.t.Errorf("%d cards and %d replies", cards, replies)
			}
		}},
		{"of a button", func(w *world) {
			p := w.asked()
			w.slack.LoseAcks(1)
			w.click(w.alice, w.cardOf(p, "Running", "[Cancel]"), "Cancel")
			w.cardOf(p, "Canceled by") // that GitLab may be asked twice changes nothing there
			p.Finish("canceled")
			w.reply(w.channel, "canceled")
			if cards, replies := len(w.channel.Messages(nil)), w.replies(); cards != 1 || replies != 1 {
				w.t.Errorf("%d cards and %d replies", cards, replies)
			}
		}},
		{"of an event", func(w *world) {
			w.slack.LoseAcks(1)
			w.opens(w.alice)
			w.homeReads(w.alice, "[Run pipeline]")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			if err := w.slack.WaitConnected(w.ctx, 2); err != nil {
				t.Fatal(err)
			}
			tt.do(w)
			if err := w.slack.Wait(w.ctx, func() bool { return len(w.slack.Calls("apps.connections.open")) >= 3 }); err != nil {
				t.Errorf("no connection was lost: %v", err)
			}
			if n := w.slack.Gaps(); n != 0 {
				t.Errorf("%d times there was no connection", n)
			}
			w.clean()
		})
	}
}

// One connection stands at every moment, and what people do has its effect once, while
// Slack warns of, refreshes and drops connections in turn.
func TestConnectionsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	if err := w.slack.WaitConnected(w.ctx, 2); err != nil {
		t.Fatal(err)
	}
	ends := []func(){
		w.slack.DropConnection,
		func() { w.slack.DisconnectOldest("warning") },
		func() { w.slack.DisconnectOldest("refresh_requested") },
	}
	for n, end := range ends {
		modal, old := w.open(w.alice, w.channel), w.slack.Hellos()[0]
		end()
		w.choose(modal, "main")
		w.submit(modal)
		w.pipeline(n + 1).Finish("success")
		replaced := func() bool { at := w.slack.Hellos(); return len(at) == 2 && !slices.Contains(at, old) }
		if err := w.slack.Wait(w.ctx, replaced); err != nil {
			t.Fatalf("the connection is not replaced: %v", err)
		}
	}
	final := func() bool { return w.finalCards() == len(ends) && w.replies() == len(ends) }
	if err := w.slack.Wait(w.ctx, final); err != nil {
		t.Errorf("%v: %d cards are final, %d have their reply", err, w.finalCards(), w.replies())
	}
	w.started(len(ends))
	if n := w.slack.Gaps(); n != 0 {
		t.Errorf("%d times there was no connection", n)
	}
	w.clean()
}

// A token that is revoked ends the process with a clear word, though one connection stands.
func TestRevokedAppToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := startProcess(w.env)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.slack.WaitConnected(w.ctx, 2); err != nil {
		t.Fatal(err)
	}
	w.slack.FailNext("apps.connections.open", "token_revoked", 1)
	w.slack.DropConnection()
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if said := p.output(); !strings.Contains(said, "Slack rejects the app token: token_revoked") {
		t.Errorf("it says\n%s", said)
	}
}

// Ten connections of other processes, Socket Mode off: /readyz says what to do about it.
func TestWhatKeepsConnectionsAwayIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(s *slacktest.Server)
		told string
	}{
		{"no room for two", func(s *slacktest.Server) { s.ConnectElsewhere(9) }, "warning: one connection to Slack, not two: the Slack app has the 10 connections"},
		{"no room at all", func(s *slacktest.Server) { s.ConnectElsewhere(10) }, "slack: not connected: the Slack app has the 10 connections"},
		{"Socket Mode is off", func(s *slacktest.Server) { s.SocketMode(false) }, "slack: not connected: Socket Mode is switched off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.env["HTTP_ADDR"] = freeAddress(t)
			tt.do(w.slack)
			w.run()
			w.eventually(tt.told, func() bool {
				_, body := w.get("http://" + w.env["HTTP_ADDR"] + "/readyz")
				return strings.Contains(body, tt.told)
			})
		})
	}
}
