package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// identity is who the bot is to Slack, and whether Slack takes its token.
type identity struct {
	api *slack.Client
	log *zap.Logger

	known chan struct{} // closed once Slack has said who the bot is
	once  sync.Once

	mu    sync.Mutex
	user  string
	home  string // the id of the workspace, "" while it is not known
	wrong error  // why the newest question was not answered
}

// These are sentences for people: Slack is a name.
var (
	errNotAsked    = errors.New("Slack was not asked yet who the bot is") //nolint:staticcheck // a name
	errUnreachable = errors.New("Slack cannot be reached")                //nolint:staticcheck // a name
	errBotToken    = errors.New("Slack rejects the bot token")            //nolint:staticcheck // a name
)

func newIdentity(api *slack.Client, log *zap.Logger) *identity {
	return &identity{api: api, log: log, known: make(chan struct{}), user: "pipebot", wrong: errNotAsked}
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
		err = fmt.Errorf("%w: %s", errBotToken, refused.Err)
	} else if err != nil || answer.TeamID == "" {
		err = errUnreachable
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) && (i.wrong == nil || i.wrong.Error() != err.Error()) {
		i.log.Error(err.Error())
	}
	i.wrong = err
	if err == nil {
		i.once.Do(func() { close(i.known) })
		i.user, i.home = answer.User, answer.TeamID
	}
	return err
}

// name is how people invite the bot.
func (i *identity) name() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.user
}

// team is the id of the workspace that the bot is installed in. It waits for Slack to
// say it: right after the start people may be quicker. "" is that ctx ended before.
func (i *identity) team(ctx context.Context) string {
	select {
	case <-i.known:
	case <-ctx.Done():
		return ""
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.home
}

// fault is why Slack does not take the bot's token, or nil.
func (i *identity) fault() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.wrong
}
