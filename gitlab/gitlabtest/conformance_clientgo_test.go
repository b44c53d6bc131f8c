package gitlabtest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"pipebot/gitlab/gitlabtest"
)

// unlimited stands in for the client's own rate limiter, which races when the first calls are concurrent.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

func (w *world) client(role gitlabtest.Role) *gitlab.Client {
	w.t.Helper()
	c, err := gitlab.NewClient(w.token[role], gitlab.WithBaseURL(w.URL), gitlab.WithCustomLimiter(unlimited{}), gitlab.WithCustomRetryMax(0))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// must ends the test when a call of the client failed, and returns what it got.
func must[T any](t *testing.T, what string) func(T, *gitlab.Response, error) T {
	t.Helper()
	return func(v T, _ *gitlab.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return v
	}
}

// TestConformanceClientGo lets GitLab's own client for Go do what it can do here.
func TestConformanceClientGo(t *testing.T) {
	w := newWorld(t)
	w.app.AddBranches(numbered("feature/%03d", 250))
	w.app.AddTags(numbered("v1.%d.0", 120))
	c := w.client(gitlabtest.Owner)
	const project = "group/app"

	t.Run("refs by keyset", func(t *testing.T) {
		options := &gitlab.ListBranchesOptions{ListOptions: gitlab.ListOptions{PerPage: 100, Pagination: "keyset"}}
		branches, err := gitlab.ScanAndCollect(func(p gitlab.PaginationOptionFunc) ([]*gitlab.Branch, *gitlab.Response, error) {
			return c.Branches.ListBranches(project, options, p)
		})
		if err != nil || len(branches) != 251 || branches[0].Name != "feature/000" || branches[0].Commit.CommittedDate == nil {
			t.Errorf("%d branches: %v", len(branches), err)
		}
		tags, err := gitlab.ScanAndCollect(func(p gitlab.PaginationOptionFunc) ([]*gitlab.Tag, *gitlab.Response, error) {
			return c.Tags.ListTags(project, &gitlab.ListTagsOptions{ListOptions: gitlab.ListOptions{PerPage: 50}}, p)
		})
		if err != nil || len(tags) != 120 {
			t.Errorf("%d tags: %v", len(tags), err)
		}
		branch := must[*gitlab.Branch](t, "branch")(c.Branches.GetBranch(project, "feature/007"))
		commit := must[*gitlab.Commit](t, "commit")(c.Commits.GetCommit(project, branch.Commit.ID, nil))
		if commit.ID != branch.Commit.ID {
			t.Errorf("commit %s of branch %s", commit.ID, branch.Commit.ID)
		}
	})

	t.Run("trigger and follow", func(t *testing.T) {
		token := must[*gitlab.PipelineTrigger](t, "add token")(c.PipelineTriggers.AddPipelineTrigger(project, &gitlab.AddPipelineTriggerOptions{Description: gitlab.Ptr("bot")}))
		pl := must[*gitlab.Pipeline](t, "trigger")(c.PipelineTriggers.RunPipelineTrigger(project, &gitlab.RunPipelineTriggerOptions{
			Ref: gitlab.Ptr("feature/007"), Token: &token.Token, Variables: map[string]string{"BUILD_TYPE": "debug"},
		}))
		if pl.Source != "trigger" || pl.Ref != "feature/007" || pl.User.Username != "owner" || pl.DetailedStatus.Label != "created" {
			t.Errorf("pipeline %+v", pl)
		}
		variables := must[[]*gitlab.PipelineVariable](t, "variables")(c.Pipelines.GetPipelineVariables(project, pl.ID))
		if !slices.ContainsFunc(variables, func(v *gitlab.PipelineVariable) bool { return v.Key == "BUILD_TYPE" && v.Value == "debug" }) {
			t.Errorf("variables %v", variables)
		}
		run := w.app.Pipelines()[0]
		run.Job("compile").Fail("")
		pl = must[*gitlab.Pipeline](t, "get")(c.Pipelines.GetPipeline(project, pl.ID))
		if pl.Status != "failed" || pl.StartedAt == nil || pl.FinishedAt == nil {
			t.Errorf("pipeline %+v", pl)
		}
		pl = must[*gitlab.Pipeline](t, "retry")(c.Pipelines.RetryPipelineBuild(project, pl.ID))
		if pl.Status != "pending" {
			t.Errorf("retried pipeline is %s", pl.Status)
		}
		jobs := must[[]*gitlab.Job](t, "jobs")(c.Jobs.ListPipelineJobs(project, pl.ID, &gitlab.ListJobsOptions{Scope: &[]gitlab.BuildStateValue{"pending", "created"}}))
		if len(jobs) != 3 || jobs[0].Name != "compile" || jobs[0].Pipeline.ID != pl.ID {
			t.Errorf("jobs %v", jobs)
		}
		run.Start()
		pl = must[*gitlab.Pipeline](t, "cancel")(c.Pipelines.CancelPipelineBuild(project, pl.ID))
		if pl.Status != "canceling" {
			t.Errorf("canceled pipeline is %s", pl.Status)
		}
		list := must[[]*gitlab.PipelineInfo](t, "list")(c.Pipelines.ListProjectPipelines(project, &gitlab.ListProjectPipelinesOptions{
			Source: gitlab.Ptr("trigger"), UpdatedAfter: gitlab.Ptr(time.Now().Add(-time.Hour)), OrderBy: gitlab.Ptr("updated_at"),
		}))
		if len(list) != 1 || list[0].ID != pl.ID {
			t.Errorf("list %v", list)
		}
		if _, err := c.Pipelines.DeletePipeline(project, pl.ID); err != nil {
			t.Errorf("delete: %v", err)
		}
		if _, _, err := c.Pipelines.GetPipeline(project, pl.ID); !errors.Is(err, gitlab.ErrNotFound) {
			t.Errorf("get after delete: %v", err)
		}
	})

	t.Run("create with inputs", func(t *testing.T) {
		w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "a", Manual: true, Coverage: 12.5}}, Inputs: []gitlabtest.Input{{Name: "level", Type: "number", Default: 1}}})
		pl := must[*gitlab.Pipeline](t, "create")(c.Pipelines.CreatePipeline(project, &gitlab.CreatePipelineOptions{
			Ref:       gitlab.Ptr("main"),
			Variables: &[]*gitlab.PipelineVariableOptions{{Key: gitlab.Ptr("A"), Value: gitlab.Ptr("1")}},
			Inputs:    gitlab.PipelineInputsOption{"level": gitlab.NewPipelineInputValue(3)},
		}))
		run := w.app.Pipelines()[0]
		run.Enqueue()
		job := run.Job("a")
		played := must[*gitlab.Job](t, "play")(c.Jobs.PlayJob(project, int64(job.ID), nil))
		if played.Status != "pending" || pl.Source != "api" {
			t.Errorf("job %s of a pipeline by %s", played.Status, pl.Source)
		}
		job.Succeed()
		fresh := must[*gitlab.Job](t, "retry")(c.Jobs.RetryJob(project, int64(job.ID), nil))
		if fresh.ID == int64(job.ID) || fresh.Status != "pending" {
			t.Errorf("retried job %d is %s", fresh.ID, fresh.Status)
		}
		must[*gitlab.Job](t, "cancel")(c.Jobs.CancelJob(project, fresh.ID, nil))
		latest := must[*gitlab.Pipeline](t, "latest")(c.Pipelines.GetLatestPipeline(project, nil))
		if latest.ID != pl.ID || latest.Status != "canceled" {
			t.Errorf("latest %d is %s", latest.ID, latest.Status)
		}
	})

	t.Run("trigger tokens", func(t *testing.T) {
		token := must[*gitlab.PipelineTrigger](t, "add")(c.PipelineTriggers.AddPipelineTrigger(project, &gitlab.AddPipelineTriggerOptions{Description: gitlab.Ptr("mine")}))
		must[*gitlab.PipelineTrigger](t, "edit")(c.PipelineTriggers.EditPipelineTrigger(project, token.ID, &gitlab.EditPipelineTriggerOptions{Description: gitlab.Ptr("renamed")}))
		got := must[*gitlab.PipelineTrigger](t, "get")(c.PipelineTriggers.GetPipelineTrigger(project, token.ID))
		if got.Description != "renamed" || got.Token != token.Token {
			t.Errorf("token %+v", got)
		}
		list := must[[]*gitlab.PipelineTrigger](t, "list")(c.PipelineTriggers.ListPipelineTriggers(project, nil))
		if len(list) != 2 {
			t.Errorf("%d tokens", len(list))
		}
		if _, err := c.PipelineTriggers.DeletePipelineTrigger(project, token.ID); err != nil {
			t.Errorf("delete: %v", err)
		}
	})

	t.Run("project, user and token", func(t *testing.T) {
		p := must[*gitlab.Project](t, "project")(c.Projects.GetProject(project, nil))
		if p.PathWithNamespace != project || p.Permissions.ProjectAccess.AccessLevel != gitlab.OwnerPermissions {
			t.Errorf("project %+v", p)
		}
		if u := must[*gitlab.User](t, "user")(c.Users.CurrentUser()); u.Username != "owner" {
			t.Errorf("user %+v", u)
		}
		if pat := must[*gitlab.PersonalAccessToken](t, "token")(c.PersonalAccessTokens.GetSinglePersonalAccessToken()); !slices.Equal(pat.Scopes, []string{"api"}) {
			t.Errorf("token %+v", pat)
		}
		if v := must[*gitlab.Version](t, "version")(c.Version.GetVersion()); v.Version != "19.4.0" {
			t.Errorf("version %+v", v)
		}
	})

	t.Run("GraphQL", func(t *testing.T) {
		var got struct {
			Data struct {
				Project struct {
					Repository struct{ BranchNames []string }
				}
			}
		}
		_, err := c.GraphQL.Do(gitlab.GraphQLQuery{
			Query:     `query($path: ID!) { project(fullPath: $path) { repository { branchNames(searchPattern: "feature/*", offset: 0, limit: 100000) } } }`,
			Variables: map[string]any{"path": project},
		}, &got)
		if err != nil || len(got.Data.Project.Repository.BranchNames) != 250 {
			t.Errorf("%d names: %v", len(got.Data.Project.Repository.BranchNames), err)
		}
	})

	t.Run("people and rights", clientGoRights)
	t.Run("pipelines, jobs and trigger tokens by role", clientGoPipelines)
	t.Run("device grant", oauth2Device)

	for _, v := range w.Violations() {
		t.Errorf("violation: %v", v)
	}
}
