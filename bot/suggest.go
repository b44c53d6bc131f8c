package bot

import (
	"context"
	"slices"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/gitlab"
)

// shownOfKind is the most branches, and the most tags, that one answer offers; the
// bytes of an answer may allow fewer.
const shownOfKind = 60

// suggest answers one keystroke in the ref field.
func (b *Bot) suggest(ctx context.Context, e *arrival) {
	ctx, cancel := context.WithTimeout(ctx, suggestWithin)
	defer cancel()
	in := e.Interaction
	f, err := b.formIn(e)
	if err != nil {
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		e.Ack(noOptions())
		return
	}
	project, err := b.Projects.Resolve(ctx, f.Project)
	if err != nil {
		b.Log.Warn("searching refs failed", zap.NamedError("reason", err))
		e.Ack(noOptions())
		return
	}
	view := b.seen(ctx, e, project.Path)
	if !view.may {
		e.Ack(noOptions())
		return
	}
	found, err := b.Refs.Options(ctx, project, in.Value, shownOfKind)
	if err != nil {
		b.Log.Warn("searching refs failed", zap.NamedError("reason", err))
	}
	branches, tags := refsAt(found.Index, found.Branches), refsAt(found.Index, found.Tags)
	if in.Value == "" {
		recent := b.History.RecentRefs(e.who.Team, e.who.User, f.Project)
		defaultBranch, _ := b.Refs.DefaultBranch(project)
		branches, tags = withRecent(branches, tags, recent, defaultBranch)
	}
	if len(branches)+len(tags) == 0 {
		e.Ack(noOptions())
		return
	}
	marking, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	e.Ack(refGroups(branches, tags, view.marks(marking, b.buildTypeIn(&in.View))))
}

// buildTypeIn is the build type that is chosen in the form.
func (b *Bot) buildTypeIn(view *slack.View) string {
	if chosen := fillings(view).buildType; slices.Contains(b.BuildTypes, chosen) {
		return chosen
	}
	return b.BuildTypes[0]
}

// noOptions is an empty answer. slack-go's own type leaves the key out when it is
// empty, and Slack shows an error then.
func noOptions() map[string][]string { return map[string][]string{"options": {}} }

// withRecent puts a person's own recent choices before the newest refs, behind the
// default branch.
func withRecent(branches, tags, recent []gitlab.Ref, defaultBranch string) (b, t []gitlab.Ref) {
	if defaultBranch != "" {
		b = append(b, gitlab.Ref{Kind: gitlab.Branch, Name: defaultBranch})
	}
	for _, ref := range slices.Concat(recent, branches, tags) {
		if ref.Kind == gitlab.Tag && !slices.Contains(t, ref) {
			t = append(t, ref)
		}
		if ref.Kind == gitlab.Branch && !slices.Contains(b, ref) {
			b = append(b, ref)
		}
	}
	return b[:min(len(b), shownOfKind)], t[:min(len(t), shownOfKind)]
}

func refsAt(index *gitlab.Index, positions []int32) []gitlab.Ref {
	refs := make([]gitlab.Ref, len(positions))
	for i, position := range positions {
		refs[i] = index.Ref(position)
	}
	return refs
}
