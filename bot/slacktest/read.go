package slacktest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// How things are drawn, one block after the other, a line or more each:
//
//	# text                     a header, or a modal's title
//	text                       a section; its fields one a line; its accessory on a line of its own
//	a  b                       a context: its parts with two spaces between
//	---                        a divider
//	[Cancel] [Open ↗]          buttons; ↗ on those that open a link
//	[main ▾]  [(Choose) ▾]     a menu and what is chosen; in parentheses the placeholder of an empty one
//	[text ✎]  [(Type) ✎]       a text field
//	[x] a  [ ] b  (•) c  ( ) d checkboxes and radio buttons
//	[⋯]                        an overflow menu
//	Label:                     an input, its element under it, indented; "(optional)" where it is
//	  ? hint
//	  ! error
//
// In mrkdwn, bold, italic and struck text stand without their marks, code keeps its backticks, a link is
// "label (url)", people are "@name", channels "#name", dates are in the reader's zone, emoji stay ":name:".

// Read draws the message as a person reads it, at this time and in its zone: blocks if there are any, else the
// text, then the attachments. It is a pure function of the message and at.
func (m Message) Read(at time.Time) string {
	return draw(m.Text, m.Blocks, m.attachments, drawer{names: m.names, at: at, state: m.state})
}

// Read draws an earlier state of a message as a person read it.
func (r Revision) Read(at time.Time) string {
	return draw(r.Text, r.Blocks, nil, drawer{names: r.names, at: at})
}

// ReadBlocks draws blocks (a JSON array) that are in no workspace: people and channels stand by their ids.
func ReadBlocks(blocks []byte, at time.Time) (string, error) {
	if _, err := decode(blocks); err != nil {
		return "", fmt.Errorf("reading the blocks: %w", err)
	}
	return draw("", blocks, nil, drawer{names: &names{}, at: at}), nil
}

func draw(text string, blocks json.RawMessage, attachments []any, d drawer) string {
	var parsed []any
	_ = json.Unmarshal(blocks, &parsed) // made from JSON; none is none
	lines := d.blocks(objects(parsed))
	if len(lines) == 0 && text != "" {
		lines = []string{mrkdwn(text, d.names, d.at)}
	}
	for _, a := range objects(attachments) {
		for _, name := range []string{"pretext", "title", "text", "fallback"} {
			if t := str(a[name]); t != "" && (name != "fallback" || a["blocks"] == nil && a["text"] == nil) {
				lines = append(lines, "| "+mrkdwn(t, d.names, d.at))
			}
		}
		for _, l := range d.blocks(objects(a["blocks"])) {
			lines = append(lines, "| "+l)
		}
	}
	return strings.Join(lines, "\n")
}

// drawer draws blocks for one reader.
type drawer struct {
	names  *names
	at     time.Time
	state  state
	errors map[string]string
}

func (d drawer) blocks(blocks []obj) []string {
	var lines []string
	for _, b := range blocks {
		lines = append(lines, d.block(b)...)
	}
	return lines
}

func (d drawer) block(b obj) []string {
	id := str(b["block_id"])
	switch str(b["type"]) {
	case "header":
		return []string{"# " + textOf(b["text"])}
	case "divider":
		return []string{"---"}
	case "markdown":
		return []string{str(b["text"])}
	case "section":
		var lines []string
		if b["text"] != nil {
			lines = append(lines, readText(b["text"], d.names, d.at))
		}
		for _, f := range list(b["fields"]) {
			lines = append(lines, readText(f, d.names, d.at))
		}
		if e := object(b["accessory"]); e != nil {
			lines = append(lines, d.element(id, e))
		}
		return lines
	case "context":
		var parts []string
		for _, e := range objects(b["elements"]) {
			parts = append(parts, d.element(id, e))
		}
		return []string{strings.Join(parts, "  ")}
	case "actions", "context_actions":
		var parts []string
		for _, e := range objects(b["elements"]) {
			parts = append(parts, d.element(id, e))
		}
		return []string{strings.Join(parts, " ")}
	case "input":
		return d.input(id, b)
	case "image":
		return []string{"(picture: " + str(b["alt_text"]) + ")"}
	case "rich_text":
		return d.rich(b)
	case "table":
		return d.table(b)
	default:
		return []string{"(" + str(b["type"]) + ")"}
	}
}

