package bot_test

import (
	"fmt"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Every picture is of the same request, read at the same moment.
var (
	askedAt = time.Date(2026, time.March, 2, 10, 0, 0, 0, time.UTC)
	readAt  = askedAt.Add(5 * time.Minute)
)

const (
	asker     = "U0ALICE"
	channel   = "C0BUILDS"
	directs   = "D0ALICE"
	appURL    = "https://gitlab.example/group/app"
	sha       = "8f3b1c2d9e0a4f5b6c7d8e9f0a1b2c3d4e5f6a7b"
	cardTS    = "1772445602.000100"
	buildType = "debug"
)

// edit changes a run for one picture.
type edit func(r *run.Run)

func edited(r run.Run, edits ...edit) run.Run {
	for _, e := range edits {
		e(&r)
	}
	return r
}

// requested is what a person asked for, written down and no more.
func requested(edits ...edit) run.Run {
	return edited(run.Run{
		Format: 1,
		Request: run.Request{
			ID: "V0RUN", Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "feature/login"}, BuildType: buildType,
			Variables: map[string]string{"APP_ENV": "staging"}, Asker: asker, Team: "T0TEAM", Channel: channel, At: askedAt,
		},
		State: run.Requested, Version: 1,
	}, edits...)
}

// inProject is the run once GitLab was asked for its project.
func inProject(state run.State) edit {
	return func(r *run.Run) {
		r.State, r.Project = state, gitlab.Project{ID: 7, Path: "group/app", WebURL: appURL, DefaultBranch: "main"}
	}
}

// started is a run whose pipeline goes on with the status.
func started(status gitlab.Status, edits ...edit) run.Run {
	r := requested(inProject(run.Started), func(r *run.Run) {
		r.Request.Trigger = true
		r.Pipeline = gitlab.Pipeline{
			ID: 4711, IID: 42, ProjectID: 7, Status: status, Source: "trigger", Ref: r.Request.Ref.Name, SHA: sha,
			WebURL: appURL + "/-/pipelines/4711", CreatedAt: askedAt.Add(2 * time.Second),
		}
		r.Progress = fresh()
	})
	return edited(r, edits...)
}

// running is a run in the middle: the first stage is done.
func running(edits ...edit) run.Run {
	return edited(started(gitlab.StatusRunning, func(r *run.Run) {
		r.Pipeline.StartedAt = askedAt.Add(4 * time.Second)
		r.Progress.Stages = []gitlab.Stage{
			{Name: "build", Status: gitlab.StatusSuccess, Done: 3, Total: 3},
			{Name: "test", Status: gitlab.StatusRunning, Done: 1, Total: 4},
			{Name: "deploy", Status: gitlab.StatusCreated, Total: 1},
		}
	}), edits...)
}

// ended is a run whose pipeline has ended after 4m 12s.
func ended(status gitlab.Status, edits ...edit) run.Run {
	return edited(running(func(r *run.Run) {
		r.State, r.Pipeline.Status = run.Ended, status
		r.Pipeline.FinishedAt = r.Pipeline.StartedAt.Add(4*time.Minute + 12*time.Second)
		r.Pipeline.Duration = 4*time.Minute + 12*time.Second
		r.Progress.Stages = []gitlab.Stage{
			{Name: "build", Status: gitlab.StatusSuccess, Done: 3, Total: 3},
			{Name: "test", Status: status, Done: 4, Total: 4},
			{Name: "deploy", Status: status, Done: 1, Total: 1},
		}
	}), edits...)
}

// fresh is the progress of a pipeline that was just made.
func fresh() gitlab.Progress {
	return gitlab.Progress{Stages: []gitlab.Stage{
		{Name: "build", Status: gitlab.StatusCreated, Total: 3},
		{Name: "test", Status: gitlab.StatusCreated, Total: 4},
		{Name: "deploy", Status: gitlab.StatusCreated, Total: 1},
	}}
}

// jobs are jobs of one stage with these names.
func jobs(stage string, names ...string) []gitlab.Job {
	list := make([]gitlab.Job, len(names))
	for i, name := range names {
		list[i] = gitlab.Job{
			ID: int64(9000 + i), Name: name, Stage: stage, Status: gitlab.StatusFailed,
			WebURL: fmt.Sprintf("%s/-/jobs/%d", appURL, 9000+i),
		}
	}
	return list
}

// numbered are so many jobs of one stage.
func numbered(stage string, count int) []gitlab.Job {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s %d/%d", stage, i+1, count)
	}
	return jobs(stage, names...)
}

// failing is an edit that makes these jobs fail in the stage test; GitLab's own
// summary names ten of them at most.
func failing(list []gitlab.Job) edit {
	return func(r *run.Run) {
		r.Progress.Stages[1].Status = gitlab.StatusFailed
		r.Progress.Stages[2] = gitlab.Stage{Name: "deploy", Status: gitlab.StatusSkipped, Done: 1, Total: 1}
		r.Progress.FailedTotal = len(list)
		r.Progress.Failed = list[:min(len(list), 10)]
	}
}

// withArtifacts is an edit that gives these jobs artifacts.
func withArtifacts(list []gitlab.Job) edit {
	return func(r *run.Run) {
		r.Progress.ArtifactsTotal = len(list)
		r.Progress.Artifacts = list[:min(len(list), 10)]
	}
}

// inStages spreads so many jobs over so many stages, two of which are done and one
// of which is on its way.
func inStages(count, stages int) edit {
	return func(r *run.Run) {
		r.Progress.Stages = make([]gitlab.Stage, stages)
		for i := range r.Progress.Stages {
			stage := gitlab.Stage{Name: fmt.Sprintf("stage-%d", i+1), Status: gitlab.StatusCreated, Total: count / stages}
			switch {
			case i < stages/2:
				stage.Status, stage.Done = gitlab.StatusSuccess, stage.Total
			case i == stages/2:
				stage.Status, stage.Done = gitlab.StatusRunning, stage.Total/2
			}
			r.Progress.Stages[i] = stage
		}
	}
}

// refused is a run that GitLab did not start.
func refused(why run.Refusal) run.Run {
	return requested(inProject(run.Refused), func(r *run.Run) { r.Refusal = &why })
}

// waits is a request that GitLab could not be asked yet.
func waits(kind gitlab.Kind) run.Run {
	return requested(func(r *run.Run) { r.Waiting = &run.Refusal{Kind: kind, Source: "api"} })
}
