package bot_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// reads is what the only reply in the thread of the board's card reads like, and its
// buttons.
func (b *board) reads() (text string, buttons int) {
	b.Helper()
	thread := b.builds.Thread(b.alice, b.kept.Card)
	if len(thread) < 2 {
		b.Fatalf("the thread has %d messages", len(thread))
	}
	return thread[1].Read(readAt), len(thread[1].Buttons())
}

func (b *board) replyIs(buttons int, says string) {
	b.Helper()
	if text, n := b.reads(); n != buttons || !strings.Contains(text, says) {
		b.Errorf("the reply has %d buttons and reads\n%s\nwant %d and %q", n, text, buttons, says)
	}
}

// played is what somebody started by now.
func played(job string) edit {
	return func(r *run.Run) {
		r.Acts = append(r.Acts, run.Act{Verb: run.Play, By: "U0BOB", At: time.Now().Add(time.Minute), Job: job})
	}
}

// The buttons of a reply go with what they start, whoever starts it and wherever, by one
// edit each; the end takes all that are left.
func TestButtonsInTheThreadGo(t *testing.T) {
	running := func(r *run.Run) { r.Pipeline.Status = gitlab.StatusRunning }
	tests := map[string]struct {
		after   []run.Run // as it is shown one after the other
		buttons int
		says    string
		edits   int // of the reply
	}{
		"nothing happens":        {[]run.Run{blocked("eu", "us")}, 2, "is blocked by manual jobs", 0},
		"one was started here":   {[]run.Run{edited(blocked("us"), played("eu"))}, 1, "was blocked by a manual job. eu started by @U0BOB. More can be started:", 1},
		"all were started here":  {[]run.Run{edited(blocked("us"), played("eu")), edited(blocked(), running, played("eu"), played("us"))}, 0, "eu started by @U0BOB, us started by @U0BOB.", 2},
		"one was started there":  {[]run.Run{blocked("us")}, 1, "is blocked by a manual job: us", 1},
		"all were started there": {[]run.Run{edited(blocked(), running)}, 0, "was blocked by a manual job that does not wait any more.", 1},
		"it runs before it is known by whom": {[]run.Run{
			edited(blocked(), running, func(r *run.Run) { r.Doing = []run.Intent{{}} }), edited(blocked(), running, played("eu")),
		}, 0, "eu started by @U0BOB.", 2},
		"it runs, and has ended":   {[]run.Run{edited(blocked(), running), ended(gitlab.StatusSuccess)}, 0, "does not wait any more.", 1},
		"it was canceled":          {[]run.Run{edited(ended(gitlab.StatusCanceled), func(r *run.Run) { r.Progress = blocked("eu", "us").Progress })}, 0, "does not wait any more.", 1},
		"it was deleted":           {[]run.Run{deleted()}, 0, "does not wait any more.", 1},
		"it waits in another life": {[]run.Run{edited(blocked("eu"), func(r *run.Run) { r.Lives = 1 })}, 0, "does not wait any more.", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, slacktest.Config{})
			b.showAll(blocked("eu", "us"))
			ts := b.kept.Standing[0].TS
			for _, r := range tt.after {
				b.showAll(r)
				b.showAll(r) // and nothing is edited twice
			}
			b.replyIs(tt.buttons, tt.says)
			edits := 0
			for _, call := range b.slack.Calls("chat.update") {
				if call.Args["ts"] == ts {
					edits++
				}
			}
			if edits != tt.edits {
				t.Errorf("it was edited %d times, want %d", edits, tt.edits)
			}
		})
	}
}

// The bot dies between posting a reply with buttons and writing that down, and the
// pipeline goes on meanwhile: the reply is found, and its buttons go.
func TestForgottenButtonsGo(t *testing.T) {
	for name, next := range map[string]run.Run{
		"it runs":      edited(blocked(), func(r *run.Run) { r.Pipeline.Status = gitlab.StatusRunning }),
		"it has ended": ended(gitlab.StatusSuccess),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, slacktest.Config{})
			b.showAll(edited(blocked("eu"), func(r *run.Run) { r.Pipeline.Status = gitlab.StatusRunning }))
			posted := errors.New("dead")
			b.save = func(s run.Shown) error {
				if len(s.Standing) > 0 {
					return posted
				}
				return nil
			}
			if _, err := b.show(blocked("eu")); !errors.Is(err, posted) {
				t.Fatal(err)
			}
			b.save = func(run.Shown) error { return nil }
			b.settled()
			b.showAll(next)
			b.replyIs(0, "does not wait any more.")
			if len(b.kept.Standing) != 0 || b.kept.Posting != "" {
				t.Errorf("still kept: %+v", b.kept)
			}
		})
	}
}

// One that was never posted is not posted any more.
func TestForgottenReplyThatWasNotPosted(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.kept.Posting, b.kept.PostingAt = "waits:0", time.Now().Add(-time.Minute)
	b.showAll(ended(gitlab.StatusSuccess))
	thread := b.builds.Thread(b.alice, b.kept.Card)
	if len(thread) != 2 || strings.Contains(thread[1].Read(readAt), "blocked") {
		t.Errorf("the thread has %d messages", len(thread))
	}
}

// A message that cannot be edited any more is let go.
func TestButtonsThatCannotBeTakenAway(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(blocked("eu"))
	b.kept.Standing[0].TS = "1.000001" // somebody has deleted it
	b.showAll(ended(gitlab.StatusSuccess))
	if len(b.kept.Standing) != 0 {
		t.Errorf("still kept: %+v", b.kept.Standing)
	}
}

// Silence is of what runs alone: it would stand for ever on what is over.
func TestSilenceIsOfWhatRuns(t *testing.T) {
	over := ended(gitlab.StatusSuccess)
	silent := edited(over, silentFor(gitlab.Unclear))
	if diff := cmp.Diff(bot.Card(over), bot.Card(silent)); diff != "" {
		t.Errorf("what has ended (-without +with a silence):\n%s", diff)
	}
}
