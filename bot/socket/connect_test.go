package socket_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

// A connection that ends, however it does, is replaced.
func TestReconnect(t *testing.T) {
	for _, tt := range []struct {
		name string
		ends func(w *workspace)
	}{
		{"it is cut", func(w *workspace) { w.DropConnections() }},
		{"Slack wants a fresh one", func(w *workspace) { w.Disconnect("refresh_requested") }},
		{"Slack warns", func(w *workspace) { w.Disconnect("warning") }},
		{"the link was disabled", func(w *workspace) { w.Disconnect("link_disabled") }},
		{"the next ones fail", func(w *workspace) {
			w.RefuseConnections(1)
			w.DropConnections()
		}},
		{"the openings fail", func(w *workspace) {
			w.FailNext("apps.connections.open", "internal_error", 1)
			w.HTTPFailNext("apps.connections.open", http.StatusBadGateway, "<html>", false)
			w.HTTPFailNext("apps.connections.open", 0, "", false)
			w.DropConnections()
		}},
		{"a proxy knows no such page", func(w *workspace) {
			w.HTTPFailNext("apps.connections.open", http.StatusNotFound, "no such page", false)
			w.DropConnections()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) { e.Ack(texts("here")) })
			w.socket.Hasten(time.Millisecond)
			w.connect()
			before := w.opened()
			tt.ends(w)
			if err := w.Wait(w.ctx, func() bool { return w.opened() >= before+2 && w.Connections() == 2 }); err != nil {
				t.Fatalf("not connected again: %v\n%s", err, w.logged())
			}
			w.stand(2)
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
		})
	}
}

// What was in hand when the connection ended is acknowledged on the next one.
func TestWhatIsInHandOutlivesTheConnection(t *testing.T) {
	started, dropped := make(chan struct{}, 2), make(chan struct{})
	w := start(t, func(_ context.Context, e *socket.Envelope) {
		started <- struct{}{}
		<-dropped
		e.Ack(nil)
	})
	seen := make(chan error, 1)
	go func() { seen <- w.command() }()
	<-started
	w.DropConnections()
	close(dropped)
	if err := <-seen; err != nil {
		t.Errorf("alice sees %v", err)
	}
}

// Trying again would not help, so somebody has to be told.
func TestRejected(t *testing.T) {
	for _, answer := range []string{
		"invalid_auth", "not_authed", "token_revoked", "account_inactive", "not_allowed_token_type", "missing_args", "missing_scope",
	} {
		t.Run(answer, func(t *testing.T) {
			w := newWorkspace(t, nil)
			w.FailNext("apps.connections.open", answer, 2)
			w.run()
			err := <-w.ended
			if !errors.Is(err, socket.ErrRejected) || !strings.Contains(err.Error(), answer) {
				t.Errorf("Run returned %v", err)
			}
			if n := w.opened(); n > 2 {
				t.Errorf("Slack was asked %d times for two connections", n)
			}
			if n, _ := w.socket.State(); n != 0 {
				t.Errorf("it says that %d connections stand", n)
			}
		})
	}
}

// A token that is revoked later ends it too, though one connection stands yet.
func TestRejectedLater(t *testing.T) {
	w := start(t, nil)
	w.FailNext("apps.connections.open", "token_revoked", 1)
	w.DropConnection()
	if err := <-w.ended; !errors.Is(err, socket.ErrRejected) {
		t.Errorf("Run returned %v", err)
	}
}

