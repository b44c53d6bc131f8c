package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

const refused = "then: refuse, reason: no"

// Each condition of a rule, as it holds and as it does not. The rule refuses, and
// nothing else does: so what it matches is refused by rule 1.
func TestConditions(t *testing.T) {
	branch := func(name string) gitlab.Ref { return gitlab.Ref{Kind: gitlab.Branch, Name: name} }
	tag := func(name string) gitlab.Ref { return gitlab.Ref{Kind: gitlab.Tag, Name: name} }
	other := func(name string) gitlab.Ref { return gitlab.Ref{Name: name} }
	const hit, miss, unsure = "refuse rule 1", "allow open", "refuse doubtful 1"
	tests := []struct {
		name, rule string
		change     func(g *given)
		want       string
	}{
		{"no condition", "", nil, hit},
		{"project", `projects: [group/app]`, nil, hit},
		{"project by pattern", `projects: ["group/*"]`, nil, hit},
		{"project by a pattern across a slash", `projects: ["gr*p"]`, nil, hit},
		{"another project", `projects: ["gr*x"]`, nil, miss},
		{"project in other letters", `projects: [Group/app]`, nil, miss},
		{"one project of two", `projects: [group/api, group/app]`, nil, hit},
		{"branch", `branches: [main]`, nil, hit},
		{"branch, and it is a tag", `branches: [main]`, func(g *given) { g.q.Ref = tag("main") }, miss},
		{"tag", `tags: ["v*"]`, func(g *given) { g.q.Ref = tag("v1/rc") }, hit},
		{"tag, and it is a branch", `tags: ["*"]`, nil, miss},
		{"ref that is a tag", `refs: [main]`, func(g *given) { g.q.Ref = tag("main") }, hit},
		{"branches or tags", `branches: [x], tags: [v1]`, func(g *given) { g.q.Ref = tag("v1") }, hit},
		{"ref of neither kind", `refs: ["refs/merge*"]`, func(g *given) {
			g.q.Ref = other("refs/merge-requests/1/head")
		}, hit},
		{"branch, and it may be none", `branches: [main]`, func(g *given) { g.q.Ref = other("main") }, unsure},
		{"branch of another name, and it may be none", `branches: [x]`, func(g *given) { g.q.Ref = other("main") }, miss},
		{"ref in other letters", `refs: [Main]`, nil, miss},
		{"ref by its whole name only", `refs: [mai]`, func(g *given) { g.q.Ref = branch("main") }, miss},
		{"build type", `build_types: [release]`, nil, hit},
		{"build type by pattern", `build_types: ["rel*"]`, nil, hit},
		{"another build type", `build_types: [debug]`, nil, miss},
		{"build type that is not known", `build_types: [debug]`, func(g *given) { g.q.BuildType = "" }, unsure},
		{"variable", `variables: {DEPLOY: "prod*"}`, func(g *given) {
			g.q.Variables = map[string]string{"DEPLOY": "prod-eu", "X": "y"}
		}, hit},
		{"variable with another value", `variables: {DEPLOY: "prod*"}`, func(g *given) {
			g.q.Variables = map[string]string{"DEPLOY": "a prod"}
		}, miss},
		{"variable that is not set", `variables: {DEPLOY: "*"}`, nil, miss},
		{"one variable of two", `variables: {A: "*", B: "*"}`, func(g *given) {
			g.q.Variables = map[string]string{"A": "1"}
		}, miss},
		{"no variables", `variables: {A: "*"}`, func(g *given) { g.q.Variables = nil }, miss},
		{"variables that are not known", `variables: {A: "*"}`, func(g *given) {
			g.q.Variables, g.q.BuildType = nil, ""
		}, unsure},
		{"action", `actions: [cancel, run]`, nil, hit},
		{"another action", `actions: [cancel]`, nil, miss},
		{"channel", `channels: [C1]`, nil, hit},
		{"another channel", `channels: [C2]`, nil, miss},
		{"outside of any channel", `channels: [C1]`, func(g *given) { g.q.Channel = "" }, miss},
		{"user", `people: {users: [U1]}`, nil, hit},
		{"another user", `people: {users: [U2]}`, nil, miss},
		{"user with the workspace", `people: {users: [T1/U1]}`, nil, hit},
		{"user of another workspace", `people: {users: [T2/U1]}`, nil, miss},
		{"group", `people: {groups: [S1]}`, func(g *given) { g.who.Groups = []string{"S0", "S1"} }, hit},
		{"another group", `people: {groups: [S2]}`, func(g *given) { g.who.Groups = []string{"S1"} }, miss},
		{"groups that are not known", `people: {groups: [S2]}`, func(g *given) { g.who.GroupsDoubt = "Slack is away" }, unsure},
		{"user, and groups that are not known", `people: {users: [U1], groups: [S2]}`, func(g *given) { g.who.GroupsDoubt = "Slack is away" }, hit},
		{"role", `people: {roles: [developer]}`, func(g *given) { g.f.Role = gitlab.Developer }, hit},
		{"a higher role", `people: {roles: [developer]}`, func(g *given) { g.f.Role = gitlab.Owner }, hit},
		{"a lower role", `people: {roles: [developer]}`, func(g *given) { g.f.Role = gitlab.SecurityManager }, miss},
		{"the lowest of two roles", `people: {roles: [owner, reporter]}`, func(g *given) { g.f.Role = gitlab.Reporter }, hit},
		{"role that is not known", `people: {roles: [developer]}`, func(g *given) { g.f.Doubt = "GitLab is away" }, unsure},
		{"role of who is not linked", `people: {roles: [developer]}`, func(g *given) { g.who.Account = nil }, "refuse not_linked 1"},
		{"role that does not matter", `people: {roles: [developer]}, actions: [cancel]`, func(g *given) { g.who.Account = nil }, miss},
		{"user or role", `people: {users: [U1], roles: [owner]}`, func(g *given) { g.who.Account = nil }, hit},
		{"all conditions, one of which fails", `projects: [group/app], refs: [main], build_types: [debug]`, nil, miss},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule := refused
			if test.rule != "" {
				rule = test.rule + ", " + refused
			}
			p := rules(t, policy.ModeOpen, rule)
			if got := short(asked(0).but(test.change).decide(p)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// What is not about one pipeline has no ref, no build type and no variables. A rule
// about those is not about it, unless a pattern of refs is what it is about.
func TestConditionsOnWhatIsNotThere(t *testing.T) {
	const hit, miss, unsure = "refuse rule 1", "allow open", "refuse doubtful 1"
	tests := []struct {
		action       policy.Action
		project, ref string
		rule, want   string
	}{
		{policy.ActionView, "group/app", "", `refs: ["*"]`, miss},
		{policy.ActionView, "group/app", "main", `refs: ["*"]`, hit},
		{policy.ActionTokens, "group/app", "", `refs: ["*"]`, miss},
		{policy.ActionTokens, "group/app", "", `build_types: ["*"]`, miss},
		{policy.ActionTokens, "group/app", "", `variables: {A: "*"}`, miss},
		{policy.ActionTokens, "group/app", "", `projects: [group/app]`, hit},
		{policy.ActionAudit, "", "", `projects: [group/app]`, unsure},
		{policy.ActionAudit, "", "", `projects: ["*"]`, hit},
		{policy.ActionFreeze, "group/app", "", `refs: ["*"]`, hit},
		{policy.ActionFreeze, "group/app", "", `refs: [main]`, unsure},
		{policy.ActionFreeze, "group/app", "release/*", `refs: [main]`, miss},
		{policy.ActionFreeze, "group/app", "release/*", `refs: ["r*"]`, hit},
		{policy.ActionFreeze, "group/app", "r*", `refs: ["release/*"]`, unsure},
		{policy.ActionFreeze, "group/app", "r*", `branches: ["release/*"]`, unsure},
		{policy.ActionFreeze, "group/app", "r*", `branches: ["r*"]`, unsure},
		{policy.ActionUnfreeze, "", "", `projects: ["group/*"], refs: ["*"]`, unsure},
	}
	for _, test := range tests {
		q := policy.Question{Action: test.action, Project: test.project, Ref: gitlab.Ref{Name: test.ref}}
		if test.action == policy.ActionView {
			q.Ref.Kind = gitlab.Branch
		}
		if got := short(rules(t, policy.ModeOpen, test.rule+", "+refused).Decide(q, alice(), with(0), now)); got != test.want {
			t.Errorf("%s %q %q with %s: %s, want %s", test.action, test.project, test.ref, test.rule, got, test.want)
		}
	}
}

// The first rule that matches decides; then the mode.
func TestOrder(t *testing.T) {
	const (
		ask  = "then: approve, approvers: {users: [U2]}"
		devs = "people: {roles: [developer]}, then: allow"
	)
	unlinked := func(g *given) { g.who.Account = nil }
	away := func(g *given) { g.f.Doubt = "away" }
	role := func(role gitlab.Role) func(g *given) { return func(g *given) { g.f.Role = role } }
	to := func(action policy.Action) func(g *given) { return func(g *given) { g.q.Action = action } }
	tests := []struct {
		name   string
		mode   policy.Mode
		rules  []string
		change func(g *given)
		want   string
	}{
		{"first refuses", policy.ModeOpen, []string{refused, "then: allow"}, nil, "refuse rule 1"},
		{"first allows", policy.ModeOpen, []string{"then: allow", refused}, nil, "allow rule 1"},
		{"first that matches", policy.ModeOpen, []string{"refs: [x], then: allow", ask, refused}, nil, "needs approval rule 2"},
		{"none matches", policy.ModeOpen, []string{"refs: [x], then: allow"}, nil, "allow open"},
		{"gitlab: none matches", policy.ModeGitLab, []string{"refs: [x], then: allow"}, nil, "allow role"},
		{"gitlab: allowed, and no role", policy.ModeGitLab, []string{"then: allow"}, role(0), "refuse role"},
		{"gitlab: allowed, and protected", policy.ModeGitLab, []string{"then: allow"}, func(g *given) { g.f.Protection = policy.MayNot }, "refuse protection"},
		{"gitlab: allowed, and not linked", policy.ModeGitLab, []string{"then: allow"}, unlinked, "refuse not_linked"},
		{"gitlab: approval does not take the place of a role", policy.ModeGitLab, []string{ask}, role(20), "refuse role"},
		{"gitlab: refused, and not linked", policy.ModeGitLab, []string{refused}, unlinked, "refuse rule 1"},
		{"policy: none", policy.ModePolicy, nil, nil, "refuse no_rule"},
		{"policy: none matches", policy.ModePolicy, []string{"refs: [x], then: allow"}, nil, "refuse no_rule"},
		{"policy: allowed without a role", policy.ModePolicy, []string{"then: allow"}, func(g *given) { g.who.Account, g.f = nil, policy.Facts{} }, "allow rule 1"},
		{"policy: approval", policy.ModePolicy, []string{ask}, nil, "needs approval rule 1"},
		{"policy: role, and not linked", policy.ModePolicy, []string{devs}, unlinked, "refuse not_linked"},
		{"policy: role, and in doubt", policy.ModePolicy, []string{devs}, away, "refuse doubtful"},
		{"policy: role, not linked, others refused", policy.ModePolicy, []string{devs, refused}, unlinked, "refuse not_linked"},
		{"policy: role too low, others refused", policy.ModePolicy, []string{"people: {roles: [owner]}, then: allow", refused}, nil, "refuse rule 2"},
		{"policy: role, not linked, others allowed", policy.ModePolicy, []string{devs, "then: allow"}, unlinked, "allow rule 2"},
		{"policy: approval by role, not linked, others allowed", policy.ModePolicy, []string{"people: {roles: [developer]}, " + ask, "then: allow"}, unlinked, "refuse not_linked 1"},
		{"approval is for what can wait", policy.ModeOpen, []string{ask}, to(policy.ActionCancel), "allow open"},
		{"policy: approval is for what can wait", policy.ModePolicy, []string{ask}, to(policy.ActionView), "refuse no_rule"},
		{"members always link", policy.ModePolicy, []string{refused}, to(policy.ActionLink), "allow always"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := rules(t, test.mode, test.rules...)
			if got := short(asked(gitlab.Developer).but(test.change).decide(p)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Guests and external people may what a rule lets them do that names them, and no
// other rule that lets anybody do more.
func TestOutsiders(t *testing.T) {
	const (
		ask  = "then: approve, approvers: {users: [U9]}"
		both = "people: {users: [U1, T2/U1]}, "
		no   = "refuse outsider"
	)
	guest := alice()
	guest.Kind = policy.Guest
	external := policy.Person{ID: "U1", Team: "T2", Kind: policy.External, Account: guest.Account}
	tests := []struct {
		name            string
		mode            policy.Mode
		rules           []string
		change          func(g *given)
		guest, external string
	}{
		{"no rule", policy.ModeOpen, nil, nil, no, no},
		{"a rule for everybody", policy.ModePolicy, []string{"then: allow"}, nil, no, no},
		{"a rule for a role", policy.ModePolicy, []string{"people: {roles: [guest]}, then: allow"}, nil, no, no},
		{"a rule that refuses everybody", policy.ModeOpen, []string{refused}, nil, "refuse rule 1", "refuse rule 1"},
		{"the id of this workspace", policy.ModeOpen, []string{"people: {users: [U1]}, then: allow"}, nil, "allow rule 1", no},
		{"the id of their workspace", policy.ModeOpen, []string{"people: {users: [T2/U1]}, then: allow"}, nil, no, "allow rule 1"},
		{"their group", policy.ModeOpen, []string{"people: {groups: [S1]}, then: allow"}, func(g *given) { g.who.Groups = []string{"S1"} }, "allow rule 1", "allow rule 1"},
		{"groups that are not known", policy.ModeOpen, []string{"people: {groups: [S1]}, then: allow"}, func(g *given) { g.who.GroupsDoubt = "away" }, "refuse doubtful", "refuse doubtful"},
		{"approval", policy.ModePolicy, []string{both + ask}, nil, "needs approval rule 1", "needs approval rule 1"},
		{"behind a rule for everybody", policy.ModePolicy, []string{"then: allow", both + "then: allow"}, nil, "allow rule 2", "allow rule 2"},
		{"behind an approval for everybody", policy.ModePolicy, []string{ask, both + "then: allow"}, nil, no, no},
		{"the role is asked for as well", policy.ModeGitLab, []string{both + "then: allow"}, func(g *given) { g.who.Account = nil }, "refuse not_linked", "refuse not_linked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := rules(t, test.mode, test.rules...)
			decide := func(who policy.Person) string {
				g := asked(gitlab.Owner)
				g.who = who
				return short(g.but(test.change).decide(p))
			}
			if diff := cmp.Diff([]string{test.guest, test.external}, []string{decide(guest), decide(external)}); diff != "" {
				t.Errorf("guest and external (-want +got):\n%s", diff)
			}
		})
	}
}

// Whom a rule lets do something may link, or they could not do it.
func TestOutsidersLink(t *testing.T) {
	q := policy.Question{Action: policy.ActionLink}
	guest := alice()
	guest.Kind, guest.Account, guest.Groups = policy.Guest, nil, []string{"S1"}
	for rule, want := range map[string]string{
		"refs: [x], people: {users: [U1]}, then: allow":                           "allow rule 1",
		"people: {groups: [S1]}, then: approve, approvers: {users: [U2]}":         "allow rule 1",
		"people: {users: [U2]}, then: allow":                                      "refuse outsider",
		"people: {users: [U1]}, then: refuse, reason: no":                         "refuse outsider",
		"people: {roles: [guest]}, then: allow":                                   "refuse outsider",
		"then: allow":                                                             "refuse outsider",
		"people: {users: [T1/U2], groups: [S2], roles: [developer]}, then: allow": "refuse outsider",
	} {
		if got := short(rules(t, policy.ModeGitLab, rule).Decide(q, guest, policy.Facts{}, now)); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
	guest.GroupsDoubt = "away"
	if got := short(rules(t, policy.ModeGitLab, "people: {groups: [S1]}, then: allow").Decide(q, guest, policy.Facts{}, now)); got != "refuse doubtful" {
		t.Errorf("with groups that are not known: %s", got)
	}
}

// A decision that an approval is needed says all that asking for it takes.
func TestNeededApproval(t *testing.T) {
	p, err := policy.Parse([]byte(`
rules:
  - name: two for a release
    then: approve
    reason: Customers get it.
    approvers: {users: [U2], groups: [S1], roles: [owner, maintainer]}
    expires: 90m
`))
	if err != nil {
		t.Fatal(err)
	}
	p.Mode = policy.ModeGitLab
	got := p.Decide(running(), alice(), with(gitlab.Developer), now)
	want := policy.Decision{
		Outcome: policy.NeedsApproval, Why: policy.ByRule,
		Action: policy.ActionRun, Project: "group/app", Ref: running().Ref,
		Rule: "two for a release", Line: 3, Reason: "Customers get it.",
		Needs: gitlab.Developer, Has: gitlab.Developer,
		Approvers: policy.People{Users: []string{"U2"}, Groups: []string{"S1"}, Roles: []gitlab.Role{gitlab.Owner, gitlab.Maintainer}},
		Expires:   90 * time.Minute,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	usual := rules(t, policy.ModeOpen, "then: approve, approvers: {users: [U2]}").Decide(running(), alice(), with(0), now)
	if usual.Expires != 4*time.Hour {
		t.Errorf("where the rule does not say how long, %s", usual.Expires)
	}
	// It is the caller's own.
	got.Approvers.Users[0] = "U1"
	if again := p.Decide(running(), alice(), with(gitlab.Developer), now); again.Approvers.Users[0] != "U2" {
		t.Error("a caller has changed the policy")
	}
}

func TestGitLabUser(t *testing.T) {
	p, err := policy.Parse([]byte(`people: [{slack: U1, gitlab: alice}, {slack: T2/U2, gitlab: bob}, {slack: T2/U1, gitlab: eve}]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		who  policy.Person
		want string
	}{
		{policy.Person{ID: "U1", Team: "T1", Kind: policy.Member}, "alice"},
		{policy.Person{ID: "U1", Team: "T1", Kind: policy.Guest}, "alice"},
		{policy.Person{ID: "U1", Team: "T2", Kind: policy.External}, "eve"},
		{policy.Person{ID: "U1", Team: "T2", Kind: policy.Member}, "eve"},
		{policy.Person{ID: "U1", Team: "T3", Kind: policy.External}, ""},
		{policy.Person{ID: "U1", Team: "T1"}, ""},
		{policy.Person{ID: "U1", Team: "T1", Kind: policy.Bot}, ""},
		{policy.Person{ID: "U2", Team: "T2", Kind: policy.External}, "bob"},
		{policy.Person{ID: "U2", Team: "T1", Kind: policy.Member}, ""},
		{policy.Person{}, ""},
	} {
		if _, ok := (*policy.Policy)(nil).GitLabUser(test.who); ok {
			t.Error("no policy knows somebody")
		}
		got, ok := p.GitLabUser(test.who)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%+v is %q, want %q", test.who, got, test.want)
		}
	}
}
