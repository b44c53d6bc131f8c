package slacktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

// desk is alice's client: a workspace with bob and a channel that the bot is in, and the app's bare connection.
type desk struct {
	*slacktest.Server
	t          *testing.T
	w          *wire
	alice, bob *slacktest.User
	builds     *slacktest.Channel
}

func newDesk(t *testing.T, cfg slacktest.Config) *desk {
	t.Helper()
	s := newServer(t, cfg)
	d := &desk{Server: s, t: t, alice: s.AddUser("alice"), bob: s.AddUser("bob")}
	d.builds = s.AddChannel("builds", slacktest.Public, d.alice, d.bob)
	d.builds.InviteBot()
	d.w = dial(t, s)
	d.w.read()
	return d
}

// card posts a message of the app and tells where it is.
func (d *desk) card(blocks ...any) slacktest.Place {
	d.t.Helper()
	answer := call(d.t, d.Server, "chat.postMessage", args{"channel": d.builds.ID, "text": "card", "blocks": blocks})
	if answer["ok"] != true {
		d.t.Fatal(answer)
	}
	return slacktest.Place{Channel: d.builds.ID, TS: answer["ts"].(string)}
}

// act lets alice act while the app acknowledges, and returns the action that the app was told.
func (d *desk) act(at slacktest.Place, block, action string, value any) map[string]any {
	d.t.Helper()
	payload := interact(d.t, d.w, func() error { return d.alice.Act(testContext(d.t), at, block, action, jsonOf(value)) })
	return payload["actions"].([]any)[0].(map[string]any)
}

// hurried does not wait for the app: what is not refused before ends with context.Canceled.
func hurried(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func jsonOf(v any) json.RawMessage {
	data, _ := json.Marshal(v) // of what tests write down
	return data
}

// block is a block with the id b that holds the element, whose id becomes a.
func block(element args) args {
	element = and(element, "action_id", "a")
	switch kind := element["type"].(string); {
	case strings.HasSuffix(kind, "_input"):
		return args{"type": "input", "block_id": "b", "label": plain("L"), "element": element, "dispatch_action": true}
	case kind == "feedback_buttons":
		return args{"type": "context_actions", "block_id": "b", "elements": []any{element}}
	default:
		return args{"type": "actions", "block_id": "b", "elements": []any{element}}
	}
}

// menuOf is an element with two options: A and B.
func menuOf(kind string) args {
	return args{"type": kind, "options": []any{option("A", "a"), option("B", "b")}}
}

func TestActOnEveryElement(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	a, b := any(option("A", "a")), any(option("B", "b"))
	said := args{"type": "rich_text_section", "elements": []any{args{"type": "text", "text": "hi"}}}
	rich := args{"type": "rich_text", "elements": []any{said}}
	button := args{"type": "button", "text": plain("Go"), "value": "42"}
	thumbs := args{
		"type":            "feedback_buttons",
		"positive_button": args{"text": plain("Good"), "value": "up"},
		"negative_button": args{"text": plain("Bad"), "value": "down"},
	}
	dialog := args{"title": plain("?"), "text": plain("?"), "confirm": plain("Yes"), "deny": plain("No")}
	people := []any{d.alice.ID, d.bob.ID}
	for _, tt := range []struct {
		element args
		value   any
		key     string // of the action, and of the state where it is kept
		want    any
		kept    bool
	}{
		{button, nil, "value", "42", false},
		{and(button, "url", "https://gitlab.example"), nil, "value", "42", false},
		{and(button, "confirm", dialog), nil, "value", "42", false},
		{menuOf("overflow"), b, "selected_option", b, false},
		{thumbs, "down", "value", "down", false},
		{thumbs, "up", "text", any(plain("Good")), false},
		{menuOf("static_select"), b, "selected_option", b, true},
		{menuOf("radio_buttons"), a, "selected_option", a, true},
		{menuOf("checkboxes"), []any{b, a}, "selected_options", []any{b, a}, true},
		{menuOf("checkboxes"), nil, "selected_options", []any{}, true},
		{and(menuOf("multi_static_select"), "max_selected_items", 2), []any{a, b}, "selected_options", []any{a, b}, true},
		{args{"type": "users_select"}, d.bob.ID, "selected_user", d.bob.ID, true},
		{args{"type": "multi_users_select"}, people, "selected_users", people, true},
		{args{"type": "channels_select"}, d.builds.ID, "selected_channel", d.builds.ID, true},
		{args{"type": "multi_conversations_select"}, []any{d.builds.ID}, "selected_conversations", []any{d.builds.ID}, true},
		{args{"type": "datepicker"}, "2026-02-28", "selected_date", "2026-02-28", true},
		{args{"type": "datepicker", "initial_date": "2026-01-01"}, "", "selected_date", nil, true},
		{args{"type": "timepicker"}, "09:05", "selected_time", "09:05", true},
		{args{"type": "datetimepicker"}, 1700000000, "selected_date_time", 1700000000.0, true},
		{args{"type": "plain_text_input"}, "words", "value", "words", true},
		{args{"type": "number_input", "is_decimal_allowed": false}, "5", "value", "5", true},
		{args{"type": "rich_text_input"}, rich, "rich_text_value", any(rich), true},
	} {
		t.Run(fmt.Sprintf("%s takes %s", tt.element["type"], jsonOf(tt.value)), func(t *testing.T) {
			d.t = t
			at := d.card(block(tt.element))
			told := d.act(at, "b", "a", tt.value)
			if diff := cmp.Diff(tt.want, told[tt.key]); diff != "" {
				t.Errorf("the app is told (-want +got):\n%s", diff)
			}
			m, _ := d.builds.Message(d.alice, at.TS)
			want := "{}"
			if tt.kept {
				want = string(jsonOf(args{"b": args{"a": args{"type": tt.element["type"], tt.key: tt.want}}}))
			}
			if diff := cmp.Diff(want, string(m.State())); diff != "" {
				t.Errorf("the state (-want +got):\n%s", diff)
			}
		})
	}
	noViolations(t, d.Server)
}

func TestActRefusesWhatNobodyCanEnter(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	secret := d.AddChannel("secret", slacktest.Private, d.bob)
	a := option("A", "a")
	thumb := args{"text": plain("Good"), "value": "up"}
	for _, tt := range []struct {
		element args
		value   any
		unseen  bool // the shape is right, and yet it is not on the screen
	}{
		{args{"type": "button", "text": plain("Go")}, "x", false},
		{menuOf("overflow"), nil, false},
		{menuOf("overflow"), option("C", "c"), true},
		{args{"type": "feedback_buttons", "positive_button": thumb, "negative_button": thumb}, "sideways", true},
		{menuOf("static_select"), option("A", "b"), true},
		{menuOf("static_select"), "a", true},
		{menuOf("checkboxes"), a, false},
		{menuOf("checkboxes"), []any{a, a}, false},
		{menuOf("checkboxes"), []any{nil}, true},
		{and(menuOf("multi_static_select"), "max_selected_items", 1), []any{a, option("B", "b")}, false},
		{args{"type": "external_select"}, a, true},
		{args{"type": "users_select"}, "U0", true},
		{args{"type": "users_select"}, d.builds.ID, true},
		{args{"type": "channels_select"}, d.DM(d.alice).ID, true},
		{args{"type": "conversations_select"}, secret.ID, true},
		{args{"type": "datepicker"}, "2026-02-30", false},
		{args{"type": "datepicker"}, 5, false},
		{args{"type": "timepicker"}, "9:05", false},
		{args{"type": "datetimepicker"}, 1700000000.5, false},
		{args{"type": "datetimepicker"}, 170000000, false},
		{args{"type": "plain_text_input"}, 5, false},
		{args{"type": "rich_text_input"}, args{"type": "rich_text"}, false},
	} {
		t.Run(fmt.Sprintf("%s and %s", tt.element["type"], jsonOf(tt.value)), func(t *testing.T) {
			d.t = t
			at := d.card(block(tt.element))
			before, _ := d.builds.Message(d.alice, at.TS)
			err := d.alice.Act(hurried(t), at, "b", "a", jsonOf(tt.value))
			if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, slacktest.ErrNotThere) != tt.unseen {
				t.Errorf("the error is %v", err)
			}
			after, _ := d.builds.Message(d.alice, at.TS)
			if diff := cmp.Diff(string(before.State()), string(after.State())); diff != "" {
				t.Errorf("the state (-before +after):\n%s", diff)
			}
		})
	}
}

