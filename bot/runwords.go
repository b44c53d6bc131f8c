package bot

import (
	"errors"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What people are told who start a pipeline by typing.

// begun says that a request is on its way. Its card follows.
func begun(r run.Run) message {
	switch {
	case r.State == run.Held && r.Hold.For == run.ForApproval:
		return privately(append(append(say(emoji("raised_hand"), words(" ")), request(r)...), words(" needs an approval first. Its card says whose."))...)
	case r.State == run.Held:
		return message{} // the question who they are in GitLab follows
	default:
		return privately(append(append(say(emoji("rocket"), words(" Starting ")), request(r)...), words(" …"))...)
	}
}

// notWritten tells that nobody knows whether a request was written down.
func notWritten(r run.Run) message {
	return warning(append(append(say(words("I can take no requests just now: my own records do not answer. I am not certain that I have written down your request for ")), request(r)...),
		words(". It may start: wait a minute and look for its card before you type it again."))...)
}

// notLookedUp tells why a ref was not looked for, and that nothing was started.
func notLookedUp(t typedRun, err error) message {
	said := say(words("I could not look for "), code(shortenMiddle(t.ref, refSize)), words(", and have started nothing. "))
	fault, ok := errors.AsType[*gitlab.Error](err)
	switch {
	case !ok:
		return warning(append(said, words("GitLab gave no answer in time. Please try again in a moment."))...)
	case fault.Kind == gitlab.NotFound:
		return warning(append(said, notFound(run.Run{Request: run.Request{Project: t.project}}, run.Refusal{})...)...)
	default:
		return warning(append(said, readFault(err)...)...)
	}
}

// noSuchRef offers what was perhaps meant.
func noSuchRef(t typedRun, project string, near []gitlab.Ref) message {
	said := say(emoji("mag"), words(" There is no branch or tag "), code(shortenMiddle(t.ref, refSize)), words(" in "), bold(shortenMiddle(project, projectSize)), words("."))
	if len(near) == 0 {
		return privately(append(said, words(" Type "), code("/pipeline"), words(" to search."))...)
	}
	return t.offering(append(said, words(" Did you mean one of these? Pressing one starts it as "), code(shortenEnd(t.buildType, stageNameSize)), words(".")), near)
}

// whichRef asks which of a branch and a tag is meant.
func whichRef(t typedRun, both []gitlab.Ref) message {
	said := say(emoji("grey_question"), words(" A branch and a tag are both called "), code(shortenMiddle(t.ref, refSize)),
		words(". Which one shall start as "), code(shortenEnd(t.buildType, stageNameSize)), words("?"))
	return t.offering(said, both)
}

// offering offers refs as buttons that carry the whole command. What a button cannot hold
// is typed again.
func (t typedRun) offering(said phrase, refs []gitlab.Ref) message {
	var buttons []slack.Block
	for _, ref := range refs {
		line := t.line(ref, t.anyway)
		if !fitsButton(line) {
			said = append(said, words("\n"), code(shortenMiddle(ref.String(), notificationSize)))
			continue
		}
		// One row each: Slack wants action ids to differ in a row, and names are long.
		button := slack.NewButtonBlockElement(actionRunTyped, line, plain(capitalized(ref.Kind.String())+" "+shortenMiddle(ref.Name, refSize)))
		buttons = append(buttons, slack.NewActionBlock("", button))
	}
	if len(buttons) < len(refs) {
		said = append(said, words("\nThat is too much for a button. Please type the command again with the whole name."))
	}
	m := privately(said...)
	m.Blocks = append(m.Blocks, buttons...)
	return m
}
