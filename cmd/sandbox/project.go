package main

import (
	"fmt"
	"strings"
	"time"

	"pipebot/gitlab/gitlabtest"
)

const (
	madeUpRefs   = 300 // of the project that stands in for a repository
	websiteRefs  = 40
	websitePath  = "acme/website"
	standInPath  = "acme/shop"
	triggerLabel = "pipebot"
)

// standIn is the project where there is no repository to make it after.
func standIn(now time.Time) repository {
	return repository{path: standInPath, defaultBranch: "main"}.grown(madeUpRefs, now)
}

// grown is the repository with n more refs, each an hour older than the one before it. Those that it has already stay.
func (r repository) grown(n int, now time.Time) repository {
	branches, tags := generateRefs(n)
	r.branches, r.tags = more(r.branches, branches, now), more(r.tags, tags, now)
	return r
}

func more(have []ref, names []string, now time.Time) []ref {
	known := make(map[string]bool, len(have))
	for _, r := range have {
		known[r.name] = true
	}
	for i, name := range names {
		if !known[name] {
			have = append(have, ref{name, now.Add(-time.Duration(i+1) * time.Hour)})
		}
	}
	return have
}

// instance is a simulated GitLab with what the bot needs to know of it.
type instance struct {
	server   *gitlabtest.Server
	accounts []*gitlabtest.User // of people
	env      map[string]string
}

// newGitLab starts a GitLab with a project after the repository and another one beside it.
func newGitLab(first repository, at *clock, speed float64) (instance, error) {
	gl := gitlabtest.NewServer(gitlabtest.Config{Now: at.now})
	if err := gl.Err(); err != nil {
		return instance{}, fmt.Errorf("starting the simulated GitLab: %w", err)
	}
	owner := gl.AddUser("release-bot")
	gl.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Second}) // who looks on does not wait for GitLab's five
	var people []*gitlabtest.User
	for _, c := range colleagues() {
		people = append(people, c.join(gl))
	}
	second := standIn(at.now()) // a repository of few refs gives nothing to search in
	if first.path == second.path {
		second = repository{path: websitePath, defaultBranch: "main"}.grown(websiteRefs, at.now())
	}
	var paths, tokens []string
	for _, r := range []repository{first, second} {
		p := addProject(gl, r)
		p.AddMember(owner, gitlabtest.Maintainer)
		for i, c := range colleagues() {
			p.AddMember(people[i], c.role)
		}
		paths = append(paths, p.Path)
		tokens = append(tokens, p.Path+":"+p.AddTriggerToken(owner, triggerLabel).Token)
	}
	if err := makeHistory(gl, people, at); err != nil {
		gl.Close()
		return instance{}, err
	}
	gl.Auto(speed)
	return instance{server: gl, accounts: people, env: map[string]string{
		"GITLAB_URL":             gl.URL,
		"GITLAB_TOKEN":           gl.AddToken(owner, "api"),
		"GITLAB_PROJECTS":        strings.Join(paths, ","),
		"GITLAB_TRIGGER_TOKENS":  strings.Join(tokens, ","),
		"GITLAB_OAUTH_CLIENT_ID": gl.AddApplication("pipebot"),
	}}, nil
}

func addProject(gl *gitlabtest.Server, r repository) *gitlabtest.Project {
	p := gl.AddProject(r.path)
	p.SetCI(pipelineCI())
	if r.defaultBranch != "main" {
		p.Configure(func(s *gitlabtest.Settings) { s.DefaultBranch = r.defaultBranch })
		p.AddBranch(r.defaultBranch, time.Now())
		p.DeleteBranch("main")
	}
	for _, b := range r.branches {
		p.AddBranch(b.name, b.at)
	}
	for _, t := range r.tags {
		p.AddTag(t.name, t.at)
	}
	return p
}
