package socket

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
)

// steady is how long a connection stands that was no failure.
const steady = 10 * time.Second

const never time.Duration = math.MaxInt64

// waits are those before a line tries again.
type waits struct {
	first, most time.Duration // bound the wait after a failure, which doubles
	refused     time.Duration // where somebody has to act first
	second      time.Duration // for one more connection than Slack allows, while one stands: nothing is missed
}

// several is how often a second connection that Slack has no room for is tried soon. With
// the two openings of a start, that leaves the other line one of [openBurst].
const several = 5

func newWaits() waits {
	return waits{first: 100 * time.Millisecond, most: 30 * time.Second, refused: time.Minute, second: 5 * time.Minute}
}

// line is one of the two places where a connection stands. Socket.mu guards it.
type line struct {
	current *conn // the newest; nil where there is none, or it was given up
	fault   error // why there is none, as far as that may be told
}

// stands reports whether envelopes come on the connection of this line.
func (l *line) stands() bool { return l.current != nil && !l.current.ended }

// keep sees that a connection stands in a line until ctx ends. Where Slack leaves the time,
// it gives one up only when the next one stands. An error means that there is no use in
// going on.
func (s *Socket) keep(ctx context.Context, l *line) error {
	defer s.replace(ctx, l, nil)
	for failures := 0; ; {
		next, err := s.open(ctx, l)
		if err == nil {
			if err = s.watch(ctx, l); err != nil {
				s.replace(ctx, l, nil)
			}
			if time.Since(next.hello.at) > steady {
				failures = 0
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case rejected(err):
			return fmt.Errorf("%w: %w", ErrRejected, err)
		case err == nil, s.giveWay(ctx, l, err):
			continue
		}
		s.failed(l, err)
		s.pause(ctx, l, s.retryAfter(l, err, failures))
		failures++
	}
}

// open opens a connection when it is its turn, and puts it in the line. The turn lasts until
// then, so that what Slack counted at the hellos is told in their order.
func (s *Socket) open(ctx context.Context, l *line) (next *conn, err error) {
	err = s.pace.do(ctx, func() (err error) {
		if next, err = s.dial(ctx); err == nil {
			s.replace(ctx, l, next)
		}
		return err
	})
	return next, err
}

// replace gives the line another connection, or none. What the old one has in hand is
// acknowledged before it goes.
func (s *Socket) replace(ctx context.Context, l *line, next *conn) {
	standing, app := 0, 0
	var old *conn
	s.change(func() {
		old, l.current = l.current, next
		if next == nil {
			return
		}
		next.takes, l.fault, app = true, nil, next.all
		if old != nil && !old.ended {
			app--
		}
		standing = s.standing()
	})
	if old != nil {
		s.running.Go(func() { s.retire(ctx, old) })
	}
	if next != nil {
		s.running.Go(func() { s.read(s.work, next) })
		s.cfg.Log.Info("connected to Slack", zap.Int("connections", standing), zap.Int("connections_of_the_app", app))
		s.cfg.Connections(standing, app)
	}
}

// retireWithin bounds the end of a connection: the last acknowledgements, both sides'
// goodbyes, and TCP's.
const retireWithin = drainWithin + 2*closeWithin + lingerWithin

// retire closes a connection gently: nothing that came on it is left without an
// acknowledgement that has one.
func (s *Socket) retire(ctx context.Context, c *conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	s.await(ctx, func() bool { return c.unanswered == 0 || c.ended })
	s.change(func() { c.takes = false }) // those that come yet are acknowledged elsewhere
	c.close()
}

// watch returns when the line's connection is to be replaced: with nil while it stands
// yet, or with what became of it.
func (s *Socket) watch(ctx context.Context, l *line) error {
	for {
		s.mu.Lock()
		moved, ended, leaving, due := s.moved, l.current.ended, l.current.leaving, s.due(l)
		s.mu.Unlock()
		switch {
		case leaving != nil && !errors.Is(leaving, errEnded):
			return leaving
		case ended:
			return errEnded
		case leaving != nil:
			return nil //nolint:nilerr // it stands yet
		case due == 0:
			s.cfg.Log.Info("renewing a connection to Slack, so that the two do not end together")
			return nil
		}
		timer := time.NewTimer(due)
		select {
		case <-moved:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// due is the time until the line's connection is to be renewed.
func (s *Socket) due(l *line) time.Duration {
	if !s.lines[0].stands() || !s.lines[1].stands() {
		return never // the other line will have a younger one, and this is asked again
	}
	which, at := renewal(s.lines[0].current.hello, s.lines[1].current.hello)
	if at.IsZero() || l != s.lines[which] {
		return never
	}
	return max(0, time.Until(at))
}

// giveWay closes the old connection of a line before the next one, where Slack allows no
// more and the other line has one. It reports whether it did. The old one counts until it
// has ended, so that is waited for.
func (s *Socket) giveWay(ctx context.Context, l *line, err error) bool {
	s.mu.Lock()
	old := l.current
	possible := errors.Is(err, ErrTooMany) && l.stands() && s.standing() == len(s.lines)
	s.mu.Unlock()
	if !possible {
		return false
	}
	s.replace(ctx, l, nil)
	ctx, cancel := context.WithTimeout(ctx, retireWithin)
	defer cancel()
	select {
	case <-old.gone:
	case <-ctx.Done():
	}
	return true
}

// failed takes note of why the line has no connection, and says it. What will stay until
// somebody acts is said once.
func (s *Socket) failed(l *line, err error) {
	fault, said, standing := openFailure(err), false, 0
	s.change(func() {
		for _, line := range s.lines {
			said = said || errors.Is(line.fault, fault)
		}
		l.fault, standing = fault, s.standing()
	})
	fields := []zap.Field{zap.NamedError("reason", fault), zap.Int("connections", standing)}
	switch {
	case errors.Is(fault, errEnded):
		s.cfg.Log.Info("a connection to Slack ended", fields...)
	case !errors.Is(fault, ErrDisabled) && !errors.Is(fault, ErrTooMany):
		s.cfg.Log.Warn("connecting to Slack failed", fields...)
	case !said:
		s.cfg.Log.Error("Slack allows no further connection; trying again now and then", fields...)
	}
}

// retryAfter is the wait before a line is to try again. Where Slack has no room, that may
// pass by itself: the connections of a process that was killed count until Slack notices.
func (s *Socket) retryAfter(l *line, err error, failures int) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, ErrDisabled):
		return s.waits.refused
	case errors.Is(err, ErrTooMany) && s.standing() > 0 && !l.stands() && failures >= several:
		return s.waits.second
	case failures == 0 && !errors.Is(err, ErrTooMany):
		return 0
	default:
		ceiling := min(s.waits.most, s.waits.first<<min(failures, 20))
		return ceiling/2 + rand.N(ceiling/2) //nolint:gosec // jitter is no secret
	}
}

// pause waits, but no longer than an old connection of the line stands.
func (s *Socket) pause(ctx context.Context, l *line, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	s.mu.Lock()
	stood := l.stands()
	s.mu.Unlock()
	s.await(ctx, func() bool { return stood && !l.stands() })
}
