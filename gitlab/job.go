package gitlab

import (
	"cmp"
	"context"
	"slices"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// Job is a job of a pipeline, or a bridge (a job that starts another pipeline).
type Job struct {
	ID           int64  `json:"id"`
	Name         string `json:"name"`
	Stage        string `json:"stage,omitempty"`
	Status       Status `json:"status"`
	AllowFailure bool   `json:"allow_failure,omitempty"`
	WebURL       string `json:"web_url,omitempty"`
	Artifacts    bool   `json:"artifacts,omitempty"`
	// Reason is GitLab's failure_reason: script_failure, runner_system_failure...
	Reason string `json:"reason,omitempty"`
}

// Stage is the progress of one stage.
type Stage struct {
	Name string `json:"name"`
	// Status is the stage's own, drawn from its jobs.
	Status Status `json:"status"`
	Done   int    `json:"done"`
	Total  int    `json:"total"`
}

// Progress is what the jobs of a pipeline add up to.
type Progress struct {
	Stages []Stage `json:"stages,omitempty"`
	// Failed, Manual and Artifacts name the first jobs of their sort: those
	// that failed (and may not), that block the pipeline until a person starts
	// them, that left artifacts.
	Failed    []Job `json:"failed,omitempty"`
	Manual    []Job `json:"manual,omitempty"`
	Artifacts []Job `json:"artifacts,omitempty"`
	// FailedTotal, ManualTotal and ArtifactsTotal count all of each sort.
	FailedTotal    int `json:"failed_total,omitempty"`
	ManualTotal    int `json:"manual_total,omitempty"`
	ArtifactsTotal int `json:"artifacts_total,omitempty"`
}

// namedJobs is how many jobs of a sort Progress names: what a message can show
// without growing with the pipeline.
const namedJobs = 10

// Summarize adds up the jobs of one pipeline, given in any order. Of jobs with the same name the
// newest counts, since a retry makes a new one; a stage stands where the oldest
// of its jobs does, since GitLab creates jobs in the order of the stages.
func Summarize(jobs []Job) Progress {
	sorted := slices.SortedFunc(slices.Values(jobs), func(a, b Job) int { return cmp.Compare(a.ID, b.ID) })
	// A retry while the pages are read shows a job on two of them.
	sorted = slices.CompactFunc(sorted, func(a, b Job) bool { return a.ID == b.ID })
	newest := make(map[string]int64, len(sorted))
	for _, job := range sorted {
		newest[job.Stage+"\x00"+job.Name] = job.ID
	}
	var p Progress
	position := make(map[string]int)
	byStage := make([][]Job, 0, 8)
	for _, job := range sorted {
		at, seen := position[job.Stage]
		if !seen {
			at = len(p.Stages)
			position[job.Stage] = at
			p.Stages = append(p.Stages, Stage{Name: job.Stage})
			byStage = append(byStage, nil)
		}
		if newest[job.Stage+"\x00"+job.Name] == job.ID {
			byStage[at] = append(byStage[at], job)
		}
	}
	for i, inStage := range byStage {
		p.Stages[i].Status = stageStatus(inStage)
		for _, job := range inStage {
			p.count(i, job)
		}
	}
	return p
}

func (p *Progress) count(stage int, job Job) {
	// An optional manual job that nobody started is no part of the work to do.
	if optional := job.Status == StatusManual && job.AllowFailure; !optional {
		p.Stages[stage].Total++
	}
	if job.Status.Ended() {
		p.Stages[stage].Done++
	}
	switch {
	case job.Status == StatusFailed && !job.AllowFailure:
		p.FailedTotal++
		p.Failed = appendNamed(p.Failed, job)
	case job.Status == StatusManual && !job.AllowFailure:
		p.ManualTotal++
		p.Manual = appendNamed(p.Manual, job)
	}
	if job.Artifacts {
		p.ArtifactsTotal++
		p.Artifacts = appendNamed(p.Artifacts, job)
	}
}

func appendNamed(jobs []Job, job Job) []Job {
	if len(jobs) == namedJobs {
		return jobs
	}
	return append(jobs, job)
}

// stageStatus is what a person calls the stage: failed once a job that may not
// fail did, running while anything moves, and so on down to success.
func stageStatus(jobs []Job) Status {
	has := make(map[Status]bool)
	for _, job := range jobs {
		switch {
		case (job.Status == StatusFailed || job.Status == StatusCanceled) && job.AllowFailure:
			has[StatusSuccess] = true
		case job.Status == StatusManual && job.AllowFailure:
			has[StatusSkipped] = true
		default:
			has[job.Status] = true
		}
	}
	for _, s := range []Status{StatusFailed, StatusCanceling, StatusRunning, StatusManual, StatusScheduled, StatusCanceled} {
		if has[s] {
			return s
		}
	}
	switch {
	case len(has) == 1 && has[StatusSuccess], len(has) == 2 && has[StatusSuccess] && has[StatusSkipped]:
		return StatusSuccess
	case len(has) == 1 && has[StatusSkipped]:
		return StatusSkipped
	case has[StatusSuccess]:
		return StatusRunning
	case len(has) == 1 && has[StatusCreated]:
		return StatusCreated
	default:
		return StatusPending
	}
}

// Jobs reads every job and bridge of a pipeline, retried ones too: Summarize
// needs them to keep the stages in order.
// https://docs.gitlab.com/api/jobs/#list-all-jobs-for-a-pipeline
func (c *Client) Jobs(ctx context.Context, project, pipeline int64) ([]Job, error) {
	const op = "listing jobs"
	var jobs []Job
	err := eachPage(op, func(page int64) (last int64, more bool, err error) {
		opt := &gl.ListJobsOptions{ListOptions: gl.ListOptions{Page: page, PerPage: perPage}, IncludeRetried: gl.Ptr(true)}
		var list []*gl.Job
		resp, err := c.call(op, func() (resp *gl.Response, err error) {
			list, resp, err = c.gl.Jobs.ListPipelineJobs(project, pipeline, opt, gl.WithContext(ctx))
			return resp, err
		})
		if err == nil {
			err = wholeList(op, resp, list, func(j *gl.Job) bool { return j != nil && j.ID > 0 })
		}
		if err != nil {
			return 0, false, err
		}
		for _, j := range list {
			jobs = append(jobs, shown(j))
			last = j.ID
		}
		return last, hasNext(resp), nil
	})
	if err != nil {
		return nil, err
	}
	bridges, err := c.bridges(ctx, project, pipeline)
	if err != nil {
		return nil, err
	}
	return append(jobs, bridges...), nil
}

func shown(j *gl.Job) Job {
	return Job{
		ID: j.ID, Name: j.Name, Stage: j.Stage, Status: Status(j.Status), AllowFailure: j.AllowFailure,
		WebURL: j.WebURL, Artifacts: hasArtifacts(j), Reason: j.FailureReason,
	}
}

// PlayJob starts a job that waits for a person, or for its time. It takes who may retry
// the pipeline; a job that is not waiting is refused as Invalid, "Unplayable Job".
// https://docs.gitlab.com/api/jobs/#run-a-job
func (c *Client) PlayJob(ctx context.Context, project, job int64) (Job, error) {
	const op = "playing the job"
	var played *gl.Job
	resp, err := c.call(op, func() (resp *gl.Response, err error) {
		played, resp, err = c.gl.Jobs.PlayJob(project, job, nil, gl.WithContext(ctx))
		return resp, err
	})
	if err != nil {
		return Job{}, err
	}
	if played == nil || played.ID <= 0 {
		return Job{}, &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "its answer names no job"}
	}
	return shown(played), nil
}

