package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// matrix says, without any rule, what a linked person may do: a line for each mode,
// kind of person, action and protection, a column for each role:
//
//	none, Minimal Access (5), Guest, Planner, Reporter, Security Manager, Developer, Maintainer, Owner
//
// A allowed · r refused for the role · p for the protection · d in doubt · o outsider
// n no rule · b no person; a * stands for all that the lines before do not name.
const matrix = `
gitlab member  run        unprotected  rrrrrrAAA
gitlab member  run        may_update   rrrrrrAAA
gitlab member  run        may_not      rrrrrrppp
gitlab member  run        ?            rrrrrrddd
gitlab member  cancel     unprotected  rrrrrrAAA
gitlab member  cancel     may_update   rrrrrrAAA
gitlab member  cancel     may_not      rrrrrrppp
gitlab member  cancel     ?            rrrrrrddd
gitlab member  retry      unprotected  rrrrrrAAA
gitlab member  retry      may_update   rrrrrrAAA
gitlab member  retry      may_not      rrrrrrppp
gitlab member  retry      ?            rrrrrrddd
gitlab member  play       unprotected  rrrrrrAAA
gitlab member  play       may_update   rrrrrrAAA
gitlab member  play       may_not      rrrrrrppp
gitlab member  play       ?            rrrrrrddd
gitlab member  delete     unprotected  rrrrrrrrA
gitlab member  delete     may_update   rrrrrrrrA
gitlab member  delete     may_not      rrrrrrrrA
gitlab member  delete     ?            rrrrrrrrA
gitlab member  view       unprotected  rrrrAAAAA
gitlab member  view       may_update   rrrrAAAAA
gitlab member  view       may_not      rrrrAAAAA
gitlab member  view       ?            rrrrAAAAA
gitlab member  variables  unprotected  rrrrrrrAA
gitlab member  variables  may_update   rrrrrrrAA
gitlab member  variables  may_not      rrrrrrrAA
gitlab member  variables  ?            rrrrrrrAA
gitlab member  tokens     unprotected  rrrrrrrAA
gitlab member  tokens     may_update   rrrrrrrAA
gitlab member  tokens     may_not      rrrrrrrAA
gitlab member  tokens     ?            rrrrrrrAA
gitlab member  approve    unprotected  nnnnnnnnn
gitlab member  approve    may_update   nnnnnnnnn
gitlab member  approve    may_not      nnnnnnnnn
gitlab member  approve    ?            nnnnnnnnn
gitlab member  freeze     unprotected  rrrrrrrAA
gitlab member  freeze     may_update   rrrrrrrAA
gitlab member  freeze     may_not      rrrrrrrAA
gitlab member  freeze     ?            rrrrrrrAA
gitlab member  unfreeze   unprotected  rrrrrrrAA
gitlab member  unfreeze   may_update   rrrrrrrAA
gitlab member  unfreeze   may_not      rrrrrrrAA
gitlab member  unfreeze   ?            rrrrrrrAA
gitlab member  audit      unprotected  rrrrrrrAA
gitlab member  audit      may_update   rrrrrrrAA
gitlab member  audit      may_not      rrrrrrrAA
gitlab member  audit      ?            rrrrrrrAA
gitlab member  link       unprotected  AAAAAAAAA
gitlab member  link       may_update   AAAAAAAAA
gitlab member  link       may_not      AAAAAAAAA
gitlab member  link       ?            AAAAAAAAA

policy member  link       *            AAAAAAAAA
policy member  *          *            nnnnnnnnn
open   member  approve    *            nnnnnnnnn
open   member  *          *            AAAAAAAAA
?      member  link       *            AAAAAAAAA
?      member  *          *            ddddddddd

?      guest    *         *            ddddddddd
?      external *         *            ddddddddd
*      guest    approve   *            nnnnnnnnn
*      guest    *         *            ooooooooo
*      external approve   *            nnnnnnnnn
*      external *         *            ooooooooo
*      bot      *         *            bbbbbbbbb
*      ?        *         *            ddddddddd
`

// columns are the roles of the matrix.
func columns() []gitlab.Role { return []gitlab.Role{0, 5, 10, 15, 20, 25, 30, 40, 50} }