func (d drawer) input(id string, b obj) []string {
	label := textOf(b["label"])
	if truth(b["optional"]) {
		label += " (optional)"
	}
	lines := []string{label + ":", "  " + d.element(id, object(b["element"]))}
	if hint := textOf(b["hint"]); hint != "" {
		lines = append(lines, "  ? "+hint)
	}
	if wrong := d.errors[id]; wrong != "" {
		lines = append(lines, "  ! "+wrong)
	}
	return lines
}

func (d drawer) table(b obj) []string {
	var lines []string
	for _, row := range list(b["rows"]) {
		var cells []string
		for _, cell := range objects(row) {
			if str(cell["type"]) == "rich_text" {
				cells = append(cells, strings.Join(d.rich(cell), " "))
			} else {
				cells = append(cells, str(cell["text"]))
			}
		}
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
	}
	return lines
}

func (d drawer) element(blockID string, e obj) string {
	switch kind := str(e["type"]); kind {
	case "plain_text", "mrkdwn":
		return readText(e, d.names, d.at)
	case "image":
		return "(picture: " + str(e["alt_text"]) + ")"
	case "button", "workflow_button", "icon_button":
		if str(e["url"]) != "" {
			return "[" + textOf(e["text"]) + " ↗]"
		}
		return "[" + textOf(e["text"]) + "]"
	case "overflow":
		return "[⋯]"
	case "checkboxes", "radio_buttons":
		return d.choices(blockID, e)
	default:
		sign := "▾"
		if h, _ := holderOf(kind); h.key == "value" || h.key == "rich_text_value" {
			sign = "✎"
		}
		shown := d.value(blockID, e)
		if shown == "" {
			shown = "(" + textOf(e["placeholder"]) + ")"
		}
		return "[" + shown + " " + sign + "]"
	}
}

func (d drawer) choices(blockID string, e obj) string {
	on, off := "[x] ", "[ ] "
	if str(e["type"]) == "radio_buttons" {
		on, off = "(•) ", "( ) "
	}
	chosen := d.current(blockID, e)
	var parts []string
	for _, o := range objects(e["options"]) {
		mark := off
		if str(object(chosen)["value"]) == str(o["value"]) {
			mark = on
		}
		for _, c := range objects(chosen) {
			if str(c["value"]) == str(o["value"]) {
				mark = on
			}
		}
		parts = append(parts, mark+readText(o["text"], d.names, d.at))
	}
	return strings.Join(parts, "  ")
}

// current is the value of an element: what was entered, or in blocks without a state what they say themselves.
func (d drawer) current(blockID string, e obj) any {
	h, _ := holderOf(str(e["type"]))
	if d.state[blockID] == nil {
		return e[h.initial]
	}
	return d.state.get(blockID, e)
}

// value is the value of an element in words.
func (d drawer) value(blockID string, e obj) string {
	var words func(v any) string
	words = func(v any) string {
		switch v := v.(type) {
		case string:
			if name, known := d.names.users[v]; known {
				return name
			}
			if name, known := d.names.channels[v]; known {
				return name
			}
			return v
		case float64:
			return time.Unix(int64(v), 0).In(d.at.Location()).Format("2006-01-02 15:04")
		case obj:
			if str(v["type"]) == "rich_text" {
				return strings.Join(d.rich(v), " ")
			}
			return readText(v["text"], d.names, d.at)
		case []any:
			var parts []string
			for _, item := range v {
				parts = append(parts, words(item))
			}
			return strings.Join(parts, ", ")
		}
		return ""
	}
	return words(d.current(blockID, e))
}

// readText reads a text object: plain_text as it is, mrkdwn resolved.
func readText(v any, n *names, at time.Time) string {
	if str(object(v)["type"]) == "mrkdwn" {
		return mrkdwn(textOf(v), n, at)
	}
	return textOf(v)
}
