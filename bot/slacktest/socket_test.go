package slacktest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"pipebot/bot/slacktest"
)

// brisk is short enough for a test to wait for and long enough for a test's own acknowledgement.
const brisk = 3 * time.Second

func kinds(s *slacktest.Server) []string {
	var out []string
	for _, v := range s.Violations() {
		out = append(out, v.Kind)
	}
	return out
}

// command starts a slash command; its error comes on the channel.
func command(t *testing.T, u *slacktest.User, c *slacktest.Channel) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- u.Command(testContext(t), c, "/pipeline", "") }()
	return done
}

func TestUnacknowledgedIsDeliveredOnceMoreElsewhere(t *testing.T) {
	s := newServer(t, slacktest.Config{AckTimeout: brisk})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	a := dial(t, s)
	a.read() // its hello: only now has it joined
	b := dial(t, s)
	if hello := b.read(); hello["num_connections"] != 2.0 {
		t.Fatalf("the second hello is %v", hello)
	}
	first, second := make(chan map[string]any, 1), make(chan map[string]any, 1)
	go func() { first <- a.read() }()
	go func() { second <- b.read() }()
	done := command(t, alice, c)
	one, two := <-first, <-second
	a.ack(one)
	b.ack(two)
	if err := <-done; !errors.Is(err, slacktest.ErrTimeout) {
		t.Errorf("alice sees %v, want %v", err, slacktest.ErrTimeout)
	}
	if one["envelope_id"] == two["envelope_id"] {
		t.Error("both deliveries have one envelope_id")
	}
	trig := func(e map[string]any) any { return e["payload"].(map[string]any)["trigger_id"] }
	if trig(one) != trig(two) {
		t.Error("the trigger_id changed between deliveries")
	}
	if err := s.Wait(testContext(t), func() bool { return len(s.Acks()) == 2 }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{slacktest.LateAck}, kinds(s)); diff != "" {
		t.Errorf("the violations (-want +got):\n%s", diff)
	}
}

func TestEventRetries(t *testing.T) {
	s := newServer(t, slacktest.Config{AckTimeout: 10 * time.Millisecond, EventRetries: []time.Duration{0, time.Millisecond, 2 * time.Millisecond}})
	alice := s.AddUser("alice")
	w := dial(t, s)
	w.read()
	go func() { _ = alice.OpenHome(testContext(t)) }()
	var got []any
	ids := map[any]bool{}
	for range 4 {
		e := w.read()
		got = append(got, e["retry_attempt"])
		ids[e["payload"].(map[string]any)["event_id"]] = true
	}
	if diff := cmp.Diff([]any{0.0, 1.0, 2.0, 3.0}, got); diff != "" {
		t.Errorf("the attempts (-want +got):\n%s", diff)
	}
	if len(ids) != 1 {
		t.Errorf("%d event ids, want one", len(ids))
	}
}

func TestDroppedConnectionHandsOver(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	a := dial(t, s)
	a.read()
	done := command(t, alice, c)
	a.read()
	s.DropConnections()
	b := dial(t, s)
	b.read()
	b.ack(b.read())
	if err := <-done; err != nil {
		t.Errorf("alice sees %v", err)
	}
	noViolations(t, s)
}

func TestNobodyConnected(t *testing.T) {
	s := newServer(t, slacktest.Config{AckTimeout: time.Millisecond})
	alice := s.AddUser("alice")
	err := alice.Command(testContext(t), s.AddChannel("builds", slacktest.Public, alice), "/pipeline", "")
	if !errors.Is(err, slacktest.ErrNotDispatched) {
		t.Errorf("alice sees %v, want %v", err, slacktest.ErrNotDispatched)
	}
}

func TestRedeliverNext(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	c := s.AddChannel("builds", slacktest.Public, alice)
	w := dial(t, s)
	w.read()
	s.RedeliverNext(1)
	done := command(t, alice, c)
	w.ack(w.read())
	w.ack(w.read())
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(testContext(t), func() bool { return len(s.Acks()) == 2 }); err != nil {
		t.Fatal(err)
	}
	noViolations(t, s)
}

