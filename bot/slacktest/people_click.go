package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	err := u.use(ctx, u.inMessage(m), func(f found) bool { return f.isButton() && f.text() == button }, nil, answers)
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
			ActionID: str(f.element["action_id"]), BlockID: f.blockID(),
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

// found is an element in its block.
type found struct {
	block, element obj
}

func (f found) blockID() string { return str(f.block["block_id"]) }
func (f found) text() string    { return textOf(f.element["text"]) }

func (f found) isButton() bool {
	kind := str(f.element["type"])
	return kind == "button" || kind == "icon_button" || kind == "workflow_button"
}

func (f found) isMenu() bool {
	_, holds := holderOf(str(f.element["type"]))
	return holds || str(f.element["type"]) == "overflow"
}

// called: what people may call a field: its label, the text beside it, its placeholder; tests its ids too.
func (f found) called(name string) bool {
	for _, is := range []string{
		textOf(f.block["label"]), textOf(f.block["text"]), textOf(f.element["placeholder"]),
		str(f.element["action_id"]), f.blockID(),
	} {
		if is == name && is != "" {
			return true
		}
	}
	return false
}

func findAll(blocks []obj, want func(found) bool) []found {
	var out []found
	for _, block := range blocks {
		for _, e := range elements(block) {
			if f := (found{block, e}); want(f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// find is the only element that want likes; the error lists what there is.
func find(blocks []obj, want func(found) bool) (found, error) {
	all := findAll(blocks, want)
	if len(all) == 1 {
		return all[0], nil
	}
	var there []string
	for _, f := range findAll(blocks, func(found) bool { return true }) {
		name := f.text()
		if name == "" {
			name = textOf(f.block["label"])
		}
		if name == "" {
			name = textOf(f.element["placeholder"])
		}
		there = append(there, name)
	}
	if len(all) > 1 {
		return found{}, fmt.Errorf("%d of that name among %q: %w", len(all), there, ErrNotThere)
	}
	return found{}, fmt.Errorf("there is only %q: %w", there, ErrNotThere)
}

// use acts on one element: it tells the app, with value added to the action, and waits for the acknowledgement.
func (u *User) use(ctx context.Context, where func() (place, error), want func(found) bool, value func(found) obj, answers []Answer) error {
	dismissed := false
	_, err := u.s.ask(ctx, "interactive", false, func() (obj, error) {
		p, err := where()
		if err != nil {
			return nil, err
		}
		f, err := find(p.blocks(), want)
		if err != nil {
			return nil, err
		}
		if dismissed, err = decide(f.element, answers); err != nil {
			return nil, err
		}
		if dismissed {
			return nil, errDismissed
		}
		extra := obj{}
		if value != nil {
			extra = value(f)
		}
		return u.s.actionIn(p, u, f.blockID(), f.element, extra), nil
	})
	if dismissed {
		return nil
	}
	return err
}

// errDismissed ends use without telling the app anything.
var errDismissed = errors.New("dismissed")

// decide holds a person's answer against the confirm dialog, or its absence.
func decide(element obj, answers []Answer) (dismissed bool, _ error) {
	dialog := object(element["confirm"])
	switch {
	case dialog != nil && len(answers) == 0:
		return false, fmt.Errorf("it asks %q and needs an answer", strings.TrimSpace(textOf(dialog["title"])))
	case dialog == nil && len(answers) > 0:
		return false, fmt.Errorf("its confirm dialog: %w", ErrNotThere)
	}
	return len(answers) > 0 && answers[0] == Dismiss, nil
}
