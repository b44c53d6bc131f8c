package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Protections are the rules over a project's branches or over its tags, as they
// decide who may run pipelines there. The zero value lets nobody.
// https://docs.gitlab.com/ci/pipelines/#pipeline-security-on-protected-branches
type Protections struct {
	Kind  RefKind
	Rules []Protection
}

// Protection is one rule: who may push or merge to the branches, or create the tags,
// that a name or wildcard stands for.
type Protection struct {
	Pattern string
	Allowed []Access
}

// Access is whom a rule names: a user, a group, or else everybody who has the role.
// The role NoAccess is no one.
type Access struct {
	Role  Role
	User  int64
	Group int64
	// Name is what GitLab calls them: "Maintainers", "No one", a user's or group's name.
	Name string
}

// Protected reads the rules for the branches or the tags of a project. Branches take
// a token that may read code, tags one with the role Maintainer: GitLab tells others
// nothing (403), and then nothing is known of any ref.
//
// Whom a rule names that is none of user, group and role (a deploy key, a custom
// role) is left out, and so are groups that are not invited to the project with
// Developer or more: GitLab lets no person in for these.
// https://docs.gitlab.com/api/protected_branches/#list-protected-branches
// https://docs.gitlab.com/api/protected_tags/#list-protected-tags
func (c *Client) Protected(ctx context.Context, project int64, kind RefKind) (Protections, error) {
	op, path := "listing protected branches", fmt.Sprintf("projects/%d/protected_branches", project)
	if kind == Tag {
		op, path = "listing protected tags", fmt.Sprintf("projects/%d/protected_tags", project)
	}
	p := Protections{Kind: kind}
	total := 0
	err := eachPage(op, func(page int64) (last string, more bool, err error) {
		var answers []protectionAnswer
		resp, err := c.request(ctx, op, http.MethodGet, path, struct {
			Page    int64 `url:"page"`
			PerPage int   `url:"per_page"`
		}{page, perPage}, &answers)
		if err == nil {
			// Null is not "no rules", which would let everybody in.
			err = wholeList(op, resp, answers, func(a protectionAnswer) bool { return a.Name != "" })
		}
		if err != nil {
			return "", false, err
		}
		for _, a := range answers {
			p.Rules = append(p.Rules, Protection{Pattern: a.Name, Allowed: slices.Concat(a.Push, a.Merge, a.Create)})
			last = a.Name
		}
		total = int(resp.TotalItems)
		return last, hasNext(resp), nil
	})
	if err == nil && len(p.Rules) < total {
		err = incomplete(op, len(p.Rules), total)
	}
	if err != nil {
		return Protections{}, err
	}
	if err := c.dropStrangers(ctx, project, p.Rules); err != nil {
		return Protections{}, err
	}
	return p, nil
}

type protectionAnswer struct {
	Name   string         `json:"name"`
	Push   accessesAnswer `json:"push_access_levels"`
	Merge  accessesAnswer `json:"merge_access_levels"`
	Create accessesAnswer `json:"create_access_levels"`
}

// accessesAnswer leaves out whom it does not know, so that a deploy key, to which
// GitLab gives the access level 40 as well, does not pass for all Maintainers.
type accessesAnswer []Access

// UnmarshalJSON keeps roles, users and groups.
func (a *accessesAnswer) UnmarshalJSON(text []byte) error {
	var levels []struct {
		Role  Role   `json:"access_level"`
		User  int64  `json:"user_id"`
		Group int64  `json:"group_id"`
		Name  string `json:"access_level_description"`
	}
	var fields []map[string]any
	if err := json.Unmarshal(text, &levels); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for i, level := range levels {
		if !namesAnother(fields[i]) {
			*a = append(*a, Access(level))
		}
	}
	return nil
}

