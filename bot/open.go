package bot

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

func formCommand() command {
	return command{summary: "open the form that starts a pipeline", action: policy.ActionLink, handle: (*Bot).open}
}

// open opens the form. GitLab is not asked before: the trigger id is good for three
// seconds.
func (b *Bot) open(ctx context.Context, e *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if !b.may(ctx, e) {
		return
	}
	f := form{
		Project:  b.projectFor(e.Command.ChannelID),
		Channel:  e.Command.ChannelID,
		ReplyURL: e.Command.ResponseURL,
	}
	if b.openForm(ctx, e, e.Command.TriggerID, f) != nil {
		b.answer(ctx, e, notOpened())
	}
}

// openForm opens a form as it begins, for who acted. Where it opens, a command is
// acknowledged; who calls it tells people where it does not.
func (b *Bot) openForm(ctx context.Context, a *arrival, triggerID string, f form) error {
	return b.openSheet(ctx, a, triggerID, f, b.fresh(f.Project))
}

// openAnywhere opens the form outside of any channel, from a shortcut or from the Home:
// what comes of it is shown in the person's direct messages.
func (b *Bot) openAnywhere(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if !b.may(ctx, a) {
		return
	}
	b.Homes.touched(a.who)
	f := form{Project: b.projectFor(a.who.User), Channel: a.who.User}
	if b.openForm(ctx, a, a.triggerID(), f) != nil {
		b.answer(ctx, a, notOpened())
	}
}

// openSheet is openForm with more filled in.
func (b *Bot) openSheet(ctx context.Context, a *arrival, triggerID string, f form, s sheet) error {
	who := a.who
	who.Channel = policyChannel(f.Channel)
	if _, err := b.API.OpenViewContext(ctx, triggerID, b.draw(ctx, who, f, s)); err != nil {
		reason := slackReason(err)
		b.Log.Warn("opening the modal failed", zap.String("reason", reason))
		if reason == "exchanged_trigger_id" || reason == "trigger_exchanged" {
			return nil // Slack delivered it twice, and the form is open
		}
		return err
	}
	if a.Command != nil {
		a.Ack(nil)
	}
	known, _ := b.Projects.Known(f.Project)
	b.Gate.warm(ctx, who, known)
	return nil
}

func notOpened() message {
	return privately(words("Slack did not let me open the form. Please do it again."))
}

// projectFor is the project to start with: the one that the channel used last.
func (b *Bot) projectFor(channel string) string {
	names := b.Projects.Names()
	if last := b.History.LastProject(channel); slices.Contains(names, last) {
		return last
	}
	return names[0]
}

// opened prepares the refs of a project for being searched and returns its default
// branch, where that is known.
func (b *Bot) opened(name string) *gitlab.Ref {
	project, known := b.Projects.Known(name)
	if !known {
		return nil
	}
	b.Refs.Opened(project)
	name, known = b.Refs.DefaultBranch(project)
	if !known {
		return nil
	}
	return &gitlab.Ref{Kind: gitlab.Branch, Name: name}
}
