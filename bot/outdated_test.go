package bot_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pipebot/bot"
)

// rubbish are values and metadata that no version of the bot wrote, or another one did.
func rubbish() map[string]string {
	return map[string]string{
		"nothing":                  "",
		"a word":                   "rubbish",
		"of another form":          `{"v":99,"project":{"id":7},"channel":["C1"]}`,
		"of a project that is not": `{"project":"group/gone","channel":"C0BUILDS"}`,
		"a channel that is none":   `{"project":"group/app","channel":"../../x"}`,
		"cut off":                  `{"project":"group/app","chan`,
		"another's run":            "V0OTHERS",
		"numbers that are too big": "9223372036854775808/9223372036854775808 9223372036854775808",
		"numbers below 0":          "-7/-4711 -1",
		"another project":          "99/1",
		"as much as Slack keeps":   strings.Repeat("ä", 3000),
		"far more than that":       strings.Repeat("x", 200_000),
		"what does not show":       "\x00\u202e\u2028 7/4711",
	}
}

// beginsAnew are the routes whose value says nothing that they need.
var beginsAnew = []string{"action open_form", "action link", "shortcut run_pipeline"}

// Whatever a button, a menu or a view of another version carries: who used it is told
// something, and nothing is done.
func TestRubbishIsAnswered(t *testing.T) {
	for _, route := range bot.Routes() {
		name := route.Kind + " " + route.ID
		if slices.Contains(beginsAnew, name) {
			continue
		}
		for what, value := range rubbish() {
			send := map[string]func(o *office){
				"action": func(o *office) {
					o.deliver(o.carries(route.ID, value, ""))
					o.wasTold()
				},
				"submission": func(o *office) {
					answer := o.deliver(map[string]any{"type": "view_submission", "user": personOf(o.alice), "view": map[string]any{
						"id": "V0OLD", "callback_id": route.ID, "private_metadata": value,
					}})
					if !strings.Contains(answer, `"response_action"`) {
						o.Errorf("the modal closes without a word: %s", answer)
					}
				},
			}[route.Kind]
			if send == nil {
				continue
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				o := newOffice(t)
				send(o)
				o.nothingHappened()
			})
		}
	}
}

// carries is a button, or a menu, with a value, in a view with metadata where there is
// some.
func (o *office) carries(id, value, metadata string) map[string]any {
	payload := map[string]any{
		"type": "block_actions", "user": personOf(o.alice), "channel": map[string]any{"id": o.builds.ID}, "trigger_id": "1.2.3",
		"container": map[string]any{"message_ts": "1.000001", "channel_id": o.builds.ID},
		"actions": []any{map[string]any{
			"type": "button", "action_id": id, "block_id": "b", "value": value, "selected_option": map[string]any{"value": value},
		}},
	}
	if strings.HasPrefix(id, "token") || id == "project" { // they are in modals alone
		payload["view"] = map[string]any{"id": "V0OLD", "private_metadata": value}
	}
	if metadata != "" {
		payload["view"] = map[string]any{"id": "V0OLD", "private_metadata": metadata}
	}
	return payload
}

// wasTold fails the test where alice was told nothing, in any way there is.
func (o *office) wasTold() {
	o.Helper()
	for _, method := range []string{"chat.postEphemeral", "chat.postMessage", "views.open", "views.push", "views.update"} {
		if len(o.slack.Calls(method)) > 0 {
			return
		}
	}
	o.Error("nobody was told anything")
}

// A button, a menu or a shortcut that this version does not know.
func TestWhatAnotherVersionDrew(t *testing.T) {
	const told = "This is of another version of me, and I cannot read it any more. Nothing was done; type `/pipeline` to begin again."
	for name, payload := range map[string]func(o *office) map[string]any{
		"a button":        func(o *office) map[string]any { return o.carries("deploy_to_moon", "V0RUN", "") },
		"one of several":  func(o *office) map[string]any { return o.carries("deploy_to_moon.3", "V0RUN", "") },
		"a global action": func(o *office) map[string]any { return o.shortcutPayload("shortcut", "deploy") },
		"a message's":     func(o *office) map[string]any { return o.shortcutPayload("message_action", "deploy") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.deliver(payload(o))
			o.hears(o.alice, told)
			o.nothingHappened()
		})
	}
}

// shortcutPayload is a shortcut of the channel.
func (o *office) shortcutPayload(kind, id string) map[string]any {
	return map[string]any{"type": kind, "callback_id": id, "user": personOf(o.alice), "channel": map[string]any{"id": o.builds.ID}, "trigger_id": "1.2.3"}
}

// Links are buttons as well, and open by themselves.
func TestLinksAreAnsweredByNobody(t *testing.T) {
	o := newOffice(t)
	o.deliver(o.carries("view", "V0RUN", ""))
	o.hears(o.alice, "")
}

