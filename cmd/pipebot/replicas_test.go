package main_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// replicas are two bots on one cluster.
type replicas struct {
	*world
	cluster *cluster
	a, b    *process
	ready   string // the address of a's health checks
}

// newReplicas starts them one after the other: that takes a second, and both at once three.
func newReplicas(t *testing.T) *replicas {
	t.Helper()
	w := newWorld(t)
	r := &replicas{world: w, cluster: startCluster(w.ctx, t), ready: freeAddress(t)}
	w.env["NATS_URL"] = r.cluster.url()
	r.a = w.replica(map[string]string{"HTTP_ADDR": r.ready})
	w.bot = r.a
	r.connected(1)
	r.b = w.replica(nil)
	r.connected(2)
	return r
}

// connected waits until so many bots have their two connections to Slack.
func (w *world) connected(bots int) {
	w.t.Helper()
	if err := w.slack.WaitConnected(w.ctx, 2*bots); err != nil {
		w.t.Fatalf("waiting for the connections of %d bots: %v", bots, err)
	}
}

// final waits until so many requests, which are all there are, have one pipeline, one
// card in its last state and one reply each, and no card has ever gone back.
func (w *world) final(requests int) {
	w.t.Helper()
	final := func() bool { return w.finalCards() == requests && w.replies() == requests }
	if err := w.slack.Wait(w.ctx, final); err != nil {
		w.t.Errorf("%v: %d cards are final and %d have their reply, of %d", err, w.finalCards(), w.replies(), requests)
	}
	started := make(map[string]bool)
	for _, p := range w.project.Pipelines() {
		id, _ := p.Variable("PIPEBOT_RUN_ID")
		if started[id] {
			w.t.Errorf("the request %s was started twice", id)
		}
		started[id] = true
	}
	if len(started) != requests || len(w.channel.Messages(nil)) != requests {
		w.t.Errorf("%d requests made %d pipelines and %d cards", requests, len(started), len(w.channel.Messages(nil)))
	}
	for _, card := range w.channel.Messages(nil) {
		newest := 0
		for _, revision := range card.Revisions {
			text := revision.Read(time.Now())
			age := progressOf(text)
			if age < newest {
				w.t.Errorf("a card has gone back to an older state:\n%s", text)
			}
			newest = age
		}
	}
}

// progressOf is how far what a card shows has come.
func progressOf(card string) int {
	switch {
	case strings.Contains(card, ":white_check_mark: Passed"):
		return 2
	case strings.Contains(card, "Running"):
		return 1
	default:
		return 0
	}
}

// finish has all pipelines end.
func (w *world) finish(count int) {
	w.t.Helper()
	w.pipeline(count)
	for _, p := range w.project.Pipelines() {
		p.Finish("success")
	}
}

// load is people who ask for pipelines all the time.
type load struct {
	w     *world
	taken chan struct{} // one for each request that was taken
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu       sync.Mutex
	requests []wish // that were taken
}

