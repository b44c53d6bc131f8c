package socket

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// paced holds back requests that come faster than Slack bears.
type paced struct {
	next http.RoundTripper
	turn func(context.Context) error // returns when the next request may go
}

// newPaced lets a burst of requests through and then one in each interval.
func newPaced(every time.Duration, burst int) *paced {
	next := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		next = standard.Clone()
	}
	// Here and not on the client, whose clock would run while the request is
	// being held back.
	next.ResponseHeaderTimeout = 10 * time.Second
	return &paced{next: next, turn: rate.NewLimiter(rate.Every(every), burst).Wait}
}

// RoundTrip waits for its turn.
func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.turn(r.Context()); err != nil {
		return nil, err
	}
	return p.next.RoundTrip(r)
}

// writes counts the messages that were written to the WebSocket. slack-go does not
// tell; but gorilla/websocket takes a buffer from its pool for each message and
// puts it back when the message is on the wire, so the pool can count. Control
// frames (pongs) need no buffer.
type writes struct {
	mu    sync.Mutex
	count int64
	moved chan struct{} // closed and replaced at each write
}

func newWrites() *writes { return &writes{moved: make(chan struct{})} }

// Get has nothing to reuse: one connection writes a few small messages a second.
func (w *writes) Get() any { return nil }

// Put is told that a message has been written.
func (w *writes) Put(any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	close(w.moved)
	w.moved = make(chan struct{})
}

// wait returns when so many messages were written, or ctx ends.
func (w *writes) wait(ctx context.Context, count int64) {
	for {
		w.mu.Lock()
		reached, moved := w.count >= count, w.moved
		w.mu.Unlock()
		if reached {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}
