package gitlab_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

func byRole(role gitlab.Role) gitlab.Access { return gitlab.Access{Role: role} }

func rule(pattern string, allowed ...gitlab.Access) gitlab.Protection {
	return gitlab.Protection{Pattern: pattern, Allowed: allowed}
}

func branches(rules ...gitlab.Protection) gitlab.Protections {
	return gitlab.Protections{Kind: gitlab.Branch, Rules: rules}
}

func TestProtectionsFor(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"main", "main", true},
		{"main", "Main", false}, // names and wildcards are case-sensitive
		{"main", "main2", false},
		{"main", "mai", false},
		{"*-stable", "production-stable", true},
		{"*-stable", "-stable", true},
		{"*-stable", "stable", false},
		{"production/*", "production/app-server", true},
		{"production/*", "production/a/b", true},
		{"production/*", "production", false},
		{"*gitlab*", "master/gitlab/production", true},
		{"*gitlab*", "gitlab", true},
		{"*", "anything/at.all", true},
		{"**", "x", true},
		{"v1.x", "v1ax", false}, // no other sign than * stands for anything
		{"v[12]", "v1", false},
		{"v?", "v1", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"*ab", "aab", true},
		{"release/*.*", "release/1.2", true},
		{"release/*.*", "release/12", false},
		{"größe*", "größe/1", true},
	} {
		t.Run(tt.pattern+" "+tt.name, func(t *testing.T) {
			rights := branches(rule(tt.pattern)).For(branch(tt.name))
			if got := len(rights.Rules) == 1; got != tt.want || rights.Open == got {
				t.Errorf("%v, open: %v", got, rights.Open)
			}
		})
	}
}

// Thirty stars would take for ever if each were tried with each.
func TestManyStarsTakeNoTime(t *testing.T) {
	rights := branches(rule(strings.Repeat("*a", 30))).For(branch(strings.Repeat("a", 60) + "b"))
	if !rights.Open {
		t.Error("it matches")
	}
}

func TestRightsAllow(t *testing.T) {
	const alice, friends, strangers = 7, 70, 71
	user, group := gitlab.Access{User: alice}, func(id int64) gitlab.Access { return gitlab.Access{Group: id} }
	for _, tt := range []struct {
		name  string
		rules []gitlab.Protection
		role  gitlab.Role
		want  bool
	}{
		{"unprotected, a developer", nil, gitlab.Developer, true},
		{"unprotected, a reporter", nil, gitlab.Reporter, false},
		{"unprotected, nobody", nil, gitlab.NoAccess, false},
		{"another branch is protected", []gitlab.Protection{rule("release/*", byRole(gitlab.NoAccess))}, gitlab.Developer, true},
		{"maintainers, a developer", []gitlab.Protection{rule("main", byRole(gitlab.Maintainer))}, gitlab.Developer, false},
		{"maintainers, a maintainer", []gitlab.Protection{rule("main", byRole(gitlab.Maintainer))}, gitlab.Maintainer, true},
		{"maintainers, an owner", []gitlab.Protection{rule("main", byRole(gitlab.Maintainer))}, gitlab.Owner, true},
		{"no one may push, developers may merge", []gitlab.Protection{rule("main", byRole(gitlab.NoAccess), byRole(gitlab.Developer))}, gitlab.Developer, true},
		{"no one", []gitlab.Protection{rule("main", byRole(gitlab.NoAccess), byRole(gitlab.NoAccess))}, gitlab.Owner, false},
		{"nobody is named", []gitlab.Protection{rule("main")}, gitlab.Owner, false},
		{"administrators, an owner", []gitlab.Protection{rule("main", byRole(gitlab.Admin))}, gitlab.Owner, false},
		{
			"the most permissive rule holds",
			[]gitlab.Protection{rule("main", byRole(gitlab.NoAccess)), rule("ma*", byRole(gitlab.Developer)), rule("*", byRole(gitlab.Maintainer))},
			gitlab.Developer, true,
		},
		{"the user", []gitlab.Protection{rule("main", user)}, gitlab.Developer, true},
		{"the user, no member by now", []gitlab.Protection{rule("main", user)}, gitlab.NoAccess, false},
		{"the user, a reporter", []gitlab.Protection{rule("main", user)}, gitlab.Reporter, false},
		{"another user", []gitlab.Protection{rule("main", gitlab.Access{User: 8})}, gitlab.Owner, false},
		{"another user, whose level has a number", []gitlab.Protection{rule("main", gitlab.Access{User: 8, Role: gitlab.Maintainer})}, gitlab.Owner, false},
		{"a group of the user's", []gitlab.Protection{rule("main", group(strangers), group(friends))}, gitlab.Developer, true},
		{"a group of others", []gitlab.Protection{rule("main", group(strangers))}, gitlab.Owner, false},
		{"a group of others, whose level has a number", []gitlab.Protection{rule("main", gitlab.Access{Group: strangers, Role: gitlab.Maintainer})}, gitlab.Owner, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := branches(tt.rules...).For(branch("main")).Allows(gitlab.User{ID: alice}, tt.role, func(group int64) bool { return group == friends })
			if got != tt.want {
				t.Errorf("allowed: %v", got)
			}
		})
	}
}

