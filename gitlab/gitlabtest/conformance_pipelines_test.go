package gitlabtest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"pipebot/gitlab/gitlabtest"
)

// runs are a world with a pipeline of the developer's that waits for a manual job, one of the owner's on a tag that
// failed, and one that passed.
func runs(t *testing.T) (w *world, waiting, failed, passed *gitlabtest.Pipeline) {
	t.Helper()
	w = newWorld(t)
	w.app.AddTag("v1", time.Now())
	start := func(role gitlabtest.Role, ref, name string) *gitlabtest.Pipeline {
		w.app.SetCI(gitlabtest.CI{Name: name, Jobs: []gitlabtest.JobSpec{{Name: "ship", Manual: true}}})
		pl, reason := w.app.StartPipeline(w.users[role], ref, "push", gitlabtest.Variable{Key: "CONFIG", Value: "a: 1", Type: "file"})
		if reason != "" {
			t.Fatal(reason)
		}
		pl.Enqueue()
		return pl
	}
	waiting = start(gitlabtest.Developer, "main", "")
	failed = start(gitlabtest.Owner, "v1", "nightly")
	failed.Finish("failed")
	passed = start(gitlabtest.Owner, "main", "")
	passed.Finish("success")
	return w, waiting, failed, passed
}

// clientGoPipelines lets GitLab's own client for Go do to pipelines and trigger tokens what their pages offer, and be
// refused what a role may not.
func clientGoPipelines(t *testing.T) {
	w, waiting, failed, passed := runs(t)
	c, developer := w.client(gitlabtest.Owner), w.client(gitlabtest.Developer)
	const project = "group/app"
	id := func(pl *gitlabtest.Pipeline) int64 { return int64(pl.ID) }

	for name, filter := range map[string]struct {
		options gitlab.ListProjectPipelinesOptions
		want    []int64
	}{
		"scope":    {gitlab.ListProjectPipelinesOptions{Scope: gitlab.Ptr("tags")}, []int64{id(failed)}},
		"status":   {gitlab.ListProjectPipelinesOptions{Status: gitlab.Ptr(gitlab.Manual)}, []int64{id(waiting)}},
		"ref":      {gitlab.ListProjectPipelinesOptions{Ref: gitlab.Ptr("main")}, []int64{id(passed), id(waiting)}},
		"sha":      {gitlab.ListProjectPipelinesOptions{SHA: gitlab.Ptr(failed.SHA)}, []int64{id(failed)}},
		"name":     {gitlab.ListProjectPipelinesOptions{Name: gitlab.Ptr("nightly")}, []int64{id(failed)}},
		"username": {gitlab.ListProjectPipelinesOptions{Username: gitlab.Ptr("developer")}, []int64{id(waiting)}},
		"faulty":   {gitlab.ListProjectPipelinesOptions{YamlErrors: gitlab.Ptr(true)}, nil},
		"before":   {gitlab.ListProjectPipelinesOptions{CreatedBefore: gitlab.Ptr(time.Now().Add(-time.Hour))}, nil},
		"changed":  {gitlab.ListProjectPipelinesOptions{UpdatedBefore: gitlab.Ptr(time.Now().Add(time.Hour)), Sort: gitlab.Ptr("asc")}, []int64{id(waiting), id(failed), id(passed)}},
		"order":    {gitlab.ListProjectPipelinesOptions{OrderBy: gitlab.Ptr("user_id"), ListOptions: gitlab.ListOptions{PerPage: 3}}, userOrder(w, waiting, failed, passed)},
	} {
		var got []int64
		for _, pl := range must[[]*gitlab.PipelineInfo](t, name)(c.Pipelines.ListProjectPipelines(project, &filter.options)) {
			got = append(got, pl.ID)
		}
		if !slices.Equal(got, filter.want) {
			t.Errorf("%s: %v, want %v", name, got, filter.want)
		}
	}

	variables := must[[]*gitlab.PipelineVariable](t, "variables")(developer.Pipelines.GetPipelineVariables(project, id(waiting)))
	if len(variables) != 1 || *variables[0] != (gitlab.PipelineVariable{Key: "CONFIG", Value: "a: 1", VariableType: gitlab.FileVariableType}) {
		t.Errorf("variables %+v", variables)
	}
	failed.SetTestReport(gitlabtest.TestReport{Success: 2, Failed: 1, Time: 1500 * time.Millisecond})
	report := must[*gitlab.PipelineTestReportSummary](t, "report")(c.Pipelines.GetPipelineTestReportSummary(project, id(failed)))
	if report.Total.Count != 3 || report.Total.Failed != 1 || report.Total.Time != 1.5 || len(report.TestSuites) != 1 || report.TestSuites[0].SuccessCount != 2 {
		t.Errorf("report %+v", report)
	}
	renamed := must[*gitlab.Pipeline](t, "rename")(developer.Pipelines.UpdatePipelineMetadata(project, id(waiting), &gitlab.UpdatePipelineMetadataOptions{Name: gitlab.Ptr("release")}))
	if renamed.ID != id(waiting) || renamed.Name != "release" {
		t.Errorf("renamed %+v", renamed)
	}
	played := must[*gitlab.Job](t, "play")(developer.Jobs.PlayJob(project, int64(waiting.Job("ship").ID), nil))
	if played.Status != "pending" {
		t.Errorf("played job is %s", played.Status)
	}
	_, again, err := c.Jobs.PlayJob(project, played.ID, nil)
	refused(t, "playing again", again, err, http.StatusBadRequest)

	expires := time.Date(2999, 12, 31, 0, 0, 0, 0, time.UTC)
	mine := must[*gitlab.PipelineTrigger](t, "token")(c.PipelineTriggers.AddPipelineTrigger(project, &gitlab.AddPipelineTriggerOptions{Description: gitlab.Ptr("mine")}))
	other := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "other's")
	other.Expire(expires)
	tokens := must[[]*gitlab.PipelineTrigger](t, "tokens")(c.PipelineTriggers.ListPipelineTriggers(project, nil))
	if len(tokens) != 2 || tokens[0].Token != mine.Token || len(tokens[1].Token) != 4 || tokens[1].Owner.Username != "developer" {
		t.Errorf("tokens %+v", tokens)
	}
	got := must[*gitlab.PipelineTrigger](t, "edit")(c.PipelineTriggers.EditPipelineTrigger(project, mine.ID, &gitlab.EditPipelineTriggerOptions{Description: gitlab.Ptr("renamed")}))
	if got.ID != mine.ID || got.Description != "renamed" {
		t.Errorf("edited %+v", got)
	}
	clientGoRefusals(t, w, failed, int64(other.ID))
	if _, err := c.PipelineTriggers.DeletePipelineTrigger(project, int64(other.ID)); err != nil {
		t.Errorf("another's token: %v", err)
	}
	if _, err := c.Pipelines.DeletePipeline(project, id(failed)); err != nil || !failed.Deleted() {
		t.Errorf("delete: %v", err)
	}
	for _, v := range w.Violations() {
		t.Errorf("violation: %v", v)
	}
}