func letter(t *testing.T, d policy.Decision) byte {
	t.Helper()
	if d.Outcome == policy.Allow {
		return 'A'
	}
	letters := map[policy.Why]byte{
		policy.ByRole: 'r', policy.ByProtection: 'p', policy.Doubtful: 'd',
		policy.Outsider: 'o', policy.NoRule: 'n', policy.NotAPerson: 'b',
	}
	if l := letters[d.Why]; l != 0 && d.Outcome == policy.Refuse {
		return l
	}
	t.Errorf("%s %s is not of this table", d.Outcome, d.Why)
	return '!'
}

// lineOf is the first line of the matrix that is about it.
func lineOf(t *testing.T, words ...string) string {
	t.Helper()
	for line := range strings.Lines(matrix) {
		fields := strings.Fields(line)
		if len(fields) != len(words)+1 {
			continue
		}
		fits := true
		for i, word := range words {
			if word == "" {
				word = "?"
			}
			fits = fits && (fields[i] == "*" || fields[i] == word)
		}
		if fits {
			return fields[len(words)]
		}
	}
	t.Fatalf("the matrix says nothing of %q", words)
	return ""
}

func TestMatrix(t *testing.T) {
	kinds := []policy.Kind{policy.Member, policy.Guest, policy.External, policy.Bot, policy.Unknown}
	protections := []policy.Protection{policy.Unprotected, policy.MayUpdate, policy.MayNot, ""}
	for _, mode := range append(policy.Modes(), "") {
		for _, kind := range kinds {
			for _, action := range policy.Actions() {
				for _, protection := range protections {
					want := lineOf(t, string(mode), string(kind), string(action), string(protection))
					var got strings.Builder
					for _, role := range columns() {
						who := alice()
						who.Kind = kind
						d := (&policy.Policy{Mode: mode}).Decide(asking(action), who, policy.Facts{Role: role, Protection: protection}, now)
						got.WriteByte(letter(t, d))
					}
					if got.String() != want {
						t.Errorf("%s %s %s %s: %s, want %s", mode, kind, action, protection, &got, want)
					}
				}
			}
		}
	}
}

// Without an account everything that takes a role is refused in a way that offers the
// link, and where the role could not be learned, in doubt. Where both hold, linking
// would not help.
func TestMatrixOfDoubt(t *testing.T) {
	p := &policy.Policy{Mode: policy.ModeGitLab}
	never := map[policy.Action]string{policy.ActionLink: "allow always", policy.ActionApprove: "refuse no_rule"}
	for _, action := range policy.Actions() {
		for _, role := range columns() {
			for _, test := range []struct {
				linked bool
				doubt  string
				want   string
			}{
				{false, "", "refuse not_linked"},
				{true, "GitLab is away", "refuse doubtful"},
				{false, "GitLab is away", "refuse doubtful"},
			} {
				who, f := alice(), with(role)
				if !test.linked {
					who.Account = nil
				}
				f.Doubt = test.doubt
				want := test.want
				if w, ok := never[action]; ok {
					want = w
				}
				if got := short(p.Decide(asking(action), who, f, now)); got != want {
					t.Errorf("%s, linked %t, doubt %q: %s, want %s", action, test.linked, test.doubt, got, want)
				}
			}
		}
	}
}

// The values of the variables of a run of one's own are read by who may update the
// pipeline, as in GitLab.
func TestVariablesOfAnOwnRun(t *testing.T) {
	p := &policy.Policy{Mode: policy.ModeGitLab}
	asked, started := asking(policy.ActionVariables), asking(policy.ActionVariables)
	asked.Own, started.Starter = true, alice().Account.ID
	for name, q := range map[string]policy.Question{"asked for": asked, "started": started} {
		t.Run(name, func(t *testing.T) { ownVariables(t, p, q) })
	}
}

func ownVariables(t *testing.T, p *policy.Policy, q policy.Question) {
	t.Helper()
	for protection, want := range map[policy.Protection]string{
		policy.Unprotected: "rrrrrrAAA", policy.MayUpdate: "rrrrrrAAA", policy.MayNot: "rrrrrrpAA", "": "rrrrrrdAA",
	} {
		var got strings.Builder
		for _, role := range columns() {
			got.WriteByte(letter(t, p.Decide(q, alice(), policy.Facts{Role: role, Protection: protection}, now)))
		}
		if got.String() != want {
			t.Errorf("%s: %s, want %s", protection, &got, want)
		}
	}
}

