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
	if err := w.slack.WaitConnected(w.ctx, 2); err != nil {
		t.Fatal(err)
	}
	const requests = 4
	for range requests {
		w.ask(w.alice, w.channel, "main")
	}
	w.allFinal(requests)
	w.clean()
}

// allFinal ends so many pipelines, which are all there are, and waits until each has its
// card, final, and one reply.
func (w *world) allFinal(requests int) {
	w.t.Helper()
	w.pipeline(requests)
	for _, p := range w.project.Pipelines() {
		p.Finish("success")
	}
	final := func() bool { return w.finalCards() == requests && w.replies() == requests }
	if err := w.slack.Wait(w.ctx, final); err != nil {
		w.t.Errorf("%v: %d cards are final and %d have their reply, of %d", err, w.finalCards(), w.replies(), requests)
	}
	if got := len(w.project.Pipelines()); got != requests {
		w.t.Errorf("%d requests made %d pipelines", requests, got)
	}
}

// Replicas are started at the same time, and each makes what the store lacks: a cluster
// answers only one of those who make the same.
func TestReplicasStartTogether(t *testing.T) {
	w := newWorld(t)
	w.env["NATS_URL"] = startCluster(w.ctx, t).url()
	w.run()
	for range 2 {
		w.replica(nil)
	}
	if err := w.slack.WaitConnected(w.ctx, 3); err != nil {
		t.Fatal(err)
	}
	w.ask(w.alice, w.channel, "main")
	w.allFinal(1)
	w.clean()
}
