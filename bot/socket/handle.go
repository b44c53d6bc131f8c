package socket

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack/socketmode"
	"go.uber.org/zap"
)

const (
	// answerWithin is how long a handler has for its answer: Slack waits 3 s, and
	// the frame has to travel.
	answerWithin = 2700 * time.Millisecond
	// handleWithin is how long it may go on after it has acknowledged.
	handleWithin = 15 * time.Second
	// workers is how many envelopes are handled at once. Beyond that people are
	// told to try again, which is kinder than a late answer.
	workers = 64
	// maxAnswer is from where on Slack drops an acknowledgement without a word.
	maxAnswer = 20480
)

// read takes what comes on a connection, until it ends.
func (s *Socket) read(ctx context.Context, c *conn) {
	defer close(c.gone)
	for {
		frame, err := c.next()
		if err != nil {
			break
		}
		s.receive(ctx, c, frame)
	}
	s.change(func() { c.takes, c.ended = false, true })
	c.ws.Close()
}

// receive takes one frame.
func (s *Socket) receive(ctx context.Context, c *conn, frame []byte) {
	request, e, err := parse(frame)
	if request.Type == socketmode.RequestTypeDisconnect {
		s.change(func() { c.leaving = refusal(request.Reason) })
		return
	}
	switch {
	case s.fresh.Err() != nil: // what comes now is for another connection or the next process
	case err != nil:
		s.bad(ctx, c, frame)
	case e != nil:
		s.take(ctx, c, request.EnvelopeID, e)
	}
}

// bad answers for a frame that cannot be worked on.
func (s *Socket) bad(ctx context.Context, c *conn, frame []byte) {
	id := envelopeID(frame)
	if id != "" {
		s.ack(ctx, c, id, nil)
	}
	total := 0
	s.change(func() { s.garbled++; total = s.garbled })
	s.garble.Do(func() { // no word of what is in it, which may be a person's
		s.cfg.Log.Warn("Slack sent what cannot be understood; more of it is told once a minute",
			zap.Int("bytes", len(frame)), zap.Bool("acknowledged", id != ""), zap.Int("so_far", total))
	})
}

// take gives an envelope to a worker, or answers for it where none is free.
func (s *Socket) take(ctx context.Context, c *conn, id string, e *Envelope) {
	e.send = func(payload any) bool { return s.ack(ctx, c, id, payload) }
	e.settled = sync.OnceFunc(func() {
		s.change(func() { c.unanswered, s.unanswered = c.unanswered-1, s.unanswered-1 })
	})
	s.change(func() { c.unanswered, s.unanswered = c.unanswered+1, s.unanswered+1 })
	select {
	case s.slots <- struct{}{}:
		s.change(func() { s.handling++ })
		go func() {
			defer s.change(func() { s.handling-- })
			defer func() { <-s.slots }()
			s.handle(ctx, e)
		}()
	default:
		s.cfg.Log.Warn("too many envelopes at once; one was turned away")
		s.turnAway(e)
	}
}

// turnAway answers for an envelope that nobody can work on. A submission is left
// alone: Slack then keeps the modal open and asks to try again, and nothing that
// was typed is lost.
func (s *Socket) turnAway(e *Envelope) {
	defer e.settled()
	switch {
	case e.Command != nil:
		e.Ack(map[string]string{"text": "I am busy just now. Please try again in a moment."})
	case !e.submission():
		e.Ack(nil)
	}
}

func (s *Socket) handle(ctx context.Context, e *Envelope) {
	ctx, cancel := context.WithTimeout(ctx, handleWithin)
	defer cancel()
	// Whoever is late with an answer is acknowledged without one.
	late := time.AfterFunc(answerWithin, func() {
		if !e.submission() {
			e.Ack(nil)
		}
		e.settled()
	})
	defer late.Stop()
	defer func() {
		if bad := recover(); bad != nil {
			s.cfg.Log.Error("handling an envelope panicked", zap.Any("panic", bad), zap.ByteString("stack", debug.Stack()))
			s.turnAway(e)
			return
		}
		e.Ack(nil)
	}()
	s.cfg.Handle(ctx, e)
}

// ack writes an acknowledgement, on another connection where that of the envelope is
// lost. It reports whether the payload can be sent at all: it can be too large.
func (s *Socket) ack(ctx context.Context, c *conn, id string, payload any) bool {
	frame, err := json.Marshal(socketmode.Response{EnvelopeID: id, Payload: payload})
	if err != nil || len(frame) >= maxAnswer {
		s.cfg.Log.Warn("an answer cannot be sent", zap.Int("bytes", len(frame)), zap.Error(err))
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for {
		var on *conn
		if !s.await(ctx, func() bool { on = s.taker(c); return on != nil }) {
			s.cfg.Log.Warn("an acknowledgement could not be sent; Slack will send the envelope again")
			return true
		}
		if on.write(frame) == nil {
			return true
		}
		s.change(func() { on.takes = false })
		on.ws.Close()
	}
}

// taker is the connection to acknowledge on: the envelope's own, if it can be.
func (s *Socket) taker(own *conn) *conn {
	if own.takes {
		return own
	}
	for _, l := range s.lines {
		if l.current != nil && l.current.takes {
			return l.current
		}
	}
	return nil
}