// A form of another version stays open with what was typed, and says so at a field that it
// has: Slack takes errors at no others.
func TestFormsOfAnotherVersion(t *testing.T) {
	const outdated = "This form is of another version of me. Copy what you want to keep, close it, and type /pipeline again. Nothing was done."
	input := func(id string) map[string]any {
		return map[string]any{"type": "input", "block_id": id, "label": map[string]any{"type": "plain_text", "text": id}, "element": map[string]any{"type": "plain_text_input", "action_id": "a"}}
	}
	note := map[string]any{"type": "section", "block_id": "note", "text": map[string]any{"type": "plain_text", "text": "Hello"}}
	for name, tt := range map[string]struct {
		callback string
		metadata string // empty: what this version writes
		blocks   []any
		want     map[string]string // errors by block; nil: the view is replaced
	}{
		"a callback that is not known":  {callback: "run.v2", blocks: []any{note, input("when"), input("why")}, want: map[string]string{"why": outdated}},
		"the same, without fields":      {callback: "run.v2", blocks: []any{note}},
		"the same, with nothing at all": {callback: "run.v2"},
		"fields that are not known": {
			callback: "run", blocks: []any{note, input("when"), input("why")}, want: map[string]string{"why": outdated},
		},
		"a field is missing": {
			callback: "run", blocks: []any{input("ref.0"), input("variables")},
			want: map[string]string{"variables": outdated},
		},
		"metadata of another form": {
			callback: "run", metadata: `{"v":2,"projects":["group/app"]}`, blocks: []any{input("ref.0"), input("build_type"), input("variables")},
			want: map[string]string{"build_type": "This form is out of date: its project is no longer set up here. Copy what you want to keep, close it, and type /pipeline again."},
		},
		"a reason for a card of another form": {callback: "turn_down", metadata: "V0RUN", blocks: []any{input("reason")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			metadata := tt.metadata
			if metadata == "" {
				metadata = bot.Form{Project: "group/app", Channel: o.builds.ID}.Metadata()
			}
			answer := o.deliver(map[string]any{"type": "view_submission", "user": personOf(o.alice), "view": map[string]any{
				"id": "V0OLD", "callback_id": tt.callback, "private_metadata": metadata, "blocks": tt.blocks,
				"state": map[string]any{"values": map[string]any{}},
			}})
			var got struct {
				Action string            `json:"response_action"`
				Errors map[string]string `json:"errors"`
			}
			if err := json.Unmarshal([]byte(answer), &got); err != nil {
				t.Fatalf("the answer is %q: %v", answer, err)
			}
			if want := map[bool]string{true: "errors", false: "update"}[tt.want != nil]; got.Action != want || !maps.Equal(got.Errors, tt.want) {
				t.Errorf("the answer is %s, want %s %v", answer, want, tt.want)
			}
			o.nothingHappened()
		})
	}
}

