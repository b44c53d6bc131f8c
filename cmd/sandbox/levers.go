package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"pipebot/bot/slacktest"
)

// lever makes something go wrong.
type lever struct {
	id, label, hint string
	side            string // gitlab, slack or bot
	kind            string // isSwitch: on until somebody turns it off; isPush: on until it is over, if that takes time

	// turn does it; false undoes what can be undone.
	turn func(ctx context.Context, on bool) error
	// span is how long a pushed one stays on.
	span time.Duration
	// spent tells that what a pushed one waited for has happened. Without it and without a span it is over at once.
	spent func() bool
	// isOn tells if the lever is on, where turning it is not all that decides that.
	isOn func() bool
}

// Kinds of levers.
const (
	isSwitch = "switch"
	isPush   = "push"
)

// position is whether a lever is on, and until when if that is known.
type position struct {
	on    bool
	until time.Time
}

// levers are all there are, with their positions.
type levers struct {
	all  []*lever
	bell *bell

	turning sync.Mutex // while a lever is turned: one after the other

	mu sync.Mutex
	at map[string]position
}

func newLevers(b *bell, all ...*lever) *levers {
	return &levers{all: all, bell: b, at: map[string]position{}}
}

// pull turns a lever for a person.
func (l *levers) pull(ctx context.Context, id string, on bool) error {
	i := slices.IndexFunc(l.all, func(v *lever) bool { return v.id == id })
	if i < 0 {
		return sorry(fmt.Sprintf("There is no lever %q here.", id))
	}
	v := l.all[i]
	l.turning.Lock()
	defer l.turning.Unlock()
	if err := v.turn(ctx, on); err != nil {
		return err
	}
	stays := v.kind == isSwitch || v.span > 0 || v.spent != nil
	now := position{on: on && stays}
	if now.on && v.span > 0 {
		now.until = time.Now().Add(v.span)
	}
	l.set(id, now)
	return nil
}

func (l *levers) set(id string, p position) {
	l.mu.Lock()
	l.at[id] = p
	l.mu.Unlock()
	l.bell.ring()
}

func (l *levers) get(id string) position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[id]
}

// keep turns off what is over, until ctx ends.
func (l *levers) keep(ctx context.Context, c changes) error {
	defer c.stop()
	for ctx.Err() == nil {
		next, err := l.settle(ctx)
		if err != nil {
			return err
		}
		c.wait(ctx, next)
	}
	return nil
}

// settle turns off the levers that are over and returns how long it is until the next one is.
func (l *levers) settle(ctx context.Context) (time.Duration, error) {
	next := time.Hour
	l.turning.Lock()
	defer l.turning.Unlock()
	for _, v := range l.all {
		p := l.get(v.id)
		if !p.on {
			continue
		}
		left := time.Until(p.until)
		if over := v.spent != nil && v.spent() || v.span > 0 && left <= 0; over {
			if err := v.turn(ctx, false); err != nil {
				return 0, fmt.Errorf("turning off %s: %w", v.id, err)
			}
			l.set(v.id, position{})
		} else if v.span > 0 {
			next = min(next, left)
		}
	}
	return next, nil
}

// left is how many seconds a lever stays on.
func (l *levers) left(id string) int {
	p := l.get(id)
	if !p.on {
		return 0
	}
	return int(max(0, time.Until(p.until)).Round(time.Second) / time.Second)
}

// shownLever is what the page is told of a lever.
type shownLever struct {
	ID    string     `json:"id"`
	Side  string     `json:"side"`
	Label string     `json:"label"`
	Hint  string     `json:"hint"`
	On    bool       `json:"on"`
	Kind  string     `json:"kind"`
	Until *time.Time `json:"until"`
	Order int        `json:"order"`
}

func (l *levers) show(d *draft) {
	for i, v := range l.all {
		p := l.get(v.id)
		if v.isOn != nil {
			p.on = v.isOn()
		}
		d.put("lever/"+v.id, shownLever{
			ID: v.id, Side: v.side, Label: v.label, Hint: v.hint, On: p.on, Kind: v.kind, Until: timeOrNull(p.until), Order: i,
		})
	}
}

func (w *world) doLever(ctx context.Context, _ *slacktest.User, r request) (answer, error) {
	var id string
	if err := decode(r.ID, &id); err != nil {
		return nil, err
	}
	return nil, w.levers.pull(ctx, id, r.On)
}
