package bot

import (
	"context"
	"slices"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// choose makes the modal anew for another project: its refs, and no ref chosen but
// its default branch.
func (b *Bot) choose(ctx context.Context, a *arrival) {
	in, action := a.Interaction, a.action
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	f, err := b.formIn(a)
	if err != nil {
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		b.unusable(ctx, a)
		return
	}
	project, ok := projectByKey(b.Projects.Names(), action.SelectedOption.Value)
	if !ok {
		b.unusable(ctx, a)
		return
	}
	if project == f.Project {
		return
	}
	if refused := b.mayNotSee(ctx, a, project); refused != "" {
		b.Log.Info("a project was not shown", zap.String("project", project), zap.String("user", a.who.User))
		b.tell(ctx, a, privately(emoji("no_entry"), words(" "+refused)))
		return
	}
	view := b.turned(ctx, a.who, f, project, fillings(&in.View))
	// The hash keeps a late update from undoing a later choice.
	if _, err := b.API.UpdateViewContext(ctx, view, "", in.View.Hash, in.View.ID); err != nil {
		b.Log.Warn("updating the modal failed", zap.String("reason", slackReason(err)))
	}
}

// turned is the form for another project, with the fields that it has.
func (b *Bot) turned(ctx context.Context, who Asker, f form, project string, values filled) slack.ModalViewRequest {
	f.Project = project
	f.Turn++
	s := b.fresh(project)
	s.buildType, s.files = values.buildType, emptyFields(values.fieldKeys())
	return b.draw(ctx, who, f, s)
}

// fresh is what a form for a project begins with.
func (b *Bot) fresh(project string) sheet { return sheet{ref: b.opened(project)} }

// draw draws a form for somebody, without waiting for GitLab.
func (b *Bot) draw(ctx context.Context, who Asker, f form, s sheet) slack.ModalViewRequest {
	if !slices.Contains(b.BuildTypes, s.buildType) {
		s.buildType = b.BuildTypes[0]
	}
	s.acting = b.acting(ctx, who, f.Project, s.ref, s.buildType)
	s.notes = append(slices.Clone(s.notes), b.filesNotes(f.Project, s.files)...)
	return modal(f, b.Projects.Names(), b.BuildTypes, s)
}
