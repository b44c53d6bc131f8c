package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// soonEnough is how long people wait for an answer without a word.
const soonEnough = 1200 * time.Millisecond

// answering answers with what work brings; nothing, where that is a card that is seen.
// Where it takes longer than a moment, it says first what is being done. What a command was
// answered with stays, since Slack does not replace that
// (https://github.com/slackapi/bolt-js/issues/2287,
// https://github.com/slackapi/bolt-python/issues/1268): the answer comes below it, and
// there always is one, lest it seem that the work goes on.
func (b *Bot) answering(ctx context.Context, a *arrival, doing string, work func(context.Context) message) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	done := beside(func() message { return work(ctx) }) // waited for below, in any case
	wait := time.NewTimer(soonEnough)
	defer wait.Stop()
	select {
	case result := <-done:
		m := result()
		if m.Text == "" {
			a.Ack(nil)
			return
		}
		b.answer(ctx, a, m)
		return
	case <-wait.C:
	}
	b.answer(ctx, a, working(doing))
	m := (<-done)()
	// The time for the work may be over, and what came of it is still to be said.
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	if m.Text == "" {
		m = foundAfterAll()
	}
	b.tell(telling, a, m)
}

// beside does work while somebody waits for it. Its panic becomes theirs: where that is
// caught, it costs one answer and not the process.
func beside[T any](work func() T) <-chan func() T {
	done := make(chan func() T, 1)
	go func() {
		defer func() {
			if bad := recover(); bad != nil {
				at := debug.Stack()
				done <- func() T { panic(fmt.Sprintf("%v\n%s", bad, at)) } //nolint:forbidigo // it goes on where it was caught
			}
		}()
		result := work()
		done <- func() T { return result }
	}()
	return done
}

// foundAfterAll ends what working has begun, where the answer is a card.
func foundAfterAll() message {
	return privately(emoji("eyes"), words(" I found it: its card shows how it goes on."))
}

// working says what is being done.
func working(doing string) message {
	return privately(emoji("hourglass_flowing_sand"), words(" "+doing+" …"))
}
