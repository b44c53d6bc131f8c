package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// menu is an external menu as one person has it open: every person gets answers of their own.
type menu struct {
	user, block, action string
}

func (f found) of(u *User) menu { return menu{u.ID, f.blockID(), f.actionID()} }

func (f found) isExternal() bool { return strings.HasSuffix(f.kind(), "external_select") }

// loaded is what the app answered for external menus so far, the newest last.
type loaded map[menu][][]OptionGroup

// maxAnswers is how many answers one menu keeps. It bounds the memory of a long session, an answer being no
// larger than an acknowledgement, and is more than anybody types before choosing.
const maxAnswers = 100

func (l loaded) add(m menu, groups []OptionGroup) {
	l[m] = append(l[m], groups)
	if n := len(l[m]); n > maxAnswers {
		l[m] = l[m][n-maxAnswers:]
	}
}

func (l loaded) last(m menu) []OptionGroup {
	if n := len(l[m]); n > 0 {
		return l[m][n-1]
	}
	return nil
}

// optionsIn opens a menu and types a query into it.
func (u *User) optionsIn(ctx context.Context, where func() (place, error), menu, query string) ([]OptionGroup, error) {
	groups, external, err := u.lookIn(where, menu)
	if err == nil && external {
		groups, _, err = u.suggest(ctx, where, named(menu), query)
	}
	if err != nil {
		return nil, fmt.Errorf("the options of %q: %w", menu, err)
	}
	if !external {
		return containing(groups, query), nil
	}
	return groups, nil
}

// suggest asks the app what an external menu offers for a query. The answer comes as it is, too, once it is
// checked and kept.
func (u *User) suggest(
	ctx context.Context, where func() (place, error), want func(found) bool, query string,
) ([]OptionGroup, json.RawMessage, error) {
	s := u.s
	var p place
	var f found
	answer, err := s.ask(ctx, "interactive", true, func() (_ obj, err error) {
		if p, err = where(); err != nil {
			return nil, err
		}
		if f, err = find(p.blocks(), want); err != nil {
			return nil, err
		}
		if !f.isExternal() {
			return nil, fmt.Errorf("a %s that asks the app: %w", f.kind(), ErrNotThere)
		}
		least := 3 // https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
		if v, given := f.element["min_query_length"]; given {
			least = int(number(v))
		}
		if utf8.RuneCountInString(query) < least {
			return nil, fmt.Errorf("%w: %d at least", ErrQueryTooShort, least)
		}
		return s.suggestionIn(p, u, f, query), nil
	})
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var said any
	_ = json.Unmarshal(answer, &said) // what is no JSON has no options and is refused below
	if problems := s.kit.checkOptions(said); len(problems) > 0 {
		s.violate(BadAnswer, "block_suggestion for %q: %s", query, strings.Join(problems, "; "))
		return nil, nil, ErrBadAnswer
	}
	groups := groupsOf(object(said))
	p.loaded().add(f.of(u), groups)
	return groups, answer, nil
}
