package bot

import (
	"context"
	"fmt"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What somebody is shown before they ask for anything: whether they may see a project
// at all, and what they may run there.

// seen is a project as one person may see it.
type seen struct {
	may      bool
	decision policy.Decision
	standing standing
}

// seen asks whether somebody may see a project's refs. Who is not linked yet may: a
// member has to be able to ask for something before they are asked who they are. It is
// asked with every keystroke, so only what is refused is written down.
func (b *Bot) seen(ctx context.Context, a *arrival, project string) seen {
	asking, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	looking, cancel := leaving(asking)
	defer cancel()
	q := policy.Question{Action: policy.ActionView, Project: project}
	s := b.Gate.standing(looking, looking, a.who, project)
	d := s.decide(looking, q)
	if d.Outcome == policy.Allow || d.Why == policy.NotLinked && s.person.Kind == policy.Member {
		return seen{may: true, decision: d, standing: s}
	}
	return seen{decision: b.Gate.noted(asking, d, a.who, s.person, q, run.Run{}), standing: s}
}

// mayNotSee is why somebody may not see a project, empty if they may.
func (b *Bot) mayNotSee(ctx context.Context, a *arrival, project string) string {
	if view := b.seen(ctx, a, project); !view.may {
		return shortenEnd(view.decision.Sentence(), fieldErrorSize)
	}
	return ""
}

// mark is what the person should know of a ref before they choose it.
type mark int

// The marks, in the order of the menu. A ref of which nothing is known has none:
// submitting will tell.
const (
	unmarked mark = iota
	needsApproval
	frozenNow
	protected
	forbidden
)

// marks tells the mark of any ref. Once ctx has ended only what is in memory tells.
func (v seen) marks(ctx context.Context, buildType string) func(gitlab.Ref) mark {
	return func(ref gitlab.Ref) mark {
		return markOf(v.standing.decide(ctx, policy.Question{
			Action: policy.ActionRun, Ref: ref, BuildType: buildType, Variables: map[string]string{}, Own: true,
		}))
	}
}

func markOf(d policy.Decision) mark {
	switch {
	case d.Outcome == policy.NeedsApproval:
		return needsApproval
	case d.Outcome == policy.Allow, d.Why == policy.NotLinked, d.Why == policy.Doubtful:
		return unmarked
	case d.Why == policy.Frozen:
		return frozenNow
	case d.Why == policy.ByProtection:
		return protected
	default:
		return forbidden
	}
}

// heading is what a group of branches, or of tags, is called in the menu.
func (m mark) heading(kind string) string {
	switch m {
	case needsApproval:
		return "✋ " + kind + " that need approval"
	case frozenNow:
		return "⛔ Frozen " + lowered(kind)
	case protected:
		return "⛔ Protected " + lowered(kind) + ": you may not run them"
	case forbidden:
		return "⛔ " + kind + " that you may not run"
	default:
		return kind
	}
}

// acting says as whom somebody acts in GitLab, and what becomes of the choice that the
// form begins with. It is made from memory alone, and empty where that does not know:
// the trigger id is good for three seconds.
func (b *Bot) acting(ctx context.Context, who Asker, project string, chosen *gitlab.Ref, buildType string) string {
	q := policy.Question{Action: policy.ActionView, Project: project}
	if chosen != nil {
		q = policy.Question{Action: policy.ActionRun, Project: project, Ref: *chosen, BuildType: buildType, Variables: map[string]string{}, Own: true}
	}
	d, person := b.Gate.glance(ctx, who, q)
	switch {
	case d.Why == policy.NotLinked && b.Linking.Possible():
		return "I do not know yet who you are in GitLab. I ask you once you have submitted."
	case person.Account == nil:
		return ""
	}
	text := fmt.Sprintf("In GitLab you are %s.", shortenEnd(person.Account.Username, jobNameSize))
	switch {
	case chosen == nil || d.Why == policy.Doubtful:
		return text
	case d.Outcome == policy.Allow:
		return text + fmt.Sprintf(" You may run %s (%s).", shortenMiddle(chosen.Name, refSize), shortenEnd(q.BuildType, stageNameSize))
	default:
		return text + " " + shortenEnd(d.Sentence(), fieldErrorSize)
	}
}
