package slacktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// envelope is something the app is to be told, in as many deliveries as that takes.
type envelope struct {
	number  int    // in the order they were made
	kind    string // slash_commands, interactive, events_api; raw for Server.Deliver
	payload obj
	accepts bool // a payload in the acknowledgement

	raw    []byte // Deliver's frame
	rawID  string
	binary bool

	retries  int
	acked    bool
	givenUp  bool          // the person waits no more
	answered chan struct{} // closed with the first acknowledgement in time
	answer   json.RawMessage
	last     *conn // that got it last
	sent     bool
}

// delivery is one envelope sent on one connection.
type delivery struct {
	id      string
	env     *envelope
	conn    *conn
	at      time.Time
	acked   bool
	expired bool
	gone    bool // with its connection
}

func (s *Server) newEnvelope(kind string, payload obj, accepts bool) *envelope {
	s.serial++
	return &envelope{number: s.serial, kind: kind, payload: payload, accepts: accepts, answered: make(chan struct{})}
}

// dispatch delivers an envelope, or keeps it until there is a connection.
func (s *Server) dispatch(e *envelope) {
	if s.closed {
		return
	}
	times := 1
	if !e.sent && e.raw == nil && takeOne(&s.socket.twice) {
		times = 2
	}
	if t := s.triggers[str(e.payload["trigger_id"])]; t != nil && (e.sent || times == 2) {
		t.twice = true
	}
	for range times {
		c := s.pick(e.last)
		if c == nil {
			s.socket.waiting = append(s.socket.waiting, e)
			return
		}
		s.deliver(e, c)
	}
}

// pick takes the connections in turn and avoids the one that had the envelope already.
func (s *Server) pick(not *conn) *conn {
	var choice *conn
	for range s.socket.conns {
		s.socket.last = (s.socket.last + 1) % len(s.socket.conns)
		choice = s.socket.conns[s.socket.last]
		if choice != not {
			return choice
		}
	}
	return choice
}

func (s *Server) deliver(e *envelope, c *conn) {
	d := &delivery{id: envelopeID(), env: e, conn: c, at: time.Now()}
	e.last, e.sent = c, true
	text := e.raw
	if text == nil {
		o := obj{"envelope_id": d.id, "type": e.kind, "payload": e.payload, "accepts_response_payload": e.accepts}
		if e.kind == "events_api" {
			o["retry_attempt"], o["retry_reason"] = e.retries, ""
			if e.retries > 0 {
				o["retry_reason"] = "timeout"
			}
		}
		text = raw(o)
	} else {
		d.id = e.rawID
	}
	s.cfg.Log("slacktest: envelope %s %s", d.id, text)
	s.sendFrame(c, frame{text: text, binary: e.binary})
	if d.id == "" {
		return
	}
	s.socket.deliveries[d.id] = d
	s.after(s.cfg.AckTimeout, func() { s.expire(d) })
}

// expire is what happens when the time to acknowledge is over.
func (s *Server) expire(d *delivery) {
	if d.acked || d.expired {
		return
	}
	d.expired = true
	e := d.env
	s.violate(LateAck, "%s was not acknowledged within %s", describe(e), s.cfg.AckTimeout)
	if e.acked {
		return
	}
	e.givenUp = true // whoever waited, waited for this delivery
	wait, again := s.retryAfter(e)
	if !again {
		return
	}
	e.retries++
	s.after(wait, func() {
		if !e.acked {
			s.dispatch(e)
		}
	})
}

// retryAfter tells if an envelope that was not acknowledged is sent again, and when.
func (s *Server) retryAfter(e *envelope) (time.Duration, bool) {
	switch e.kind {
	case "raw":
		return 0, true
	case "events_api":
		if e.retries < len(s.cfg.EventRetries) {
			return s.cfg.EventRetries[e.retries], true
		}
		return 0, false
	default: // undocumented, seen in the field: once
		return 0, e.retries == 0
	}
}

// describe names an envelope for people who read a violation.
func describe(e *envelope) string {
	what := str(e.payload["command"])
	if what == "" {
		what = str(e.payload["type"])
	}
	if event := object(e.payload["event"]); event != nil {
		what = str(event["type"])
	}
	return fmt.Sprintf("%s %s", e.kind, what)
}

// acknowledge takes a frame from the app.
func (s *Server) acknowledge(data []byte) {
	if len(data) > maxAck {
		s.violate(OversizedAck, "an acknowledgement of %d bytes, more than %d: dropped", len(data), maxAck)
		return
	}
	var in struct {
		ID      string          `json:"envelope_id"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(data, &in); err != nil || in.ID == "" {
		s.violate(BadFrame, "a frame that acknowledges nothing: %.200q", data)
		return
	}
	d := s.socket.deliveries[in.ID]
	if d == nil {
		s.violate(UnknownAck, "envelope_id %q", in.ID)
		return
	}
	if d.acked {
		return
	}
	d.acked = true
	e := d.env
	if empty(in.Payload) {
		in.Payload = nil
	}
	if in.Payload != nil && !e.accepts {
		s.violate(UnwantedAnswer, "%s takes no payload: %.200s", describe(e), in.Payload)
	}
	late := d.expired || e.givenUp && e.kind != "events_api" // an event has nobody who waits, only its deliveries
	s.acks = append(s.acks, Ack{
		EnvelopeID: d.id, Type: e.kind, Payload: in.Payload, Bytes: len(data), After: time.Since(d.at), Late: late,
	})
	s.cfg.Log("slacktest: ack %s late=%v", data, late)
	if d.gone { // another connection may carry it, but nothing says that Slack heeds that; it was delivered again
		s.changed()
		return
	}
	if !e.acked && !late && !e.givenUp {
		e.answer = in.Payload
		close(e.answered)
	}
	e.acked = true
	s.changed()
}

// empty: libraries send these when there is nothing to say.
func empty(payload json.RawMessage) bool {
	switch string(bytes.TrimSpace(payload)) {
	case "", "null", "{}", `""`:
		return true
	}
	return false
}

// await waits as the person does. It is called without the lock.
func (s *Server) await(ctx context.Context, e *envelope) (json.RawMessage, error) {
	timer := time.NewTimer(s.cfg.AckTimeout)
	defer timer.Stop()
	select {
	case <-e.answered:
	case <-timer.C:
	case <-s.ctx.Done():
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for an acknowledgement of %s: %w", describe(e), ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-e.answered:
		return e.answer, nil
	default:
	}
	e.givenUp = true
	if !e.sent {
		s.unqueue(e)
		return nil, ErrNotDispatched
	}
	return nil, ErrTimeout
}

func (s *Server) unqueue(e *envelope) {
	e.acked = true // nobody is waiting: it is not worth a delivery any more
	kept := s.socket.waiting[:0]
	for _, w := range s.socket.waiting {
		if w != e {
			kept = append(kept, w)
		}
	}
	s.socket.waiting = kept
}

func envelopeID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
