package main_test

import (
	"context"
	"flag"
	"sync"
	"testing"
	"time"
)

// How pipebot is tortured. The short form is part of every test run; the long form is
//
//	go test ./cmd/pipebot -run Torture -kills 200 -v
//
// which is 200 kills of one replica and 100 of two on a cluster of three NATS servers. A
// run prints its seed; the same seed does the same things in the same order again:
//
//	go test ./cmd/pipebot -run Torture -kills 200 -seed 4711 -v
//
// It takes seven minutes; on a machine with other things to do it may take more than the
// ten that go test allows: add -timeout 30m there. With -artifacts a run that fails keeps
// all that the processes said.
var (
	kills = flag.Int("kills", 8, "how many times TestTorture kills one replica; half as often two")
	seed  = flag.Uint64("seed", 0, "the seed of TestTorture's plan; 0 takes one from the clock")
)

// People work, and things are done to pipebot, to Slack and to GitLab meanwhile: see
// troubles for what, and moments for when. In the end every request that was taken has one
// pipeline, one card in its last state and one reply for each end.
func TestTorture(t *testing.T) {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", s) // now, for a run that never comes to its end
	t.Run("one replica", func(t *testing.T) {
		t.Parallel()
		torture(t, s, *kills, 1)
	})
	t.Run("two replicas", func(t *testing.T) {
		t.Parallel()
		torture(t, s, (*kills+1)/2, 2)
	})
}

// A kill comes with a round of work, which takes a second or two; what a round may take on
// a machine with little to give is this. The last of it is for what is unfinished then.
const (
	roundPatience = 10 * time.Second
	calmPatience  = 2 * time.Minute
)

func torture(t *testing.T, seed uint64, kills, replicas int) {
	t.Helper()
	p := newPlan(seed, kills, replicas)
	town := newTown(t, replicas, time.Duration(len(p))*roundPatience+calmPatience)
	begin := time.Now()
	for i, r := range p {
		town.live(r)
		if i%50 == 49 {
			t.Logf("%d of %d rounds in %s", i+1, len(p), time.Since(begin).Round(time.Second))
		}
	}
	worked := time.Since(begin)
	v := town.calm()
	town.countLooks()
	town.countCalls()
	settled := time.Since(begin) - worked
	t.Logf("seed %d: %d rounds in %s, and %s until all was final\n%s",
		seed, len(p), worked.Round(time.Second), settled.Round(time.Second), v.report(town.done, town.back))
	if !v.right() {
		t.Errorf("something is lost, doubled or not final; see above")
		town.explain(v)
	}
}

// live is one round: what people do, what the weather is like meanwhile, and the blow.
func (t *town) live(r round) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, trouble := range append(r.weather, r.blow) {
		reached := moments()[trouble.when](t, trouble)
		all.Go(func() {
			reached()
			t.count(trouble.what)
			troubles()[trouble.what](t, trouble)
		})
	}
	for _, errand := range r.errands {
		all.Go(func() { t.goAbout(errand) })
	}
}

// calm ends all troubles and waits until nothing is left to do: pipebot says that all is
// at rest, and all is right. Where it does not become right, the last verdict tells why.
func (t *town) calm() verdict {
	t.fair()
	ctx, cancel := context.WithTimeout(t.ctx, calmPatience)
	defer cancel()
	// A process has no way to tell that it is at rest but to be asked.
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		atRest := t.atRest()
		v := t.look().judge()
		if v.right() && atRest {
			return v
		}
		select {
		case <-ctx.Done():
			if !atRest {
				t.t.Error("pipebot is still not at rest")
			}
			return v
		case <-again.C:
		}
	}
}
