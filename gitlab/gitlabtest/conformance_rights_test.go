package gitlabtest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/oauth2"

	"pipebot/gitlab/gitlabtest"
)

// rights are a world with a member by a group, an invited group and protected refs.
func rights(t *testing.T) (w *world, alice *gitlabtest.User, friends *gitlabtest.Group) {
	t.Helper()
	w = newWorld(t)
	alice, friends = w.AddUser("alice"), w.AddGroup("friends")
	alice.SetPublicEmail("alice@public.example")
	w.AddGroup("group").AddMemberUntil(alice, gitlabtest.Maintainer, time.Date(2999, 12, 31, 0, 0, 0, 0, time.UTC))
	friends.SetVisibility("internal")
	friends.AddMember(alice, gitlabtest.Developer)
	w.app.InviteGroup(friends, gitlabtest.Developer)
	w.app.ProtectBranchFor("release/*", []gitlabtest.AccessLevel{{User: alice}, {Group: friends}, {DeployKey: 3}}, []gitlabtest.AccessLevel{{Role: gitlabtest.Developer}})
	for i := range 30 {
		w.app.ProtectTag(fmt.Sprintf("v%d*", i), gitlabtest.Maintainer)
	}
	return w, alice, friends
}

// clientGoRights lets GitLab's own client for Go read members, protections and users.
func clientGoRights(t *testing.T) {
	w, alice, friends := rights(t)
	c, id := w.client(gitlabtest.Owner), int64(alice.ID)
	const project = "group/app"

	m := must[*gitlab.ProjectMember](t, "member")(c.ProjectMembers.GetInheritedProjectMember(project, id))
	if m.ID != id || m.State != "active" || m.AccessLevel != gitlab.MaintainerPermissions || m.ExpiresAt == nil || m.ExpiresAt.String() != "2999-12-31" {
		t.Errorf("member %+v", m)
	}
	if _, _, err := c.ProjectMembers.GetProjectMember(project, id); err == nil {
		t.Error("a member of the group is one of the project")
	}
	all := must[[]*gitlab.ProjectMember](t, "members")(c.ProjectMembers.ListAllProjectMembers(project, &gitlab.ListProjectMembersOptions{UserIDs: &[]int64{id}}))
	if len(all) != 1 || all[0].Username != "alice" {
		t.Errorf("members %v", all)
	}
	g := must[*gitlab.GroupMember](t, "group member")(c.GroupMembers.GetGroupMember("friends", id))
	if g.AccessLevel != gitlab.DeveloperPermissions {
		t.Errorf("group member %+v", g)
	}

	branches := must[[]*gitlab.ProtectedBranch](t, "protected branches")(c.ProtectedBranches.ListProtectedBranches(project, nil))
	if len(branches) != 1 || len(branches[0].PushAccessLevels) != 3 || branches[0].PushAccessLevels[0].UserID != id ||
		branches[0].PushAccessLevels[1].GroupID != int64(friends.ID) || branches[0].PushAccessLevels[2].DeployKeyID != 3 ||
		branches[0].MergeAccessLevels[0].AccessLevel != gitlab.DeveloperPermissions {
		t.Errorf("protected branches %+v", branches)
	}
	one := must[*gitlab.ProtectedBranch](t, "protected branch")(c.ProtectedBranches.GetProtectedBranch(project, "release/*"))
	if one.ID != branches[0].ID {
		t.Errorf("protected branch %+v", one)
	}
	tags, err := gitlab.ScanAndCollect(func(p gitlab.PaginationOptionFunc) ([]*gitlab.ProtectedTag, *gitlab.Response, error) {
		return c.ProtectedTags.ListProtectedTags(project, nil, p)
	})
	if err != nil || len(tags) != 30 || tags[0].CreateAccessLevels[0].AccessLevel != gitlab.MaintainerPermissions {
		t.Errorf("%d protected tags: %v", len(tags), err)
	}
	p := must[*gitlab.Project](t, "project")(c.Projects.GetProject(project, nil))
	if len(p.SharedWithGroups) != 1 || p.SharedWithGroups[0].GroupAccessLevel != 30 {
		t.Errorf("shared with %+v", p.SharedWithGroups)
	}

	for _, options := range []*gitlab.ListUsersOptions{{Username: gitlab.Ptr("Alice")}, {Search: gitlab.Ptr("alice@public.example")}} {
		users := must[[]*gitlab.User](t, "users")(c.Users.ListUsers(options))
		if len(users) != 1 || users[0].ID != id || users[0].State != "active" || users[0].PublicEmail != "alice@public.example" || users[0].Email != "" {
			t.Errorf("users %+v", users)
		}
	}
	for _, v := range w.Violations() {
		t.Errorf("violation: %v", v)
	}
}

