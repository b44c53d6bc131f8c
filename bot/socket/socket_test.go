package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

func TestCommand(t *testing.T) {
	got := make(chan *slack.SlashCommand, 1)
	w := start(t, func(_ context.Context, e *socket.Envelope) {
		got <- e.Command
		e.Ack(texts("on it"))
	})
	if err := w.alice.Command(w.ctx, w.channel, "/pipeline", "main"); err != nil {
		t.Fatal(err)
	}
	command := <-got
	if command == nil || command.Command != "/pipeline" || command.Text != "main" || command.UserID != w.alice.ID || command.TriggerID == "" {
		t.Errorf("the handler got %+v", command)
	}
	if messages := w.channel.Messages(w.alice); len(messages) != 1 || messages[0].Text != "on it" || !messages[0].Ephemeral {
		t.Errorf("alice sees %+v", messages)
	}
	w.clean()
}

// What a handler leaves open is acknowledged when it returns.
func TestAHandlerNeedNotAcknowledge(t *testing.T) {
	w := start(t, func(context.Context, *socket.Envelope) {})
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
	w.clean()
}

// A second acknowledgement would be one too many for Slack.
func TestOnlyTheFirstAcknowledgementCounts(t *testing.T) {
	w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) {
		e.Ack(texts("first"))
		e.Ack(texts("second"))
	})
	written := new(atomic.Int64)
	w.socket.Slow(func() { written.Add(1) })
	w.connect()
	if err := w.command(); err != nil {
		t.Fatal(err)
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if acks := w.Acks(); len(acks) != 1 || string(acks[0].Payload) != `{"text":"first"}` {
		t.Errorf("acknowledgements: %+v", acks)
	}
	if n := written.Load(); n != 1 {
		t.Errorf("%d frames were sent", n)
	}
}

// A handler goes on after it has acknowledged, and the person waits no longer.
func TestAcknowledgeThenWork(t *testing.T) {
	release := make(chan struct{})
	done := make(chan error, 1)
	w := start(t, func(ctx context.Context, e *socket.Envelope) {
		e.Ack(nil)
		<-release
		done <- ctx.Err()
	})
	if err := w.command(); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("its context ended with the acknowledgement: %v", err)
	}
}

// Each kind of interaction gets its answer through, where Slack takes one.
func TestInteractions(t *testing.T) {
	w, modal := startForm(t, func(_ context.Context, e *socket.Envelope) {
		switch e.Interaction.Type {
		case slack.InteractionTypeBlockSuggestion:
			option := slack.NewOptionBlockObject("main", slack.NewTextBlockObject(slack.PlainTextType, e.Interaction.Value+"-1", false, false), nil)
			e.Ack(map[string]any{"options": []*slack.OptionBlockObject{option}})
		case slack.InteractionTypeViewSubmission:
			e.Ack(slack.NewErrorsViewSubmissionResponse(map[string]string{"note": "too short"}))
		case slack.InteractionTypeBlockActions:
			e.Ack(texts("which Slack would not take"))
		default:
			t.Errorf("an interaction of type %s", e.Interaction.Type)
		}
	})
	groups, err := modal.Options(w.ctx, "Ref", "fix")
	if err != nil || len(groups) != 1 || groups[0].Options[0].Text != "fix-1" {
		t.Errorf("options: %+v, %v", groups, err)
	}
	if err := modal.Click(w.ctx, "Press"); err != nil {
		t.Errorf("pressing the button: %v", err)
	}
	result, err := modal.Submit(w.ctx)
	if err != nil || result.Errors["Note"] != "too short" {
		t.Errorf("submitting: %+v, %v", result, err)
	}
	w.clean()
}

// Nobody here has asked for events, and each is acknowledged all the same.
func TestEventsAreAcknowledged(t *testing.T) {
	w := start(t, func(_ context.Context, e *socket.Envelope) { t.Errorf("the handler got %+v", e) })
	if err := w.alice.OpenHome(w.ctx); err != nil {
		t.Errorf("opening the home tab: %v", err)
	}
	w.clean()
}

