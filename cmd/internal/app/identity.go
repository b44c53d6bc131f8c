package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// identity is who the bot is to Slack, and whether Slack takes its token.
type identity struct {
	api *slack.Client
	log *zap.Logger

	mu    sync.Mutex
	user  string
	wrong error // why the newest question was not answered
}

func newIdentity(api *slack.Client, log *zap.Logger) *identity {
	return &identity{api: api, log: log, user: "pipebot", wrong: errors.New("Slack was not asked yet")}
}

const (
	askAgain     = 10 * time.Minute // a token may be revoked
	askAgainSoon = 10 * time.Second
	askWithin    = 10 * time.Second
)

// keep asks Slack who the bot is, now and again, until ctx ends.
func (i *identity) keep(ctx context.Context) {
	for {
		wait := askAgain
		if err := i.ask(ctx); err != nil {
			wait = askAgainSoon
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

func (i *identity) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	answer, err := i.api.AuthTestContext(ctx)
	if refused, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		err = errors.New("Slack rejects the bot token: " + refused.Err)
	} else if err != nil {
		err = errors.New("Slack cannot be reached")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil && ctx.Err() != context.Canceled && (i.wrong == nil || i.wrong.Error() != err.Error()) {
		i.log.Error(err.Error())
	}
	i.wrong = err
	if err == nil {
		i.user = answer.User
	}
	return err
}

// name is how people invite the bot.
func (i *identity) name() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.user
}

// fault is why Slack does not take the bot's token, or nil.
func (i *identity) fault() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.wrong
}
