package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"pipebot/bot/slacktest"
)

const (
	// pause is the least time between two events: what changes faster comes together.
	pause = 50 * time.Millisecond
	// keepAlive is the most time between two signs of life: what is between may drop silent connections.
	keepAlive = 15 * time.Second
	// writeTime is how long a browser may take to read one event.
	writeTime = 10 * time.Second
)

// serveEvents streams what a person may see and how that changes, as server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func (w *world) serveEvents(rw http.ResponseWriter, r *http.Request) {
	u, known := w.person(r.URL.Query().Get("as"))
	if !known {
		http.Error(rw, "Nobody has this id.", http.StatusNotFound)
		return
	}
	changes := w.watch()
	defer changes.stop()
	rw.Header().Set("Content-Type", "text/event-stream")
	out := stream{rw: rw, control: http.NewResponseController(rw)}
	out.write("retry: 1000\n\n") // a restarted sandbox has another address, so this is for a dropped connection only
	var sent state
	for out.err == nil {
		now, err := w.stateFor(u)
		if err != nil {
			return // the browser asks again
		}
		c := difference(sent, now)
		c.Reset = sent == nil
		if c.Reset || !c.empty() {
			out.event(c)
		}
		sent = now
		for !changes.wait(r.Context(), keepAlive) {
			if r.Context().Err() != nil {
				return
			}
			if out.write(": still here\n\n"); out.err != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(pause):
		}
	}
}

// stateFor is everything that the page shows to a person.
func (w *world) stateFor(u *slacktest.User) (state, error) {
	d := &draft{state: state{}}
	w.slackState(d, u)
	if w.gitlab != nil || w.realURL != "" {
		w.gitlabState(d)
	}
	w.levers.show(d)
	return d.state, d.err
}

// stream writes events until the browser stops reading them.
type stream struct {
	rw      http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *stream) event(c change) {
	text, err := json.Marshal(c)
	if err != nil {
		s.err = fmt.Errorf("writing an event: %w", err)
		return
	}
	s.write("data: " + string(text) + "\n\n") // JSON has no newline of its own
}

func (s *stream) write(text string) {
	if s.err == nil {
		s.err = s.control.SetWriteDeadline(time.Now().Add(writeTime))
	}
	if s.err == nil {
		_, s.err = s.rw.Write([]byte(text))
	}
	if s.err == nil {
		s.err = s.control.Flush()
	}
}

// changes are those of Slack, of GitLab and of the rest of the world.
type changes struct {
	slack, gitlab, own <-chan struct{}
	stop               func()
}

// watch begins to listen for changes; stop ends that.
func (w *world) watch() changes {
	slack, stopSlack := w.slack.Subscribe()
	own, stopOwn := w.bell.listen()
	c := changes{slack: slack, own: own, stop: func() { stopSlack(); stopOwn() }}
	if w.gitlab != nil {
		gitlab, stopGitLab := w.gitlab.Subscribe()
		c.gitlab = gitlab
		c.stop = func() { stopSlack(); stopOwn(); stopGitLab() }
	}
	return c
}

// wait returns with the next change, or false when there was none for this long or ctx ended.
func (c changes) wait(ctx context.Context, most time.Duration) bool {
	select {
	case <-c.slack:
	case <-c.gitlab: // nil without a simulated GitLab: never
	case <-c.own:
	case <-ctx.Done():
		return false
	case <-time.After(most):
		return false
	}
	return true
}
