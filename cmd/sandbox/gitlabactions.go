package main

import (
	"context"
	"encoding/json"
	"fmt"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading %.100q: %w", text, err)
	}
	return nil
}

// doPipeline is what a person does on the pages of a pipeline or job in GitLab itself.
func (w *world) doPipeline(_ context.Context, _ *slacktest.User, r request) (answer, error) {
	var id int
	if err := decode(r.ID, &id); err != nil {
		return nil, err
	}
	if w.gitlab == nil {
		return nil, sorry("There is no simulated GitLab here.")
	}
	pl := w.gitlab.Pipeline(id)
	if pl == nil {
		return nil, sorry("That pipeline is not there any more.")
	}
	if r.Job == 0 {
		return nil, changePipeline(pl, r.Do)
	}
	job := pl.JobByID(r.Job)
	if job == nil {
		return nil, sorry("That job is not there any more.")
	}
	return nil, changeJob(job, r.Do)
}

func changePipeline(pl *gitlabtest.Pipeline, do string) error {
	switch do {
	case "play":
		for _, j := range pl.Jobs() {
			j.Play() // which leaves those alone that do not wait for it
		}
	case "retry":
		pl.Retry()
	case "cancel":
		pl.Cancel()
	case "delete":
		pl.Delete()
	case "fail":
		pl.Finish("failed")
	case "succeed":
		pl.Finish("success")
	default:
		return sorry(fmt.Sprintf("A pipeline cannot %q.", do))
	}
	return nil
}

func changeJob(j *gitlabtest.Job, do string) error {
	switch do {
	case "play":
		j.Play()
	case "retry":
		if j.Retry() == nil {
			return sorry("That job cannot be retried now.")
		}
	case "cancel":
		j.Cancel()
	case "fail":
		j.Fail("")
	case "succeed":
		j.Succeed()
	default:
		return sorry(fmt.Sprintf("A job cannot %q.", do))
	}
	return nil
}
