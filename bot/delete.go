package bot

import (
	"context"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

func deleteCommand() command {
	return command{
		name: "delete", usage: targetUsage, summary: "delete a pipeline for good; I ask first", example: "delete 4711",
		action: policy.ActionDelete, handle: (*Bot).deleteTyped,
	}
}

// deleteTyped asks whether the pipeline that somebody typed shall be deleted.
func (b *Bot) deleteTyped(ctx context.Context, a *arrival) {
	b.confirmTyped(ctx, a, deleteCommand(), run.Delete)
}
