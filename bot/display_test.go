package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot"
	"pipebot/bot/budget"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// soon bounds what a test waits for; it never passes in a test that succeeds.
const soon = 30 * time.Second

// board is a workspace on which a display shows one run.
type board struct {
	*testing.T
	ctx     context.Context
	slack   *slacktest.Server
	alice   *slacktest.User
	builds  *slacktest.Channel
	display *bot.Display

	// kept is what the record says was shown. save is called before it is kept.
	kept run.Shown
	save func(run.Shown) error
}

func newBoard(t *testing.T, cfg slacktest.Config) *board {
	t.Helper()
	server := slacktest.NewServer(cfg)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	alice := server.AddUser("alice")
	api, calls := newAPI(server)
	b := &board{
		T: t, ctx: ctx, slack: server, alice: alice,
		builds: server.AddChannel("builds", slacktest.Private, alice),
		display: &bot.Display{
			API: api, Tell: bot.NewTeller(api, server.APIURL(), zap.NewNop()), BotName: func() string { return "pipebot" },
			Budget: calls, Log: zap.NewNop(),
		},
		save: func(run.Shown) error { return nil },
	}
	b.builds.InviteBot()
	return b
}

// newAPI is a client of a workspace, and a budget that nobody uses up.
func newAPI(server *slacktest.Server) (*slack.Client, *budget.Budget) {
	calls := budget.New(budget.Config{Rate: 1000, Log: zap.NewNop()})
	return slack.New(slacktest.DefaultBotToken, slack.OptionAPIURL(server.APIURL()),
		slack.OptionHTTPClient(bot.SlackHTTP(calls.Transport(http.DefaultTransport)))), calls
}

// ours is the run as this workspace knows it.
func (b *board) ours(r run.Run) run.Run {
	r.Request.Asker, r.Request.Channel, r.Shown = b.alice.ID, b.builds.ID, b.kept
	return r
}

// show shows the run as its record stands.
func (b *board) show(r run.Run) (time.Duration, error) {
	return b.display.Show(b.ctx, b.ours(r), func(s run.Shown) error {
		if err := b.save(s); err != nil {
			return err
		}
		data, err := json.Marshal(s) // the record is in a store
		if err != nil {
			return err
		}
		b.kept = run.Shown{}
		return json.Unmarshal(data, &b.kept)
	})
}

// showAll shows the run and fails where that is not all done at once.
func (b *board) showAll(r run.Run) {
	b.Helper()
	if again, err := b.show(r); err != nil || again != 0 {
		b.Fatalf("Show = %s, %v", again, err)
	}
}

// settled is the record some time after a message was being posted or edited.
func (b *board) settled() {
	for _, at := range []*time.Time{&b.kept.PostingAt, &b.kept.Unsure} {
		if !at.IsZero() {
			*at = at.Add(-time.Minute)
		}
	}
}

// messages are what alice sees in a channel, threads too, each in its first words.
func (b *board) messages(c *slacktest.Channel) []string {
	var list []string
	for _, m := range c.Messages(b.alice) {
		list = append(list, firstWords(m))
		for _, reply := range c.Thread(b.alice, m.TS) {
			if reply.TS != m.TS {
				list = append(list, "- "+firstWords(reply))
			}
		}
	}
	return list
}

func firstWords(m slacktest.Message) string {
	line, _, _ := strings.Cut(address.ReplaceAllString(m.Read(readAt), ""), "\n")
	if m.Ephemeral {
		line = "(alone) " + line
	}
	return line
}

func (b *board) see(c *slacktest.Channel, want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, b.messages(c)); diff != "" {
		b.Errorf("alice sees (-want +got):\n%s", diff)
	}
}

// calls counts the calls of a method.
func (b *board) calls(method string, want int) {
	b.Helper()
	if got := len(b.slack.Calls(method)); got != want {
		b.Errorf("%d calls of %s, want %d", got, method, want)
	}
}

const (
	cardRunning = ":large_blue_circle: Running  Pipeline #4711 · group/app"
	cardPassed  = ":white_check_mark: Passed  Pipeline #4711 · group/app"
	replyPassed = ":white_check_mark: @alice Pipeline #4711 passed in 4m 12s."
)

