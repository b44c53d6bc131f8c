package bot

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
)

// How a request is shown that waits for a second person: exactly what will run, who
// may decide, and until when.

// held is what stands on the card behind the summary.
func held(r run.Run) phrase {
	lines := say(words("Commit "), link(commitOf(r), r.Hold.SHA[:min(8, len(r.Hold.SHA))]))
	if r.Hold.Moved > 0 {
		lines = append(lines, words(" (the ref has moved since it was asked for)"))
	}
	lines = append(append(lines, words(" · ")), variablesShown(r.Request)...)
	lines = append(append(lines, words("\nMay be decided by ")), approversShown(r.Hold.Approvers)...)
	if r.Hold.Reason != "" {
		lines = append(lines, words(": "+shortenEnd(r.Hold.Reason, notificationSize)))
	}
	return append(lines, words("\nExpires "), moment(r.Hold.Until))
}

func commitOf(r run.Run) string {
	if r.Project.WebURL == "" {
		return ""
	}
	return r.Project.WebURL + "/-/commit/" + r.Hold.SHA
}

// approversShown names those whom the rule names.
func approversShown(a run.Approvers) phrase {
	var parts phrase
	add := func(element slack.RichTextSectionElement) {
		if len(parts) > 0 {
			parts = append(parts, words(", "))
		}
		parts = append(parts, element)
	}
	for _, id := range a.Users {
		_, user, foreign := strings.Cut(id, "/")
		if !foreign {
			user = id
		}
		add(mention(user))
	}
	for _, id := range a.Groups {
		add(slack.NewRichTextSectionUserGroupElement(id))
	}
	for _, role := range a.Roles {
		add(words("every " + strings.ReplaceAll(role, "_", " ") + " of the project"))
	}
	return parts
}

// variablesLine is how many variables a card names.
const variablesLine = 6

// variablesShown names variables and their values, but for those that look like
// secrets: cards are seen by the whole channel.
func variablesShown(r run.Request) phrase {
	all := withFiles(r.Variables, r.Files)
	if len(all) == 0 {
		return say(words("no variables"))
	}
	var parts phrase
	names := slices.Sorted(maps.Keys(all))
	for i, name := range names[:min(len(names), variablesLine)] {
		if i > 0 {
			parts = append(parts, words(" "))
		}
		shown := name + "=" + masked(name, all[name])
		if contents, is := r.Files[name]; is {
			shown = name + " (file)=" + maskedFile(name, contents)
		}
		parts = append(parts, code(shortenEnd(shown, jobNameSize)))
	}
	return append(parts, andMore(len(names)-variablesLine)...)
}

// secretName and secretValue find what should not stand in a channel. It is better to
// mask too much.
var (
	secretName  = regexp.MustCompile(`(?i)pass|secret|token|key|credential|auth|private|cert|dsn|cookie|session`)
	secretValue = regexp.MustCompile(`gl[a-z]{2,6}-[\w-]{8,}|xox[a-z]-|xapp-|ghp_|github_pat_|AKIA[0-9A-Z]{12}|-----BEGIN|eyJ[\w-]{8,}\.|://[^/@\s]+:[^/@\s]+@`)
)

func masked(name, value string) string {
	if secretName.MatchString(name) || secretValue.MatchString(value) {
		return "•••"
	}
	return value
}

// maskedFile is masked for what is in a file, which may name a secret anywhere.
func maskedFile(name, contents string) string {
	if secretName.MatchString(contents) {
		return "•••"
	}
	return masked(name, contents)
}

func heldButtons(r run.Run) []slack.BlockElement {
	what := fmt.Sprintf("%s %s (%s) at %s starts.", shortenMiddle(projectName(r), projectSize), shortenMiddle(r.Request.Ref.Name, refSize),
		shortenEnd(r.Request.BuildType, stageNameSize), r.Hold.SHA[:min(8, len(r.Hold.SHA))])
	return []slack.BlockElement{
		slack.NewButtonBlockElement(actionApprove, heldValue(r), plain("Approve")).WithStyle(slack.StylePrimary).WithConfirm(
			slack.NewConfirmationBlockObject(plain("Approve this request?"), plain(what), plain("Approve"), plain("Not yet"))),
		slack.NewButtonBlockElement(actionTurnDown, heldValue(r), plain("Refuse")).WithStyle(slack.StyleDanger),
	}
}

// because is a person's reason behind what they did, or only the end of the sentence.
func because(reason string) string {
	if reason = shortenEnd(reason, notificationSize); reason != "" {
		return ": " + reason
	}
	return "."
}

// reasonSize is the most of a decision's words that a message has.
const reasonSize = 1000

// refusedLine says why nothing runs.
func refusedLine(r run.Run) phrase {
	why := r.Refusal
	switch {
	case why == nil:
		return say(words("Nothing runs."))
	case why.By != "":
		return say(words("Refused by "), mention(why.By), words(because(why.Message)))
	case why.Held != "":
		return say(words("Nobody approved it in time; nothing runs."))
	case why.Denied:
		return say(words("Who asked for it may not do it any more, and was told why; nothing runs."))
	default:
		return say(words("GitLab did not start it; nothing runs."))
	}
}
