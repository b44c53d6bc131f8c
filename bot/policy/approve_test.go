package policy_test

import (
	"testing"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

func TestMayApprove(t *testing.T) {
	bob := policy.Person{ID: "U2", Team: "T1", Kind: policy.Member, Account: &policy.Account{ID: 8, Username: "bob"}}
	tests := []struct {
		name      string
		approvers policy.People
		change    func(g *given)
		want      string
	}{
		{"named", policy.People{Users: []string{"U2"}}, nil, "allow approver"},
		{"named, without an account", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.who.Account, g.f = nil, policy.Facts{Doubt: "away"}
		}, "allow approver"},
		{"named by group", policy.People{Groups: []string{"S1"}}, func(g *given) {
			g.who.Groups = []string{"S1"}
		}, "allow approver"},
		{"named by role", policy.People{Roles: []gitlab.Role{gitlab.Developer}}, nil, "allow approver"},
		{"a higher role", policy.People{Roles: []gitlab.Role{gitlab.Reporter}}, nil, "allow approver"},
		{"a lower role", policy.People{Roles: []gitlab.Role{gitlab.Maintainer}}, nil, "refuse not_approver"},
		{"role, and not linked", policy.People{Roles: []gitlab.Role{gitlab.Developer}}, func(g *given) { g.who.Account = nil }, "refuse not_linked"},
		{"role, and in doubt", policy.People{Roles: []gitlab.Role{gitlab.Developer}}, func(g *given) { g.f.Doubt = "away" }, "refuse doubtful"},
		{"groups that are not known", policy.People{Groups: []string{"S1"}}, func(g *given) {
			g.who.GroupsDoubt = "away"
		}, "refuse doubtful"},
		{"another one", policy.People{Users: []string{"U3"}, Groups: []string{"S1"}}, nil, "refuse not_approver"},
		{"nobody is named", policy.People{}, nil, "refuse not_approver"},
		{"a role that there is not", policy.People{Roles: []gitlab.Role{0, -1}}, nil, "refuse not_approver"},

		{"the asker", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker.ID, g.asker.Account = "U2", &policy.Account{ID: 1}
		}, "refuse self"},
		{"the asker, by a record without the workspace", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker.ID, g.asker.Team = "U2", ""
		}, "refuse self"},
		{"the asker's id in another workspace", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker.ID, g.asker.Team = "U2", "T2"
		}, "allow approver"},
		{"the asker's account", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker.Account = &policy.Account{ID: 8, Username: "was-bob"}
		}, "refuse self"},
		{"the asker's account by name", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker.Account = &policy.Account{Username: "Bob"}
		}, "refuse self"},
		{"own", policy.People{Users: []string{"U2"}}, func(g *given) { g.q.Own = true }, "refuse self"},
		{"the asker is not known", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker = policy.Person{}
		}, "refuse doubtful"},
		{"the asker's account is not known", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.asker.Account = nil
		}, "refuse doubtful"},

		{"a guest by id", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.who.Kind = policy.Guest
		}, "allow approver"},
		{"a guest by group and role", policy.People{Groups: []string{"S1"}, Roles: []gitlab.Role{gitlab.Guest}}, func(g *given) {
			g.who.Kind, g.who.Groups = policy.Guest, []string{"S1"}
		}, "refuse outsider"},
		{"an external person by id", policy.People{Users: []string{"T2/U2"}}, func(g *given) {
			g.who.Kind, g.who.Team = policy.External, "T2"
		}, "allow approver"},
		{"an external person with a member's id", policy.People{Users: []string{"U2"}}, func(g *given) {
			g.who.Kind, g.who.Team = policy.External, "T2"
		}, "refuse outsider"},
		{"a bot", policy.People{Users: []string{"U2"}}, func(g *given) { g.who.Kind = policy.Bot }, "refuse not_a_person"},
		{"somebody unknown", policy.People{Users: []string{"U2"}}, func(g *given) { g.who.Kind = "" }, "refuse doubtful"},

		{"a project that is not known", policy.People{Users: []string{"U2"}}, func(g *given) { g.q.Project = "" }, "refuse doubtful"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := given{q: running(), who: bob, f: with(gitlab.Developer), asker: alice()}.but(test.change)
			p := &policy.Policy{Mode: policy.ModeGitLab}
			if got := short(p.MayApprove(g.q, test.approvers, g.who, g.f, g.asker)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Whoever asked has to be known in every mode.
func TestNobodyApprovesForNobody(t *testing.T) {
	for _, mode := range policy.Modes() {
		p := &policy.Policy{Mode: mode}
		d := p.MayApprove(running(), policy.People{Users: []string{"U1"}}, alice(), with(gitlab.Owner), policy.Person{})
		if got := short(d); got != "refuse doubtful" {
			t.Errorf("%s: %s", mode, got)
		}
	}
}

// Rules can narrow who approves, and where.
func TestRulesOfApproving(t *testing.T) {
	bob := policy.Person{ID: "U2", Team: "T1", Kind: policy.Member}
	u2 := policy.People{Users: []string{"U2"}}
	for rule, want := range map[string]string{
		"actions: [approve], channels: [C1], then: refuse, reason: no":                   "refuse rule 1",
		"actions: [approve], channels: [C2], then: refuse, reason: no":                   "allow approver",
		"people: {users: [U2]}, then: refuse, reason: no":                                "refuse rule 1",
		"actions: [run], then: refuse, reason: no":                                       "allow approver",
		"people: {roles: [owner]}, then: refuse, reason: no":                             "refuse not_linked 1",
		"people: {roles: [owner]}, then: allow":                                          "allow approver",
		"people: {users: [U2]}, then: approve, approvers: {users: [U1]}":                 "allow approver",
		"people: {users: [U2]}, actions: [run], then: approve, approvers: {users: [U1]}": "allow approver",
	} {
		if got := short(rules(t, policy.ModePolicy, rule).MayApprove(running(), u2, bob, policy.Facts{}, alice())); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

// Without a request, it is the first rule that would ask for an approval here.
func TestMightApprove(t *testing.T) {
	// What a rule allows is nothing that anybody would approve.
	const allowed = "actions: [run, approve], then: allow"
	const first = "refs: [x], then: approve, approvers: {users: [U1]}"
	const second = "build_types: [release], people: {users: [U7]}, then: approve, approvers: {users: [U2], roles: [developer]}"
	p := rules(t, policy.ModeGitLab, allowed, first, second)
	for name, test := range map[string]struct {
		change func(g *given)
		want   string
	}{
		"by role":                {nil, "allow approver 3"},
		"by id":                  {func(g *given) { g.who.ID, g.who.Account = "U2", nil }, "allow approver 3"},
		"not linked":             {func(g *given) { g.who.Account = nil }, "refuse not_linked 3"},
		"nothing to approve":     {func(g *given) { g.q.BuildType = "debug" }, "refuse no_rule"},
		"by the first rule":      {func(g *given) { g.q.Ref.Name = "x" }, "allow approver 2"},
		"not by the first rule":  {func(g *given) { g.q.Ref.Name, g.who.ID = "x", "U3" }, "refuse not_approver 2"},
		"build type not known":   {func(g *given) { g.q.BuildType = "" }, "refuse doubtful 3"},
		"their own":              {func(g *given) { g.q.Own = true }, "refuse self"},
		"an app":                 {func(g *given) { g.who.Kind = policy.Bot }, "refuse not_a_person"},
		"guest whom a role lets": {func(g *given) { g.who.Kind = policy.Guest }, "refuse outsider 3"},
	} {
		g := asked(gitlab.Developer)
		g.q.Action = policy.ActionApprove
		if got := short(g.but(test.change).decide(p)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
