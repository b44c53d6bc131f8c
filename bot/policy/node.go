package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader reads the YAML of a policy file and collects what is wrong with it.
type reader struct{ faults []fault }

// fault is one thing that is wrong, and where.
type fault struct {
	line int
	text string
}

// fault notes what is wrong with a node. The path says which it is: rules[3].then.
func (r *reader) fault(n *yaml.Node, path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	r.faults = append(r.faults, fault{n.Line, text})
}

// err joins all faults, one a line, in the order of their lines.
func (r *reader) err() error {
	slices.SortStableFunc(r.faults, func(a, b fault) int { return a.line - b.line })
	errs := make([]error, 0, len(r.faults))
	for _, f := range r.faults {
		errs = append(errs, fmt.Errorf("line %d: %s", max(f.line, 1), f.text))
	}
	return errors.Join(errs...)
}

// plain refuses anchors and aliases. So a file says what it says where it says it,
// and is as large as it looks.
func (r *reader) plain(n *yaml.Node) {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		r.fault(n, "", "anchors and aliases (& and *) are not taken here; write a pattern that begins with * in quotes")
	}
	for _, child := range n.Content {
		r.plain(child)
	}
}

// entry is a value of a mapping.
type entry struct {
	name       string
	key, value *yaml.Node
}

// entries are those of a mapping, each key once.
func (r *reader) entries(n *yaml.Node, path string) []entry {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "it has to be a mapping of keys to values, and is %s", what(n))
		return nil
	}
	lines := make(map[string]int)
	var list []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := r.text(key, path)
		if !ok {
			continue
		}
		if line, twice := lines[name]; twice {
			r.fault(key, path, "%s is there twice, first on line %d", shown(name), line)
			continue
		}
		lines[name] = key.Line
		list = append(list, entry{name, key, value})
	}
	return list
}

// fields reads each entry of a mapping by what is given for its key, in the order of
// the file. It returns the values that are there.
func (r *reader) fields(n *yaml.Node, path string, read map[string]func(n *yaml.Node, path string)) map[string]*yaml.Node {
	has := make(map[string]*yaml.Node)
	keys := slices.Sorted(maps.Keys(read))
	for _, e := range r.entries(n, path) {
		if read[e.name] == nil {
			r.fault(e.key, path, "%s is no key here%s; the keys are %s",
				shown(e.name), meant(e.name, keys), strings.Join(keys, ", "))
			continue
		}
		has[e.name] = e.value
		read[e.name](e.value, join(path, e.name))
	}
	return has
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// items calls read for each item of a list.
func (r *reader) items(n *yaml.Node, path string, read func(n *yaml.Node, path string)) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, path, "it has to be a list, and is %s", what(n))
		return
	}
	for i, item := range n.Content {
		read(item, fmt.Sprintf("%s[%d]", path, i))
	}
}

// one reads a text that passes the check, which says what is wrong.
func (r *reader) one(into *string, check func(text string) (wrong string)) func(n *yaml.Node, path string) {
	return func(n *yaml.Node, path string) {
		text, ok := r.text(n, path)
		if !ok {
			return
		}
		if wrong := check(text); wrong != "" {
			r.fault(n, path, "%s", wrong)
			return
		}
		*into = text
	}
}

// texts reads a list of texts that all pass the check. An empty list is a fault: it
// could mean everything, or nothing.
func (r *reader) texts(into *[]string, check func(text string) (wrong string)) func(n *yaml.Node, path string) {
	return func(n *yaml.Node, path string) {
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			r.fault(n, path, "the list is empty; leave the key out where all are meant")
		}
		r.items(n, path, func(n *yaml.Node, path string) {
			text, ok := r.text(n, path)
			if !ok {
				return
			}
			wrong := check(text)
			if wrong == "" && slices.Contains(*into, text) {
				wrong = shown(text) + " is there twice"
			}
			if wrong != "" {
				r.fault(n, path, "%s", wrong)
				return
			}
			*into = append(*into, text)
		})
	}
}

// text reads a text that is not empty.
func (r *reader) text(n *yaml.Node, path string) (string, bool) {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		r.fault(n, path, "it is empty")
	case n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str":
		r.fault(n, path, "%s is not read as a text here; put it in quotes", shown(n.Value))
	case n.Kind != yaml.ScalarNode:
		r.fault(n, path, "it has to be a text, and is %s", what(n))
	case strings.TrimSpace(n.Value) == "":
		r.fault(n, path, "it is empty")
	case strings.TrimSpace(n.Value) != n.Value:
		r.fault(n, path, "%s begins or ends with a space", shown(n.Value))
	default:
		return n.Value, true
	}
	return "", false
}

// what is the kind of a node, for somebody who does not know YAML's words.
func what(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return "empty"
	default:
		return "a single value"
	}
}

// shown quotes a text of the file, as much of it as is needed to find it.
func shown(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
