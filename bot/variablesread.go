package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func variablesCommand() command {
	return command{
		name: "variables", usage: targetUsage, summary: "what a pipeline was started with, for you alone", example: "variables 4711",
		action: policy.ActionVariables, handle: (*Bot).variablesTyped,
	}
}

// variablesTyped shows the variables of the pipeline that somebody typed.
func (b *Bot) variablesTyped(ctx context.Context, a *arrival) {
	t, ok := b.targetTyped(ctx, a, variablesCommand())
	if !ok {
		return
	}
	b.answering(ctx, a, "Looking for the pipeline", func(ctx context.Context) message {
		r, err := b.find(ctx, a, t)
		m, _ := b.variablesOf(ctx, a, r, err, false)
		return m
	})
}

const variablesTitle = "Variables"

// variablesInModal shows them in a modal, where somebody is in no channel. It carries the
// channel that they came from.
func (b *Bot) variablesInModal(ctx context.Context, a *arrival, value string) {
	a.does = policy.ActionVariables
	b.inModal(ctx, a, variablesTitle, "Looking for the pipeline", func(ctx context.Context) slack.ModalViewRequest {
		r, err := b.pipelineAt(ctx, value)
		m, _ := b.variablesOf(ctx, a, r, err, false)
		return variablesModal(m, a.who.Channel)
	})
}

// variablesModal is what is said about variables as a modal.
func variablesModal(m message, channel string) slack.ModalViewRequest {
	view := toldIn(variablesTitle, m)
	view.PrivateMetadata = channel
	return view
}

// actionReveal shows what is hidden at first.
const actionReveal = "reveal"

// reveal shows the hidden values too, to who asks and may: in the place of the message
// or modal where they were hidden, and nowhere else.
func (b *Bot) reveal(ctx context.Context, a *arrival) {
	const doing = "Reading the variables"
	view := &a.Interaction.View
	if view.ID != "" {
		b.revealInModal(ctx, a, doing)
		return
	}
	b.answering(ctx, a, doing, func(ctx context.Context) message {
		r, err := b.pipelineAt(ctx, a.action.Value)
		m, shown := b.variablesOf(ctx, a, r, err, true)
		if !shown {
			return m
		}
		telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
		defer cancel()
		if b.Tell.inPlace(telling, a.recipient(), m) == nil {
			return message{}
		}
		// A direct message would stay.
		return warning(words("I could not show the values here any more. Type "), code(fmt.Sprintf("/pipeline variables %d", r.Pipeline.ID)), words(" again."))
	})
}

// revealInModal is reveal where the values were hidden in a modal.
func (b *Bot) revealInModal(ctx context.Context, a *arrival, doing string) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	view := &a.Interaction.View
	if channelForm.MatchString(view.PrivateMetadata) { // a modal is in no channel itself
		a.who.Channel = view.PrivateMetadata
	}
	_ = b.redraw(ctx, view.ID, variablesModal(working(doing), a.who.Channel))
	r, err := b.pipelineAt(ctx, a.action.Value)
	m, _ := b.variablesOf(ctx, a, r, err, true)
	_ = b.redraw(ctx, view.ID, variablesModal(m, a.who.Channel)) // both log
}

// variablesOf are the variables of a pipeline that was looked for, in words. shown is
// false where they are not among them.
func (b *Bot) variablesOf(ctx context.Context, a *arrival, r run.Run, err error, all bool) (m message, shown bool) {
	if err != nil {
		return b.notFound(ctx, a, err), false
	}
	d, _ := b.ask(ctx, a, questionOf(policy.ActionVariables, r, a.who), r)
	if d.Outcome != policy.Allow {
		return b.refusedBy(d), false
	}
	list, err := b.Pipelines.Variables(ctx, r.Project.ID, r.Pipeline.ID)
	if err == nil {
		return variablesShow(r, list, false, all), true
	}
	b.Log.Warn("reading the variables of a pipeline failed", zap.Int64("pipeline", r.Pipeline.ID), zap.NamedError("reason", err))
	if gitlab.KindOf(err) == gitlab.Forbidden && startedHere(r) {
		return variablesShow(r, b.recorded(r), true, all), true
	}
	return variablesFailed(err), false
}

// startedHere: the record knows what the pipeline was started with.
func startedHere(r run.Run) bool {
	return r.Request.ID != "" && (!r.Request.Follow || r.Request.Origin != "")
}

// recorded are the variables of the record.
func (b *Bot) recorded(r run.Run) []gitlab.Variable {
	var list []gitlab.Variable
	for key, value := range r.Request.Variables {
		list = append(list, gitlab.Variable{Key: key, Value: value})
	}
	for key, value := range r.Request.Files {
		list = append(list, gitlab.Variable{Key: key, Value: value, File: true})
	}
	if r.Request.BuildType != "" {
		list = append(list, gitlab.Variable{Key: b.BuildTypeVariable, Value: r.Request.BuildType})
	}
	return list
}

