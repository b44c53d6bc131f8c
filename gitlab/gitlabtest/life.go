package gitlabtest

import (
	"slices"
	"time"
)

// Start lets the pipeline go and runs every job that waits for a runner: the pipeline is running then, unless
// its first jobs wait for a person.
func (pl *Pipeline) Start() {
	pl.act(func() {
		for _, j := range pl.latest() {
			if j.status == "pending" {
				j.enter("running")
			}
		}
	})
}

// Enqueue lets the pipeline go without a runner: its first jobs are pending.
func (pl *Pipeline) Enqueue() { pl.act(func() {}) }

// Finish takes the pipeline to an end without waiting: "success" runs every job, manual ones that block it too;
// "failed" fails the next job that is to run; "canceled" cancels what is left, past canceling; "skipped" skips
// what is left. Any other status is pinned, as by [Pipeline.SetStatus].
func (pl *Pipeline) Finish(status string) {
	if !completed(status) {
		pl.SetStatus(status)
		return
	}
	pl.act(func() {
		pl.pinned = ""
		for range len(pl.jobs) + 1 {
			if !pl.finishNext(status) {
				return
			}
			pl.process()
		}
	})
}

// finishNext ends the jobs that are due in one stage and tells whether there were any.
func (pl *Pipeline) finishNext(status string) bool {
	moved := false
	for _, j := range pl.latest() {
		if completed(j.status) || (status == "failed" && moved) {
			continue
		}
		switch status {
		case "success", "failed":
			if j.status == "created" || (j.status == "manual" && j.spec.AllowFailure) {
				continue
			}
			j.finish(status, "")
		default:
			j.enter(status)
		}
		moved = true
	}
	return moved
}

// Cancel cancels the pipeline as a person would: what waits is canceled, what runs is canceling until
// [Pipeline.Finish]("canceled"), [Job.Cancel] or automatic mode ends it.
func (pl *Pipeline) Cancel() { pl.act(pl.cancel) }

// Retry runs the failed and canceled jobs again, as the retry button would.
func (pl *Pipeline) Retry() { pl.act(func() { pl.retry(pl.user) }) }

// SetStatus pins the pipeline's status whatever its jobs say, for states that nothing else here leads to, such
// as a status which a client does not know yet or a pipeline that hangs. An empty status lets go of it.
func (pl *Pipeline) SetStatus(status string) { pl.act(func() { pl.pinned = status }) }

// Delete removes the pipeline; clients get 404 for it from now on.
func (pl *Pipeline) Delete() {
	pl.lock()
	defer pl.unlock()
	pl.remove()
}

func (pl *Pipeline) act(do func()) {
	pl.lock()
	defer pl.unlock()
	pl.release()
	do()
	pl.process()
	pl.Project.s.changed()
}

// release lets the jobs without predecessors go, which GitLab does in the background after the pipeline is
// created.
func (pl *Pipeline) release() {
	pl.processed = true
	pl.process()
}

// process moves created jobs whose earlier stages are complete, until nothing moves, and refreshes the status.
func (pl *Pipeline) process() {
	if pl.deleted {
		return
	}
	for moved := pl.processed; moved; {
		moved = false
		for i, stage := range pl.stages {
			before := composite(pl.states(pl.stages[:i]...))
			if before == "" {
				before = "success"
			}
			if !completed(before) {
				break
			}
			for _, j := range pl.latest() {
				if j.Stage == stage && j.status == "created" {
					j.decide(before)
					moved = true
				}
			}
		}
	}
	pl.refresh()
}

// decide moves a created job on, given the composite status of all earlier stages.
func (j *Job) decide(before string) {
	passed := before == "success" || before == "skipped"
	switch j.spec.When {
	case "always":
		passed = true
	case "on_failure":
		passed = before == "failed"
	}
	switch {
	case !passed:
		j.enter("skipped")
	case j.spec.Manual && !j.played:
		j.enter("manual")
	case j.spec.Delayed > 0 && !j.played:
		j.enter("scheduled")
	case j.Bridge:
		j.enter("running")
	default:
		j.enter("pending")
	}
}

// refresh computes the pipeline's status from its jobs. Only a change of it moves updated_at.
func (pl *Pipeline) refresh() {
	status := composite(pl.states(pl.stages...))
	switch {
	case pl.pinned != "":
		status = pl.pinned
	case pl.yamlErrors != "":
		status = "failed"
	case status == "":
		status = "skipped"
	}
	if status == pl.status {
		return
	}
	s := pl.Project.s
	now := s.now()
	pl.status, pl.updatedAt, pl.entered = status, now, time.Now()
	if status == "running" && pl.startedAt.IsZero() {
		pl.startedAt = now
	}
	if completed(status) && status != "skipped" {
		pl.finishedAt = now
	}
	if completed(status) {
		delete(s.active, pl)
	} else {
		s.active[pl] = true
	}
	s.changed()
	s.wake()
	if pl.upstream != nil && pl.upstream.downstream == pl {
		pl.upstream.follow(status)
	}
}

func (pl *Pipeline) cancel() {
	pl.processed = true
	for _, j := range pl.latest() {
		j.cancel()
		if d := j.downstream; d != nil && d.Source == "parent_pipeline" && !completed(d.status) {
			d.cancel()
		}
	}
	pl.process()
}

func (pl *Pipeline) cancelable() bool {
	return slices.ContainsFunc(pl.latest(), func(j *Job) bool { return cancelable(j.status) })
}

func (pl *Pipeline) retryable() bool {
	return slices.ContainsFunc(pl.latest(), func(j *Job) bool {
		return j.retryable() && (j.status == "failed" || j.status == "canceled")
	})
}

// retry makes new jobs for the failed and canceled ones and lets the skipped ones wait again.
func (pl *Pipeline) retry(u *User) {
	pl.processed = true
	for _, j := range pl.latest() {
		switch j.status {
		case "failed", "canceled":
			j.again(u)
		case "skipped":
			j.enter("created")
		}
	}
	pl.process()
}

// retryOne makes a new job for one that ended; skipped jobs of later stages wait again.
func (j *Job) retryOne(u *User) *Job {
	fresh := j.again(u)
	pl := j.Pipeline
	after := false
	for _, stage := range pl.stages {
		for _, other := range pl.latest() {
			if after && other.Stage == stage && other.status == "skipped" {
				other.enter("created")
			}
		}
		after = after || stage == j.Stage
	}
	pl.process()
	return fresh
}

// again adds a copy of the job, waiting to be processed; the old one counts as retried.
func (j *Job) again(u *User) *Job {
	fresh := j.Pipeline.addJob(j.spec)
	fresh.user, fresh.played = u, true
	j.retried = true
	return fresh
}

func (pl *Pipeline) addJob(spec JobSpec) *Job {
	s := pl.Project.s
	j := &Job{
		ID: s.nextID("job"), Name: spec.Name, Stage: spec.Stage, Pipeline: pl, Bridge: spec.Downstream != nil,
		spec: spec, user: pl.user, createdAt: s.now(),
	}
	j.enter("created")
	pl.jobs = append(pl.jobs, j)
	s.jobs[j.ID] = j
	return j
}

func (pl *Pipeline) remove() {
	s := pl.Project.s
	pl.deleted = true
	pl.Project.pipelines = slices.DeleteFunc(pl.Project.pipelines, func(other *Pipeline) bool { return other == pl })
	delete(s.pipelines, pl.ID)
	delete(s.active, pl)
	for _, j := range pl.jobs {
		delete(s.jobs, j.ID)
	}
	s.changed()
}
