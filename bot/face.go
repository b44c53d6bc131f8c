package bot

import (
	"strings"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

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