func TestShowNothingOfARequest(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(requested())
	b.showAll(requested(inProject(run.Starting)))
	b.calls("", 0)
}

func TestShowPostsOneCardAndEditsIt(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(started(gitlab.StatusCreated))
	b.see(b.builds, ":hourglass_flowing_sand: Pending  Pipeline #4711 · group/app")
	b.showAll(running())
	b.see(b.builds, cardRunning)
	b.showAll(ended(gitlab.StatusSuccess))
	b.see(b.builds, cardPassed, "- "+replyPassed)
	b.calls("chat.postMessage", 2)
	b.calls("chat.update", 2)
}

func TestShowEditsOnlyWhatChanged(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.showAll(running(func(r *run.Run) { r.Version, r.Pipeline.UpdatedAt = 9, readAt }))
	b.calls("chat.postMessage", 1)
	b.calls("chat.update", 0)
}

func TestShowHoldsBackQuickEdits(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.display.CardInterval = time.Hour
	b.showAll(started(gitlab.StatusCreated))
	again, err := b.show(running())
	if err != nil || again <= 0 || again > time.Hour {
		t.Errorf("Show = %s, %v; want to be called again within the interval", again, err)
	}
	b.calls("chat.update", 0)
}

func TestShowDoesNotHoldBackTheEnd(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.display.CardInterval = time.Hour
	b.showAll(running())
	b.showAll(ended(gitlab.StatusSuccess))
	b.see(b.builds, cardPassed, "- "+replyPassed)
}

// What is asked for outside of any channel is shown in the person's direct messages, and
// kept up to date there.
func TestShowInDirectMessages(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	var kept run.Shown
	for _, r := range []run.Run{running(), ended(gitlab.StatusSuccess)} {
		r = b.ours(r)
		r.Request.Channel, r.Shown = b.alice.ID, kept
		again, err := b.display.Show(b.ctx, r, func(s run.Shown) error { kept = s; return nil })
		if err != nil || again != 0 {
			t.Fatalf("Show = %s, %v", again, err)
		}
	}
	b.see(b.slack.DM(b.alice), cardPassed, "- "+replyPassed)
	b.see(b.builds)
}

func TestShowRepliesOnceToEachEnd(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(blocked("ship"))
	b.showAll(blocked("ship", "announce"))
	b.showAll(ended(gitlab.StatusFailed, failing(jobs("test", "unit"))))
	b.showAll(ended(gitlab.StatusFailed, failing(jobs("test", "unit", "lint"))))
	retried := func(r *run.Run) { r.Lives = 1 }
	b.showAll(running(retried))
	b.showAll(ended(gitlab.StatusSuccess, retried))
	b.showAll(ended(gitlab.StatusSuccess, retried))
	b.see(b.builds, cardPassed,
		"- :raised_hand: @alice Pipeline #4711 was blocked by a manual job that does not wait any more.",
		"- :x: @alice Pipeline #4711 failed in test: unit",
		"- "+replyPassed)
}

// Only the reply makes a device ring, and it does so once.
func TestShowNotifiesWhoAsked(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.showAll(ended(gitlab.StatusSuccess))
	var got []string
	for _, n := range b.slack.Notifications(b.alice) {
		got = append(got, n.Why+": "+n.Text)
	}
	want := []string{
		"mention: Running: group/app feature/login (debug)",
		"mention: group/app feature/login: pipeline #4711 passed in 4m 12s.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alice is notified of (-want +got):\n%s", diff)
	}
}

