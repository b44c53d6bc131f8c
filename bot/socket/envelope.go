package socket

import (
	"context"
	"sync"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
)

// Envelope is one thing that Slack tells. Exactly one of Command, Interaction and
// Event is set.
type Envelope struct {
	Command     *slack.SlashCommand
	Interaction *slack.InteractionCallback
	Event       *slackevents.EventsAPIEvent

	acceptsPayload bool
	send           func(payload any) bool
	settled        func() // called once it is acknowledged, or never will be
	once           sync.Once
}

// Ack acknowledges the envelope, with what Slack is to do or show (nil: nothing).
// Only the first call counts; a handler that makes none has its envelope
// acknowledged when it returns.
func (e *Envelope) Ack(payload any) {
	e.once.Do(func() {
		if payload == nil {
			payload = e.nothing()
		}
		if !e.acceptsPayload {
			payload = nil
		}
		// A submission whose answer cannot be sent stays open, with what was typed.
		if sent := e.send(payload); !sent && payload != nil && !e.submission() {
			e.send(e.nothing())
		}
		e.settled()
	})
}

// nothing is the least that Slack takes for an answer: a menu wants options, if
// none.
func (e *Envelope) nothing() any {
	if e.Interaction != nil && e.Interaction.Type == slack.InteractionTypeBlockSuggestion {
		return map[string][]string{"options": {}}
	}
	return nil
}

// submission reports whether a bare acknowledgement would close a modal as if all
// was well.
func (e *Envelope) submission() bool {
	return e.Interaction != nil && e.Interaction.Type == slack.InteractionTypeViewSubmission
}

// Handler works on one envelope. Slack waits 3 s for the acknowledgement, so it
// has to come within about 2.5 s; the context leaves some seconds more for what
// has to be done after it.
type Handler func(ctx context.Context, e *Envelope)
