package socket

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

// Slack counts apps.connections.open as tier 1: at least one a minute, with bursts
// allowed. A server that closes each connection at once would have us open thousands a
// second; this stays close to the tier and still comes back soon. The burst is for the
// two connections of the start, their first renewal, and a bad minute of the network.
const (
	openBurst = 8
	openEvery = 20 * time.Second
)

// pace lets one connection be opened at a time, and none sooner than Slack bears.
type pace struct {
	one   chan struct{}               // is held by whoever opens
	turn  func(context.Context) error // returns when the next may be opened
	until time.Time                   // Slack asked to be left alone; belongs to who holds one
}

func newPace() *pace {
	return &pace{one: make(chan struct{}, 1), turn: rate.NewLimiter(rate.Every(openEvery), openBurst).Wait}
}

// do opens when it is its turn.
func (p *pace) do(ctx context.Context, open func() error) error {
	select {
	case p.one <- struct{}{}:
		defer func() { <-p.one }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := sleep(ctx, time.Until(p.until)); err != nil {
		return err
	}
	if err := p.turn(ctx); err != nil {
		return err
	}
	err := open()
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		p.until = time.Now().Add(limited.RetryAfter)
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