// Whatever was done is saved before the next thing is begun.
func TestShowSavesEachStep(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	var steps []string
	b.save = func(s run.Shown) error {
		steps = append(steps, fmt.Sprintf("%d calls, posting %q, card %t, told %v", len(b.slack.Calls("")), s.Posting, s.Card != "", s.Told))
		return nil
	}
	b.showAll(ended(gitlab.StatusSuccess))
	want := []string{
		`0 calls, posting "card", card false, told []`,
		`1 calls, posting "", card true, told []`,
		`1 calls, posting "ended:0", card true, told []`,
		`2 calls, posting "", card true, told [ended:0]`,
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}

func TestShowPostsNothingThatCannotBeSavedBefore(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.save = func(run.Shown) error { return errors.New("the store is away") }
	if _, err := b.show(running()); err == nil {
		t.Error("the error of the store is lost")
	}
	b.calls("", 0)
}

func TestShowGoesToDirectMessages(t *testing.T) {
	for name, where := range map[string]struct {
		cfg  slacktest.Config
		kind slacktest.ChannelKind
	}{
		"channel_not_found: a private channel without the bot": {kind: slacktest.Private},
		"not_in_channel: a public one, without chat:write.public": {
			kind: slacktest.Public,
			cfg:  slacktest.Config{Scopes: []string{"commands", "chat:write"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, where.cfg)
			b.builds = b.slack.AddChannel("secret", where.kind, b.alice)
			b.showAll(running())
			dm := b.slack.DM(b.alice)
			b.see(b.builds)
			b.see(dm, cardRunning)
			card := dm.Messages(b.alice)[0].Read(readAt)
			if hint := "I cannot post in #secret, so this card is here. In a private channel, `/invite @pipebot` changes that."; !strings.HasSuffix(card, hint) {
				t.Errorf("the card does not end with the hint:\n%s", card)
			}
			b.showAll(running())
			b.calls("chat.update", 0)
			b.showAll(ended(gitlab.StatusSuccess))
			b.see(dm, cardPassed, "- "+replyPassed)
			if card := dm.Messages(b.alice)[0].Read(readAt); !strings.Contains(card, "/invite @pipebot") {
				t.Errorf("the edited card has lost the hint:\n%s", card)
			}
		})
	}
}

func TestShowGivesUpWhereNobodyCanBeTold(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.builds.KickBot()
	b.slack.FailNext("chat.postMessage", "channel_not_found", 2)
	b.showAll(running())
	b.showAll(ended(gitlab.StatusSuccess))
	b.calls("chat.postMessage", 2)
	if !slices.Contains(b.kept.Told, bot.ToldLost) {
		t.Errorf("the record does not say so: %+v", b.kept)
	}
}

func TestShowTriesAgainWhatPasses(t *testing.T) {
	for name, fail := range map[string]func(s *slacktest.Server){
		"a fault of Slack":  func(s *slacktest.Server) { s.FailNext("chat.postMessage", "internal_error", 1) },
		"a token in change": func(s *slacktest.Server) { s.FailNext("chat.postMessage", "invalid_auth", 1) },
		"a bad gateway":     func(s *slacktest.Server) { s.HTTPFailNext("chat.postMessage", 502, "", false) },
		"a cut connection":  func(s *slacktest.Server) { s.HTTPFailNext("chat.postMessage", 0, "", false) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, slacktest.Config{})
			fail(b.slack)
			if _, err := b.show(running()); err == nil {
				t.Error("Show does not tell that it failed")
			}
			b.settled()
			b.showAll(running())
			b.see(b.builds, cardRunning)
		})
	}
}

func TestShowWaitsAsLongAsSlackAsks(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(started(gitlab.StatusCreated))
	b.slack.RateLimit("chat.update", 1, 7*time.Second)
	if again, err := b.show(running()); err == nil || again != 7*time.Second {
		t.Errorf("Show = %s, %v; want to be called again in 7s", again, err)
	}
}

// An edit that Slack refuses for any other reason than that the card is gone is
// tried again later: a card must not stay behind the truth for good. What is to be said
// in its thread is said meanwhile.
func TestShowComesBackToARefusedEdit(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.slack.FailNext("chat.update", "invalid_blocks", 1)
	if _, err := b.show(ended(gitlab.StatusSuccess)); err == nil {
		t.Error("Show does not tell that Slack refused")
	}
	b.see(b.builds, cardRunning, "- "+replyPassed)
	if again, err := b.show(ended(gitlab.StatusSuccess)); err != nil || again < time.Second {
		t.Errorf("Show = %s, %v; want to be called again after a while", again, err)
	}
	b.calls("chat.update", 1)
	b.kept.EditRefused = b.kept.EditRefused.Add(-time.Minute)
	b.showAll(ended(gitlab.StatusSuccess))
	b.see(b.builds, cardPassed, "- "+replyPassed)
}

