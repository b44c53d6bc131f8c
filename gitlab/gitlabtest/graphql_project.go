package gitlabtest

import (
	"fmt"
	"slices"
	"strings"
)

// projectType: https://docs.gitlab.com/api/graphql/reference/#project.
func projectType() objectType {
	return objectType{
		"id":       get("ID", func(_ *call, p *Project) any { return fmt.Sprintf("gid://gitlab/Project/%d", p.ID) }),
		"fullPath": get("ID", func(_ *call, p *Project) any { return p.Path }),
		"path":     get("String", func(_ *call, p *Project) any { return p.Name }),
		"name":     get("String", func(_ *call, p *Project) any { return p.Name }),
		"webUrl":   get("String", func(_ *call, p *Project) any { return p.WebURL }),
		"archived": get("Boolean", func(_ *call, p *Project) any { return p.settings.Archived }),
		"repository": get("Repository", func(c *call, p *Project) any {
			if !p.canReadCode(c.user) {
				return nil
			}
			return repository{p}
		}),
		"ciConfigVariables": field{typ: "CiConfigVariable", list: true, gitaly: true}.with("ref: String!", configVariables),
		"ciPipelineCreationInputs": field{typ: "CiInputsSpec", list: true, gitaly: true, since: 18}.with("ref: String!",
			func(c *call, on any, args arguments) any {
				p, _ := on.(*Project)
				if p == nil || p.role(c.user) < Developer {
					return nil
				}
				if ref, _, _ := p.resolveRef(args.text("ref")); ref == nil {
					return nil
				}
				return anys(p.current().Inputs)
			}),
		"pipelines": pipelinesField(),
		"pipeline":  pipelineField(),
	}
}

// pipelineField finds one pipeline by exactly one of its names, as
// app/graphql/resolvers/ci/project_pipeline_resolver.rb does.
func pipelineField() field {
	f := field{typ: "Pipeline"}.with("iid: ID, id: CiPipelineID, sha: String", func(c *call, on any, args arguments) any {
		p, _ := on.(*Project)
		if p == nil || !p.canReadCode(c.user) {
			return nil
		}
		id, _ := globalID("Ci::Pipeline", args.text("id"))
		for _, pl := range slices.Backward(p.pipelines) {
			if itoa(pl.IID) == args.text("iid") || pl.ID == id || pl.SHA == args.text("sha") {
				return pl
			}
		}
		return nil
	})
	f.oneOf = "Provide one of an ID, IID or SHA"
	return f
}

// configVariables are null while GitLab computes them, which it starts to do when it is first asked.
func configVariables(c *call, on any, args arguments) any {
	p, _ := on.(*Project)
	if p == nil || p.role(c.user) < Developer {
		return nil
	}
	ref, _, _ := p.resolveRef(args.text("ref"))
	if ref == nil {
		return []any{}
	}
	ready, asked := p.forms[args.text("ref")]
	if !asked {
		p.forms[args.text("ref")] = c.s.now().Add(p.settings.FormDelay)
		return nil
	}
	if c.s.now().Before(ready) {
		return nil
	}
	return anys(p.current().Variables)
}

func configVariableType() objectType {
	return objectType{
		"key":         get("String", func(_ *call, v ConfigVariable) any { return v.Key }),
		"value":       get("String", func(_ *call, v ConfigVariable) any { return v.Value }),
		"description": get("String", func(_ *call, v ConfigVariable) any { return orNull(v.Description) }),
		"valueOptions": get("String", func(_ *call, v ConfigVariable) any {
			if len(v.Options) == 0 {
				return nil
			}
			return v.Options
		}),
	}
}

