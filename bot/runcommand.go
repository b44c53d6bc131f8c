package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"pipebot/bot/args"
	"pipebot/bot/policy"
	"pipebot/gitlab"
)

func runCommand() command {
	return command{
		name: "run", usage: "[project] <ref> [build_type] [KEY=VALUE ...]", options: runOptions(),
		summary: "start a pipeline; KEY=@ opens the form, with a field for a file",
		example: `run group/app main release APP_ENV=staging NOTE="a new one"`,
		action:  policy.ActionRun, handle: (*Bot).run,
	}
}

const optionAnyway = "anyway"

func runOptions() []args.Option {
	return []args.Option{{Name: optionAnyway, Help: "start it though the same runs already"}}
}

// typedRun is a pipeline as somebody typed it. Which ref the name means is yet to be
// found out.
type typedRun struct {
	project   string // its name in the settings
	ref       string
	buildType string
	variables map[string]string
	files     []string // the keys of variables whose files are to be typed into the form
	anyway    bool
}

// parseRun reads "[project] <ref> [build_type] [KEY=VALUE ...]". Without a project it is
// the one that the channel used last, without a build type the first.
func (b *Bot) parseRun(line args.Line, channel string) (t typedRun, fault phrase) {
	t.project, t.buildType, t.anyway = b.projectFor(channel), b.BuildTypes[0], line.Has(optionAnyway)
	places, rest := line.Words, []string(nil)
	if i := slices.IndexFunc(places, b.isVariable); i >= 0 {
		places, rest = places[:i], places[i:]
	}
	set := newVariables(b.BuildTypeVariable)
	for _, word := range rest {
		if !strings.Contains(word, "=") {
			return t, say(code(shortenEnd(word, jobNameSize)), words(" stands behind a variable. The project, the ref and the build type come first, and a value with spaces needs quotes."))
		}
		set.add(word)
	}
	if name, ok := b.projectTyped(first(places)); ok {
		t.project, places = name, places[1:]
	}
	switch {
	case len(places) == 0:
		return t, say(words("Which branch or tag?"))
	case len(places) > 2:
		return t, b.tooManyWords(places)
	case len(places) == 2:
		if t.buildType, fault = b.buildTypeTyped(places); fault != nil {
			return t, fault
		}
	}
	if wrong := set.faults(); wrong != "" {
		return t, say(words(wrong))
	}
	t.ref, t.variables, t.files = places[0], set.values, set.files
	return t, nil
}

// isVariable tells KEY=VALUE from what comes before it. Refs may have a = too: those are
// typed as refs/heads/a=b.
func (b *Bot) isVariable(word string) bool {
	literal := strings.HasPrefix(word, "refs/heads/") || strings.HasPrefix(word, "refs/tags/")
	return strings.Contains(word, "=") && !literal && !slices.Contains(b.BuildTypes, word)
}

// buildTypeTyped is the build type behind a ref. Telephones begin words with a capital.
func (b *Bot) buildTypeTyped(places []string) (buildType string, fault phrase) {
	word := places[1]
	if i := slices.IndexFunc(b.BuildTypes, func(t string) bool { return strings.EqualFold(t, word) }); i >= 0 {
		return b.BuildTypes[i], nil
	}
	if slices.ContainsFunc(b.BuildTypes, func(t string) bool { return strings.EqualFold(t, first(places)) }) || policy.Nearest(first(places), b.paths()) != "" {
		return "", b.tooManyWords(places)
	}
	said := say(words("There is no build type "), code(shortenEnd(word, jobNameSize)), words("."))
	if meant := policy.Nearest(word, b.BuildTypes); meant != "" {
		return "", append(said, words(" Did you mean "), code(meant), words("?"))
	}
	return "", append(said, words(" There are: "+shortenEnd(strings.Join(b.BuildTypes, ", "), notificationSize)+"."))
}

// tooManyWords is what is wrong where the first of them is no project.
func (b *Bot) tooManyWords(places []string) phrase {
	said := say(words("I know no project "), code(shortenMiddle(places[0], projectSize)), words("."))
	if meant := policy.Nearest(places[0], b.paths()); meant != "" {
		return append(said, words(" Did you mean "), code(meant), words("?"))
	}
	return append(said, words(" Write the project, the branch or tag, and the build type, in that order."))
}

// wrongRun adds an example to what is wrong.
func wrongRun(fault phrase) phrase {
	return append(slices.Clone(fault), words("\nWrite it like "), code("/pipeline "+runCommand().example))
}

// line is the command for one ref, as somebody would type it behind /pipeline: a button
// that carries it does what typing it would.
func (t typedRun) line(ref gitlab.Ref, anyway bool) string {
	all := []string{"run", t.project, ref.String(), t.buildType}
	for _, key := range slices.Sorted(maps.Keys(t.variables)) {
		all = append(all, key+"="+t.variables[key])
	}
	if anyway {
		return args.Quote(all...) + " --" + optionAnyway
	}
	return args.Quote(all...)
}

// buttonSize is the most that a button's value may have.
// https://docs.slack.dev/reference/block-kit/block-elements/button-element
const buttonSize = 2000

func fitsButton(value string) bool { return len(utf16.Encode([]rune(value))) <= buttonSize }

// text is what is set, as the form's field takes it.
func (t typedRun) text() string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(t.variables)) {
		lines = append(lines, key+"="+t.variables[key])
	}
	for _, key := range t.files {
		lines = append(lines, key+"="+askFile)
	}
	return strings.Join(lines, "\n")
}

// doing is what is said while it is looked for.
func (t typedRun) doing() string {
	return fmt.Sprintf("Looking for %s in %s", shortenMiddle(t.ref, refSize), shortenMiddle(t.project, projectSize))
}
