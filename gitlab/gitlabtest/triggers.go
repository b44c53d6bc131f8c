package gitlabtest

import (
	"slices"
	"time"
)

// A TriggerToken lets anyone who has it start pipelines in the name of its owner,
// https://docs.gitlab.com/api/pipeline_triggers/.
type TriggerToken struct {
	ID      int
	Token   string // glptt-...
	Owner   *User
	Project *Project

	description                             string
	createdAt, updatedAt, usedAt, expiresAt time.Time
}

// AddTriggerToken creates a trigger token that acts as the owner, with the owner's role in the project.
func (p *Project) AddTriggerToken(owner *User, description string) *TriggerToken {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.addTrigger(owner, description, time.Time{})
}

// TriggerTokens returns the project's trigger tokens in the order they came.
func (p *Project) TriggerTokens() []*TriggerToken {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.Clone(p.triggers)
}

// Description is what the token is for, in the words of its owner.
func (t *TriggerToken) Description() string {
	t.Project.s.mu.Lock()
	defer t.Project.s.mu.Unlock()
	return t.description
}

// Expire sets when the trigger token stops working.
func (t *TriggerToken) Expire(at time.Time) {
	t.Project.s.mu.Lock()
	defer t.Project.s.mu.Unlock()
	t.expiresAt = at
	t.Project.s.changed()
}

// Delete removes the trigger token.
func (t *TriggerToken) Delete() {
	t.Project.s.mu.Lock()
	defer t.Project.s.mu.Unlock()
	t.remove()
}

func (t *TriggerToken) remove() {
	p := t.Project
	p.triggers = slices.DeleteFunc(p.triggers, func(other *TriggerToken) bool { return other == t })
	p.s.changed()
}

func (p *Project) addTrigger(owner *User, description string, expiresAt time.Time) *TriggerToken {
	now := p.s.now()
	t := &TriggerToken{
		ID: p.s.nextID("trigger"), description: description, Owner: owner, Project: p,
		createdAt: now, updatedAt: now, expiresAt: expiresAt,
	}
	t.Token = "glptt-" + secret("trigger token", t.ID, p.Path)
	p.triggers = append(p.triggers, t)
	p.s.changed()
	return t
}

// trigger finds a token of this project that still works; a token of another project is as good as none.
func (p *Project) trigger(token string) *TriggerToken {
	for _, t := range p.triggers {
		if t.Token == token && (t.expiresAt.IsZero() || p.s.now().Before(t.expiresAt)) {
			return t
		}
	}
	return nil
}

// shown is the token as the user may see it: others' tokens are cut to four characters after the prefix.
func (t *TriggerToken) shown(u *User) string {
	if t.Owner == u {
		return t.Token
	}
	return t.Token[len("glptt-"):][:4]
}
