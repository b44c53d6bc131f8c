package policy

import (
	"fmt"
	"strings"
)

// Role is an access level of GitLab, https://docs.gitlab.com/api/members/#roles.
// 0 is none.
type Role int

// GitLab's roles.
const (
	RoleGuest           Role = 10
	RolePlanner         Role = 15
	RoleReporter        Role = 20
	RoleSecurityManager Role = 25
	RoleDeveloper       Role = 30
	RoleMaintainer      Role = 40
	RoleOwner           Role = 50
)

// Roles are all roles, the least first.
func Roles() []Role {
	return []Role{RoleGuest, RolePlanner, RoleReporter, RoleSecurityManager, RoleDeveloper, RoleMaintainer, RoleOwner}
}

func (r Role) String() string {
	switch r {
	case 0:
		return "none"
	case RoleGuest:
		return "Guest"
	case RolePlanner:
		return "Planner"
	case RoleReporter:
		return "Reporter"
	case RoleSecurityManager:
		return "Security Manager"
	case RoleDeveloper:
		return "Developer"
	case RoleMaintainer:
		return "Maintainer"
	case RoleOwner:
		return "Owner"
	default:
		return fmt.Sprintf("access level %d", int(r))
	}
}

// Name is the role as the policy file writes it: developer, security_manager.
func (r Role) Name() string { return strings.ReplaceAll(strings.ToLower(r.String()), " ", "_") }

// ParseRole reads what Name writes.
func ParseRole(name string) (Role, bool) {
	for _, role := range Roles() {
		if role.Name() == name {
			return role, true
		}
	}
	return 0, false
}
