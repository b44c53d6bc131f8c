package main

import (
	"fmt"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// makeHistory runs pipelines in the last hours, of which one failed.
func makeHistory(gl *gitlabtest.Server, people []*gitlabtest.User, at *clock) error {
	at.rewind(5 * time.Hour)
	defer at.rewind(0)
	for i, p := range gl.Projects() {
		runs := []string{"success", "failed", "success"}
		if i > 0 {
			runs = runs[:1]
		}
		for n, end := range runs {
			at.advance(40 * time.Minute)
			pl, refused := p.StartPipeline(people[n%len(people)], p.Settings().DefaultBranch, []string{"push", "web"}[n%2])
			if refused != "" {
				return fmt.Errorf("making up pipelines of %s: %s", p.Path, refused)
			}
			finish(pl, end, at)
		}
	}
	return nil
}

// finish lets a pipeline run through its jobs in the time that they take.
func finish(pl *gitlabtest.Pipeline, end string, at *clock) {
	for _, j := range pl.Jobs() {
		if j.Status() == "skipped" {
			continue
		}
		j.Run()
		at.advance(12 * j.Spec().Duration) // as real ones take
		if end == "failed" && j.Name == "e2e" {
			j.Fail("")
		} else {
			j.Succeed()
		}
	}
}
