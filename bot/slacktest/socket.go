package slacktest

import (
	"bytes"
	"context"
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

	refuse, closeAtOnce, twice, lose int  // levers: how many more times
	off                              bool // a lever: Socket Mode in the app's settings
	elsewhere                        int  // a lever: connections of the app's other processes

	most, gaps int
}

func newSocketState() socketState {
	return socketState{tickets: map[string]bool{}, deliveries: map[string]*delivery{}}
}

// conn is one WebSocket of the app. Only its writer writes.
type conn struct {
	out    chan frame
	cancel context.CancelFunc
	open   bool
	since  time.Time // hello
}

// frame is something to write: a text, and whether the connection ends after it.
type frame struct {
	text   []byte
	last   bool
	binary bool
}

func (f frame) kind() int {
	if f.binary {
		return websocket.BinaryMessage
	}
	return websocket.TextMessage
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
		lost := takeOne(&s.socket.lose)
		if !lost {
			s.acknowledge(data)
		}
		s.mu.Unlock()
		if lost {
			break
		}
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
				err = ws.WriteMessage(f.kind(), f.text)
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
	switch all := len(s.socket.conns) + s.socket.elsewhere; {
	case s.socket.off:
		s.send(c, s.disconnectFrame("link_disabled"), true)
		return
	case all >= maxConnections:
		s.send(c, s.disconnectFrame("too_many_websockets"), true)
		return
	}
	c.open, c.since = true, time.Now()
	s.socket.conns = append(s.socket.conns, c)
	s.socket.most = max(s.socket.most, len(s.socket.conns))
	s.after(s.cfg.ConnectionTime, func() { s.send(c, s.disconnectFrame("refresh_requested"), true) })
	s.send(c, raw(obj{
		"type": "hello", "num_connections": len(s.socket.conns) + s.socket.elsewhere,
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
	if c.open && len(s.socket.conns) == 1 {
		s.socket.gaps++
	}
	c.open = false
	s.socket.conns = slices.DeleteFunc(s.socket.conns, func(o *conn) bool { return o == c })
	var again []*envelope
	for _, id := range sortedKeys(s.socket.deliveries) {
		d := s.socket.deliveries[id]
		if d.conn == c && !d.acked && !d.expired && !d.env.acked && !slices.Contains(again, d.env) {
			again = append(again, d.env)
		}
		if d.conn == c {
			d.expired, d.gone = true, !d.acked
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
	s.sendFrame(c, frame{text: text, last: last})
}

func (s *Server) sendFrame(c *conn, f frame) {
	select {
	case c.out <- f:
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

// Deliver sends a frame as it is, envelope or nonsense, on one connection; it waits for one if there is none.
// Like Slack it sends a frame that has an envelope_id again, for ever, until that is acknowledged.
func (s *Server) Deliver(frame []byte) { s.deliverRaw(frame, false) }

// DeliverBinary is Deliver with a binary frame, which Slack has no use for.
func (s *Server) DeliverBinary(frame []byte) { s.deliverRaw(frame, true) }

func (s *Server) deliverRaw(frame []byte, binary bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.newEnvelope("raw", nil, true)
	e.raw, e.binary = slices.Clone(frame), binary
	// Its place is as good as the JSON around it is bad.
	if _, after, found := bytes.Cut(frame, []byte(`"envelope_id":"`)); found {
		id, _, _ := bytes.Cut(after, []byte(`"`))
		e.rawID = string(id)
	}
	s.dispatch(e)
}
