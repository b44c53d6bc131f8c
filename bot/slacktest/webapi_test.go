package slacktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot/slacktest"
)

type args = map[string]any

func TestWhereTheBotMayPost(t *testing.T) {
	for _, tt := range []struct {
		name    string
		scopes  []string
		channel func(s *slacktest.Server, alice, bob *slacktest.User) *slacktest.Channel
		want    string
	}{
		{"public, not a member, chat:write.public", []string{"chat:write", "chat:write.public"}, channelOf(slacktest.Public, false), ""},
		{"public, not a member", []string{"chat:write"}, channelOf(slacktest.Public, false), "not_in_channel"},
		{"public, a member", []string{"chat:write"}, channelOf(slacktest.Public, true), ""},
		{"private, not a member", []string{"chat:write", "chat:write.public"}, channelOf(slacktest.Private, false), "channel_not_found"},
		{"private, a member", []string{"chat:write"}, channelOf(slacktest.Private, true), ""},
		{"direct messages with the bot", []string{"chat:write"}, func(s *slacktest.Server, alice, _ *slacktest.User) *slacktest.Channel { return s.DM(alice) }, ""},
		{"direct messages of two people", []string{"chat:write"}, func(s *slacktest.Server, alice, bob *slacktest.User) *slacktest.Channel {
			return s.DMBetween(alice, bob)
		}, "channel_not_found"},
		{"a group with the bot", []string{"chat:write"}, func(s *slacktest.Server, alice, bob *slacktest.User) *slacktest.Channel {
			return s.GroupDM(true, alice, bob)
		}, ""},
		{"a group without the bot", []string{"chat:write"}, func(s *slacktest.Server, alice, bob *slacktest.User) *slacktest.Channel {
			return s.GroupDM(false, alice, bob)
		}, "channel_not_found"},
		{"archived", []string{"chat:write"}, func(s *slacktest.Server, alice, bob *slacktest.User) *slacktest.Channel {
			c := channelOf(slacktest.Public, true)(s, alice, bob)
			c.Archive()
			return c
		}, "is_archived"},
		{"without chat:write", []string{"commands"}, channelOf(slacktest.Public, true), "missing_scope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, slacktest.Config{Scopes: tt.scopes})
			c := tt.channel(s, s.AddUser("alice"), s.AddUser("bob"))
			answer := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "hello"})
			if got, _ := answer["error"].(string); got != tt.want {
				t.Errorf("the error is %q, want %q", got, tt.want)
			}
			noViolations(t, s) // the world was not as thought: no fault of the call
		})
	}
}

func channelOf(kind slacktest.ChannelKind, withBot bool) func(*slacktest.Server, *slacktest.User, *slacktest.User) *slacktest.Channel {
	return func(s *slacktest.Server, alice, _ *slacktest.User) *slacktest.Channel {
		c := s.AddChannel("builds", kind, alice)
		if withBot {
			c.InviteBot()
		}
		return c
	}
}

