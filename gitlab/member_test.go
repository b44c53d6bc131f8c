package gitlab_test

import (
	"testing"
	"time"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// day is a date relative to today.
func day(days int) time.Time { return time.Now().AddDate(0, 0, days) }

func TestMember(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(gl instance, alice *gitlabtest.User)
		want   gitlab.Role
	}{
		{"a stranger", func(instance, *gitlabtest.User) {}, gitlab.NoAccess},
		{"a member", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMember(alice, gitlabtest.Reporter)
		}, gitlab.Reporter},
		{"a planner, who is between the others", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMember(alice, gitlabtest.Planner)
		}, gitlab.Planner},
		{"who was removed", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMember(alice, gitlabtest.Owner)
			gl.app.AddMember(alice, gitlabtest.NoAccess)
		}, gitlab.NoAccess},
		{"a member of the group", func(gl instance, alice *gitlabtest.User) {
			gl.AddGroup("group").AddMember(alice, gitlabtest.Maintainer)
		}, gitlab.Maintainer},
		{"a member of the group with a higher role in the project", func(gl instance, alice *gitlabtest.User) {
			gl.AddGroup("group").AddMember(alice, gitlabtest.Guest)
			gl.app.AddMember(alice, gitlabtest.Developer)
		}, gitlab.Developer},
		{"a member of the project with a higher role in the group", func(gl instance, alice *gitlabtest.User) {
			gl.AddGroup("group").AddMember(alice, gitlabtest.Owner)
			gl.app.AddMember(alice, gitlabtest.Developer)
		}, gitlab.Owner},
		{"a member of another group", func(gl instance, alice *gitlabtest.User) {
			gl.AddGroup("group2").AddMember(alice, gitlabtest.Owner)
		}, gitlab.NoAccess},
		{"a member of an invited group", func(gl instance, alice *gitlabtest.User) {
			guests := gl.AddGroup("guests")
			guests.AddMember(alice, gitlabtest.Owner)
			gl.app.InviteGroup(guests, gitlabtest.Developer)
		}, gitlab.Developer},
		{"who is blocked", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMember(alice, gitlabtest.Owner)
			alice.Block()
		}, gitlab.NoAccess},
		{"who is blocked no more", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMember(alice, gitlabtest.Owner)
			alice.Block()
			alice.Unblock()
		}, gitlab.Owner},
		{"a membership that ends some day", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMemberUntil(alice, gitlabtest.Developer, day(2))
		}, gitlab.Developer},
		{"a membership that ends today", func(gl instance, alice *gitlabtest.User) {
			gl.app.AddMemberUntil(alice, gitlabtest.Developer, day(0))
		}, gitlab.NoAccess},
		{"a membership that ended", func(gl instance, alice *gitlabtest.User) {
			gl.AddGroup("group").AddMemberUntil(alice, gitlabtest.Developer, day(-1))
		}, gitlab.NoAccess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			alice := gl.AddUser("alice")
			tt.change(gl, alice)
			got, err := gl.client.Member(t.Context(), gl.project.ID, int64(alice.ID))
			if got != tt.want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
			for _, v := range gl.Violations() {
				t.Error(v)
			}
		})
	}
}

