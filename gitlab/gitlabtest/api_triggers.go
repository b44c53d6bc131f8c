package gitlabtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// triggerPipeline: https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token. The trigger
// token stands in for an access token; an unknown project, an unknown token and the token of another project
// look the same.
func (c *call) triggerPipeline() *reply {
	ref := c.params.text("ref")
	if name, inPath := c.path["ref"]; inPath {
		ref = name
	}
	if bad := c.required(ref); bad != nil {
		return bad
	}
	variables, bad := c.variableHash()
	if bad != nil {
		return bad
	}
	p := c.s.findProject(c.path["id"])
	if p == nil {
		c.violate("triggered a project that is not there")
		return notFound("")
	}
	t := p.trigger(c.params.text("token"))
	if t == nil {
		c.violate("used a trigger token that this project does not have")
		return notFound("")
	}
	inputs, bad := c.inputs()
	if bad != nil {
		return bad
	}
	t.usedAt = c.s.now()
	c.user = t.Owner
	order := pipelineOrder{project: p, user: t.Owner, ref: ref, source: "trigger", variables: variables, inputs: inputs}
	order.variables = append(order.variables, c.payload())
	if c.s.levers.payloadExempt {
		order.exempt = 1
	}
	return c.place(order)
}

// required checks the two parameters that must be there, both in one sentence.
func (c *call) required(ref string) *reply {
	var faults []string
	if ref == "" {
		if c.params.has("ref") {
			faults = append(faults, "ref is empty")
		} else {
			faults = append(faults, "ref is missing")
		}
	}
	if !c.params.has("token") {
		faults = append(faults, "token is missing")
	}
	if len(faults) == 0 {
		return nil
	}
	return invalid(strings.Join(faults, ", "))
}

// variableHash reads variables of the form {KEY: value}; anything but strings is refused.
func (c *call) variableHash() ([]Variable, *reply) {
	if !c.params.has("variables") {
		return nil, nil
	}
	hash, isHash := c.params["variables"].(params)
	if !isHash {
		return nil, invalid("variables is invalid")
	}
	var variables []Variable
	for _, key := range slices.Sorted(maps.Keys(hash)) {
		value, isText := hash[key].(string)
		if !isText {
			return nil, refuse(http.StatusBadRequest, "variables needs to be a map of key-valued strings")
		}
		variables = append(variables, Variable{Key: key, Value: value, Type: "env_var"})
	}
	return variables, nil
}

// payload is the variable that the trigger API adds by itself: the request without its token.
// https://docs.gitlab.com/ci/triggers/#access-the-webhook-payload
func (c *call) payload() Variable {
	body := maps.Clone(c.params)
	delete(body, "token")
	body["id"] = c.path["id"]
	text, err := json.Marshal(body)
	if err != nil {
		text = []byte("{}")
	}
	return Variable{Key: "TRIGGER_PAYLOAD", Value: string(text), Type: "file"}
}

// listTriggers: https://docs.gitlab.com/api/pipeline_triggers/#list-project-trigger-tokens, for Maintainers.
func (c *call) listTriggers() *reply {
	if c.project.role(c.user) < Maintainer {
		return forbidden("")
	}
	all := []any{}
	for _, t := range c.project.triggers {
		all = append(all, c.triggerJSON(t))
	}
	return c.page(all)
}

func (c *call) triggerOfPath() (*TriggerToken, *reply) {
	if c.project.role(c.user) < Maintainer {
		return nil, forbidden("")
	}
	id, bad := c.number("trigger_id")
	if bad != nil {
		return nil, bad
	}
	for _, t := range c.project.triggers {
		if t.ID == id {
			return t, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "404 Not found")
}

// getTrigger: https://docs.gitlab.com/api/pipeline_triggers/#get-trigger-token-details.
func (c *call) getTrigger() *reply {
	t, bad := c.triggerOfPath()
	if bad != nil {
		return bad
	}
	return ok(c.triggerJSON(t))
}

// createTrigger: https://docs.gitlab.com/api/pipeline_triggers/#create-a-trigger-token.
func (c *call) createTrigger() *reply {
	if !c.params.has("description") {
		return invalid("description is missing")
	}
	if c.project.role(c.user) < Maintainer {
		return forbidden("")
	}
	expires, bad := c.params.moment("expires_at")
	if bad != nil {
		return bad
	}
	return created(c.triggerJSON(c.project.addTrigger(c.user, c.params.text("description"), expires)))
}

// updateTrigger: https://docs.gitlab.com/api/pipeline_triggers/#update-a-pipeline-trigger-token, for the token's
// owner only.
func (c *call) updateTrigger() *reply {
	t, bad := c.triggerOfPath()
	if bad != nil {
		return bad
	}
	if t.Owner != c.user {
		return forbidden("The current user is not authorized to update the pipeline trigger token")
	}
	if c.params.has("description") {
		t.description = c.params.text("description")
		t.updatedAt = c.s.now()
		c.s.changed()
	}
	return ok(c.triggerJSON(t))
}

// deleteTrigger: https://docs.gitlab.com/api/pipeline_triggers/#remove-a-pipeline-trigger-token.
func (c *call) deleteTrigger() *reply {
	t, bad := c.triggerOfPath()
	if bad != nil {
		return bad
	}
	t.remove()
	return &reply{status: http.StatusNoContent}
}

func (c *call) triggerJSON(t *TriggerToken) object {
	return object{
		"id": t.ID, "token": t.shown(c.user), "description": t.description, "created_at": stamp(t.createdAt),
		"updated_at": stamp(t.updatedAt), "last_used": stamp(t.usedAt), "expires_at": stamp(t.expiresAt),
		"owner": c.s.basicUser(t.Owner),
	}
}
