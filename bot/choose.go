package bot

import (
	"context"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// choose makes the modal anew for another project: its refs, and no ref chosen but
// its default branch.
func (b *Bot) choose(ctx context.Context, a *arrival) {
	in, action := a.Interaction, a.action
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	names := b.Projects.Names()
	f, err := parseForm(in.View.PrivateMetadata, names)
	if err != nil {
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		return
	}
	project, ok := projectByKey(names, action.SelectedOption.Value)
	if !ok || project == f.Project {
		return
	}
	a.who.Channel = f.Channel
	if refused := b.mayNotSee(ctx, a, project); refused != "" {
		b.Log.Info("a project was not shown", zap.String("project", project), zap.String("user", a.who.User))
		b.tell(ctx, a, privately(emoji("no_entry"), words(" "+refused)))
		return
	}
	view := b.turned(ctx, a.who, f, project)
	// The hash keeps a late update from undoing a later choice.
	if _, err := b.API.UpdateViewContext(ctx, view, "", in.View.Hash, in.View.ID); err != nil {
		b.Log.Warn("updating the modal failed", zap.String("reason", slackReason(err)))
	}
}

// turned is the form for another project.
func (b *Bot) turned(ctx context.Context, who Asker, f form, project string) slack.ModalViewRequest {
	f.Project = project
	f.Turn++
	return b.form(ctx, who, f)
}

// form draws a form for somebody, without waiting for GitLab.
func (b *Bot) form(ctx context.Context, who Asker, f form) slack.ModalViewRequest {
	ref := b.opened(f.Project)
	return modal(f, b.Projects.Names(), b.BuildTypes, ref, b.acting(ctx, who, f.Project, ref))
}
