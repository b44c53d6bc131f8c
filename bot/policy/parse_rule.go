package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"pipebot/gitlab"
)

// How long an approval may be waited for. What was asked for a week ago is not what
// anybody wants today.
const (
	expiresByDefault = 4 * time.Hour
	expiresAtLeast   = time.Minute
	expiresAtMost    = 168 * time.Hour
)

// rules reads the rules in their order.
func (r *reader) rules(n *yaml.Node, path string) []rule {
	var rules []rule
	r.items(n, path, func(n *yaml.Node, path string) {
		rules = append(rules, r.rule(n, path, len(rules)+1))
	})
	return rules
}

func (r *reader) rule(n *yaml.Node, path string, number int) rule {
	rl := rule{name: fmt.Sprintf("rule %d", number), line: n.Line, expires: expiresByDefault}
	has := r.fields(n, path, map[string]func(*yaml.Node, string){
		"name":        r.one(&rl.name, wrongName),
		"projects":    r.texts(&rl.projects, wrongProject),
		"refs":        r.texts(&rl.refs, wrongRef),
		"branches":    r.texts(&rl.branches, wrongRef),
		"tags":        r.texts(&rl.tags, wrongRef),
		"build_types": r.texts(&rl.buildTypes, anyText),
		"variables":   func(n *yaml.Node, path string) { rl.variables = r.variables(n, path) },
		"actions":     func(n *yaml.Node, path string) { rl.actions = words(r, n, path, Actions()) },
		"channels":    r.texts(&rl.channels, wrongChannel),
		"people":      func(n *yaml.Node, path string) { rl.people = r.people(n, path) },
		"then":        func(n *yaml.Node, path string) { rl.then = word(r, n, path, thens()) },
		"reason":      r.one(&rl.reason, wrongReason),
		"approvers":   func(n *yaml.Node, path string) { rl.approvers = r.people(n, path) },
		"expires":     func(n *yaml.Node, path string) { rl.expires = r.expires(n, path) },
	})
	if n.Kind == yaml.MappingNode {
		r.fits(n, path, rl, has)
	}
	return rl
}

func thens() []then { return []then{thenAllow, thenRefuse, thenApprove} }

// fits finds what does not go together in a rule.
func (r *reader) fits(n *yaml.Node, path string, rl rule, has map[string]*yaml.Node) {
	switch {
	case has["then"] == nil:
		r.fault(n, path, "then is missing; it is one of %s", list(thens()))
	case rl.then == "": // it is wrong, which was said
	case rl.then == thenRefuse && has["reason"] == nil:
		r.fault(n, path, "reason is missing: who is refused is told why")
	case rl.then == thenApprove && has["approvers"] == nil:
		r.fault(n, path, "approvers is missing: somebody has to approve it")
	}
	for _, key := range []string{"approvers", "expires"} {
		if value := has[key]; value != nil && (rl.then == thenAllow || rl.then == thenRefuse) {
			r.fault(value, join(path, key), "it goes only with then: approve")
		}
	}
	if rl.then == thenRefuse && slices.Contains(rl.actions, ActionLink) {
		r.fault(has["actions"], join(path, "actions"), "link cannot be refused: members always may")
	}
	for _, action := range rl.actions {
		if rl.then == thenApprove && !slices.Contains(Approvable(), action) {
			r.fault(has["actions"], join(path, "actions"), "%s cannot wait for an approval; only %s can",
				action, list(Approvable()))
		}
	}
}

// variables reads a pattern for each of some variables.
func (r *reader) variables(n *yaml.Node, path string) map[string]string {
	patterns := make(map[string]string)
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		r.fault(n, path, "it is empty; leave the key out where no variable matters")
	}
	for _, e := range r.entries(n, path) {
		if wrong := wrongVariable(e.name); wrong != "" {
			r.fault(e.key, path, "%s", wrong)
			continue
		}
		if pattern, ok := r.text(e.value, join(path, e.name)); ok {
			patterns[e.name] = pattern
		}
	}
	return patterns
}

func (r *reader) people(n *yaml.Node, path string) People {
	var p People
	has := r.fields(n, path, map[string]func(*yaml.Node, string){
		"users":  r.texts(&p.Users, wrongUser),
		"groups": r.texts(&p.Groups, wrongGroup),
		"roles": func(n *yaml.Node, path string) {
			var names []string
			for _, role := range gitlab.Roles() {
				names = append(names, role.Name())
			}
			for _, name := range words(r, n, path, names) {
				if role, ok := gitlab.ParseRole(name); ok {
					p.Roles = append(p.Roles, role)
				}
			}
		},
	})
	if n.Kind == yaml.MappingNode && len(has) == 0 {
		r.fault(n, path, "it names nobody; it takes users, groups or roles")
	}
	return p
}

func (r *reader) expires(n *yaml.Node, path string) time.Duration {
	text, ok := r.text(n, path)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || !durationForm.MatchString(text) {
		r.fault(n, path, "%s is no duration; write it as 4h, 90m or 1h30m", shown(text))
	} else if d < expiresAtLeast || d > expiresAtMost {
		r.fault(n, path, "%s is not between %s and %s", shown(text), span(expiresAtLeast), span(expiresAtMost))
	}
	return d
}

// words reads a list of words that are all among the known ones.
func words[W ~string](r *reader, n *yaml.Node, path string, known []W) []W {
	var texts []string
	r.texts(&texts, func(text string) string { return wrongWord(text, known) })(n, path)
	found := make([]W, 0, len(texts))
	for _, text := range texts {
		found = append(found, W(text))
	}
	return found
}

// word reads one of the known words.
func word[W ~string](r *reader, n *yaml.Node, path string, known []W) W {
	var text string
	r.one(&text, func(text string) string { return wrongWord(text, known) })(n, path)
	return W(text)
}

func wrongWord[W ~string](text string, known []W) string {
	if slices.Contains(known, W(text)) {
		return ""
	}
	var names []string
	for _, w := range known {
		names = append(names, string(w))
	}
	return fmt.Sprintf("%s is unknown%s; it takes %s", shown(text), meant(text, names), list(known))
}

func list[W ~string](known []W) string {
	var names []string
	for _, w := range known {
		names = append(names, string(w))
	}
	return strings.Join(names, ", ")
}