// What comes to the bot, with stand-ins for ids that the office gives: ALICE, TEAM,
// CHANNEL, CARD.
var arrivals = []string{
	`{"type":"view_submission","view":{"id":"V0FORM","callback_id":"run","private_metadata":"{\"project\":\"group/app\",\"channel\":\"CHANNEL\"}","blocks":[],"state":{"values":{"ref.0":{"ref":{"type":"external_select","selected_option":{"value":"h:main"}}},"build_type":{"build_type":{"type":"static_select","selected_option":{"value":"debug"}}},"variables":{"variables":{"type":"plain_text_input","value":"A=1\nFILE=@"}},"file.FILE":{"file":{"type":"plain_text_input","value":"x"}}}}},"user":{"id":"ALICE","team_id":"TEAM"}}`,
	`{"type":"view_submission","view":{"id":"V0C","callback_id":"cancel_pipeline","private_metadata":"cancel 7/4711 CHANNEL"},"user":{"id":"ALICE","team_id":"TEAM"}}`,
	`{"type":"view_submission","view":{"id":"V0R","callback_id":"turn_down","private_metadata":"V0RUN CHANNEL CARD","state":{"values":{"reason":{"reason":{"value":"no"}}}}},"user":{"id":"ALICE","team_id":"TEAM"}}`,
	`{"type":"view_submission","view":{"id":"V0T","root_view_id":"V0L","callback_id":"token_new","private_metadata":"{\"project\":\"group/app\",\"channel\":\"CHANNEL\",\"token\":1,\"page\":-1}","state":{"values":{"description":{"description":{"value":"n"}},"expires":{"expires":{"selected_date":"2030-02-30"}}}}},"user":{"id":"ALICE","team_id":"TEAM"}}`,
	`{"type":"block_actions","user":{"id":"ALICE","team_id":"TEAM"},"channel":{"id":"CHANNEL"},"container":{"message_ts":"CARD","channel_id":"CHANNEL","thread_ts":"CARD"},"actions":[{"type":"button","action_id":"retry","block_id":"b","value":"V0RUN"},{"type":"button","action_id":"play","block_id":"b","value":"V0RUN 1"}]}`,
	`{"type":"block_actions","user":{"id":"ALICE","team_id":"TEAM"},"actions":[{"type":"overflow","action_id":"pipeline_menu","block_id":"b","selected_option":{"value":"rerun 7/4711"}}]}`,
	`{"type":"block_actions","user":{"id":"ALICE","team_id":"TEAM"},"channel":{"id":"CHANNEL"},"actions":[{"type":"button","action_id":"list_next","block_id":"b","value":"2 group/app --status failed"}]}`,
	`{"type":"block_actions","user":{"id":"ALICE","team_id":"TEAM"},"channel":{"id":"CHANNEL"},"actions":[{"type":"button","action_id":"run_typed","block_id":"b","value":"run group/app refs/heads/main debug A=1"}]}`,
	`{"type":"block_actions","user":{"id":"ALICE"},"team":null,"view":{"id":"V0FORM","private_metadata":"{\"project\":\"group/app\",\"channel\":\"ALICE\",\"turn\":9}"},"actions":[{"type":"static_select","action_id":"project","block_id":"project","selected_option":{"value":"group/api"}}]}`,
	`{"type":"block_suggestion","action_id":"ref","value":"fea","user":{"id":"ALICE","team_id":"TEAM"},"view":{"id":"V0FORM","private_metadata":"{\"project\":\"group/app\",\"channel\":\"CHANNEL\"}"}}`,
	`{"type":"message_action","callback_id":"follow_pipeline","user":{"id":"ALICE","team_id":"TEAM"},"channel":{"id":"CHANNEL"},"message":{"text":"<https://gitlab.example/group/app/-/pipelines/4711|x>","blocks":[{"type":"rich_text","elements":[]}]}}`,
	`{"type":"interactive_message","actions":[{"name":"x","type":"button","value":"1"}],"user":{"id":"ALICE"}}`,
	`{"command":"/pipeline","text":"run group/app main debug \"A=b c","user_id":"ALICE","team_id":"TEAM","channel_id":"CHANNEL","trigger_id":"1.2.3"}`,
	`{"command":"/pipeline","text":"follow https://gitlab.example/group/app/-/pipelines/4711?x=%zz","user_id":"ALICE","team_id":"TEAM","channel_id":"CHANNEL"}`,
	`{"command":"/pipeline","text":"freeze group/app release/* for 2h --","user_id":"ALICE","team_id":"TEAM","channel_id":"CHANNEL"}`,
	`{"type":"event_callback","team_id":"TEAM","event":{"type":"link_shared","user":"ALICE","channel":"CHANNEL","message_ts":"1.1","links":[{"url":"https://gitlab.example/group/app/-/pipelines/4711","domain":"gitlab.example"},{"url":"::"}]}}`,
	`{"type":"event_callback","team_id":"TEAM","event":{"type":"app_home_opened","user":"ALICE","tab":"home"}}`,
	`{"type":"event_callback","event":{"type":"message","user":"ALICE"}}`,
	`{"type":"url_verification"}`, `null`, `[]`, `7`, `""`, `{}`,
}

// FuzzHandle has anything come to the bot, in each kind of envelope: no handler panics,
// every envelope is acknowledged once, and what is written down has been checked.
func FuzzHandle(f *testing.F) {
	for kind := range envelopeTypes {
		for _, payload := range arrivals {
			f.Add(uint8(kind), []byte(payload))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		if !json.Valid(payload) {
			t.Skip("frames that are no JSON are the socket's")
		}
		o := newOffice(t)
		o.shows(running())
		card := o.builds.Messages(o.alice)[0].TS
		text := strings.NewReplacer("ALICE", o.alice.ID, "TEAM", o.alice.TeamID, "CHANNEL", o.builds.ID, "CARD", card).Replace(string(payload))
		o.slack.Deliver(toJSON(t, map[string]any{
			"envelope_id": "fuzzed", "type": envelopeTypes[int(kind)%len(envelopeTypes)], "accepts_response_payload": true, "payload": json.RawMessage(text),
		}))
		acks := func() (n int) {
			for _, a := range o.slack.Acks() {
				if a.EnvelopeID == "fuzzed" {
					n++
				}
			}
			return n
		}
		if err := o.slack.Wait(o.ctx, func() bool { return acks() > 0 }); err != nil {
			t.Fatalf("it was not acknowledged: %v", err)
		}
		o.finished()
		if n := acks(); n != 1 {
			t.Errorf("it was acknowledged %d times", n)
		}
		for _, r := range o.runs.requests() {
			if r.ID == "V0RUN" {
				continue // the one on the card
			}
			if !slices.Contains([]string{"group/app", "group/api"}, r.Project) || r.Asker != o.alice.ID || r.Ref.Name == "" ||
				!slices.Contains(o.cfg.BuildTypes, r.BuildType) && !r.Follow || r.Channel == "" {
				t.Errorf("it was written down: %+v", r)
			}
		}
		if acted := o.runs.acted; len(acted) > 0 && !slices.ContainsFunc(acted, func(did string) bool { return strings.Contains(did, o.alice.ID) || strings.HasPrefix(did, "see ") }) {
			t.Errorf("it was done: %q", acted)
		}
	})
}

var envelopeTypes = []string{"interactive", "slash_commands", "events_api"}
