package main_test

import (
	"context"
	"net/http"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// What is done to pipebot.
const (
	killed     = "kills (kill -9)"
	killedSoon = "kills, and again while it starts"
	allKilled  = "kills of all replicas at once"
	terminated = "restarts (SIGTERM)"
	asleep     = "stops for longer than work stays (SIGSTOP)"
	nodeKilled = "NATS nodes killed"
)

// And what to Slack and GitLab. Of some it is only settled beforehand what is to become of
// the next call: countCalls says of how many it has.
const (
	redelivered   = "times that Slack was to deliver envelopes again"
	dropped       = "connections dropped"
	slackFailed   = "times that Slack was to fail a call"
	slackLimited  = "times that Slack was to put off a call (429)"
	gitlabRefused = "outages of GitLab (no connection)"
	gitlabDown    = "outages of GitLab (503)"
	gitlabLimited = "times that GitLab was to put off requests (429)"
	answerLost    = "times that the answer to a start was to be lost"
	startLate     = "times that GitLab was to do a start late"
)

// weathers is how often what happens to Slack and GitLab, and to the cluster.
func weathers(replicas int) []chance {
	all := []chance{
		{redelivered, 6},
		{dropped, 2},
		{slackFailed, 4},
		{slackLimited, 2},
		{gitlabRefused, 1},
		{gitlabDown, 1},
		{gitlabLimited, 2},
		{answerLost, 4},
		{startLate, 3},
	}
	if replicas > 1 {
		all = append(all, chance{asleep, 1}, chance{nodeKilled, 2})
	}
	return all
}

// outage is the longest that something is away in a plan that has many of them.
const outage = 1500 * time.Millisecond

// part is so much of a duration.
func part(of time.Duration, amount float64) time.Duration {
	return time.Duration(float64(of) * amount)
}

// troubles are what can be done.
func troubles() map[string]func(*town, trouble) {
	return map[string]func(*town, trouble){
		killed: func(t *town, x trouble) { t.kill(t.bots[x.bot]) },
		killedSoon: func(t *town, x trouble) {
			t.bots[x.bot].kill()
			<-time.After(part(300*time.Millisecond, x.amount))
			t.kill(t.bots[x.bot])
		},
		allKilled:  func(t *town, _ trouble) { t.kill(t.bots...) },
		terminated: func(t *town, x trouble) { t.bots[x.bot].terminate() },
		// Its work goes to the other one after 5 seconds, and then it wakes.
		asleep:     func(t *town, x trouble) { t.bots[x.bot].sleep(5500*time.Millisecond + part(time.Second, x.amount)) },
		nodeKilled: (*town).killNode,

		redelivered:  func(t *town, x trouble) { t.slack.RedeliverNext(1 + int(3*x.amount)) },
		dropped:      func(t *town, _ trouble) { t.slack.DropConnections() },
		slackFailed:  failSlack,
		slackLimited: func(t *town, x trouble) { t.slack.RateLimit(slackMethod(x.amount), 1, time.Second) },

		gitlabRefused: func(t *town, x trouble) {
			t.gitlab.Refuse(true)
			<-time.After(part(outage, x.amount))
			t.gitlab.Refuse(false)
		},
		gitlabDown: func(t *town, x trouble) {
			t.gitlab.Down(true)
			<-time.After(part(outage, x.amount))
			t.gitlab.Down(false)
		},
		gitlabLimited: func(t *town, x trouble) {
			t.fault(gitlabtest.Match{}, gitlabtest.Fault{
				Times: 1 + int(5*x.amount), Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Body: "Retry later\n",
			})
		},
		answerLost: func(t *town, x trouble) {
			// GitLab has done two of three; nobody who gets no answer can tell which.
			f := gitlabtest.Fault{Times: 1 + int(2*x.amount), Applied: int(1000*x.amount)%3 > 0, Cut: true}
			if x.into > 0.5 {
				f.Cut, f.Status = false, http.StatusBadGateway
			}
			t.fault(startRequests(), f)
		},
		startLate: func(t *town, x trouble) {
			// From before the answer is given up to as late as GitLab may, but for what a busy
			// machine needs to notice.
			const first, last = tortureStartTimeout / 2, tortureStartTimeout + tortureStartSettle - time.Second
			late := first + part(last-first, x.amount)
			t.fault(startRequests(), gitlabtest.Fault{Times: 1, ApplyAfter: late})
		},
	}
}

// startRequests are the requests that start a pipeline, by a trigger token or without.
func startRequests() gitlabtest.Match {
	return gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/pipeline"}
}

// fault is one that ends with the others, if not before.
func (t *town) fault(match gitlabtest.Match, f gitlabtest.Fault) {
	end := t.gitlab.Fault(match, f)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, end)
}

