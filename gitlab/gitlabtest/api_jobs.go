package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
)

// pipelineJobs: https://docs.gitlab.com/api/jobs/#list-pipeline-jobs, newest first, without bridges.
func (c *call) pipelineJobs() *reply {
	pl, bad := c.pipeline()
	if bad != nil {
		return bad
	}
	retried, bad := c.params.flag("include_retried")
	if bad != nil {
		return bad
	}
	var jobs []*Job
	for _, j := range pl.jobs {
		if !j.Bridge && (retried || !j.retried) {
			jobs = append(jobs, j)
		}
	}
	return c.jobPage(jobs)
}

// projectJobs: https://docs.gitlab.com/api/jobs/#list-project-jobs, newest first.
func (c *call) projectJobs() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	var jobs []*Job
	for _, pl := range c.project.pipelines {
		for _, j := range pl.jobs {
			if !j.Bridge {
				jobs = append(jobs, j)
			}
		}
	}
	return c.jobPage(jobs)
}

// scoped reads scope[] and leaves out the jobs of other statuses; newest first.
func (c *call) scoped(jobs []*Job) ([]*Job, *reply) {
	scope := c.params.list("scope")
	for _, status := range scope {
		if !slices.Contains(statuses(), status) {
			return nil, invalid("scope does not have a valid value")
		}
	}
	if len(scope) > 0 {
		jobs = slices.DeleteFunc(jobs, func(j *Job) bool { return !slices.Contains(scope, j.status) })
	}
	slices.SortFunc(jobs, func(a, b *Job) int { return b.ID - a.ID })
	return jobs, nil
}

// jobPage answers with an offset or keyset page of jobs.
func (c *call) jobPage(jobs []*Job) *reply {
	jobs, bad := c.scoped(jobs)
	if bad != nil {
		return bad
	}
	cut := func() (from, to int, header http.Header, bad *reply) { return c.offset(len(jobs)) }
	if c.params.text("pagination") == "keyset" {
		cut = func() (from, to int, header http.Header, bad *reply) { return c.jobKeyset(jobs) }
	}
	from, to, header, bad := cut()
	if bad != nil {
		return bad
	}
	list := []any{}
	for _, j := range jobs[from:to] {
		list = append(list, c.jobJSON(j))
	}
	return &reply{status: http.StatusOK, header: header, body: list}
}

// jobKeyset cuts a page out of jobs that come newest first; the cursor names the last job of the page before.
func (c *call) jobKeyset(jobs []*Job) (from, to int, header http.Header, bad *reply) {
	size, bad := c.perPage()
	if bad != nil {
		return 0, 0, nil, bad
	}
	if value := c.params.text("cursor"); value != "" {
		last, valid := readCursor(value)
		if !valid {
			return 0, 0, nil, invalid("cursor is invalid")
		}
		for from < len(jobs) && jobs[from].ID >= last {
			from++
		}
	}
	header = http.Header{}
	if to = min(from+size, len(jobs)); to < len(jobs) {
		header = c.next("cursor", cursor(jobs[to-1].ID))
	}
	return from, to, header, nil
}

// pipelineBridges: https://docs.gitlab.com/api/jobs/#list-pipeline-trigger-jobs.
func (c *call) pipelineBridges() *reply {
	pl, bad := c.pipeline()
	if bad != nil {
		return bad
	}
	var bridges []*Job
	for _, j := range pl.latest() {
		if j.Bridge {
			bridges = append(bridges, j)
		}
	}
	bridges, bad = c.scoped(bridges)
	if bad != nil {
		return bad
	}
	all := make([]any, len(bridges))
	for i, j := range bridges {
		all[i] = c.jobJSON(j)
	}
	return c.page(all)
}

// job finds the job of the path, for a user who may read it.
func (c *call) job() (*Job, *reply) {
	id, bad := c.number("job_id")
	if bad != nil {
		return nil, bad
	}
	if !c.project.canReadCode(c.user) {
		return nil, forbidden("")
	}
	j := c.s.jobs[id]
	if j == nil || j.Pipeline.Project != c.project {
		return nil, refuse(http.StatusNotFound, "404 Not found")
	}
	return j, nil
}

// actionable finds the job of the path, for a user who may play, retry and cancel it.
func (c *call) actionable() (*Job, *reply) {
	j, bad := c.job()
	if bad != nil {
		return nil, bad
	}
	if !c.project.canUpdateRef(c.user, j.Pipeline.Ref, j.Pipeline.Tag) {
		return nil, forbidden("")
	}
	return j, nil
}

// getJob: https://docs.gitlab.com/api/jobs/#get-a-single-job.
func (c *call) getJob() *reply {
	j, bad := c.job()
	if bad != nil {
		return bad
	}
	return ok(c.jobJSON(j))
}

