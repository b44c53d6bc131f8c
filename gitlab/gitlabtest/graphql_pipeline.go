package gitlabtest

import (
	"fmt"
	"slices"
)

// pipelineType: https://docs.gitlab.com/api/graphql/reference/#pipeline.
func pipelineType() objectType {
	return objectType{
		"id":             get("CiPipelineID", func(_ *call, pl *Pipeline) any { return fmt.Sprintf("gid://gitlab/Ci::Pipeline/%d", pl.ID) }),
		"iid":            get("String", func(_ *call, pl *Pipeline) any { return itoa(pl.IID) }),
		"name":           get("String", func(_ *call, pl *Pipeline) any { return orNull(pl.name) }),
		"status":         get("PipelineStatusEnum", func(_ *call, pl *Pipeline) any { return upper(pl.status) }),
		"detailedStatus": get("DetailedStatus", func(_ *call, pl *Pipeline) any { return pl.detail() }),
		"sha":            get("String", func(_ *call, pl *Pipeline) any { return pl.SHA }),
		"ref":            get("String", func(_ *call, pl *Pipeline) any { return pl.Ref }),
		"refPath":        get("String", func(_ *call, pl *Pipeline) any { return fullRef(pl.Ref, pl.Tag) }),
		"source":         get("String", func(_ *call, pl *Pipeline) any { return pl.Source }),
		"path":           get("String", func(_ *call, pl *Pipeline) any { return pl.path() }),
		"createdAt":      get("Time", func(_ *call, pl *Pipeline) any { return instant(pl.createdAt) }),
		"updatedAt":      get("Time", func(_ *call, pl *Pipeline) any { return instant(pl.updatedAt) }),
		"startedAt":      get("Time", func(_ *call, pl *Pipeline) any { return instant(pl.startedAt) }),
		"finishedAt":     get("Time", func(_ *call, pl *Pipeline) any { return instant(pl.finishedAt) }),
		"duration": get("Int", func(_ *call, pl *Pipeline) any {
			return seconds(pl.duration(), !pl.startedAt.IsZero() && !pl.finishedAt.IsZero())
		}),
		"queuedDuration": get("Duration", func(_ *call, pl *Pipeline) any {
			if pl.startedAt.IsZero() {
				return nil
			}
			return pl.startedAt.Sub(pl.createdAt).Seconds()
		}),
		"coverage":   get("Float", func(_ *call, pl *Pipeline) any { return orNull(pl.coverage()) }),
		"yamlErrors": get("Boolean", func(_ *call, pl *Pipeline) any { return pl.yamlErrors != "" }),
		"warnings":   get("Boolean", func(_ *call, pl *Pipeline) any { return pl.warnings() }),
		"complete":   get("Boolean", func(_ *call, pl *Pipeline) any { return completed(pl.status) }),
		"active": get("Boolean", func(_ *call, pl *Pipeline) any {
			return slices.Contains([]string{"waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running"}, pl.status)
		}),
		"cancelable": get("Boolean", func(_ *call, pl *Pipeline) any { return pl.cancelable() }),
		"retryable":  get("Boolean", func(_ *call, pl *Pipeline) any { return pl.retryable() }),
		"user":       get("UserCore", func(_ *call, pl *Pipeline) any { return pl.user }),
		"project":    get("Project", func(_ *call, pl *Pipeline) any { return pl.Project }),
		"stages": {typ: "CiStage", connection: true, resolve: func(_ *call, on any, _ arguments) any {
			pl, _ := on.(*Pipeline)
			stages := make([]any, len(pl.stages))
			for i, name := range pl.stages {
				stages[i] = stage{pl, i, name}
			}
			return stages
		}},
		"jobs": field{typ: "CiJob", connection: true}.with("statuses: [CiJobStatus!], retried: Boolean, jobKind: CiJobKind", pipelineJobNodes),
		"downstream": {typ: "Pipeline", connection: true, resolve: func(_ *call, on any, _ arguments) any {
			pl, _ := on.(*Pipeline)
			found := []any{}
			for _, j := range pl.jobs {
				if j.downstream != nil && !j.downstream.deleted {
					found = append(found, j.downstream)
				}
			}
			return found
		}},
	}
}

// pipelineJobNodes are the jobs and bridges, newest first. Retried ones are among them unless retried is false.
func pipelineJobNodes(_ *call, on any, args arguments) any {
	pl, _ := on.(*Pipeline)
	wanted := args.list("statuses")
	retried, filtered := args["retried"].(bool)
	kind := args.text("jobKind")
	found := []any{}
	for _, j := range slices.Backward(pl.jobs) {
		if (len(wanted) == 0 || slices.Contains(wanted, upper(j.status))) &&
			(!filtered || j.retried == retried) && (kind == "" || kind == j.kind()) {
			found = append(found, j)
		}
	}
	return found
}

type stage struct {
	pipeline *Pipeline
	index    int
	name     string
}

