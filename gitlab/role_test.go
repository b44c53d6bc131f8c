package gitlab_test

import (
	"testing"

	"pipebot/gitlab"
)

func TestParseRoleReadsWhatNameWrites(t *testing.T) {
	for role, name := range map[gitlab.Role]string{
		gitlab.Guest: "guest", gitlab.Planner: "planner", gitlab.Reporter: "reporter", gitlab.SecurityManager: "security_manager",
		gitlab.Developer: "developer", gitlab.Maintainer: "maintainer", gitlab.Owner: "owner",
	} {
		if got := role.Name(); got != name {
			t.Errorf("%d is %q, want %q", role, got, name)
		}
		if got, ok := gitlab.ParseRole(name); got != role || !ok {
			t.Errorf("%q: %v, %t", name, got, ok)
		}
	}
}

func TestParseRoleRefuses(t *testing.T) {
	for _, name := range []string{"", "none", "administrator", "master", "30", "developer ", "Developer"} {
		if role, ok := gitlab.ParseRole(name); role != gitlab.NoAccess || ok {
			t.Errorf("%q: %v, %t", name, role, ok)
		}
	}
}

// GitLab has roles that are not in the list, such as minimal access, and will have more.
func TestUnknownRolesHaveNames(t *testing.T) {
	if got := gitlab.Role(5).String(); got != "access level 5" {
		t.Errorf("got %q", got)
	}
}
