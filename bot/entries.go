package bot

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What the gate writes into the audit log.

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

// claim writes down that something is about to be done which must not be done twice, and
// reports whether it is the first to do so under that id. It goes by the audit log, so it
// counts for every process, and for one that died before it came to it: whoever is not
// the first does not know whether it was done.
func (g *Gate) claim(ctx context.Context, id string, d policy.Decision, who Asker, q policy.Question, r run.Run, what string) (first bool, err error) {
	e := entryOf(d, who, policy.Person{}, q, r)
	e.ID, e.Kind, e.Outcome, e.Reason, e.At = id, run.EntryAction, what, "", time.Now().UTC()
	first, err = g.Audit.AppendOnce(ctx, e)
	if err != nil {
		g.Log.Error("writing the audit log failed", zap.String("action", e.Action), zap.Error(err))
	}
	return first, err
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
