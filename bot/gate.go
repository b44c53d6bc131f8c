package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

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
	looking, cancel := leaving(ctx, noteWithin)
	defer cancel()
	d, person := g.look(looking, who, q)
	if !g.sameProject(looking, q.Project, r) {
		d = policy.Decision{Action: q.Action, Project: q.Project, Ref: q.Ref, Why: policy.Doubtful, Doubt: "the project has another path by now"}
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

// leaving is ctx with so much less time.
func leaving(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if at, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, at.Add(-d))
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

// done writes down what came of something that was allowed. It has happened, so a
// failure to write changes nothing; note logs it.
func (g *Gate) done(ctx context.Context, d policy.Decision, who Asker, q policy.Question, r run.Run, outcome string, err error) {
	e := entryOf(d, who, policy.Person{}, q, r)
	e.Kind, e.Outcome, e.Reason = run.EntryResult, outcome, ""
	if err != nil {
		e.Outcome, e.Reason = "failed", gitlab.KindOf(err).String()
	}
	_ = g.note(ctx, e)
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
	if s.person.Account == nil || f.Doubt != "" || ref.Name == "" || ref.Kind == 0 {
		return f
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
	var asking errgroup.Group
	asking.SetLimit(rolesAtOnce)
	for i, name := range names {
		asking.Go(func() error {
			project, err := g.Projects.Resolve(ctx, name)
			if err != nil {
				return err
			}
			roles[i], err = g.Members.Role(ctx, project.ID, user)
			return err
		})
	}
	if asking.Wait() != nil || len(roles) == 0 {
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

// administer does something that concerns the bot itself, for somebody who may: it is
// not done where it cannot be written down before.
func (g *Gate) administer(ctx context.Context, who Asker, what, account string, do func() error) error {
	e := run.Entry{Kind: run.EntryAdmin, Action: what, User: who.User, Team: who.Team, Channel: who.Channel, GitLabUser: account}
	if err := g.note(ctx, e); err != nil {
		return err
	}
	err := do()
	e.Kind, e.Outcome = run.EntryResult, "done"
	if err != nil {
		e.Outcome = "failed"
	}
	_ = g.note(ctx, e) // it is done; note logs
	return err
}

// note writes an entry of the audit log.
func (g *Gate) note(ctx context.Context, e run.Entry) error {
	e.At = time.Now().UTC()
	if err := g.Audit.Append(ctx, e); err != nil {
		g.Log.Error("writing the audit log failed", zap.String("action", e.Action), zap.Error(err))
		return err
	}
	return nil
}

// errAskerMayNot: who asked for it may not do it any more, or needs nobody for it; the
// decision is about them.
var errAskerMayNot = errors.New("who asked for it needs no approval, or may not do it")

// errNotApprover: the person may not decide about it.
var errNotApprover = errors.New("the person may not approve this")

// mayApprove decides whether somebody may decide about a held run, by the rules of
// now, and writes that down.
func (g *Gate) mayApprove(ctx context.Context, who Asker, r run.Run) (policy.Decision, error) {
	looking, cancel := leaving(ctx, noteWithin)
	defer cancel()
	asker := askerOf(r)
	asked, askerIs := g.look(looking, asker, questionOf(policy.ActionRun, r, asker))
	if r.Request.Account.ID != 0 {
		askerIs.Account = &policy.Account{ID: r.Request.Account.ID, Username: r.Request.Account.Username}
	}
	q := questionOf(policy.ActionApprove, r, who)
	s := g.standing(looking, looking, who, q.Project)
	d, err := asked, errAskerMayNot
	if asked.Outcome == policy.NeedsApproval {
		q.Project, q.Channel = s.project.Path, who.Channel
		if d, err = doubtful(q, s.unknown), errNotApprover; s.unknown == "" {
			about := q
			about.Variables = g.variables(q)
			d = s.rules.MayApprove(about, asked.Approvers, s.person, s.factsAt(looking, q.Ref), askerIs)
		}
	}
	written := d
	switch {
	case errors.Is(err, errAskerMayNot):
		written.Outcome = policy.Refuse
	case d.Outcome == policy.Allow:
		err = nil
	}
	if g.note(ctx, entryOf(written, who, s.person, q, r)) != nil {
		return doubtful(q, unwritable), errNotApprover
	}
	return d, err
}

// unwritable is the doubt where the audit log takes nothing.
const unwritable = "my own records cannot be written"

// Recheck decides anew about a run that was let go a while ago: it waited for GitLab,
// and meanwhile somebody may have frozen the project or lost a right. An approval that
// was given still counts.
func (g *Gate) Recheck(ctx context.Context, r run.Run) (run.Run, error) {
	asker := askerOf(r)
	q := questionOf(policy.ActionRun, r, asker)
	d, who := g.look(ctx, asker, q)
	var next run.Run
	switch {
	case d.Outcome == policy.Allow, d.Outcome == policy.NeedsApproval && r.Approval != nil:
		return r, nil
	case d.Why == policy.Doubtful:
		return r, fmt.Errorf("not decided: %s", d.Doubt)
	case d.Outcome == policy.NeedsApproval:
		hold, err := g.holdFor(ctx, d, r.Request)
		if err != nil {
			return r, err
		}
		next = r.HeldAgain(*hold)
	default:
		next = r.Withdrawn(run.Refusal{Message: d.Sentence()})
	}
	return next, g.note(ctx, entryOf(d, asker, who, q, r))
}

// Review decides anew about a run that waits: its asker may have been linked, or may
// no longer do what they asked for. What cannot be learned just now changes nothing.
func (g *Gate) Review(ctx context.Context, r run.Run) (run.Run, error) {
	asker := askerOf(r)
	q := questionOf(policy.ActionRun, r, asker)
	d, who := g.look(ctx, asker, q)
	if d.Why == policy.NotLinked || d.Why == policy.Doubtful || d.Outcome == policy.NeedsApproval && r.Hold.For == run.ForApproval {
		return r, nil
	}
	next := r
	if who.Account != nil {
		next.Request.Account = gitlab.User{ID: who.Account.ID, Username: who.Account.Username}
	}
	switch d.Outcome {
	case policy.Allow:
		next = next.Release(time.Now().UTC())
	case policy.NeedsApproval:
		hold, err := g.holdFor(ctx, d, r.Request)
		if err != nil {
			return r, err
		}
		next = next.Holding(*hold)
	default:
		next = next.Denied(run.Refusal{Message: d.Sentence()})
	}
	return next, g.note(ctx, entryOf(d, asker, who, q, r))
}

// askerOf is who asked for a run.
func askerOf(r run.Run) Asker {
	return Asker{Team: r.Request.Team, User: r.Request.Asker, Channel: r.Request.Channel}
}

// questionOf is what the policy is asked about a run.
func questionOf(action policy.Action, r run.Run, who Asker) policy.Question {
	return policy.Question{
		Action: action, Project: projectName(r), Ref: r.Request.Ref, BuildType: r.Request.BuildType, Variables: r.Request.Variables,
		Channel: r.Request.Channel, Own: who.User == r.Request.Asker && who.Team == r.Request.Team,
	}
}

// entryOf is a decision as the audit log keeps it: of variables the names.
func entryOf(d policy.Decision, who Asker, person policy.Person, q policy.Question, r run.Run) run.Entry {
	e := run.Entry{
		Kind: run.EntryDecision, Action: string(q.Action), User: who.User, Team: who.Team, Channel: who.Channel,
		Project: cmp.Or(d.Project, q.Project), Ref: q.Ref.Name, BuildType: q.BuildType, Variables: slices.Sorted(maps.Keys(q.Variables)),
		Run: r.Request.ID, Pipeline: r.Pipeline.ID, Outcome: d.Outcome.String(), Rule: d.Rule, Reason: string(d.Why),
	}
	if q.Ref.Kind != 0 {
		e.RefKind = q.Ref.Kind.String()
	}
	if r.Hold != nil {
		e.SHA = r.Hold.SHA
	}
	if person.Account != nil {
		e.GitLabUser = person.Account.Username
	}
	return e
}

// holdFor is what a request is held by that needs a second person: it is about the
// commit that the ref is at now.
func (g *Gate) holdFor(ctx context.Context, d policy.Decision, request run.Request) (*run.Hold, error) {
	project, err := g.Projects.Resolve(ctx, request.Project)
	if err != nil {
		return nil, err
	}
	sha, err := g.Commits.RefSHA(ctx, project.ID, request.Ref)
	switch {
	case err != nil:
		return nil, err
	case sha == "":
		return nil, errors.New("GitLab names no commit of the ref") // an approval of any commit
	}
	approvers := run.Approvers{Users: d.Approvers.Users, Groups: d.Approvers.Groups}
	for _, role := range d.Approvers.Roles {
		approvers.Roles = append(approvers.Roles, role.Name())
	}
	return &run.Hold{
		For: run.ForApproval, Rule: d.Rule, Reason: d.Reason, Approvers: approvers,
		SHA: sha, Until: time.Now().UTC().Add(d.Expires), Lasts: d.Expires,
	}, nil
}
