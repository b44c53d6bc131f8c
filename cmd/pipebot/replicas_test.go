package main_test

import (
	"testing"
)

// Two bots share one cluster: a form that one of them opened may be submitted to the
// other, and each request has one pipeline, one card and one reply.
func TestTwoReplicas(t *testing.T) {
	w := newWorld(t)
	w.env["NATS_URL"] = startCluster(w.ctx, t).url()
	w.start()
	w.replica(nil)
	if err := w.slack.WaitConnected(w.ctx, 4); err != nil {
		t.Fatal(err)
	}
	const requests = 4
	for range requests {
		w.ask(w.alice, w.channel, "main")
	}
	w.pipeline(requests)
	for _, p := range w.project.Pipelines() {
		p.Finish("success")
	}
	final := func() bool { return w.finalCards() == requests && w.replies() == requests }
	if err := w.slack.Wait(w.ctx, final); err != nil {
		t.Errorf("%v: %d cards are final and %d have their reply, of %d", err, w.finalCards(), w.replies(), requests)
	}
	if got := len(w.project.Pipelines()); got != requests {
		t.Errorf("%d requests made %d pipelines", requests, got)
	}
	w.clean()
}
