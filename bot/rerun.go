package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// Running something again opens the form with what it was started with.

const actionRerun = "rerun"

// runAgain opens the form for the run of a card.
func (b *Bot) runAgain(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	r, err := b.onCard(ctx, a.action.Value, cardOf(a.Interaction))
	if err != nil {
		b.Log.Warn("a button's work failed", zap.String("run", shortenEnd(a.action.Value, jobNameSize)), zap.NamedError("reason", err))
		b.tell(ctx, a, notOpenedFor(err))
		return
	}
	b.rerun(ctx, a, r)
}

// rerun opens the form for a run, which may be made up of what GitLab says: then it has
// no build type and no variables. The form is for where somebody is, and asks again when
// it is submitted.
func (b *Bot) rerun(ctx context.Context, a *arrival, r run.Run) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	project, known := b.projectTyped(r.Request.Project)
	if !known {
		b.tell(ctx, a, goneProject(r))
		return
	}
	if refused, ok := b.mayRunAgain(ctx, a, r); !ok {
		b.tell(ctx, a, refused)
		return
	}
	f := form{Project: project, Channel: placeOf(a.who), ReplyURL: a.recipient().ReplyURL}
	b.opened(project)
	s := prefilled(r, a.who, b.mayReadVariables(ctx, a, r), b.BuildTypes, b.BuildTypeVariable)
	if b.openSheet(ctx, a, a.triggerID(), f, s) != nil {
		b.tell(ctx, a, notOpened())
	}
}

// mayRunAgain asks whether somebody may run the same, and see the project. Who would be
// asked for an approval, or who they are, is asked once they submit.
func (b *Bot) mayRunAgain(ctx context.Context, a *arrival, r run.Run) (refused message, ok bool) {
	deciding, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	d, person := b.Gate.ask(deciding, a.who, questionOf(policy.ActionRun, r, a.who), r)
	linksFirst := d.Why == policy.NotLinked && person.Kind == policy.Member && b.Linking.Possible()
	if d.Outcome == policy.Refuse && !linksFirst {
		return b.refusedBy(d), false
	}
	if view := b.seen(ctx, a, projectName(r)); !view.may {
		return b.refusedBy(view.decision), false
	}
	return message{}, true
}

// mayReadVariables tells whether the form may show what a pipeline was started with, as
// /pipeline variables would. Who may not can fill in their own.
func (b *Bot) mayReadVariables(ctx context.Context, a *arrival, r run.Run) bool {
	deciding, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	d, _ := b.Gate.look(deciding, a.who, questionOf(policy.ActionVariables, r, a.who))
	return d.Outcome == policy.Allow
}

// prefilled is what the form for a run begins with. Variables are for those who may read
// them, and values that look like secrets for the one who typed them.
func prefilled(r run.Run, who Asker, mayRead bool, buildTypes []string, buildTypeVariable string) sheet {
	request := r.Request
	// Who follows a pipeline has asked for a card, and typed none of its values.
	own := !request.Follow && who.User == request.Asker && who.Team == request.Team
	var s sheet
	if request.Ref.Kind != 0 && request.Ref.Name != "" {
		s.ref = &request.Ref
	}
	if slices.Contains(buildTypes, request.BuildType) {
		s.buildType = request.BuildType
	} else if request.BuildType != "" {
		s.notes = append(s.notes, fmt.Sprintf("The build type %s is no longer set up here.", shortenEnd(request.BuildType, stageNameSize)))
	}
	if !own && !mayRead {
		if len(request.Variables)+len(request.Files) > 0 {
			s.notes = append(s.notes, "Its variables are left out, since you may not read them.")
		}
		return s
	}
	c := carrying{own: own, set: newVariables(buildTypeVariable)}
	for _, key := range slices.Sorted(maps.Keys(request.Variables)) {
		value := request.Variables[key]
		if key != buildTypeVariable && !strings.HasPrefix(key, reservedPrefix) {
			c.add(key, value, masked(key, value) != value, value == oneLine(strings.TrimSpace(value)) && value != askFile)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(request.Files)) {
		contents := request.Files[key]
		if c.add(key, askFile, maskedFile(key, contents) != contents, utf8.RuneCountInString(contents) <= fieldSize && !deceives(contents)) {
			s.files = append(s.files, file{key, contents})
		}
	}
	s.variables = c.text
	s.notes = append(s.notes, leftOut(c.hidden, "left out, since only who asked for it may see what looks like a secret")...)
	s.notes = append(s.notes, leftOut(c.unfit, "left out, since such a value does not fit into this form")...)
	return s
}

// carrying takes variables over into a form.
type carrying struct {
	own           bool // they are of the one who gets the form
	set           *variables
	text          string
	hidden, unfit []string // the keys of those that are not taken over
}

// add takes one over, if it may be seen and the field can hold it as it is.
func (c *carrying) add(key, value string, secret, fits bool) (taken bool) {
	line, before := key+"="+value, len(c.set.wrong)
	switch {
	case secret && !c.own:
		c.hidden = append(c.hidden, key)
		return false
	case fits && variableKey.MatchString(key) && utf8.RuneCountInString(c.text)+utf8.RuneCountInString(line) < fieldSize:
		c.set.add(line)
		taken = len(c.set.wrong) == before
	}
	if !taken {
		c.unfit = append(c.unfit, key)
		return false
	}
	c.text += line + "\n"
	return true
}

// deceives: there is in it what people do not see, or see in another place.
func deceives(contents string) bool {
	return strings.ContainsFunc(contents, func(r rune) bool {
		return unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r)
	})
}

// leftOut names variables that are not in the form.
func leftOut(keys []string, why string) []string {
	if len(keys) == 0 {
		return nil
	}
	shown := make([]string, 0, variablesLine)
	for _, key := range keys[:min(len(keys), variablesLine)] {
		shown = append(shown, shortenEnd(key, jobNameSize))
	}
	text := strings.Join(shown, ", ")
	if more := len(keys) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []string{text + ": " + why + "."}
}

// goneProject tells that the form cannot be for the run's project.
func goneProject(r run.Run) message {
	return warning(words("The project "), bold(shortenMiddle(projectName(r), projectSize)), words(" is no longer set up here."))
}

// notOpenedFor tells why no form was opened for a run.
func notOpenedFor(err error) message {
	return warning(append(say(words("I could not open the form. ")), actionFault(err)...)...)
}
