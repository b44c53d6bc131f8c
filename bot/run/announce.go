package run

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// sweepEvery is how often every record that is not at rest gets its tokens. It is
// what makes up for any token that was lost.
const sweepEvery = 5 * time.Second

// announce makes the tokens of work that the run needs.
func (q *queue) announce(ctx context.Context, r Run) {
	switch r.State {
	case Held, Requested, Starting:
		q.publish(ctx, kindRun, r.Request.ID)
	case Started:
		q.publish(ctx, kindPoll, projectKey(r.Project.ID))
		if r.strays() {
			q.publish(ctx, kindRun, r.Request.ID)
		}
	case Ended, Refused, Unknown:
	}
	if len(r.Doing) > 0 {
		q.publish(ctx, kindRun, r.Request.ID)
	}
	q.announceCard(ctx, r)
}

func (q *queue) announceCard(ctx context.Context, r Run) {
	if !r.current() {
		q.publish(ctx, kindCard, r.Request.ID)
	}
}

// sweep announces everything, again and again.
func (e *Engine) sweep(ctx context.Context) {
	tick := time.NewTicker(e.sweeps)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if e.Ready() != nil {
				continue // the watch begins anew when the store is back, and tells all
			}
			err := guarded(func() error {
				for _, r := range onePerToken(e.live.all()) {
					e.queue.announce(ctx, r)
				}
				return nil
			})
			if err != nil {
				e.Log.Error("a sweep ended early", zap.Error(err))
			}
		}
	}
}

// onePerToken leaves out the runs whose only token another run has already.
func onePerToken(all []Run) (runs []Run) {
	polled := make(map[int64]bool)
	for _, r := range all {
		if r.State == Started && r.current() && !r.strays() && len(r.Doing) == 0 {
			if polled[r.Project.ID] {
				continue
			}
			polled[r.Project.ID] = true
		}
		runs = append(runs, r)
	}
	return runs
}
