package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// colleague is somebody with an account in GitLab. Those whose address is public there are known to the bot by it;
// the others have to link their accounts.
type colleague struct {
	username, name string
	role           gitlabtest.Role
	public         bool
}

// colleagues are the people of GitLab. The guest Gus and Erin of another company have no account.
func colleagues() []colleague {
	return []colleague{
		{"alice", aliceName, gitlabtest.Developer, true},
		{"bob", bobName, gitlabtest.Developer, true},
		{"carol", carolName, gitlabtest.Maintainer, true},
		{"ddroste", danaName, gitlabtest.Developer, false},
	}
}

// What people are called in Slack and in GitLab.
const (
	aliceName = "Alice Novak"
	bobName   = "Bob Meier"
	carolName = "Carol Diaz"
	danaName  = "Dana Droste"
	gusName   = "Gus Grant"
	erinName  = "Erin Eng"
)

func (c colleague) join(gl *gitlabtest.Server) *gitlabtest.User {
	u := gl.AddUser(c.username)
	u.Name = c.name
	if c.public {
		u.SetPublicEmail(c.username + "@example.com") // as in Slack
	}
	return u
}

// policyText is the policy file: one rule, so that an approval can be tried.
const policyText = `rules:
  - name: releases need a second person
    branches: ["release/*"]
    build_types: [release]
    actions: [run]
    then: approve
    reason: What customers get is looked at by two.
    approvers: {roles: [maintainer]}
`

// writePolicy makes the bot's policy file.
func writePolicy(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the folder of the policy file: %w", err)
	}
	if err := os.WriteFile(path, []byte(policyText), 0o600); err != nil {
		return fmt.Errorf("writing the policy file: %w", err)
	}
	return nil
}

// doConfirm is what a person does on GitLab's page for the code of an application, signed in as an account.
func (w *world) doConfirm(_ context.Context, _ *slacktest.User, r request) (answer, error) {
	if w.gitlab == nil {
		return nil, sorry("There is no simulated GitLab here.")
	}
	i := slices.IndexFunc(w.accounts, func(u *gitlabtest.User) bool { return u.Username == r.Account })
	if i < 0 {
		return nil, sorry("GitLab has no such account.")
	}
	decide := w.accounts[i].Deny
	if r.On {
		decide = w.accounts[i].Approve
	}
	if err := decide(r.Text); err != nil {
		return nil, sorry("GitLab says: " + err.Error() + ".")
	}
	return answer{}, nil
}
