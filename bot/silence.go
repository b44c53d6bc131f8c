package bot

import (
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// silence is the line that says why the card does not move, where GitLab is why.
func silence(r run.Run) phrase {
	if r.Silence == nil || r.State != run.Started {
		return nil
	}
	does, then := "answered", phrase(nil)
	switch r.Silence.Why {
	case gitlab.Unauthorized:
		does, then = "accepted my access token", say(words(" Whoever runs me has to renew "), code("GITLAB_TOKEN"), words("."))
	case gitlab.NotFound:
		does, then = "shown me the project", say(words(" Whoever runs me has to look whether my access token may see it."))
	default: // it is away
	}
	said := say(words("\n"), emoji("warning"), words(" GitLab has not "+does+" since "), moment(r.Silence.Since), words("."))
	return append(said, then...)
}
