package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func freezeCommand() command {
	return command{
		name: "freeze", usage: "[project] [ref pattern] [for 2h] reason", summary: "let nothing start for a while",
		example: "freeze group/app release/* for 2h the release is out",
		action:  policy.ActionFreeze, handle: (*Bot).freeze,
	}
}

func unfreezeCommand() command {
	return command{
		name: "unfreeze", usage: "[project] [ref pattern]", summary: "let it start again", example: "unfreeze group/app release/*",
		action: policy.ActionUnfreeze, handle: (*Bot).unfreeze,
	}
}

// frozenArea is what a freeze is about: a project, "" for all, and refs of a pattern, ""
// for all.
type frozenArea struct{ project, pattern string }

// freezing is what was typed behind freeze.
type freezing struct {
	frozenArea
	lasts  time.Duration // 0: until somebody lifts it
	reason string
}

// parseFreeze reads "[project] [ref pattern] [for 2h] reason". A word behind the
// project is a pattern if it could be one: it has a * or a /, or the time follows it.
func parseFreeze(text string, projects []string) (f freezing, fault string) {
	var rest []string
	f.frozenArea, rest = parseArea(strings.Fields(text), projects)
	if len(rest) > 1 && rest[0] == "for" {
		d, err := time.ParseDuration(rest[1])
		if err != nil || d <= 0 {
			return f, fmt.Sprintf("I do not understand how long %q is. Write it like 30m, 2h or 48h.", shortenEnd(rest[1], jobNameSize))
		}
		f.lasts, rest = d, rest[2:]
	}
	f.reason = strings.Join(rest, " ")
	if f.reason == "" {
		return f, "Please say why, so that others know: /pipeline freeze group/app for 2h the release is out"
	}
	return f, ""
}

func parseArea(fields, projects []string) (area frozenArea, rest []string) {
	// GitLab tells no case apart in paths. Taken for a pattern, one would freeze nothing.
	if i := slices.IndexFunc(projects, func(p string) bool { return strings.EqualFold(p, first(fields)) }); i >= 0 {
		area.project, fields = projects[i], fields[1:]
	}
	isPattern := len(fields) > 0 && fields[0] != "for" &&
		(strings.ContainsAny(fields[0], "*/") || len(fields) > 1 && fields[1] == "for")
	if isPattern {
		area.pattern, fields = fields[0], fields[1:]
	}
	return area, fields
}

// typed are the projects as people write them: by the paths that GitLab gives them, and
// by the names of the settings.
func (b *Bot) typed() []string { return slices.Concat(b.paths(), b.Projects.Names()) }

// paths are the paths that GitLab gives the projects of the settings, in their order; the
// name of the settings where that is not known yet.
func (b *Bot) paths() []string {
	paths := slices.Clone(b.Projects.Names())
	for i, name := range paths {
		if known, ok := b.Projects.Known(name); ok {
			paths[i] = known.Path
		}
	}
	return paths
}

// freeze lets nothing start for a while.
func (b *Bot) freeze(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	f, fault := parseFreeze(a.args, b.typed())
	if !b.readsWords(ctx, a, freezeCommand(), first(strings.Fields(a.args)), first(strings.Fields(f.reason))) {
		return
	}
	if fault != "" {
		b.misread(ctx, a, say(words(fault)))
		return
	}
	d, q, ok := b.mayFreeze(ctx, a, &f.frozenArea)
	if !ok {
		return
	}
	freeze := run.Freeze{Project: f.project, Pattern: f.pattern, By: a.who.User, Team: a.who.Team, Reason: shortenEnd(f.reason, notificationSize), At: time.Now().UTC()}
	if f.lasts > 0 {
		freeze.Until = freeze.At.Add(f.lasts)
	}
	freeze, err := b.Gate.Freezes.Add(ctx, freeze)
	b.Gate.done(ctx, d, a.who, q, run.Run{}, "frozen", err)
	if err != nil {
		a.Ack(warning(actionFault(err)...).answer())
		return
	}
	a.Ack(openly(frozen(freeze)))
}

// frozen tells a channel what was frozen.
func frozen(f run.Freeze) message {
	said := append(say(emoji("ice_cube"), words(" "), mention(f.By), words(" has frozen ")), area(frozenArea{f.Project, f.Pattern})...)
	said = append(append(said, until(f)...), words(because(f.Reason)+"\nWhat runs goes on; nothing new starts there. To lift it, type "))
	return privately(append(said, code(unfreezing(f)), words("."))...)
}