func TestAckViolations(t *testing.T) {
	for _, tt := range []struct {
		name string
		send func(w *wire, envelope map[string]any)
		want string
	}{
		{"of no envelope", func(w *wire, _ map[string]any) { w.write(map[string]any{"envelope_id": "other"}) }, slacktest.UnknownAck},
		{"of nothing", func(w *wire, _ map[string]any) { w.write(map[string]any{"type": "ping"}) }, slacktest.BadFrame},
		{"too large", func(w *wire, e map[string]any) {
			w.write(map[string]any{"envelope_id": e["envelope_id"], "payload": map[string]any{"text": strings.Repeat("x", 20480)}})
		}, slacktest.OversizedAck},
		{"with a payload that is no message", func(w *wire, e map[string]any) {
			w.write(map[string]any{"envelope_id": e["envelope_id"], "payload": map[string]any{"blocks": []any{map[string]any{"type": "marquee"}}}})
		}, slacktest.BadAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, slacktest.Config{})
			alice := s.AddUser("alice")
			w := dial(t, s)
			w.read()
			done := command(t, alice, s.AddChannel("builds", slacktest.Public, alice))
			e := w.read()
			tt.send(w, e)
			w.ack(e)
			if err := <-done; errors.Is(err, slacktest.ErrTimeout) {
				t.Errorf("alice waited in vain: %v", err)
			}
			if diff := cmp.Diff([]string{tt.want}, kinds(s)); diff != "" {
				t.Errorf("the violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnwantedPayload(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	w := dial(t, s)
	w.read()
	done := make(chan error, 1)
	go func() { done <- alice.Shortcut(testContext(t), "run") }()
	w.write(map[string]any{"envelope_id": w.read()["envelope_id"], "payload": map[string]any{"text": "hello"}})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{slacktest.UnwantedAnswer}, kinds(s)); diff != "" {
		t.Errorf("the violations (-want +got):\n%s", diff)
	}
}

func TestDeliverComesBackUntilAcknowledged(t *testing.T) {
	s := newServer(t, slacktest.Config{AckTimeout: 10 * time.Millisecond})
	w := dial(t, s)
	w.read()
	s.Deliver([]byte(`{"envelope_id":"strange","type":"from_the_future","payload":{}}`))
	for range 3 {
		if e := w.read(); e["envelope_id"] != "strange" {
			t.Fatalf("got %v", e)
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	for range 10 {
		dial(t, s).read()
	}
	if frame := dial(t, s).read(); frame["type"] != "disconnect" || frame["reason"] != "too_many_websockets" {
		t.Errorf("the 11th connection begins with %v", frame)
	}
}

func TestDisconnect(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	w := dial(t, s)
	w.read()
	s.Disconnect("refresh_requested")
	if frame := w.read(); frame["reason"] != "refresh_requested" {
		t.Errorf("got %v", frame)
	}
	if _, _, err := w.ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the connection ended with %v", err)
	}
}

func TestOpeningLevers(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	open := func() (*websocket.Conn, error) { return connect(t, socketURL(t, s)) }
	s.RefuseConnections(1)
	if _, err := open(); err == nil {
		t.Error("a refused upgrade went through")
	}
	s.CloseAtOnce(1)
	ws := must(open())(t)
	if _, _, err := ws.ReadMessage(); err == nil {
		t.Error("there was a hello before the close")
	}
	if w := dial(t, s); w.read()["type"] != "hello" {
		t.Error("the third connection has no hello")
	}
}

func TestTicketIsForOneConnection(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	url := socketURL(t, s)
	must(connect(t, url))(t)
	if _, err := connect(t, url); err == nil {
		t.Error("the ticket opened a second connection")
	}
}

func TestServerPings(t *testing.T) {
	s := newServer(t, slacktest.Config{PingInterval: time.Millisecond})
	w := dial(t, s)
	pinged := make(chan struct{}, 1)
	w.ws.SetPingHandler(func(string) error {
		select {
		case pinged <- struct{}{}:
		default:
		}
		return nil
	})
	go func() { _, _, _ = w.ws.ReadMessage(); _, _, _ = w.ws.ReadMessage() }()
	select {
	case <-pinged:
	case <-testContext(t).Done():
		t.Error("no ping")
	}
}