// A refusal for a role says which it takes, and which the person has.
func TestNeededRoles(t *testing.T) {
	for action, needs := range map[policy.Action]gitlab.Role{
		policy.ActionView: gitlab.Reporter, policy.ActionRun: gitlab.Developer, policy.ActionDelete: gitlab.Owner,
		policy.ActionTokens: gitlab.Maintainer,
	} {
		d := (&policy.Policy{Mode: policy.ModeGitLab}).Decide(asking(action), alice(), with(gitlab.Planner), now)
		if d.Needs != needs || d.Has != gitlab.Planner {
			t.Errorf("%s needs %s and has %s", action, d.Needs, d.Has)
		}
	}
}

// Whatever is left at its zero value, nobody may do anything but link.
func TestZeroValuesRefuse(t *testing.T) {
	everybody := map[string]func(g *given){
		"the person is":     func(g *given) { g.who = policy.Person{} },
		"their kind is":     func(g *given) { g.who.Kind = "" },
		"their id is":       func(g *given) { g.who.ID = "" },
		"all is":            func(g *given) { g.q, g.who, g.f = policy.Question{Action: g.q.Action}, policy.Person{}, policy.Facts{} },
		"person, facts are": func(g *given) { g.who, g.f = policy.Person{}, policy.Facts{} },
	}
	byRole := map[string]func(g *given){
		"the facts are":      func(g *given) { g.f = policy.Facts{} },
		"the account is":     func(g *given) { g.who.Account = &policy.Account{} },
		"no account is":      func(g *given) { g.who.Account = nil },
		"all but who asks":   func(g *given) { g.q, g.f = policy.Question{Action: g.q.Action}, policy.Facts{} },
		"person but for id":  func(g *given) { g.who = policy.Person{ID: "U1"} },
		"but id and kind is": func(g *given) { g.who = policy.Person{ID: "U1", Kind: policy.Member} },
	}
	check := func(p *policy.Policy, name string, zeros map[string]func(g *given)) {
		for what, zero := range zeros {
			for _, action := range append(policy.Actions(), "", "nothing") {
				g := asked(gitlab.Owner)
				g.q.Action = action
				g = g.but(zero)
				mayLink := p != nil && action == policy.ActionLink && g.who.Kind == policy.Member && g.who.ID != ""
				if d := g.decide(p); d.Outcome != policy.Refuse && !mayLink {
					t.Errorf("%s: %s zero: %s is %s", name, what, action, short(d))
				}
			}
		}
	}
	for _, mode := range append(policy.Modes(), "") {
		check(&policy.Policy{Mode: mode}, string(mode), everybody)
		check(rules(t, mode, "then: allow"), string(mode)+", all allowed", everybody)
	}
	check(&policy.Policy{Mode: policy.ModeGitLab}, "gitlab", byRole)
	check(rules(t, policy.ModeGitLab, "then: allow"), "gitlab, all allowed", byRole)
	check(nil, "no policy", map[string]func(g *given){"nothing else is": nil})
	check(rules(t, "", "then: allow"), "no mode", map[string]func(g *given){"nothing else is": nil})
	if (policy.Decision{}).Outcome != policy.Refuse {
		t.Error("the zero decision does not refuse")
	}
}

// An unknown word in place of a known one is no better than none.
func TestUnknownWordsRefuse(t *testing.T) {
	p := rules(t, policy.ModeGitLab, "then: allow")
	for name, change := range map[string]func(g *given){
		"action":     func(g *given) { g.q.Action = "Run" },
		"kind":       func(g *given) { g.who.Kind = "owner" },
		"protection": func(g *given) { g.f.Protection = "open" },
		"role":       func(g *given) { g.f.Role = -50 },
		"project":    func(g *given) { g.q.Project = "42" },
		"ref":        func(g *given) { g.q.Ref.Name = "" },
	} {
		if d := asked(gitlab.Owner).but(change).decide(p); d.Outcome != policy.Refuse {
			t.Errorf("%s: %s", name, short(d))
		}
	}
	if got := fmt.Sprint(policy.Outcome(9)); got != "refuse" {
		t.Errorf("an unknown outcome is told as %s", got)
	}
}
