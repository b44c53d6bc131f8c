package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// A trigger token gets another description, or is revoked.

// What the menu beside a token offers; its value is one of these and the token's id.
const (
	verbRename = "rename"
	verbRevoke = "revoke"
)

// parseTokenChoice reads the value of the menu, which comes from outside.
func parseTokenChoice(value string) (verb string, id int64, err error) {
	verb, number, _ := strings.Cut(value, " ")
	id, err = strconv.ParseInt(number, 10, 64)
	if err != nil || id <= 0 || verb != verbRename && verb != verbRevoke {
		return "", 0, errors.New("the menu offers no such thing")
	}
	return verb, id, nil
}

// tokenMenu opens what was chosen beside a token. GitLab says what it is about: the list
// may be old.
func (b *Bot) tokenMenu(ctx context.Context, a *arrival) {
	at, d, ok := b.onTokens(ctx, a)
	if !ok {
		return
	}
	verb, id, err := parseTokenChoice(a.action.SelectedOption.Value)
	if err != nil {
		b.Log.Warn("a menu came back with an unusable value", zap.Error(err))
		b.unusable(ctx, a)
		return
	}
	at.Token = id
	view, ok := b.push(ctx, a, tokensWorking(at, d.Project, "Reading the token from GitLab"))
	if !ok {
		b.tell(ctx, a, warning(words("Slack did not let me open the form. Please choose that again.")))
		return
	}
	var token gitlab.TriggerToken
	err = b.inProject(ctx, at.Project, func(ctx context.Context, project gitlab.Project) error {
		token, err = b.Tokens.TriggerToken(ctx, project.ID, id)
		return err
	})
	if err != nil {
		b.Log.Warn("reading a trigger token failed", zap.String("project", at.Project), zap.NamedError("reason", err))
		_ = b.redraw(ctx, view, tokensSaying(warning(tokenUnread(err)...).Blocks))
		if gitlab.IsNotFound(err) {
			_ = b.drawTokens(ctx, a.Interaction.View.RootViewID, at, nil)
		}
		return
	}
	at.Called = called(token)
	if verb == verbRename {
		_ = b.redraw(ctx, view, renameModal(at, d.Project, token))
		return
	}
	_ = b.redraw(ctx, view, revokeModal(at, d.Project, token, b.Projects.Triggers(at.Project), time.Now()))
}

// renameToken gives a trigger token the description that was submitted.
func (b *Bot) renameToken(ctx context.Context, a *arrival) {
	at, d, q, ok := b.submittedTokens(ctx, a)
	if !ok {
		return
	}
	description, fault := describedAs(&a.Interaction.View)
	if fault != "" {
		a.Ack(onFields(&a.Interaction.View, map[string]string{blockDescription: fault}))
		return
	}
	b.changeToken(ctx, a, at, d, q, tokenChange{
		doing: "Renaming the token", outcome: "renamed", done: tokenRenamed(at, description), failed: notRenamed,
		do: func(ctx context.Context, project gitlab.Project) error {
			_, err := b.Tokens.RenameTriggerToken(ctx, project.ID, at.Token, description)
			return err
		},
	})
}

// revokeToken revokes a trigger token once that was confirmed.
func (b *Bot) revokeToken(ctx context.Context, a *arrival) {
	at, d, q, ok := b.submittedTokens(ctx, a)
	if !ok {
		return
	}
	b.changeToken(ctx, a, at, d, q, tokenChange{
		doing: "Revoking the token", outcome: "revoked", done: tokenRevoked(at), failed: notRevoked,
		do: func(ctx context.Context, project gitlab.Project) error {
			return b.Tokens.RevokeTriggerToken(ctx, project.ID, at.Token)
		},
	})
}

// tokenChange is something that is done to a trigger token, and how people hear of it.
type tokenChange struct {
	doing, outcome string
	do             func(ctx context.Context, project gitlab.Project) error
	done           phrase
	failed         func(at tokensAt, err error) phrase
}

// changeToken closes the modal that was submitted, and says on the list below what is
// being done, and what came of it: once. Of a token that is revoked, or that has another
// name, a second delivery would say that somebody else did it.
func (b *Bot) changeToken(ctx context.Context, a *arrival, at tokensAt, d policy.Decision, q policy.Question, c tokenChange) {
	a.Ack(nil)
	view := &a.Interaction.View
	if !b.once.begin(strings.Join([]string{a.who.User, view.ID, view.PrivateMetadata}, " ")) {
		return
	}
	list := view.RootViewID
	_ = b.redraw(ctx, list, tokensWorking(at, d.Project, c.doing))
	err := b.inProject(ctx, at.Project, c.do)
	b.doneTo(ctx, a, d, q, c.outcome, at.Token, err)
	note := c.done
	if err != nil {
		note = c.failed(at, err)
	}
	if b.drawTokens(ctx, list, at, note) != nil {
		b.later(ctx, a, privately(note...)) // the list was closed
	}
}
