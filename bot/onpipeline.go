package bot

import (
	"context"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// onPipeline does what somebody chose from a pipeline's menu. What it says it says
// privately: where they are, and from the app's home in their direct messages.
func (b *Bot) onPipeline(ctx context.Context, a *arrival, verb string, project gitlab.Project, id int64) {
	value := pipelineValue(project.ID, id)
	find := func(ctx context.Context) (run.Run, error) { return b.pipelineAt(ctx, value) }
	switch verb {
	case string(run.Cancel), string(run.Delete):
		b.confirm(ctx, a, run.Verb(verb), find)
	case "variables":
		b.variablesInModal(ctx, a, value)
	case "follow":
		a.does = policy.ActionView
		b.privatelyAbout(ctx, a, find, func(ctx context.Context, r run.Run, err error) message {
			return b.following(ctx, a, r, err, false)
		})
	case string(run.Retry):
		b.privatelyAbout(ctx, a, find, func(ctx context.Context, r run.Run, err error) message {
			return b.retried(ctx, a, r, err)
		})
	case string(run.Play):
		b.privatelyAbout(ctx, a, find, func(ctx context.Context, r run.Run, err error) message {
			if err != nil {
				return b.notFound(ctx, a, err)
			}
			return b.playNamed(ctx, a, r, "")
		})
	case "again":
		b.rerunFound(ctx, a, find)
	default:
		b.Log.Warn("a menu came back with something that it does not offer")
	}
}

// privatelyAbout looks for a pipeline, does something with it, and tells who acted what
// came of it.
func (b *Bot) privatelyAbout(ctx context.Context, a *arrival, find func(context.Context) (run.Run, error), do func(context.Context, run.Run, error) message) {
	b.answering(ctx, a, "Looking for the pipeline", func(ctx context.Context) message {
		r, err := find(ctx)
		return do(ctx, r, err)
	})
}

// rerunFound opens the form for another pipeline like this one, while the trigger id is
// good.
func (b *Bot) rerunFound(ctx context.Context, a *arrival, find func(context.Context) (run.Run, error)) {
	a.does = policy.ActionRun
	looking, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	r, err := find(looking)
	if err != nil {
		telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
		defer cancel()
		b.tell(telling, a, b.notFound(telling, a, err))
		return
	}
	b.rerun(ctx, a, r)
}
