package slacktest_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

// suggest lets somebody type into an external menu that the app answers with these options.
func (d *desk) suggest(u *slacktest.User, at slacktest.Place, options ...any) string {
	d.t.Helper()
	got := must(answering(d.t, d.w, args{"options": options}, func() (json.RawMessage, error) {
		return u.Suggest(testContext(d.t), at, "b", "a", "abc")
	}))(d.t)
	return string(got)
}

func TestSuggestIsPerPersonAndRemembered(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	at := d.card(block(args{"type": "external_select"}))
	first, second := option("one", "1"), option("two", "2")
	if diff := cmp.Diff(string(jsonOf(args{"options": []any{first}})), d.suggest(d.alice, at, first)); diff != "" {
		t.Errorf("the answer (-want +got):\n%s", diff)
	}
	d.suggest(d.alice, at, second)
	if err := d.bob.Act(testContext(t), at, "b", "a", jsonOf(first)); !errors.Is(err, slacktest.ErrNotThere) {
		t.Errorf("bob takes what alice was offered: %v", err)
	}
	if got := d.act(at, "b", "a", first)["selected_option"]; !cmp.Equal(got, any(first)) {
		t.Errorf("an option of an earlier answer: the app is told %v", got)
	}
	d.act(at, "b", "a", second)
	for range 98 {
		d.suggest(d.alice, at, second)
	}
	d.act(at, "b", "a", first) // of the first of a hundred answers
	d.suggest(d.alice, at, second)
	d.act(at, "b", "a", first) // it is chosen already
	d.act(at, "b", "a", second)
	if err := d.alice.Act(testContext(t), at, "b", "a", jsonOf(first)); !errors.Is(err, slacktest.ErrNotThere) {
		t.Errorf("after a hundred other answers it still counts: %v", err)
	}
	noViolations(t, d.Server)
}

func TestSuggestRefusals(t *testing.T) {
	d := newDesk(t, slacktest.Config{})
	external := d.card(block(args{"type": "external_select"}))
	for _, tt := range []struct {
		name  string
		at    slacktest.Place
		query string
		want  error
	}{
		{"a short query", external, "ab", slacktest.ErrQueryTooShort},
		{"a static menu", d.card(block(menuOf("static_select"))), "abc", slacktest.ErrNotThere},
		{"a message that is not there", slacktest.Place{Channel: d.builds.ID, TS: "1.0"}, "abc", slacktest.ErrNotThere},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := d.alice.Suggest(testContext(t), tt.at, "b", "a", tt.query); !errors.Is(err, tt.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	_, err := answering(t, d.w, args{"options": "none"}, func() (json.RawMessage, error) {
		return d.alice.Suggest(testContext(t), external, "b", "a", "abc")
	})
	if !errors.Is(err, slacktest.ErrBadAnswer) || len(d.Violations()) != 1 {
		t.Errorf("an answer that is none: %v, %v", err, d.Violations())
	}
}
