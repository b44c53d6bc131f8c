package bot

import (
	"context"
	"errors"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/run"
)

// press does what a button of a card asks for. The card shows what came of it; only
// a failure needs words, and only the one who pressed hears them.
func (b *Bot) press(ctx context.Context, in *slack.InteractionCallback, action *slack.BlockAction, verb string, do func(context.Context, string) error) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	err := b.pressed(ctx, in, action.Value, do)
	if err == nil {
		b.Log.Info("a button was pressed", zap.String("verb", verb), zap.String("run", action.Value), zap.String("user", in.User.ID))
		return
	}
	b.Log.Warn("a button's work failed", zap.String("verb", verb), zap.String("run", action.Value), zap.NamedError("reason", err))
	asker := recipient{User: in.User.ID, Channel: in.Channel.ID, ReplyURL: in.ResponseURL}
	_ = b.Tell.privately(ctx, asker, actionFailed(verb, err)) // it logs where no way works
}

// errStale: the button is not one of the card that the run has.
var errStale = errors.New("the button is out of date")

// errForeign: a shared channel has people of other workspaces in it.
var errForeign = errors.New("the person is of another workspace")

// pressed checks the button's value, which comes from outside, against the run.
func (b *Bot) pressed(ctx context.Context, in *slack.InteractionCallback, id string, do func(context.Context, string) error) error {
	r, err := b.Runs.Find(ctx, id)
	if errors.Is(err, run.ErrNotFound) {
		return errStale
	}
	if err != nil {
		return err
	}
	if r.Shown.Card != in.Container.MessageTs || r.Shown.Channel != in.Channel.ID {
		return errStale
	}
	if in.User.TeamID != "" && r.Request.Team != "" && in.User.TeamID != r.Request.Team {
		return errForeign
	}
	return do(ctx, id)
}
