package bot

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Limits that keep the card at its size, for 2 jobs and for 72.
const (
	stagesShown   = 6
	stageNameSize = 20
	refSize       = 60
	projectSize   = 60
	jobNameSize   = 40
	failedShown   = 2 // the thread names more of them
)

// notificationSize is as much of a message's text as devices show.
const notificationSize = 300

// message is what is sent to Slack: the blocks, and the text that notifications
// and screen readers use in their stead.
type message struct {
	Text   string
	Blocks []slack.Block
}

// face is a status as people read it: an emoji and always a word beside it.
type face struct{ emoji, word string }

// faceOf is the status of a run as people read it.
func faceOf(r run.Run) face {
	switch {
	case r.Deleted:
		return face{"wastebasket", "Deleted"}
	case r.State == run.Unknown:
		return face{"grey_question", "Not certain"}
	case r.State == run.Held:
		return face{"raised_hand", "Waits for approval"}
	case r.State == run.Refused && r.Refusal != nil && r.Refusal.By != "":
		return face{"no_entry", "Refused"}
	case r.State == run.Refused:
		return face{"no_entry", "Not started"}
	case r.State == run.Starting && r.Unclear:
		return face{"hourglass_flowing_sand", "Checking whether GitLab started it"}
	case r.State == run.Requested || r.State == run.Starting:
		return face{"hourglass_flowing_sand", "Starting"}
	case r.Pipeline.Status == gitlab.StatusSuccess && r.Pipeline.Warnings:
		return face{"warning", "Passed with warnings"}
	default:
		return faceOfStatus(r.Pipeline.Status)
	}
}

func faceOfStatus(status gitlab.Status) face {
	switch status {
	case gitlab.StatusSuccess:
		return face{"white_check_mark", "Passed"}
	case gitlab.StatusFailed:
		return face{"x", "Failed"}
	case gitlab.StatusRunning:
		return face{"large_blue_circle", "Running"}
	case gitlab.StatusCanceling:
		return face{"black_square_for_stop", "Canceling"}
	case gitlab.StatusCanceled:
		return face{"black_square_for_stop", "Canceled"}
	case gitlab.StatusSkipped:
		return face{"fast_forward", "Skipped"}
	case gitlab.StatusManual:
		return face{"raised_hand", "Blocked by a manual job"}
	case gitlab.StatusScheduled:
		return face{"alarm_clock", "Waiting for a scheduled job"}
	case gitlab.StatusCreated, gitlab.StatusPending:
		return face{"hourglass_flowing_sand", "Pending"}
	default:
		// GitLab has more (preparing, waiting_for_resource) and will have others.
		word := strings.ReplaceAll(string(status), "_", " ")
		if word == "" {
			word = "pending"
		}
		return face{"hourglass_flowing_sand", strings.ToUpper(word[:1]) + word[1:]}
	}
}

// card draws the one message of a run. It depends on the run alone, so that it is
// the same whoever draws it and whenever.
func card(r run.Run) message {
	lines := slices.Concat(headline(r), summary(r), stages(r), footer(r))
	if r.State == run.Held {
		lines = slices.Concat(headline(r), summary(r), held(r))
	}
	blocks := []slack.Block{slack.NewRichTextBlock("card", paragraph(lines...))}
	if buttons := buttons(r); len(buttons) > 0 {
		blocks = append(blocks, slack.NewActionBlock("actions", buttons...))
	}
	text := fmt.Sprintf("%s: %s", faceOf(r).word, plainWords(request(r)))
	return message{Text: escape(shortenEnd(text, notificationSize)), Blocks: blocks}
}

func headline(r run.Run) phrase {
	look := faceOf(r)
	elements := say(emoji(look.emoji), bold(" "+look.word+"  "))
	if r.Pipeline.ID != 0 {
		elements = append(elements, pipelineLink(r), words(" · "))
	}
	name := projectName(r)
	return append(elements, words(shortenMiddle(name, projectSize)+"\n"))
}

// pipelineLink names the pipeline. A deleted one has no page to lead to.
func pipelineLink(r run.Run) slack.RichTextSectionElement {
	name, url := fmt.Sprintf("Pipeline #%d", r.Pipeline.ID), r.Pipeline.WebURL
	if r.Deleted {
		url = ""
	}
	return link(url, name)
}

func summary(r run.Run) phrase {
	return say(
		words(capitalized(r.Request.Ref.Kind.String())+" "), code(shortenMiddle(r.Request.Ref.Name, refSize)),
		words(" · "), bold(shortenEnd(r.Request.BuildType, stageNameSize)), words(" · asked for by "), mention(r.Request.Asker), words("\n"),
	)
}

// stages is one line, whatever the pipeline has: build 3/3 > test 1/4 > deploy 0/1.
func stages(r run.Run) phrase {
	list := r.Progress.Stages
	if len(list) == 0 || r.Deleted {
		return append(noStages(r), words("\n"))
	}
	shown := list
	if len(list) > stagesShown {
		shown = around(list, stagesShown)
	}
	var elements phrase
	for i, stage := range shown {
		if i > 0 {
			elements = append(elements, words("   "))
		}
		elements = append(elements, emoji(faceOfStage(stage)), words(nbsp+shortenMiddle(stage.Name, stageNameSize)+done(stage)))
	}
	if more := len(list) - len(shown); more > 0 {
		elements = append(elements, words(fmt.Sprintf("   and %d more stages", more)))
	}
	return append(elements, words("\n"))
}

// nbsp keeps a stage's emoji with its name where the line breaks.
const nbsp = "\u00a0"

