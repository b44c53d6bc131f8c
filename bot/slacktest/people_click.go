package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Answer is what a person answers to a confirm dialog.
type Answer int

// The two buttons of a confirm dialog.
const (
	Confirm Answer = iota + 1
	Dismiss
)

// Button is a button as a person finds it.
type Button struct {
	Text     string
	Style    string // "", primary or danger
	URL      string // of a link button
	Value    string
	ActionID string
	BlockID  string
	Confirm  *ConfirmDialog // nil: a click acts at once
}

// ConfirmDialog is what asks "are you sure?"
// (https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object).
type ConfirmDialog struct {
	Title, Text, Confirm, Deny string
}

// Click presses the button with this text and returns when the app has acknowledged it. A button with a
// confirm dialog needs the person's answer; Dismiss tells the app nothing. The app is told of the click on a
// link button too.
func (u *User) Click(ctx context.Context, m Message, button string, answers ...Answer) error {
	return u.click(ctx, u.inMessage(m), button, answers)
}

func (u *User) click(ctx context.Context, where func() (place, error), button string, answers []Answer) error {
	err := u.use(ctx, where, gesture{on: func(f found) bool { return f.isButton() && f.text() == button }, answers: answers})
	if err != nil {
		return fmt.Errorf("clicking %q: %w", button, err)
	}
	return nil
}

// Choose takes an option from a menu, the radio buttons or the overflow menu of a message; menu is the text on
// it (its placeholder), the text of its section, or its action_id. It returns when the app has acknowledged it.
func (u *User) Choose(ctx context.Context, m Message, menu, optionText string, answers ...Answer) error {
	return u.chooseIn(ctx, u.inMessage(m), menu, "", optionText, answers)
}

// Options returns what an external menu of a message offers for a query.
func (u *User) Options(ctx context.Context, m Message, menu, query string) ([]OptionGroup, error) {
	return u.optionsIn(ctx, u.inMessage(m), menu, query)
}

func (u *User) inMessage(m Message) func() (place, error) {
	return func() (place, error) {
		current, err := u.look(m)
		return place{message: current}, err
	}
}

// Buttons returns the buttons of a message in order.
func (m Message) Buttons() []Button {
	var blocks []any
	_ = json.Unmarshal(m.Blocks, &blocks) // made from JSON
	return buttonsOf(objects(blocks), m.names)
}

// Button returns the button with this text.
func (m Message) Button(text string) (Button, bool) {
	for _, b := range m.Buttons() {
		if b.Text == text {
			return b, true
		}
	}
	return Button{}, false
}

func buttonsOf(blocks []obj, n *names) []Button {
	var out []Button
	for _, f := range findAll(blocks, func(f found) bool { return f.isButton() }) {
		b := Button{
			Text: f.text(), Style: str(f.element["style"]), URL: str(f.element["url"]), Value: str(f.element["value"]),
			ActionID: f.actionID(), BlockID: f.blockID(),
		}
		if dialog := object(f.element["confirm"]); dialog != nil {
			b.Confirm = &ConfirmDialog{
				Title: textOf(dialog["title"]), Text: readText(dialog["text"], n, time.Time{}),
				Confirm: textOf(dialog["confirm"]), Deny: textOf(dialog["deny"]),
			}
		}
		out = append(out, b)
	}
	return out
}
