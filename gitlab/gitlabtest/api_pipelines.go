package gitlabtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// pipelineSources lists the values of CI_PIPELINE_SOURCE that the list endpoint knows.
func pipelineSources() []string {
	return []string{
		"unknown", "push", "web", "trigger", "schedule", "api", "external", "pipeline", "chat", "webide",
		"merge_request_event", "external_pull_request_event", "parent_pipeline", "ondemand_dast_scan",
		"ondemand_dast_validation", "security_orchestration_policy", "container_registry_push", "duo_workflow",
		"pipeline_execution_policy_schedule",
	}
}

// listPipelines: https://docs.gitlab.com/api/pipelines/#list-project-pipelines.
func (c *call) listPipelines() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	filter, bad := c.pipelineFilter()
	if bad != nil {
		return bad
	}
	by, bad := c.params.oneOf("order_by", "id", "id", "status", "ref", "updated_at", "user_id")
	if bad != nil {
		return bad
	}
	direction, bad := c.params.oneOf("sort", "desc", "asc", "desc")
	if bad != nil {
		return bad
	}
	if c.params.text("pagination") == "keyset" {
		c.violate("asked for keyset pagination, which the pipelines list does not have")
	}
	var found []*Pipeline
	for _, pl := range c.project.pipelines {
		if filter(pl) {
			found = append(found, pl)
		}
	}
	sortPipelines(found, by, direction)
	from, to, header, bad := c.offset(len(found))
	if bad != nil {
		return bad
	}
	list := []any{}
	for _, pl := range found[from:to] {
		body := pl.basicJSON()
		body["name"] = orNull(pl.name)
		list = append(list, body)
	}
	return &reply{status: http.StatusOK, header: header, body: list}
}

func sortPipelines(found []*Pipeline, by, direction string) {
	slices.SortFunc(found, func(a, b *Pipeline) int {
		if direction == "desc" {
			a, b = b, a
		}
		order := 0
		switch by {
		case "status":
			order = strings.Compare(a.status, b.status)
		case "ref":
			order = strings.Compare(a.Ref, b.Ref)
		case "updated_at":
			order = a.updatedAt.Compare(b.updatedAt)
		case "user_id":
			order = cmp.Compare(a.user.ID, b.user.ID)
		}
		return cmp.Or(order, cmp.Compare(a.ID, b.ID))
	})
}

// pipelineFilter reads the filters of the list; all that are given must hold.
func (c *call) pipelineFilter() (func(*Pipeline) bool, *reply) {
	scope, bad := c.params.oneOf("scope", "", "running", "pending", "finished", "branches", "tags")
	if bad != nil {
		return nil, bad
	}
	status, bad := c.params.oneOf("status", "", statuses()...)
	if bad != nil {
		return nil, bad
	}
	source, bad := c.params.oneOf("source", "", pipelineSources()...)
	if bad != nil {
		return nil, bad
	}
	faulty, bad := c.params.flag("yaml_errors")
	if bad != nil {
		return nil, bad
	}
	inTime, bad := c.timeFilter()
	if bad != nil {
		return nil, bad
	}
	newest := c.project.newestOfRefs(scope)
	p := c.params
	return func(pl *Pipeline) bool {
		return inScope(pl, scope, newest) &&
			(status == "" || pl.status == status) &&
			(source == pl.Source || source == "" && pl.Source != "parent_pipeline") &&
			(!p.has("ref") || pl.Ref == p.text("ref")) &&
			(!p.has("sha") || pl.SHA == p.text("sha")) &&
			(!p.has("name") || pl.name == p.text("name")) &&
			(!p.has("username") || pl.user.Username == p.text("username")) &&
			(!p.has("yaml_errors") || faulty == (pl.yamlErrors != "")) &&
			inTime(pl)
	}, nil
}

// timeFilter reads the filters by time, all of which include their bound.
func (c *call) timeFilter() (func(*Pipeline) bool, *reply) {
	var bounds [4]time.Time
	for i, key := range []string{"updated_after", "updated_before", "created_after", "created_before"} {
		at, bad := c.params.moment(key)
		if bad != nil {
			return nil, bad
		}
		bounds[i] = at
	}
	within := func(at, after, before time.Time) bool {
		return !at.Before(after) && (before.IsZero() || !at.After(before))
	}
	return func(pl *Pipeline) bool {
		return within(pl.updatedAt, bounds[0], bounds[1]) && within(pl.createdAt, bounds[2], bounds[3])
	}, nil
}

