package gitlab_test

import (
	"fmt"
	"testing"
	"time"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// office is a project with a person for every way to be let in, and refs for every
// way to protect one.
type office struct {
	instance
	people      []*gitlabtest.User
	refs        []gitlab.Ref
	memberships *gitlab.Memberships
}

func newOffice(t *testing.T) office {
	t.Helper()
	o := office{instance: newInstance(t, nil)}
	person := func(name string, role gitlabtest.Role) *gitlabtest.User {
		u := o.AddUser(name)
		o.app.AddMember(u, role)
		o.people = append(o.people, u)
		return u
	}
	person("stranger", gitlabtest.NoAccess)
	person("guest", gitlabtest.Guest)
	reporter := person("reporter", gitlabtest.Reporter)
	person("developer", gitlabtest.Developer)
	person("maintainer", gitlabtest.Maintainer)
	person("owner", gitlabtest.Owner)
	named := person("named", gitlabtest.Developer)
	person("blocked", gitlabtest.Maintainer).Block()
	o.app.AddMemberUntil(person("gone", gitlabtest.NoAccess), gitlabtest.Maintainer, day(-1))

	guests := o.AddGroup("guests")
	guests.SetVisibility("internal")
	o.AddGroup("guests/above") // which is no part of it
	o.app.InviteGroup(guests, gitlabtest.Developer)
	guests.AddMember(person("friend", gitlabtest.NoAccess), gitlabtest.Owner)
	guests.AddMember(person("watcher", gitlabtest.Developer), gitlabtest.Reporter)
	parent := o.AddGroup("group")
	parent.AddMember(person("heir", gitlabtest.NoAccess), gitlabtest.Maintainer)
	uninvited := o.AddGroup("uninvited")
	uninvited.SetVisibility("public")
	uninvited.AddMember(person("outsider", gitlabtest.Developer), gitlabtest.Owner)

	no, developers := gitlabtest.AccessLevel{}, gitlabtest.AccessLevel{Role: gitlabtest.Developer}
	for name, levels := range map[string][2][]gitlabtest.AccessLevel{
		"open":       {},
		"push":       {{developers}, {no}},
		"merge":      {{no}, {developers}},
		"no-one":     {{no}, {no}},
		"maintainer": {{{Role: gitlabtest.Maintainer}}, {{Role: gitlabtest.Maintainer}}},
		"admin":      {{{Role: gitlabtest.Admin}}, {no}},
		"user":       {{{User: named}, {User: reporter}}, {no}},
		"group":      {{{Group: guests}}, {no}},
		"strangers":  {{{Group: uninvited}}, {no}},
		"key":        {{{DeployKey: 1}}, {no}},
		"wild/a":     {{no}, {no}},
		"wild/b":     {},
	} {
		o.app.AddBranch(name, time.Now())
		o.app.AddTag("t-"+name, time.Now())
		o.refs = append(o.refs, branch(name), tag("t-"+name))
		if levels[0] != nil {
			o.app.ProtectBranchFor(name, levels[0], levels[1])
			o.app.ProtectTagFor("t-"+name, append(levels[0], levels[1]...)...)
		}
	}
	o.app.ProtectBranchFor("wild/*", []gitlabtest.AccessLevel{developers}, nil)
	o.app.ProtectTagFor("t-wild/*", gitlabtest.AccessLevel{Role: gitlabtest.Maintainer})

	o.memberships = gitlab.NewMemberships(o.as(t, gitlabtest.Maintainer), gitlab.MembershipsConfig{})
	t.Cleanup(o.memberships.Close)
	return o
}

// What we say that people may do is what GitLab lets them do with tokens of their own.
func TestRightsAreThoseThatGitLabGives(t *testing.T) {
	o := newOffice(t)
	for _, person := range o.people {
		own := o.with(t, o.AddToken(person, "api"))
		user := gitlab.User{ID: int64(person.ID), Username: person.Username}
		for _, ref := range o.refs {
			t.Run(fmt.Sprint(person.Username, " ", ref), func(t *testing.T) {
				role, err := o.memberships.Role(t.Context(), o.project.ID, user.ID)
				if err != nil {
					t.Fatal(err)
				}
				got, err := o.memberships.MayUpdate(t.Context(), o.project.ID, ref, user, role)
				if err != nil {
					t.Fatal(err)
				}
				_, refused := own.StartPipeline(t.Context(), gitlab.Start{Project: o.project.ID, Ref: ref})
				if kind := gitlab.KindOf(refused); refused != nil && kind == gitlab.Unclear {
					t.Fatal(refused)
				}
				if want := refused == nil; got != want {
					t.Errorf("we say %v, GitLab says %v (%v)", got, want, refused)
				}
			})
		}
	}
}

func TestRefSHA(t *testing.T) {
	gl := newInstance(t, nil)
	at := time.Now()
	gl.app.AddBranch("v1", at)
	gl.app.AddTag("v1", at.Add(time.Second))
	gl.app.AddBranch("feature/a b", at)
	for _, ref := range []gitlab.Ref{branch("v1"), tag("v1"), branch("feature/a b")} {
		t.Run(ref.String(), func(t *testing.T) {
			started, err := gl.client.StartPipeline(t.Context(), gitlab.Start{Project: gl.project.ID, Ref: ref})
			if err != nil {
				t.Fatal(err)
			}
			got, err := gl.client.RefSHA(t.Context(), gl.project.ID, ref)
			if err != nil || got != started.SHA {
				t.Errorf("got %q, %v; its pipeline is of %q", got, err, started.SHA)
			}
		})
	}
	t.Run("after it moved", func(t *testing.T) {
		before, _ := gl.client.RefSHA(t.Context(), gl.project.ID, branch("v1"))
		gl.app.AddBranch("v1", at.Add(time.Minute))
		after, err := gl.client.RefSHA(t.Context(), gl.project.ID, branch("v1"))
		if err != nil || after == before {
			t.Errorf("it was %q and is %q: %v", before, after, err)
		}
	})
	t.Run("of an annotated tag", func(t *testing.T) {
		gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/*/repository/tags/*"},
			gitlabtest.Fault{Times: 1, Status: 200, Body: `{"name":"v2","target":"aaa","commit":{"id":"bbb"}}`})
		got, err := gl.client.RefSHA(t.Context(), gl.project.ID, tag("v2"))
		if err != nil || got != "bbb" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestRefSHAThatIsNotKnown(t *testing.T) {
	const path = "/api/v4/projects/*/repository/branches/*"
	for _, tt := range []struct {
		name  string
		fault gitlabtest.Fault
		want  gitlab.Error
	}{
		{"no such ref", gitlabtest.Fault{Status: 404}, gitlab.Error{Kind: gitlab.NotFound, Status: 404}},
		{"away", gitlabtest.Fault{Status: 503}, gitlab.Error{Kind: gitlab.Unclear, Status: 503}},
		{"no commit", gitlabtest.Fault{Status: 200, Body: `{"name":"main"}`}, gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer names no commit"}},
		{"no id", gitlabtest.Fault{Status: 200, Body: `{"name":"main","commit":{}}`}, gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer names no commit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: path}, tt.fault)
			sha, err := gl.client.RefSHA(t.Context(), gl.project.ID, branch("main"))
			tt.want.Op = "reading the commit of a branch"
			checkError(t, err, tt.want)
			if sha != "" {
				t.Errorf("it is %q", sha)
			}
		})
	}
}
