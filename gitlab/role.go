package gitlab

import (
	"fmt"
	"strings"
)

// Role is an access level of a member; a higher one may do what a lower one may.
// GitLab adds roles between the others from time to time, so compare them and do
// not enumerate them. https://docs.gitlab.com/api/members/#roles
type Role int

// The roles, with the numbers of GitLab's API.
const (
	NoAccess   Role = 0
	Guest      Role = 10
	Planner    Role = 15
	Reporter   Role = 20
	Developer  Role = 30
	Maintainer Role = 40
	Owner      Role = 50
	// Admin appears in protections alone, for administrators of the instance. No
	// member has it: who is an administrator, GitLab tells administrators only.
	Admin Role = 60
)

// memberRoles are those that a member can be given, lowest first.
func memberRoles() []Role { return []Role{Guest, Planner, Reporter, Developer, Maintainer, Owner} }

// String is the role's name in lower case, as ParseRole reads it.
func (r Role) String() string {
	switch r {
	case NoAccess:
		return "no access"
	case Guest:
		return "guest"
	case Planner:
		return "planner"
	case Reporter:
		return "reporter"
	case Developer:
		return "developer"
	case Maintainer:
		return "maintainer"
	case Owner:
		return "owner"
	case Admin:
		return "administrator"
	default:
		return fmt.Sprintf("access level %d", int(r))
	}
}

// ParseRole reads the name of a role that a member can have, in any case.
func ParseRole(name string) (Role, error) {
	names := make([]string, 0, len(memberRoles()))
	for _, role := range memberRoles() {
		if strings.EqualFold(name, role.String()) {
			return role, nil
		}
		names = append(names, role.String())
	}
	return NoAccess, fmt.Errorf("%q is no role, they are %s", name, strings.Join(names, ", "))
}
