package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	sandbox "pipebot/cmd/sandbox"
)

func TestProjectPathOfRemote(t *testing.T) {
	for _, test := range []struct{ remote, want string }{
		{"https://gitlab.com/group/app.git", "group/app"},
		{"https://gitlab.com/group/app", "group/app"},
		{"https://gitlab.example.com/group/sub/app.git", "group/sub/app"},
		{"https://user:secret@gitlab.com/group/app.git/", "group/app"},
		{"ssh://git@gitlab.com:2222/group/app.git", "group/app"},
		{"git@gitlab.com:group/app.git", "group/app"},
		{"gitlab:group/app", "group/app"},
		{"git@gitlab.com:/group/app.git", "group/app"},
		{"https://gitlab.com/group/my app.git", "group/myapp"},
		{"https://gitlab.com/~me/app", "me/app"},
		{"https://gitlab.com/app.git", ""},
		{"/srv/git/app.git", ""},
		{"../app", ""},
		{"./weird:folder/app", ""},
		{`C:\git\app`, ""},
		{"C:/git/app", ""},
		{"file:///srv/git/app.git", ""},
		{"", ""},
	} {
		t.Run(test.remote, func(t *testing.T) {
			if got := sandbox.ProjectPath(test.remote); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestRefsOfRepository(t *testing.T) {
	repository := sandbox.ParseRefs(`refs/heads/main 1700000000 
refs/heads/feature/login 1710000000 
refs/heads/origin/odd 1690000000 
refs/remotes/origin/HEAD 1720000000 refs/remotes/origin/trunk
refs/remotes/origin/main 1720000000 
refs/remotes/origin/trunk 1730000000 
refs/tags/v1.0 1600000000 
refs/tags/release/2 1610000000 
refs/tags/of-a-file  
refs/notes/x 1600000000 
`)
	branches, tags, first := repository.Refs()
	if diff := cmp.Diff([]string{
		"feature/login 2024-03-09", "main 2024-07-03", "origin/odd 2023-07-22", "trunk 2024-10-27",
	}, branches); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"release/2 2021-01-07", "v1.0 2020-09-13"}, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if first != "trunk" {
		t.Errorf("default branch %q, want trunk", first)
	}
}

func TestGeneratedRefsAreDifferentFromOneAnother(t *testing.T) {
	const n = 20_000
	branches, tags := sandbox.GenerateRefs(n)
	seen := map[string]bool{}
	for _, name := range append(branches, tags...) {
		if seen[name] {
			t.Fatalf("%s is there twice", name)
		}
		seen[name] = true
	}
	if len(seen) != n {
		t.Errorf("%d refs, want %d", len(seen), n)
	}
}
