package slacktest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// This file is the one way in which a person uses an element, found by the words on it or by its ids.

// found is an element in its block.
type found struct {
	block, element obj
}

func (f found) blockID() string  { return str(f.block["block_id"]) }
func (f found) actionID() string { return str(f.element["action_id"]) }
func (f found) kind() string     { return str(f.element["type"]) }
func (f found) text() string     { return textOf(f.element["text"]) }

func (f found) isButton() bool {
	return f.kind() == "button" || f.kind() == "icon_button" || f.kind() == "workflow_button"
}

// isField: it keeps what is entered or chosen, until a submission tells the app.
func (f found) isField() bool {
	_, holds := holderOf(f.kind())
	return holds
}

func (f found) isMenu() bool { return f.isField() || f.kind() == "overflow" }

// called: what people may call a field: its label, the text beside it, its placeholder; tests its ids too.
func (f found) called(name string) bool {
	for _, is := range []string{
		textOf(f.block["label"]), textOf(f.block["text"]), textOf(f.element["placeholder"]), f.actionID(), f.blockID(),
	} {
		if is == name && is != "" {
			return true
		}
	}
	return false
}

// action is what block_actions says of the value that was chosen or entered.
func (f found) action(value any) obj {
	h, holds := holderOf(f.kind())
	switch {
	case holds:
		return obj{h.key: clone(value)}
	case f.kind() == "overflow":
		return obj{"selected_option": clone(value)}
	case f.kind() == "feedback_buttons":
		return clone(object(value)) // the one of the two that was pressed: its text and its value
	default:
		return obj{}
	}
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

// gesture is one thing that a person does to an element.
type gesture struct {
	on    func(found) bool
	value func(place, found) (any, error) // what is chosen or entered; nil for a button
	// typing tells the app nothing while it goes on in an input block.
	typing bool

	answers []Answer // to the confirm dialog
	asked   bool     // a client has shown that dialog itself and sends only what was confirmed
}

// use does a gesture: it stores the value and, unless the element is in an input block that keeps it to itself,
// tells the app and waits for the acknowledgement.
func (u *User) use(ctx context.Context, where func() (place, error), g gesture) error {
	_, err := u.s.ask(ctx, "interactive", false, func() (obj, error) {
		p, err := where()
		if err != nil {
			return nil, err
		}
		f, err := find(p.blocks(), g.on)
		if err != nil {
			return nil, err
		}
		if !g.asked {
			if err := decide(f.element, g.answers); err != nil {
				return nil, err
			}
		}
		var value any
		if g.value != nil {
			if value, err = g.value(p, f); err != nil {
				return nil, err
			}
		}
		p.keep(f, value)
		u.s.changed()
		if isInput := str(f.block["type"]) == "input"; isInput && (g.typing || !truth(f.block["dispatch_action"])) {
			return nil, errDismissed
		}
		return u.s.actionIn(p, u, f, value), nil
	})
	return ignoreDismissed(err)
}

// keep stores the value of an element. What was wrong with the one before does not stand under it any more.
func (p place) keep(f found, value any) {
	h, holds := holderOf(f.kind())
	if !holds || cmp.Equal(p.state().get(f.blockID(), f.element), value) {
		return
	}
	p.state().set(f.blockID(), f.element, h, value)
	if p.view != nil {
		delete(p.view.errors, f.blockID())
	}
}

// errDismissed ends a gesture without telling the app anything.
var errDismissed = errors.New("dismissed")

func ignoreDismissed(err error) error {
	if errors.Is(err, errDismissed) {
		return nil
	}
	return err
}

// decide holds a person's answer against the confirm dialog, or its absence.
func decide(element obj, answers []Answer) error {
	dialog := object(element["confirm"])
	switch {
	case dialog != nil && len(answers) == 0:
		return fmt.Errorf("it asks %q and needs an answer", strings.TrimSpace(textOf(dialog["title"])))
	case dialog == nil && len(answers) > 0:
		return fmt.Errorf("its confirm dialog: %w", ErrNotThere)
	case len(answers) > 0 && answers[0] == Dismiss:
		return errDismissed
	default:
		return nil
	}
}
