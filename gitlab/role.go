package gitlab

import (
	"fmt"
	"strings"
)

// Role is an access level of a member; a higher one may do what a lower one may.
// GitLab adds roles between the others from time to time, so compare them and do
// not take the list for all there are. https://docs.gitlab.com/api/members/#roles
type Role int

// The roles, with the numbers of GitLab's API.
const (
	NoAccess        Role = 0
	Guest           Role = 10
	Planner         Role = 15
	Reporter        Role = 20
	SecurityManager Role = 25
	Developer       Role = 30
	Maintainer      Role = 40
	Owner           Role = 50
	// Admin appears in protections alone, for administrators of the instance. No
	// member has it: who is an administrator, GitLab tells administrators only.
	Admin Role = 60
)

// Roles are those that a member can be given, the least first.
func Roles() []Role {
	return []Role{Guest, Planner, Reporter, SecurityManager, Developer, Maintainer, Owner}
}

// String is the role as GitLab shows it.
func (r Role) String() string {
	switch r {
	case NoAccess:
		return "none"
	case Guest:
		return "Guest"
	case Planner:
		return "Planner"
	case Reporter:
		return "Reporter"
	case SecurityManager:
		return "Security Manager"
	case Developer:
		return "Developer"
	case Maintainer:
		return "Maintainer"
	case Owner:
		return "Owner"
	case Admin:
		return "Administrator"
	default:
		return fmt.Sprintf("access level %d", int(r))
	}
}

// Name is the role as files and flags write it: developer, security_manager.
func (r Role) Name() string { return strings.ReplaceAll(strings.ToLower(r.String()), " ", "_") }

// ParseRole reads what Name writes of a role that a member can have.
func ParseRole(name string) (Role, bool) {
	for _, role := range Roles() {
		if role.Name() == name {
			return role, true
		}
	}
	return NoAccess, false
}
