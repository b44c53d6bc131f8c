package gitlab

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Projects are the projects of the settings and what GitLab says of them. They are
// read in the background, since the bot starts and serves though GitLab is away.
type Projects struct {
	read   func(ctx context.Context, pathOrID string) (Project, error)
	names  []string
	tokens map[string]string

	mu    sync.Mutex
	known map[string]Project
	fault map[string]error
}

// NewProjects takes the projects' names (paths or ids) and the trigger tokens by
// those names. read is [Client.Project].
func NewProjects(read func(ctx context.Context, pathOrID string) (Project, error), names []string, tokens map[string]string) *Projects {
	return &Projects{read: read, names: names, tokens: tokens, known: make(map[string]Project), fault: make(map[string]error)}
}

// Names are the projects as the settings name them, the default first.
func (p *Projects) Names() []string { return p.names }

// TriggerToken is the trigger token of a project, "" where it has none; known says
// whether the settings name the project.
func (p *Projects) TriggerToken(name string) (token string, known bool) {
	return p.tokens[name], slices.Contains(p.names, name)
}

// Triggers tells whether the project's pipelines are started by a trigger token.
func (p *Projects) Triggers(name string) bool { return p.tokens[name] != "" }

// Known is what GitLab calls the project, from memory alone.
func (p *Projects) Known(name string) (Project, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	project, ok := p.known[name]
	return project, ok
}

// Resolve is Known, and asks GitLab for what is not known yet.
func (p *Projects) Resolve(ctx context.Context, name string) (Project, error) {
	if project, ok := p.Known(name); ok {
		return project, nil
	}
	return p.refresh(ctx, name)
}

func (p *Projects) refresh(ctx context.Context, name string) (Project, error) {
	project, err := p.read(ctx, name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.fault[name] = err
		return Project{}, err
	}
	delete(p.fault, name)
	p.known[name] = project
	return project, nil
}

const (
	// refreshEvery is how often projects are read again: a default branch may
	// change, and a role.
	refreshEvery = 10 * time.Minute
	// refreshSoon is how soon those are that could not be read.
	refreshSoon   = 5 * time.Second
	refreshWithin = 10 * time.Second
)

// Keep reads all projects and keeps them fresh until ctx ends; those that cannot be
// read are tried again sooner than the others. learned is called for each that was
// read, failed for each that was not.
func (p *Projects) Keep(ctx context.Context, learned func(name string, project Project), failed func(name string, err error)) {
	var due []string
	var all time.Time // when all of them are due
	for {
		if now := time.Now(); !now.Before(all) {
			due, all = p.names, now.Add(refreshEvery)
		}
		var again []string
		for _, name := range due {
			reading, cancel := context.WithTimeout(ctx, refreshWithin)
			project, err := p.refresh(reading, name)
			cancel()
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				learned(name, project)
			default:
				failed(name, err)
				again = append(again, name)
			}
		}
		wait := time.Until(all)
		if due = again; len(due) > 0 {
			wait = min(wait, refreshSoon)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Faults says for each project that could not be read last time, why.
func (p *Projects) Faults() []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var faults []error
	for _, name := range p.names {
		if err := p.fault[name]; err != nil {
			faults = append(faults, fmt.Errorf("project %s: %w", name, err))
		} else if _, ok := p.known[name]; !ok {
			faults = append(faults, fmt.Errorf("project %s: not read yet", name))
		}
	}
	return faults
}

// Unreadable names the projects in which the access token may be unable to read
// back the variables of a pipeline that a trigger token started. A start whose
// answer is lost stays uncertain there.
// https://docs.gitlab.com/api/pipelines/#list-variables-for-a-pipeline
func (p *Projects) Unreadable() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, name := range p.names {
		if project, ok := p.known[name]; ok && p.tokens[name] != "" && project.Role < Maintainer {
			names = append(names, name)
		}
	}
	return names
}
