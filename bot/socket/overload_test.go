package socket_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

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

// A handler that has not answered in time is answered for. That time is Slack's, less the
// way of the answer; how long the way may take is not what is tested here.
func TestAHandlerThatHangs(t *testing.T) {
	t.Parallel()
	const slacks = 3 * time.Second
	if socket.AnswerWithin >= slacks {
		t.Errorf("it answers after %s, and Slack waits for %s", socket.AnswerWithin, slacks)
	}
	release := make(chan struct{})
	w := newWorkspaceOf(t, slacktest.Config{AckTimeout: soon}, func(context.Context, *socket.Envelope) { <-release })
	w.connect()
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
	if !w.socket.Idle(w.ctx) { // the answer comes before the worker is free again
		t.Fatal("the form is still being opened")
	}
	waiting = new(sync.WaitGroup)
	for range socket.Workers {
		waiting.Go(func() {
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
		})
	}
	for n := range socket.Workers {
		select {
		case <-started:
		case <-w.ctx.Done():
			t.Fatalf("%d of %d workers have something to do", n, socket.Workers)
		}
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