// variablesFailed says why they cannot be shown.
func variablesFailed(err error) message {
	fault := readFault(err)
	if gitlab.KindOf(err) == gitlab.Forbidden {
		fault = say(words("GitLab shows them to maintainers of the project and to who started the pipeline, and my access token is of neither. Look in GitLab, or ask whoever runs me for a token with the role Maintainer."))
	}
	return warning(append(say(words("I could not read the variables. ")), fault...)...)
}

// Limits of the list: an acknowledgement that holds it has 20,480 bytes at the most.
const (
	variableKeySize   = 60
	variableValueSize = 120
	variableShortSize = 30 // where there are many
	variablesBytes    = 12_000
)

// variablesShow lists variables, by key. recorded: they are those of the record. all:
// those too that look like secrets.
func variablesShow(r run.Run, list []gitlab.Variable, recorded, all bool) message {
	list, left := ownVariablesOut(list)
	said := append(say(emoji("key"), words(" ")), pipelineNamed(r)...)
	if len(list) == 0 {
		notes := append([]string{" was started without variables."}, variableNotes(recorded, left)...)
		return privately(append(said, words(strings.Join(notes, " ")))...)
	}
	said = append(said, words(" was started with:"))
	lines, hidden, cut := variableLines(list, variableValueSize, all)
	if len(lines) < len(list) {
		lines, hidden, cut = variableLines(list, variableShortSize, all)
	}
	var notes []string
	if more := len(list) - len(lines); more > 0 {
		notes = append(notes, fmt.Sprintf("%d more do not fit here.", more))
	}
	if cut {
		notes = append(notes, "Long values are shortened.")
	}
	if hidden > 0 {
		notes = append(notes, counted(hidden, "value looks like a secret and is hidden.", "values look like secrets and are hidden."))
	}
	notes = append(notes, variableNotes(recorded, left)...)
	m := privately(said...)
	m.Blocks = []slack.Block{slack.NewRichTextBlock("variables", paragraph(said...), &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: say(words(strings.Join(lines, "\n"))),
	})}
	if len(notes) > 0 {
		m.Blocks = append(m.Blocks, slack.NewRichTextBlock("notes", paragraph(words(strings.Join(notes, " ")))))
	}
	if hidden > 0 {
		m.Blocks = append(m.Blocks, slack.NewActionBlock("hidden",
			slack.NewButtonBlockElement(actionReveal, pipelineValue(r.Project.ID, r.Pipeline.ID), plain("Show hidden values"))))
	}
	return m
}

// variableLines are the lines that fit, one for each variable; how many of them hide
// their value, and whether one is shortened.
func variableLines(list []gitlab.Variable, size int, all bool) (lines []string, hidden int, cut bool) {
	budget := variablesBytes
	for _, v := range list {
		line := shortenMiddle(v.Key, variableKeySize)
		if v.File {
			line += " (file)"
		}
		secret := !all && masked(v.Key, v.Value) != v.Value
		text := strings.TrimSpace(v.Value)
		value := shortenEnd(text, size)
		if secret {
			value = masked(v.Key, v.Value)
		}
		line += " = " + value
		if budget -= jsonSize(line); budget < 0 {
			return lines, hidden, cut
		}
		lines = append(lines, line)
		if secret {
			hidden++
		} else {
			cut = cut || value != oneLine(text)
		}
	}
	return lines, hidden, cut
}

// ownVariablesOut is the list by key, without the variables that the bot sets, and the
// one that GitLab makes of them for triggers. left says whether there were any.
// https://docs.gitlab.com/ci/triggers/#use-a-webhook-payload
func ownVariablesOut(list []gitlab.Variable) (others []gitlab.Variable, left bool) {
	others = slices.DeleteFunc(slices.Clone(list), func(v gitlab.Variable) bool {
		return strings.HasPrefix(v.Key, reservedPrefix) || v.Key == "TRIGGER_PAYLOAD"
	})
	slices.SortFunc(others, func(x, y gitlab.Variable) int { return cmp.Compare(x.Key, y.Key) })
	return others, len(others) < len(list)
}

// variableNotes say where the list comes from, and what is not in it.
func variableNotes(recorded, left bool) []string {
	var notes []string
	if recorded {
		notes = append(notes, "GitLab does not show them to my access token: this is what I started the pipeline with.")
	}
	if left {
		notes = append(notes, "What GitLab and I add by ourselves is left out.")
	}
	return notes
}

// counted is a number with what is counted.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