// slackMethod is one of those by which pipebot shows runs.
func slackMethod(amount float64) string {
	methods := []string{"chat.postMessage", "chat.update", "conversations.history", "conversations.replies"}
	return methods[int(amount*float64(len(methods)))]
}

// failSlack fails one call, which Slack has done all the same or has not.
func failSlack(t *town, x trouble) {
	status := 0 // the connection is cut
	if x.into < 0.5 {
		status = http.StatusInternalServerError
	}
	applied := int(1000*x.amount)%2 == 0
	t.slack.HTTPFailNext(slackMethod(x.amount), status, "", applied)
}

// kill kills bots, and finds out when somebody gets an answer again.
func (t *town) kill(bots ...*machine) {
	begin := time.Now()
	for _, bot := range bots {
		bot.kill()
	}
	t.mu.Lock()
	t.kills = append(t.kills, begin)
	t.mu.Unlock()
	for t.ctx.Err() == nil {
		if t.witness.Command(t.ctx, t.channels[0], "/pipeline", "help") == nil {
			break
		}
	}
	t.mu.Lock()
	t.back = append(t.back, time.Since(begin))
	t.mu.Unlock()
}

// killNode kills a node of the cluster, and brings it back.
func (t *town) killNode(x trouble) {
	t.nodes.Lock()
	defer t.nodes.Unlock()
	node := int(x.amount * float64(len(t.cluster.nodes)))
	t.cluster.kill(node)
	<-time.After(part(2*outage, x.into))
	if err := t.cluster.tryStart(node); err != nil {
		t.t.Error(err)
		return
	}
	t.cluster.whole()
}

// The moments at which something is done.
const (
	anytime    = "at any time"
	submitting = "while Run is being pressed"
	starting   = "between a start and its answer"
	posting    = "between a post and its answer"
	editing    = "between an edit and its answer"
)

// momentsOf is how often what is done when.
func momentsOf(what string) []chance {
	switch what {
	case killed, killedSoon, allKilled, terminated, asleep:
		return []chance{{anytime, 3}, {submitting, 3}, {starting, 4}, {posting, 3}, {editing, 1}}
	default:
		return []chance{{anytime, 1}}
	}
}

// moments prepare for a moment and return what waits for it. The answer that it is before
// is held back, so that there is a moment; and who waits in vain goes on after a while.
func moments() map[string]func(*town, trouble) (reached func()) {
	const held = 150 * time.Millisecond
	return map[string]func(*town, trouble) func(){
		anytime: func(_ *town, x trouble) func() {
			return func() { <-time.After(part(outage, x.into)) }
		},
		submitting: func(t *town, x trouble) func() {
			pressed := t.pressing.next()
			return func() {
				select {
				case <-pressed:
					<-time.After(part(60*time.Millisecond, x.into)) // to the acknowledgement, and a bit further
				case <-time.After(outage):
				}
			}
		},
		starting: func(t *town, x trouble) func() {
			t.gitlab.Latency(part(held, x.amount))
			before := t.started()
			return func() {
				ctx, cancel := context.WithTimeout(t.ctx, outage)
				defer cancel()
				_ = t.gitlab.Wait(ctx, func() bool { return t.started() > before })
				<-time.After(part(held, x.into))
				t.gitlab.Latency(0)
			}
		},
		posting: func(t *town, x trouble) func() {
			return t.slackDoes("chat.postMessage", part(held, x.amount), part(held, x.into))
		},
		editing: func(t *town, x trouble) func() {
			return t.slackDoes("chat.update", part(held, x.amount), part(held, x.into))
		},
	}
}

// started is how many pipelines there are.
func (t *town) started() int { return pipelinesOf(t.projects) }

// slackDoes waits until Slack has done a call whose answer is held back.
func (t *town) slackDoes(method string, held, into time.Duration) func() {
	t.slack.DelayNext(method, held)
	before := len(t.slack.Calls(method))
	return func() {
		ctx, cancel := context.WithTimeout(t.ctx, outage)
		defer cancel()
		_ = t.slack.Wait(ctx, func() bool { return len(t.slack.Calls(method)) > before })
		<-time.After(into)
	}
}
