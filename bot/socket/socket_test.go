package socket_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

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

// An event is acknowledged though its handler says nothing.
func TestEvents(t *testing.T) {
	got := make(chan string, 1)
	w := start(t, func(_ context.Context, e *socket.Envelope) { got <- e.Event.InnerEvent.Type })
	if err := w.alice.OpenHome(w.ctx); err != nil {
		t.Errorf("opening the home tab: %v", err)
	}
	if kind := <-got; kind != "app_home_opened" {
		t.Errorf("the handler got %q", kind)
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
			if n := w.opened(); n != 2 {
				t.Errorf("it took %d connections", n)
			}
			w.clean()
		})
	}
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
