package bot

import (
	"context"
	"slices"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// How the bot finds the branch or tag that somebody typed.

// refsCalled are the branch and the tag of a name; refs/heads/x and refs/tags/x mean one
// of them. Where GitLab does not answer, what is in memory counts, and of what was typed
// in full it is no objection, as in the form.
func (b *Bot) refsCalled(ctx context.Context, project gitlab.Project, name string) ([]gitlab.Ref, error) {
	both := []gitlab.Ref{{Kind: gitlab.Branch, Name: name}, {Kind: gitlab.Tag, Name: name}}
	ref, err := gitlab.ParseRef(name)
	inFull := err == nil
	if inFull {
		both = []gitlab.Ref{ref}
	}
	there, errs := make([]bool, len(both)), make([]error, len(both))
	together(both, len(both), func(i int, ref gitlab.Ref) {
		there[i], errs[i] = b.GitLab.RefExists(ctx, project, ref)
	})
	var found []gitlab.Ref
	var failed error
	for i, ref := range both {
		switch {
		case there[i]:
			found = append(found, ref)
		case errs[i] == nil:
			b.Refs.Forget(project, ref)
		case gitlab.KindOf(errs[i]) == gitlab.Invalid: // it is no name of a ref
		case inFull || slices.Contains(b.inMemory(ctx, project, name), ref):
			found = append(found, ref)
		default:
			failed = errs[i]
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, failed
}

// inMemory are the branch and the tag of that name that are known without asking GitLab.
func (b *Bot) inMemory(ctx context.Context, project gitlab.Project, name string) []gitlab.Ref {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	found, _ := b.Refs.Options(ended, project, name, shownOfKind) // what is known is there in any case
	refs := slices.Concat(refsAt(found.Index, found.Branches), refsAt(found.Index, found.Tags))
	return slices.DeleteFunc(refs, func(ref gitlab.Ref) bool { return ref.Name != name })
}

// remembered is the ref that somebody typed, for a form that opens before GitLab is
// asked; nil where none is known. Where it is not certain from memory that they may see
// the project it is taken for a branch, which tells nothing.
func (b *Bot) remembered(ctx context.Context, who Asker, t typedRun) *gitlab.Ref {
	if ref, err := gitlab.ParseRef(t.ref); err == nil {
		return &ref
	}
	branch := &gitlab.Ref{Kind: gitlab.Branch, Name: t.ref}
	project, known := b.Projects.Known(t.project)
	if !known {
		return branch
	}
	if d, _ := b.Gate.glance(ctx, who, policy.Question{Action: policy.ActionView, Project: project.Path}); d.Outcome != policy.Allow {
		return branch
	}
	if refs := b.inMemory(ctx, project, t.ref); len(refs) == 1 {
		return &refs[0]
	}
	return nil
}

const (
	// nearestShown is how many refs are offered in the place of one that is not there.
	nearestShown = 5
	// nearestOf is among how many a mistyped one is looked for.
	nearestOf = 5000
)

// nearest are refs that somebody may have meant: what the form would find for it, else
// the one that is typed most alike.
func (b *Bot) nearest(ctx context.Context, project gitlab.Project, name string) []gitlab.Ref {
	found, _ := b.Refs.Options(ctx, project, name, nearestShown) // what is known is there in any case
	tags := refsAt(found.Index, found.Tags)
	branches := refsAt(found.Index, found.Branches)
	branches = branches[:min(len(branches), nearestShown-min(len(tags), 2))]
	if refs := slices.Concat(branches, tags); len(refs) > 0 {
		return refs[:min(len(refs), nearestShown)]
	}
	var names []string
	var refs []gitlab.Ref
	for i := range min(found.Index.Len(), nearestOf) {
		ref := found.Index.Ref(int32(i))
		names, refs = append(names, ref.Name), append(refs, ref)
	}
	if i := slices.Index(names, policy.Nearest(name, names)); i >= 0 {
		return refs[i : i+1]
	}
	return nil
}
