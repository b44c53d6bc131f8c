package slacktest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// Socket Mode, the connections (https://docs.slack.dev/apis/events-api/using-socket-mode).
const (
	maxConnections = 10
	maxAck         = 20480            // bytes of an acknowledgement frame
	warningTime    = 10 * time.Second // between a warning and the end of the connection
	writeTimeout   = 5 * time.Second
)

// socketState is the part of the server's state that belongs to Socket Mode.
type socketState struct {
	tickets    map[string]bool
	conns      []*conn
	last       int // the connection that got the last envelope
	deliveries map[string]*delivery
	waiting    []*envelope // for a connection

	refuse, closeAtOnce, twice int // levers: how many more times
}

func newSocketState() socketState {
	return socketState{tickets: map[string]bool{}, deliveries: map[string]*delivery{}}
}

// conn is one WebSocket of the app. Only its writer writes.
type conn struct {
	out    chan frame
	cancel context.CancelFunc
	open   bool
}

// frame is something to write: a text, and whether the connection ends after it.
type frame struct {
	text []byte
	last bool
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	valid := s.socket.tickets[ticket]
	delete(s.socket.tickets, ticket)
	refused := takeOne(&s.socket.refuse)
	s.mu.Unlock()
	switch {
	case refused:
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	case !valid:
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer ws.Close()

	ctx, cancel := context.WithCancel(r.Context()) // which ends with the server
	defer cancel()
	c := &conn{out: make(chan frame, 1024), cancel: cancel}
	s.mu.Lock()
	if takeOne(&s.socket.closeAtOnce) {
		s.mu.Unlock()
		return
	}
	s.join(c)
	s.mu.Unlock()

	written := make(chan struct{})
	go func() {
		defer close(written)
		s.writeFrames(ctx, ws, c)
	}()
	for {
		_, data, err := ws.ReadMessage()
		if err != nil {
			break
		}
		s.mu.Lock()
		s.acknowledge(data)
		s.mu.Unlock()
	}
	cancel()
	<-written
	s.mu.Lock()
	s.leave(c)
	s.mu.Unlock()
}

// writeFrames writes what is queued and pings, until the connection ends; then it closes the socket, which
// ends the reader.
func (s *Server) writeFrames(ctx context.Context, ws *websocket.Conn, c *conn) {
	defer ws.Close()
	ping := time.NewTicker(s.cfg.PingInterval)
	defer ping.Stop()
	for {
		var err error
		last := false
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			err = ws.WriteControl(websocket.PingMessage, []byte("Ping from slacktest"), time.Now().Add(writeTimeout))
		case f := <-c.out:
			last = f.last
			if f.text != nil {
				_ = ws.SetWriteDeadline(time.Now().Add(writeTimeout))
				err = ws.WriteMessage(websocket.TextMessage, f.text)
			}
		}
		if last {
			closing := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			_ = ws.WriteControl(websocket.CloseMessage, closing, time.Now().Add(writeTimeout))
		}
		if err != nil || last {
			return
		}
	}
}

// join makes a connection one that gets envelopes: those that waited come first.
func (s *Server) join(c *conn) {
	if len(s.socket.conns) >= maxConnections {
		s.send(c, s.disconnectFrame("too_many_websockets"), true)
		return
	}
	c.open = true
	s.socket.conns = append(s.socket.conns, c)
	s.send(c, raw(obj{
		"type": "hello", "num_connections": len(s.socket.conns),
		"connection_info": obj{"app_id": s.cfg.AppID},
		"debug_info": obj{
			"host": "applink-simulated", "started": s.cfg.Now().UTC().Format(time.RFC3339), "build_number": 1,
			"approximate_connection_time": int(s.cfg.ConnectionTime.Seconds()),
		},
	}), false)
	waiting := s.socket.waiting
	s.socket.waiting = nil
	for _, e := range waiting {
		s.dispatch(e)
	}
	s.changed()
}

// leave takes a connection out; what it has not acknowledged goes to another one, or to the next.
func (s *Server) leave(c *conn) {
	c.open = false
	s.socket.conns = slices.DeleteFunc(s.socket.conns, func(o *conn) bool { return o == c })
	var again []*envelope
	for _, id := range sortedKeys(s.socket.deliveries) {
		d := s.socket.deliveries[id]
		if d.conn == c && !d.acked && !d.expired && !d.env.acked && !slices.Contains(again, d.env) {
			again = append(again, d.env)
		}
		if d.conn == c {
			d.expired = true
		}
	}
	slices.SortFunc(again, func(a, b *envelope) int { return a.number - b.number })
	if !s.closed {
		for _, e := range again {
			s.dispatch(e)
		}
	}
	s.changed()
}

func (s *Server) send(c *conn, text []byte, last bool) {
	select {
	case c.out <- frame{text, last}:
	default: // a client that has stopped reading
		c.cancel()
	}
}

func (s *Server) disconnectFrame(reason string) []byte {
	return raw(obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-simulated"}})
}

func takeOne(n *int) bool {
	if *n <= 0 {
		return false
	}
	*n--
	return true
}

// Connections is how many connections are open.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.socket.conns)
}

// WaitConnected returns once at least n connections are open.
func (s *Server) WaitConnected(ctx context.Context, n int) error {
	return s.Wait(ctx, func() bool { return s.Connections() >= n })
}

// DropConnections cuts every connection without a word. What was not acknowledged is delivered again.
func (s *Server) DropConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.socket.conns {
		c.cancel()
	}
}

// Disconnect tells every connection that it ends, with one of Slack's reasons: warning, refresh_requested,
// link_disabled, too_many_websockets. After a warning the connection stays for about 10 seconds.
func (s *Server) Disconnect(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.socket.conns {
		warning := reason == "warning"
		s.send(c, s.disconnectFrame(reason), !warning)
		if warning {
			s.after(warningTime, func() { s.send(c, nil, true) })
		}
	}
}

// RefuseConnections answers the next n WebSocket upgrades with status 503.
func (s *Server) RefuseConnections(n int) { s.pull(&s.socket.refuse, n) }

// CloseAtOnce closes the next n connections right after the upgrade, before hello.
func (s *Server) CloseAtOnce(n int) { s.pull(&s.socket.closeAtOnce, n) }

// RedeliverNext delivers the next n envelopes twice, under two envelope ids, on two connections if there are.
func (s *Server) RedeliverNext(n int) { s.pull(&s.socket.twice, n) }

func (s *Server) pull(lever *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*lever = n
}

// Deliver sends a frame as it is, envelope or nonsense, on one connection; it waits for one if there is none.
// Like Slack it sends a frame that has an envelope_id again, for ever, until that is acknowledged.
func (s *Server) Deliver(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.newEnvelope("raw", nil, true)
	e.raw = slices.Clone(frame)
	var head struct {
		ID string `json:"envelope_id"`
	}
	if json.Unmarshal(frame, &head) == nil {
		e.rawID = head.ID
	}
	s.dispatch(e)
}
