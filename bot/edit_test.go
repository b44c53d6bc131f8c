package bot_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// cut shows the run until an edit is on its way, and the process dies then: what it would
// write down is lost. Slack does the edit when late is called.
func (b *board) cut(r run.Run) (late func()) {
	b.Helper()
	came, release := b.slack.HoldNext("chat.update")
	ctx, die := context.WithCancel(b.ctx)
	defer die()
	process := *b
	process.ctx, process.save = ctx, func(run.Shown) error { return ctx.Err() }
	died := make(chan error, 1)
	go func() {
		_, err := process.show(r)
		died <- err
	}()
	select {
	case <-came:
	case err := <-died:
		b.Fatalf("Show edits nothing: %v", err)
	}
	die()
	if err := <-died; err == nil {
		b.Fatal("Show says that all is shown")
	}
	b.kept = process.kept
	return func() {
		b.Helper()
		edits := len(b.slack.Calls("chat.update"))
		release()
		if err := b.slack.Wait(b.ctx, func() bool { return len(b.slack.Calls("chat.update")) > edits }); err != nil {
			b.Fatal(err)
		}
	}
}

// shownLater shows the run and expects that it has to be shown again, without an edit
// until then where there were so many.
func (b *board) shownLater(r run.Run, edits int) {
	b.Helper()
	for range 2 {
		if again, err := b.show(r); err != nil || again <= 0 {
			b.Errorf("Show = %s, %v; want to be called again when the edit that was cut off cannot come any more", again, err)
		}
	}
	b.calls("chat.update", edits)
}

func (b *board) cardIs(want string) {
	b.Helper()
	card, _ := b.builds.Message(b.alice, b.kept.Card)
	if got := firstWords(card); got != want {
		b.Errorf("the card reads %q, want %q", got, want)
	}
}

// Slack may do the edit of a process that died after the one of its successor. The card is
// drawn once more when that is over.
func TestShowAfterAnEditThatWasCutOff(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(started(gitlab.StatusCreated))
	late := b.cut(running())
	b.shownLater(ended(gitlab.StatusSuccess), 1)
	b.cardIs(cardPassed)
	late()
	b.cardIs(cardRunning)
	b.settled()
	b.showAll(ended(gitlab.StatusSuccess))
	b.showAll(ended(gitlab.StatusSuccess))
	b.cardIs(cardPassed)
	b.calls("chat.update", 3)
}

// So is a reply, whose buttons would come back for good.
func TestButtonsAfterAnEditThatWasCutOff(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(blocked("eu", "us"))
	b.display.CardInterval = time.Hour // the edit is one of the reply
	late := b.cut(edited(blocked("us"), played("eu")))
	b.shownLater(ended(gitlab.StatusSuccess), 2)
	b.replyIs(0, "does not wait any more.")
	late()
	b.replyIs(1, "eu started by @U0BOB.")
	b.settled()
	b.showAll(ended(gitlab.StatusSuccess))
	b.showAll(ended(gitlab.StatusSuccess))
	b.replyIs(0, "does not wait any more.")
	b.cardIs(cardPassed)
	b.calls("chat.update", 5)
	if len(b.kept.Standing) != 0 {
		t.Errorf("still kept: %+v", b.kept.Standing)
	}
}

// That an edit is under way is saved before it is sent, and that it is not any more with
// what came of it: one save more, and nothing is left to do.
func TestShowMarksAnEdit(t *testing.T) {
	const edit = "chat.update"
	for name, tt := range map[string]struct {
		answer func(s *slacktest.Server)
		after  string
	}{
		"done":         {func(*slacktest.Server) {}, "1 edits, unsure false"},
		"refused":      {func(s *slacktest.Server) { s.FailNext(edit, "invalid_blocks", 1) }, "1 edits, unsure false"},
		"gone":         {func(s *slacktest.Server) { s.FailNext(edit, "message_not_found", 1) }, "1 edits, unsure false"},
		"rate limited": {func(s *slacktest.Server) { s.RateLimit(edit, 1, time.Second) }, "1 edits, unsure false"},
		"no answer":    {func(s *slacktest.Server) { s.HTTPFailNext(edit, 0, "", false) }, "1 edits, unsure true"},
	} {
		t.Run(name, func(t *testing.T) {
			for what, next := range map[string]run.Run{"the card": running(), "a reply": blocked("us")} {
				b := newBoard(t, slacktest.Config{})
				b.showAll(blocked("eu", "us"))
				if what == "a reply" {
					b.display.CardInterval = time.Hour // the card waits
				} else {
					b.kept.Standing = nil
				}
				var steps []string
				b.save = func(s run.Shown) error {
					steps = append(steps, fmt.Sprintf("%d edits, unsure %t", len(b.slack.Calls(edit)), !s.Unsure.IsZero()))
					return nil
				}
				tt.answer(b.slack)
				_, _ = b.show(next)
				if diff := cmp.Diff([]string{"0 edits, unsure true", tt.after}, steps); diff != "" {
					t.Errorf("the record at an edit of %s (-want +got):\n%s", what, diff)
				}
			}
		})
	}
}

// An edit that is done says nothing about an earlier one that was cut off.
func TestShowAwaitsTheEarlierEdit(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(started(gitlab.StatusCreated))
	b.cut(running())
	cut := b.kept.Unsure
	b.shownLater(ended(gitlab.StatusFailed), 1)
	b.shownLater(ended(gitlab.StatusSuccess), 2)
	if !b.kept.Unsure.Equal(cut) {
		t.Errorf("an edit may come since %s, want %s", b.kept.Unsure, cut)
	}
}
