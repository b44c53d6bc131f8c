package slacktest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file is the language in which kit_table.go writes down Block Kit's rules: a check looks at one value
// and reports what Slack would refuse, with Slack's sentences and a JSON pointer.

// check looks at the value v found at the JSON pointer at.
type check func(c *checker, at string, v any)

// field is a field of an object; without a check anything goes.
type field struct {
	required bool
	check    check
}

// shape is an object: which fields it may have, where it may stand, and rules between its fields.
type shape struct {
	fields   map[string]field
	surfaces []string // modal, home, message; all when empty
	also     []check  // get an obj
}

// checker is one look at one view or message.
type checker struct {
	kit      kit
	surface  string
	problems []string
	blockIDs map[string]bool
	focused  bool
	markdown int
	tables   int
}

func (c *checker) report(at, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", fmt.Sprintf(format, args...), at))
}

func required(k check) field { return field{true, k} }
func optional(k check) field { return field{false, k} }

// is checks an object of one shape.
func is(sh shape) check {
	return func(c *checker, at string, v any) {
		o, ok := v.(obj)
		if !ok {
			c.report(at, "must provide an object")
			return
		}
		if len(sh.surfaces) > 0 && !slices.Contains(sh.surfaces, c.surface) {
			c.report(at, "unsupported type: %s in a %s", str(o["type"]), c.surface)
			return
		}
		for _, name := range sortedKeys(o) {
			f, known := sh.fields[name]
			switch {
			case !known:
				c.report(at, "invalid additional property: %s", name)
			case o[name] == nil:
				c.report(at+"/"+name, "must not be null")
			case f.check != nil:
				f.check(c, at+"/"+name, o[name])
			}
		}
		for _, name := range sortedKeys(sh.fields) {
			if _, there := o[name]; sh.fields[name].required && !there {
				c.report(at, "missing required field: %s", name)
			}
		}
		for _, k := range sh.also {
			k(c, at, o)
		}
	}
}

// one checks an object whose type is one of those named, by the shape of that type.
func one(shapes func(kit) map[string]shape, types ...string) check {
	return func(c *checker, at string, v any) {
		o, ok := v.(obj)
		if !ok {
			c.report(at, "must provide an object")
			return
		}
		kind := str(o["type"])
		sh, known := shapes(c.kit)[kind]
		if !known || len(types) > 0 && !slices.Contains(types, kind) {
			c.report(at, "unsupported type: %s", kind)
			return
		}
		is(sh)(c, at, v)
	}
}

// many checks a list of least to most items.
func many(least, most int, item check) check {
	return func(c *checker, at string, v any) {
		l, ok := v.([]any)
		if !ok {
			c.report(at, "must provide an array")
			return
		}
		if len(l) < least {
			c.report(at, "no less than %d items required", least)
		}
		if len(l) > most {
			c.report(at, "no more than %d items allowed", most)
		}
		for i, x := range l {
			item(c, fmt.Sprintf("%s/%d", at, i), x)
		}
	}
}

// chars checks a string of least to most characters.
func chars(least, most int) check {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		n := utf8.RuneCountInString(s)
		switch {
		case !ok:
			c.report(at, "must be a string")
		case n < least:
			c.report(at, "must be more than %d characters", least-1)
		case n > most:
			c.report(at, "must be less than %d characters", most+1)
		}
	}
}

// plain checks a text object that must be plain_text; either one that may be mrkdwn too
// (https://docs.slack.dev/reference/block-kit/composition-objects/text-object).
func plain(most int) check {
	return textObject(map[string]field{"type": required(enum("plain_text")), "text": required(chars(1, most)), "emoji": optional(boolean)})
}

func either(most int) check {
	return func(c *checker, at string, v any) {
		if str(object(v)["type"]) == "mrkdwn" {
			styled(most)(c, at, v)
			return
		}
		plain(most)(c, at, v)
	}
}

func styled(most int) check {
	return textObject(map[string]field{"type": required(enum("mrkdwn")), "text": required(chars(1, most)), "verbatim": optional(boolean)})
}

func textObject(fields map[string]field) check { return is(shape{fields: fields}) }

func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.report(at, "must be a boolean")
	}
}

// within checks a whole number.
func within(least, most float64) check {
	return func(c *checker, at string, v any) {
		n, ok := v.(float64)
		if !ok || n != float64(int64(n)) {
			c.report(at, "must be an integer")
			return
		}
		if n < least || n > most {
			c.report(at, "must be between %v and %v", least, most)
		}
	}
}

func enum(values ...string) check {
	return func(c *checker, at string, v any) {
		if !slices.Contains(values, str(v)) {
			c.report(at, "must be a valid enum value")
		}
	}
}

// link checks an absolute URL, of 3000 characters at most like all of them.
func link(c *checker, at string, v any) {
	chars(1, 3000)(c, at, v)
	u, err := url.Parse(str(v))
	if err != nil || u.Scheme == "" || u.Host == "" && u.Scheme != "mailto" {
		c.report(at, "must be a valid URL")
	}
}

// exactlyOne wants one of the fields and not the others.
func exactlyOne(fields ...string) check {
	return func(c *checker, at string, v any) {
		n := 0
		for _, f := range fields {
			if _, there := object(v)[f]; there {
				n++
			}
		}
		if n != 1 {
			c.report(at, "must provide exactly one of: %s", strings.Join(fields, ", "))
		}
	}
}

// atLeastOne wants any of the fields.
func atLeastOne(fields ...string) check {
	return func(c *checker, at string, v any) {
		for _, f := range fields {
			if _, there := object(v)[f]; there {
				return
			}
		}
		c.report(at, "must provide at least one of: %s", strings.Join(fields, ", "))
	}
}

// with joins field tables; the later ones win.
func with(tables ...map[string]field) map[string]field {
	out := map[string]field{}
	for _, t := range tables {
		for name, f := range t {
			out[name] = f
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
