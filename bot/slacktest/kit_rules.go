package slacktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Rules that hold between fields or across a whole view or message.

func contextElement(c *checker, at string, v any) {
	switch str(object(v)["type"]) {
	case "plain_text", "mrkdwn":
		either(3000)(c, at, v)
	default:
		element("image")(c, at, v)
	}
}

func tableCell(c *checker, at string, v any) {
	switch str(object(v)["type"]) {
	case "raw_text":
		is(shape{fields: fields{"type": required(nil), "text": required(chars(1, 12000))}})(c, at, v)
	case "raw_number":
		is(shape{fields: fields{"type": required(nil), "value": required(nil), "text": optional(chars(1, 255))}})(c, at, v)
	default:
		anyBlock("rich_text")(c, at, v)
	}
}

func columnSetting(c *checker, at string, v any) {
	if v == nil { // "null" skips a column
		return
	}
	is(shape{fields: fields{"align": optional(enum("left", "center", "right")), "is_wrapped": optional(boolean)}})(c, at, v)
}

func feedback(c *checker, at string, v any) {
	is(shape{fields: fields{
		"text": required(plain(75)), "value": required(chars(0, 2000)), "accessibility_label": optional(chars(1, 75)),
	}})(c, at, v)
}

func focusOnce(c *checker, at string, v any) {
	boolean(c, at, v)
	if truth(v) && c.focused {
		c.report(at, "only one element may have focus_on_load")
	}
	c.focused = c.focused || truth(v)
}

func markdownInAll(c *checker, at string, v any) {
	c.markdown += utf8.RuneCountInString(str(object(v)["text"]))
	if c.markdown > 12000 {
		c.report(at, "must be less than 12001 characters in all markdown blocks")
	}
}

func oneTable(c *checker, at string, _ any) {
	c.tables++
	if c.tables > 1 {
		c.report(at, "only one table block allowed")
	}
}

func uniqueActionIDs(c *checker, at string, v any) {
	seen := map[string]bool{}
	for i, e := range objects(object(v)["elements"]) {
		id := str(e["action_id"])
		if id != "" && seen[id] {
			c.report(fmt.Sprintf("%s/elements/%d/action_id", at, i), "`action_id` %q already exists for this block", id)
		}
		seen[id] = true
	}
}

// initialIsOffered: what is chosen beforehand must equal an option on the menu, field by field.
func initialIsOffered(c *checker, at string, v any) {
	e := object(v)
	chosen := map[string]obj{}
	if o := object(e["initial_option"]); o != nil {
		chosen["/initial_option"] = o
	}
	for i, o := range objects(e["initial_options"]) {
		chosen[fmt.Sprintf("/initial_options/%d", i)] = o
	}
	for _, where := range sortedKeys(chosen) {
		found := false
		for _, o := range offered(e) {
			found = found || cmp.Equal(o, chosen[where])
		}
		if !found {
			c.report(at+where, "must match one of the options")
		}
	}
}

// blocks checks a list of blocks; ids are unique in all of it.
func (c *checker) blocks(at string, v any, most int) {
	many(0, most, func(c *checker, at string, v any) {
		anyBlock()(c, at, v)
		id := str(object(v)["block_id"])
		if id != "" && c.blockIDs[id] {
			c.report(at+"/block_id", "`block_id` %q already exists", id)
		}
		c.blockIDs[id] = true
	})(c, at, v)
}

// checkMessage returns what Slack would refuse in the blocks of a message.
func (k kit) checkMessage(blocks any) []string {
	c := &checker{kit: k, surface: "message", blockIDs: map[string]bool{}}
	c.blocks("/blocks", blocks, 50)
	return c.problems
}

// maxView is the size of a whole view (https://docs.slack.dev/surfaces/modals).
const maxView = 250 * 1000

// checkView returns what Slack would refuse in a view (https://docs.slack.dev/reference/views).
func (k kit) checkView(v any, want string) []string {
	view := object(v)
	kind := str(view["type"])
	c := &checker{kit: k, surface: kind, blockIDs: map[string]bool{}}
	if view == nil || kind != "modal" && kind != "home" || want != "" && kind != want {
		c.report("/view/type", "must be a valid enum value")
		return c.problems
	}
	f := fields{
		"type": required(nil), "private_metadata": optional(chars(0, 3000)),
		"callback_id": optional(chars(0, 255)), "external_id": optional(chars(0, 255)),
		"blocks": required(func(c *checker, at string, v any) { c.blocks(at, v, 100) }),
	}
	if kind == "modal" {
		f = with(f, fields{
			"title": required(plain(24)), "submit": optional(plain(24)), "close": optional(plain(24)),
			"clear_on_close": optional(boolean), "notify_on_close": optional(boolean), "submit_disabled": optional(boolean),
		})
	}
	is(shape{fields: f})(c, "/view", v)
	for _, b := range objects(view["blocks"]) {
		if kind == "modal" && str(b["type"]) == "input" && view["submit"] == nil {
			c.report("/view", "missing required field: submit (there are input blocks)")
			break
		}
	}
	if len(raw(v)) > maxView {
		c.report("/view", "must be less than %d bytes", maxView+1)
	}
	return c.problems
}

// checkOptions returns what Slack would refuse in the answer to a block_suggestion
// (https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload).
func (k kit) checkOptions(v any) []string {
	c := &checker{kit: k, blockIDs: map[string]bool{}}
	is(shape{
		fields: fields{
			"options":       optional(many(0, 100, option(false, false))),
			"option_groups": optional(many(0, 100, optionGroup())),
		},
		also: []check{exactlyOne("options", "option_groups")},
	})(c, "", v)
	return c.problems
}

// CheckBlocks returns what Slack would refuse in a message with these blocks (a JSON array), in Slack's words,
// and nothing when they are fine. It is for tests of code that only renders.
func CheckBlocks(blocks []byte) ([]string, error) {
	v, err := decode(blocks)
	if err != nil {
		return nil, fmt.Errorf("reading the blocks: %w", err)
	}
	return newKit().checkMessage(v), nil
}

// CheckView returns what Slack would refuse in this view (a JSON object), in Slack's words.
func CheckView(view []byte) ([]string, error) {
	v, err := decode(view)
	if err != nil {
		return nil, fmt.Errorf("reading the view: %w", err)
	}
	return newKit().checkView(v, ""), nil
}

func decode(data []byte) (any, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}