// What cannot be understood would come again for ever if it was not acknowledged.
func TestWhatCannotBeUnderstoodIsAcknowledged(t *testing.T) {
	for _, tt := range []struct{ name, frame string }{
		{"a type of the future", `{"envelope_id":"E1","type":"from_the_future","payload":{},"accepts_response_payload":true}`},
		{"no type", `{"envelope_id":"E1","payload":{}}`},
		{"a type that is no text", `{"envelope_id":"E1","type":7,"payload":{}}`},
		{"a command that is none", `{"envelope_id":"E1","type":"slash_commands","payload":["/pipeline"]}`},
		{"an interaction that is none", `{"envelope_id":"E1","type":"interactive","payload":"click","accepts_response_payload":true}`},
		{"an interaction without a payload", `{"envelope_id":"E1","type":"interactive"}`},
		{"an event that is none", `{"envelope_id":"E1","type":"events_api","payload":{"type":"event_callback","event":7}}`},
		{"an event of the future", `{"envelope_id":"E1","type":"events_api","payload":{"type":"event_callback","event":{"type":"from_the_future"}}}`},
		{"an element of the future", `{"envelope_id":"E1","type":"interactive","payload":{"type":"block_actions","message":{"blocks":[
			{"type":"actions","elements":[{"type":"hologram","action_id":"a"}]}]}}}`},
		{"an input of the future", `{"envelope_id":"E1","type":"interactive","payload":{"type":"view_submission","view":{"type":"modal","blocks":[
			{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"hologram","action_id":"a"}}]}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, func(_ context.Context, e *socket.Envelope) { t.Errorf("the handler got %+v", e) })
			w.Deliver([]byte(tt.frame))
			if ack := w.acked("E1"); ack.Late || ack.Payload != nil {
				t.Errorf("the acknowledgement: %+v", ack)
			}
			w.clean()
		})
	}
}

// Frames without an id cannot be acknowledged; the connection bears them.
func TestNonsenseDoesNotEndTheConnection(t *testing.T) {
	for _, frame := range []string{`not JSON`, ``, `{}`, `[]`, `"E1"`, `null`, `7`, `{"type":"from_the_future"}`, `{"envelope_id":7}`, `{"type":`} {
		t.Run(frame, func(t *testing.T) {
			w := start(t, func(_ context.Context, e *socket.Envelope) {})
			w.Deliver([]byte(frame))
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
			if n := len(w.Calls("apps.connections.open")); n != 1 {
				t.Errorf("it took %d connections", n)
			}
			w.clean()
		})
	}
}

func TestAPanicIsRecovered(t *testing.T) {
	calls := new(atomic.Int64)
	w := start(t, func(context.Context, *socket.Envelope) {
		if calls.Add(1) == 1 {
			panic("a mistake") //nolint:forbidigo // what a handler must not do
		}
	})
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
	if messages := w.channel.Messages(w.alice); len(messages) != 1 || !strings.Contains(messages[0].Text, "try again") {
		t.Errorf("alice is told %+v", messages)
	}
	if !strings.Contains(w.logged(), "a mistake") {
		t.Errorf("the panic is not logged:\n%s", w.logged())
	}
	if err := w.command(); err != nil {
		t.Errorf("after it alice sees %v", err)
	}
	w.clean()
}

// A bare acknowledgement would close the modal as if all was well.
func TestAPanicOverASubmissionLeavesTheModalOpen(t *testing.T) {
	t.Parallel()
	w, modal := startForm(t, func(context.Context, *socket.Envelope) { panic("a mistake") }) //nolint:forbidigo // what a handler must not do
	result, err := modal.Submit(w.ctx)
	if err != nil || result.Closed || !result.Late {
		t.Errorf("submitting: %+v, %v", result, err)
	}
	if !modal.IsOpen() {
		t.Error("the modal is closed")
	}
}

// A handler that has not answered in time is answered for.
func TestAHandlerThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := start(t, func(context.Context, *socket.Envelope) { <-release })
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
	w.clean()
	close(release)
}

// A submission is not: the modal stays, and nothing that was typed is lost.
func TestAHandlerThatHangsOverASubmission(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w, modal := startForm(t, func(context.Context, *socket.Envelope) { <-release })
	result, err := modal.Submit(w.ctx)
	if err != nil || result.Closed || !result.Late || !modal.IsOpen() {
		t.Errorf("submitting: %+v, %v; the modal is open: %v", result, err, modal.IsOpen())
	}
	close(release)
}

// Slack drops what is larger than 20 kB and sends the envelope again.
func TestAnAnswerThatIsTooLargeIsReplacedByNone(t *testing.T) {
	w, modal := startForm(t, func(_ context.Context, e *socket.Envelope) {
		e.Ack(map[string]any{"options": []string{strings.Repeat("x", 30_000)}})
	})
	noOptions(t, w, modal)
	w.clean()
}

// noOptions opens the menu, which has to be answered and to stay empty.
func noOptions(t *testing.T, w *workspace, modal *slacktest.Modal) {
	t.Helper()
	groups, err := modal.Options(w.ctx, "Ref", "")
	if err != nil {
		t.Errorf("opening the menu: %v", err)
	}
	for _, group := range groups {
		if len(group.Options) > 0 {
			t.Errorf("options: %+v", groups)
		}
	}
}

func TestAnAnswerThatIsNoJSONIsReplacedByNone(t *testing.T) {
	w := start(t, func(_ context.Context, e *socket.Envelope) { e.Ack(func() {}) })
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
	w.clean()
}

// crowd puts commands in until every worker has one. They wait for release.
func crowd(t *testing.T) (w *workspace, waiting *sync.WaitGroup, release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	started := make(chan struct{}, socket.Workers)
	var form socket.Handler
	w = newWorkspace(t, func(ctx context.Context, e *socket.Envelope) {
		if e.Command != nil && e.Command.Text == "form" {
			form(ctx, e)
			return
		}
		e.Ack(nil)
		started <- struct{}{}
		<-release
	})
	form = w.opens(nil)
	w.connect()
	if err := w.alice.Command(w.ctx, w.channel, "/pipeline", "form"); err != nil {
		t.Fatal(err)
	}
	waiting = new(sync.WaitGroup)
	for range socket.Workers {
		waiting.Go(func() {
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
		})
	}
	for range socket.Workers {
		<-started
	}
	return w, waiting, release
}

// Who comes when all workers are taken is told so, at once.
func TestOverload(t *testing.T) {
	w, waiting, release := crowd(t)
	var late sync.WaitGroup
	for range 50 {
		late.Go(func() {
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
		})
	}
	late.Wait()
	told := 0
	for _, message := range w.channel.Messages(w.alice) {
		if strings.Contains(message.Text, "try again") {
			told++
		}
	}
	if told != 50 {
		t.Errorf("%d were told to try again", told)
	}
	modal, err := w.alice.Modal(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := modal.Click(w.ctx, "Press"); err != nil {
		t.Errorf("pressing a button: %v", err)
	}
	noOptions(t, w, modal)
	w.clean()
	close(release)
	waiting.Wait()
	if err := w.command(); err != nil {
		t.Errorf("after it alice sees %v", err)
	}
	w.clean()
}

func TestOverloadLeavesAModalOpen(t *testing.T) {
	t.Parallel()
	w, waiting, release := crowd(t)
	modal, err := w.alice.Modal(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	result, err := modal.Submit(w.ctx)
	if err != nil || result.Closed || !result.Late || !modal.IsOpen() {
		t.Errorf("submitting: %+v, %v", result, err)
	}
	close(release)
	waiting.Wait()
}

// slack-go only queues an acknowledgement, and forgets the queue when it ends.
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
	if w.socket.Connected() {
		t.Error("it says that it is connected")
	}
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

// more puts more commands in than slack-go holds.
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
	if err := w.Wait(w.ctx, func() bool { return len(w.Calls("apps.connections.open")) == 2 && w.Connections() == 1 }); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if n := len(w.Acks()); n != 1 {
		t.Errorf("%d envelopes were acknowledged", n)
	}
	if err := <-inHand; !errors.Is(err, slacktest.ErrTimeout) { // it was for the first connection
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
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if conn, err := socket.DialLingering(t.Context(), "tcp", listener.Addr().String()); err == nil || conn != nil {
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
	if w.socket.Connected() {
		t.Error("it says that it is connected")
	}
	if err := w.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

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