// What Slack goes on refusing is tried ever more rarely. Another card is not held up by that,
// and once Slack takes one, all begins anew.
func TestShowAsksMoreRarelyWhatIsRefused(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		b.slack.FailNext("chat.update", "invalid_blocks", 1)
		_, _ = b.show(ended(gitlab.StatusSuccess))
		again, err := b.show(ended(gitlab.StatusSuccess))
		if err != nil || again > want || again < want-10*time.Second {
			t.Errorf("Show = %s, %v; want to be called again in %s", again, err, want)
		}
		b.kept.EditRefused = b.kept.EditRefused.Add(-want)
	}
	b.kept.EditRefused = time.Now().Add(-time.Minute)
	if again, err := b.show(ended(gitlab.StatusSuccess)); err != nil || again < 30*time.Minute {
		t.Errorf("the refused card: Show = %s, %v", again, err)
	}
	b.showAll(ended(gitlab.StatusFailed))
	if b.kept.Refusals != 0 || !b.kept.EditRefused.IsZero() {
		t.Errorf("%d refusals are still counted", b.kept.Refusals)
	}
}

// Posts have a limit of their own: while Slack takes no edits, a reply does not wait for
// the card's.
func TestShowRepliesWhileEditsWait(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.slack.RateLimitFor("chat.update", time.Minute)
	for range 3 {
		if again, _ := b.show(ended(gitlab.StatusSuccess)); again <= 0 {
			t.Error("Show does not want to be called again")
		}
	}
	b.see(b.builds, cardRunning, "- "+replyPassed)
	b.calls("chat.update", 1)
	b.calls("chat.postMessage", 2)
}

// What Slack certainly did not post is not looked for: it is posted when Slack takes posts
// again.
func TestShowPostsAtOnceWhatSlackDidNotTake(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.slack.RateLimit("chat.postMessage", 1, time.Second)
	if again, err := b.show(running()); err == nil || again != time.Second {
		t.Errorf("Show = %s, %v; want to be called again in 1s", again, err)
	}
	if b.kept.Posting != "" {
		t.Error("the record says that a card may have been posted")
	}
}

// Slack may do late what it gave no answer to. The card is drawn once more when that is
// over, so that it does not stay at an older state.
func TestShowDrawsAgainAfterALostAnswer(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.slack.HTTPFailNext("chat.update", 0, "", false)
	if _, err := b.show(ended(gitlab.StatusFailed)); err == nil {
		t.Error("Show does not tell that it is not certain")
	}
	for range 2 {
		if again, err := b.show(ended(gitlab.StatusSuccess)); err != nil || again <= 0 {
			t.Errorf("Show = %s, %v; want to be called again when the lost edit cannot come any more", again, err)
		}
	}
	b.calls("chat.update", 2)
	// It comes.
	_, _, _, err := b.display.API.UpdateMessageContext(b.ctx, b.kept.Channel, b.kept.Card, slack.MsgOptionText("older", false))
	if err != nil {
		t.Fatal(err)
	}
	b.settled()
	b.showAll(ended(gitlab.StatusSuccess))
	b.cardIs(cardPassed)
	edits := len(b.slack.Calls("chat.update"))
	b.showAll(ended(gitlab.StatusSuccess))
	b.calls("chat.update", edits)
}

// Who hung for so long that another shows the run by now does not edit the card.
func TestShowEditsNothingThatAnotherShows(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(running())
	b.save = func(run.Shown) error { return errors.New("another shows the run") }
	if _, err := b.show(ended(gitlab.StatusSuccess)); err == nil {
		t.Error("Show does not tell")
	}
	b.calls("chat.update", 0)
	b.calls("chat.postMessage", 1)
}

