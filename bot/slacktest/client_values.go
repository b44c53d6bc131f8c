package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sent reads the value that a client sent for an element, as the state keeps it. It refuses what a person cannot
// have entered or chosen there.
func (u *User) sent(p place, f found, value json.RawMessage) (any, error) {
	var v any
	if len(value) > 0 {
		if err := json.Unmarshal(value, &v); err != nil {
			return nil, fmt.Errorf("reading the value: %w", err)
		}
	}
	h, holds := holderOf(f.kind())
	switch {
	case f.isButton() && v == nil:
		return nil, nil
	case f.isButton():
		return nil, f.refuse("no value", v)
	case f.kind() == "feedback_buttons":
		return f.pressed(v)
	case !f.isMenu():
		return nil, fmt.Errorf("a %s that people can use: %w", f.kind(), ErrNotThere)
	case holds && (v == nil || v == ""):
		return h.empty(), nil
	case v == nil:
		return nil, f.refuse("one of its options", v)
	}
	switch h.key {
	case "value":
		return f.written(v)
	case "rich_text_value":
		return f.styled(u.s.kit, v)
	case "selected_date":
		return f.timed(v, time.DateOnly)
	case "selected_time":
		return f.timed(v, "15:04")
	case "selected_date_time":
		return f.moment(v)
	}
	if h.many {
		return u.chosen(p, f, v)
	}
	return v, u.offered(p, f, v)
}

// refuse tells a client what it should have sent.
func (f found) refuse(want string, got any) error {
	return fmt.Errorf("a %s takes %s, not %.200s", f.kind(), want, raw(got))
}

// pressed is the one of two feedback buttons that has the value.
func (f found) pressed(v any) (any, error) {
	for _, name := range []string{"positive_button", "negative_button"} {
		if b := object(f.element[name]); b["value"] == v && v != nil {
			return obj{"text": b["text"], "value": v}, nil
		}
	}
	return nil, fmt.Errorf("the button of the value %.200s: %w", raw(v), ErrNotThere)
}

func (f found) written(v any) (any, error) {
	if _, isText := v.(string); !isText {
		return nil, f.refuse("a text", v)
	}
	return v, nil
}

func (f found) styled(k kit, v any) (any, error) {
	c := &checker{kit: k, surface: "modal", blockIDs: map[string]bool{}}
	anyBlock("rich_text")(c, "", v)
	if len(c.problems) > 0 {
		return nil, f.refuse("a rich_text block ("+strings.Join(c.problems, "; ")+")", v)
	}
	return v, nil
}

// timed wants the whole layout: time.Parse alone takes 9:05 for 09:05.
func (f found) timed(v any, layout string) (any, error) {
	if t, err := time.Parse(layout, str(v)); err != nil || t.Format(layout) != v {
		return nil, f.refuse("a text like "+layout, v)
	}
	return v, nil
}

// moment wants seconds of 10 digits
// (https://docs.slack.dev/reference/block-kit/block-elements/datetime-picker-element).
func (f found) moment(v any) (any, error) {
	if n, isNumber := v.(float64); !isNumber || n != float64(int64(n)) || n < 1e9 || n >= 1e10 {
		return nil, f.refuse("seconds since 1970", v)
	}
	return v, nil
}

// chosen checks what is chosen where several may be.
func (u *User) chosen(p place, f found, v any) (any, error) {
	all, isList := v.([]any)
	if !isList {
		return nil, f.refuse("a list", v)
	}
	if most, limited := f.element["max_selected_items"].(float64); limited && len(all) > int(most) {
		return nil, f.refuse(fmt.Sprintf("at most %v of its options", most), v)
	}
	for i, one := range all {
		if slices.ContainsFunc(all[:i], func(other any) bool { return cmp.Equal(other, one) }) {
			return nil, f.refuse("each of its options once", v)
		}
		if err := u.offered(p, f, one); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// offered: a person chooses what the menu shows. A client may be slower than the app, so that any earlier answer
// for an external menu is good too; and it sends again what is chosen already, offered still or not.
func (u *User) offered(p place, f found, v any) error {
	groups := u.offers(p, f)
	if f.isExternal() {
		groups = slices.Concat(p.loaded()[f.of(u)]...)
	}
	value := v // an id; or the value of an option, which is quicker to compare than all of it
	if o, is := v.(obj); is {
		value = str(o["value"])
	}
	for _, g := range groups {
		for _, o := range g.Options {
			if o.Value == value && cmp.Equal(o.raw, v) {
				return nil
			}
		}
	}
	held := p.state().get(f.blockID(), f.element)
	if cmp.Equal(held, v) || slices.ContainsFunc(list(held), func(one any) bool { return cmp.Equal(one, v) }) {
		return nil
	}
	return fmt.Errorf("the option %.200s, which was not offered: %w", raw(v), ErrNotThere)
}
