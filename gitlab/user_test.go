package gitlab_test

import (
	"testing"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// people are an instance with Alice and others who are like her.
func people(t *testing.T) (instance, *gitlabtest.User) {
	t.Helper()
	gl := newInstance(t, nil)
	alice := gl.AddUser("alice")
	gl.AddUser("alice2").SetEmail("alice2@example.org", true)
	gl.AddUser("malice")
	return gl, alice
}

func wantUser(t *testing.T, gl instance, alice *gitlabtest.User, got gitlab.User, err error) {
	t.Helper()
	if want := (gitlab.User{ID: int64(alice.ID), Username: "alice", Name: "Alice"}); got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

func TestUserByName(t *testing.T) {
	for _, name := range []string{"alice", "Alice", "ALICE"} {
		t.Run(name, func(t *testing.T) {
			gl, alice := people(t)
			got, err := gl.client.UserByName(t.Context(), name)
			wantUser(t, gl, alice, got, err)
		})
	}
}

func TestUserByNameIsNotFound(t *testing.T) {
	for _, tt := range []struct {
		name, ask string
		change    func(gl instance, alice *gitlabtest.User)
		want      gitlab.Error
	}{
		{"nobody", "bob", nil, gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "there is no such user"}},
		{"a part of a name", "alic", nil, gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "there is no such user"}},
		{"nothing", "", nil, gitlab.Error{Kind: gitlab.Invalid, Message: "the name is empty"}},
		{"renamed", "alice", func(_ instance, alice *gitlabtest.User) { alice.Rename("alicia") }, gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "there is no such user"}},
		{"blocked", "alice", func(_ instance, alice *gitlabtest.User) { alice.Block() }, gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "there is no such user"}},
		{"blocked, as administrators see it", "alice", func(gl instance, alice *gitlabtest.User) {
			alice.Block()
			gl.user.SetAdmin(true)
		}, gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "the account is not active"}},
		{"another user's answer", "alice", func(gl instance, _ *gitlabtest.User) {
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/users"}, gitlabtest.Fault{Status: 200, Body: `[{"id":9,"username":"alice2","state":"active"}]`})
		}, gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "there is no such user"}},
		{"away", "alice", func(gl instance, _ *gitlabtest.User) { gl.Down(true) }, gitlab.Error{Kind: gitlab.Unclear, Status: 503}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl, alice := people(t)
			if tt.change != nil {
				tt.change(gl, alice)
			}
			_, err := gl.client.UserByName(t.Context(), tt.ask)
			tt.want.Op = "looking up a user by name"
			checkError(t, err, tt.want)
		})
	}
}

func TestUserByEmail(t *testing.T) {
	for _, tt := range []struct {
		name, ask string
		change    func(gl instance, alice *gitlabtest.User)
	}{
		{"a public address", "alice@work.example", func(_ instance, alice *gitlabtest.User) { alice.SetPublicEmail("alice@work.example") }},
		{"in another case", "Alice@Work.Example", func(_ instance, alice *gitlabtest.User) { alice.SetPublicEmail("alice@work.example") }},
		{"a private address, as administrators see it", "alice@example.com", func(gl instance, _ *gitlabtest.User) { gl.user.SetAdmin(true) }},
		{"somebody else's name is the address", "alice@work.example", func(gl instance, alice *gitlabtest.User) {
			alice.SetPublicEmail("alice@work.example")
			gl.AddUser("alice@work.example")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl, alice := people(t)
			tt.change(gl, alice)
			got, err := gl.client.UserByEmail(t.Context(), tt.ask)
			wantUser(t, gl, alice, got, err)
		})
	}
}

func TestUserByEmailIsNotFound(t *testing.T) {
	const address = "alice@example.com"
	answer := func(body string) func(instance, *gitlabtest.User) {
		return func(gl instance, _ *gitlabtest.User) {
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/users"}, gitlabtest.Fault{Status: 200, Body: body})
		}
	}
	none := gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "there is no such user"}
	for _, tt := range []struct {
		name, ask string
		change    func(gl instance, alice *gitlabtest.User)
		want      gitlab.Error
	}{
		{"a private address", address, nil, none},
		{"no address", "alice", nil, gitlab.Error{Kind: gitlab.Invalid, Message: "it is no e-mail address"}},
		{"nothing", "", nil, gitlab.Error{Kind: gitlab.Invalid, Message: "it is no e-mail address"}},
		{"an address that nobody confirmed", address, func(gl instance, alice *gitlabtest.User) {
			gl.user.SetAdmin(true)
			alice.SetEmail(address, false)
		}, none},
		{"somebody whose name is the address", "carol@example.com", func(gl instance, _ *gitlabtest.User) {
			gl.AddUser("carol@example.com").SetEmail("m@example.net", true)
		}, none},
		{"found, but without an address", address, answer(`[{"id":9,"username":"alice","state":"active"}]`), none},
		{"an address that only looks the same", "kate@example.com", answer(`[{"id":9,"username":"kate","state":"active","public_email":"\u212aate@example.com"}]`), none},
		{
			"two of them", address, answer(`[{"id":9,"username":"a","state":"active","public_email":"alice@example.com"},{"id":8,"username":"b","state":"active","public_email":"alice@example.com"}]`),
			gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "more than one user matches"},
		},
		{
			"two of them, one not active", address, answer(`[{"id":9,"username":"a","state":"active","public_email":"alice@example.com"},{"id":8,"username":"b","state":"banned","public_email":"alice@example.com"}]`),
			gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "more than one user matches"},
		},
		{
			"not active", address, answer(`[{"id":9,"username":"a","state":"deactivated","public_email":"alice@example.com"}]`),
			gitlab.Error{Kind: gitlab.NotFound, Status: 200, Message: "the account is not active"},
		},
		{
			"a user without a number", address, answer(`[{"username":"a","state":"active","public_email":"alice@example.com"}]`),
			gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer is not the list that was asked for"},
		},
		{"more than a page", address, func(gl instance, _ *gitlabtest.User) {
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/users"}, gitlabtest.Fault{
				Status: 200, Header: map[string][]string{"X-Next-Page": {"2"}}, Body: `[{"id":9,"username":"a","state":"active","public_email":"alice@example.com"}]`,
			})
		}, gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "too many users match"}},
		{"away", address, func(gl instance, _ *gitlabtest.User) { gl.Down(true) }, gitlab.Error{Kind: gitlab.Unclear, Status: 503}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl, alice := people(t)
			if tt.change != nil {
				tt.change(gl, alice)
			}
			_, err := gl.client.UserByEmail(t.Context(), tt.ask)
			tt.want.Op = "looking up a user by e-mail"
			checkError(t, err, tt.want)
		})
	}
}