// load has people ask for pipelines, one after the other, each as somebody does who tries
// again until the form is taken. What they are told in between is not looked at.
func (w *world) load(names ...string) *load {
	w.t.Helper()
	w.gitlab.Auto(50)
	ctx, cancel := context.WithCancel(w.ctx)
	l := &load{w: w, taken: make(chan struct{}), stop: cancel}
	for _, name := range names {
		who := w.person(name, gitlabtest.Developer)
		w.channel.Invite(who)
		l.ended.Go(func() {
			for ctx.Err() == nil {
				run, ok := w.takes(who) //nolint:contextcheck // what was submitted is brought to its end
				if !ok {
					continue
				}
				l.mu.Lock()
				l.requests = append(l.requests, wish{key: run, run: run, answer: taken, at: time.Now()})
				l.mu.Unlock()
				select {
				case l.taken <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	w.t.Cleanup(func() { l.end() })
	return l
}

// end stops them and returns how many requests were taken in all.
func (l *load) end() int {
	l.stop()
	l.ended.Wait()
	return len(l.requests)
}

// takenOver is how long those requests waited after a kill that had been taken before it
// and were not started then.
func (l *load) takenOver(kill time.Time) []time.Duration {
	seen := tally{wishes: l.requests, kills: []time.Time{kill}}
	for _, p := range l.w.project.Pipelines() {
		run, _ := p.Variable("PIPEBOT_RUN_ID")
		seen.pipelines = append(seen.pipelines, standing{key: run, run: run, created: p.CreatedAt()})
	}
	return seen.judge().takenOver
}

// goesOn waits for a few more requests that are taken.
func (l *load) goesOn() {
	l.w.t.Helper()
	for range 3 {
		select {
		case <-l.taken:
		case <-l.w.ctx.Done():
			l.w.t.Fatal("no request is taken any more")
		}
	}
}

// takes reports whether a request was taken, and what pipebot calls it. A form that was
// submitted once is submitted until it is: what became of the first time is not known.
func (w *world) takes(who *slacktest.User) (run string, ok bool) {
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	if who.Command(ctx, w.channel, "/pipeline", "") != nil {
		return "", false
	}
	modal, err := who.Modal(ctx)
	if err != nil || modal.Choose(ctx, "Branch or tag", "main") != nil {
		return "", false
	}
	for w.ctx.Err() == nil {
		if result, err := anyway(w.ctx, modal); err == nil && result.Closed {
			return modal.ID(), true
		}
	}
	return "", false
}

// A form that one bot opened may be submitted to the other: envelopes go to the two in
// turn. Each request has one pipeline, one card and one reply.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	const requests = 4
	for range requests {
		r.ask(r.alice, r.channel, "main")
	}
	r.finish(requests)
	r.final(requests)
	r.clean()
}

// Replicas are started at the same time, and each makes what the store lacks: a cluster
// answers only one of those who make the same.
func TestReplicasStartTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["NATS_URL"] = startCluster(w.ctx, t).url()
	w.run()
	for range 2 {
		w.replica(nil)
	}
	w.connected(3)
	w.ask(w.alice, w.channel, "main")
	w.finish(1)
	w.final(1)
	w.clean()
}

// With a node down at the very first start, the bot waits: what it made with one replica
// would be gone with that one's server, for good. What was kept once so far is kept three
// times from then on.
func TestReplicasWaitForTheirCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := startCluster(w.ctx, t)
	w.env["NATS_URL"], w.env["HTTP_ADDR"] = c.url(), freeAddress(t)
	c.make("PIPEBOT_AUDIT", "pipebot.audit.*")
	c.stop(2)
	w.run()
	w.readyz(w.env["HTTP_ADDR"], 503, "store: it is not open yet")
	c.start(2)
	w.readyz(w.env["HTTP_ADDR"], 200, "ready")
	kept := c.kept()
	if len(kept) != 5 {
		t.Errorf("the streams are %v", kept)
	}
	for stream, replicas := range kept {
		if replicas != 3 {
			t.Errorf("%s is kept %d times", stream, replicas)
		}
	}
}

// readyz waits until /readyz answers like this.
func (w *world) readyz(address string, code int, text string) {
	w.t.Helper()
	err := eventually(w.ctx, func() error {
		got, body := w.get("http://" + address + "/readyz")
		if got == code && strings.Contains(body, text) {
			return nil
		}
		return fmt.Errorf("/readyz answers %d, want %d and %q:\n%s", got, code, text, body)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// kill -9 under load: what the dead one had in hand the other one brings to its end, and
// starts nothing a second time.
func TestReplicaDies(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	r.gitlab.Fault(gitlabtest.Match{Method: "POST"}, gitlabtest.Fault{Delay: 100 * time.Millisecond}) // so that it dies before the answer
	people := r.load("bob", "carol")
	people.goesOn()
	killed := time.Now()
	r.b.kill()
	people.goesOn()
	r.final(people.end())
	t.Logf("from the kill to the starts that it interrupted, median and worst: %s", spread(people.takenOver(killed)))
}

// One that was stopped for longer than its work waits for it, and wakes up: the other one
// has gone on, and what is on the cards stays there.
func TestReplicaHangs(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	const requests = 4
	for range requests {
		r.ask(r.alice, r.channel, "main")
	}
	r.pipeline(requests)
	for _, p := range r.project.Pipelines() {
		p.Start()
	}
	for range requests {
		r.card(r.channel, "Running")
	}
	r.b.hang()
	t.Cleanup(r.b.cont) // also where the test has failed: it could not be stopped
	r.finish(requests)
	r.final(requests)
	r.b.cont()
	r.ask(r.alice, r.channel, "main")
	r.finish(requests + 1)
	r.final(requests + 1)
}

// A new version is rolled out under load: each bot is stopped and started, and then each
// node of the cluster.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	people := r.load("bob", "carol")
	people.goesOn()
	for _, old := range []*process{r.a, r.b} {
		if code := old.stopBy(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d", code)
		}
		people.goesOn()
		r.replica(nil)
		r.connected(2)
	}
	for i := range r.cluster.nodes {
		r.cluster.stop(i)
		people.goesOn()
		r.cluster.start(i)
		r.cluster.whole() // or the next one may take the only copy with it
	}
	r.final(people.end())
}

// A server that hangs, which keeps its connections, is left for another one.
func TestClusterNodeHangs(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	people := r.load("bob", "carol")
	people.goesOn()
	r.cluster.hang(0)
	people.goesOn()
	r.cluster.cont(0)
	r.final(people.end())
}

// Without a quorum nothing can be written down, and without any server nothing can be read:
// people are told so while what they typed stays, /readyz says it, and afterwards all goes on.
func TestReplicaCutOff(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ cut, mend func(c *cluster) }{
		"from most servers, which die": {
			func(c *cluster) { c.kill(0); c.kill(1) },
			func(c *cluster) { c.start(0); c.start(1) },
		},
		"from all servers, which hang": {
			func(c *cluster) { c.hang(0); c.hang(1); c.hang(2) },
			func(c *cluster) { c.cont(0); c.cont(1); c.cont(2) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicas(t)
			modal := r.open(r.alice, r.channel)
			r.choose(modal, "main")
			test.cut(r.cluster)
			r.readyz(r.ready, 503, "store: ")
			result, err := modal.Submit(r.ctx)
			if err != nil || result.Closed || len(result.Errors) == 0 {
				t.Errorf("the form was submitted: %+v, %v", result, err)
			}
			for _, text := range result.Errors {
				if !strings.Contains(text, "just now") || !strings.Contains(text, "my own records") || !strings.Contains(text, "again") {
					t.Errorf("the form says %q", text)
				}
			}
			if err := r.alice.Command(r.ctx, r.channel, "/pipeline", "run main"); err != nil {
				t.Error(err)
			}
			r.told(r.alice, r.channel, "just now", "my own records", "again")
			test.mend(r.cluster)
			r.readyz(r.ready, 200, "ready")
			for result.Closed = false; !result.Closed && r.ctx.Err() == nil; { // each bot comes to know in its own time
				if result, err = anyway(r.ctx, modal); err != nil {
					t.Error(err)
				}
			}
			r.finish(1)
			r.final(1)
			r.clean() // nobody waited for more than three seconds
		})
	}
}
