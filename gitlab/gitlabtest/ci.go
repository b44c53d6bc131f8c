package gitlabtest

import (
	"slices"
	"time"
)

// CI is what a project's .gitlab-ci.yml would say, https://docs.gitlab.com/ci/yaml/. It applies to the pipelines
// that are created after [Project.SetCI].
type CI struct {
	Name   string // workflow:name
	Stages []string
	Jobs   []JobSpec

	// YAMLErrors, when set, is why the file is invalid: pipelines are refused with it, and a trigger leaves a
	// failed pipeline without jobs behind.
	YAMLErrors string

	// Rules is workflow:rules; false means that no pipeline is created. nil lets all through. This and the
	// rules of jobs must not call methods of the server.
	Rules func(Event) bool

	Variables []ConfigVariable // global variables that have a description
	Inputs    []Input          // spec:inputs
}

// An Event is what rules look at.
type Event struct {
	Source    string // CI_PIPELINE_SOURCE: trigger, api, web, push, ...
	Ref       string
	Tag       bool
	Variables map[string]string
	Inputs    map[string]any
}

// A JobSpec is one job of a pipeline definition.
type JobSpec struct {
	Name          string
	Stage         string
	Duration      time.Duration // how long it runs in automatic mode
	Outcome       string        // success (the default) or failed, in automatic mode
	FailureReason string        // script_failure when empty; https://docs.gitlab.com/api/jobs/ failure_reason
	AllowFailure  bool
	Manual        bool          // when: manual; without AllowFailure it blocks the pipeline
	Delayed       time.Duration // when: delayed, start_in
	When          string        // on_success (the default), on_failure or always
	Artifacts     []string      // file names; "junit.xml" makes a report of that type
	Coverage      float64       // percent; 0 is none
	Log           string        // the trace; a line with the job's name when empty
	Rules         func(Event) bool
	Downstream    *Downstream // makes the job a bridge
}

// Downstream is the trigger keyword of a bridge, https://docs.gitlab.com/ci/pipelines/downstream_pipelines/.
type Downstream struct {
	Project *Project // nil: a child pipeline in the same project
	Ref     string   // empty: the parent's ref for a child, else the default branch
	CI      *CI      // the child's definition; nil: the downstream project's own
	Depend  bool     // strategy: depend, the bridge ends as its downstream pipeline does
}

// A ConfigVariable is a variable with a description, which GitLab shows in the form of a new pipeline.
// https://docs.gitlab.com/ci/pipelines/#prefill-variables-in-manual-pipelines
type ConfigVariable struct {
	Key         string
	Value       string
	Description string
	Options     []string
}

// An Input is one entry of spec:inputs, https://docs.gitlab.com/ci/inputs/.
type Input struct {
	Name        string
	Type        string // string (the default), number, boolean or array
	Description string
	Default     any // nil makes it required
	Options     []any
	Regex       string
}

// A Variable is a pipeline variable.
type Variable struct {
	Key   string
	Value string
	Type  string // env_var or file
}

// SetCI replaces the project's pipeline definition for pipelines that are created from now on.
func (p *Project) SetCI(ci CI) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.ci = ci
	clear(p.forms)
	p.s.changed()
}

// SetNextCI is SetCI for the next pipeline only. The returned function takes the definition back if no pipeline
// has been created with it.
func (p *Project) SetNextCI(ci CI) (end func()) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	next := &ci
	p.setNextCI(next)
	return func() {
		p.s.mu.Lock()
		defer p.s.mu.Unlock()
		if p.nextCI == next {
			p.setNextCI(nil)
		}
	}
}

func (p *Project) setNextCI(ci *CI) {
	p.nextCI = ci
	clear(p.forms)
	p.s.changed()
}

// HasNextCI tells whether a definition of [Project.SetNextCI] waits for its pipeline.
func (p *Project) HasNextCI() bool {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.nextCI != nil
}

// current is the definition that the next pipeline gets.
func (p *Project) current() CI {
	if p.nextCI != nil {
		return *p.nextCI
	}
	return p.ci
}

// CI returns the project's pipeline definition.
func (p *Project) CI() CI {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.ci
}

// selected returns the jobs whose rules let them into a pipeline, with the stages that have any.
func (ci CI) selected(e Event) (stages []string, jobs []JobSpec) {
	if ci.Rules != nil && !ci.Rules(e) {
		return nil, nil
	}
	names := slices.Clone(ci.Stages)
	for _, j := range ci.Jobs {
		if !slices.Contains(names, j.Stage) {
			names = append(names, j.Stage)
		}
	}
	for _, stage := range names {
		before := len(jobs)
		for _, j := range ci.Jobs {
			if j.Stage == stage && (j.Rules == nil || j.Rules(e)) {
				jobs = append(jobs, j)
			}
		}
		if len(jobs) > before {
			stages = append(stages, stage)
		}
	}
	return stages, jobs
}
