package slacktest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

// opened is a modal that was just opened for alice, and the app's bare connection.
func opened(t *testing.T, cfg slacktest.Config, view args) (*slacktest.Server, *wire, *slacktest.Modal) {
	t.Helper()
	s := newServer(t, cfg)
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	answer := call(t, s, "views.open", args{"trigger_id": trigger(t, w, alice, c)["trigger_id"], "view": view})
	if answer["ok"] != true {
		t.Fatalf("views.open: %v", answer)
	}
	return s, w, must(alice.Modal(testContext(t)))(t)
}

// answering answers the next envelope with a payload while act goes on.
func answering[T any](t *testing.T, w *wire, payload any, act func() (T, error)) (T, error) {
	t.Helper()
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := act()
		done <- result{v, err}
	}()
	w.write(map[string]any{"envelope_id": w.read()["envelope_id"], "payload": payload})
	r := <-done
	return r.v, r.err
}

func formJSON() args {
	return and(modalJSON(
		args{"type": "input", "block_id": "ref", "label": plain("Ref"), "optional": true, "element": args{"type": "external_select", "action_id": "ref"}},
		args{"type": "input", "block_id": "note", "label": plain("Note"), "optional": true, "element": args{"type": "plain_text_input", "action_id": "note", "max_length": 5}},
		args{"type": "section", "block_id": "text", "text": plain("Words")},
	), "submit", plain("Go"))
}

func TestResponseActions(t *testing.T) {
	other := and(modalJSON(), "title", plain("Other"))
	for _, tt := range []struct {
		name    string
		payload any
		want    slacktest.SubmitResult
		top     string // the title on top afterwards
		bad     string // part of the violation
	}{
		{"nothing", nil, slacktest.SubmitResult{Closed: true}, "", ""},
		{"clear", args{"response_action": "clear"}, slacktest.SubmitResult{Closed: true}, "", ""},
		{"update", args{"response_action": "update", "view": other}, slacktest.SubmitResult{}, "Other", ""},
		{"push", args{"response_action": "push", "view": other}, slacktest.SubmitResult{}, "Other", ""},
		{"errors", args{"response_action": "errors", "errors": args{"note": "No."}}, slacktest.SubmitResult{Errors: map[string]string{"Note": "No."}}, "A modal", ""},
		{"errors of a section", args{"response_action": "errors", "errors": args{"text": "No."}}, slacktest.SubmitResult{}, "A modal", `"text" is not the block_id of an input block`},
		{"errors of nothing", args{"response_action": "errors", "errors": args{}}, slacktest.SubmitResult{}, "A modal", "there is none"},
		{"an empty error", args{"response_action": "errors", "errors": args{"note": ""}}, slacktest.SubmitResult{}, "A modal", "has no text"},
		{"a view that breaks a rule", args{"response_action": "update", "view": and(other, "title", plain(long(25)))}, slacktest.SubmitResult{}, "A modal", "less than 25 characters"},
		{"an unknown action", args{"response_action": "close"}, slacktest.SubmitResult{}, "A modal", "unknown response_action"},
		{"a message", args{"text": "done"}, slacktest.SubmitResult{}, "A modal", "invalid additional property: text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, w, m := opened(t, slacktest.Config{}, formJSON())
			got, err := answering(t, w, tt.payload, func() (slacktest.SubmitResult, error) { return m.Submit(testContext(t)) })
			if wantErr := tt.bad != ""; errors.Is(err, slacktest.ErrBadAnswer) != wantErr || err != nil && !wantErr {
				t.Errorf("the error is %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the result (-want +got):\n%s", diff)
			}
			top := ""
			if now := s.Users()[0].OpenModal(); now != nil {
				top = now.Title()
			}
			if top != tt.top {
				t.Errorf("the modal on top is %q, want %q", top, tt.top)
			}
			if tt.bad == "" {
				noViolations(t, s)
			} else if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0].Detail, tt.bad) {
				t.Errorf("the violations are %v, want one with %q", v, tt.bad)
			}
		})
	}
}

func TestLateSubmission(t *testing.T) {
	s, w, m := opened(t, slacktest.Config{AckTimeout: brisk}, formJSON())
	got := must(m.Submit(testContext(t)))(t)
	if !got.Late || got.Closed {
		t.Errorf("the result is %+v", got)
	}
	if want := "! We had some trouble connecting. Try again?"; !strings.Contains(m.Text(), want) {
		t.Errorf("the modal does not say %q:\n%s", want, m.Text())
	}
	first, again := w.read(), w.read()
	id := func(e map[string]any) any { return e["payload"].(map[string]any)["view"].(map[string]any)["id"] }
	if id(first) != id(again) {
		t.Errorf("the second delivery is of view %v, the first of %v", id(again), id(first))
	}
	w.ack(first)
	if err := s.Wait(testContext(t), func() bool { return len(s.Acks()) == 2 }); err != nil {
		t.Fatal(err)
	}
	if !m.IsOpen() || !s.Acks()[1].Late {
		t.Errorf("a late acknowledgement closed the modal or was not counted: %+v", s.Acks())
	}
}