// oauth2Device lets golang.org/x/oauth2 sign in by the device grant. It counts in whole seconds, which pass at once in
// its bubble while the server, outside of it, goes by the clock on the wall.
func oauth2Device(t *testing.T) {
	w, alice, _ := rights(t)
	clientID := w.AddApplication("device")
	w.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Second, ExpiresIn: 24 * time.Hour})
	begun, ready, confirmed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // whatever is done to the server is done out here, or its channels would be the bubble's
		select {
		case <-begun:
		case <-ctx.Done():
			return
		}
		w.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Nanosecond})
		close(ready)
		if err := w.Wait(ctx, func() bool { return w.Count("POST /oauth/token") >= 2 }); err != nil {
			confirmed <- err
			return
		}
		confirmed <- alice.Approve(w.UserCodes()[0])
	}()
	synctest.Test(t, func(t *testing.T) {
		// A connection that is kept would keep the bubble's time from passing.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, client)
		config := oauth2.Config{ClientID: clientID, Scopes: []string{"read_user"}, Endpoint: oauth2.Endpoint{
			DeviceAuthURL: w.URL + "/oauth/authorize_device", TokenURL: w.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
		}}
		device, err := config.DeviceAuth(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if device.Interval != 1 || device.UserCode == "" || device.VerificationURI != w.URL+"/oauth/device" {
			t.Errorf("device %+v", device)
		}
		begun <- struct{}{}
		<-ready
		token, err := config.DeviceAccessToken(ctx, device)
		if err != nil {
			t.Fatal(err)
		}
		if token.TokenType != "Bearer" || token.RefreshToken == "" || token.Expiry.IsZero() {
			t.Errorf("a token of the type %q", token.TokenType)
		}
		c, err := gitlab.NewAuthSourceClient(gitlab.OAuthTokenSource{TokenSource: oauth2.StaticTokenSource(token)},
			gitlab.WithBaseURL(w.URL), gitlab.WithHTTPClient(client), gitlab.WithCustomLimiter(unlimited{}), gitlab.WithoutRetries())
		if err != nil {
			t.Fatal(err)
		}
		if u := must[*gitlab.User](t, "user")(c.Users.CurrentUser()); u.Username != "alice" {
			t.Errorf("user %+v", u)
		}
	})
	if t.Failed() {
		return
	}
	if err := <-confirmed; err != nil {
		t.Error(err)
	}
	for _, v := range w.Violations() {
		t.Errorf("violation: %v", v)
	}
}

// cliRights lets the command line of python-gitlab read members, protections and users.
func cliRights(t *testing.T, program string) {
	t.Helper()
	w, alice, friends := rights(t)
	c := newCLI(t, program, w)
	id := fmt.Sprint(alice.ID)
	type member struct {
		ID    int
		State string
		Level int `json:"access_level"`
	}
	var got member
	c.run(&got, "project-member-all", "get", "--project-id", "group/app", "--id", id)
	if want := (member{alice.ID, "active", 40}); got != want {
		t.Errorf("member %+v", got)
	}
	var members []member
	c.run(&members, "project-member-all", "list", "--project-id", "1", "--get-all")
	if len(members) != 6 {
		t.Errorf("members %+v", members)
	}
	c.run(&got, "group-member", "get", "--group-id", fmt.Sprint(friends.ID), "--id", id)
	if got.Level != 30 {
		t.Errorf("group member %+v", got)
	}
	var branches, tags []named
	c.run(&branches, "project-protected-branch", "list", "--project-id", "1", "--get-all")
	c.run(&tags, "project-protected-tag", "list", "--project-id", "1", "--get-all")
	if len(branches) != 1 || branches[0].Name != "release/*" || len(tags) != 30 {
		t.Errorf("%v, %d tags", branches, len(tags))
	}
	var users []struct{ Username string }
	c.run(&users, "user", "list", "--username", "alice")
	if len(users) != 1 || users[0].Username != "alice" {
		t.Errorf("users %v", users)
	}
	c.check(w)
}