func TestShowLetsGoOfALostCard(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(started(gitlab.StatusCreated))
	if _, _, err := b.display.API.DeleteMessageContext(b.ctx, b.kept.Channel, b.kept.Card); err != nil {
		t.Fatal(err)
	}
	b.showAll(running())
	b.showAll(running(func(r *run.Run) { r.Pipeline.Status = gitlab.StatusCanceling }))
	b.calls("chat.update", 1)
	b.showAll(ended(gitlab.StatusSuccess))
	b.see(b.builds)
	b.see(b.slack.DM(b.alice), replyPassed)
}

// Who died while posting, or lost the answer, finds the message and does not post it
// twice.
func TestShowFindsWhatItMayHavePosted(t *testing.T) {
	lose := func(b *board) { b.slack.HTTPFailNext("chat.postMessage", 0, "", true) }
	for name, test := range map[string]struct {
		before func(b *board)
		during run.Run
		after  run.Run
		see    []string
	}{
		"the card, answer lost": {
			before: lose, during: running(), after: running(), see: []string{cardRunning},
		},
		"the card, which is out of date by now": {
			before: lose, during: running(), after: ended(gitlab.StatusSuccess), see: []string{cardPassed, "- " + replyPassed},
		},
		"the reply, answer lost": {
			before: func(b *board) { b.showAll(running()); lose(b) },
			during: ended(gitlab.StatusSuccess), after: ended(gitlab.StatusSuccess), see: []string{cardPassed, "- " + replyPassed},
		},
		"the card, died before it was saved": {
			before: func(b *board) {
				saves := 0
				b.save = func(run.Shown) error {
					if saves++; saves == 2 {
						return errors.New("died")
					}
					return nil
				}
			},
			during: running(), after: running(), see: []string{cardRunning},
		},
		"no reply: the call never arrived": {
			before: func(b *board) { b.showAll(running()); b.slack.HTTPFailNext("chat.postMessage", 502, "", false) },
			during: ended(gitlab.StatusSuccess), after: ended(gitlab.StatusSuccess), see: []string{cardPassed, "- " + replyPassed},
		},
		"no card: the call never arrived": {
			before: func(b *board) { b.slack.HTTPFailNext("chat.postMessage", 502, "", false) },
			during: running(), after: running(), see: []string{cardRunning},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, slacktest.Config{})
			test.before(b)
			if _, err := b.show(test.during); err == nil {
				t.Fatal("Show does not tell that it is not certain")
			}
			posts := len(b.slack.Calls("chat.postMessage"))
			if again, err := b.show(test.after); err != nil || again <= 0 {
				t.Fatalf("Show = %s, %v; want to be called again once Slack shows what it has", again, err)
			}
			b.calls("chat.postMessage", posts)
			b.settled()
			b.showAll(test.after)
			b.see(b.builds, test.see...)
		})
	}
}

// What Slack gave no answer to may yet be done, for longer than what a dead process asked
// for: looked for too soon, it would not be there, and be posted twice.
func TestShowWaitsForALostPost(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.slack.HTTPFailNext("chat.postMessage", 502, "", false)
	if _, err := b.show(running()); err == nil {
		t.Fatal("Show does not tell that it is not certain")
	}
	b.kept.PostingAt = b.kept.PostingAt.Add(-5 * time.Second)
	if again, err := b.show(running()); err != nil || again <= 5*time.Second {
		t.Errorf("Show = %s, %v; want to be called again when the post cannot come any more", again, err)
	}
	b.calls("conversations.history", 0)
}

// A message is found in a channel where people have gone on to talk.
func TestShowLooksThroughABusyChannel(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.slack.HTTPFailNext("chat.postMessage", 0, "", true)
	if _, err := b.show(running()); err == nil {
		t.Fatal("Show does not tell that it is not certain")
	}
	for range 401 {
		if _, err := b.alice.Post(b.builds, "hello", ""); err != nil {
			t.Fatal(err)
		}
	}
	b.settled()
	b.showAll(running())
	b.calls("conversations.history", 3)
	b.calls("chat.postMessage", 1)
}