func inScope(pl *Pipeline, scope string, newest map[string]int) bool {
	switch scope {
	case "running", "pending":
		return pl.status == scope
	case "finished":
		return pl.status == "success" || pl.status == "failed" || pl.status == "canceled"
	case "branches", "tags":
		return pl.Tag == (scope == "tags") && newest[pl.Ref] == pl.ID
	}
	return true
}

// newestOfRefs finds the newest pipeline of each branch or tag that exists.
func (p *Project) newestOfRefs(scope string) map[string]int {
	newest := map[string]int{}
	for _, pl := range p.pipelines {
		refs := p.branches
		if pl.Tag {
			refs = p.tags
		}
		if pl.Tag == (scope == "tags") && refs.has(pl.Ref) {
			newest[pl.Ref] = pl.ID
		}
	}
	return newest
}

// latestPipeline: https://docs.gitlab.com/api/pipelines/#get-the-latest-pipeline. It is 403, not 404, when there
// is none.
func (c *call) latestPipeline() *reply {
	name := cmp.Or(c.params.text("ref"), c.project.settings.DefaultBranch)
	ref, _, _ := c.project.resolveRef(name)
	if ref == nil || !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	for _, pl := range slices.Backward(c.project.pipelines) {
		if pl.SHA == c.project.sha(ref) && pl.Ref == ref.name && pl.Source != "parent_pipeline" {
			return ok(c.namedJSON(pl))
		}
	}
	return forbidden("")
}

// pipeline finds the pipeline of the path, for a user who may read it.
func (c *call) pipeline() (*Pipeline, *reply) {
	id, bad := c.number("pipeline_id")
	if bad != nil {
		return nil, bad
	}
	pl := c.s.pipelines[id]
	if pl == nil || pl.Project != c.project {
		return nil, refuse(http.StatusNotFound, "404 Not found")
	}
	if !c.project.canReadCode(c.user) {
		return nil, forbidden("")
	}
	return pl, nil
}

// writable finds the pipeline of the path, for a user who may retry and cancel it: Developer at least, and one
// who may update the ref when that is protected.
func (c *call) writable() (*Pipeline, *reply) {
	pl, bad := c.pipeline()
	if bad != nil {
		return nil, bad
	}
	if !c.project.canUpdateRef(c.user, pl.Ref, pl.Tag) {
		return nil, forbidden("")
	}
	return pl, nil
}

// getPipeline: https://docs.gitlab.com/api/pipelines/#get-a-single-pipeline.
func (c *call) getPipeline() *reply {
	pl, bad := c.pipeline()
	if bad != nil {
		return bad
	}
	return ok(c.namedJSON(pl))
}

// pipelineVariables: https://docs.gitlab.com/api/pipelines/#get-variables-for-a-pipeline.
func (c *call) pipelineVariables() *reply {
	pl, bad := c.pipeline()
	if bad != nil {
		return bad
	}
	if c.user == nil || c.project.role(c.user) < Maintainer && (pl.user != c.user || c.project.role(c.user) < Developer) {
		return forbidden("")
	}
	list := []any{}
	for _, v := range pl.variables {
		list = append(list, object{"variable_type": v.Type, "key": v.Key, "value": v.Value, "raw": false})
	}
	return ok(list)
}

// createPipeline: https://docs.gitlab.com/api/pipelines/#create-a-new-pipeline.
func (c *call) createPipeline() *reply {
	if !c.params.has("ref") {
		return invalid("ref is missing")
	}
	if c.project.role(c.user) < Developer {
		return forbidden("")
	}
	variables, bad := c.variableArray()
	if bad != nil {
		return bad
	}
	inputs, bad := c.inputs()
	if bad != nil {
		return bad
	}
	order := pipelineOrder{project: c.project, user: c.user, ref: c.params.text("ref"), source: "api", variables: variables, inputs: inputs}
	return c.place(order)
}

// place creates the pipeline and answers with it, or with the reason why not.
func (c *call) place(order pipelineOrder) *reply {
	pl, refused := order.create()
	switch {
	case refused == nil:
		return created(c.fullJSON(pl))
	case refused.saved && order.source == "trigger":
		return refuse(http.StatusUnprocessableEntity, object{"base": []string{refused.message}})
	default:
		return refuse(http.StatusBadRequest, object{"base": []string{refused.message}})
	}
}