func TestMethodErrors(t *testing.T) {
	s := newServer(t, slacktest.Config{Scopes: []string{"chat:write", "users:read"}})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	c.InviteBot()
	hers := must(alice.Post(c, "mine", ""))(t)
	its := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "its"})["ts"]
	reply := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "reply", "thread_ts": its})["ts"]
	for _, tt := range []struct {
		name, method, token string
		args                args
		want                string
	}{
		{"unknown method", "chat.shout", slacktest.DefaultBotToken, nil, "unknown_method"},
		{"no token", "auth.test", "", nil, "not_authed"},
		{"a wrong token", "auth.test", "xoxb-other", nil, "invalid_auth"},
		{"the bot token for a connection", "apps.connections.open", slacktest.DefaultBotToken, nil, "not_allowed_token_type"},
		{"the app token for a message", "chat.postMessage", slacktest.DefaultAppToken, args{"channel": c.ID, "text": "x"}, "not_allowed_token_type"},
		{"a scope that was not granted", "users.lookupByEmail", slacktest.DefaultBotToken, args{"email": "alice@example.com"}, "missing_scope"},
		{"the scope of the channel's kind", "conversations.history", slacktest.DefaultBotToken, args{"channel": c.ID}, "missing_scope"},
		{"nothing to say", "chat.postMessage", slacktest.DefaultBotToken, args{"channel": c.ID}, "no_text"},
		{"text over 40000", "chat.postMessage", slacktest.DefaultBotToken, args{"channel": c.ID, "text": strings.Repeat("x", 40001)}, "msg_too_long"},
		{"an update over 4000", "chat.update", slacktest.DefaultBotToken, args{"channel": c.ID, "ts": its, "text": strings.Repeat("x", 4001)}, "msg_too_long"},
		{"the message of a person", "chat.update", slacktest.DefaultBotToken, args{"channel": c.ID, "ts": hers.TS, "text": "x"}, "cant_update_message"},
		{"a message that is not", "chat.update", slacktest.DefaultBotToken, args{"channel": c.ID, "ts": "1.000001", "text": "x"}, "message_not_found"},
		{"deleting a person's message", "chat.delete", slacktest.DefaultBotToken, args{"channel": c.ID, "ts": hers.TS}, "cant_delete_message"},
		{"a thread that is not", "chat.postMessage", slacktest.DefaultBotToken, args{"channel": c.ID, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"},
		{"a thread of a reply", "chat.postMessage", slacktest.DefaultBotToken, args{"channel": c.ID, "text": "x", "thread_ts": reply}, "invalid_thread_ts"},
		{"whispering to somebody outside", "chat.postEphemeral", slacktest.DefaultBotToken, args{"channel": c.ID, "text": "x", "user": s.AddUser("bob").ID}, "user_not_in_channel"},
		{"metadata without a type", "chat.postMessage", slacktest.DefaultBotToken, args{"channel": c.ID, "text": "x", "metadata": args{"event_payload": args{}}}, "invalid_metadata_format"},
		{"bad blocks", "chat.postMessage", slacktest.DefaultBotToken, args{"channel": c.ID, "blocks": []any{args{"type": "marquee"}}}, "invalid_blocks"},
		{"an unknown trigger", "views.open", slacktest.DefaultBotToken, args{"trigger_id": "1.2.3", "view": modalJSON()}, "invalid_trigger_id"},
		{"no view", "views.open", slacktest.DefaultBotToken, args{"trigger_id": "1.2.3"}, "invalid_arguments"},
		{"a view that is not", "views.update", slacktest.DefaultBotToken, args{"view_id": "V0", "view": modalJSON()}, "not_found"},
		{"a user that is not", "users.info", slacktest.DefaultBotToken, args{"user": "U0"}, "user_not_found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := post(t, s.APIURL()+tt.method, tt.token, tt.args)["error"]; got != tt.want {
				t.Errorf("%s answers %v, want %s", tt.method, got, tt.want)
			}
		})
	}
}

// modalJSON is a modal with nothing in it.
func modalJSON(blocks ...any) args {
	return args{"type": "modal", "title": args{"type": "plain_text", "text": "A modal"}, "blocks": append([]any{}, blocks...)}
}

// trigger gets a fresh trigger_id, by a slash command on a connection of its own.
func trigger(t *testing.T, w *wire, alice *slacktest.User, c *slacktest.Channel) map[string]any {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- alice.Command(testContext(t), c, "/pipeline", "") }()
	envelope := w.read()
	w.ack(envelope)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return envelope["payload"].(map[string]any)
}

func TestTriggers(t *testing.T) {
	now := time.Unix(1700000000, 0)
	clock := &clock{now: now}
	s := newServer(t, slacktest.Config{Now: clock.Now})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	open := func(id any) any {
		return call(t, s, "views.open", args{"trigger_id": id, "view": modalJSON()})["error"]
	}
	used := trigger(t, w, alice, c)["trigger_id"]
	if err := open(used); err != nil {
		t.Fatalf("opening in time: %v", err)
	}
	if got := open(used); got != "exchanged_trigger_id" {
		t.Errorf("the second use answers %v", got)
	}
	old := trigger(t, w, alice, c)["trigger_id"]
	clock.Add(3*time.Second + time.Millisecond)
	if got := open(old); got != "expired_trigger_id" {
		t.Errorf("after 3 s: %v", got)
	}
	if n := len(s.Violations()); n != 2 {
		t.Errorf("%d violations, want the two refused triggers: %v", n, s.Violations())
	}
}

