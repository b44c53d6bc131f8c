package run_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// From Submit to the POST to GitLab, while nothing else is done.
func BenchmarkSubmitToStart(b *testing.B) {
	w := newWorld(b)
	started := make(chan time.Time, 1)
	w.gitlab.on(func(_ context.Context, op string) error {
		if op == "start" {
			started <- time.Now()
		}
		return nil
	}, nil)
	w.poll, w.sweep = time.Hour, time.Hour // nothing else to do
	w.start()
	var took []time.Duration
	for b.Loop() {
		id := fmt.Sprint("V", len(took))
		begin := time.Now()
		w.submit(id)
		took = append(took, (<-started).Sub(begin))
		b.StopTimer()
		w.showsState(id, run.Started)
		b.StartTimer()
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// One round over a thousand running pipelines in ten projects, where every second
// round reads their progress and nothing has changed.
func BenchmarkPollThousandRuns(b *testing.B) {
	const projects, each = 10, 100
	for _, reads := range []bool{false, true} {
		b.Run(fmt.Sprintf("progress %t", reads), func(b *testing.B) {
			w := newWorld(b)
			w.poll = time.Hour
			if reads {
				w.poll = 0
			}
			w.prepare()
			for p := range projects {
				for i := range each {
					w.follow(gitlab.Project{ID: int64(100 + p)}, fmt.Sprintf("P%d-%d", p, i))
				}
			}
			if err := w.engine.Mirror(w.ctx); err != nil {
				b.Fatal(err)
			}
			round := func() {
				for p := range projects {
					w.engine.Poll(w.ctx, int64(100+p))
				}
			}
			round() // the first one reads everything
			lists, batches := w.gitlab.called("list"), w.gitlab.called("observe")
			rounds := 0
			b.ReportAllocs()
			for b.Loop() {
				round()
				rounds++
			}
			b.ReportMetric(float64(w.gitlab.called("list")-lists)/float64(rounds), "lists/round")
			b.ReportMetric(float64(w.gitlab.called("observe")-batches)/float64(rounds), "batches/round")
		})
	}
}
