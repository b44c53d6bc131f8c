package bot

import (
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What the card says of what people did to its pipeline.

// wasDeleted says who deleted the pipeline, where that was done here.
func wasDeleted(r run.Run) phrase {
	if act, ok := lastAct(r); ok && act.Verb == run.Delete {
		return say(words("The pipeline was deleted by "), mention(act.By), words("."))
	}
	return say(words("The pipeline was deleted in GitLab."))
}

// lastAct is what somebody did last to the pipeline from here.
func lastAct(r run.Run) (run.Act, bool) {
	if len(r.Acts) == 0 {
		return run.Act{}, false
	}
	return r.Acts[len(r.Acts)-1], true
}

// actedBy is what somebody did last, as the card says it; nothing where that is over.
func actedBy(r run.Run, act run.Act) phrase {
	status := r.Pipeline.Status
	switch act.Verb {
	case run.Cancel:
		if status != gitlab.StatusCanceling && status != gitlab.StatusCanceled {
			return nil // it was too late, or it was retried in GitLab since
		}
		return say(words("Canceled by "), mention(act.By))
	case run.Retry:
		return say(words("Retried by "), mention(act.By))
	case run.Play:
		return say(words(shortenMiddle(act.Job, jobNameSize)+" started by "), mention(act.By))
	default:
		return nil // of what was deleted there is a line
	}
}