// unfreezing is the command that lifts a freeze.
func unfreezing(f run.Freeze) string {
	typed := strings.Join(strings.Fields("/pipeline unfreeze "+f.Project+" "+f.Pattern), " ")
	if shortenEnd(typed, 2*refSize) != typed {
		return "/pipeline unfreeze" // half of it would lift something else, or nothing
	}
	return typed
}

// unfreeze lets it start again.
func (b *Bot) unfreeze(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if !b.readsWords(ctx, a, unfreezeCommand(), strings.Fields(a.args)...) {
		return
	}
	where, rest := parseArea(strings.Fields(a.args), b.typed())
	if len(rest) == 1 && where.pattern == "" {
		where.pattern, rest = rest[0], nil
	}
	if len(rest) > 0 {
		b.misread(ctx, a, say(words("I do not know the project "), code(shortenMiddle(rest[0], projectSize)),
			words(". Write it like "), code("/pipeline unfreeze group/app release/*")))
		return
	}
	d, q, ok := b.mayFreeze(ctx, a, &where)
	if !ok {
		return
	}
	current, err := b.Gate.Freezes.Current(time.Now())
	lifted := 0
	if err == nil {
		lifted, err = b.lift(ctx, current, where)
	}
	if err != nil || lifted > 0 {
		b.Gate.done(ctx, d, a.who, q, run.Run{}, "lifted", err)
	}
	switch {
	case err != nil:
		a.Ack(warning(actionFault(err)...).answer())
	case lifted == 0:
		a.Ack(notFrozen(where, current).answer())
	default:
		a.Ack(openly(thawed(a.who.User, where)))
	}
}

// thawed tells a channel what is no longer frozen.
func thawed(by string, where frozenArea) message {
	said := append(say(emoji("white_check_mark"), words(" "), mention(by), words(" has lifted the freeze of ")), area(where)...)
	return privately(append(said, words("."))...)
}

// lift ends the freezes of exactly that area.
func (b *Bot) lift(ctx context.Context, current []run.Freeze, where frozenArea) (lifted int, err error) {
	for _, f := range current {
		if f.Project != where.project || f.Pattern != where.pattern {
			continue
		}
		if err := b.Gate.Freezes.Remove(ctx, f.ID); err != nil && !errors.Is(err, run.ErrNoFreeze) {
			return lifted, err
		}
		lifted++
	}
	return lifted, nil
}

// mayFreeze asks whether somebody may freeze, or unfreeze, an area, and tells them
// where they may not. It gives the project the path that GitLab has for it: under
// another one a freeze would stop nothing.
func (b *Bot) mayFreeze(ctx context.Context, a *arrival, where *frozenArea) (policy.Decision, policy.Question, bool) {
	deciding, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	q := policy.Question{Action: a.does, Project: where.project, Ref: gitlab.Ref{Name: where.pattern}}
	d, _ := b.ask(deciding, a, q, run.Run{})
	if d.Outcome != policy.Allow {
		b.answer(ctx, a, b.refusedBy(d))
		return d, q, false
	}
	where.project = d.Project
	return d, q, true
}

// area names what a freeze is about.
func area(where frozenArea) phrase {
	switch {
	case where.project == "" && where.pattern == "":
		return say(bold("all projects"))
	case where.pattern == "":
		return say(bold(shortenMiddle(where.project, projectSize)))
	case where.project == "":
		return say(code(shortenMiddle(where.pattern, refSize)), words(" in all projects"))
	default:
		return say(bold(shortenMiddle(where.project, projectSize)), words(" "), code(shortenMiddle(where.pattern, refSize)))
	}
}

func until(f run.Freeze) phrase {
	if f.Until.IsZero() {
		return nil
	}
	return say(words(" until "), moment(f.Until))
}

// freezesShown is how many freezes one message lists.
const freezesShown = 20

// notFrozen says that there is no freeze of just that area, and what there is.
func notFrozen(where frozenArea, current []run.Freeze) message {
	lines := append(append(say(words("There is no freeze of ")), area(where)...), words("."))
	if len(current) == 0 {
		return privately(append(lines, words(" Nothing is frozen."))...)
	}
	lines = append(lines, words(" These are in force:"))
	for _, f := range current[:min(len(current), freezesShown)] {
		lines = append(append(append(lines, words("\n• ")), area(frozenArea{f.Project, f.Pattern})...), until(f)...)
		lines = append(lines, words(", by "), mention(f.By), words(because(f.Reason)))
	}
	return privately(append(lines, andMore(len(current)-freezesShown)...)...)
}
