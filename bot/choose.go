package bot

import (
	"context"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// choose makes the modal anew for another project: its refs, and no ref chosen but
// its default branch.
func (b *Bot) choose(ctx context.Context, in *slack.InteractionCallback, action *slack.BlockAction) {
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
	view := b.turned(f, project)
	// The hash keeps a late update from undoing a later choice.
	if _, err := b.API.UpdateViewContext(ctx, view, "", in.View.Hash, in.View.ID); err != nil {
		b.Log.Warn("updating the modal failed", zap.String("reason", slackReason(err)))
	}
}

// turned is the form for another project.
func (b *Bot) turned(f form, project string) slack.ModalViewRequest {
	f.Project = project
	f.Turn++
	return modal(f, b.Projects.Names(), b.BuildTypes, b.opened(project))
}
