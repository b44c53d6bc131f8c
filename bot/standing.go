package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// standing is what is known of somebody in a project, learned once for any number of
// questions.
type standing struct {
	gate    *Gate
	rules   *policy.Policy
	channel string
	person  policy.Person
	facts   policy.Facts // but for a ref's protection
	project gitlab.Project
	unknown string // why the project is not known
}

// standing learns what is known of somebody in a project, "" for all of them. asking is
// for the questions that leave the house.
func (g *Gate) standing(ctx, asking context.Context, who Asker, project string) standing {
	s := standing{gate: g, rules: g.Policy(), channel: who.Channel}
	s.person, s.facts.Doubt = g.People.person(ctx, asking, who.Team, who.User, s.rules)
	s.facts.Freezes, s.facts.FreezesDoubt = g.frozen(asking)
	if project != "" {
		var err error
		if s.project, err = g.project(asking, project); err != nil {
			s.unknown = "GitLab does not say what the project is"
			return s
		}
	}
	if s.person.Account == nil || s.facts.Doubt != "" {
		return s
	}
	if project == "" {
		s.facts.Role, s.facts.Doubt = g.leastRole(asking, s.person.Account.ID)
		return s
	}
	role, err := g.Members.Role(asking, s.project.ID, s.person.Account.ID)
	if err != nil {
		s.facts.Doubt = "GitLab does not say what your role in the project is"
	}
	s.facts.Role = role
	return s
}

// decide answers a question about the project that the standing is in.
func (s *standing) decide(ctx context.Context, q policy.Question) policy.Decision {
	if s.unknown != "" {
		// Rules are about paths, as GitLab writes them: without one they would be
		// passed by.
		return doubtful(q, s.unknown)
	}
	q.Project, q.Channel, q.Variables = s.project.Path, s.channel, s.gate.variables(q)
	return s.rules.Decide(q, s.person, s.factsAt(ctx, q.Ref), time.Now())
}

// variables are those that a pipeline gets for what is asked, nil where they are not known.
func (g *Gate) variables(q policy.Question) map[string]string {
	if q.BuildType == "" || g.BuildTypeVariable == "" {
		return q.Variables
	}
	all := maps.Clone(q.Variables)
	if all == nil {
		all = make(map[string]string, 1)
	}
	all[g.BuildTypeVariable] = q.BuildType
	return all
}

// factsAt are the facts with the protection of a ref, where it is one: freezes are
// about patterns, which have no kind.
func (s *standing) factsAt(ctx context.Context, ref gitlab.Ref) policy.Facts {
	f := s.facts
	if s.person.Account == nil || f.Doubt != "" || ref.Name == "" {
		return f
	}
	if ref.Kind == 0 {
		if !strings.HasPrefix(ref.Name, "refs/") {
			return f
		}
		// That of a merge request, by whose name GitLab looks for a protected branch.
		ref.Kind = gitlab.Branch
	}
	var err error
	if f.Protection, err = s.gate.protection(ctx, s.project, ref, *s.person.Account, f.Role); err != nil {
		f.Doubt = fmt.Sprintf("GitLab does not say who may update the protected %s", ref.Kind)
	}
	return f
}

func (g *Gate) protection(ctx context.Context, project gitlab.Project, ref gitlab.Ref, account policy.Account, role gitlab.Role) (policy.Protection, error) {
	rights, err := g.Members.Rights(ctx, project.ID, ref)
	if err != nil {
		return "", err
	}
	if rights.Open {
		return policy.Unprotected, nil
	}
	may, err := g.Members.MayUpdate(ctx, project.ID, ref, gitlab.User{ID: account.ID, Username: account.Username}, role)
	switch {
	case err != nil:
		return "", err
	case may:
		return policy.MayUpdate, nil
	default:
		return policy.MayNot, nil
	}
}

// warm learns what a request of somebody in a project will need soon, so that it can
// be decided though GitLab goes away for a moment.
func (g *Gate) warm(ctx context.Context, who Asker, project gitlab.Project) {
	person, _ := g.People.Person(ctx, who.Team, who.User, g.Policy())
	if person.Account != nil && project.ID != 0 {
		g.Members.Warm(project.ID, person.Account.ID)
	}
}

// leastRole is the least that somebody has in any of the projects: what is about all
// of them takes it in each.
func (g *Gate) leastRole(ctx context.Context, user int64) (least gitlab.Role, doubt string) {
	names := g.Projects.Names()
	roles := make([]gitlab.Role, len(names))
	errs := make([]error, len(names))
	together(names, rolesAtOnce, func(i int, name string) {
		project, err := g.Projects.Resolve(ctx, name)
		if err == nil {
			roles[i], err = g.Members.Role(ctx, project.ID, user)
		}
		errs[i] = err
	})
	if errors.Join(errs...) != nil || len(roles) == 0 {
		return 0, "GitLab does not say what your role in each of the projects is"
	}
	return slices.Min(roles), ""
}

// rolesAtOnce is how many projects GitLab is asked about at the same time.
const rolesAtOnce = 8

// project is what GitLab calls a project, given its name in the settings or its path.
func (g *Gate) project(ctx context.Context, path string) (gitlab.Project, error) {
	for _, name := range g.Projects.Names() {
		if known, ok := g.Projects.Known(name); ok && (name == path || known.Path == path) {
			return known, nil
		}
	}
	return g.Projects.Resolve(ctx, path)
}

// frozen is what is frozen now, as the policy sees it.
func (g *Gate) frozen(ctx context.Context) ([]policy.Freeze, string) {
	current, err := g.Freezes.Current(time.Now())
	if err != nil {
		return nil, "what is frozen just now is not known"
	}
	list := make([]policy.Freeze, len(current))
	for i, f := range current {
		list[i] = policy.Freeze{ID: f.ID, Project: f.Project, Pattern: f.Pattern, By: g.People.name(ctx, f.By), Reason: f.Reason, At: f.At, Until: f.Until}
	}
	return list, ""
}