func TestActOnlyOnWhatIsSeen(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	button := block(args{"type": "button", "text": plain("Go")})
	image := args{"type": "image", "alt_text": "x", "image_url": "https://gitlab.example/x.png"}
	picture := args{"type": "section", "block_id": "p", "text": plain("x"), "accessory": image}
	card := d.card(button, picture)
	secret := d.AddChannel("secret", slacktest.Private, d.bob)
	secret.InviteBot()
	post := args{"channel": secret.ID, "user": d.bob.ID, "text": "x", "blocks": []any{button}}
	hidden := call(t, d.Server, "chat.postMessage", post)["ts"].(string)
	whisper := call(t, d.Server, "chat.postEphemeral", and(post, "channel", d.builds.ID))["message_ts"].(string)
	call(t, d.Server, "views.publish", args{"user_id": d.bob.ID, "view": args{"type": "home", "blocks": []any{button}}})
	gone := d.card(button)
	call(t, d.Server, "chat.delete", args{"channel": gone.Channel, "ts": gone.TS})
	for _, tt := range []struct {
		name          string
		at            slacktest.Place
		block, action string
	}{
		{"an ephemeral message of somebody else", slacktest.Place{Channel: d.builds.ID, TS: whisper}, "b", "a"},
		{"a channel of others", slacktest.Place{Channel: secret.ID, TS: hidden}, "b", "a"},
		{"a channel that is not there", slacktest.Place{Channel: "C0", TS: card.TS}, "b", "a"},
		{"a message that is not there", slacktest.Place{Channel: d.builds.ID, TS: "1.0"}, "b", "a"},
		{"a message that was deleted", gone, "b", "a"},
		{"another block", card, "c", "a"},
		{"another action", card, "b", "c"},
		{"a picture", card, "p", ""},
		{"somebody else's home tab", slacktest.Place{View: d.bob.Home().ID()}, "b", "a"},
		{"a view that is not there", slacktest.Place{View: "V0"}, "b", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := d.alice.Act(hurried(t), tt.at, tt.block, tt.action, nil); !errors.Is(err, slacktest.ErrNotThere) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
