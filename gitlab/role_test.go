package gitlab_test

import (
	"strings"
	"testing"

	"pipebot/gitlab"
)

func TestParseRoleReadsWhatStringWrites(t *testing.T) {
	for role, name := range map[gitlab.Role]string{
		gitlab.Guest: "guest", gitlab.Planner: "planner", gitlab.Reporter: "reporter",
		gitlab.Developer: "developer", gitlab.Maintainer: "maintainer", gitlab.Owner: "owner",
	} {
		if got := role.String(); got != name {
			t.Errorf("%d is %q, want %q", role, got, name)
		}
		for _, text := range []string{name, strings.ToUpper(name)} {
			if got, err := gitlab.ParseRole(text); got != role || err != nil {
				t.Errorf("%q: %v, %v", text, got, err)
			}
		}
	}
}

func TestParseRoleRefuses(t *testing.T) {
	for _, name := range []string{"", "no access", "administrator", "master", "30", "developer "} {
		if role, err := gitlab.ParseRole(name); role != gitlab.NoAccess || err == nil {
			t.Errorf("%q: %v, %v", name, role, err)
		}
	}
}

// GitLab has roles that are not in the list, such as minimal access, and will have more.
func TestUnknownRolesHaveNames(t *testing.T) {
	if got := gitlab.Role(5).String(); got != "access level 5" {
		t.Errorf("got %q", got)
	}
}