func TestViewsUpdateHoldsTheHash(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	opened := call(t, s, "views.open", args{"trigger_id": trigger(t, w, alice, c)["trigger_id"], "view": modalJSON()})
	view := opened["view"].(map[string]any)
	update := func(hash any) any {
		return call(t, s, "views.update", args{"view_id": view["id"], "hash": hash, "view": modalJSON()})["error"]
	}
	if err := update(view["hash"]); err != nil {
		t.Errorf("with the hash: %v", err)
	}
	if got := update(view["hash"]); got != "hash_conflict" {
		t.Errorf("with the hash of before: %v", got)
	}
}

func TestPushLimit(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	var got []any
	for _, method := range []string{"views.push", "views.open", "views.push", "views.push", "views.push"} {
		got = append(got, call(t, s, method, args{"trigger_id": trigger(t, w, alice, c)["trigger_id"], "view": modalJSON()})["error"])
	}
	if diff := cmp.Diff([]any{"not_found", nil, nil, nil, "push_limit_reached"}, got); diff != "" {
		t.Errorf("the errors (-want +got):\n%s", diff)
	}
}

func TestChatUpdateTextRemovesBlocks(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	ts := call(t, s, "chat.postMessage", args{
		"channel": c.ID, "text": "old", "blocks": []any{args{"type": "divider"}},
		"metadata": args{"event_type": "run", "event_payload": args{"id": "7"}},
	})["ts"].(string)
	call(t, s, "chat.update", args{"channel": c.ID, "ts": ts, "text": "new"})
	m, _ := c.Message(alice, ts)
	if got := m.Read(time.Now()); got != "new" {
		t.Errorf("the message reads %q, want the text alone", got)
	}
	if m.Metadata == nil || m.Metadata.EventPayload["id"] != "7" {
		t.Errorf("the metadata is %+v, want it kept", m.Metadata)
	}
	if n := len(s.Notifications(alice)); n != 0 {
		t.Errorf("alice was notified %d times", n)
	}
}

func TestHistoryPages(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	c := s.AddChannel("builds", slacktest.Public)
	c.InviteBot()
	api := newClient(s)
	var all []string
	for i := range 5 {
		_, ts, err := api.PostMessageContext(testContext(t), c.ID, slack.MsgOptionText(fmt.Sprint(i), false),
			slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "n", EventPayload: map[string]any{"n": i}}))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ts)
	}
	var got []string
	params := slack.GetConversationHistoryParameters{ChannelID: c.ID, Limit: 2, Oldest: all[0], IncludeAllMetadata: true}
	for {
		page := must(api.GetConversationHistoryContext(testContext(t), &params))(t)
		for _, m := range page.Messages {
			got = append(got, m.Text+" "+m.Metadata.EventType)
		}
		if !page.HasMore {
			break
		}
		params.Cursor = page.ResponseMetaData.NextCursor
	}
	if diff := cmp.Diff([]string{"4 n", "3 n", "2 n", "1 n"}, got); diff != "" {
		t.Errorf("after the oldest, exclusive, newest first (-want +got):\n%s", diff)
	}
}

func TestRepliesBeginWithTheParent(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	c := s.AddChannel("builds", slacktest.Public)
	c.InviteBot()
	ts := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "parent"})["ts"]
	call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "reply", "thread_ts": ts})
	call(t, s, "chat.postMessage", args{"channel": c.ID, "text": "elsewhere"})
	var got []any
	for _, m := range call(t, s, "conversations.replies", args{"channel": c.ID, "ts": ts})["messages"].([]any) {
		got = append(got, m.(map[string]any)["text"])
	}
	if diff := cmp.Diff([]any{"parent", "reply"}, got); diff != "" {
		t.Errorf("the thread (-want +got):\n%s", diff)
	}
	if n := len(c.Messages(nil)); n != 2 {
		t.Errorf("the channel shows %d messages, want the two that are not in a thread", n)
	}
}

