package slacktest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

func TestSidebar(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice, bob, eve := s.AddUser("alice"), s.AddUser("bob"), s.AddUser("eve", slacktest.AsExternal())
	s.AddChannel("open", slacktest.Public, bob)
	s.AddChannel("builds", slacktest.Private, alice)
	s.AddChannel("old", slacktest.Public, alice).Archive()
	s.DMBetween(alice, eve)
	for _, tt := range []struct {
		who  *slacktest.User
		want []string // kinds, with the people in it
	}{
		{alice, []string{"group alice", "im alice eve", "im alice pipebot"}},
		{alice, []string{"group alice", "im alice eve", "im alice pipebot"}},
		{eve, []string{"im alice eve"}},
	} {
		var got []string
		for _, c := range tt.who.Conversations() {
			line := string(c.Kind)
			for _, u := range c.Members() {
				line += " " + u.Name
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", tt.who.Name, diff)
		}
	}
}

func TestByID(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	if u, known := d.User(d.alice.ID); u != d.alice || !known {
		t.Errorf("alice is %v, %v", u, known)
	}
	if u, known := d.User(d.BotUserID()); !known || u.Kind != slacktest.Bot {
		t.Errorf("the bot is %v, %v", u, known)
	}
	if c, known := d.Channel(d.builds.ID); c != d.builds || !known {
		t.Errorf("the channel is %v, %v", c, known)
	}
	if _, known := d.User("U0"); known {
		t.Error("somebody is U0")
	}
	if _, known := d.Channel("C0"); known {
		t.Error("something is C0")
	}
}

func TestThreadsTellWhoReplied(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	first := must(d.alice.Post(d.builds, "first", ""))(t)
	for _, u := range []*slacktest.User{d.bob, d.alice, d.bob} {
		must(u.Post(d.builds, "reply", first.TS))(t)
	}
	said := args{"channel": d.builds.ID, "thread_ts": first.TS, "text": "said"}
	last := call(t, d.Server, "chat.postMessage", said)["ts"]
	call(t, d.Server, "chat.postEphemeral", and(said, "user", d.alice.ID))
	gone := call(t, d.Server, "chat.postMessage", said)["ts"]
	call(t, d.Server, "chat.delete", args{"channel": d.builds.ID, "ts": gone})
	m, _ := d.builds.Message(d.alice, first.TS)
	var names []string
	for _, u := range m.ReplyUsers() {
		names = append(names, u.Name)
	}
	if diff := cmp.Diff([]string{"bob", "alice", "pipebot"}, names); diff != "" {
		t.Errorf("who replied (-want +got):\n%s", diff)
	}
	if m.LatestReply() != last || m.ReplyCount != 4 {
		t.Errorf("the latest of %d replies is %s, want 4 and %s", m.ReplyCount, m.LatestReply(), last)
	}
	for name, ts := range map[string]string{"a reply": last.(string), "nothing": "1.0"} {
		if _, err := d.bob.Post(d.builds, "reply", ts); !errors.Is(err, slacktest.ErrNotThere) {
			t.Errorf("a thread under %s: %v", name, err)
		}
	}
}

// chosen is the value of the option chosen in block b of a message.
func (d *desk) chosen(ts string) string {
	d.t.Helper()
	m, _ := d.builds.Message(d.alice, ts)
	var state map[string]map[string]struct {
		Option struct{ Value string } `json:"selected_option"`
	}
	if err := json.Unmarshal(m.State(), &state); err != nil {
		d.t.Fatal(err)
	}
	return state["b"]["a"].Option.Value
}

func TestAttachmentsHaveMenusToo(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	menu := and(menuOf("static_select"), "initial_option", option("A", "a"))
	attachment := args{"color": "good", "blocks": []any{block(menu)}}
	post := args{"channel": d.builds.ID, "text": "card", "attachments": []any{attachment}}
	ts := call(t, d.Server, "chat.postMessage", post)["ts"].(string)
	if got := d.chosen(ts); got != "a" {
		t.Errorf("at first %q is chosen", got)
	}
	d.act(slacktest.Place{Channel: d.builds.ID, TS: ts}, "b", "a", option("B", "b"))
	call(t, d.Server, "chat.update", and(post, "ts", ts))
	if got := d.chosen(ts); got != "b" {
		t.Errorf("after an update %q is chosen", got)
	}
	m, _ := d.builds.Message(d.alice, ts)
	for _, want := range []string{`"block_id":"b"`, `"color":"good"`} {
		if got := string(m.Attachments()); !strings.Contains(got, want) {
			t.Errorf("the attachments have no %s: %s", want, got)
		}
	}

	link := must(d.bob.Post(d.builds, "see https://gitlab.example/42", ""))(t)
	call(t, d.Server, "chat.unfurl", args{
		"channel": d.builds.ID, "ts": link.TS, "unfurls": args{"https://gitlab.example/42": attachment},
	})
	if got := d.chosen(link.TS); got != "a" {
		t.Errorf("in a preview %q is chosen", got)
	}
}

func TestDirectMessagesReachTheApp(t *testing.T) {
	d := newDesk(t, slacktest.Config{Events: []string{"message.im", "app_mention"}})
	must(d.alice.Post(d.DM(d.alice), "<@"+d.BotUserID()+"> hi", ""))(t)
	must(d.alice.Post(d.builds, "<@"+d.BotUserID()+"> hi", ""))(t)
	var got []string
	for range 2 {
		e := d.w.read()
		d.w.ack(e)
		event := e["payload"].(map[string]any)["event"].(map[string]any)
		got = append(got, event["type"].(string)+" "+event["channel_type"].(string))
	}
	if diff := cmp.Diff([]string{"message im", "app_mention channel"}, got); diff != "" { // no app_mention in a DM
		t.Errorf("the app is told (-want +got):\n%s", diff)
	}
}

func TestResponseURLOfACard(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer args
		want   []string // what alice then sees, and what bob
	}{
		{"replace", args{"replace_original": true, "text": "done"}, []string{"done", "done"}},
		{"delete", args{"delete_original": true}, []string{"", ""}},
		{"beside it", args{"text": "psst"}, []string{"card psst", "card"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, slacktest.Config{})
			at := d.card(block(args{"type": "button", "text": plain("Go")}))
			payload := interact(t, d.w, func() error { return d.alice.Act(testContext(t), at, "b", "a", nil) })
			if answer := post(t, payload["response_url"].(string), "", tt.answer); answer["ok"] != true {
				t.Fatal(answer)
			}
			var got []string
			for _, u := range []*slacktest.User{d.alice, d.bob} {
				var texts []string
				for _, m := range d.builds.Messages(u) {
					texts = append(texts, m.Text)
				}
				got = append(got, strings.Join(texts, " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("alice and bob see (-want +got):\n%s", diff)
			}
			noViolations(t, d.Server)
		})
	}
}