// stageType: https://docs.gitlab.com/api/graphql/reference/#cistage.
func stageType() objectType {
	return objectType{
		"id": get("CiStageID", func(_ *call, s stage) any {
			return fmt.Sprintf("gid://gitlab/Ci::Stage/%d%03d", s.pipeline.ID, s.index)
		}),
		"name":   get("String", func(_ *call, s stage) any { return s.name }),
		"status": get("String", func(_ *call, s stage) any { return composite(s.pipeline.states(s.name)) }),
		"detailedStatus": get("DetailedStatus", func(_ *call, s stage) any {
			return plainDetail(composite(s.pipeline.states(s.name)))
		}),
		"jobs": {typ: "CiJob", connection: true, resolve: func(_ *call, on any, _ arguments) any {
			s, _ := on.(stage)
			found := []any{}
			for _, j := range s.pipeline.latest() {
				if j.Stage == s.name {
					found = append(found, j)
				}
			}
			return found
		}},
	}
}

// kind is how GraphQL calls a job or bridge.
func (j *Job) kind() string {
	if j.Bridge {
		return "BRIDGE"
	}
	return "BUILD"
}

// jobType: https://docs.gitlab.com/api/graphql/reference/#cijob.
func jobType() objectType {
	return objectType{
		"id": get("JobID", func(_ *call, j *Job) any {
			model := "Build"
			if j.Bridge {
				model = "Bridge"
			}
			return fmt.Sprintf("gid://gitlab/Ci::%s/%d", model, j.ID)
		}),
		"name":           get("String", func(_ *call, j *Job) any { return j.Name }),
		"status":         get("CiJobStatus", func(_ *call, j *Job) any { return upper(j.status) }),
		"detailedStatus": get("DetailedStatus", func(_ *call, j *Job) any { return jobDetail(j) }),
		"kind":           get("CiJobKind", func(_ *call, j *Job) any { return j.kind() }),
		"allowFailure":   get("Boolean", func(_ *call, j *Job) any { return j.spec.AllowFailure }),
		"retried":        get("Boolean", func(_ *call, j *Job) any { return j.retried }),
		"manualJob":      get("Boolean", func(_ *call, j *Job) any { return j.spec.Manual }),
		"playable":       get("Boolean", func(_ *call, j *Job) any { return j.playable() }),
		"retryable":      get("Boolean", func(_ *call, j *Job) any { return j.retryable() }),
		"cancelable":     get("Boolean", func(_ *call, j *Job) any { return cancelable(j.status) }),
		"createdAt":      get("Time", func(_ *call, j *Job) any { return instant(j.createdAt) }),
		"queuedAt":       get("Time", func(_ *call, j *Job) any { return instant(j.queuedAt) }),
		"startedAt":      get("Time", func(_ *call, j *Job) any { return instant(j.startedAt) }),
		"finishedAt":     get("Time", func(_ *call, j *Job) any { return instant(j.finishedAt) }),
		"duration": get("Int", func(_ *call, j *Job) any {
			return seconds(j.finishedAt.Sub(j.startedAt), !j.startedAt.IsZero() && !j.finishedAt.IsZero())
		}),
		"failureMessage": get("String", func(_ *call, j *Job) any {
			if j.status != "failed" {
				return nil
			}
			return failureText(j.failureReason)
		}),
		"webPath": get("String", func(_ *call, j *Job) any {
			if j.Bridge {
				return nil
			}
			return j.path()
		}),
		"stage": get("CiStage", func(_ *call, j *Job) any {
			return stage{j.Pipeline, slices.Index(j.Pipeline.stages, j.Stage), j.Stage}
		}),
		"pipeline": get("Pipeline", func(_ *call, j *Job) any { return j.Pipeline }),
		"downstreamPipeline": get("Pipeline", func(_ *call, j *Job) any {
			if j.downstream == nil {
				return nil
			}
			return j.downstream
		}),
		"artifacts": {typ: "CiJobArtifact", connection: true, resolve: func(_ *call, on any, _ arguments) any {
			j, _ := on.(*Job)
			found := []any{}
			for _, a := range j.artifacts() {
				found = append(found, artifactOf{a, j})
			}
			return found
		}},
	}
}

type artifactOf struct {
	artifact
	job *Job
}

// artifactType: https://docs.gitlab.com/api/graphql/reference/#cijobartifact.
func artifactType() objectType {
	return objectType{
		"name":     get("String", func(_ *call, a artifactOf) any { return a.name }),
		"fileType": get("JobArtifactFileType", func(_ *call, a artifactOf) any { return upper(a.kind) }),
		"size":     get("BigInt", func(_ *call, a artifactOf) any { return itoa(a.size) }),
		"downloadPath": get("String", func(_ *call, a artifactOf) any {
			return a.job.path() + "/artifacts/download?file_type=" + a.kind
		}),
	}
}