// What is in doubt is an error, and no role.
func TestMemberIsInDoubt(t *testing.T) {
	const members = "/api/v4/projects/*/members/all"
	alice := `{"id":2,"username":"alice","state":"active","access_level":40}`
	for _, tt := range []struct {
		name  string
		fault gitlabtest.Fault
		want  gitlab.Error
	}{
		{"a project that may not be seen", gitlabtest.Fault{Status: 404, Body: `{"message":"404 Project Not Found"}`}, gitlab.Error{Kind: gitlab.NotFound, Status: 404}},
		{"a page of a proxy", gitlabtest.Fault{Status: 404, Body: "<html>not here</html>"}, gitlab.Error{Kind: gitlab.Unclear, Status: 404, Message: "a page stands in GitLab's place"}},
		{"a token that is not let in", gitlabtest.Fault{Status: 403, Body: `{"message":"403 Forbidden"}`}, gitlab.Error{Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden"}},
		{"a GitLab that is away", gitlabtest.Fault{Status: 502}, gitlab.Error{Kind: gitlab.Unclear, Status: 502}},
		{"an answer of another kind", gitlabtest.Fault{Status: 200, Body: alice}, gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"}},
		{"a date that is none", gitlabtest.Fault{Status: 200, Body: `[{"id":2,"state":"active","access_level":40,"expires_at":"soon"}]`}, gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"}},
		{
			"a list of everybody, which goes on",
			gitlabtest.Fault{Status: 200, Header: map[string][]string{"X-Next-Page": {"2"}}, Body: `[{"id":7,"state":"active","access_level":40}]`},
			gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "it lists other members than the one asked for"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: members}, tt.fault)
			role, err := gl.client.Member(t.Context(), gl.project.ID, 2)
			if role != gitlab.NoAccess {
				t.Errorf("the role is %v", role)
			}
			tt.want.Op = "reading a member's role"
			checkError(t, err, tt.want)
		})
	}
}

func TestMemberOfAProjectThatIsNotThere(t *testing.T) {
	gl := newInstance(t, nil)
	role, err := gl.client.Member(t.Context(), 4711, 1)
	if role != gitlab.NoAccess || !gitlab.IsNotFound(err) {
		t.Errorf("got %v, %v", role, err)
	}
}

// The answer is taken for what it says of the user that was asked for.
func TestMemberReadsTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       gitlab.Role
	}{
		{"among others", `[{"id":7,"state":"active","access_level":50},{"id":2,"state":"active","access_level":30}]`, gitlab.Developer},
		{"others only", `[{"id":7,"state":"active","access_level":50}]`, gitlab.NoAccess},
		{"a state that is not known", `[{"id":2,"state":"banned","access_level":30}]`, gitlab.NoAccess},
		{"no state at all", `[{"id":2,"access_level":30}]`, gitlab.NoAccess},
		{"waiting for a seat", `[{"id":2,"state":"active","membership_state":"awaiting","access_level":30}]`, gitlab.NoAccess},
		{"seated", `[{"id":2,"state":"active","membership_state":"active","access_level":30}]`, gitlab.Developer},
		{"a moment instead of a day", `[{"id":2,"state":"active","access_level":30,"expires_at":"2020-01-01T00:00:00Z"}]`, gitlab.NoAccess},
		{"a custom role by what it is based on", `[{"id":2,"state":"active","access_level":20,"member_role":{"id":5,"base_access_level":20}}]`, gitlab.Reporter},
		{"minimal access", `[{"id":2,"state":"active","access_level":5}]`, gitlab.Role(5)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/*/members/all"}, gitlabtest.Fault{Status: 200, Body: tt.body})
			got, err := gl.client.Member(t.Context(), gl.project.ID, 2)
			if got != tt.want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestGroupMember(t *testing.T) {
	gl := newInstance(t, nil)
	alice, bob := gl.AddUser("alice"), gl.AddUser("bob")
	above, team := gl.AddGroup("group"), gl.AddGroup("group/team")
	above.AddMember(bob, gitlabtest.Owner)
	team.AddMember(alice, gitlabtest.Developer)
	hidden := gl.AddGroup("hidden")
	team.SetVisibility("internal")
	for _, tt := range []struct {
		name string
		user *gitlabtest.User
		want gitlab.Role
	}{
		{"a member", alice, gitlab.Developer},
		{"an inherited member", bob, gitlab.NoAccess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := gl.client.GroupMember(t.Context(), int64(team.ID), int64(tt.user.ID))
			if got != tt.want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	t.Run("a group that may not be seen", func(t *testing.T) {
		role, err := gl.client.GroupMember(t.Context(), int64(hidden.ID), int64(alice.ID))
		if role != gitlab.NoAccess {
			t.Errorf("the role is %v", role)
		}
		checkError(t, err, gitlab.Error{Op: "reading a group member's role", Kind: gitlab.NotFound, Status: 404})
	})
}
