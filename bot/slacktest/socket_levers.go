package slacktest

import (
	"context"
	"time"
)

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

// MostConnections is how many connections were open at once, at most.
func (s *Server) MostConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket.most
}

// Hellos is when each connection that is open got its hello, the oldest first.
func (s *Server) Hellos() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var at []time.Time
	for _, c := range s.socket.conns {
		at = append(at, c.since)
	}
	return at
}

// Gaps is how many times the last connection that was open has ended.
func (s *Server) Gaps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket.gaps
}

// DropConnections cuts every connection without a word. What was not acknowledged is delivered again.
func (s *Server) DropConnections() { s.drop(maxConnections) }

// DropConnection cuts the oldest connection in that way.
func (s *Server) DropConnection() { s.drop(1) }

func (s *Server) drop(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.socket.conns[:min(n, len(s.socket.conns))] {
		c.cancel()
	}
}

// Disconnect tells every connection that it ends, with one of Slack's reasons: warning, refresh_requested,
// link_disabled, too_many_websockets. After a warning the connection stays for about 10 seconds.
func (s *Server) Disconnect(reason string) { s.disconnect(reason, maxConnections) }

// DisconnectOldest tells it to the oldest connection.
func (s *Server) DisconnectOldest(reason string) { s.disconnect(reason, 1) }

func (s *Server) disconnect(reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.socket.conns[:min(n, len(s.socket.conns))] {
		warning := reason == "warning"
		s.send(c, s.disconnectFrame(reason), !warning)
		if warning {
			s.after(warningTime, func() { s.send(c, nil, true) })
		}
	}
}

// SocketMode switches it on or off in the app's settings. Off ends each connection, those to come before hello.
func (s *Server) SocketMode(on bool) {
	s.mu.Lock()
	s.socket.off = !on
	s.mu.Unlock()
	if !on {
		s.Disconnect("link_disabled")
	}
}

// ConnectElsewhere has so many connections open in other processes of the app, which get no envelopes but count.
func (s *Server) ConnectElsewhere(n int) { s.pull(&s.socket.elsewhere, n) }

// RefuseConnections answers the next n WebSocket upgrades with status 503.
func (s *Server) RefuseConnections(n int) { s.pull(&s.socket.refuse, n) }

// CloseAtOnce closes the next n connections right after the upgrade, before hello.
func (s *Server) CloseAtOnce(n int) { s.pull(&s.socket.closeAtOnce, n) }

// LoseAcks breaks a connection under each of the next n acknowledgements: none of them arrives, and what it was for
// is delivered again.
func (s *Server) LoseAcks(n int) { s.pull(&s.socket.lose, n) }

// RedeliverNext delivers the next n envelopes twice, under two envelope ids, on two connections if there are.
func (s *Server) RedeliverNext(n int) { s.pull(&s.socket.twice, n) }

func (s *Server) pull(lever *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*lever = n
}
