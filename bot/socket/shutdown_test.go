package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

// What is acknowledged is on the wire before the connections are closed.
func TestShutdownSendsWhatIsAcknowledged(t *testing.T) {
	const envelopes = 30
	release := make(chan struct{})
	started := make(chan struct{}, envelopes)
	w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) {
		started <- struct{}{}
		<-release
		e.Ack(texts("here"))
	})
	w.socket.Slow(func() { <-time.After(5 * time.Millisecond) }) // the network's
	w.connect()
	var waiting sync.WaitGroup
	for range envelopes {
		waiting.Go(func() {
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
		})
	}
	for range envelopes {
		<-started
	}
	w.cancel()
	close(release)
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	waiting.Wait()
	if n := len(w.Acks()); n != envelopes {
		t.Errorf("%d of %d acknowledgements arrived", n, envelopes)
	}
	w.stand(0)
	w.clean()
}

// shuttingDown has one envelope in hand, and is to end. What it handled is counted.
func shuttingDown(t *testing.T) (w *workspace, inHand chan error, handled *atomic.Int64, release chan struct{}) {
	t.Helper()
	first := make(chan struct{}, 1)
	release = make(chan struct{})
	handled = new(atomic.Int64)
	w = start(t, func(_ context.Context, e *socket.Envelope) {
		handled.Add(1)
		first <- struct{}{}
		<-release
	})
	inHand = make(chan error, 1)
	go func() { inHand <- w.command() }()
	<-first
	w.cancel()
	return w, inHand, handled, release
}

// more puts more commands in than there are workers.
func (w *workspace) more() {
	for i := range 300 {
		w.Deliver(fmt.Appendf(nil, `{"envelope_id":"E%d","type":"slash_commands","payload":{"command":"/pipeline"}}`, i))
	}
}

// What comes after the end was asked for is for another connection, and does not
// keep the last acknowledgements from getting through.
func TestShutdownTakesNothingNew(t *testing.T) {
	w, inHand, handled, release := shuttingDown(t)
	w.more()
	close(release)
	w.more()
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if err := <-inHand; err != nil {
		t.Errorf("alice sees %v for what was in hand", err)
	}
	if n := handled.Load(); n != 1 {
		t.Errorf("%d envelopes were handled", n)
	}
	if n := len(w.Acks()); n != 1 {
		t.Errorf("%d envelopes were acknowledged", n)
	}
}

// Acknowledgements get through though the connection ends meanwhile.
func TestShutdownReconnects(t *testing.T) {
	w, inHand, _, release := shuttingDown(t)
	w.more()
	w.DropConnections()
	if err := w.Wait(w.ctx, func() bool { return w.opened() == 4 && w.Connections() == 2 }); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if n := len(w.Acks()); n != 1 {
		t.Errorf("%d envelopes were acknowledged", n)
	}
	// What alice sees depends on whether Slack still waits for the first connection.
	if err := <-inHand; err != nil && !errors.Is(err, slacktest.ErrTimeout) {
		t.Errorf("alice sees %v", err)
	}
}

// A connection that is closed with something unread loses what is under way.
func TestAConnectionIsClosedGently(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("an envelope"))
		text, err := io.ReadAll(conn)
		got <- fmt.Sprintf("%s, %v", text, err)
	}()
	conn, err := socket.DialLingering(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // and leaves the rest
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("an acknowledgement")); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if text := <-got; text != "an acknowledgement, <nil>" {
		t.Errorf("the other side got %s", text)
	}
}

func TestDialingFails(t *testing.T) {
	if conn, err := socket.DialLingering(t.Context(), "tcp", "127.0.0.1:1"); err == nil || conn != nil { // nobody listens there
		t.Errorf("dialed %v, %v", conn, err)
	}
}

// A handler that never returns holds up nobody for long.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	w := start(t, func(_ context.Context, e *socket.Envelope) {
		e.Ack(nil)
		close(started)
		<-release
	})
	if err := w.command(); err != nil {
		t.Fatal(err)
	}
	<-started
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	close(release)
}

func TestShutdownWithoutAConnection(t *testing.T) {
	asked := make(chan struct{})
	w := newWorkspace(t, nil)
	w.socket.Gate(func(ctx context.Context) error {
		close(asked)
		<-ctx.Done()
		return ctx.Err()
	})
	w.run()
	<-asked
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}
