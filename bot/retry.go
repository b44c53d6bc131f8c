package bot

import (
	"context"
	"slices"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func retryCommand() command {
	return command{
		name: "retry", usage: targetUsage, summary: "run what failed in a pipeline again", example: "retry 4711",
		action: policy.ActionRetry, handle: (*Bot).retryTyped,
	}
}

// retryTyped runs again what failed in the pipeline that somebody typed.
func (b *Bot) retryTyped(ctx context.Context, a *arrival) {
	t, ok := b.targetTyped(ctx, a, retryCommand())
	if !ok {
		return
	}
	b.answering(ctx, a, "Looking for the pipeline", func(ctx context.Context) message {
		r, err := b.find(ctx, a, t)
		return b.retried(ctx, a, r, err)
	})
}

// retried runs again what failed in a pipeline that was looked for, and says what came of
// it.
func (b *Bot) retried(ctx context.Context, a *arrival, r run.Run, err error) message {
	if err != nil {
		return b.notFound(ctx, a, err)
	}
	d, err := b.act(ctx, a, r, run.Retry, gitlab.Job{})
	if err != nil {
		return b.notActed(run.Retry, r, d, err)
	}
	return b.withFollow(a, r, acted(run.Retry, r, ""))
}

// acted says what was done to a pipeline. job is the one that was started.
func acted(verb run.Verb, r run.Run, job string) message {
	var said phrase
	switch verb {
	case run.Retry:
		said = append(say(emoji("arrows_counterclockwise"), words(" Retrying ")), pipelineNamed(r)...)
	case run.Play:
		said = append(say(emoji("arrow_forward"), words(" Started "), code(shortenMiddle(job, jobNameSize)), words(" in ")), pipelineNamed(r)...)
	case run.Cancel:
		said = append(say(emoji("black_square_for_stop"), words(" Canceling ")), pipelineNamed(r)...)
	case run.Delete:
		r.Deleted = true // its page is gone
		said = append(append(say(emoji("wastebasket"), words(" ")), pipelineNamed(r)...), words(" is deleted"))
	}
	return privately(append(said, words("."))...)
}

// repeated answers what came once more. Who took it the first time may have died over it,
// so nobody knows here what came of it; it is not done again for that.
func repeated(r run.Run) message {
	said := append(say(emoji("information_source"), words(" This came to me twice, and I ask GitLab for it only once. ")), pipelineNamed(r)...)
	return privately(append(said, words(" shows what comes of it; if nothing does in a minute, please do it again."))...)
}

// withFollow adds the button that follows a pipeline, where it has no card yet.
func (b *Bot) withFollow(a *arrival, r run.Run, m message) message {
	for _, s := range b.History.Shown(r.Project.ID, r.Pipeline.ID) {
		// From the app's home, where there is no channel, people follow for themselves.
		if s.Channel == placeOf(a.who) || a.who.Channel == "" && s.Asker == a.who.User {
			return m
		}
	}
	return followable(r, m)
}

// followable is a message about a pipeline with a button that follows it.
func followable(r run.Run, m message) message {
	follow := slack.NewButtonBlockElement(actionFollow, pipelineValue(r.Project.ID, r.Pipeline.ID), plain("Follow"))
	m.Blocks = append(slices.Clone(m.Blocks), slack.NewActionBlock("follow", follow))
	return m
}
