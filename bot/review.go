package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What the gate decides about requests that wait, or have waited.

// errAskerMayNot: who asked for it may not do it any more, or needs nobody for it; the
// decision is about them.
var errAskerMayNot = errors.New("who asked for it needs no approval, or may not do it")

// errNotApprover: the person may not decide about it.
var errNotApprover = errors.New("the person may not approve this")

// mayApprove decides whether somebody may decide about a held run, by the rules of
// now, and writes that down.
func (g *Gate) mayApprove(ctx context.Context, who Asker, r run.Run) (policy.Decision, error) {
	looking, cancel := leaving(ctx)
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
		next = r.Holding(*hold)
	default:
		next = r.Denied(run.Refusal{Message: d.Sentence()})
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
