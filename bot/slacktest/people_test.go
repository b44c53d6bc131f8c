package slacktest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"pipebot/bot/slacktest"
)

// interact lets act happen while the app acknowledges one envelope, and returns that envelope's payload.
func interact(t *testing.T, w *wire, act func() error) map[string]any {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- act() }()
	e := w.read()
	w.ack(e)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return e["payload"].(map[string]any)
}

func TestMenusInMessages(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	eve := s.AddUser("eve", slacktest.AsExternal())
	c := s.AddChannel("shared", slacktest.Public, eve)
	c.InviteBot()
	w := dial(t, s)
	w.read()
	ts := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "card", "blocks": []any{args{"type": "actions", "elements": []any{
		args{"type": "overflow", "action_id": "more", "options": []any{option("Retry", "retry"), option("Delete", "delete")}},
		args{"type": "static_select", "placeholder": plain("Job"), "options": []any{option("build", "1"), option("test", "2")}},
		args{"type": "button", "text": plain("Open"), "url": "https://gitlab.example/42"},
	}}}})["ts"].(string)
	card, _ := c.Message(eve, ts)

	more := interact(t, w, func() error { return eve.Choose(testContext(t), card, "more", "Retry") })
	action := more["actions"].([]any)[0].(map[string]any)
	if got := action["selected_option"].(map[string]any)["value"]; got != "retry" {
		t.Errorf("the overflow menu sent %v", action)
	}
	if got := more["team"].(map[string]any)["id"]; got != eve.TeamID || got == "T0SIMULATED" {
		t.Errorf("the team of somebody of another team is %v", got)
	}
	job := interact(t, w, func() error { return eve.Choose(testContext(t), card, "Job", "test") })
	if got := job["container"].(map[string]any)["message_ts"]; got != ts {
		t.Errorf("the container is of %v", got)
	}
	interact(t, w, func() error { return eve.Click(testContext(t), card, "Open") })
	card, _ = c.Message(eve, ts)
	if got := card.Read(time.Now()); got != "[⋯] [test ▾] [Open ↗]" {
		t.Errorf("the card reads %q", got)
	}
}

func TestWhatIsNotOnTheScreen(t *testing.T) {
	s := newServer(t, slacktest.Config{Commands: []string{"/pipeline"}})
	alice, eve := s.AddUser("alice"), s.AddUser("eve", slacktest.AsExternal())
	open := s.AddChannel("builds", slacktest.Public, alice, eve)
	shut := s.AddChannel("secret", slacktest.Private, eve)
	ts := call(t, s, "chat.postMessage", args{"channel": open.ID, "text": "card"})["ts"].(string)
	card, _ := open.Message(alice, ts)
	ctx := testContext(t)
	for name, err := range map[string]error{
		"a button that is not there":      alice.Click(ctx, card, "Cancel"),
		"another command":                 alice.Command(ctx, open, "/deploy", ""),
		"a channel she does not see":      alice.Command(ctx, shut, "/pipeline", ""),
		"a command in an other workspace": eve.Command(ctx, open, "/pipeline", ""),
	} {
		if !errors.Is(err, slacktest.ErrNotThere) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessageShortcut(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	m := must(alice.Post(c, "look at this", ""))(t)
	payload := interact(t, w, func() error { return alice.MessageShortcut(testContext(t), m, "watch") })
	if payload["callback_id"] != "watch" || payload["message"].(map[string]any)["text"] != "look at this" {
		t.Errorf("the payload is %v", payload)
	}
}

func TestLinksAreUnfurled(t *testing.T) {
	s := newServer(t, slacktest.Config{UnfurlDomains: []string{"gitlab.example"}})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	c.InviteBot()
	w := dial(t, s)
	w.read()
	m := must(alice.Post(c, "see <https://gitlab.example/42>", ""))(t)
	e := w.read()
	w.ack(e)
	event := e["payload"].(map[string]any)["event"].(map[string]any)
	if event["type"] != "link_shared" || event["message_ts"] != m.TS {
		t.Fatalf("the event is %v", event)
	}
	call(t, s, "chat.unfurl", args{"channel": c.ID, "ts": m.TS, "unfurls": args{
		"https://gitlab.example/42": args{"blocks": []any{args{"type": "section", "text": styled("*running*")}}},
	}})
	m, _ = c.Message(alice, m.TS)
	if got := m.Read(time.Now()); got != "see https://gitlab.example/42\n| running" {
		t.Errorf("the message reads %q", got)
	}
}

func TestNotifications(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice, bob := s.AddUser("alice"), s.AddUser("bob")
	c := s.AddChannel("builds", slacktest.Public, alice)
	direct := s.DM(alice)
	group := s.AddUserGroup("oncall", alice)
	say := func(channel, text string) any {
		return call(t, s, "chat.postMessage", args{"channel": channel, "text": text})["ts"]
	}
	ts := say(c.ID, "nobody")
	call(t, s, "chat.update", args{"channel": c.ID, "ts": ts, "text": "an edit for <@" + alice.ID + ">"})
	say(c.ID, "<@"+alice.ID+"> and <@"+bob.ID+">")
	say(c.ID, "<!subteam^"+group+">")
	say(c.ID, "<!here>")
	say(direct.ID, "psst")
	call(t, s, "chat.postEphemeral", args{"channel": c.ID, "user": alice.ID, "text": "<@" + alice.ID + ">"})
	var got []string
	for _, n := range s.Notifications(alice) {
		got = append(got, n.Why+": "+n.Text)
	}
	want := []string{"mention: @alice and @bob", "mention: @oncall", "here: @here", "dm: psst"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alice (-want +got):\n%s", diff)
	}
	if n := s.Notifications(bob); len(n) != 0 {
		t.Errorf("bob, who is not in the channel: %+v", n)
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	s := slacktest.NewServer(slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	done := command(t, alice, c)
	w.read()
	s.Close()
	if err := <-done; !errors.Is(err, slacktest.ErrClosed) {
		t.Errorf("a command under way ends with %v", err)
	}
	w.ws.Close()
	closeIdle()
	goleak.VerifyNone(t, leaks)
}

func TestRevisionsKeepEveryState(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	c := s.AddChannel("builds", slacktest.Public)
	ts := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "created"})["ts"].(string)
	for _, text := range []string{"running", "success"} {
		call(t, s, "chat.update", args{"channel": c.ID, "ts": ts, "text": text})
	}
	m, _ := c.Message(nil, ts)
	var got []string
	for _, r := range m.Revisions {
		got = append(got, r.Read(time.Now()))
	}
	if diff := cmp.Diff("created running success", strings.Join(got, " ")); diff != "" {
		t.Errorf("the states (-want +got):\n%s", diff)
	}
}
