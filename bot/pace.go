package bot

import (
	"context"
	"sync"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"pipebot/bot/socket"
)

// How much one person may ask for: more than anybody does by hand, and too little to
// keep others waiting. Typing into a field counts for nothing.
const (
	askedEvery  = rate.Limit(1) // a second
	askedAtOnce = 15
)

// pace holds everybody to that.
type pace struct {
	mu     sync.Mutex
	people map[Asker]*rate.Limiter
}

// mostPaced bounds how many people are remembered; who is forgotten begins anew.
const mostPaced = 10_000

func (p *pace) allows(who Asker, e *socket.Envelope) bool {
	if e.Interaction != nil && e.Interaction.Type == slack.InteractionTypeBlockSuggestion {
		return true
	}
	who.Channel = ""
	if e.Event != nil {
		who.Channel = "events" // what somebody only looks at takes nothing from what they may ask for
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.people[who]
	if limiter == nil {
		if p.people == nil || len(p.people) >= mostPaced {
			p.people = make(map[Asker]*rate.Limiter)
		}
		limiter = rate.NewLimiter(askedEvery, askedAtOnce)
		p.people[who] = limiter
	}
	return limiter.Allow()
}

// tooQuick says so, at the place where it is seen and without asking anybody.
func (b *Bot) tooQuick(ctx context.Context, a *arrival) {
	const text = "That was a lot at once. Please wait a few seconds, then do it again: I did nothing this time."
	switch {
	case a.Event != nil:
		a.Ack(nil) // nobody waits for an answer
	case a.Command != nil:
		a.Ack(warning(words(text)).answer())
	case a.Interaction.Type == slack.InteractionTypeViewSubmission:
		a.Ack(refusedForm(&a.Interaction.View, text))
	default:
		a.Ack(nil)
		ctx, cancel := context.WithTimeout(ctx, actWithin)
		defer cancel()
		b.tell(ctx, a, warning(words(text)))
	}
}
