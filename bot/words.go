package bot

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Here errors become text for people: what happened, and what to do next.

// privately is a message for one person. Its notification text has the same words.
func privately(elements ...slack.RichTextSectionElement) message {
	return message{
		Text:   escape(shortenEnd(plainWords(elements), notificationSize)),
		Blocks: []slack.Block{slack.NewRichTextBlock("words", paragraph(elements...))},
	}
}

// warning is a message for one person about something that went wrong.
func warning(elements ...slack.RichTextSectionElement) message {
	return privately(append(say(emoji("warning"), words(" ")), elements...)...)
}

// request names what was asked for: group/app main (debug).
func request(r run.Run) phrase {
	said := say(bold(shortenMiddle(projectName(r), projectSize)), words(" "), code(shortenMiddle(r.Request.Ref.Name, refSize)))
	if r.Request.BuildType == "" {
		return said
	}
	return append(said, words(" ("+shortenEnd(r.Request.BuildType, stageNameSize)+")"))
}

// notStarted tells why GitLab did not start a run.
func notStarted(r run.Run) message {
	if why := r.Refusal; why != nil && (why.Denied || why.Held != "") {
		return notAllowed(r, *why)
	}
	opening := append(say(emoji("no_entry"), words(" I could not start ")), request(r)...)
	return privately(append(append(opening, words(".\n")), refusal(r)...)...)
}

// notAllowed tells why a request that waited for somebody is not started.
func notAllowed(r run.Run, why run.Refusal) message {
	said := append(say(emoji("no_entry"), words(" Your request for ")), request(r)...)
	switch {
	case why.By != "":
		said = append(said, words(" was refused by "), mention(why.By), words(because(why.Message)))
	case why.Held == run.ForApproval:
		said = append(said, words(" has expired: nobody approved it in time. Type /pipeline to ask again."))
	case why.Held == run.ForLink:
		said = append(said, words(" has expired: you have not linked your GitLab account. Type /pipeline to ask again."))
	default:
		said = append(said, words(" is not started. "+shortenEnd(why.Message, reasonSize)))
	}
	return privately(said...)
}

// linkFirst asks somebody who they are in GitLab, before their request goes on.
func linkFirst(r run.Run) message {
	said := append(say(emoji("link"), words(" I have your request for ")), request(r)...)
	m := privately(append(said, words(". First I have to know who you are in GitLab, since you may do here what you may do there. It goes on by itself afterwards."))...)
	m.Blocks = append(m.Blocks, linkButton())
	return m
}

// openly is an answer to a command that everybody in the channel sees.
func openly(m message) map[string]any {
	answer := m.answer()
	answer["response_type"] = slack.ResponseTypeInChannel
	return answer
}

// waits tells that a request is kept and will be tried again.
func waits(r run.Run) message {
	why := "GitLab cannot be reached just now"
	switch r.Waiting.Kind {
	case gitlab.RateLimited:
		why = "GitLab takes no more requests from me just now"
	case gitlab.Unauthorized:
		why = "GitLab does not accept my access token any more"
	}
	opening := append(say(emoji("hourglass_flowing_sand"), words(" "+why+". Your request for ")), request(r)...)
	if r.State == run.Starting {
		return privately(append(opening, words(" is kept. It may have been started: I look as soon as GitLab answers, and start it if it was not. You do not need to do anything."))...)
	}
	return privately(append(opening, words(" is kept, and I try again until it starts, for an hour at most. You do not need to do anything."))...)
}

// uncertain tells that nobody knows whether the pipeline was started. The card asks.
func uncertain(r run.Run) message {
	said := append(say(emoji("grey_question"), words(" GitLab gave no clear answer when I started ")), request(r)...)
	said = append(said, words(", and I could not find out whether it runs. "))
	if len(r.Candidates) > 0 {
		said = append(said, words("Its card shows what it may be: please say there which it is, or that it is to be started again."))
	} else {
		said = append(said, words("Please look among "), link(pipelinesURL(r), "the project's pipelines"),
			words("; by its card I look once more, or start it again."))
	}
	if len(r.Candidates) > 0 || r.Refusal != nil && r.Refusal.Kind == gitlab.Forbidden {
		said = append(said, words(" To find it by myself, I need an access token with the role Maintainer."))
	}
	return privately(said...)
}

func pipelinesURL(r run.Run) string {
	if r.Project.WebURL == "" {
		return ""
	}
	return r.Project.WebURL + "/-/pipelines"
}

