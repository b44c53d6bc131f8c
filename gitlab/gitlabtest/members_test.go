package gitlabtest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

type memberAnswer struct {
	Username string  `json:"username"`
	State    string  `json:"state"`
	Level    int     `json:"access_level"`
	Expires  *string `json:"expires_at"`
}

// family is a project in a group in a group, with another group invited to it.
func family(t *testing.T) (w *world, alice *gitlabtest.User, group, team, guests *gitlabtest.Group) {
	t.Helper()
	w = newWorld(t)
	alice = w.AddUser("alice")
	group, team, guests = w.AddGroup("group"), w.AddGroup("group/team"), w.AddGroup("guests")
	return w, alice, group, team, guests
}

// TestMembersAll follows docs.gitlab.com/api/members/: "only its membership with the highest access_level is returned".
func TestMembersAll(t *testing.T) {
	tomorrow, yesterday := time.Now().AddDate(0, 0, 2), time.Now().AddDate(0, 0, -1)
	date := func(at time.Time) *string { text := at.UTC().Format(time.DateOnly); return &text }
	for _, test := range []struct {
		name   string
		change func(app *gitlabtest.Project, alice *gitlabtest.User, group, team, guests *gitlabtest.Group)
		direct bool
		want   *memberAnswer
	}{
		{"nobody", func(*gitlabtest.Project, *gitlabtest.User, *gitlabtest.Group, *gitlabtest.Group, *gitlabtest.Group) {}, false, nil},
		{"direct", func(app *gitlabtest.Project, alice *gitlabtest.User, _, _, _ *gitlabtest.Group) {
			app.AddMember(alice, gitlabtest.Planner)
		}, true, &memberAnswer{"alice", "active", 15, nil}},
		{"inherited", func(_ *gitlabtest.Project, alice *gitlabtest.User, group, _, _ *gitlabtest.Group) {
			group.AddMember(alice, gitlabtest.Developer)
		}, false, &memberAnswer{"alice", "active", 30, nil}},
		{"in a group beside", func(_ *gitlabtest.Project, alice *gitlabtest.User, _, team, guests *gitlabtest.Group) {
			team.AddMember(alice, gitlabtest.Developer)
			guests.AddMember(alice, gitlabtest.Developer)
		}, false, nil},
		{"invited, with the lower role", func(app *gitlabtest.Project, alice *gitlabtest.User, _, _, guests *gitlabtest.Group) {
			guests.AddMember(alice, gitlabtest.Owner)
			app.InviteGroup(guests, gitlabtest.Reporter)
		}, false, &memberAnswer{"alice", "active", 20, nil}},
		{"the members of the group above an invited one", func(app *gitlabtest.Project, alice *gitlabtest.User, group, team, _ *gitlabtest.Group) {
			group.AddMember(alice, gitlabtest.Developer)
			app.InviteGroup(team, gitlabtest.Owner)
		}, false, &memberAnswer{"alice", "active", 30, nil}},
		{"invited no more", func(app *gitlabtest.Project, alice *gitlabtest.User, _, _, guests *gitlabtest.Group) {
			guests.AddMember(alice, gitlabtest.Owner)
			app.InviteGroup(guests, gitlabtest.Reporter)
			app.InviteGroup(guests, gitlabtest.NoAccess)
		}, false, nil},
		{"the highest of several", func(app *gitlabtest.Project, alice *gitlabtest.User, group, _, guests *gitlabtest.Group) {
			app.AddMember(alice, gitlabtest.Guest)
			group.AddMember(alice, gitlabtest.Maintainer)
			guests.AddMember(alice, gitlabtest.Owner)
			app.InviteGroup(guests, gitlabtest.Developer)
		}, true, &memberAnswer{"alice", "active", 40, nil}},
		{"with a date", func(app *gitlabtest.Project, alice *gitlabtest.User, _, _, _ *gitlabtest.Group) {
			app.AddMemberUntil(alice, gitlabtest.Developer, tomorrow)
		}, true, &memberAnswer{"alice", "active", 30, date(tomorrow)}},
		{"expired", func(app *gitlabtest.Project, alice *gitlabtest.User, _, _, _ *gitlabtest.Group) {
			app.AddMemberUntil(alice, gitlabtest.Developer, yesterday)
		}, true, &memberAnswer{"alice", "active", 30, date(yesterday)}},
		{"blocked", func(app *gitlabtest.Project, alice *gitlabtest.User, _, _, _ *gitlabtest.Group) {
			app.AddMember(alice, gitlabtest.Developer)
			alice.Block()
		}, true, &memberAnswer{"alice", "blocked", 30, nil}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, alice, group, team, guests := family(t)
			test.change(w.app, alice, group, team, guests)
			token := w.token[gitlabtest.Guest]
			one := w.ask("GET", fmt.Sprintf("/projects/1/members/all/%d", alice.ID), token, nil)
			listed := decode[[]memberAnswer](w, w.ask("GET", fmt.Sprintf("/projects/1/members/all?user_ids[]=%d", alice.ID), token, nil), 200)
			direct := w.ask("GET", fmt.Sprintf("/projects/1/members/%d", alice.ID), token, nil)
			if (direct.Status == 200) != test.direct {
				t.Errorf("directly: %d %s", direct.Status, direct.Body)
			}
			if test.want == nil {
				if one.Status != 404 || one.Body != `{"message":"404 Not found"}` || len(listed) != 0 {
					t.Errorf("%d %s, in the list %v", one.Status, one.Body, listed)
				}
				return
			}
			if diff := cmp.Diff(*test.want, decode[memberAnswer](w, one, 200)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]memberAnswer{*test.want}, listed); diff != "" {
				t.Errorf("in the list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembersLists(t *testing.T) {
	w, alice, group, _, _ := family(t)
	group.AddMember(alice, gitlabtest.Developer)
	for _, test := range []struct {
		path string
		want []string
	}{
		{"/projects/1/members", []string{"developer", "guest", "maintainer", "owner", "reporter"}},
		{"/projects/1/members/all", []string{"alice", "developer", "guest", "maintainer", "owner", "reporter"}},
		{"/projects/1/members/all?query=ain", []string{"maintainer"}},
		{fmt.Sprintf("/projects/1/members?user_ids=%d,%d", w.users[gitlabtest.Owner].ID, w.users[gitlabtest.Guest].ID), []string{"guest", "owner"}},
		{"/groups/group/members", []string{"alice"}},
		{"/groups/1/members/all", []string{"alice"}},
		{"/groups/group%2Fteam/members", nil},
		{"/groups/group%2Fteam/members/all", []string{"alice"}},
	} {
		t.Run(test.path, func(t *testing.T) {
			token := w.token[gitlabtest.Guest]
			if test.path == "/groups/group%2Fteam/members" || test.path == "/groups/group%2Fteam/members/all" {
				token = w.AddToken(alice)
			}
			var got []string
			for _, m := range decode[[]memberAnswer](w, w.ask("GET", test.path, token, nil), 200) {
				got = append(got, m.Username)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A membership is worth something in requests, too, until its day.
func TestMembershipsAreWorthTheirRole(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *world, alice *gitlabtest.User, group, guests *gitlabtest.Group)
		status int
	}{
		{"inherited", func(_ *world, alice *gitlabtest.User, group, _ *gitlabtest.Group) {
			group.AddMember(alice, gitlabtest.Developer)
		}, 201},
		{"invited", func(w *world, alice *gitlabtest.User, _, guests *gitlabtest.Group) {
			guests.AddMember(alice, gitlabtest.Owner)
			w.app.InviteGroup(guests, gitlabtest.Developer)
		}, 201},
		{"invited to little", func(w *world, alice *gitlabtest.User, _, guests *gitlabtest.Group) {
			guests.AddMember(alice, gitlabtest.Owner)
			w.app.InviteGroup(guests, gitlabtest.Reporter)
		}, 403},
		{"expired", func(w *world, alice *gitlabtest.User, _, _ *gitlabtest.Group) {
			w.app.AddMemberUntil(alice, gitlabtest.Owner, time.Now())
		}, 404},
		{"blocked", func(w *world, alice *gitlabtest.User, _, _ *gitlabtest.Group) {
			w.app.AddMember(alice, gitlabtest.Owner)
			alice.Block()
		}, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, alice, group, _, guests := family(t)
			test.change(w, alice, group, guests)
			a := w.ask("POST", "/projects/1/pipeline", w.AddToken(alice), map[string]any{"ref": "main"})
			if a.Status != test.status {
				t.Errorf("%d %s, want %d", a.Status, a.Body, test.status)
			}
		})
	}
}

// A private group shows itself to its members and to those of the projects in it, not to the projects it is invited to.
func TestGroupsThatMayBeSeen(t *testing.T) {
	w, alice, _, team, guests := family(t)
	w.app.InviteGroup(guests, gitlabtest.Developer)
	guest := w.token[gitlabtest.Guest]
	type project struct {
		Shared []struct {
			ID    int `json:"group_id"`
			Level int `json:"group_access_level"`
		} `json:"shared_with_groups"`
	}
	shared := func() int {
		return len(decode[project](w, w.ask("GET", "/projects/1", guest, nil), 200).Shared)
	}
	for path, status := range map[string]int{"/groups/group/members": 200, "/groups/group%2Fteam/members": 404, "/groups/guests/members": 404, "/groups/4711/members": 404} {
		if a := w.ask("GET", path, guest, nil); a.Status != status || status == 404 && a.Body != `{"message":"404 Group Not Found"}` {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if n := shared(); n != 0 {
		t.Errorf("%d invited groups are shown", n)
	}
	guests.SetVisibility("internal")
	if n := shared(); n != 1 {
		t.Errorf("%d invited groups are shown", n)
	}
	team.AddMember(alice, gitlabtest.Guest)
	if a := w.ask("GET", "/groups/group%2Fteam/members", w.AddToken(alice), nil); a.Status != 200 {
		t.Errorf("a member: %d %s", a.Status, a.Body)
	}
}
