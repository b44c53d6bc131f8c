package bot

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

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
	if _, err := b.API.OpenViewContext(ctx, e.Command.TriggerID, b.form(ctx, e.who, f)); err != nil {
		reason := slackReason(err)
		b.Log.Warn("opening the modal failed", zap.String("reason", reason))
		if reason == "exchanged_trigger_id" || reason == "trigger_exchanged" {
			return // Slack delivered the command twice, and the form is open
		}
		e.Ack(privately(words("Slack did not let me open the form. Please type the command again.")).answer())
		return
	}
	e.Ack(nil)
	known, _ := b.Projects.Known(f.Project)
	b.Gate.warm(ctx, e.who, known)
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
