package gitlabtest_test

import (
	"fmt"
	"testing"

	"pipebot/gitlab/gitlabtest"
)

// TestProtectedAnswers holds the shapes of docs.gitlab.com/api/protected_branches/ and /protected_tags/.
func TestProtectedAnswers(t *testing.T) {
	w := newWorld(t)
	alice, friends := w.AddUser("alice"), w.AddGroup("friends")
	w.app.ProtectBranch("main", gitlabtest.Owner+1, gitlabtest.Developer)
	w.app.ProtectBranchFor("release/*", []gitlabtest.AccessLevel{{User: alice}, {Group: friends}}, []gitlabtest.AccessLevel{{DeployKey: 5}, {Role: gitlabtest.Admin}})
	w.app.ProtectTag("v*", gitlabtest.Maintainer)
	for _, test := range []struct{ path, want string }{
		{"protected_branches", `[{"allow_force_push":false,"code_owner_approval_required":false,"id":1,"inherited":false,` +
			`"merge_access_levels":[{"access_level":30,"access_level_description":"Developers + Maintainers","group_id":null,"id":150,"user_id":null}],"name":"main",` +
			`"push_access_levels":[{"access_level":0,"access_level_description":"No one","group_id":null,"id":100,"user_id":null}],"unprotect_access_levels":[]},` +
			`{"allow_force_push":false,"code_owner_approval_required":false,"id":2,"inherited":false,` +
			`"merge_access_levels":[{"access_level":40,"access_level_description":"Deploy key","deploy_key_id":5,"group_id":null,"id":250,"user_id":null},` +
			`{"access_level":60,"access_level_description":"Instance admins","group_id":null,"id":251,"user_id":null}],"name":"release/*",` +
			`"push_access_levels":[{"access_level":null,"access_level_description":"Alice","group_id":null,"id":200,"user_id":7},` +
			`{"access_level":null,"access_level_description":"friends","group_id":1,"id":201,"user_id":null}],"unprotect_access_levels":[]}]`},
		{"protected_branches?search=none", `[]`},
		{"protected_tags/v*", `{"create_access_levels":[{"access_level":40,"access_level_description":"Maintainers","group_id":null,"id":300,"user_id":null}],"name":"v*"}`},
		{"protected_tags", `[{"create_access_levels":[{"access_level":40,"access_level_description":"Maintainers","group_id":null,"id":300,"user_id":null}],"name":"v*"}]`},
	} {
		t.Run(test.path, func(t *testing.T) {
			a := w.ask("GET", "/projects/1/"+test.path, w.token[gitlabtest.Maintainer], nil)
			if a.Status != 200 || a.Body != test.want {
				t.Errorf("%d\ngot  %s\nwant %s", a.Status, a.Body, test.want)
			}
		})
	}
	for _, path := range []string{"protected_branches/other", "protected_tags/other"} {
		if a := w.ask("GET", "/projects/1/"+path, w.token[gitlabtest.Maintainer], nil); a.Status != 404 || a.Body != `{"message":"404 Not found"}` {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}

func TestProtectionsEnd(t *testing.T) {
	w := newWorld(t)
	w.app.ProtectBranch("main", gitlabtest.Maintainer, gitlabtest.Maintainer)
	w.app.ProtectTag("main", gitlabtest.Maintainer)
	w.app.UnprotectTag("main")
	if a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], map[string]any{"ref": "main"}); a.Status != 400 {
		t.Errorf("protected: %d %s", a.Status, a.Body)
	}
	w.app.UnprotectBranch("main")
	if a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], map[string]any{"ref": "main"}); a.Status != 201 {
		t.Errorf("unprotected: %d %s", a.Status, a.Body)
	}
}

// TestWhoMayRunOnAProtectedBranch follows docs.gitlab.com/ci/pipelines/#pipeline-security-on-protected-branches.
func TestWhoMayRunOnAProtectedBranch(t *testing.T) {
	w := newWorld(t)
	friends, uninvited, watchers := w.AddGroup("friends"), w.AddGroup("uninvited"), w.AddGroup("watchers")
	person := func(name string) *gitlabtest.User {
		u := w.AddUser(name)
		w.app.AddMember(u, gitlabtest.Developer)
		return u
	}
	named, friend, outsider, watcher, heir := person("named"), person("friend"), person("outsider"), person("watcher"), person("heir")
	admin := w.AddUser("admin")
	admin.SetAdmin(true)
	w.app.InviteGroup(friends, gitlabtest.Developer)
	w.app.InviteGroup(watchers, gitlabtest.Reporter)
	below := w.AddGroup("friends/below")
	w.app.InviteGroup(below, gitlabtest.Developer)
	friends.AddMember(friend, gitlabtest.Developer)
	friends.AddMember(heir, gitlabtest.Reporter)
	uninvited.AddMember(outsider, gitlabtest.Owner)
	watchers.AddMember(watcher, gitlabtest.Owner)
	for _, test := range []struct {
		name  string
		level gitlabtest.AccessLevel
		may   []*gitlabtest.User
	}{
		{"a user", gitlabtest.AccessLevel{User: named}, []*gitlabtest.User{named}},
		{"an invited group", gitlabtest.AccessLevel{Group: friends}, []*gitlabtest.User{friend}},
		{"the group below, of which nobody is a direct member", gitlabtest.AccessLevel{Group: below}, nil},
		{"a group that is not invited", gitlabtest.AccessLevel{Group: uninvited}, nil},
		{"a group that is invited as Reporter", gitlabtest.AccessLevel{Group: watchers}, nil},
		{"a deploy key", gitlabtest.AccessLevel{DeployKey: 1}, nil},
		{"administrators", gitlabtest.AccessLevel{Role: gitlabtest.Admin}, []*gitlabtest.User{admin}},
		{"no one", gitlabtest.AccessLevel{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.app.ProtectBranchFor("main", []gitlabtest.AccessLevel{test.level}, nil)
			for _, u := range []*gitlabtest.User{named, friend, outsider, watcher, heir, admin, w.users[gitlabtest.Owner]} {
				want := false
				for _, may := range test.may {
					want = want || may == u
				}
				_, reason := w.app.StartPipeline(u, "main", "web")
				if got := reason == ""; got != want {
					t.Errorf("%s: %v (%s)", u.Username, got, reason)
				}
			}
		})
	}
}

func TestBranchSaysWhoMayPush(t *testing.T) {
	for _, test := range []struct {
		push, merge    gitlabtest.Role
		pushes, merge2 bool
	}{
		{gitlabtest.Developer, gitlabtest.Maintainer, true, false},
		{gitlabtest.Maintainer, gitlabtest.Developer, false, true},
		{gitlabtest.Owner + 1, gitlabtest.Owner + 1, false, false},
	} {
		t.Run(fmt.Sprint(test.push, test.merge), func(t *testing.T) {
			w := newWorld(t)
			w.app.ProtectBranch("main", test.push, test.merge)
			type branch struct {
				Protected bool `json:"protected"`
				Push      bool `json:"developers_can_push"`
				Merge     bool `json:"developers_can_merge"`
				CanPush   bool `json:"can_push"`
			}
			got := decode[branch](w, w.ask("GET", "/projects/1/repository/branches/main", w.token[gitlabtest.Developer], nil), 200)
			if want := (branch{true, test.pushes, test.merge2, test.pushes}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