// inputType: https://docs.gitlab.com/api/graphql/reference/#ciinputsspec.
func inputType() objectType {
	return objectType{
		"name":        get("String", func(_ *call, in Input) any { return in.Name }),
		"type":        get("CiInputsType", func(_ *call, in Input) any { return upper(in.kind()) }),
		"description": get("String", func(_ *call, in Input) any { return orNull(in.Description) }),
		"required":    get("Boolean", func(_ *call, in Input) any { return in.Default == nil }),
		"default":     get("CiInputsValue", func(_ *call, in Input) any { return in.Default }),
		"regex":       get("String", func(_ *call, in Input) any { return orNull(in.Regex) }),
		"rules":       get("String", func(*call, Input) any { return nil }),
		"options": get("CiInputsValue", func(_ *call, in Input) any {
			if len(in.Options) == 0 {
				return nil
			}
			return in.Options
		}),
	}
}

type repository struct{ project *Project }

// repositoryType: https://docs.gitlab.com/api/graphql/reference/#repository. There are no tag names in it.
func repositoryType() objectType {
	git := func(f field) field { f.gitaly = true; return f }
	return objectType{
		"rootRef":     git(get("String", func(_ *call, r repository) any { return r.project.settings.DefaultBranch })),
		"empty":       git(get("Boolean", func(_ *call, r repository) any { return len(r.project.branches.byName) == 0 })),
		"exists":      git(get("Boolean", func(*call, repository) any { return true })),
		"branchCount": git(get("Int", func(_ *call, r repository) any { return len(r.project.branches.byName) })),
		"tagCount":    git(get("Int", func(_ *call, r repository) any { return len(r.project.tags.byName) })),
		"branchNames": field{typ: "String", list: true, cost: 170}.with("searchPattern: String!, offset: Int!, limit: Int!", branchNames),
	}
}

// branchNames returns a part of the names that match a pattern with *; null when it starts beyond the end.
func branchNames(_ *call, on any, args arguments) any {
	r, ok := on.(repository)
	if !ok {
		return nil
	}
	var names []any
	for _, ref := range r.project.branches.list() {
		if wildcard(args.text("searchPattern"), ref.name) {
			names = append(names, ref.name)
		}
	}
	from := args.number("offset", 0)
	if from < 0 || from > len(names) {
		return nil
	}
	return append([]any{}, names[from:min(len(names), from+max(0, args.number("limit", 0)))]...)
}

// pipelinesField: https://docs.gitlab.com/api/graphql/reference/#projectpipelines. The ids came late.
func pipelinesField() field {
	const filters = "ids: [CiPipelineID!], status: PipelineStatusEnum, scope: PipelineScopeEnum, ref: String, " +
		"sha: String, source: String, updatedAfter: Time, updatedBefore: Time, username: String"
	return field{typ: "Pipeline", connection: true}.with(filters, func(c *call, on any, args arguments) any {
		p, _ := on.(*Project)
		if p == nil || !p.canReadCode(c.user) {
			return nil
		}
		fits, bad := c.graphQLFilter(p, args)
		if bad != nil {
			return nil
		}
		ids := args.list("ids")
		var found []*Pipeline
		for _, pl := range slices.Backward(p.pipelines) {
			gid := fmt.Sprintf("gid://gitlab/Ci::Pipeline/%d", pl.ID)
			if _, given := args["ids"]; fits(pl) && (!given || slices.Contains(ids, gid)) {
				found = append(found, pl)
			}
		}
		return anys(found)
	})
}

// graphQLFilter turns the arguments into the filters of the REST endpoint, which are the same.
func (c *call) graphQLFilter(p *Project, args arguments) (func(*Pipeline) bool, *reply) {
	filter := &call{s: c.s, r: c.r, project: p, params: params{}}
	for from, to := range map[string]string{
		"status": "status", "scope": "scope", "ref": "ref", "sha": "sha", "source": "source",
		"updatedAfter": "updated_after", "updatedBefore": "updated_before", "username": "username",
	} {
		value := args.text(from)
		if from == "status" || from == "scope" { // enums
			value = strings.ToLower(value)
		}
		if value != "" {
			filter.params[to] = value
		}
	}
	return filter.pipelineFilter()
}
