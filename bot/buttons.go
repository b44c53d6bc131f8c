package bot

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// cancel cancels the pipeline of a card.
func (b *Bot) cancel(ctx context.Context, a *arrival) { b.press(ctx, a, run.Cancel) }

// retry runs what failed in the pipeline of a card again.
func (b *Bot) retry(ctx context.Context, a *arrival) { b.press(ctx, a, run.Retry) }

// press does what a button of a card asks for. The card shows what came of it; only
// a failure needs words, and only the one who pressed hears them.
func (b *Bot) press(ctx context.Context, a *arrival, verb run.Verb) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	log := b.Log.With(zap.String("action", string(a.does)), zap.String("run", a.action.Value), zap.String("user", a.who.User))
	d, err := b.pressed(ctx, a, verb)
	switch {
	case err == nil:
		log.Info("a button was pressed")
	case errors.Is(err, errRefused):
		b.tell(ctx, a, b.refusedBy(d))
	default:
		log.Warn("a button's work failed", zap.NamedError("reason", err))
		b.tell(ctx, a, actionFailed(string(a.does), err))
	}
}

// errStale: the button is not one of the card that the run has.
var errStale = errors.New("the button is out of date")

// errRefused: the policy says no.
var errRefused = errors.New("the person may not do that")

// pressed finds the run of a button and asks whether the one who pressed it may.
func (b *Bot) pressed(ctx context.Context, a *arrival, verb run.Verb) (policy.Decision, error) {
	r, err := b.onCard(ctx, a.action.Value, cardOf(a.Interaction))
	if err != nil {
		return policy.Decision{}, err
	}
	q := questionOf(a.does, r, a.who)
	d, _ := b.ask(ctx, a, q, r)
	if d.Outcome != policy.Allow {
		return d, errRefused
	}
	act := run.Act{Verb: verb, By: a.who.User, Team: a.who.Team, At: time.Now().UTC()}
	err = b.Runs.Act(ctx, r.Project, r.Pipeline.ID, act, 0)
	b.Gate.done(ctx, d, a.who, q, r, "done", err)
	return d, err
}

// place is where a card is.
type place struct{ channel, card string }

func cardOf(in *slack.InteractionCallback) place {
	return place{channel: in.Channel.ID, card: in.Container.MessageTs}
}

// onCard finds the run of a button, whose value comes from outside: it is one only on
// the run's own card.
func (b *Bot) onCard(ctx context.Context, id string, at place) (run.Run, error) {
	r, err := b.findShown(ctx, id)
	switch {
	case errors.Is(err, run.ErrNotFound):
		return run.Run{}, errStale
	case err != nil:
		return run.Run{}, err
	case at.card == "" || at != place{r.Shown.Channel, r.Shown.Card}:
		return run.Run{}, errStale
	}
	return r, nil
}

const (
	cardWithin = time.Second
	cardEvery  = 20 * time.Millisecond
)

// findShown finds a run. People see a card a moment before it is written down where it
// is: who presses in that moment waits for it.
func (b *Bot) findShown(ctx context.Context, id string) (run.Run, error) {
	waiting, cancel := context.WithTimeout(ctx, cardWithin)
	defer cancel()
	again := time.NewTicker(cardEvery)
	defer again.Stop()
	for {
		r, err := b.Runs.Find(ctx, id)
		if err != nil || r.Shown.Card != "" {
			return r, err
		}
		select {
		case <-waiting.Done():
			return r, nil
		case <-again.C:
		}
	}
}
