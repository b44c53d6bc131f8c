package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Home is the app's home tab as a person finds it.
type Home struct {
	u *User
	v *view
}

// OpenHome goes to the app's home tab. The app is told with app_home_opened, if it subscribed to that;
// OpenHome returns when it has acknowledged it.
func (u *User) OpenHome(ctx context.Context) error {
	s := u.s
	s.mu.Lock()
	if !slices.Contains(s.cfg.Events, "app_home_opened") {
		s.mu.Unlock()
		return nil
	}
	event := obj{"type": "app_home_opened", "user": u.ID, "channel": s.direct(u, s.bot).ID, "tab": "home", "event_ts": s.ts()}
	if v := s.homes[u.ID]; v != nil {
		event["view"] = s.viewObject(v, true)
	}
	e := s.event(event)
	s.mu.Unlock()
	if _, err := s.await(ctx, e); err != nil {
		return fmt.Errorf("opening the home tab: %w", err)
	}
	return nil
}

// Home returns what the app has published for the person; nil before it did.
func (u *User) Home() *Home {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	if v := u.s.homes[u.ID]; v != nil {
		return &Home{u, v}
	}
	return nil
}

func (h *Home) where() (place, error) { return h.u.inView(h.v.id)() }

// ID is the view's id.
func (h *Home) ID() string { return h.v.id }

// JSON is the view as payloads carry it, with its state.
func (h *Home) JSON() json.RawMessage {
	h.u.s.mu.Lock()
	defer h.u.s.mu.Unlock()
	return raw(h.u.s.viewObject(h.v, true))
}

// Text draws the tab as the person reads it.
func (h *Home) Text() string {
	h.u.s.mu.Lock()
	defer h.u.s.mu.Unlock()
	return strings.Join(h.u.drawer(h.v).blocks(h.v.blocks()), "\n")
}

// Buttons returns the buttons in order.
func (h *Home) Buttons() []Button {
	h.u.s.mu.Lock()
	defer h.u.s.mu.Unlock()
	return buttonsOf(h.v.blocks(), h.u.s.names)
}

// Click presses a button and returns when the app has acknowledged it.
func (h *Home) Click(ctx context.Context, button string, answers ...Answer) error {
	return h.u.click(ctx, h.where, button, answers)
}

// Choose takes an option from a menu and returns when the app has acknowledged it.
func (h *Home) Choose(ctx context.Context, menu, option string, answers ...Answer) error {
	return h.u.chooseIn(ctx, h.where, menu, "", option, answers)
}
