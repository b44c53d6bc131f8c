package bot

import (
	"context"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

func cancelCommand() command {
	return command{
		name: "cancel", usage: targetUsage, summary: "stop a pipeline; I ask first", example: "cancel group/app #42",
		action: policy.ActionCancel, handle: (*Bot).cancelTyped,
	}
}

// cancelTyped asks whether the pipeline that somebody typed shall be canceled.
func (b *Bot) cancelTyped(ctx context.Context, a *arrival) {
	b.confirmTyped(ctx, a, cancelCommand(), run.Cancel)
}
