package policy_test

import (
	"strings"
	"testing"
	"time"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// now is the time of all decisions.
var now = time.Date(2026, 9, 14, 12, 0, 0, 0, time.UTC)

// alice is a linked member, and developer are facts that let her do what developers do.
func alice() policy.Person {
	return policy.Person{ID: "U1", Team: "T1", Kind: policy.Member, Account: &policy.Account{ID: 7, Username: "alice"}}
}

func with(role gitlab.Role) policy.Facts {
	return policy.Facts{Role: role, Protection: policy.Unprotected}
}

// running asks to run a release of main.
func running() policy.Question {
	return policy.Question{
		Action: policy.ActionRun, Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"},
		BuildType: "release", Variables: map[string]string{}, Channel: "C1",
	}
}

// asking is running with another action.
func asking(action policy.Action) policy.Question {
	q := running()
	q.Action = action
	return q
}

// rules reads a policy of these rules.
func rules(t testing.TB, mode policy.Mode, rules ...string) *policy.Policy {
	t.Helper()
	text := "rules: []"
	if len(rules) > 0 {
		text = "rules:\n"
		for _, rule := range rules {
			text += "  - {" + rule + "}\n"
		}
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	p.Mode = mode
	return p
}

// short is a decision in a few words: "refuse role", "allow rule 2".
func short(d policy.Decision) string {
	words := []string{d.Outcome.String(), string(d.Why)}
	if name, ok := strings.CutPrefix(d.Rule, "rule "); ok {
		words = append(words, name)
	}
	return strings.Join(words, " ")
}

// given is a question with all that there is to know; asker is for approvals.
type given struct {
	q     policy.Question
	who   policy.Person
	f     policy.Facts
	asker policy.Person
}

// asked is that alice asks to run a release of main, with a role.
func asked(role gitlab.Role) given { return given{q: running(), who: alice(), f: with(role)} }

// but is it after a change, if there is one.
func (g given) but(change func(g *given)) given {
	if change != nil {
		change(&g)
	}
	return g
}

func (g given) decide(p *policy.Policy) policy.Decision { return p.Decide(g.q, g.who, g.f, now) }