// userOrder are the pipelines as order_by=user_id has them, the last user's first.
func userOrder(w *world, waiting, failed, passed *gitlabtest.Pipeline) []int64 {
	owners, developers := []int64{int64(passed.ID), int64(failed.ID)}, []int64{int64(waiting.ID)}
	if w.users[gitlabtest.Owner].ID > w.users[gitlabtest.Developer].ID {
		return slices.Concat(owners, developers)
	}
	return slices.Concat(developers, owners)
}

// clientGoRefusals asks as each role for what it may not.
func clientGoRefusals(t *testing.T, w *world, pl *gitlabtest.Pipeline, token int64) {
	t.Helper()
	const project = "group/app"
	id, job := int64(pl.ID), int64(pl.Job("ship").ID)
	for name, try := range map[string]struct {
		as   gitlabtest.Role
		call func(c *gitlab.Client) (*gitlab.Response, error)
	}{
		"list": {gitlabtest.Guest, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.Pipelines.ListProjectPipelines(project, nil)
			return resp, err
		}},
		"variables": {gitlabtest.Developer, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.Pipelines.GetPipelineVariables(project, id)
			return resp, err
		}},
		"rename": {gitlabtest.Reporter, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.Pipelines.UpdatePipelineMetadata(project, id, &gitlab.UpdatePipelineMetadataOptions{Name: gitlab.Ptr("x")})
			return resp, err
		}},
		"retry": {gitlabtest.Reporter, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.Pipelines.RetryPipelineBuild(project, id)
			return resp, err
		}},
		"cancel": {gitlabtest.Reporter, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.Pipelines.CancelPipelineBuild(project, id)
			return resp, err
		}},
		"delete": {gitlabtest.Maintainer, func(c *gitlab.Client) (*gitlab.Response, error) { return c.Pipelines.DeletePipeline(project, id) }},
		"play": {gitlabtest.Reporter, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.Jobs.PlayJob(project, job, nil)
			return resp, err
		}},
		"list tokens": {gitlabtest.Developer, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.PipelineTriggers.ListPipelineTriggers(project, nil)
			return resp, err
		}},
		"add a token": {gitlabtest.Developer, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.PipelineTriggers.AddPipelineTrigger(project, &gitlab.AddPipelineTriggerOptions{Description: gitlab.Ptr("x")})
			return resp, err
		}},
		"edit another's token": {gitlabtest.Owner, func(c *gitlab.Client) (*gitlab.Response, error) {
			_, resp, err := c.PipelineTriggers.EditPipelineTrigger(project, token, &gitlab.EditPipelineTriggerOptions{Description: gitlab.Ptr("x")})
			return resp, err
		}},
		"delete a token": {gitlabtest.Developer, func(c *gitlab.Client) (*gitlab.Response, error) {
			return c.PipelineTriggers.DeletePipelineTrigger(project, token)
		}},
	} {
		resp, err := try.call(w.client(try.as))
		refused(t, name, resp, err, http.StatusForbidden)
	}
}

