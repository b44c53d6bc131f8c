package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
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

// offers is what a menu offers without asking the app.
func (s *Server) offers(p place, f found) []OptionGroup {
	var g OptionGroup
	switch kind := strings.TrimPrefix(str(f.element["type"]), "multi_"); kind {
	case "external_select":
		if p.view != nil {
			return p.view.loaded[f.blockID()+" "+str(f.element["action_id"])]
		}
		return nil
	case "users_select":
		for _, u := range s.userOrder {
			g.Options = append(g.Options, Option{Text: u.Name, Value: u.ID, raw: u.ID})
		}
	case "channels_select", "conversations_select":
		for _, c := range s.channelOrder {
			if kind == "conversations_select" || c.Kind == Public {
				g.Options = append(g.Options, Option{Text: c.Name, Value: c.ID, raw: c.ID})
			}
		}
	default:
		return groupsOf(f.element)
	}
	return []OptionGroup{g}
}

func isExternal(element obj) bool { return strings.HasSuffix(str(element["type"]), "external_select") }

// optionsIn opens a menu and types a query into it.
func (u *User) optionsIn(ctx context.Context, where func() (place, error), menu, query string) ([]OptionGroup, error) {
	s := u.s
	var p place
	var f found
	var there []OptionGroup // of a menu that asks nobody
	answer, err := s.ask(ctx, "interactive", true, func() (_ obj, err error) {
		if p, err = where(); err != nil {
			return nil, err
		}
		if f, err = find(p.blocks(), func(f found) bool { return f.isMenu() && f.called(menu) }); err != nil {
			return nil, err
		}
		if !isExternal(f.element) {
			there = s.offers(p, f)
			return nil, errDismissed
		}
		least := 3 // https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
		if v, given := f.element["min_query_length"]; given {
			least = int(number(v))
		}
		if utf8.RuneCountInString(query) < least {
			return nil, fmt.Errorf("%w: %d at least", ErrQueryTooShort, least)
		}
		return s.suggestionIn(p, u, f.blockID(), f.element, query), nil
	})
	if errors.Is(err, errDismissed) {
		return containing(there, query), nil
	}
	if err != nil {
		return nil, fmt.Errorf("the options of %q: %w", menu, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var said any
	_ = json.Unmarshal(answer, &said) // what is no JSON has no options and is refused below
	if problems := s.kit.checkOptions(said); len(problems) > 0 {
		s.violate(BadAnswer, "block_suggestion for %q: %s", query, strings.Join(problems, "; "))
		return nil, fmt.Errorf("the options of %q: %w", menu, ErrBadAnswer)
	}
	groups := groupsOf(object(said))
	if p.view != nil {
		p.view.loaded[f.blockID()+" "+str(f.element["action_id"])] = groups
	}
	return groups, nil
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
	return u.enter(ctx, where, entry{field: menu, dispatch: true, answers: answers, value: func(h holder, old any) any {
		if !h.many {
			return choice.raw
		}
		chosen := list(old)
		same := func(v any) bool { return string(raw(v)) == string(raw(choice.raw)) }
		if slices.ContainsFunc(chosen, same) { // choosing it again takes it away
			return slices.DeleteFunc(slices.Clone(chosen), same)
		}
		return append(slices.Clone(chosen), choice.raw)
	}})
}

func (u *User) lookIn(where func() (place, error), menu string) ([]OptionGroup, bool, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	p, err := where()
	if err != nil {
		return nil, false, err
	}
	f, err := find(p.blocks(), func(f found) bool { return f.isMenu() && f.called(menu) })
	if err != nil {
		return nil, false, err
	}
	return u.s.offers(p, f), isExternal(f.element), nil
}

// entry is one change that a person makes to a field.
type entry struct {
	field    string
	value    func(h holder, old any) any
	dispatch bool // the change is one that tells the app, where the block wants that
	answers  []Answer
}

// enter changes a field and, where the app is to be told of it, tells it and waits for the acknowledgement.
func (u *User) enter(ctx context.Context, where func() (place, error), in entry) error {
	_, err := u.s.ask(ctx, "interactive", false, func() (obj, error) {
		p, err := where()
		if err != nil {
			return nil, err
		}
		f, err := find(p.blocks(), func(f found) bool { return f.isMenu() && f.called(in.field) })
		if err != nil {
			return nil, err
		}
		dismissed, err := decide(f.element, in.answers)
		if err != nil {
			return nil, err
		}
		if dismissed {
			return nil, errDismissed
		}
		h, holds := holderOf(str(f.element["type"]))
		value := in.value(h, p.state().get(f.blockID(), f.element))
		if !holds { // an overflow menu keeps nothing
			h = holder{key: "selected_option"}
		} else {
			p.state().set(f.blockID(), f.element, h, value)
		}
		if p.view != nil {
			delete(p.view.errors, f.blockID())
		}
		u.s.changed()
		if isInput := str(f.block["type"]) == "input"; isInput && (!in.dispatch || !truth(f.block["dispatch_action"])) {
			return nil, errDismissed
		}
		return u.s.actionIn(p, u, f.blockID(), f.element, obj{h.key: clone(value)}), nil
	})
	if err != nil && !errors.Is(err, errDismissed) {
		return fmt.Errorf("entering %q: %w", in.field, err)
	}
	return nil
}
