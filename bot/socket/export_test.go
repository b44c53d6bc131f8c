package socket

import (
	"context"
	"net/http"
)

// Gate lets each opening of a connection wait for turn instead of the clock.
func (s *Socket) Gate(turn func(context.Context) error) { s.opening.turn = turn }

// Slow lets each message wait for its turn to be written.
func (s *Socket) Slow(turn func()) { s.dialer.WriteBufferPool = slow{s.written, turn} }

type slow struct {
	*writes
	turn func()
}

func (s slow) Get() any {
	s.turn()
	return s.writes.Get()
}

// DialLingering is how connections are dialed.
var DialLingering = dialLingering

// Paced is the pace of openings in front of next.
func Paced(next http.RoundTripper) http.RoundTripper {
	p := newPaced(openEvery, openBurst)
	p.next = next
	return p
}

const (
	OpenBurst = openBurst
	OpenEvery = openEvery
	Workers   = workers
)
