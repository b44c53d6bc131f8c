package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
)

// note writes into the audit log what a change of a record says that GitLab was asked
// for or has done. It comes before the change is written: what is noted twice is one
// entry, and what is not noted is gone. A log that cannot be written does not stop
// what has happened already, nor does one that gives no answer: the log of the process
// says so, and the write goes on with the time that is left to it.
func (e *Engine) note(ctx context.Context, before, after Run) {
	entry, ok := entryFor(before, after)
	if !ok || e.Audit == nil {
		return
	}
	noting, cancel := halfOf(ctx)
	defer cancel()
	if err := e.Audit.Append(noting, entry); err != nil {
		e.Log.Error("writing the audit log failed", zap.String("run", after.Request.ID), zap.String("outcome", entry.Outcome), zap.Error(err))
	}
}

// halfOf leaves the other half of the time to the write that comes after, however often
// others write first and both are done again.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	until, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(until)/2)
}

// entryFor is what a change of a record means to the audit log. What people do to a
// pipeline is noted by whoever lets them, once, and not for each record that shows the
// pipeline. So is what becomes of one: only the run that it was started for tells.
func entryFor(before, after Run) (Entry, bool) {
	created, request := before.Format == 0, after.Request
	if !created && (before.State == after.State || request.Follow) {
		return Entry{}, false
	}
	entry := Entry{
		Kind: EntryResult, Action: "run", User: request.Asker, Team: request.Team, GitLabUser: request.Account.Username,
		Channel: request.Channel, Project: request.Project, Ref: request.Ref.Name, RefKind: request.Ref.Kind.String(),
		BuildType: request.BuildType, SHA: after.Pipeline.SHA, Run: request.ID, Pipeline: after.Pipeline.ID, Outcome: string(after.State),
	}
	if after.Project.Path != "" {
		entry.Project = after.Project.Path
	}
	switch after.State {
	case Held:
		entry.SHA, entry.Rule, entry.Reason = after.Hold.SHA, after.Hold.Rule, "waits for "+string(after.Hold.For)
	case Requested:
		switch before.State {
		case Starting:
			entry.Outcome = "not started"
		case Unknown:
			entry.Outcome = "to be started again"
		}
	case Starting:
		if before.State == Unknown {
			entry.Outcome = "looked for again"
		} else {
			entry.Kind = EntryAction
		}
	case Refused:
		entry.Reason = refusedBecause(*after.Refusal)
	case Ended:
		entry.Outcome = string(after.Pipeline.Status)
		if after.Deleted {
			entry.Outcome = "deleted"
		}
	case Started, Unknown:
	}
	if last, acted := lastAct(before, after); acted {
		entry.Reason = fmt.Sprintf("%s by %s", last.Verb, last.By)
	}
	if v := after.Verdict; v != nil && before.State == Unknown && after.State != Starting {
		entry.Reason = "said by " + v.By
	}
	// The same change is the same entry, by whoever and however often it is written.
	entry.ID = fmt.Sprintf("%s.%s-%s.%d", request.ID, before.State, after.State, after.Version)
	if created {
		entry.Kind = EntryRequest
		entry.Variables = slices.Sorted(maps.Keys(request.Variables))
		entry.Variables = append(entry.Variables, slices.Sorted(maps.Keys(request.Files))...)
	}
	if request.Follow {
		// Asked for twice, the pipeline may stand otherwise the second time.
		entry.Action, entry.ID = "follow", request.ID+".follow"
	}
	return entry, true
}

// lastAct is what a person did that changed the record.
func lastAct(before, after Run) (Act, bool) {
	if len(after.Acts) == 0 || slices.Equal(before.Acts, after.Acts) {
		return Act{}, false
	}
	return after.Acts[len(after.Acts)-1], true
}

func refusedBecause(why Refusal) string {
	switch {
	case why.By != "":
		return "by " + why.By + ": " + why.Message
	case why.Expired:
		return "expired"
	case why.Denied:
		return why.Message
	default:
		return "GitLab: " + why.Kind.String()
	}
}