func TestSubmitTwice(t *testing.T) {
	s, w, m := opened(t, slacktest.Config{}, formJSON())
	done := make(chan slacktest.SubmitResult, 1)
	go func() {
		r, _ := m.SubmitTwice(testContext(t))
		done <- r
	}()
	w.ack(w.read())
	w.ack(w.read())
	if r := <-done; !r.Closed {
		t.Errorf("the result is %+v", r)
	}
	noViolations(t, s)
}

func TestSuggestions(t *testing.T) {
	for _, tt := range []struct {
		name    string
		payload any
		bad     string
	}{
		{"none", args{"options": []any{}}, ""},
		{"groups", args{"option_groups": []any{args{"label": plain("Tags"), "options": []any{option("v1", "v1")}}}}, ""},
		{"an empty answer", nil, "must provide an object"},
		{"101 options", args{"options": many(101, option("A", "a"))}, "no more than 100 items allowed [json-pointer:/options]"},
		{"a text of 76", args{"options": []any{option(long(76), "a")}}, "less than 76 characters [json-pointer:/options/0/text/text]"},
		{"a value of 76", args{"options": []any{option("A", long(76))}}, "less than 76 characters [json-pointer:/options/0/value]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, w, m := opened(t, slacktest.Config{}, formJSON())
			_, err := answering(t, w, tt.payload, func() ([]slacktest.OptionGroup, error) { return m.Options(testContext(t), "Ref", "abc") })
			if errors.Is(err, slacktest.ErrBadAnswer) != (tt.bad != "") {
				t.Errorf("the error is %v", err)
			}
			if tt.bad == "" {
				noViolations(t, s)
			} else if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0].Detail, tt.bad) {
				t.Errorf("the violations are %v, want one with %q", v, tt.bad)
			}
		})
	}
}

func TestSuggestionsWaitForTheQuery(t *testing.T) {
	_, _, m := opened(t, slacktest.Config{}, formJSON())
	if _, err := m.Options(testContext(t), "Ref", "ab"); !errors.Is(err, slacktest.ErrQueryTooShort) {
		t.Errorf("two characters with the default min_query_length: %v", err)
	}
}

func TestChoosingByGroup(t *testing.T) {
	_, w, m := opened(t, slacktest.Config{}, formJSON())
	both := args{"option_groups": []any{
		args{"label": plain("Branches"), "options": []any{option("1.0", "b")}},
		args{"label": plain("Tags"), "options": []any{option("1.0", "t")}},
	}}
	must(answering(t, w, both, func() ([]slacktest.OptionGroup, error) { return m.Options(testContext(t), "Ref", "1.0") }))(t)
	if err := m.Choose(testContext(t), "Ref", "1.0"); err == nil {
		t.Error("one of two options of the same text was chosen")
	}
	if err := m.ChooseIn(testContext(t), "Ref", "Tags", "1.0"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(m.JSON()), `"value":"t"`) {
		t.Errorf("the tag is not in the state: %s", m.JSON())
	}
}

func TestUpdateKeepsTheValueOfABlockID(t *testing.T) {
	s, _, m := opened(t, slacktest.Config{}, formJSON())
	if err := m.Fill("Note", "words"); err != nil {
		t.Fatal(err)
	}
	update := func(blockID string) {
		t.Helper()
		view := and(modalJSON(args{
			"type": "input", "block_id": blockID, "label": plain("Note"),
			"element": args{"type": "plain_text_input", "action_id": "note", "initial_value": "new"},
		}), "submit", plain("Go"))
		if answer := call(t, s, "views.update", args{"view_id": m.ID(), "view": view}); answer["ok"] != true {
			t.Fatal(answer)
		}
	}
	update("note")
	if got := m.Value("Note"); got != "words" {
		t.Errorf("under the same block_id the field shows %q", got)
	}
	update("note-2")
	if got := m.Value("Note"); got != "new" {
		t.Errorf("under another block_id the field shows %q", got)
	}
}

func TestTooLongIsRefusedBeforeTheApp(t *testing.T) {
	_, _, m := opened(t, slacktest.Config{}, formJSON())
	if err := m.Fill("Note", "too long"); err != nil {
		t.Fatal(err)
	}
	got := must(m.Submit(testContext(t)))(t)
	if got.Errors["Note"] != "Please enter at most 5 characters." {
		t.Errorf("the result is %+v", got)
	}
}

func TestCloseTellsTheApp(t *testing.T) {
	_, w, m := opened(t, slacktest.Config{}, and(formJSON(), "notify_on_close", true))
	done := make(chan error, 1)
	go func() { done <- m.Close(testContext(t)) }()
	e := w.read()
	w.ack(e)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := e["payload"].(map[string]any)["type"]; got != "view_closed" || m.IsOpen() {
		t.Errorf("the app got %v, the modal is open: %v", got, m.IsOpen())
	}
}