func refused(t *testing.T, what string, resp *gitlab.Response, err error, status int) {
	t.Helper()
	if err == nil || resp == nil || resp.StatusCode != status {
		t.Errorf("%s: %v, want a refusal with %d", what, err, status)
	}
}

// cliPipelines lets the command line of python-gitlab do to pipelines and trigger tokens what it has commands for,
// and be refused what a role may not.
func cliPipelines(t *testing.T, program string) {
	t.Helper()
	w, waiting, failed, passed := runs(t)
	c := newCLI(t, program, w)
	for filter, want := range map[string][]*gitlabtest.Pipeline{
		"--scope tags": {failed}, "--status manual": {waiting}, "--ref main": {passed, waiting}, "--sha " + failed.SHA: {failed},
		"--name nightly": {failed}, "--username developer": {waiting}, "--yaml-errors true": nil,
		"--order-by ref --sort asc": {waiting, passed, failed}, "--per-page 2 --page 2": {waiting},
	} {
		var got []pipeline
		c.run(&got, append([]string{"project-pipeline", "list", "--project-id", "1"}, strings.Fields(filter)...)...)
		var wanted []int
		for _, pl := range want {
			wanted = append(wanted, pl.ID)
		}
		if !slices.Equal(ids(got), wanted) {
			t.Errorf("%s: %v, want %v", filter, ids(got), wanted)
		}
	}
	var variables []struct {
		Key, Value string
		Type       string `json:"variable_type"`
	}
	c.run(&variables, "project-pipeline-variable", "list", "--project-id", "1", "--pipeline-id", fmt.Sprint(waiting.ID))
	if len(variables) != 1 || variables[0].Key != "CONFIG" || variables[0].Type != "file" {
		t.Errorf("variables %+v", variables)
	}
	failed.SetTestReport(gitlabtest.TestReport{Success: 2, Failed: 1})
	var report struct{ Total struct{ Count, Failed int } }
	c.run(&report, "project-pipeline-test-report-summary", "get", "--project-id", "1", "--pipeline-id", fmt.Sprint(failed.ID))
	if report.Total.Count != 3 || report.Total.Failed != 1 {
		t.Errorf("report %+v", report)
	}
	job := waiting.Job("ship")
	c.run(nil, "project-job", "play", "--project-id", "1", "--id", fmt.Sprint(job.ID))
	if job.Status() != "pending" {
		t.Errorf("played job is %s", job.Status())
	}
	c.fails(http.StatusBadRequest, "project-job", "play", "--project-id", "1", "--id", fmt.Sprint(job.ID))

	var token, got struct {
		ID                 int
		Token, Description string
	}
	c.run(&token, "project-trigger", "create", "--project-id", "1", "--description", "mine")
	c.run(nil, "project-trigger", "update", "--project-id", "1", "--id", fmt.Sprint(token.ID), "--description", "renamed")
	c.run(&got, "project-trigger", "get", "--project-id", "1", "--id", fmt.Sprint(token.ID))
	if got.Description != "renamed" || got.Token != token.Token {
		t.Errorf("token %+v", got)
	}
	run, key := fmt.Sprint(failed.ID), fmt.Sprint(token.ID)
	for command, role := range map[string]gitlabtest.Role{
		"project-pipeline list --project-id 1":                               gitlabtest.Guest,
		"project-pipeline-variable list --project-id 1 --pipeline-id " + run: gitlabtest.Developer,
		"project-pipeline retry --project-id 1 --id " + run:                  gitlabtest.Reporter,
		"project-pipeline cancel --project-id 1 --id " + run:                 gitlabtest.Reporter,
		"project-pipeline delete --project-id 1 --id " + run:                 gitlabtest.Maintainer,
		"project-job play --project-id 1 --id " + fmt.Sprint(job.ID):         gitlabtest.Reporter,
		"project-trigger list --project-id 1":                                gitlabtest.Developer,
		"project-trigger create --project-id 1 --description x":              gitlabtest.Developer,
		"project-trigger update --project-id 1 --description x --id " + key:  gitlabtest.Maintainer,
		"project-trigger delete --project-id 1 --id " + key:                  gitlabtest.Developer,
	} {
		newCLIAs(t, program, w, role).fails(http.StatusForbidden, strings.Fields(command)...)
	}
	c.check(w)
}
