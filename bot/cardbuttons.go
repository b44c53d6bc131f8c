package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// The buttons' action ids.
const (
	actionView   = "view"
	actionCancel = "cancel"
	actionRetry  = "retry"
	actionPlay   = "play"
)

func buttons(r run.Run) []slack.BlockElement {
	if r.State == run.Held {
		return heldButtons(r)
	}
	if r.State == run.Unknown {
		return doubtButtons(r)
	}
	if r.Deleted || r.Pipeline.ID == 0 {
		return nil
	}
	var list []slack.BlockElement
	if r.Pipeline.WebURL != "" {
		list = append(list, slack.NewButtonBlockElement(actionView, r.Request.ID, plain("View")).WithURL(r.Pipeline.WebURL))
	}
	switch {
	case r.State == run.Started && r.Pipeline.Status == gitlab.StatusManual:
		// Nothing runs that could be canceled, and GitLab leaves manual jobs as they are.
		list = append(list, playButtons(r, playsOnCard)...)
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
	if r.State == run.Ended { // with errors in the YAML too: they may be mended by now
		list = append(list, slack.NewButtonBlockElement(actionRerun, r.Request.ID, plain("Run again")))
	}
	return list
}
