package socket

import (
	"context"
	"net/http"
)

// Gate lets each opening of a connection wait for turn instead of the clock.
func (s *Socket) Gate(turn func(context.Context) error) { s.opening.turn = turn }

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
