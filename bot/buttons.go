package bot

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
)

// errStale: the button is not one of the card that the run has.
var errStale = errors.New("the button is out of date")

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