func TestUsers(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice", slacktest.WithEmail("a@corp.example"), slacktest.WithTZ("Europe/Berlin"))
	s.AddUser("eve", slacktest.AsExternal(), slacktest.WithEmail("eve@corp.example"))
	api := newClient(s)
	found := must(api.GetUserByEmailContext(testContext(t), "a@corp.example"))(t)
	if found.ID != alice.ID || found.TZ != "Europe/Berlin" {
		t.Errorf("found %+v", found)
	}
	if _, err := api.GetUserByEmailContext(testContext(t), "eve@corp.example"); err == nil || err.Error() != "users_not_found" {
		t.Errorf("an external person by address: %v", err)
	}
	group := s.AddUserGroup("oncall", alice)
	members := must(api.GetUserGroupMembersContext(testContext(t), group))(t)
	if diff := cmp.Diff([]string{alice.ID}, members); diff != "" {
		t.Errorf("the group (-want +got):\n%s", diff)
	}
}

func TestLevers(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	c := s.AddChannel("builds", slacktest.Public)
	api := newClient(s)
	say := func() error {
		_, _, err := api.PostMessageContext(testContext(t), c.ID, slack.MsgOptionText("hello", false))
		return err
	}
	for _, tt := range []struct {
		name   string
		pull   func()
		wrong  string // part of the error
		posted int
	}{
		{"FailNext", func() { s.FailNext("chat.postMessage", "fatal_error", 1) }, "fatal_error", 0},
		{"RateLimit", func() { s.RateLimit("chat.postMessage", 1, 1500*time.Millisecond) }, "retry after 2s", 0},
		{"HTTPFailNext", func() { s.HTTPFailNext("chat.postMessage", http.StatusBadGateway, "oops", false) }, "502", 0},
		{"HTTPFailNext, applied", func() { s.HTTPFailNext("chat.postMessage", http.StatusBadGateway, "oops", true) }, "502", 1},
		{"a cut connection", func() { s.HTTPFailNext("chat.postMessage", 0, "", false) }, "EOF", 0},
		{"a cut connection, applied", func() { s.HTTPFailNext("chat.postMessage", 0, "", true) }, "EOF", 1},
		{"DelayNext", func() { s.DelayNext("chat.postMessage", time.Millisecond) }, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(c.Messages(nil))
			tt.pull()
			err := say()
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("the error is %v, want %q in it", err, tt.wrong)
			}
			if n := len(c.Messages(nil)) - before; n != tt.posted {
				t.Errorf("%d messages were posted, want %d", n, tt.posted)
			}
			if err := say(); err != nil {
				t.Errorf("the call after it: %v", err)
			}
		})
	}
	noViolations(t, s)
}

func TestResponseURL(t *testing.T) {
	clock := &clock{now: time.Unix(1700000000, 0)}
	s := newServer(t, slacktest.Config{Now: clock.Now})
	alice, bob := s.AddUser("alice"), s.AddUser("bob")
	direct := s.DMBetween(alice, bob)
	w := dial(t, s)
	w.read()
	answer := func(url any, a args) any { return post(t, url.(string), "", a)["error"] }

	url := trigger(t, w, alice, direct)["response_url"]
	for i, a := range []args{
		{"text": "for you"},
		{"text": "for you, no edit", "replace_original": true},
		{"text": "for both", "response_type": "in_channel"},
		{"text": "more"},
		{"delete_original": true},
	} {
		if err := answer(url, a); err != nil {
			t.Fatalf("use %d: %v", i+1, err)
		}
	}
	read := func(u *slacktest.User) (got []string) {
		for _, m := range direct.Messages(u) {
			got = append(got, m.Text)
		}
		return got
	}
	if diff := cmp.Diff([]string{"for you", "for you, no edit", "for both", "more"}, read(alice)); diff != "" {
		t.Errorf("what alice sees (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"for both"}, read(bob)); diff != "" {
		t.Errorf("what bob sees (-want +got):\n%s", diff)
	}
	if got := answer(url, args{"text": "too much"}); got != "used_url" {
		t.Errorf("the sixth use: %v", got)
	}
	url = trigger(t, w, alice, direct)["response_url"]
	clock.Add(30*time.Minute + time.Second)
	if got := answer(url, args{"text": "too late"}); got != "expired_url" {
		t.Errorf("after 30 minutes: %v", got)
	}
	if n := len(s.Violations()); n != 2 {
		t.Errorf("%d violations, want the two refused uses", n)
	}
}
