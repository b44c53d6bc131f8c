package slacktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// Option is an entry of a menu as a person sees it, with the value that stands for it.
type Option struct {
	Text        string
	Description string
	Value       string

	raw any // what the state keeps: the option object, or an id in menus of people and channels
}

// OptionGroup is a part of a menu; its Label is empty where the options stand alone.
type OptionGroup struct {
	Label   string
	Options []Option
}

func groupsOf(o obj) []OptionGroup {
	options := func(v any) []Option {
		var out []Option
		for _, opt := range objects(v) {
			out = append(out, Option{Text: textOf(opt["text"]), Description: textOf(opt["description"]), Value: str(opt["value"]), raw: clone(opt)})
		}
		return out
	}
	if _, grouped := o["option_groups"]; !grouped {
		return []OptionGroup{{Options: options(o["options"])}}
	}
	var out []OptionGroup
	for _, g := range objects(o["option_groups"]) {
		out = append(out, OptionGroup{Label: textOf(g["label"]), Options: options(g["options"])})
	}
	return out
}

// offers is what a menu offers the person without asking the app: people, conversations that the person may look
// into, what the blocks list, or what the app last answered.
func (u *User) offers(p place, f found) []OptionGroup {
	var g OptionGroup
	switch kind := strings.TrimPrefix(f.kind(), "multi_"); kind {
	case "external_select":
		return p.loaded().last(f.of(u))
	case "users_select":
		for _, other := range u.s.userOrder {
			g.Options = append(g.Options, Option{Text: other.Name, Value: other.ID, raw: other.ID})
		}
	case "channels_select", "conversations_select":
		for _, c := range u.s.channelOrder {
			if c.mayRead(u) && (kind == "conversations_select" || c.Kind == Public) {
				g.Options = append(g.Options, Option{Text: c.Name, Value: c.ID, raw: c.ID})
			}
		}
	default:
		return groupsOf(f.element)
	}
	return []OptionGroup{g}
}

// containing is how Slack itself narrows a static menu.
func containing(groups []OptionGroup, query string) []OptionGroup {
	var out []OptionGroup
	for _, g := range groups {
		g.Options = slices.DeleteFunc(slices.Clone(g.Options), func(o Option) bool {
			return !strings.Contains(strings.ToLower(o.Text), strings.ToLower(query))
		})
		if len(g.Options) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// pick is the only option of that text, in that group when one is named.
func pick(groups []OptionGroup, group, text string) (Option, error) {
	var hits []Option
	var there []string
	for _, g := range groups {
		for _, o := range g.Options {
			there = append(there, o.Text)
			if o.Text == text && (group == "" || g.Label == group) {
				hits = append(hits, o)
			}
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return Option{}, fmt.Errorf("the option %q, there is only %q: %w", text, there, ErrNotThere)
	default:
		return Option{}, fmt.Errorf("the option %q is there %d times: choose by group", text, len(hits))
	}
}

// chooseIn takes an option. In an external menu a person who does not see it types its text first.
func (u *User) chooseIn(ctx context.Context, where func() (place, error), menu, group, text string, answers []Answer) error {
	groups, external, err := u.lookIn(where, menu)
	if err != nil {
		return fmt.Errorf("choosing %q: %w", text, err)
	}
	choice, err := pick(groups, group, text)
	if errors.Is(err, ErrNotThere) && external {
		if groups, err = u.optionsIn(ctx, where, menu, text); err == nil {
			choice, err = pick(groups, group, text)
		}
	}
	if err != nil {
		return fmt.Errorf("choosing %q from %q: %w", text, menu, err)
	}
	return u.enter(ctx, where, menu, gesture{answers: answers, value: changing(func(h holder, old any) any {
		if !h.many {
			return choice.raw
		}
		chosen := list(old)
		same := func(v any) bool { return cmp.Equal(v, choice.raw) }
		if slices.ContainsFunc(chosen, same) { // choosing it again takes it away
			return slices.DeleteFunc(slices.Clone(chosen), same)
		}
		return append(slices.Clone(chosen), choice.raw)
	})})
}

// lookIn is what the menu of that name offers without asking the app, and whether the app can be asked.
func (u *User) lookIn(where func() (place, error), menu string) ([]OptionGroup, bool, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	p, err := where()
	if err != nil {
		return nil, false, err
	}
	f, err := find(p.blocks(), named(menu))
	if err != nil {
		return nil, false, err
	}
	return u.offers(p, f), f.isExternal(), nil
}

func named(name string) func(found) bool {
	return func(f found) bool { return f.isMenu() && f.called(name) }
}

// enter changes the field of that name.
func (u *User) enter(ctx context.Context, where func() (place, error), name string, g gesture) error {
	g.on = named(name)
	if err := u.use(ctx, where, g); err != nil {
		return fmt.Errorf("entering %q: %w", name, err)
	}
	return nil
}

// changing makes a gesture's value out of the one before.
func changing(value func(h holder, old any) any) func(place, found) (any, error) {
	return func(p place, f found) (any, error) {
		h, _ := holderOf(f.kind())
		return value(h, p.state().get(f.blockID(), f.element)), nil
	}
}
