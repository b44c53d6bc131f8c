package slacktest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

func TestReadText(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	group := s.AddUserGroup("oncall", alice)
	berlin := must(time.LoadLocation("Europe/Berlin"))(t)
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, berlin)
	for _, tt := range []struct{ name, text, want string }{
		{"bold", "*bold* _it_ ~no~", "bold it no"},
		{"a snake stays", "feature_x_y and a*b*c", "feature_x_y and a*b*c"},
		{"a bold link", "*<https://x.example/1|#1>*", "#1 (https://x.example/1)"},
		{"a bare link", "<https://x.example/1>", "https://x.example/1"},
		{"a link with an ampersand", "<https://x.example/?a=1&amp;b=2|x>", "x (https://x.example/?a=1&b=2)"},
		{"code keeps its marks", "`a_b_c *x*` *y*", "`a_b_c *x*` y"},
		{"a block of code", "```*a*```", "```*a*```"},
		{"a mark without its like", "it`s *here", "it`s *here"},
		{"escaped", "a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"},
		{"a person", "<@" + alice.ID + ">", "@alice"},
		{"a stranger", "<@U0|bob>", "@bob"},
		{"a channel", "<#" + c.ID + ">", "#builds"},
		{"a group", "<!subteam^" + group + ">", "@oncall"},
		{"here", "<!here>", "@here"},
		{"an unfinished reference", "a < b", "a < b"},
		{"emoji", ":white_check_mark: ok", ":white_check_mark: ok"},
		{"a date", "<!date^1772445600^{date_short} at {time}|x>", "Mar 2, 2026 at 11:00 AM"},
		{"today", "<!date^1772445600^{date_pretty}, {ago}|x>", "today, 1 hour ago"},
		{"an earlier day", "<!date^1772000000^{date_long_pretty}|x>", "Wednesday, February 25th, 2026"},
		{"a date with a link", "<!date^1772445600^{date_num}^https://x.example/|x>", "2026-03-02 (https://x.example/)"},
		{"a broken date", "<!date^soon^{date}|soon>", "soon"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ts, _ := call(t, s, "chat.postMessage", args{"channel": c.ID, "text": tt.text})["ts"].(string)
			m, _ := c.Message(alice, ts)
			if got := m.Read(at); got != tt.want {
				t.Errorf("%q reads %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestReadBlocks(t *testing.T) {
	blocks := []any{
		args{"type": "header", "text": plain("Pipeline *42*")},
		args{"type": "section", "text": styled("*running*"), "fields": []any{plain("a_b_"), styled("_c_")}, "accessory": args{"type": "button", "text": plain("Open"), "url": "https://x.example/"}},
		args{"type": "divider"},
		args{"type": "context", "elements": []any{args{"type": "image", "alt_text": "face", "image_url": "https://x.example/a.png"}, styled("by <@U1>")}},
		args{"type": "actions", "elements": []any{
			args{"type": "button", "text": plain("Cancel")},
			args{"type": "static_select", "placeholder": plain("More"), "options": []any{option("A", "a")}},
			args{"type": "overflow", "options": []any{option("A", "a")}},
			args{"type": "radio_buttons", "options": []any{option("A", "a"), option("B", "b")}, "initial_option": option("B", "b")},
			args{"type": "checkboxes", "options": []any{option("A", "a"), option("B", "b")}, "initial_options": []any{option("A", "a")}},
		}},
		args{"type": "rich_text", "elements": []any{
			args{"type": "rich_text_section", "elements": []any{args{"type": "text", "text": "ref "}, args{"type": "text", "text": "main", "style": args{"code": true}}}},
			args{"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": []any{
				args{"type": "rich_text_section", "elements": []any{args{"type": "emoji", "name": "x"}}},
				args{"type": "rich_text_section", "elements": []any{args{"type": "link", "url": "https://x.example/", "text": "log"}}},
			}},
			args{"type": "rich_text_preformatted", "elements": []any{args{"type": "text", "text": "error: *"}}},
		}},
		args{"type": "table", "rows": []any{[]any{args{"type": "raw_text", "text": "job"}, args{"type": "raw_text", "text": "3 s"}}}},
	}
	want := `# Pipeline *42*
running
a_b_
c
[Open ↗]
---
(picture: face)  by @U1
[Cancel] [(More) ▾] [⋯] ( ) A  (•) B [x] A  [ ] B
ref ` + "`main`" + `
  1. :x:
  2. log (https://x.example/)
` + "```error: *```" + `
| job | 3 s |`
	encoded := must(json.Marshal(blocks))(t)
	got := must(slacktest.ReadBlocks(encoded, time.Unix(0, 0)))(t)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the drawing (-want +got):\n%s", diff)
	}
	if problems := must(slacktest.CheckBlocks(encoded))(t); len(problems) > 0 {
		t.Errorf("the example breaks rules: %q", problems)
	}
}
