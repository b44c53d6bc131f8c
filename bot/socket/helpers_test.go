package socket_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon bounds what a test waits for; it never passes in a test that succeeds.
const soon = 30 * time.Second

// workspace is a simulated Slack, a person in a channel of it, and the socket under
// test.
type workspace struct {
	*slacktest.Server
	t       *testing.T
	ctx     context.Context
	alice   *slacktest.User
	channel *slacktest.Channel
	api     *slack.Client
	socket  *socket.Socket
	logs    *observer.ObservedLogs
	cancel  context.CancelFunc
	ended   chan error
	hellos  chan [2]int // connections: own, all
}

// newWorkspace has nothing running yet.
func newWorkspace(t *testing.T, handle socket.Handler) *workspace {
	t.Helper()
	return newWorkspaceOf(t, slacktest.Config{}, handle)
}

func newWorkspaceOf(t *testing.T, cfg slacktest.Config, handle socket.Handler) *workspace {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	w := &workspace{t: t, ctx: ctx, Server: slacktest.NewServer(cfg), ended: make(chan error, 1), hellos: make(chan [2]int, 100)}
	t.Cleanup(w.Close)
	w.alice = w.AddUser("alice")
	w.channel = w.AddChannel("releases", slacktest.Public, w.alice)
	w.channel.InviteBot()
	w.api = slack.New(slacktest.DefaultBotToken, slack.OptionAPIURL(w.APIURL()))
	core, logs := observer.New(zap.DebugLevel)
	w.logs = logs
	w.socket = socket.New(socket.Config{
		AppToken: slacktest.DefaultAppToken, APIURL: w.APIURL(), HTTP: http.DefaultClient, Handle: handle, Log: zap.New(core),
		Connections: func(own, all int) { w.hellos <- [2]int{own, all} },
	})
	return w
}

// run runs the socket until stop, or until the test ends.
func (w *workspace) run() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	var running sync.WaitGroup
	running.Go(func() { w.ended <- w.socket.Run(ctx) })
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// connect runs the socket and waits until both connections stand.
func (w *workspace) connect() {
	w.t.Helper()
	w.run()
	w.connected()
}

func (w *workspace) connected() { w.t.Helper(); w.stand(2) }

// stand waits until so many connections stand.
func (w *workspace) stand(n int) {
	w.t.Helper()
	if !w.socket.Stands(w.ctx, n) {
		w.t.Fatalf("it never has %d connections\n%s", n, w.logged())
	}
}

// opened is how many connections Slack was asked for.
func (w *workspace) opened() int { return len(w.Calls("apps.connections.open")) }

// start returns a workspace with a socket that is connected.
func start(t *testing.T, handle socket.Handler) *workspace {
	t.Helper()
	w := newWorkspace(t, handle)
	w.connect()
	return w
}

// stop ends the socket and returns what Run did.
func (w *workspace) stop() error {
	w.t.Helper()
	w.cancel()
	select {
	case err := <-w.ended:
		return err
	case <-w.ctx.Done():
		w.t.Fatal("Run does not return")
		return nil
	}
}

// command types /pipeline.
func (w *workspace) command() error { return w.alice.Command(w.ctx, w.channel, "/pipeline", "") }

// clean fails the test for what Slack would dislike.
func (w *workspace) clean() {
	w.t.Helper()
	for _, violation := range w.Violations() {
		w.t.Errorf("Slack: %s", violation)
	}
}

// acked waits for the acknowledgement of an envelope that was put in by hand.
func (w *workspace) acked(id string) slacktest.Ack {
	w.t.Helper()
	var found slacktest.Ack
	if err := w.Wait(w.ctx, func() bool {
		for _, ack := range w.Acks() {
			if ack.EnvelopeID == id {
				found = ack
				return true
			}
		}
		return false
	}); err != nil {
		w.t.Fatalf("the envelope %s is not acknowledged: %v", id, err)
	}
	return found
}

// logged is everything the socket logged, in one text.
func (w *workspace) logged() string {
	var b strings.Builder
	for _, entry := range w.logs.All() {
		fmt.Fprintf(&b, "%s %s %+v\n", entry.Level, entry.Message, entry.ContextMap())
	}
	return b.String()
}

// texts is a payload that shows a text to the person.
func texts(text string) map[string]string { return map[string]string{"text": text} }

// form is a modal with an input, a menu that asks for its options, and a button.
func form(t *testing.T) slack.ModalViewRequest {
	t.Helper()
	var view slack.ModalViewRequest
	if err := json.Unmarshal([]byte(`{
		"type": "modal", "title": {"type": "plain_text", "text": "Start"}, "submit": {"type": "plain_text", "text": "Go"},
		"blocks": [
			{"type": "input", "block_id": "note", "optional": true, "label": {"type": "plain_text", "text": "Note"},
				"element": {"type": "plain_text_input", "action_id": "note"}},
			{"type": "input", "block_id": "ref", "optional": true, "label": {"type": "plain_text", "text": "Ref"},
				"element": {"type": "external_select", "action_id": "ref", "min_query_length": 0}},
			{"type": "actions", "block_id": "more", "elements": [
				{"type": "button", "action_id": "press", "text": {"type": "plain_text", "text": "Press"}}]}
		]
	}`), &view); err != nil {
		t.Fatal(err)
	}
	return view
}

// opens is a handler that opens the form for a command and leaves the rest to then.
func (w *workspace) opens(then socket.Handler) socket.Handler {
	return func(ctx context.Context, e *socket.Envelope) {
		if e.Command == nil {
			then(ctx, e)
			return
		}
		if _, err := w.api.OpenViewContext(ctx, e.Command.TriggerID, form(w.t)); err != nil {
			w.t.Errorf("opening the form: %v", err)
		}
	}
}

// startForm returns a workspace in which alice has the form open.
func startForm(t *testing.T, then socket.Handler) (*workspace, *slacktest.Modal) {
	t.Helper()
	var w *workspace
	w = newWorkspace(t, func(ctx context.Context, e *socket.Envelope) { w.opens(then)(ctx, e) })
	w.connect()
	if err := w.command(); err != nil {
		t.Fatal(err)
	}
	modal, err := w.alice.Modal(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return w, modal
}
