package main

import "context"

func botLevers(b *bot) []*lever {
	return []*lever{
		{
			id: "restart-bot", side: "bot", kind: isPush, label: "Restart the bot",
			hint: "It stops and starts again, and goes on with what it was doing.",
			turn: func(ctx context.Context, on bool) error {
				if !on {
					return nil
				}
				if err := b.want(ctx, false); err != nil {
					return err
				}
				return b.want(ctx, true)
			},
		},
		{
			id: "stop-bot", side: "bot", kind: isSwitch, label: "Stop the bot",
			hint: "Nobody answers, and what people do is lost or waits.",
			turn: func(ctx context.Context, on bool) error { return b.want(ctx, !on) },
			isOn: func() bool { return !b.running() },
		},
	}
}
