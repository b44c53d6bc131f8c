package bot

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Members knows people's rights in GitLab; [gitlab.Memberships] does.
type Members interface {
	Role(ctx context.Context, project, user int64) (gitlab.Role, error)
	MayUpdate(ctx context.Context, project int64, ref gitlab.Ref, user gitlab.User, role gitlab.Role) (bool, error)
	Rights(ctx context.Context, project int64, ref gitlab.Ref) (gitlab.Rights, error)
	Warm(project, user int64)
}

// Freezes knows what is frozen; [run.Freezes] does.
type Freezes interface {
	Add(ctx context.Context, f run.Freeze) (run.Freeze, error)
	Remove(ctx context.Context, id string) error
	Current(now time.Time) ([]run.Freeze, error)
}

// Audit is the log of what was asked for, decided and done; [run.Audit] is.
type Audit interface {
	Append(ctx context.Context, e run.Entry) error
	AppendOnce(ctx context.Context, e run.Entry) (first bool, err error)
	Find(ctx context.Context, f run.Filter) ([]run.Entry, error)
}

// Gate decides who may do what. It is the only way to any action: it learns who asks
// and what they may in GitLab, asks the policy, and writes the decision down.
type Gate struct {
	Policy   func() *policy.Policy
	People   *People
	Members  Members
	Projects Projects
	Freezes  Freezes
	Audit    Audit
	Commits  Commits
	// BuildTypeVariable is the CI variable that carries the build type: rules can be
	// about it as about any other.
	BuildTypeVariable string
	Log               *zap.Logger
}

// Commits knows at which commit a ref is; [gitlab.Client] does.
type Commits interface {
	RefSHA(ctx context.Context, project int64, ref gitlab.Ref) (string, error)
}

// Asker is who asks, and where.
type Asker struct {
	Team, User, Channel string
}

// noteWithin is kept free of the time for a decision, to write it down.
const noteWithin = 300 * time.Millisecond

// ask decides whether somebody may do something, and writes it down. What cannot be
// written down is refused. r is the run that it is about, the zero one for none.
func (g *Gate) ask(ctx context.Context, who Asker, q policy.Question, r run.Run) (policy.Decision, policy.Person) {
	looking, cancel := leaving(ctx)
	defer cancel()
	d, person := g.look(looking, who, q)
	if !g.sameProject(looking, q.Project, r) {
		d = doubtful(q, "the project has another path by now")
	}
	return g.noted(ctx, d, who, person, q, r), person
}

// sameProject reports whether the path that is asked about still leads to the run's
// project: rights in one that took its path over are no rights in it.
func (g *Gate) sameProject(ctx context.Context, path string, r run.Run) bool {
	if r.Project.ID == 0 {
		return true
	}
	project, err := g.project(ctx, path)
	return err == nil && project.ID == r.Project.ID
}

// leaving is ctx without the time that it takes to write a decision down.
func leaving(ctx context.Context) (context.Context, context.CancelFunc) {
	if at, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, at.Add(-noteWithin))
	}
	return context.WithCancel(ctx)
}

// noted writes a decision down. It returns a refusal where that fails.
func (g *Gate) noted(ctx context.Context, d policy.Decision, who Asker, person policy.Person, q policy.Question, r run.Run) policy.Decision {
	if g.note(ctx, entryOf(d, who, person, q, r)) != nil {
		return doubtful(q, unwritable)
	}
	return d
}

func doubtful(q policy.Question, doubt string) policy.Decision {
	return policy.Decision{Action: q.Action, Project: q.Project, Ref: q.Ref, Why: policy.Doubtful, Doubt: doubt}
}

// look decides without writing it down: for what is only shown.
func (g *Gate) look(ctx context.Context, who Asker, q policy.Question) (policy.Decision, policy.Person) {
	if q.Action == policy.ActionLink {
		rules := g.Policy()
		person := g.People.InSlack(ctx, who.Team, who.User, rules)
		return rules.Decide(q, person, policy.Facts{}, time.Now()), person
	}
	s := g.standing(ctx, ctx, who, q.Project)
	return s.decide(ctx, q), s.person
}

// glance is look by what is in memory: it waits for neither GitLab nor Slack, but has
// them asked for what it did not find.
func (g *Gate) glance(ctx context.Context, who Asker, q policy.Question) (policy.Decision, policy.Person) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	s := g.standing(ctx, ended, who, q.Project)
	return s.decide(ended, q), s.person
}

// askerOf is who asked for a run.
func askerOf(r run.Run) Asker {
	return Asker{Team: r.Request.Team, User: r.Request.Asker, Channel: policyChannel(r.Request.Channel)}
}

// questionOf is what the policy is asked about a run.
func questionOf(action policy.Action, r run.Run, who Asker) policy.Question {
	return policy.Question{
		Action: action, Project: projectName(r), Ref: r.Request.Ref, BuildType: r.Request.BuildType,
		Variables: withFiles(r.Request.Variables, r.Request.Files), Channel: policyChannel(r.Request.Channel),
		Own:     !r.Request.Follow && who.User == r.Request.Asker && who.Team == r.Request.Team,
		Starter: r.Pipeline.User.ID,
	}
}
