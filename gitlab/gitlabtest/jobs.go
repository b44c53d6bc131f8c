package gitlabtest

import (
	"fmt"
	"time"
)

// A Job is one job or bridge of a pipeline, https://docs.gitlab.com/api/jobs/. A retried job is another Job.
type Job struct {
	ID       int
	Name     string
	Stage    string
	Pipeline *Pipeline
	Bridge   bool // it starts a downstream pipeline

	spec          JobSpec
	status        string
	failureReason string
	retried       bool
	played        bool
	user          *User
	downstream    *Pipeline
	log           string

	createdAt, queuedAt, startedAt, finishedAt time.Time
	entered                                    time.Time // wall clock, for automatic mode
}

// Status is the job's status, verbatim.
func (j *Job) Status() string {
	j.Pipeline.lock()
	defer j.Pipeline.unlock()
	return j.status
}

// Spec is what the pipeline definition says of the job.
func (j *Job) Spec() JobSpec { return j.spec }

// Run starts the job, as if a runner had taken it.
func (j *Job) Run() { j.act(func() { j.enter("running") }) }

// Succeed ends the job with success; a job that did not run yet runs first.
func (j *Job) Succeed() { j.act(func() { j.finish("success", "") }) }

// Fail ends the job with a failure reason such as script_failure (the one used for ""), runner_system_failure,
// stuck_or_timeout_failure or job_execution_timeout.
func (j *Job) Fail(reason string) { j.act(func() { j.finish("failed", reason) }) }

// Cancel ends the job as canceled at once; [Pipeline.Cancel] passes through canceling.
func (j *Job) Cancel() { j.act(func() { j.enter("canceled") }) }

// Play lets a manual or delayed job go, as a person would with the play button.
func (j *Job) Play() {
	j.act(func() {
		if j.playable() {
			j.play(j.Pipeline.user)
		}
	})
}

// Retry runs a job again that has ended, as a person would with the retry button, and returns the new job; nil
// when the job cannot be retried. Skipped jobs of later stages wait again.
func (j *Job) Retry() *Job {
	j.Pipeline.lock()
	defer j.Pipeline.unlock()
	if !j.retryable() {
		return nil
	}
	j.Pipeline.processed = true
	fresh := j.retryOne(j.Pipeline.user)
	j.Pipeline.Project.s.changed()
	return fresh
}

// SetStatus gives the job any status, for states that nothing else here leads to, such as preparing. The
// pipeline's status follows; other jobs stay as they are.
func (j *Job) SetStatus(status string) {
	j.Pipeline.lock()
	defer j.Pipeline.unlock()
	j.enter(status)
	j.Pipeline.refresh()
	j.Pipeline.Project.s.changed()
}

// AppendLog adds text to the job's trace.
func (j *Job) AppendLog(text string) { j.act(func() { j.log += text }) }

func (j *Job) act(do func()) {
	j.Pipeline.lock()
	defer j.Pipeline.unlock()
	j.Pipeline.release()
	do()
	j.Pipeline.process()
	j.Pipeline.Project.s.changed()
}

// enter moves the job to a status and keeps the times that GitLab keeps.
func (j *Job) enter(status string) {
	s := j.Pipeline.Project.s
	now := s.now()
	j.status, j.entered = status, time.Now()
	switch {
	case status == "created":
		j.queuedAt, j.startedAt, j.finishedAt = time.Time{}, time.Time{}, time.Time{}
	case status == "pending":
		j.queuedAt = now
	case status == "running":
		if j.queuedAt.IsZero() {
			j.queuedAt = now
		}
		j.startedAt = now
		if j.Bridge && j.downstream == nil {
			j.startDownstream()
		}
	case completed(status) && status != "skipped":
		j.finishedAt = now
	}
	s.wake()
}

// finish ends the job; it runs first when it has not.
func (j *Job) finish(status, reason string) {
	if j.startedAt.IsZero() {
		j.enter("running")
		j.Pipeline.refresh() // which starts the pipeline's own clock
	}
	if status == "failed" && reason == "" {
		reason = "script_failure"
	}
	j.failureReason = reason
	j.enter(status)
}

func (j *Job) playable() bool { return j.status == "manual" || j.status == "scheduled" }

func (j *Job) play(u *User) {
	j.played = true
	j.user = u
	j.enter("pending")
}

// retryable: only the newest job of its name, and only when it has ended or is ending.
func (j *Job) retryable() bool {
	switch j.status {
	case "success", "failed", "canceled", "canceling":
		return !j.retried
	}
	return false
}

// cancel is what the cancel button does: a job that runs is canceling until its runner has let go of it.
func (j *Job) cancel() {
	switch {
	case j.status == "running" && !j.Bridge && j.Pipeline.Project.s.major() >= 17:
		j.enter("canceling")
	case cancelable(j.status):
		j.enter("canceled")
	}
}

// startDownstream creates the pipeline that a bridge is for. A bridge that does not depend on it is done then.
func (j *Job) startDownstream() {
	parent := j.Pipeline
	d := j.spec.Downstream
	order := pipelineOrder{project: d.Project, user: parent.user, ref: d.Ref, source: "pipeline", ci: d.CI, bridge: j}
	if d.Project == nil || d.Project == parent.Project {
		order.project, order.source = parent.Project, "parent_pipeline"
		if order.ref == "" {
			order.ref = fullRef(parent.Ref, parent.Tag)
		}
	}
	if order.ref == "" {
		order.ref = order.project.settings.DefaultBranch
	}
	created, refused := order.create()
	switch {
	case refused != nil:
		j.failureReason = "downstream_pipeline_creation_failed"
		j.enter("failed")
	case !d.Depend:
		j.downstream = created
		j.enter("success")
	default:
		j.downstream = created
	}
}

// follow lets a bridge with strategy: depend end as its downstream pipeline ended, or reopen with it.
func (j *Job) follow(status string) {
	if !j.spec.Downstream.Depend || j.status == status {
		return
	}
	switch {
	case status == "failed":
		j.finish("failed", "downstream_pipeline_failed")
	case completed(status):
		j.finish(status, "")
	case completed(j.status):
		j.enter("running")
	default:
		return
	}
	j.Pipeline.process()
}

func (j *Job) path() string { return fmt.Sprintf("/%s/-/jobs/%d", j.Pipeline.Project.Path, j.ID) }

func (j *Job) trace() string {
	if j.startedAt.IsZero() {
		return ""
	}
	text := j.spec.Log
	if text == "" {
		text = "Running " + j.Name + "\n"
	}
	text += j.log
	switch j.status {
	case "success":
		text += "Job succeeded\n"
	case "failed":
		text += "ERROR: Job failed: " + failureText(j.failureReason) + "\n"
	}
	return text
}

func fullRef(name string, tag bool) string {
	if tag {
		return "refs/tags/" + name
	}
	return "refs/heads/" + name
}