// namesAnother reports whether the level is for something that is neither a user nor
// a group, such as deploy_key_id or member_role_id, of which there may be more.
func namesAnother(level map[string]any) bool {
	for key, value := range level {
		if strings.HasSuffix(key, "_id") && key != "user_id" && key != "group_id" && value != nil {
			return true
		}
	}
	return false
}

// dropStrangers takes those groups out of the rules that are not invited to the
// project itself. GitLab keeps them in its answer when the invitation has ended.
// https://docs.gitlab.com/user/project/protected_tags/#share-projects-with-groups-for-protected-tag-permissions
func (c *Client) dropStrangers(ctx context.Context, project int64, rules []Protection) error {
	if !slices.ContainsFunc(rules, func(r Protection) bool { return slices.ContainsFunc(r.Allowed, isGroup) }) {
		return nil
	}
	var answer struct {
		ID     int64 `json:"id"`
		Groups []struct {
			ID        int64 `json:"group_id"`
			Role      Role  `json:"group_access_level"`
			ExpiresAt date  `json:"expires_at"`
		} `json:"shared_with_groups"`
	}
	const op = "reading the project's invited groups"
	resp, err := c.request(ctx, op, http.MethodGet, fmt.Sprintf("projects/%d", project), nil, &answer)
	if err == nil {
		err = named(op, resp, answer.ID, "project")
	}
	if err != nil {
		return err
	}
	invited := make(map[int64]bool, len(answer.Groups))
	for _, g := range answer.Groups {
		invited[g.ID] = g.Role >= Developer && !g.ExpiresAt.passed(time.Now())
	}
	for i := range rules {
		rules[i].Allowed = slices.DeleteFunc(rules[i].Allowed, func(a Access) bool { return isGroup(a) && !invited[a.Group] })
	}
	return nil
}

func isGroup(a Access) bool { return a.User == 0 && a.Group != 0 }

// Rights say who may run pipelines on one ref. The zero value lets nobody.
type Rights struct {
	// Open: no rule is for the ref, so everybody from Developer up may.
	Open bool
	// Rules are those for the ref. It is enough to be let in by one of them: "the
	// most permissive rule determines the level of protection".
	// https://docs.gitlab.com/user/project/repository/branches/protected/#when-a-branch-matches-multiple-rules
	Rules []Protection
}

// For picks the rules for a ref.
func (p Protections) For(ref Ref) Rights {
	if ref.Kind != p.Kind || ref.Name == "" {
		return Rights{}
	}
	var r Rights
	for _, rule := range p.Rules {
		if matchesWildcard(rule.Pattern, ref.Name) {
			r.Rules = append(r.Rules, rule)
		}
	}
	r.Open = len(r.Rules) == 0
	return r
}

// Allows reports whether a user with a role in the project may run, retry and cancel
// pipelines on the ref. inGroup tells whether the user has at least Developer in a
// group itself, not by inheritance; it is asked last, and only about groups that
// would make a difference.
//
// Administrators are let in by their role in the project alone.
func (r Rights) Allows(user User, role Role, inGroup func(group int64) bool) bool {
	if role < Developer { // whatever a rule says, pipelines take that
		return false
	}
	if r.Open {
		return true
	}
	var groups []int64
	for _, rule := range r.Rules {
		for _, a := range rule.Allowed {
			switch {
			case isGroup(a):
				groups = append(groups, a.Group)
			case a.User != 0:
				if a.User == user.ID {
					return true
				}
			case a.Role > NoAccess && role >= a.Role:
				return true
			}
		}
	}
	return slices.ContainsFunc(groups, inGroup)
}

// matchesWildcard reports whether the pattern, in which * stands for any text with
// slashes too, is for the name. It takes time in proportion to the product of their
// lengths at worst, however many stars there are.
// https://docs.gitlab.com/user/project/repository/branches/protected/#protect-multiple-branches-with-wildcard-rules
func matchesWildcard(pattern, name string) bool {
	p, n := 0, 0
	star, from := -1, 0 // the last star, and where what comes after it was last tried
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
