package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Modal is a modal that is or was open for a person. Its methods tell what it shows now.
type Modal struct {
	u *User
	v *view
}

// Modal waits until a modal is open for the person and returns the one on top.
func (u *User) Modal(ctx context.Context) (*Modal, error) {
	var top *Modal
	err := u.s.Wait(ctx, func() bool {
		top = u.OpenModal()
		return top != nil
	})
	if err != nil {
		return nil, fmt.Errorf("a modal for %s: %w", u.Name, err)
	}
	return top, nil
}

// OpenModal returns the modal on top, or nil when none is open.
func (u *User) OpenModal() *Modal {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	stack := u.s.stacks[u.ID]
	if len(stack) == 0 {
		return nil
	}
	return &Modal{u, stack[len(stack)-1]}
}

func (m *Modal) where() (place, error) { return m.u.inView(m.v.id)() }

// ID is the view's id.
func (m *Modal) ID() string { return m.v.id }

// IsOpen tells if the modal is still open.
func (m *Modal) IsOpen() bool {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	return !m.v.closed
}

// Title is the modal's title.
func (m *Modal) Title() string { return m.word("title") }

// SubmitText is the text on the submit button, "" when there is none.
func (m *Modal) SubmitText() string { return m.word("submit") }

func (m *Modal) word(name string) string {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	return textOf(m.v.definition[name])
}

// PrivateMetadata is what the app keeps in the view, unseen by the person.
func (m *Modal) PrivateMetadata() string {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	return str(m.v.definition["private_metadata"])
}

// JSON is the view as payloads carry it, with its state.
func (m *Modal) JSON() json.RawMessage {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	return raw(m.u.s.viewObject(m.v, true))
}

// Text draws the modal as the person reads it. See read.go for how things are drawn.
func (m *Modal) Text() string {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	d := m.u.drawer(m.v)
	lines := []string{"# " + textOf(m.v.definition["title"])}
	if m.v.notice != "" {
		lines = append(lines, "! "+m.v.notice)
	}
	lines = append(lines, d.blocks(m.v.blocks())...)
	closing := textOf(m.v.definition["close"])
	if closing == "" {
		closing = "Cancel"
	}
	buttons := "[" + closing + "]"
	if submit := textOf(m.v.definition["submit"]); submit != "" {
		buttons += " [" + submit + "]"
	}
	return strings.Join(append(lines, buttons), "\n")
}

func (u *User) drawer(v *view) drawer {
	return drawer{names: u.s.names, at: u.s.cfg.Now().In(u.Location()), state: v.state, errors: v.errors}
}

// Field is one input of a modal.
type Field struct {
	Label       string
	Hint        string
	Placeholder string
	Kind        string // the element's type, such as external_select
	Value       string // what is entered or chosen, as the person reads it; several joined by ", "
	Error       string // what stands under it
	Optional    bool
	BlockID     string
	ActionID    string
}

// Fields returns the inputs in order: input blocks, and what holds a value in section and actions blocks.
func (m *Modal) Fields() []Field {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	d := m.u.drawer(m.v)
	var out []Field
	for _, f := range findAll(m.v.blocks(), found.isMenu) {
		label := textOf(f.block["label"])
		if label == "" {
			label = textOf(f.block["text"])
		}
		out = append(out, Field{
			Label: label, Hint: textOf(f.block["hint"]), Placeholder: textOf(f.element["placeholder"]),
			Kind: f.kind(), Value: d.value(f.blockID(), f.element), Error: m.v.errors[f.blockID()],
			Optional: truth(f.block["optional"]), BlockID: f.blockID(), ActionID: f.actionID(),
		})
	}
	return out
}

// Value is what the field of that label (or placeholder, where there is no label, or id) shows; "" when it is
// empty or not there.
func (m *Modal) Value(label string) string {
	for _, f := range m.Fields() {
		if f.Label == label || f.Placeholder == label || f.ActionID == label || f.BlockID == label {
			return f.Value
		}
	}
	return ""
}

// Buttons returns the buttons inside the modal, without submit and close.
func (m *Modal) Buttons() []Button {
	m.u.s.mu.Lock()
	defer m.u.s.mu.Unlock()
	return buttonsOf(m.v.blocks(), m.u.s.names)
}

// Options opens the menu of that label, types the query and returns what the person then sees. An external
// menu asks the app with block_suggestion, once the query has the menu's min_query_length.
func (m *Modal) Options(ctx context.Context, label, query string) ([]OptionGroup, error) {
	return m.u.optionsIn(ctx, m.where, label, query)
}

// Choose takes the option with this text from a menu, radio buttons or checkboxes (where choosing again takes
// it away). In an external menu an option that is not on screen is looked for by typing its text. With
// dispatch_action the app is told, and Choose returns when it has acknowledged that.
func (m *Modal) Choose(ctx context.Context, label, option string, answers ...Answer) error {
	return m.u.chooseIn(ctx, m.where, label, "", option, answers)
}

// ChooseIn is Choose for an option whose text is in several groups.
func (m *Modal) ChooseIn(ctx context.Context, label, group, option string) error {
	return m.u.chooseIn(ctx, m.where, label, group, option, nil)
}

// Clear empties a menu.
func (m *Modal) Clear(ctx context.Context, label string) error {
	return m.u.enter(ctx, m.where, label, gesture{value: changing(func(h holder, _ any) any { return h.empty() })})
}

// Fill types a text into a field, in place of what was there; a date as 2006-01-02, a time as 15:04.
func (m *Modal) Fill(label, text string) error {
	return m.u.enter(context.Background(), m.where, label, gesture{value: typed(text), typing: true})
}

// FillAndEnter is Fill and the enter key, which tells the app where the block has dispatch_action. It returns
// when the app has acknowledged that.
func (m *Modal) FillAndEnter(ctx context.Context, label, text string) error {
	return m.u.enter(ctx, m.where, label, gesture{value: typed(text)})
}

func typed(text string) func(place, found) (any, error) {
	return changing(func(h holder, _ any) any {
		if text == "" {
			return nil
		}
		if h.key == "selected_date_time" {
			n, _ := strconv.ParseFloat(text, 64)
			return n
		}
		return text
	})
}

// Click presses a button inside the modal and returns when the app has acknowledged it.
func (m *Modal) Click(ctx context.Context, button string, answers ...Answer) error {
	return m.u.click(ctx, m.where, button, answers)
}

// WaitUpdate returns once ok likes the modal: after the app has updated it, say.
func (m *Modal) WaitUpdate(ctx context.Context, ok func(*Modal) bool) error {
	return m.u.s.Wait(ctx, func() bool { return ok(m) })
}

// Close presses the close button. With notify_on_close the app is told, and Close returns when it has
// acknowledged that; with clear_on_close the modals below go too.
func (m *Modal) Close(ctx context.Context) error {
	_, err := m.u.s.ask(ctx, "interactive", false, func() (obj, error) {
		if _, err := m.where(); err != nil {
			return nil, err
		}
		cleared := m.v.flag("clear_on_close")
		payload := m.u.s.closedPayload(m.v, cleared)
		if cleared {
			m.u.s.shutAll(m.u)
		} else {
			m.u.s.shut(m.v)
		}
		if !m.v.flag("notify_on_close") {
			return nil, errDismissed
		}
		return payload, nil
	})
	return ignoreDismissed(err)
}
