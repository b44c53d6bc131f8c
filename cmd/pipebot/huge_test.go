package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pipebot/bot/slacktest"
)

// delivers sends the bot a payload that Slack's own windows would not let anybody make, and
// returns what it answers.
func (w *world) delivers(kind, id string, payload map[string]any) string {
	w.t.Helper()
	frame, err := json.Marshal(map[string]any{"envelope_id": id, "type": kind, "accepts_response_payload": true, "payload": payload})
	if err != nil {
		w.t.Fatal(err)
	}
	w.slack.Deliver(frame)
	answer := ""
	if err := w.slack.Wait(w.ctx, func() bool {
		acks := w.slack.Acks()
		i := slices.IndexFunc(acks, func(a slacktest.Ack) bool { return a.EnvelopeID == id })
		if i >= 0 {
			answer = string(acks[i].Payload)
		}
		return i >= 0
	}); err != nil {
		w.t.Fatalf("%s was not acknowledged: %v\n%s", id, err, w.bot.output())
	}
	return answer
}

// A megabyte where people type, choose, or carry something: each is answered with a short
// sentence, nothing of it is started or kept, and the bot goes on.
//
// It is not run beside others of the package: Slack's three seconds are counted here for
// payloads two hundred times as large as people make, and the race detector makes reading
// them take six times as long.
func TestAMegabyteOfAnything(t *testing.T) {
	w := newWorld(t)
	w.start()
	huge := strings.Repeat("ß", 1<<19)
	person := map[string]any{"id": w.alice.ID, "team_id": w.alice.TeamID}
	form := fmt.Sprintf(`{"project":%q,"channel":%q}`, "group/app", w.channel.ID)
	selected := func(value string) map[string]any {
		return map[string]any{"type": "static_select", "selected_option": map[string]any{"value": value}}
	}
	submitted := func(metadata, ref, variables string) map[string]any {
		input := func(id string) map[string]any {
			return map[string]any{"type": "input", "block_id": id, "label": map[string]any{"type": "plain_text", "text": id}, "element": map[string]any{"type": "plain_text_input", "action_id": id}}
		}
		return map[string]any{"type": "view_submission", "user": person, "view": map[string]any{
			"id": "V0HUGE", "callback_id": "run", "private_metadata": metadata, "blocks": []any{input("ref.0"), input("build_type"), input("variables")},
			"state": map[string]any{"values": map[string]any{
				"ref.0": map[string]any{"ref": selected(ref)}, "build_type": map[string]any{"build_type": selected("debug")},
				"variables": map[string]any{"variables": map[string]any{"type": "plain_text_input", "value": variables}},
			}},
		}}
	}
	for _, tt := range []struct {
		name, kind string
		payload    map[string]any
		want       string // in the answer
	}{
		{"a command", "slash_commands", map[string]any{
			"command": "/pipeline", "text": "run group/app main debug A=" + huge, "user_id": w.alice.ID, "team_id": w.alice.TeamID, "channel_id": w.channel.ID, "trigger_id": "1.2.3",
		}, "That is more than one command can have."},
		{"a variable", "interactive", submitted(form, "h:main", "A="+huge), "This is more than a pipeline can be started with here."},
		{"many variables", "interactive", submitted(form, "h:main", strings.Repeat("A=1\n", 1<<18)), "This is more than a pipeline can be started with here."},
		{"a ref", "interactive", submitted(form, "h:"+huge, ""), `"ref.0":`},
		{"metadata", "interactive", submitted(form[:len(form)-1]+`,"warned":"`+huge+`"}`, "h:main", ""), "This form is out of date"},
		{"a button", "interactive", map[string]any{
			"type": "block_actions", "user": person, "channel": map[string]any{"id": w.channel.ID}, "container": map[string]any{"message_ts": "1.1", "channel_id": w.channel.ID},
			"actions": []any{map[string]any{"type": "button", "action_id": "retry", "block_id": "b", "value": huge}},
		}, ""},
		{"a search", "interactive", map[string]any{
			"type": "block_suggestion", "user": person, "action_id": "ref", "value": huge, "view": map[string]any{"id": "V0HUGE", "private_metadata": form},
		}, `{"options":[]}`},
	} {
		answer := w.delivers(tt.kind, "huge "+tt.name, tt.payload)
		if !strings.Contains(answer, tt.want) || len(answer) > 2000 {
			t.Errorf("%s is answered %.300s", tt.name, answer)
		}
	}
	w.told(w.alice, w.channel, "This button is out of date")
	if n := len(w.project.Pipelines()); n != 0 {
		t.Errorf("%d pipelines were started", n)
	}
	if n := len(w.bot.output()); n > 100_000 {
		t.Errorf("it logged %d bytes", n)
	}
	w.ask(w.alice, w.channel, "main") // it works on
	w.pipeline(1)
	w.clean()
}
