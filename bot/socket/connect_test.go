package socket_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

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
			w := start(t, func(_ context.Context, e *socket.Envelope) { e.Ack(texts("here")) })
			before := len(w.Calls("apps.connections.open"))
			tt.ends(w)
			if err := w.Wait(w.ctx, func() bool {
				return len(w.Calls("apps.connections.open")) > before && w.Connections() > 0
			}); err != nil {
				t.Fatalf("not connected again: %v\n%s", err, w.logged())
			}
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
			if !w.socket.Connected() {
				t.Error("it says that it is not connected")
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
			w.FailNext("apps.connections.open", answer, 1)
			w.run()
			err := <-w.ended
			if !errors.Is(err, socket.ErrRejected) || !strings.Contains(err.Error(), answer) {
				t.Errorf("Run returned %v", err)
			}
			if n := len(w.Calls("apps.connections.open")); n != 1 {
				t.Errorf("Slack was asked %d times", n)
			}
			if w.socket.Connected() {
				t.Error("it says that it is connected")
			}
		})
	}
}

// A token that is revoked later ends it too.
func TestRejectedLater(t *testing.T) {
	w := start(t, nil)
	w.FailNext("apps.connections.open", "token_revoked", 1)
	w.DropConnections()
	if err := <-w.ended; !errors.Is(err, socket.ErrRejected) {
		t.Errorf("Run returned %v", err)
	}
}

// A server that closes each connection at once would have slack-go open thousands.
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
	w.CloseAtOnce(20)
	w.run()
	for turn := range 20 {
		<-asked
		if n := len(w.Calls("apps.connections.open")); n != turn {
			t.Fatalf("%d connections were opened in %d turns", n, turn)
		}
		granted <- struct{}{}
	}
	<-asked
	granted <- struct{}{}
	w.connected()
}

// The pace itself, on a clock of its own.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		pace := socket.Paced(roundTripper(func(*http.Request) (*http.Response, error) {
			at = append(at, time.Since(begin))
			return nil, http.ErrHandlerTimeout
		}))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://slack.example.com", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]time.Duration, socket.OpenBurst, socket.OpenBurst+3)
		for i := range 3 {
			want = append(want, time.Duration(i+1)*socket.OpenEvery)
		}
		for range want {
			if response, err := pace.RoundTrip(request); err == nil {
				response.Body.Close()
			}
		}
		for i := range at {
			at[i] = at[i].Round(time.Millisecond)
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("when requests went (-want +got):\n%s", diff)
		}
	})
}

func TestPaceEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		pace := socket.Paced(roundTripper(func(*http.Request) (*http.Response, error) {
			sent++
			return nil, http.ErrHandlerTimeout
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://slack.example.com", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for range socket.OpenBurst + 1 {
			if response, err := pace.RoundTrip(request); err == nil {
				response.Body.Close()
			}
		}
		if sent != socket.OpenBurst {
			t.Errorf("%d requests went", sent)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

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
	if w.socket.Connected() {
		t.Error("it says that it is connected before it is")
	}
	granted <- struct{}{}
	w.connected()
	if err := w.command(); err != nil { // hello comes before it
		t.Fatal(err)
	}
	if !w.socket.Connected() {
		t.Error("it does not say that it is connected")
	}
	w.DropConnections() // and the next opening is not granted
	for w.socket.Connected() {
		if w.ctx.Err() != nil {
			t.Fatal("it says that it is connected after it was")
		}
		runtime.Gosched()
	}
}