// Where nobody may look, better twice than never.
func TestShowPostsAgainWhereItMayNotLook(t *testing.T) {
	b := newBoard(t, slacktest.Config{Scopes: []string{"commands", "chat:write"}})
	b.slack.HTTPFailNext("chat.postMessage", 0, "", true)
	if _, err := b.show(running()); err == nil {
		t.Fatal("Show does not tell that it is not certain")
	}
	b.settled()
	b.showAll(running())
	b.see(b.builds, cardRunning, cardRunning)
}

func TestShowPostsAgainInDirectMessages(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.builds.KickBot()
	b.slack.FailNext("chat.postMessage", "channel_not_found", 1)
	b.slack.HTTPFailNext("chat.postMessage", 0, "", true)
	if _, err := b.show(running()); err == nil {
		t.Fatal("Show does not tell that it is not certain")
	}
	b.settled()
	b.showAll(running())
	b.see(b.slack.DM(b.alice), cardRunning, cardRunning)
}

func TestShowDoesNotPostWhileItCannotLook(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.slack.HTTPFailNext("chat.postMessage", 0, "", true)
	_, _ = b.show(running())
	b.settled()
	b.slack.RateLimit("conversations.history", 1, 7*time.Second)
	if again, err := b.show(running()); err == nil || again != 7*time.Second {
		t.Errorf("Show = %s, %v; want to be called again in 7s", again, err)
	}
	b.calls("chat.postMessage", 1)
}

// A message of another run, or of somebody else, is not taken for ours.
func TestShowTakesNoOtherMessageForItsOwn(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	other := running(func(r *run.Run) { r.Request.ID = "V0OTHER" })
	b.showAll(other)
	b.kept = run.Shown{}
	b.slack.HTTPFailNext("chat.postMessage", 502, "", false)
	_, _ = b.show(running())
	b.settled()
	b.showAll(running())
	b.see(b.builds, cardRunning, cardRunning)
}

func TestShowTellsTheAskerAlone(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.slack.AddUser("bob")
	bob := b.slack.Users()[1]
	b.builds.Invite(bob)
	b.showAll(waits(gitlab.NotSent))
	b.showAll(waits(gitlab.NotSent))
	b.showAll(refused(run.Refusal{Expired: true}))
	b.showAll(refused(run.Refusal{Expired: true}))
	b.see(b.builds,
		"(alone) :hourglass_flowing_sand: GitLab cannot be reached just now. Your request for group/app `feature/login` (debug) is kept, and I try again until it starts, for an hour at most. You do not need to do anything.",
		"(alone) :no_entry: I could not start group/app `feature/login` (debug).")
	if seen := b.builds.Messages(bob); len(seen) != 0 {
		t.Errorf("bob sees %d messages", len(seen))
	}
}

// A card that stands already says what came of it, and the asker is told why.
func TestShowRefusalAfterACard(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(requested(inProject(run.Starting), func(r *run.Run) { r.Unclear = true }))
	b.showAll(refused(run.Refusal{Kind: gitlab.Unauthorized}))
	b.see(b.builds, ":no_entry: Not started  group/app", "(alone) :no_entry: I could not start group/app `feature/login` (debug).")
}

func TestShowTellsBeforeItEdits(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(requested(inProject(run.Starting), func(r *run.Run) { r.Unclear = true }))
	edits := -1
	b.save = func(s run.Shown) error {
		if edits < 0 && slices.Contains(s.Told, "unknown") {
			edits = len(b.slack.Calls("chat.update"))
		}
		return nil
	}
	b.showAll(requested(inProject(run.Unknown)))
	b.calls("chat.update", 1)
	if edits != 0 {
		t.Errorf("that the asker was told was saved after %d edits, want before the first", edits)
	}
}

// Metadata makes a message findable and says nothing that is not known in the
// channel anyway.
func TestShowMarksItsMessages(t *testing.T) {
	b := newBoard(t, slacktest.Config{})
	b.showAll(ended(gitlab.StatusSuccess))
	card := b.builds.Messages(b.alice)[0]
	want := &slacktest.Metadata{EventType: bot.MetadataEvent, EventPayload: map[string]any{"run": "V0RUN", "message": "card"}}
	if diff := cmp.Diff(want, card.Metadata); diff != "" {
		t.Errorf("the card's metadata (-want +got):\n%s", diff)
	}
}
