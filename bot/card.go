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

// card draws the one message of a run. It depends on the run alone, so that it is
// the same whoever draws it and whenever.
func card(r run.Run) message {
	lines := slices.Concat(headline(r), summary(r), stages(r), footer(r), silence(r))
	if r.State == run.Held {
		lines = slices.Concat(headline(r), summary(r), held(r))
	}
	blocks := []slack.Block{slack.NewRichTextBlock("card", paragraph(lines...))}
	blocks = append(blocks, candidateRows(r)...)
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
	said := say(words(kindOfRef(r.Request.Ref)+" "), code(shortenMiddle(r.Request.Ref.Name, refSize)))
	if r.Request.BuildType != "" {
		said = append(said, words(" · "), bold(shortenEnd(r.Request.BuildType, stageNameSize)))
	}
	return append(append(said, whoseRun(r)...), words("\n"))
}

// kindOfRef is what people call a ref.
func kindOfRef(ref gitlab.Ref) string {
	if ref.Kind == 0 {
		return "Ref"
	}
	return capitalized(ref.Kind.String())
}

// whoseRun says who asked for a pipeline, or whom GitLab names, and for whom it is shown.
func whoseRun(r run.Run) phrase {
	asked := r.Request
	if !asked.Follow {
		return say(words(" · asked for by "), mention(asked.Asker))
	}
	var said phrase
	switch user := r.Pipeline.User.Username; {
	case asked.Origin != "":
		said = say(words(" · asked for by "), mention(asked.Origin))
	case user != "":
		said = say(words(" · started by " + shortenEnd(user, jobNameSize)))
	}
	if !asked.Quiet && asked.Asker != "" && asked.Asker != asked.Origin {
		said = append(said, words(" · followed by "), mention(asked.Asker))
	}
	return said
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
		return wasDeleted(r)
	case r.State == run.Unknown:
		return asking(r)
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
	case r.Request.Follow:
		add(ago("Created", r.Pipeline.CreatedAt))
	default:
		add(ago("Asked", r.Request.At))
	}
	if r.Approval != nil {
		add(words("Approved by "))
		parts = append(parts, mention(r.Approval.By))
	}
	if r.Verdict != nil {
		said := saidBy(*r.Verdict)
		add(said[0])
		parts = append(parts, said[1:]...)
	}
	if act, ok := lastAct(r); ok {
		if said := actedBy(r, act); len(said) > 0 {
			add(said[0])
			parts = append(parts, said[1:]...)
		}
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

// projectName is the project's path, which the settings may name by its id.
func projectName(r run.Run) string {
	if r.Project.Path != "" {
		return r.Project.Path
	}
	return r.Request.Project
}

func capitalized(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func lowered(text string) string { return strings.ToLower(text[:1]) + text[1:] }
