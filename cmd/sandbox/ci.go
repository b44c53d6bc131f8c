package main

import (
	"slices"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// pipelineCI is what the projects' .gitlab-ci.yml says: long enough to watch, short enough not to wait for.
func pipelineCI() gitlabtest.CI {
	release := func(e gitlabtest.Event) bool { return e.Variables["BUILD_TYPE"] == "release" }
	return gitlabtest.CI{
		Stages: []string{"build", "test", "package", "deploy"},
		Jobs: []gitlabtest.JobSpec{
			{Name: "compile", Stage: "build", Duration: 6 * time.Second, Artifacts: []string{"app.zip"}},
			{Name: "unit", Stage: "test", Duration: 7 * time.Second, Artifacts: []string{"junit.xml"}, Coverage: 87.4},
			{Name: "lint", Stage: "test", Duration: 3 * time.Second, AllowFailure: true},
			{Name: "e2e", Stage: "test", Duration: 10 * time.Second},
			{Name: "image", Stage: "package", Duration: 5 * time.Second},
			{Name: "sign", Stage: "package", Duration: 4 * time.Second, Artifacts: []string{"app.sig"}, Rules: release},
			{Name: "staging", Stage: "deploy", Duration: 6 * time.Second},
		},
	}
}

// failing is the definition with end-to-end tests that fail.
func failing(ci gitlabtest.CI) gitlabtest.CI {
	return edited(ci, func(j *gitlabtest.JobSpec) {
		if j.Name == "e2e" {
			j.Outcome = "failed"
		}
	})
}

// waiting is the definition with a deployment that somebody has to start.
func waiting(ci gitlabtest.CI) gitlabtest.CI {
	return edited(ci, func(j *gitlabtest.JobSpec) {
		if j.Stage == "deploy" {
			j.Manual = true
		}
	})
}

// slow is the definition with jobs that take six times as long.
func slow(ci gitlabtest.CI) gitlabtest.CI {
	return edited(ci, func(j *gitlabtest.JobSpec) { j.Duration *= 6 })
}

func edited(ci gitlabtest.CI, edit func(*gitlabtest.JobSpec)) gitlabtest.CI {
	ci.Jobs = slices.Clone(ci.Jobs)
	for i := range ci.Jobs {
		edit(&ci.Jobs[i])
	}
	return ci
}