// jobTrace: https://docs.gitlab.com/api/jobs/#get-a-log-file.
func (c *call) jobTrace() *reply {
	j, bad := c.job()
	if bad != nil {
		return bad
	}
	header := http.Header{}
	header.Set("Content-Type", "text/plain")
	header.Set("Content-Disposition", `infile; filename="`+itoa(j.ID)+`.log"`)
	return &reply{status: http.StatusOK, header: header, text: j.trace()}
}

// playJob: https://docs.gitlab.com/api/jobs/#run-a-job.
func (c *call) playJob() *reply {
	j, bad := c.actionable()
	if bad != nil {
		return bad
	}
	if !j.playable() {
		return refuse(http.StatusBadRequest, "400 Bad request - Unplayable Job")
	}
	j.play(c.user)
	j.Pipeline.process()
	c.s.changed()
	return ok(c.jobJSON(j))
}

// retryJob: https://docs.gitlab.com/api/jobs/#retry-a-job. The answer is the new job.
func (c *call) retryJob() *reply {
	j, bad := c.actionable()
	if bad != nil {
		return bad
	}
	if !j.retryable() {
		return forbidden("Job is not retryable")
	}
	fresh := j.retryOne(c.user)
	c.s.changed()
	return created(c.jobJSON(fresh))
}

// cancelJob: https://docs.gitlab.com/api/jobs/#cancel-a-job.
func (c *call) cancelJob() *reply {
	j, bad := c.actionable()
	if bad != nil {
		return bad
	}
	j.cancel()
	j.Pipeline.process()
	c.s.changed()
	return created(c.jobJSON(j))
}

func (c *call) jobJSON(j *Job) object {
	pl := j.Pipeline
	body := object{
		"id": j.ID, "name": j.Name, "stage": j.Stage, "status": j.status, "ref": pl.Ref, "tag": pl.Tag,
		"allow_failure": j.spec.AllowFailure, "coverage": nil, "commit": nil, "archived": false,
		"created_at": stamp(j.createdAt), "started_at": stamp(j.startedAt), "finished_at": stamp(j.finishedAt), "erased_at": nil,
		"duration": nil, "queued_duration": nil, "user": c.s.basicUser(j.user), "web_url": c.s.URL + j.path(),
		"project": object{"ci_job_token_scope_enabled": false},
	}
	if ref := pl.gitRef(); ref != nil {
		body["commit"] = pl.Project.commitJSON(ref)
	}
	if j.spec.Coverage > 0 && j.status == "success" {
		body["coverage"] = j.spec.Coverage
	}
	if j.status == "failed" {
		body["failure_reason"] = j.failureReason
	}
	if !j.startedAt.IsZero() {
		body["queued_duration"] = j.startedAt.Sub(j.queuedAt).Seconds()
		end := c.s.now()
		if !j.finishedAt.IsZero() {
			end = j.finishedAt
		}
		body["duration"] = end.Sub(j.startedAt).Seconds()
	}
	if j.Bridge {
		body["pipeline"], body["downstream_pipeline"] = pl.basicJSON(), nil
		if j.downstream != nil {
			body["downstream_pipeline"] = j.downstream.basicJSON()
		}
		return body
	}
	body["pipeline"] = object{"id": pl.ID, "iid": pl.IID, "project_id": pl.Project.ID, "ref": pl.Ref, "sha": pl.SHA, "status": pl.status}
	body["tag_list"], body["runner"], body["artifacts_expire_at"] = []string{}, nil, nil
	list := []any{}
	for _, a := range j.artifacts() {
		list = append(list, object{"file_type": a.kind, "size": a.size, "filename": a.name, "file_format": a.format})
		if a.kind == "archive" {
			body["artifacts_file"] = object{"filename": a.name, "size": a.size}
		}
	}
	body["artifacts"] = list
	return body
}

// gitRef is the ref of the pipeline while it still points to the pipeline's commit.
func (pl *Pipeline) gitRef() *gitRef {
	ref, _, _ := pl.Project.resolveRef(fullRef(pl.Ref, pl.Tag))
	if ref == nil || pl.Project.sha(ref) != pl.SHA {
		return nil
	}
	return ref
}

// An artifact is a file that a job left behind, https://docs.gitlab.com/ci/jobs/job_artifacts/.
type artifact struct {
	kind, name, format string
	size               int
}

// artifacts are there when the job has ended: the log, the archive with all files, and reports apart from it.
func (j *Job) artifacts() []artifact {
	if j.startedAt.IsZero() || j.finishedAt.IsZero() {
		return nil
	}
	var list []artifact
	if len(j.spec.Artifacts) > 0 {
		name := "artifacts.zip"
		for _, file := range j.spec.Artifacts {
			if strings.HasSuffix(file, ".zip") {
				name = file
			}
		}
		list = append(list, artifact{"archive", name, "zip", 1000}, artifact{"metadata", "metadata.gz", "gzip", 186})
	}
	for _, file := range j.spec.Artifacts {
		if strings.Contains(file, "junit") {
			list = append(list, artifact{"junit", file + ".gz", "gzip", 750})
		}
	}
	return append(list, artifact{"trace", "job.log", "raw", len(j.trace())})
}
