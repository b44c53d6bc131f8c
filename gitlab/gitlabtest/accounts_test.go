package gitlabtest_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

// TestUsersSearch follows docs.gitlab.com/api/users/#list-users: everybody finds names and public addresses,
// administrators private ones too, and addresses as a whole only.
func TestUsersSearch(t *testing.T) {
	w := newWorld(t)
	admin := w.AddUser("root")
	admin.SetAdmin(true)
	w.AddUser("alice").SetPublicEmail("alice@public.example")
	w.AddUser("bob").SetEmail("bob@private.example", false)
	w.AddUser("carol").Block()
	for _, test := range []struct {
		query           string
		everybody, root []string
	}{
		{"username=ALICE", []string{"alice"}, []string{"alice"}},
		{"username=alic", nil, nil},
		{"username=", nil, nil},
		{"username=carol", nil, []string{"carol"}},
		{"search=alic", []string{"alice"}, []string{"alice"}},
		{"search=Alice@Public.example", []string{"alice"}, []string{"alice"}},
		{"search=alice@public", nil, nil},
		{"search=bob@private.example", nil, []string{"bob"}},
	} {
		for who, want := range map[string][]string{w.token[gitlabtest.Guest]: test.everybody, w.AddToken(admin): test.root} {
			t.Run(test.query, func(t *testing.T) {
				var got []string
				for _, u := range decode[[]struct{ Username string }](w, w.ask("GET", "/users?"+test.query, who, nil), 200) {
					got = append(got, u.Username)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Private addresses, and whether they are confirmed, are shown to administrators and to their owner.
func TestWhoSeesAddresses(t *testing.T) {
	w := newWorld(t)
	admin, alice := w.AddUser("root"), w.AddUser("alice")
	admin.SetAdmin(true)
	alice.SetEmail("alice@private.example", false)
	alice.SetPublicEmail("alice@public.example")
	type user struct {
		Email     *string `json:"email"`
		Public    string  `json:"public_email"`
		Confirmed *string `json:"confirmed_at"`
	}
	private := "alice@private.example"
	for name, test := range map[string]struct {
		token, path string
		want        user
	}{
		"a stranger":                    {w.token[gitlabtest.NoAccess], "/users/8", user{nil, "alice@public.example", nil}},
		"an administrator":              {w.AddToken(admin), "/users/8", user{&private, "alice@public.example", nil}},
		"herself":                       {w.AddToken(alice, "read_user"), "/user", user{&private, "alice@public.example", nil}},
		"a stranger, among the members": {w.token[gitlabtest.Owner], "/projects/1/members/8", user{nil, "alice@public.example", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			w.app.AddMember(alice, gitlabtest.Guest)
			if diff := cmp.Diff(test.want, decode[user](w, w.ask("GET", test.path, test.token, nil), 200)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	alice.SetEmail(private, true)
	if got := decode[user](w, w.ask("GET", "/users/8", w.AddToken(admin), nil), 200); got.Confirmed == nil {
		t.Error("it is not confirmed")
	}
}

func TestBlockedUsersAreLockedOut(t *testing.T) {
	w := newWorld(t)
	owner := w.users[gitlabtest.Owner]
	owner.Block()
	for _, path := range []string{"/user", "/projects/1"} {
		a := w.ask("GET", path, w.token[gitlabtest.Owner], nil)
		if a.Status != 403 || a.Body != `{"message":"403 Forbidden - Your account has been blocked."}` {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	trigger := w.app.AddTriggerToken(owner, "bot")
	if a := w.ask("POST", "/projects/1/trigger/pipeline", "", url.Values{"token": {trigger.Token}, "ref": {"main"}}); a.Status != 400 {
		t.Errorf("by a trigger token: %d %s", a.Status, a.Body)
	}
	owner.Unblock()
	if a := w.ask("GET", "/user", w.token[gitlabtest.Owner], nil); a.Status != 200 {
		t.Errorf("unblocked: %d %s", a.Status, a.Body)
	}
}
