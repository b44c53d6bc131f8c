package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads a policy file; deploy/policy.schema.json is its form. The error joins
// all faults, one a line: "line 12: rules[3].then: ...". The mode is left to the
// caller.
//
// A file that says nothing is a fault, so that one that an editor is about to write
// anew does not take all rules away.
func Parse(data []byte) (*Policy, error) {
	r := &reader{}
	top, err := document(data)
	if err != nil {
		return nil, err
	}
	if r.plain(top); len(r.faults) > 0 {
		return nil, r.err()
	}
	p := &Policy{}
	r.fields(top, "", map[string]func(*yaml.Node, string){
		"people": func(n *yaml.Node, path string) { p.links = r.links(n, path) },
		"rules":  func(n *yaml.Node, path string) { p.rules = r.rules(n, path) },
	})
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// document is the only document of the file.
func document(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF) || err == nil && saysNothing(doc):
		return nil, errors.New("line 1: the file says nothing; a policy without rules is written as rules: []")
	case err != nil:
		return nil, syntaxError(data, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("line %d: a second document begins here; keep one", max(second.Line, 1))
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(data, err)
	}
	return doc.Content[0], nil
}

func saysNothing(doc yaml.Node) bool {
	if len(doc.Content) == 0 {
		return true
	}
	top := doc.Content[0]
	return top.ShortTag() == "!!null" || top.Kind == yaml.MappingNode && len(top.Content) == 0
}

// syntaxError is an error of YAML itself, in our form. An asterisk without quotes is
// the one that patterns invite.
func syntaxError(data []byte, err error) error {
	const hint = "; put a pattern that begins with * in quotes"
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if name, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		before, _, _ := bytes.Cut(data, []byte("*"+name))
		return fmt.Errorf("line %d: *%s is read as an alias%s", 1+bytes.Count(before, []byte("\n")), name, hint)
	}
	if strings.Contains(text, "alphabetic or numeric") {
		text += hint
	}
	if !strings.HasPrefix(text, "line ") {
		text = "line 1: " + text
	}
	return errors.New(text)
}

// links reads who is who in GitLab.
func (r *reader) links(n *yaml.Node, path string) []link {
	var links []link
	lines := make(map[string]int)
	r.items(n, path, func(n *yaml.Node, path string) {
		var l link
		has := r.fields(n, path, map[string]func(*yaml.Node, string){
			"slack":  r.one(&l.slack, wrongUser),
			"gitlab": r.one(&l.username, wrongUsername),
		})
		for _, key := range []string{"slack", "gitlab"} {
			if n.Kind == yaml.MappingNode && has[key] == nil {
				r.fault(n, path, "%s is missing", key)
			}
		}
		if line, twice := lines[l.slack]; twice && l.slack != "" {
			r.fault(n, path, "%s is there twice, first on line %d", l.slack, line)
		}
		lines[l.slack] = n.Line
		links = append(links, l)
	})
	return links
}
