package policy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func someRule(r *rand.Rand) string {
	var parts []string
	add := func(one int, part string) {
		if r.IntN(one) == 0 {
			parts = append(parts, part)
		}
	}
	add(4, pick(r, `projects: [group/app]`, `projects: ["group/*"]`, `projects: ["*"]`))
	add(4, pick(r, `refs: [main]`, `branches: ["m*"]`, `tags: ["*"]`, `refs: ["*"]`))
	add(4, pick(r, `build_types: [release]`, `build_types: ["d*"]`))
	add(4, pick(r, `variables: {A: "1"}`, `variables: {A: "*", B: "*"}`))
	add(6, `channels: [C1]`)
	add(2, pick(r, `people: {users: [U1]}`, `people: {groups: [S1]}`, `people: {roles: [developer]}`,
		`people: {roles: [maintainer], groups: [S1]}`, `people: {users: [U2], roles: [reporter]}`))
	parts = append(parts, pick(r, "then: allow", "then: allow", refused,
		"then: approve, approvers: "+pick(r, "{users: [U1]}", "{groups: [S1]}", "{roles: [developer]}")))
	return strings.Join(parts, ", ")
}

func someCase(r *rand.Rand) given {
	k := given{
		q: policy.Question{
			Action: pick(r, policy.Actions()...), Project: pick(r, "group/app", "group/api"),
			Ref:       gitlab.Ref{Kind: pick(r, gitlab.Branch, gitlab.Tag), Name: pick(r, "main", "v1")},
			BuildType: pick(r, "release", "debug"), Channel: pick(r, "C1", "C2"), Own: r.IntN(4) == 0,
			Variables: pick(r, map[string]string{}, map[string]string{"A": "1"}, map[string]string{"A": "2", "B": "2"}),
		},
		who: policy.Person{
			ID: pick(r, "U1", "U2"), Team: "T1", Kind: pick(r, policy.Member, policy.Member, policy.Guest),
			Groups: pick(r, []string{}, []string{"S1"}), Account: &policy.Account{ID: 1, Username: "a"},
		},
		f:     policy.Facts{Role: pick(r, columns()...), Protection: pick(r, policy.Unprotected, policy.MayUpdate, policy.MayNot)},
		asker: policy.Person{ID: "U9", Team: "T1", Kind: policy.Member, Account: &policy.Account{ID: 9, Username: "z"}},
	}
	if r.IntN(3) == 0 {
		k.f.Freezes = []policy.Freeze{{Project: pick(r, "", "group/app"), Pattern: pick(r, "", "m*"), By: "U3", Reason: "x"}}
	}
	return k
}

// forgotten are the ways in which something may not be known.
func forgotten() map[string]func(*given) {
	return map[string]func(*given){
		"who they are in GitLab":    func(k *given) { k.who.Account = nil },
		"the role":                  func(k *given) { k.f.Role, k.f.Doubt = 0, "away" },
		"role and protection":       func(k *given) { k.f = policy.Facts{Doubt: "away", Freezes: k.f.Freezes} },
		"the protection":            func(k *given) { k.f.Protection = "" },
		"the freezes":               func(k *given) { k.f.Freezes, k.f.FreezesDoubt = nil, "away" },
		"the groups":                func(k *given) { k.who.Groups, k.who.GroupsDoubt = nil, "away" },
		"the build type":            func(k *given) { k.q.BuildType = "" },
		"build type, and variables": func(k *given) { k.q.BuildType, k.q.Variables = "", nil },
		"the ref":                   func(k *given) { k.q.Ref = gitlab.Ref{} },
		"whether it is a branch":    func(k *given) { k.q.Ref.Kind = 0 },
		"the project":               func(k *given) { k.q.Project = "" },
		"what they are in Slack":    func(k *given) { k.who.Kind = "" },
		"who they are in Slack":     func(k *given) { k.who.ID = "" },
		"who has asked":             func(k *given) { k.asker = policy.Person{} },
	}
}

// Not to know something never lets anybody do more than to know it, whatever it is.
func TestDoubtNeverAllows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := make(map[string]int)
	for range 4_000 {
		texts := make([]string, r.IntN(4))
		for i := range texts {
			texts[i] = someRule(r)
		}
		p := rules(t, pick(r, policy.Modes()...), texts...)
		k := someCase(r)
		// What is not about one pipeline has some of this not unknown, but not at all.
		switch k.q.Action {
		case policy.ActionTokens, policy.ActionAudit:
			k.q.Ref, k.q.BuildType, k.q.Variables = gitlab.Ref{}, "", nil
		case policy.ActionFreeze, policy.ActionUnfreeze:
			k.q.BuildType, k.q.Variables = "", nil
		}
		for what, forget := range forgotten() {
			if k.q.Action == policy.ActionView && what == "the ref" {
				continue // that is another question: to see any pipelines
			}
			less := k
			forget(&less)
			decided := map[string][2]policy.Decision{
				"decide": {p.Decide(k.q, k.who, k.f, now), p.Decide(less.q, less.who, less.f, now)},
				"approve": {
					p.MayApprove(k.q, policy.People{Groups: []string{"S1"}, Roles: []gitlab.Role{30}}, k.who, k.f, k.asker),
					p.MayApprove(less.q, policy.People{Groups: []string{"S1"}, Roles: []gitlab.Role{30}}, less.who, less.f, less.asker),
				},
			}
			for how, d := range decided {
				seen[fmt.Sprint(how, d[0].Outcome)]++
				if d[1].Outcome > d[0].Outcome {
					t.Fatalf("%s: without knowing %s %s, otherwise %s\nmode %s, rules %q\n%+v", how, what, short(d[1]), short(d[0]), p.Mode, texts, k)
				}
			}
		}
	}
	for _, outcome := range []string{"decideallow", "deciderefuse", "decideneeds approval", "approveallow", "approverefuse"} {
		if seen[outcome] < 500 {
			t.Errorf("%s was decided %d times only", outcome, seen[outcome])
		}
	}
}