// What was never read, or is asked about the other kind, lets nobody in.
func TestRightsOfNothingLetNobodyIn(t *testing.T) {
	for name, rights := range map[string]gitlab.Rights{
		"zero rights":      {},
		"zero protections": gitlab.Protections{}.For(branch("main")),
		"the other kind":   branches().For(tag("v1")),
		"no name":          branches().For(branch("")),
	} {
		if rights.Allows(gitlab.User{ID: 7}, gitlab.Owner, func(int64) bool { return true }) {
			t.Errorf("%s: allowed", name)
		}
	}
}

// Groups are asked about when nothing else lets the user in.
func TestGroupsAreAskedAboutLast(t *testing.T) {
	rights := branches(rule("main", gitlab.Access{Group: 1}, byRole(gitlab.Developer))).For(branch("main"))
	if !rights.Allows(gitlab.User{ID: 7}, gitlab.Developer, func(int64) bool {
		t.Error("asked")
		return false
	}) {
		t.Error("refused")
	}
}

func TestProtected(t *testing.T) {
	gl := newInstance(t, nil)
	alice, friends, others := gl.AddUser("alice"), gl.AddGroup("friends"), gl.AddGroup("others")
	for _, g := range []*gitlabtest.Group{friends, others} {
		g.SetVisibility("internal")
	}
	gl.app.InviteGroup(friends, gitlabtest.Developer)
	gl.app.InviteGroup(others, gitlabtest.Reporter)
	gl.app.ProtectBranch("main", gitlabtest.Owner+1, gitlabtest.Developer)
	gl.app.ProtectBranchFor("release/*",
		[]gitlabtest.AccessLevel{{Role: gitlabtest.Maintainer}, {DeployKey: 1}, {Group: friends}, {Group: others}},
		[]gitlabtest.AccessLevel{{User: alice}, {Role: gitlabtest.Admin}})
	gl.app.ProtectTag("v*", gitlabtest.Maintainer)
	maintainer := gl.as(t, gitlabtest.Maintainer)
	for _, tt := range []struct {
		kind gitlab.RefKind
		want []gitlab.Protection
	}{
		{gitlab.Branch, []gitlab.Protection{
			rule("main", gitlab.Access{Role: gitlab.NoAccess, Name: "No one"}, gitlab.Access{Role: gitlab.Developer, Name: "Developers + Maintainers"}),
			rule("release/*",
				gitlab.Access{Role: gitlab.Maintainer, Name: "Maintainers"}, gitlab.Access{Group: int64(friends.ID), Name: "friends"},
				gitlab.Access{User: int64(alice.ID), Name: "Alice"}, gitlab.Access{Role: gitlab.Admin, Name: "Instance admins"}),
		}},
		{gitlab.Tag, []gitlab.Protection{rule("v*", gitlab.Access{Role: gitlab.Maintainer, Name: "Maintainers"})}},
	} {
		t.Run(tt.kind.String(), func(t *testing.T) {
			got, err := maintainer.Protected(t.Context(), gl.project.ID, tt.kind)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(gitlab.Protections{Kind: tt.kind, Rules: tt.want}, got); diff != "" {
				t.Errorf("protections (-want +got):\n%s", diff)
			}
		})
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

func TestProtectedReadsEveryPage(t *testing.T) {
	gl := newInstance(t, nil)
	for i := range 250 {
		gl.app.ProtectBranch(fmt.Sprintf("b%03d", i), gitlabtest.Maintainer, gitlabtest.Maintainer)
	}
	got, err := gl.client.Protected(t.Context(), gl.project.ID, gitlab.Branch)
	if err != nil || len(got.Rules) != 250 || got.Rules[249].Pattern != "b249" {
		t.Errorf("%d rules: %v", len(got.Rules), err)
	}
	if n := len(gl.Requests()); n != 3 {
		t.Errorf("it took %d requests", n)
	}
}

// A rule is never read as letting in more people than GitLab does.
func TestProtectedReadsTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, levels string
		want         []gitlab.Access
	}{
		{"a role", `[{"id":1,"access_level":30}]`, []gitlab.Access{byRole(gitlab.Developer)}},
		{"a user as older versions say it", `[{"id":1,"access_level":40,"user_id":5,"group_id":null}]`, []gitlab.Access{{User: 5, Role: gitlab.Maintainer}}},
		{"a deploy key", `[{"id":1,"access_level":40,"deploy_key_id":1,"user_id":null,"group_id":null}]`, nil},
		{"a custom role", `[{"id":1,"access_level":30,"member_role_id":4}]`, nil},
		{"what may come", `[{"id":1,"access_level":30,"robot_id":"r2"}]`, nil},
		{"nothing of it set", `[{"id":1,"access_level":30,"deploy_key_id":null,"member_role_id":null}]`, []gitlab.Access{byRole(gitlab.Developer)}},
		{"no level", `[{"id":1,"access_level":null}]`, []gitlab.Access{byRole(gitlab.NoAccess)}},
		{"no one named", `[]`, nil},
		{"null", `null`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/*/protected_branches"},
				gitlabtest.Fault{Status: 200, Body: `[{"id":1,"name":"main","push_access_levels":` + tt.levels + `,"merge_access_levels":[]}]`})
			got, err := gl.client.Protected(t.Context(), gl.project.ID, gitlab.Branch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(branches(rule("main", tt.want...)), got); diff != "" {
				t.Errorf("protections (-want +got):\n%s", diff)
			}
		})
	}
}

// A group counts only while it is invited to the project itself as Developer or more.
func TestProtectedAsksWhichGroupsAreInvited(t *testing.T) {
	for _, tt := range []struct {
		name, groups string
		want         int
	}{
		{"invited", `[{"group_id":3,"group_access_level":30}]`, 1},
		{"invited until some day", `[{"group_id":3,"group_access_level":40,"expires_at":"2999-01-01"}]`, 1},
		{"no more", `[{"group_id":3,"group_access_level":40,"expires_at":"2020-01-01"}]`, 0},
		{"as a reporter", `[{"group_id":3,"group_access_level":20}]`, 0},
		{"another one", `[{"group_id":4,"group_access_level":50}]`, 0},
		{"none", `[]`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/*/protected_branches"},
				gitlabtest.Fault{Status: 200, Body: `[{"id":1,"name":"main","push_access_levels":[{"id":1,"access_level":null,"group_id":3}]}]`})
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/*"},
				gitlabtest.Fault{Status: 200, Body: `{"id":1,"shared_with_groups":` + tt.groups + `}`})
			got, err := gl.client.Protected(t.Context(), gl.project.ID, gitlab.Branch)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Rules) != 1 || len(got.Rules[0].Allowed) != tt.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Not to know the rules is not to know of any.
func TestProtectedIsInDoubt(t *testing.T) {
	const path, group = "/api/v4/projects/*/protected_branches", `[{"id":1,"name":"main","push_access_levels":[{"id":1,"group_id":3}]}]`
	for _, tt := range []struct {
		name   string
		faults map[string]gitlabtest.Fault
		want   gitlab.Error
	}{
		{"forbidden", map[string]gitlabtest.Fault{path: {Status: 403}}, gitlab.Error{Kind: gitlab.Forbidden, Status: 403}},
		{"not found", map[string]gitlabtest.Fault{path: {Status: 404}}, gitlab.Error{Kind: gitlab.NotFound, Status: 404}},
		{"away", map[string]gitlabtest.Fault{path: {Status: 500}}, gitlab.Error{Kind: gitlab.Unclear, Status: 500}},
		{
			"a rule for nothing",
			map[string]gitlabtest.Fault{path: {Status: 200, Body: `[{"id":1,"push_access_levels":[]}]`}},
			gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer is not the list that was asked for"},
		},
		{
			"fewer than there are",
			map[string]gitlabtest.Fault{path: {Status: 200, Header: map[string][]string{"X-Total": {"2"}}, Body: `[{"id":1,"name":"main"}]`}},
			gitlab.Error{Kind: gitlab.Unclear, Message: "the list ends after 1 names of 2"},
		},
		{
			"no rules but a sentence",
			map[string]gitlabtest.Fault{path: {Status: 200, Body: `{"message":"hello"}`}},
			gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"},
		},
		{
			"a level that is none",
			map[string]gitlabtest.Fault{path: {Status: 200, Body: `[{"id":1,"name":"main","push_access_levels":[{"access_level":"40"}]}]`}},
			gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"},
		},
		{
			"which groups are invited cannot be read",
			map[string]gitlabtest.Fault{path: {Status: 200, Body: group}, "/api/v4/projects/*": {Status: 403}},
			gitlab.Error{Op: "reading the project's invited groups", Kind: gitlab.Forbidden, Status: 403},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			for path, fault := range tt.faults {
				gl.Fault(gitlabtest.Match{PathPattern: path}, fault)
			}
			got, err := gl.client.Protected(t.Context(), gl.project.ID, gitlab.Branch)
			if tt.want.Op == "" {
				tt.want.Op = "listing protected branches"
			}
			checkError(t, err, tt.want)
			if got.For(branch("main")).Allows(gitlab.User{ID: 1}, gitlab.Owner, func(int64) bool { return true }) {
				t.Error("allowed all the same")
			}
		})
	}
}

// GitLab tells who may create tags to Maintainers only.
func TestProtectedTagsTakeAMaintainer(t *testing.T) {
	gl := newInstance(t, nil)
	_, err := gl.client.Protected(t.Context(), gl.project.ID, gitlab.Tag)
	checkError(t, err, gitlab.Error{Op: "listing protected tags", Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden"})
}

// FuzzProtectionsFor holds wildcards against what they mean, written as a regexp.
func FuzzProtectionsFor(f *testing.F) {
	for _, seed := range [][2]string{{"main", "main"}, {"release/*", "release/1/2"}, {"*-stable", "17-0-stable"}, {"*a*b*", "ba"}, {"**", ""}, {"", "x"}, {"\xff*", "\xffx"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p := gitlab.Protections{Kind: gitlab.Branch, Rules: []gitlab.Protection{{Pattern: pattern}}}
		got := p.For(branch(name))
		means, err := regexp.Compile(`^(?s:` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `)$`)
		if err != nil || !utf8.ValidString(pattern+name) {
			return // a regexp does not say
		}
		if want := name != "" && !means.MatchString(name); got.Open != want {
			t.Errorf("%q over %q leaves it open: %v", pattern, name, got.Open)
		}
	})
}
