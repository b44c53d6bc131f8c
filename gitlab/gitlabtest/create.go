package gitlabtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A pipelineOrder is everything that the creation of a pipeline depends on.
type pipelineOrder struct {
	project   *Project
	user      *User
	ref       string
	source    string
	variables []Variable
	inputs    map[string]any
	exempt    int  // the last variables that do not count as set by the user
	ci        *CI  // of a child pipeline
	bridge    *Job // that ordered it
}

// A refusal is why GitLab did not create a pipeline. saved is set when it left a failed pipeline behind.
type refusal struct {
	message string
	saved   bool
}

// StartPipeline creates a pipeline as GitLab itself would, for a source such as push, web or schedule. The
// returned reason is GitLab's sentence when it would refuse, and the pipeline nil.
func (p *Project) StartPipeline(u *User, ref, source string, variables ...Variable) (pl *Pipeline, reason string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	pl, refused := pipelineOrder{project: p, user: u, ref: ref, source: source, variables: variables}.create()
	if refused != nil {
		return nil, refused.message
	}
	return pl, ""
}

// create goes through GitLab's checks in GitLab's order and creates the pipeline, its jobs waiting.
// The order and the sentences are those of lib/gitlab/ci/pipeline/chain in GitLab's source.
func (o pipelineOrder) create() (*Pipeline, *refusal) {
	p := o.project
	if len(o.variables) > o.exempt && o.bridge == nil && !p.canSetVariables(o.user) {
		return nil, &refusal{message: "Insufficient permissions to set pipeline variables"}
	}
	if repeated := o.repeatedVariable(); repeated != "" {
		return nil, &refusal{message: "Duplicate variable name: " + repeated}
	}
	if p.role(o.user) < Developer {
		return nil, &refusal{message: "Insufficient permissions to create a new pipeline"}
	}
	ref, tag, ambiguous := p.resolveRef(o.ref)
	if ref != nil && !p.canUpdateRef(o.user, ref.name, tag) {
		return nil, &refusal{message: fmt.Sprintf("You do not have sufficient permission to run a pipeline on '%s'. "+
			"Please select a different branch or contact your administrator for assistance. "+
			"<a href=https://docs.gitlab.com/ee/ci/pipelines/#pipeline-security-on-protected-branches>Learn more</a>", o.ref)}
	}
	if ref == nil {
		return nil, &refusal{message: "Reference not found"}
	}
	if ambiguous {
		return nil, &refusal{message: "Ref is ambiguous"}
	}
	sha := p.sha(ref)
	if p.tooMany(o.user, sha) {
		return nil, &refusal{message: "Too many pipelines created in the last minute. Try again later."}
	}
	ci := p.current()
	if o.ci != nil {
		ci = *o.ci
	}
	if ci.YAMLErrors != "" {
		if o.source != "api" { // POST /pipeline asks for nothing to be saved, the others do not
			o.save(ref, tag, sha, ci, nil, nil)
		}
		return nil, &refusal{message: ci.YAMLErrors, saved: o.source != "api"}
	}
	if message := o.resolveInputs(ci.Inputs); message != "" {
		return nil, &refusal{message: message}
	}
	if len(ci.Jobs) == 0 {
		return nil, &refusal{message: "No stages / jobs for this pipeline."}
	}
	event := Event{Source: o.source, Ref: ref.name, Tag: tag, Variables: map[string]string{}, Inputs: maps.Clone(o.inputs)}
	for _, v := range o.variables {
		event.Variables[v.Key] = v.Value
	}
	stages, jobs := ci.selected(event)
	if len(jobs) == 0 {
		return nil, &refusal{message: "Pipeline will not run for the selected trigger. " +
			"The rules configuration prevented any jobs from being added to the pipeline."}
	}
	return o.save(ref, tag, sha, ci, stages, jobs), nil
}

func (o pipelineOrder) save(ref *gitRef, tag bool, sha string, ci CI, stages []string, jobs []JobSpec) *Pipeline {
	p := o.project
	s := p.s
	now := s.now()
	p.lastIID++
	pl := &Pipeline{
		ID: s.nextID("pipeline"), IID: p.lastIID, Project: p, Ref: ref.name, Tag: tag, SHA: sha,
		Source: o.source, name: ci.Name, user: o.user, variables: slices.Clone(o.variables), inputs: o.inputs,
		yamlErrors: ci.YAMLErrors, stages: stages, upstream: o.bridge, status: "created",
		createdAt: now, updatedAt: now, entered: time.Now(),
	}
	p.pipelines = append(p.pipelines, pl)
	if o.ci == nil && p.nextCI != nil {
		p.setNextCI(nil)
	}
	s.pipelines[pl.ID] = pl
	s.active[pl] = true
	for _, spec := range jobs {
		pl.addJob(spec)
	}
	if pl.yamlErrors != "" {
		pl.refresh()
	}
	s.changed()
	s.wake()
	return pl
}

func (o pipelineOrder) repeatedVariable() string {
	seen := map[string]bool{}
	for _, v := range o.variables {
		if seen[v.Key] {
			return v.Key
		}
		seen[v.Key] = true
	}
	return ""
}

// tooMany applies the limit on pipeline creation per project, user and commit.
func (p *Project) tooMany(u *User, sha string) bool {
	if p.settings.PipelinesPerMinute <= 0 {
		return false
	}
	recent, since := 0, p.s.now().Add(-time.Minute)
	for _, pl := range p.pipelines {
		if pl.user == u && pl.SHA == sha && pl.createdAt.After(since) {
			recent++
		}
	}
	return recent >= p.settings.PipelinesPerMinute
}

// resolveInputs checks the given inputs against the definition and fills in the defaults. It returns GitLab's
// sentence for the first fault. https://docs.gitlab.com/ci/inputs/#input-validation
func (o *pipelineOrder) resolveInputs(spec []Input) string {
	given := o.inputs
	o.inputs = map[string]any{}
	for _, in := range spec {
		value, ok := given[in.Name]
		if !ok {
			value = in.Default
		}
		if value == nil {
			return fmt.Sprintf("%#q input: required value has not been provided", in.Name)
		}
		if fault := in.check(value); fault != "" {
			return fmt.Sprintf("%#q input: %s", in.Name, fault)
		}
		o.inputs[in.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := o.inputs[name]; !ok {
			return "unknown input arguments: " + name
		}
	}
	return ""
}

func (in Input) check(value any) string {
	ok := false
	switch in.Type {
	case "number":
		ok = isNumber(value)
	case "boolean":
		_, ok = value.(bool)
	case "array":
		_, ok = value.([]any)
	default:
		_, ok = value.(string)
	}
	if !ok {
		return "provided value is not a " + in.kind()
	}
	if len(in.Options) > 0 && !slices.ContainsFunc(in.Options, func(o any) bool { return fmt.Sprint(o) == fmt.Sprint(value) }) {
		return fmt.Sprintf("`%v` cannot be used because it is not in the list of allowed options", value)
	}
	if in.Regex != "" {
		if re, err := regexp.Compile(in.Regex); err != nil || !re.MatchString(fmt.Sprint(value)) {
			return "provided value does not match required RegEx pattern"
		}
	}
	return ""
}

func (in Input) kind() string {
	if in.Type == "" {
		return "string"
	}
	return strings.ToLower(in.Type)
}

func isNumber(value any) bool {
	switch value.(type) {
	case int, int64, float64:
		return true
	}
	return false
}