// refusal puts GitLab's refusal into words that say what to do.
func refusal(r run.Run) phrase {
	why := r.Refusal
	if why == nil {
		return nil
	}
	if why.Moved {
		return say(words("How this project is started here was changed after you asked, so I did not start it. Type /pipeline to ask again."))
	}
	if why.Expired {
		return say(words("GitLab did not take your request for an hour, so I gave up. Nothing was started. Type /pipeline to ask again."))
	}
	for _, known := range knownRefusals {
		if strings.Contains(strings.ToLower(why.Message), known.contains) {
			return known.words(r, *why)
		}
	}
	return refusalByKind(r, *why)
}

// knownRefusals are GitLab's messages that deserve better words, by a part of each
// in lower case, the more particular first.
var knownRefusals = []struct { //nolint:gochecknoglobals // a table that nobody changes
	contains string
	words    func(r run.Run, why run.Refusal) phrase
}{
	{"reference not found", func(r run.Run, _ run.Refusal) phrase {
		return say(words("The "+r.Request.Ref.Kind.String()+" "), code(shortenMiddle(r.Request.Ref.Name, refSize)),
			words(" is no longer there. Type /pipeline and choose another one."))
	}},
	{"insufficient permissions to set pipeline variables", func(run.Run, run.Refusal) phrase {
		return say(words("The project does not let me set pipeline variables, and the build type is one. A maintainer can allow it in the project's "),
			bold("Settings > CI/CD > Variables > Minimum role to use pipeline variables"), words(": choose one that the owner of my token has."))
	}},
	{"rules configuration prevented", noJobs},
	{"no stages / jobs for this pipeline", noJobs},
	{"too many pipelines", func(run.Run, run.Refusal) phrase {
		return say(words("GitLab has started too many pipelines in the last minute. Wait a minute, then type /pipeline again."))
	}},
	{"ref is ambiguous", func(r run.Run, _ run.Refusal) phrase {
		return say(words("A branch and a tag are both called "), code(shortenMiddle(r.Request.Ref.Name, refSize)),
			words(". Rename one of them, then type /pipeline again."))
	}},
	{"sufficient permission to run a pipeline", func(r run.Run, _ run.Refusal) phrase {
		return say(code(shortenMiddle(r.Request.Ref.Name, refSize)), words(" is protected, and the owner of my token may not run pipelines on it. "+
			"A maintainer can allow it in the project's "), bold("Settings > Repository > Protected branches"), words(" (or Protected tags)."))
	}},
}

// noJobs shows the line that lets jobs run for this kind of start.
func noJobs(_ run.Run, why run.Refusal) phrase {
	return say(words("The rules in .gitlab-ci.yml left no job for this pipeline. To let a job run when I start it, give it this rule:\n"),
		code(fmt.Sprintf(`rules: [{ if: '$CI_PIPELINE_SOURCE == "%s"' }]`, why.Source)))
}

func refusalByKind(r run.Run, why run.Refusal) phrase {
	switch why.Kind {
	case gitlab.NotFound:
		return notFound(r, why)
	case gitlab.Unauthorized:
		return say(words("GitLab does not accept my access token: it has expired or was revoked. Whoever runs me has to put a new one into "),
			code("GITLAB_TOKEN"), words("."))
	case gitlab.Forbidden:
		return append(say(words("My access token may not do this. Its owner needs the role Developer in the project, and the token the scope "),
			code("api"), words(".")), inGitLabsWords(why.Message)...)
	case gitlab.Invalid, gitlab.Unclear, gitlab.NotSent, gitlab.RateLimited:
	}
	if why.Message == "" {
		return say(words("GitLab refused it and did not say why. Try to start the pipeline in GitLab itself to see more."))
	}
	return append(say(words("GitLab refused it. Mend what it names, then type /pipeline again.")), inGitLabsWords(why.Message)...)
}

// notFound explains a 404, by which GitLab says nothing more.
func notFound(r run.Run, why run.Refusal) phrase {
	project := shortenMiddle(r.Request.Project, projectSize)
	if why.Source == gitlab.Source(true) {
		return say(words("GitLab does not find the project or the trigger token, and does not say which. Whoever runs me should check that the trigger token for "),
			code(project), words(" belongs to that project and was not revoked (in GitLab: "),
			bold("Settings > CI/CD > Pipeline trigger tokens"), words(")."))
	}
	return say(words("GitLab does not find the project "), code(project),
		words(". Whoever runs me should check its path in "), code("GITLAB_PROJECTS"), words(" and that my access token may see it."))
}

func inGitLabsWords(text string) phrase {
	if text == "" {
		return nil
	}
	return say(words("\nGitLab says: " + oneLine(text)))
}

