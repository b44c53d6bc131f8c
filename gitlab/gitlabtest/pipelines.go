package gitlabtest

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Pipeline is one run of a project's CI/CD, https://docs.gitlab.com/api/pipelines/.
type Pipeline struct {
	ID      int // unique in the instance
	IID     int // counted in the project
	Project *Project
	Ref     string // short
	Tag     bool
	SHA     string
	Source  string // trigger, api, web, push, parent_pipeline, pipeline

	name       string
	user       *User
	variables  []Variable
	inputs     map[string]any
	yamlErrors string
	report     TestReport
	stages     []string
	jobs       []*Job // retried ones too, by id
	upstream   *Job   // the bridge that started it

	status    string
	pinned    string
	processed bool // the jobs without predecessors were let go
	deleted   bool

	createdAt, updatedAt, startedAt, finishedAt time.Time
	entered                                     time.Time // wall clock, for automatic mode
}

// Status is the pipeline's status, verbatim.
func (pl *Pipeline) Status() string {
	pl.lock()
	defer pl.unlock()
	return pl.status
}

// DetailedStatus is the label of the status as GitLab shows it, such as "passed with warnings".
func (pl *Pipeline) DetailedStatus() string {
	pl.lock()
	defer pl.unlock()
	return pl.detail().Label
}

// Name is what workflow:name or a client called the pipeline, "" when nothing did.
func (pl *Pipeline) Name() string {
	pl.lock()
	defer pl.unlock()
	return pl.name
}

// CreatedAt is when the pipeline was created.
func (pl *Pipeline) CreatedAt() time.Time { return pl.createdAt }

// Duration is how long the pipeline took, as GitLab counts it: while at least one job ran, waiting left out. It is not
// known before the pipeline has ended.
func (pl *Pipeline) Duration() (took time.Duration, known bool) {
	pl.lock()
	defer pl.unlock()
	if pl.startedAt.IsZero() || pl.finishedAt.IsZero() {
		return 0, false
	}
	return pl.duration(), true
}

// UpdatedAt is when the pipeline's own status last changed.
func (pl *Pipeline) UpdatedAt() time.Time {
	pl.lock()
	defer pl.unlock()
	return pl.updatedAt
}

// User is the person who started the pipeline; for a trigger, the owner of the trigger token.
func (pl *Pipeline) User() *User { return pl.user }

// Variables returns the pipeline variables, with the TRIGGER_PAYLOAD that the trigger API adds.
func (pl *Pipeline) Variables() []Variable {
	pl.lock()
	defer pl.unlock()
	return slices.Clone(pl.variables)
}

// Variable returns the value of a pipeline variable, and whether there is one.
func (pl *Pipeline) Variable(key string) (value string, ok bool) {
	for _, v := range pl.Variables() {
		if v.Key == key {
			return v.Value, true
		}
	}
	return "", false
}

// Inputs returns the inputs with which the pipeline was started, defaults included.
func (pl *Pipeline) Inputs() map[string]any {
	pl.lock()
	defer pl.unlock()
	return maps.Clone(pl.inputs)
}

// WebURL is the pipeline's page.
func (pl *Pipeline) WebURL() string { return pl.Project.s.URL + pl.path() }

// Deleted tells whether the pipeline was deleted, by a client or by [Pipeline.Delete].
func (pl *Pipeline) Deleted() bool {
	pl.lock()
	defer pl.unlock()
	return pl.deleted
}

// Stages returns the names of the stages that have jobs, in order.
func (pl *Pipeline) Stages() []string { return slices.Clone(pl.stages) }

// StageStatus is the status of a stage, which follows from those of its jobs; "" when it has none.
func (pl *Pipeline) StageStatus(stage string) string {
	pl.lock()
	defer pl.unlock()
	return composite(pl.states(stage))
}

// Jobs returns the jobs and bridges that were not retried, in the order of their stages.
func (pl *Pipeline) Jobs() []*Job {
	pl.lock()
	defer pl.unlock()
	return pl.latest()
}

// Job returns the newest job of that name, nil when there is none.
func (pl *Pipeline) Job(name string) *Job {
	for _, j := range pl.Jobs() {
		if j.Name == name {
			return j
		}
	}
	return nil
}

// JobByID returns the job of that id, one that was retried too; nil when the pipeline has none.
func (pl *Pipeline) JobByID(id int) *Job {
	pl.lock()
	defer pl.unlock()
	if i := slices.IndexFunc(pl.jobs, func(j *Job) bool { return j.ID == id }); i >= 0 {
		return pl.jobs[i]
	}
	return nil
}

// Downstream returns the pipelines that the bridges of this one started.
func (pl *Pipeline) Downstream() []*Pipeline {
	pl.lock()
	defer pl.unlock()
	var found []*Pipeline
	for _, j := range pl.jobs {
		if j.downstream != nil {
			found = append(found, j.downstream)
		}
	}
	return found
}

func (pl *Pipeline) lock()   { pl.Project.s.mu.Lock() }
func (pl *Pipeline) unlock() { pl.Project.s.mu.Unlock() }

func (pl *Pipeline) path() string {
	return fmt.Sprintf("/%s/-/pipelines/%d", pl.Project.Path, pl.ID)
}

// latest returns the jobs that were not retried, stage by stage, by id within a stage.
func (pl *Pipeline) latest() []*Job {
	var jobs []*Job
	for _, stage := range pl.stages {
		for _, j := range pl.jobs {
			if j.Stage == stage && !j.retried {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs
}

// stage returns the states of the jobs of some stages.
func (pl *Pipeline) states(stages ...string) []jobState {
	var states []jobState
	for _, j := range pl.latest() {
		if slices.Contains(stages, j.Stage) {
			states = append(states, jobState{j.status, j.spec.AllowFailure})
		}
	}
	return states
}

func (pl *Pipeline) warnings() bool {
	return slices.ContainsFunc(pl.latest(), func(j *Job) bool {
		return j.spec.AllowFailure && (j.status == "failed" || j.status == "canceled")
	})
}

func (pl *Pipeline) detail() detailedStatus { return pipelineDetail(pl.status, pl.warnings()) }

// coverage is the mean of the jobs' coverage, "" when none has any.
func (pl *Pipeline) coverage() string {
	sum, n := 0.0, 0
	for _, j := range pl.latest() {
		if j.spec.Coverage > 0 && j.status == "success" {
			sum += j.spec.Coverage
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", sum/float64(n))
}

// duration is the time during which at least one job ran, in seconds; overlapping jobs count once.
func (pl *Pipeline) duration() time.Duration {
	type span struct{ from, to time.Time }
	var spans []span
	for _, j := range pl.latest() {
		if !j.startedAt.IsZero() && !j.finishedAt.IsZero() {
			spans = append(spans, span{j.startedAt, j.finishedAt})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var total time.Duration
	var end time.Time
	for _, s := range spans {
		if s.from.Before(end) {
			s.from = end
		}
		if s.to.After(s.from) {
			total += s.to.Sub(s.from)
			end = s.to
		}
	}
	return total
}
