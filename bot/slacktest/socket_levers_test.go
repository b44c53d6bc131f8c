package slacktest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
)

// A connection ends when its time is over, as hello said.
func TestConnectionTime(t *testing.T) {
	s := newServer(t, slacktest.Config{ConnectionTime: time.Second})
	w := dial(t, s)
	if hello := w.read(); hello["debug_info"].(map[string]any)["approximate_connection_time"] != 1.0 {
		t.Errorf("hello is %v", hello)
	}
	if frame := w.read(); frame["type"] != "disconnect" || frame["reason"] != "refresh_requested" {
		t.Errorf("then comes %v", frame)
	}
}

func TestGapsAndMostConnections(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	for range 2 {
		dial(t, s).read()
	}
	old := s.Hellos()
	s.DropConnection()
	if err := s.Wait(testContext(t), func() bool { return s.Connections() == 1 }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(old[1:], s.Hellos()); diff != "" {
		t.Errorf("it is not the oldest that went (-want +got):\n%s", diff)
	}
	if gaps, most := s.Gaps(), s.MostConnections(); gaps != 0 || most != 2 {
		t.Errorf("%d gaps and %d connections at most", gaps, most)
	}
	s.DropConnection()
	if err := s.Wait(testContext(t), func() bool { return s.Gaps() == 1 }); err != nil {
		t.Errorf("a gap is not counted: %v", err)
	}
}

// The connections of other processes count, and get no envelopes.
func TestConnectElsewhere(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	s.ConnectElsewhere(9)
	if hello := dial(t, s).read(); hello["num_connections"] != 10.0 {
		t.Errorf("hello is %v", hello)
	}
	if frame := dial(t, s).read(); frame["reason"] != "too_many_websockets" {
		t.Errorf("the 11th connection begins with %v", frame)
	}
}

func TestSocketModeOff(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	w := dial(t, s)
	w.read()
	s.SocketMode(false)
	for _, w := range []*wire{w, dial(t, s)} {
		if frame := w.read(); frame["type"] != "disconnect" || frame["reason"] != "link_disabled" {
			t.Errorf("got %v", frame)
		}
	}
	s.SocketMode(true)
	if frame := dial(t, s).read(); frame["type"] != "hello" {
		t.Errorf("got %v", frame)
	}
}

// Neither a lost acknowledgement nor one that comes on another connection is heeded.
func TestLoseAcks(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	a := dial(t, s)
	a.read()
	done := command(t, alice, s.AddChannel("builds", slacktest.Public, alice))
	first := a.read()
	s.LoseAcks(1)
	a.ack(first)
	b := dial(t, s)
	b.read()
	second := b.read()
	b.ack(first)
	b.ack(second)
	if err := <-done; err != nil {
		t.Errorf("alice sees %v", err)
	}
	if first["envelope_id"] == second["envelope_id"] {
		t.Error("both deliveries have one envelope_id")
	}
	noViolations(t, s)
}
