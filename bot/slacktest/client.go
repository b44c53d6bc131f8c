package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A graphical client of the workspace acts here: it has the blocks before it and says by block_id and action_id
// what the person did to them, with the rules and the payloads of those who go by the words on the screen.

// Place is where an element is: in a message (Channel and TS), or in a modal or the home tab (View).
type Place struct {
	Channel, TS string
	View        string // the id of the view
}

// View is an open modal as a client draws it.
type View struct {
	ID     string
	Index  int               // its place in the stack, 0 at the bottom
	JSON   json.RawMessage   // the view as payloads carry it, with its state
	Errors map[string]string // what stands under the fields, by block_id
	Notice string            // what stands at the top when the app did not answer as it should, "" else
}

// OpenViews returns the person's open modals, the lowest first.
func (u *User) OpenViews() []View {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	var out []View
	for i, v := range u.s.stacks[u.ID] {
		out = append(out, View{
			ID: v.id, Index: i, JSON: raw(u.s.viewObject(v, true)), Errors: maps.Clone(v.errors), Notice: v.notice,
		})
	}
	return out
}

// Act uses an element and returns when the app has acknowledged it. In an input block without dispatch_action the
// app is told nothing, and Act is like Enter. Before it calls Act the client has asked what a confirm dialog asks.
//
// The value is null for a button; the option object for what has options, a list of them where several may be
// chosen; an id, or a list, in menus of people and conversations; a date as 2006-01-02, a time as 15:04, seconds
// since 1970 as a number in a datetimepicker; the value of the one that was pressed of feedback_buttons; else
// the text.
func (u *User) Act(ctx context.Context, at Place, blockID, actionID string, value json.RawMessage) error {
	err := u.use(ctx, u.at(at), gesture{
		on:    withIDs(blockID, actionID),
		value: func(p place, f found) (any, error) { return u.sent(p, f, value) },
		asked: true,
	})
	if err != nil {
		return fmt.Errorf("using %q in %q: %w", actionID, blockID, err)
	}
	return nil
}

// Suggest asks the app what an external menu offers for a query, once that has the menu's min_query_length, and
// returns the app's answer as it is: an object with options or option_groups.
func (u *User) Suggest(ctx context.Context, at Place, blockID, actionID, query string) (json.RawMessage, error) {
	_, answer, err := u.suggest(ctx, u.at(at), withIDs(blockID, actionID), query)
	if err != nil {
		return nil, fmt.Errorf("the options of %q in %q: %w", actionID, blockID, err)
	}
	return answer, nil
}

// Enter stores what a person entered in a modal or the home tab, by block_id and action_id, and tells the app
// nothing. The values are those of Act. All of them are stored or, with an error, none.
func (u *User) Enter(viewID string, values map[string]map[string]json.RawMessage) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	p, err := u.inView(viewID)()
	if err != nil {
		return err
	}
	var store []func()
	for _, blockID := range slices.Sorted(maps.Keys(values)) {
		for _, actionID := range slices.Sorted(maps.Keys(values[blockID])) {
			f, err := find(p.blocks(), func(f found) bool { return f.isField() && withIDs(blockID, actionID)(f) })
			if err != nil {
				return fmt.Errorf("entering %q in %q: %w", actionID, blockID, err)
			}
			value, err := u.sent(p, f, values[blockID][actionID])
			if err != nil {
				return fmt.Errorf("entering %q in %q: %w", actionID, blockID, err)
			}
			store = append(store, func() { p.keep(f, value) })
		}
	}
	for _, do := range store {
		do()
	}
	u.s.changed()
	return nil
}

// SubmitView is Modal.Submit by the id of an open modal.
func (u *User) SubmitView(ctx context.Context, viewID string) (SubmitResult, error) {
	m, err := u.modal(viewID)
	if err != nil {
		return SubmitResult{}, fmt.Errorf("submitting: %w", err)
	}
	r, byBlock, err := m.submit(ctx, false)
	r.ErrorsByBlock = byBlock
	return r, err
}

// CloseView is Modal.Close by the id of an open modal.
func (u *User) CloseView(ctx context.Context, viewID string) error {
	m, err := u.modal(viewID)
	if err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return m.Close(ctx)
}

func (u *User) modal(id string) (*Modal, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	for _, v := range u.s.stacks[u.ID] {
		if v.id == id {
			return &Modal{u, v}, nil
		}
	}
	return nil, fmt.Errorf("the modal %s: %w", id, ErrNotThere)
}

// at finds a place of a client, if the person sees it.
func (u *User) at(p Place) func() (place, error) {
	if p.View != "" {
		return u.inView(p.View)
	}
	return func() (place, error) { return u.inMessage(Message{TS: p.TS, Channel: u.s.channels[p.Channel]})() }
}

// inView finds an open modal or the home tab of the person.
func (u *User) inView(id string) func() (place, error) {
	return func() (place, error) {
		v := u.s.views[id]
		if v == nil || v.closed || v.user != u {
			return place{}, fmt.Errorf("the view %s: %w", id, ErrNotThere)
		}
		return place{view: v}, nil
	}
}

func withIDs(blockID, actionID string) func(found) bool {
	return func(f found) bool { return f.blockID() == blockID && f.actionID() == actionID }
}