// actionFailed tells why nothing was done to a pipeline.
func actionFailed(verb run.Verb, err error) message {
	if errors.Is(err, errNotWaiting) {
		return privately(emoji("information_source"), words(" This job does not wait to be started any more: the card shows how the pipeline goes on."))
	}
	if errors.Is(err, run.ErrNotYet) {
		return privately(emoji("information_source"), words(" GitLab took the retry, and no job of the pipeline has started so far: perhaps none failed or was canceled. "+
			"If one starts soon, the pipeline's card shows it. To start a new pipeline, use "), code("/pipeline run"), words("."))
	}
	what := string(verb) + " the pipeline"
	if verb == run.Play {
		what = "start the job"
	}
	return warning(append(say(words("I could not "+what+". ")), faultOf(verb, err)...)...)
}

// faultOf is actionFault, and better where it matters what was tried.
func faultOf(verb run.Verb, err error) phrase {
	fault, ok := errors.AsType[*gitlab.Error](err)
	if !ok {
		return actionFault(err)
	}
	switch {
	case fault.Kind == gitlab.Forbidden && verb == run.Delete:
		return say(words("Only an owner of the project may delete pipelines, and my access token is none. Ask one to delete it in GitLab, or whoever runs me for a token with the role Owner."))
	case fault.Kind == gitlab.Forbidden:
		return append(actionFault(err), words(" On a protected branch or tag its owner also has to be one of those who may push, merge or create there."))
	case fault.Kind == gitlab.NotFound && verb == run.Delete:
		return say(words("It is no longer in GitLab: somebody has deleted it already."))
	case fault.Kind == gitlab.Invalid && verb == run.Delete && fault.Status == http.StatusConflict:
		return append(say(words("GitLab is counting the project's artifacts anew, and deletes nothing meanwhile. Please try again in a few minutes.")), inGitLabsWords(fault.Message)...)
	case fault.Kind == gitlab.Invalid && verb == run.Play:
		return append(say(words("It does not wait to be started any more, or GitLab does not let it start.")), inGitLabsWords(fault.Message)...)
	default:
		return actionFault(err)
	}
}

func actionFault(err error) phrase {
	if errors.Is(err, errStale) {
		return say(words("This button is out of date; please use the ones on the pipeline's newest card."))
	}
	fault, ok := errors.AsType[*gitlab.Error](err)
	if !ok {
		return say(words("I cannot reach my own records just now. Please try again in a moment."))
	}
	switch fault.Kind {
	case gitlab.Unauthorized:
		return say(words("GitLab does not accept my access token: it has expired or was revoked. Whoever runs me has to renew "), code("GITLAB_TOKEN"), words("."))
	case gitlab.Forbidden:
		return say(words("My access token may not do this in the project; its owner needs the role Developer."))
	case gitlab.NotFound:
		return say(words("The pipeline is no longer in GitLab."))
	case gitlab.RateLimited:
		return say(words("GitLab takes no more requests from me just now. Please try again in " + waitFor(fault) + "."))
	case gitlab.Invalid:
		return append(say(words("GitLab refused it.")), inGitLabsWords(fault.Message)...)
	case gitlab.NotSent:
		return say(words("GitLab cannot be reached just now. Please try again in a moment."))
	case gitlab.Unclear:
	}
	return say(words("GitLab gave no answer. Look at the pipeline before you try again."))
}

// readFault is actionFault about something that was only read: nobody has to look whether
// it was done.
func readFault(err error) phrase {
	fault, ok := errors.AsType[*gitlab.Error](err)
	switch {
	case ok && fault.Kind == gitlab.Unclear:
		return say(words("GitLab does not answer just now. Please try again in a moment."))
	case ok && fault.Kind == gitlab.Forbidden:
		return say(words("My access token may not see it; its owner needs the role Reporter in the project, and the token the scope "), code("api"), words("."))
	default:
		return actionFault(err)
	}
}

// waitFor is how long GitLab asks to wait.
func waitFor(fault *gitlab.Error) string {
	if fault.RetryAfter <= 0 {
		return "a minute"
	}
	return duration(max(fault.RetryAfter, time.Second))
}

// inviteHint tells why a card is in somebody's direct messages. The direct messages
// of other people take no bot.
func inviteHint(channel, botName string) slack.Block {
	text := fmt.Sprintf("I cannot post in <#%s>, so this card is here. In a private channel, `/invite @%s` changes that.", channel, escape(botName))
	if strings.HasPrefix(channel, "D") {
		text = "I cannot post in that conversation, so this card is here."
	}
	return slack.NewContextBlock("hint", slack.NewTextBlockObject(slack.MarkdownType, text, false, false))
}
