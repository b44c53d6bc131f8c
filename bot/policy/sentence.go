package policy

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"pipebot/gitlab"
)

// textSize is the most that a sentence quotes of a text from outside, in characters.
const textSize = 500

// Sentence tells the person in plain words what was decided, why, and what to do
// next. It holds text from outside, such as names of refs and reasons, in one line
// and without markup of its own: who shows it has to escape it.
func (d Decision) Sentence() string {
	switch d.Outcome {
	case Allow:
		return fmt.Sprintf("You may %s: %s.", d.what(), d.allowed())
	case NeedsApproval:
		return fmt.Sprintf(
			"Before you may %s, somebody else has to approve it: %s asks for that%s. They have %s from when you ask.",
			d.what(), d.rule(), inBrackets(d.Reason), span(d.Expires))
	default:
		why, next := d.refused()
		if d.Why == Doubtful { // which is nobody's no
			return fmt.Sprintf("%s %s%s. %s", why, d.what(), inBrackets(d.Doubt), next)
		}
		return fmt.Sprintf("You may not %s: %s. %s", d.what(), why, next)
	}
}

func (d Decision) allowed() string {
	switch d.Why {
	case ByRule:
		return d.rule() + " says so"
	case ByRole:
		return fmt.Sprintf("your GitLab role is %s", d.Has)
	case Approver:
		return "you are one of those who approve it"
	case Always:
		return "everybody of this workspace may"
	default:
		return "every full member of this workspace may"
	}
}

// refused is why, and what to do about it.
func (d Decision) refused() (why, next string) {
	switch d.Why {
	case ByRule:
		if d.Reason != "" {
			return oneLine(d.Reason), fmt.Sprintf("So says %s; ask those who keep the policy.", d.rule())
		}
		return d.rule() + " refuses it", "Ask those who keep the policy."
	case ByRole:
		has := "and you have none"
		if d.Has != 0 {
			has = fmt.Sprintf("and yours is %s", d.Has)
		}
		return fmt.Sprintf("it takes the GitLab role %s there, %s", d.Needs, has), "Ask those who manage the project's members."
	case ByProtection:
		return fmt.Sprintf("GitLab protects %s, and you may not update it", oneLine(d.Ref.Name)),
			"Ask a maintainer of the project to let you push or merge there."
	case Frozen:
		return d.frozen(), "Wait for its end, or ask them to lift it."
	case NotLinked:
		return "I do not know who you are in GitLab", "Link your GitLab account with /pipeline link, then ask again."
	case Doubtful:
		return "I cannot tell just now whether you may", "Try again in a few minutes; if it stays so, ask those who run me."
	case Outsider:
		return "guests and people of other workspaces may do only what the policy lets them do by name",
			"Ask a member of the workspace to do it."
	case NotAPerson:
		return "apps and bots may not", "A person has to ask."
	case NoRule:
		return "no rule of the policy is about it", "Ask those who keep the policy."
	case Self:
		return "you have asked for it yourself", "Somebody else has to decide."
	case NotApprover:
		return "you are not one of those who may", "They have to decide."
	default:
		return "I cannot tell whether you may", "Ask those who run me."
	}
}

func (d Decision) frozen() string {
	f := d.Freeze
	if f == nil {
		return "it is frozen"
	}
	text := "it is frozen"
	if f.By != "" {
		text += " by " + oneLine(f.By)
	}
	if !f.Until.IsZero() {
		text += " until " + f.Until.UTC().Format("2 January 15:04 UTC")
	}
	return text + inBrackets(f.Reason)
}

// what is what was asked, to go on after "you may".
func (d Decision) what() string {
	t, ok := traitOf(d.Action)
	if !ok {
		return "do that"
	}
	text := t.phrase
	name := oneLine(d.Ref.Name)
	switch {
	case t.action == ActionLink:
		return text
	case t.byPattern:
		text += " " + cmp.Or(name, "everything")
	case name != "" && d.Ref.Kind == gitlab.Tag:
		text += " on the tag " + name
	case name != "" && d.Ref.Kind == gitlab.Branch:
		text += " on the branch " + name
	case name != "":
		text += " on " + name
	}
	return text + " in " + cmp.Or(oneLine(d.Project), "all projects")
}

func (d Decision) rule() string {
	if d.Rule == "" {
		return "the policy"
	}
	return fmt.Sprintf("the rule “%s”", oneLine(d.Rule))
}

func inBrackets(text string) string {
	if text = oneLine(text); text == "" {
		return ""
	}
	return " (" + text + ")"
}

// oneLine is a text from outside without what breaks a line or cannot be seen, cut
// to what a sentence bears. A full stop at its end is left to the sentence.
func oneLine(text string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	runes := []rune(strings.TrimRight(strings.Join(strings.Fields(visible), " "), "."))
	if len(runes) > textSize {
		return string(runes[:textSize-1]) + "…"
	}
	return string(runes)
}

// span writes 4h0m0s as 4h.
func span(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		text += "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		return short + "h"
	}
	return text
}