// variableArray reads variables of the form [{key, value, variable_type}].
func (c *call) variableArray() ([]Variable, *reply) {
	if !c.params.has("variables") {
		return nil, nil
	}
	list, isList := c.params["variables"].([]any)
	if !isList {
		return nil, invalid("variables is invalid")
	}
	var variables []Variable
	for _, item := range list {
		hash, isHash := item.(params)
		if !isHash {
			return nil, invalid("variables is invalid")
		}
		if !hash.has("key") {
			return nil, invalid("variables[0][key] is missing")
		}
		kind, bad := hash.oneOf("variable_type", "env_var", "env_var", "file")
		if bad != nil {
			return nil, invalid("variables[0][variable_type] does not have a valid value")
		}
		variables = append(variables, Variable{Key: hash.text("key"), Value: hash.text("value"), Type: kind})
	}
	return variables, nil
}

// inputs reads the inputs hash; instances before 18 do not know it and ignore it.
func (c *call) inputs() (map[string]any, *reply) {
	if !c.params.has("inputs") || c.s.major() < 18 {
		return nil, nil
	}
	hash, isHash := c.params["inputs"].(params)
	if !isHash {
		return nil, invalid("inputs is invalid")
	}
	return hash, nil
}

// retryPipeline: https://docs.gitlab.com/api/pipelines/#retry-jobs-in-a-pipeline.
func (c *call) retryPipeline() *reply {
	pl, bad := c.writable()
	if bad != nil {
		return bad
	}
	pl.retry(c.user)
	c.s.changed()
	return created(c.fullJSON(pl))
}

// cancelPipeline: https://docs.gitlab.com/api/pipelines/#cancel-all-jobs-for-a-pipeline. A pipeline that cannot
// be canceled is answered with 200 as well.
func (c *call) cancelPipeline() *reply {
	pl, bad := c.writable()
	if bad != nil {
		return bad
	}
	if pl.cancelable() {
		pl.cancel()
		c.s.changed()
	}
	return ok(c.fullJSON(pl))
}

// deletePipeline: https://docs.gitlab.com/api/pipelines/#delete-a-pipeline, for owners.
func (c *call) deletePipeline() *reply {
	pl, bad := c.pipeline()
	if bad != nil {
		return bad
	}
	if c.project.role(c.user) < Owner {
		return forbidden("")
	}
	pl.remove()
	return &reply{status: http.StatusNoContent}
}

func (pl *Pipeline) basicJSON() object {
	return object{
		"id": pl.ID, "iid": pl.IID, "project_id": pl.Project.ID, "sha": pl.SHA, "ref": pl.Ref, "status": pl.status,
		"source": pl.Source, "created_at": stamp(pl.createdAt), "updated_at": stamp(pl.updatedAt), "web_url": pl.WebURL(),
	}
}

func (c *call) fullJSON(pl *Pipeline) object {
	body := pl.basicJSON()
	body["before_sha"] = strings.Repeat("0", 40)
	body["tag"] = pl.Tag
	body["yaml_errors"] = orNull(pl.yamlErrors)
	body["user"] = c.s.basicUser(pl.user)
	body["started_at"], body["finished_at"], body["committed_at"] = stamp(pl.startedAt), stamp(pl.finishedAt), nil
	body["duration"], body["queued_duration"] = nil, nil
	if !pl.finishedAt.IsZero() && !pl.startedAt.IsZero() {
		body["duration"] = int(pl.duration() / time.Second)
	}
	if queued := pl.queued(); queued > 0 {
		body["queued_duration"] = queued
	}
	body["coverage"] = orNull(pl.coverage())
	d := pl.detail()
	body["detailed_status"] = object{
		"icon": d.Icon, "text": d.Text, "label": d.Label, "group": d.Group, "tooltip": d.Tooltip, "has_details": true,
		"details_path": pl.path(), "illustration": nil, "favicon": "/assets/ci_favicons/favicon_" + d.Icon + ".png",
	}
	return body
}

// queued is how long the pipeline waited before it ran, in whole seconds.
func (pl *Pipeline) queued() int {
	if pl.startedAt.IsZero() {
		return 0
	}
	return int(pl.startedAt.Sub(pl.createdAt) / time.Second)
}

func (c *call) namedJSON(pl *Pipeline) object {
	body := c.fullJSON(pl)
	body["name"] = orNull(pl.name)
	return body
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
