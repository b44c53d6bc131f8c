package main

import (
	"context"
	"time"

	"pipebot/bot/slacktest"
)

const (
	// limitTime is how long Slack takes no messages: it asks for some seconds of patience, not for minutes.
	limitTime = 10 * time.Second
	// twice is how many envelopes come twice: a command, and what is done in the modal that it opens.
	twice = 3
)

func slackLevers(s *slacktest.Server) []*lever {
	acks := 0 // when "twice" was armed; levers are turned one after the other
	return []*lever{
		{
			id: "drop-connection", side: "slack", kind: isPush, label: "Drop the connections",
			hint: "The WebSockets break without a word.",
			turn: func(_ context.Context, on bool) error {
				if on {
					s.DropConnections()
				}
				return nil
			},
		},
		{
			id: "refresh-connection", side: "slack", kind: isPush, label: "Refresh the connections",
			hint: "Slack asks the app to connect anew, as it does every few hours, but for both connections at once.",
			turn: func(_ context.Context, on bool) error {
				if on {
					s.Disconnect("refresh_requested")
				}
				return nil
			},
		},
		{
			id: "deliver-twice", side: "slack", kind: isPush, label: "Deliver twice",
			hint: "Slack delivers the next 3 things that people do twice.",
			turn: func(_ context.Context, on bool) error {
				acks = len(s.Acks())
				if on {
					s.RedeliverNext(twice)
				} else {
					s.RedeliverNext(0)
				}
				return nil
			},
			spent: func() bool { return len(s.Acks()) >= acks+2*twice },
		},
		{
			id: "slack-rate-limit", side: "slack", kind: isPush, label: "Rate limit for 10 s", span: limitTime,
			hint: "Slack takes no new and no changed messages, and says when it will.",
			turn: func(_ context.Context, on bool) error {
				d := limitTime
				if !on {
					d = 0
				}
				for _, method := range []string{"chat.postMessage", "chat.update"} {
					s.RateLimitFor(method, d)
				}
				return nil
			},
		},
	}
}
