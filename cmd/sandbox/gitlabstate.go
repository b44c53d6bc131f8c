package main

import (
	"strconv"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// newestPipelines are shown of each project.
const newestPipelines = 30

// What the page is told of GitLab.
type (
	shownGitLab struct {
		URL     string `json:"url"`
		Real    bool   `json:"real"`
		DownFor int    `json:"down_for"` // seconds
		// Codes is how many wait for somebody to confirm them. The page is not told them: they are for one person.
		Codes    int            `json:"codes"`
		Accounts []shownAccount `json:"accounts"`
	}
	shownAccount struct {
		Username string `json:"username"`
		Name     string `json:"name"`
	}
	shownProject struct {
		ID            int    `json:"id"`
		Path          string `json:"path"`
		WebURL        string `json:"web_url"`
		DefaultBranch string `json:"default_branch"`
		Branches      int    `json:"branches"`
		Tags          int    `json:"tags"`
		Order         int    `json:"order"`
	}
	shownPipeline struct {
		ID             int             `json:"id"`
		IID            int             `json:"iid"`
		Project        int             `json:"project"`
		WebURL         string          `json:"web_url"`
		Ref            string          `json:"ref"`
		Tag            bool            `json:"tag"`
		SHA            string          `json:"sha"`
		Status         string          `json:"status"`
		DetailedStatus string          `json:"detailed_status"`
		Source         string          `json:"source"`
		User           string          `json:"user"`
		Variables      []shownVariable `json:"variables"`
		CreatedAt      *time.Time      `json:"created_at"`
		Duration       *int            `json:"duration"` // seconds
		Stages         []shownStage    `json:"stages"`
	}
	shownVariable struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	shownStage struct {
		Name   string     `json:"name"`
		Status string     `json:"status"`
		Jobs   []shownJob `json:"jobs"`
	}
	shownJob struct {
		ID           int    `json:"id"`
		Name         string `json:"name"`
		Status       string `json:"status"`
		Manual       bool   `json:"manual"`
		AllowFailure bool   `json:"allow_failure"`
	}
)

// gitlabState adds what everybody sees of GitLab.
func (w *world) gitlabState(d *draft) {
	if w.gitlab == nil {
		d.put("gitlab", shownGitLab{URL: w.realURL, Real: true})
		return
	}
	shown := shownGitLab{URL: w.gitlab.URL, DownFor: w.levers.left(gitlabDown), Codes: len(w.gitlab.UserCodes())}
	for _, u := range w.accounts {
		shown.Accounts = append(shown.Accounts, shownAccount{u.Username, u.Name})
	}
	d.put("gitlab", shown)
	for i, p := range w.gitlab.Projects() {
		branches, tags := p.RefCounts()
		d.put("project/"+strconv.Itoa(p.ID), shownProject{
			ID: p.ID, Path: p.Path, WebURL: p.WebURL, DefaultBranch: p.Settings().DefaultBranch,
			Branches: branches, Tags: tags, Order: i,
		})
		pipelines := p.Pipelines()
		for _, pl := range pipelines[max(0, len(pipelines)-newestPipelines):] {
			d.put("pipeline/"+strconv.Itoa(pl.ID), pipelineOf(pl))
		}
	}
}

func pipelineOf(pl *gitlabtest.Pipeline) shownPipeline {
	shown := shownPipeline{
		ID: pl.ID, IID: pl.IID, Project: pl.Project.ID, WebURL: pl.WebURL(), Ref: pl.Ref, Tag: pl.Tag, SHA: pl.SHA,
		Status: pl.Status(), DetailedStatus: pl.DetailedStatus(), Source: pl.Source, User: pl.User().Name,
		Variables: []shownVariable{}, Stages: []shownStage{},
		CreatedAt: timeOrNull(pl.CreatedAt()),
	}
	if took, known := pl.Duration(); known {
		seconds := int(took / time.Second) // whole ones, as the API says it and the bot's cards
		shown.Duration = &seconds
	}
	for _, v := range pl.Variables() {
		shown.Variables = append(shown.Variables, shownVariable{v.Key, v.Value})
	}
	jobs := pl.Jobs()
	for _, name := range pl.Stages() {
		stage := shownStage{Name: name, Status: pl.StageStatus(name)}
		for _, j := range jobs {
			if j.Stage != name {
				continue
			}
			spec := j.Spec()
			stage.Jobs = append(stage.Jobs, shownJob{
				ID: j.ID, Name: j.Name, Status: j.Status(), Manual: spec.Manual, AllowFailure: spec.AllowFailure,
			})
		}
		shown.Stages = append(shown.Stages, stage)
	}
	return shown
}

// timeOrNull is null for a time that has not come.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
