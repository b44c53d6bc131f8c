package slacktest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

func plain(s string) args  { return args{"type": "plain_text", "text": s} }
func styled(s string) args { return args{"type": "mrkdwn", "text": s} }

func option(text, value string) args { return args{"text": plain(text), "value": value} }

func many(n int, v any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func long(n int) string { return strings.Repeat("é", n) } // characters, not bytes, are counted

// and sets a field of a copy.
func and(a args, pairs ...any) args {
	out := args{}
	for k, v := range a {
		out[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func TestBlockRules(t *testing.T) {
	button := args{"type": "button", "text": plain("Go")}
	actions := func(elements ...any) args { return args{"type": "actions", "elements": elements} }
	section := func(pairs ...any) args { return and(args{"type": "section", "text": plain("text")}, pairs...) }
	menu := args{"type": "static_select", "options": []any{option("A", "a"), option("B", "b")}}
	dialog := args{"title": plain("Sure?"), "text": styled("*Really?*"), "confirm": plain("Yes"), "deny": plain("No")}
	input := func(element args) args { return args{"type": "input", "label": plain("Label"), "element": element} }
	for _, tt := range []struct {
		name  string
		block any
		want  string // a problem without [ERROR]; empty when the block is fine
	}{
		{"a divider", args{"type": "divider"}, ""},
		{"an unknown block", args{"type": "marquee"}, "unsupported type: marquee [json-pointer:/blocks/0]"},
		{"an unknown field", args{"type": "divider", "color": "red"}, "invalid additional property: color [json-pointer:/blocks/0]"},
		{"null for a field", args{"type": "divider", "block_id": nil}, "must not be null [json-pointer:/blocks/0/block_id]"},
		{"block_id of 255", args{"type": "divider", "block_id": long(255)}, ""},
		{"block_id of 256", args{"type": "divider", "block_id": long(256)}, "must be less than 256 characters [json-pointer:/blocks/0/block_id]"},

		{"a header of 150", args{"type": "header", "text": plain(long(150))}, ""},
		{"a header of 151", args{"type": "header", "text": plain(long(151))}, "must be less than 151 characters [json-pointer:/blocks/0/text/text]"},
		{"mrkdwn in a header", args{"type": "header", "text": styled("x")}, "must be a valid enum value [json-pointer:/blocks/0/text/type]"},
		{"emoji on mrkdwn", section("text", and(styled("x"), "emoji", true)), "invalid additional property: emoji [json-pointer:/blocks/0/text]"},

		{"a section of 3000", section("text", styled(long(3000))), ""},
		{"a section of 3001", section("text", styled(long(3001))), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"empty text", section("text", styled("")), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
		{"a section of nothing", args{"type": "section"}, "must provide at least one of: text, fields [json-pointer:/blocks/0]"},
		{"10 fields", section("fields", many(10, styled("x"))), ""},
		{"11 fields", section("fields", many(11, styled("x"))), "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
		{"a field of 2001", section("fields", []any{styled(long(2001))}), "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"},
		{"an input as accessory", section("accessory", args{"type": "plain_text_input"}), "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory]"},
		{"a picture as accessory", section("accessory", args{"type": "image", "alt_text": "x", "image_url": "https://x.example/a.png"}), ""},

		{"10 in a context", args{"type": "context", "elements": many(10, styled("x"))}, ""},
		{"11 in a context", args{"type": "context", "elements": many(11, styled("x"))}, "no more than 10 items allowed [json-pointer:/blocks/0/elements]"},
		{"a button in a context", args{"type": "context", "elements": []any{button}}, "unsupported type: button [json-pointer:/blocks/0/elements/0]"},
		{"25 actions", actions(many(25, button)...), ""},
		{"26 actions", actions(many(26, button)...), "no more than 25 items allowed [json-pointer:/blocks/0/elements]"},
		{"no actions", args{"type": "actions", "elements": []any{}}, "no less than 1 items required [json-pointer:/blocks/0/elements]"},
		{"one action_id twice", actions(and(button, "action_id", "a"), and(button, "action_id", "a")), "`action_id` \"a\" already exists for this block [json-pointer:/blocks/0/elements/1/action_id]"},

		{"a button of 76", actions(and(button, "text", plain(long(76)))), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"},
		{"mrkdwn on a button", actions(and(button, "text", styled("x"))), "must be a valid enum value [json-pointer:/blocks/0/elements/0/text/type]"},
		{"a value of 2001", actions(and(button, "value", long(2001))), "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"},
		{"a url without a scheme", actions(and(button, "url", "gitlab.example")), "must be a valid URL [json-pointer:/blocks/0/elements/0/url]"},
		{"an unknown style", actions(and(button, "style", "warning")), "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"},
		{"a dialog", actions(and(button, "confirm", dialog)), ""},
		{"a dialog without deny", actions(and(button, "confirm", args{"title": plain("t"), "text": plain("t"), "confirm": plain("y")})), "missing required field: deny [json-pointer:/blocks/0/elements/0/confirm]"},
		{"a dialog of 301", actions(and(button, "confirm", and(dialog, "text", plain(long(301))))), "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]"},
		{"a dialog's button of 31", actions(and(button, "confirm", and(dialog, "confirm", plain(long(31))))), "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]"},

		{"a menu", input(menu), ""},
		{"a menu of nothing", input(args{"type": "static_select"}), "must provide exactly one of: options, option_groups [json-pointer:/blocks/0/element]"},
		{"a menu of 101", input(and(menu, "options", many(101, option("A", "a")))), "no more than 100 items allowed [json-pointer:/blocks/0/element/options]"},
		{"an option of 76", input(and(menu, "options", []any{option(long(76), "a")})), "must be less than 76 characters [json-pointer:/blocks/0/element/options/0/text/text]"},
		{"a value of 76", input(and(menu, "options", []any{option("A", long(76))})), "must be less than 76 characters [json-pointer:/blocks/0/element/options/0/value]"},
		{"an option that is chosen", input(and(menu, "initial_option", option("B", "b"))), ""},
		{"an option that is not there", input(and(menu, "initial_option", option("B", "c"))), "must match one of the options [json-pointer:/blocks/0/element/initial_option]"},
		{"groups", input(args{"type": "static_select", "option_groups": []any{args{"label": plain("G"), "options": []any{option("A", "a")}}}, "initial_option": option("A", "a")}), ""},
		{"an external menu with options", input(and(menu, "type", "external_select")), "invalid additional property: options [json-pointer:/blocks/0/element]"},
		{"an overflow menu of 6", actions(args{"type": "overflow", "options": many(6, option("A", "a"))}), "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]"},
		{"11 checkboxes", input(args{"type": "checkboxes", "options": many(11, option("A", "a"))}), "no more than 10 items allowed [json-pointer:/blocks/0/element/options]"},
		{"a button as input", input(button), "unsupported type: button [json-pointer:/blocks/0/element]"},
		{"an input without a label", args{"type": "input", "element": menu}, "missing required field: label [json-pointer:/blocks/0]"},

		{"markdown of 12001", args{"type": "markdown", "text": long(12001)}, "must be less than 12001 characters [json-pointer:/blocks/0/text]"},
		{"rich text", args{"type": "rich_text", "elements": []any{args{"type": "rich_text_section", "elements": []any{args{"type": "text", "text": "x", "style": args{"code": true}}}}}}, ""},
		{"rich text with an unknown part", args{"type": "rich_text", "elements": []any{args{"type": "rich_text_section", "elements": []any{args{"type": "blink"}}}}}, "unsupported type: blink [json-pointer:/blocks/0/elements/0/elements/0]"},
		{"a table of 21 columns", args{"type": "table", "rows": []any{many(21, args{"type": "raw_text", "text": "x"})}}, "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := must(slacktest.CheckBlocks(must(json.Marshal([]any{tt.block}))(t)))(t)
			var want []string
			if tt.want != "" {
				want = []string{"[ERROR] " + tt.want}
			}
			if len(got) > 1 {
				got = got[:1] // one fault may break a second rule, as a text too long does in all markdown
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMessageRules(t *testing.T) {
	divider := args{"type": "divider"}
	table := args{"type": "table", "rows": []any{[]any{args{"type": "raw_text", "text": "x"}}}}
	for _, tt := range []struct {
		name   string
		blocks []any
		want   []string
	}{
		{"50 blocks", many(50, divider), nil},
		{"51 blocks", many(51, divider), []string{"[ERROR] no more than 50 items allowed [json-pointer:/blocks]"}},
		{"one block_id twice", many(2, and(divider, "block_id", "b")), []string{"[ERROR] `block_id` \"b\" already exists [json-pointer:/blocks/1/block_id]"}},
		{"two tables", many(2, table), []string{"[ERROR] only one table block allowed [json-pointer:/blocks/1]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := must(slacktest.CheckBlocks(must(json.Marshal(tt.blocks))(t)))(t)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestViewRules(t *testing.T) {
	input := args{"type": "input", "label": plain("L"), "element": args{"type": "plain_text_input"}}
	big := args{"type": "section", "text": plain(strings.Repeat("x", 3000))}
	for _, tt := range []struct {
		name string
		view args
		want []string
	}{
		{"a modal", modalJSON(args{"type": "divider"}), nil},
		{"a title of 25", and(modalJSON(), "title", plain(long(25))), []string{"[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"}},
		{"a submit of 25", and(modalJSON(), "submit", plain(long(25))), []string{"[ERROR] must be less than 25 characters [json-pointer:/view/submit/text]"}},
		{"private_metadata of 3001", and(modalJSON(), "private_metadata", long(3001)), []string{"[ERROR] must be less than 3001 characters [json-pointer:/view/private_metadata]"}},
		{"callback_id of 256", and(modalJSON(), "callback_id", long(256)), []string{"[ERROR] must be less than 256 characters [json-pointer:/view/callback_id]"}},
		{"an input without submit", modalJSON(input), []string{"[ERROR] missing required field: submit (there are input blocks) [json-pointer:/view]"}},
		{"an input with submit", and(modalJSON(input), "submit", plain("Go")), nil},
		{"101 blocks", modalJSON(many(101, args{"type": "divider"})...), []string{"[ERROR] no more than 100 items allowed [json-pointer:/view/blocks]"}},
		{"over 250 kB", modalJSON(many(90, big)...), []string{"[ERROR] must be less than 250001 bytes [json-pointer:/view]"}},
		{"a table in a modal", modalJSON(args{"type": "table", "rows": []any{[]any{args{"type": "raw_text", "text": "x"}}}}), []string{"[ERROR] unsupported type: table in a modal [json-pointer:/view/blocks/0]"}},
		{"a home tab", args{"type": "home", "blocks": []any{}}, nil},
		{"a home tab with a title", args{"type": "home", "blocks": []any{}, "title": plain("x")}, []string{"[ERROR] invalid additional property: title [json-pointer:/view]"}},
		{"no blocks", args{"type": "modal", "title": plain("x")}, []string{"[ERROR] missing required field: blocks [json-pointer:/view]"}},
		{
			"two that take the focus", and(modalJSON(
				and(input, "element", args{"type": "plain_text_input", "focus_on_load": true}),
				and(input, "element", args{"type": "plain_text_input", "focus_on_load": true})), "submit", plain("Go")),
			[]string{"[ERROR] only one element may have focus_on_load [json-pointer:/view/blocks/1/element/focus_on_load]"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := must(slacktest.CheckView(must(json.Marshal(tt.view))(t)))(t)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the problems (-want +got):\n%s", diff)
			}
		})
	}
}
