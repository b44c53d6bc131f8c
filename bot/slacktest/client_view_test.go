package slacktest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

type values = map[string]map[string]json.RawMessage

func one(block, action string, value any) values {
	return values{block: {action: jsonOf(value)}}
}

// submit lets somebody submit a modal by its id while the app answers.
func submit(t *testing.T, w *wire, u *slacktest.User, view string, answer any) slacktest.SubmitResult {
	t.Helper()
	return must(answering(t, w, answer, func() (slacktest.SubmitResult, error) {
		return u.SubmitView(testContext(t), view)
	}))(t)
}

func TestOpenViewsFromTheBottom(t *testing.T) {
	s, w, m := opened(t, slacktest.Config{}, formJSON())
	alice := s.Users()[0]
	submit(t, w, alice, m.ID(), args{"response_action": "push", "view": and(modalJSON(), "title", plain("Other"))})
	if err := alice.Enter(m.ID(), one("note", "note", "below")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, v := range alice.OpenViews() {
		var o struct {
			ID    string
			Title struct{ Text string }
			State struct {
				Values map[string]map[string]struct{ Value string }
			}
		}
		if err := json.Unmarshal(v.JSON, &o); err != nil {
			t.Fatal(err)
		}
		if v.Index != i || v.ID != o.ID {
			t.Errorf("the view %d is %+v", i, v)
		}
		got = append(got, o.Title.Text+": "+o.State.Values["note"]["note"].Value)
	}
	if diff := cmp.Diff([]string{"A modal: below", "Other: "}, got); diff != "" {
		t.Errorf("the open views (-want +got):\n%s", diff)
	}
	if got := s.AddUser("bob").OpenViews(); got != nil {
		t.Errorf("somebody else has %v open", got)
	}
}

func TestEnterThenSubmitByIDs(t *testing.T) {
	s, w, m := opened(t, slacktest.Config{}, formJSON())
	alice := s.Users()[0]
	if err := alice.Enter(m.ID(), one("note", "note", "too long")); err != nil {
		t.Fatal(err)
	}
	got := must(alice.SubmitView(testContext(t), m.ID()))(t)
	tooLong := map[string]string{"note": "Please enter at most 5 characters."}
	if diff := cmp.Diff(tooLong, got.ErrorsByBlock); diff != "" || got.Closed {
		t.Errorf("the result %+v, its errors (-want +got):\n%s", got, diff)
	}
	if diff := cmp.Diff(tooLong, alice.OpenViews()[0].Errors); diff != "" {
		t.Errorf("under the fields (-want +got):\n%s", diff)
	}
	// An input block without dispatch_action tells the app nothing: the next envelope is the submission.
	if err := alice.Act(testContext(t), slacktest.Place{View: m.ID()}, "note", "note", jsonOf("bad")); err != nil {
		t.Fatal(err)
	}
	if left := alice.OpenViews()[0].Errors; len(left) != 0 {
		t.Errorf("under what was changed stands %v", left)
	}
	got = submit(t, w, alice, m.ID(), args{"response_action": "errors", "errors": args{"note": "Not that."}})
	want := slacktest.SubmitResult{
		Errors: map[string]string{"Note": "Not that."}, ErrorsByBlock: map[string]string{"note": "Not that."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the app refuses (-want +got):\n%s", diff)
	}
	if err := alice.Enter(m.ID(), one("note", "note", "bad")); err != nil {
		t.Fatal(err)
	}
	if left := alice.OpenViews()[0].Errors; len(left) != 1 {
		t.Errorf("under what was entered again as it was stands %v", left)
	}
	last := interact(t, w, func() error {
		r, err := alice.SubmitView(testContext(t), m.ID())
		if !r.Closed {
			t.Errorf("submitting gave %+v", r)
		}
		return err
	})
	state := last["view"].(map[string]any)["state"].(map[string]any)["values"].(map[string]any)["note"]
	if diff := cmp.Diff(any(args{"note": args{"type": "plain_text_input", "value": "bad"}}), state); diff != "" {
		t.Errorf("the app gets (-want +got):\n%s", diff)
	}
	noViolations(t, s)
}

func TestEnterIsAllOrNothing(t *testing.T) {
	form := formJSON()
	form["blocks"] = append(form["blocks"].([]any), block(menuOf("overflow")))
	s, _, m := opened(t, slacktest.Config{}, form)
	alice, bob := s.Users()[0], s.AddUser("bob")
	fine, never := jsonOf("words"), jsonOf(option("main", "main"))
	for _, tt := range []struct {
		name   string
		who    *slacktest.User
		view   string
		values values
	}{
		{"an unknown block", alice, m.ID(), values{"note": {"note": fine}, "x": {"note": fine}}},
		{"an unknown action", alice, m.ID(), values{"note": {"note": fine, "x": fine}}},
		{"an option never offered", alice, m.ID(), values{"note": {"note": fine}, "ref": {"ref": never}}},
		{"what keeps no value", alice, m.ID(), values{"note": {"note": fine}, "b": {"a": jsonOf(option("A", "a"))}}},
		{"somebody else's modal", bob, m.ID(), values{"note": {"note": fine}}},
		{"a modal that is not there", alice, "V0", values{"note": {"note": fine}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.who.Enter(tt.view, tt.values); !errors.Is(err, slacktest.ErrNotThere) {
				t.Errorf("the error is %v", err)
			}
			if got := m.Value("Note"); got != "" {
				t.Errorf("the note is %q", got)
			}
		})
	}
}

func TestSubmitAndCloseOnlyOnesOwn(t *testing.T) {
	s, _, m := opened(t, slacktest.Config{}, formJSON())
	bob := s.AddUser("bob")
	call(t, s, "views.publish", args{"user_id": bob.ID, "view": args{"type": "home", "blocks": []any{}}})
	for _, id := range []string{m.ID(), "V0", bob.Home().ID()} {
		if _, err := bob.SubmitView(testContext(t), id); !errors.Is(err, slacktest.ErrNotThere) {
			t.Errorf("submitting %s: %v", id, err)
		}
		if err := bob.CloseView(testContext(t), id); !errors.Is(err, slacktest.ErrNotThere) {
			t.Errorf("closing %s: %v", id, err)
		}
	}
	alice := s.Users()[0]
	if err := alice.CloseView(testContext(t), m.ID()); err != nil || m.IsOpen() {
		t.Errorf("closing one's own: %v, open: %v", err, m.IsOpen())
	}
	if err := alice.Enter(m.ID(), one("note", "note", "x")); !errors.Is(err, slacktest.ErrNotThere) {
		t.Errorf("entering into what is closed: %v", err)
	}
	if bob.Home() == nil {
		t.Error("the home tab is gone")
	}
}

func TestLateAnswerIsANotice(t *testing.T) {
	s, _, m := opened(t, slacktest.Config{AckTimeout: brisk}, formJSON())
	alice := s.Users()[0]
	if got := must(alice.SubmitView(testContext(t), m.ID()))(t); !got.Late {
		t.Errorf("the result is %+v", got)
	}
	if got := alice.OpenViews()[0].Notice; !strings.Contains(got, "trouble connecting") {
		t.Errorf("the notice is %q", got)
	}
}

func TestActOnTheHomeTab(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	view := args{"type": "home", "blocks": []any{block(menuOf("static_select"))}}
	call(t, d.Server, "views.publish", args{"user_id": d.alice.ID, "view": view})
	home := d.alice.Home()
	d.act(slacktest.Place{View: home.ID()}, "b", "a", option("B", "b"))
	if got := string(home.JSON()); !strings.Contains(got, `"values":{"b":{"a":{"selected_option":{"text":`) {
		t.Errorf("the home tab is %s", got)
	}
	noViolations(t, d.Server)
}
