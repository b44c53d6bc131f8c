package socket

import (
	"context"
	"net"
	"time"
)

// Gate lets each opening of a connection wait for turn instead of the clock.
func (s *Socket) Gate(turn func(context.Context) error) { s.pace.turn = turn }

// Hasten makes a line wait for as long before it tries again, whatever was wrong.
func (s *Socket) Hasten(d time.Duration) { s.waits = waits{d, d, d, d} }

// RetryAfter is the wait of a line without a connection, while the other has one or not.
func RetryAfter(err error, failures int, other bool) time.Duration {
	s := New(Config{})
	if other {
		s.lines[1].current = new(conn)
	}
	return s.retryAfter(s.lines[0], err, failures)
}

// Stands waits until so many connections stand.
func (s *Socket) Stands(ctx context.Context, n int) bool {
	return s.await(ctx, func() bool { return s.standing() == n })
}

// Idle waits until no envelope is being handled.
func (s *Socket) Idle(ctx context.Context) bool {
	return s.await(ctx, func() bool { return s.handling == 0 })
}

// Renewal is the rule.
func Renewal(a, b time.Time, life time.Duration) (which int, at time.Time) {
	return renewal(hello{a, life}, hello{b, life})
}

// Parse is what becomes of a frame: the envelope, or what is known of it.
func Parse(frame []byte) (e *Envelope, id string, err error) {
	_, e, err = parse(frame)
	return e, envelopeID(frame), err
}

// Slow lets each message wait for its turn to be written.
func (s *Socket) Slow(turn func()) {
	dial := s.dialer.NetDialContext
	s.dialer.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return slow{conn, turn}, err
	}
}

type slow struct {
	net.Conn
	turn func()
}

// Write is called once for each frame; a text in one frame begins with 0x81 (RFC 6455, 5.2).
func (s slow) Write(p []byte) (int, error) {
	if p[0] == 0x81 {
		s.turn()
	}
	return s.Conn.Write(p)
}

// DialLingering is how connections are dialed.
var DialLingering = dialLingering

// Pace is the pace of openings.
type Pace = pace

// NewPace is that of a new socket.
var NewPace = newPace

// Do opens when it is its turn.
func (p *Pace) Do(ctx context.Context, open func() error) error { return p.do(ctx, open) }

const (
	OpenBurst    = openBurst
	OpenEvery    = openEvery
	AnswerWithin = answerWithin
	Workers      = workers
	MaxFrame     = maxFrame
	Several      = several
)
