package bot

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// How many manual jobs a message offers to start; a row of buttons that breaks is hard
// to read on a telephone.
const (
	playsOnCard   = 2
	playsInThread = linksShown
)

// playButtons start the jobs that a pipeline waits for.
func playButtons(r run.Run, most int) []slack.BlockElement {
	var list []slack.BlockElement
	for i, job := range r.Progress.Manual[:min(len(r.Progress.Manual), most)] {
		list = append(list, playButton(r, job, numbered(actionPlay, i), playValue(r, job.ID)))
	}
	return list
}

// playButton starts a job, once whoever presses it has confirmed that.
func playButton(r run.Run, job gitlab.Job, action, value string) slack.BlockElement {
	name := shortenMiddle(job.Name, jobNameSize)
	return slack.NewButtonBlockElement(action, value, plain("Start "+name)).WithConfirm(slack.NewConfirmationBlockObject(
		plain("Start this job?"),
		plain(fmt.Sprintf("%s of pipeline #%d for %s starts.", name, r.Pipeline.ID, shortenMiddle(r.Request.Ref.Name, refSize))),
		plain("Start"), plain("Not yet"),
	))
}

// playValue is what a button that starts a job carries: which run, and which job.
func playValue(r run.Run, job int64) string { return fmt.Sprintf("%s %d", r.Request.ID, job) }

func parsePlayValue(value string) (id string, job int64, ok bool) {
	id, number, _ := strings.Cut(value, " ")
	job, err := strconv.ParseInt(number, 10, 64)
	return id, job, err == nil && job > 0
}
