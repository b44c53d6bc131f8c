package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

func canICommand() command {
	return command{
		name: "can-i", usage: "[project] [ref] [build type]", summary: "what you may do, and which rule decides", example: "can-i group/app main release",
		action: policy.ActionLink, handle: (*Bot).canI,
	}
}

// canI says what somebody may do, and which rule decides.
func (b *Bot) canI(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if !b.readsWords(ctx, a, canICommand(), strings.Fields(a.args)...) || !b.may(ctx, a) {
		return
	}
	a.Ack(nil)
	q, refused := b.whatAbout(ctx, a)
	if refused != nil {
		b.tell(ctx, a, *refused)
		return
	}
	s := b.Gate.standing(ctx, ctx, a.who, q.Project)
	var decisions []policy.Decision
	for _, action := range asked() {
		q.Action = action
		decisions = append(decisions, s.decide(ctx, q))
	}
	b.tell(ctx, a, whatYouMay(q, decisions, s.person.Account, b.Linking.Possible()))
}

// asked are the actions that can-i answers for, run first.
func asked() []policy.Action {
	return slices.DeleteFunc(policy.Actions(), func(a policy.Action) bool { return a == policy.ActionLink || a == policy.ActionApprove })
}

// whatYouMay shows decisions about the same ref, the first of them in full.
func whatYouMay(q policy.Question, decisions []policy.Decision, account *policy.Account, linkable bool) message {
	lines := say(bold(shortenMiddle(q.Project, projectSize)), words(" "), code(shortenMiddle(q.Ref.Name, refSize)),
		words(" ("+shortenEnd(q.BuildType, stageNameSize)+")\n"), emoji(outcomeFace(decisions[0])), words(" "))
	lines = append(append(lines, sentenceOf(decisions[0])...), words("\n"))
	for i, d := range decisions[1:] {
		if i > 0 {
			lines = append(lines, words("   "))
		}
		lines = append(lines, emoji(outcomeFace(d)), words(nbsp+string(d.Action)))
	}
	if account == nil {
		m := privately(append(lines, words("\nYou are not linked to a user of GitLab."))...)
		if linkable {
			m.Blocks = append(m.Blocks, linkButton())
		}
		return m
	}
	return privately(append(lines, words("\nIn GitLab you are "), bold(shortenEnd(account.Username, jobNameSize)), words("."))...)
}

func outcomeFace(d policy.Decision) string {
	switch d.Outcome {
	case policy.Allow:
		return "white_check_mark"
	case policy.NeedsApproval:
		return "raised_hand"
	default:
		return "no_entry"
	}
}

// whatAbout reads "[project] [ref] [build type]"; what is left out is what the form
// would begin with. Where the person may not know, or it makes no sense, it says so.
func (b *Bot) whatAbout(ctx context.Context, a *arrival) (q policy.Question, refused *message) {
	fault := func(elements ...slack.RichTextSectionElement) (policy.Question, *message) {
		m := warning(elements...)
		return policy.Question{}, &m
	}
	fields := strings.Fields(a.args)
	name := b.projectFor(a.who.Channel)
	if i := slices.Index(b.paths(), first(fields)); i >= 0 {
		name, fields = b.Projects.Names()[i], fields[1:]
	}
	project, err := b.Projects.Resolve(ctx, name)
	if err != nil {
		return fault(words("GitLab does not tell me about the project just now. Please try again in a moment."))
	}
	if view := b.seen(ctx, a, project.Path); !view.may {
		m := b.refusedBy(view.decision)
		return q, &m
	}
	q = policy.Question{Project: project.Path, BuildType: b.BuildTypes[0], Variables: map[string]string{}, Own: true}
	if n := len(fields); n > 0 && slices.Contains(b.BuildTypes, fields[n-1]) {
		q.BuildType, fields = fields[n-1], fields[:n-1]
	}
	switch len(fields) {
	case 0:
		known, _ := b.Refs.DefaultBranch(project)
		q.Ref = gitlab.Ref{Kind: gitlab.Branch, Name: cmp.Or(known, project.DefaultBranch)}
	case 1:
		q.Ref, err = b.refNamed(ctx, project, fields[0])
	default:
		return fault(words("I do not understand that. Write it like "), code("/pipeline can-i group/app main release"), words("."))
	}
	switch {
	case err != nil:
		return fault(words("GitLab does not tell me about the branch or tag just now. Please try again in a moment."))
	case q.Ref.Name == "" && len(fields) == 0:
		return fault(words("The project has no default branch. Write which branch or tag you mean."))
	case q.Ref.Name == "":
		return fault(words("There is no branch or tag "), code(shortenMiddle(fields[0], refSize)), words(" in "), bold(shortenMiddle(project.Path, projectSize)), words("."))
	}
	return q, nil
}

// refNamed is the branch, or else the tag, of that name; the zero ref where there is none.
func (b *Bot) refNamed(ctx context.Context, project gitlab.Project, name string) (gitlab.Ref, error) {
	for _, kind := range []gitlab.RefKind{gitlab.Branch, gitlab.Tag} {
		ref := gitlab.Ref{Kind: kind, Name: name}
		if there, err := b.GitLab.RefExists(ctx, project, ref); err != nil || there {
			return ref, err
		}
	}
	return gitlab.Ref{}, nil
}

func first(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}