// hasArtifacts looks for files that a person would fetch: every job has a log,
// and reports that GitLab shows itself are no downloads.
func hasArtifacts(j *gl.Job) bool {
	for _, a := range j.Artifacts {
		if strings.EqualFold(a.FileType, "archive") {
			return true
		}
	}
	return j.ArtifactsFile.Filename != ""
}

func (c *Client) bridges(ctx context.Context, project, pipeline int64) ([]Job, error) {
	const op = "listing bridges"
	var jobs []Job
	err := eachPage(op, func(page int64) (last int64, more bool, err error) {
		opt := &gl.ListJobsOptions{ListOptions: gl.ListOptions{Page: page, PerPage: perPage}}
		var list []*gl.Bridge
		resp, err := c.call(op, func() (resp *gl.Response, err error) {
			list, resp, err = c.gl.Jobs.ListPipelineBridges(project, pipeline, opt, gl.WithContext(ctx))
			return resp, err
		})
		if err == nil {
			err = wholeList(op, resp, list, func(b *gl.Bridge) bool { return b != nil && b.ID > 0 })
		}
		if err != nil {
			return 0, false, err
		}
		for _, b := range list {
			jobs = append(jobs, bridge(b))
			last = b.ID
		}
		return last, hasNext(resp), nil
	})
	return jobs, err
}

// bridge is a job that leads to the pipeline that it started.
func bridge(b *gl.Bridge) Job {
	job := Job{
		ID: b.ID, Name: b.Name, Stage: b.Stage, Status: Status(b.Status), AllowFailure: b.AllowFailure,
		WebURL: b.WebURL, Reason: b.FailureReason,
	}
	if b.DownstreamPipeline != nil {
		job.WebURL = b.DownstreamPipeline.WebURL
	}
	return job
}