// A server that closes each connection at once would otherwise have thousands opened. The
// two lines share one pace.
func TestOpeningsAreHeldBack(t *testing.T) {
	asked, granted := make(chan struct{}), make(chan struct{})
	w := newWorkspace(t, func(context.Context, *socket.Envelope) {})
	w.socket.Gate(func(ctx context.Context) error {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-granted:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	w.socket.Hasten(time.Millisecond)
	w.CloseAtOnce(20)
	w.run()
	for turn := range 22 {
		<-asked
		if n := w.opened(); n != turn {
			t.Fatalf("%d connections were opened in %d turns", n, turn)
		}
		granted <- struct{}{}
	}
	w.connected()
}

// The pace itself, on a clock of its own.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, pace := time.Now(), socket.NewPace()
		var at []time.Duration
		want := make([]time.Duration, socket.OpenBurst, socket.OpenBurst+3)
		for i := range 3 {
			want = append(want, time.Duration(i+1)*socket.OpenEvery)
		}
		for range want {
			if err := pace.Do(t.Context(), func() error { at = append(at, time.Since(begin).Round(time.Millisecond)); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("when connections were opened (-want +got):\n%s", diff)
		}
	})
}

// Slack says how long it wants to be left alone, and neither line asks before.
func TestPaceObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, pace := time.Now(), socket.NewPace()
		limited := &slack.RateLimitedError{RetryAfter: 90 * time.Second}
		if err := pace.Do(t.Context(), func() error { return limited }); !errors.Is(err, limited) {
			t.Errorf("it fails with %v", err)
		}
		if err := pace.Do(t.Context(), func() error { return nil }); err != nil || time.Since(begin) != 90*time.Second {
			t.Errorf("the next one is opened after %s, %v", time.Since(begin), err)
		}
	})
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		pace, opened := socket.NewPace(), 0
		for range socket.OpenBurst + 1 {
			_ = pace.Do(ctx, func() error { opened++; return nil })
		}
		if opened != socket.OpenBurst {
			t.Errorf("%d connections were opened", opened)
		}
	})
}

// The URL of a connection holds its ticket, and whoever has that gets the envelopes.
func TestNothingSecretIsLogged(t *testing.T) {
	calls := new(atomic.Int64)
	w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) {
		if calls.Add(1) == 1 {
			e.Ack(func() {})
			panic("a mistake") //nolint:forbidigo // what a handler must not do
		}
	})
	w.RefuseConnections(1)
	w.FailNext("apps.connections.open", "internal_error", 1)
	w.RateLimit("apps.connections.open", 1, 0)
	w.HTTPFailNext("apps.connections.open", http.StatusBadGateway, "<html>", false)
	w.HTTPFailNext("apps.connections.open", http.StatusOK, `{"ok":true,"url":"ws://127.0.0.1:1/?ticket=refused"}`, false)
	w.socket.Gate(func(context.Context) error { return nil })
	w.socket.Hasten(time.Millisecond)
	w.connect()
	for _, frame := range []string{`{"envelope_id":"E1","type":"from_the_future"}`, `not JSON`} {
		w.Deliver([]byte(frame))
	}
	for range 2 {
		if err := w.command(); err != nil {
			t.Errorf("alice sees %v", err)
		}
	}
	w.DropConnections()
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	logged := w.logged()
	for _, secret := range append(tickets(t, w.Server), slacktest.DefaultAppToken, slacktest.DefaultBotToken, "ticket", "://", "hooks") {
		if strings.Contains(logged, secret) {
			t.Errorf("%q is logged:\n%s", secret, logged)
		}
	}
	for _, failure := range []string{"internal_error", "rate limited", "502 Bad Gateway", "Slack cannot be reached"} {
		if !strings.Contains(logged, failure) {
			t.Errorf("%q is not logged:\n%s", failure, logged)
		}
	}
}

// tickets are the secrets that Slack gave out.
func tickets(t *testing.T, s *slacktest.Server) []string {
	t.Helper()
	var found []string
	for _, call := range s.Calls("apps.connections.open") {
		if address, ok := call.Response["url"].(string); ok {
			found = append(found, address)
		}
	}
	if len(found) == 0 {
		t.Fatal("no connection was opened")
	}
	return found
}

// A connection says that it stands when Slack has said hello, and not before.
func TestConnected(t *testing.T) {
	granted := make(chan struct{})
	w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) { e.Ack(nil) })
	w.socket.Gate(func(ctx context.Context) error {
		select {
		case <-granted:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	w.run()
	w.stand(0)
	granted <- struct{}{}
	w.stand(1)
	if err := w.command(); err != nil {
		t.Fatal(err)
	}
	granted <- struct{}{}
	w.stand(2)
	w.DropConnections() // and the next opening is not granted
	w.stand(0)
}