// done counts the jobs of a stage. A stage of optional manual jobs has nothing to do.
func done(stage gitlab.Stage) string {
	if stage.Total == 0 {
		return ""
	}
	return fmt.Sprintf(nbsp+"%d/%d", stage.Done, stage.Total)
}

// around picks so many stages in a row, with the first one that has not passed
// among them.
func around(list []gitlab.Stage, count int) []gitlab.Stage {
	at := 0
	for at < len(list)-1 && list[at].Status == gitlab.StatusSuccess {
		at++
	}
	from := min(max(0, at-count/2), len(list)-count)
	return list[from : from+count]
}

func faceOfStage(stage gitlab.Stage) string {
	if stage.Status == gitlab.StatusCreated || stage.Status == gitlab.StatusPending {
		return "white_circle"
	}
	return faceOfStatus(stage.Status).emoji
}

// noStages is what stands in the place of the stages.
func noStages(r run.Run) phrase {
	switch {
	case r.Deleted:
		return say(words("The pipeline was deleted in GitLab."))
	case r.State == run.Unknown:
		return say(words("Please "), link(pipelinesURL(r), "look in GitLab"),
			words(" whether it runs; nothing more will be started for this request."))
	case r.State == run.Refused:
		return refusedLine(r)
	case r.State == run.Starting && r.Unclear:
		return say(words("GitLab gave no answer. In a moment I look whether it started the pipeline."))
	case r.State == run.Requested || r.State == run.Starting:
		return say(words("GitLab has not started it yet; I ask it once more."))
	case r.Pipeline.YAMLErrors != "":
		return say(words("No jobs: .gitlab-ci.yml has errors."))
	case r.State == run.Ended:
		return say(words("No jobs."))
	default:
		return say(words("No jobs yet."))
	}
}

// footer is the line of small print: sha, time, links.
func footer(r run.Run) phrase {
	var parts phrase
	add := func(element slack.RichTextSectionElement) {
		if len(parts) > 0 {
			parts = append(parts, words(" · "))
		}
		parts = append(parts, element)
	}
	if sha := r.Pipeline.SHA; sha != "" {
		add(link(commitURL(r), sha[:min(8, len(sha))]))
	}
	switch took, ended := elapsed(r); {
	case ended:
		add(words("Took " + duration(took)))
	case !r.Pipeline.StartedAt.IsZero() && !r.Pipeline.Status.Ended():
		add(ago("Started", r.Pipeline.StartedAt))
	default:
		add(ago("Asked", r.Request.At))
	}
	if r.Approval != nil {
		add(words("Approved by "))
		parts = append(parts, mention(r.Approval.By))
	}
	if r.Strayed {
		add(words("Canceled: the ref had moved since it was approved"))
	}
	if failed := r.Progress.Failed; len(failed) > 0 {
		add(words("Failed: "))
		parts = append(parts, jobLinks(failed, r.Progress.FailedTotal, failedShown, jobURL)...)
	}
	return parts
}

// elapsed is how long an ended pipeline took, where GitLab says so.
func elapsed(r run.Run) (took time.Duration, known bool) {
	p := r.Pipeline
	switch {
	case !p.Status.Ended():
		return 0, false
	case p.Duration > 0:
		return p.Duration, true
	case !p.FinishedAt.IsZero() && !p.StartedAt.IsZero():
		return p.FinishedAt.Sub(p.StartedAt), true
	default:
		return 0, false
	}
}

func commitURL(r run.Run) string {
	if r.Project.WebURL == "" {
		return ""
	}
	return r.Project.WebURL + "/-/commit/" + r.Pipeline.SHA
}

// The buttons' action ids.
const (
	actionView   = "view"
	actionCancel = "cancel"
	actionRetry  = "retry"
)

func buttons(r run.Run) []slack.BlockElement {
	if r.State == run.Held {
		return heldButtons(r)
	}
	if r.Deleted || r.Pipeline.ID == 0 {
		return nil
	}
	var list []slack.BlockElement
	if r.Pipeline.WebURL != "" {
		list = append(list, slack.NewButtonBlockElement(actionView, r.Request.ID, plain("View")).WithURL(r.Pipeline.WebURL))
	}
	switch {
	case r.Pipeline.Status == gitlab.StatusManual:
		// Nothing runs, and GitLab leaves manual jobs as they are.
	case r.State == run.Started && r.Pipeline.Status != gitlab.StatusCanceling:
		cancel := slack.NewButtonBlockElement(actionCancel, r.Request.ID, plain("Cancel")).WithStyle(slack.StyleDanger)
		list = append(list, cancel.WithConfirm(slack.NewConfirmationBlockObject(
			plain("Cancel this pipeline?"),
			plain(fmt.Sprintf("Pipeline #%d for %s stops; jobs that run are interrupted.", r.Pipeline.ID, shortenMiddle(r.Request.Ref.Name, refSize))),
			plain("Cancel pipeline"), plain("Keep running"),
		).WithStyle(slack.StyleDanger)))
	case r.Pipeline.YAMLErrors != "":
		// It has no jobs, so there is nothing to cancel or to run again.
	case r.State == run.Ended && (r.Pipeline.Status == gitlab.StatusFailed || r.Pipeline.Status == gitlab.StatusCanceled):
		list = append(list, slack.NewButtonBlockElement(actionRetry, r.Request.ID, plain("Retry")))
	}
	return list
}

// projectName is the project's path, which the settings may name by its id.
func projectName(r run.Run) string {
	if r.Project.Path != "" {
		return r.Project.Path
	}
	return r.Request.Project
}

func capitalized(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func lowered(text string) string { return strings.ToLower(text[:1]) + text[1:] }
