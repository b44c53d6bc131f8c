package gitlab

import (
	"cmp"
	"context"
	"maps"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// Variable is a variable that a pipeline was started with.
type Variable struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	// File: jobs find the value in a file, and the path of the file in the variable.
	// https://docs.gitlab.com/ci/variables/#use-file-type-cicd-variables
	File bool `json:"file,omitempty"`
}

// Variables reads the variables that a pipeline was started with, by key. It takes a
// Maintainer, or the user who started the pipeline: others get Forbidden. A pipeline
// that was started by a trigger token has GitLab's TRIGGER_PAYLOAD among them.
// https://docs.gitlab.com/api/pipelines/#list-variables-for-a-pipeline
func (c *Client) Variables(ctx context.Context, project, id int64) ([]Variable, error) {
	const op = "reading the pipeline's variables"
	var list []*gl.PipelineVariable
	resp, err := c.call(op, func() (resp *gl.Response, err error) {
		list, resp, err = c.gl.Pipelines.GetPipelineVariables(project, id, gl.WithContext(ctx))
		return resp, err
	})
	if err == nil {
		// Null is not "none": on the word of this list a pipeline is started again.
		err = wholeList(op, resp, list, func(v *gl.PipelineVariable) bool { return v != nil && v.Key != "" })
	}
	if err != nil {
		return nil, err
	}
	variables := make([]Variable, len(list))
	for i, v := range list {
		variables[i] = Variable{Key: v.Key, Value: v.Value, File: v.VariableType == gl.FileVariableType}
	}
	slices.SortFunc(variables, func(a, b Variable) int { return cmp.Compare(a.Key, b.Key) })
	return variables, nil
}

// variableBody is a variable as GitLab takes it; without a type it is no file.
type variableBody struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Type  string `json:"variable_type,omitempty"`
}

func variableList(variables, files map[string]string) []variableBody {
	list := make([]variableBody, 0, len(variables)+len(files))
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, variableBody{Key: key, Value: variables[key]})
	}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		list = append(list, variableBody{Key: key, Value: files[key], Type: string(gl.FileVariableType)})
	}
	return list
}
