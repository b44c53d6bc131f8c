package main_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// hurry is how many times faster than in Slack a minute passes where limits are tested. A
// channel's second is 200 ms then, which a busy machine's stalls seldom are as long as.
const hurry = 5

// busy is a world with so many pipelines, each shown in one of the channels, and from now
// on Slack holds the bot to its limits.
func busy(t *testing.T, pipelines, channels int) (*world, []*slacktest.Channel) {
	t.Helper()
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience) // two hundred of them take their time
	t.Cleanup(cancel)
	w.ctx = ctx
	w.env["SLACK_RATE"] = strconv.Itoa(hurry)
	w.start()
	where := []*slacktest.Channel{w.channel}
	for i := 1; i < channels; i++ {
		c := w.slack.AddChannel(fmt.Sprint("team-", i), slacktest.Public, w.alice)
		c.InviteBot()
		where = append(where, c)
	}
	who := w.alice
	for i := range pipelines {
		if i%8 == 7 {
			who = w.anotherPerson(i)
			for _, c := range where {
				c.Invite(who)
			}
		}
		w.runBranch(who, where[i%channels], fmt.Sprint("feature/", i))
	}
	w.pipeline(pipelines)
	if err := w.slack.Wait(w.ctx, func() bool { return w.cards(where, "group/app") == pipelines }); err != nil {
		t.Fatalf("%v: %d cards are there", err, w.cards(where, "group/app"))
	}
	w.slack.LimitRates(time.Minute / hurry)
	return w, where
}

// runBranch starts a pipeline of a branch of its own.
func (w *world) runBranch(who *slacktest.User, where *slacktest.Channel, branch string) {
	w.t.Helper()
	w.project.AddBranch(branch, time.Now())
	if err := who.Command(w.ctx, where, "/pipeline", "run "+branch); err != nil {
		w.t.Fatal(err)
	}
}

// cards is how many cards were last sent with a word in their text.
func (w *world) cards(where []*slacktest.Channel, word string) (n int) {
	for _, c := range where {
		for _, m := range c.Messages(nil) {
			if strings.Contains(m.Text, word) {
				n++
			}
		}
	}
	return n
}

// endings is how many threads have as many replies as one that ended once.
func (w *world) endings(where []*slacktest.Channel) (n int) {
	for _, c := range where {
		for _, m := range c.Messages(nil) {
			if len(c.Thread(nil, m.TS)) == 2 {
				n++
			}
		}
	}
	return n
}

// refusals is how many calls of a method Slack refused for being too many; with "" of all.
func (w *world) refusals(method string) (n int) {
	for _, c := range w.slack.Calls(method) {
		if c.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// endTogether ends pipelines at once, and waits until all cards and threads say so.
func (w *world) endTogether(pipelines []*gitlabtest.Pipeline, where []*slacktest.Channel, meanwhile func()) time.Duration {
	w.t.Helper()
	begin := time.Now()
	for _, p := range pipelines {
		p.Finish("success")
	}
	meanwhile()
	want := len(pipelines)
	final := func() bool { return w.cards(where, "Passed") >= want && w.endings(where) >= want }
	if err := w.slack.Wait(w.ctx, final); err != nil {
		w.t.Errorf("%v: %d cards are final and %d have their reply, of %d", err, w.cards(where, "Passed"), w.endings(where), want)
	}
	return time.Since(begin)
}

// Two hundred pipelines end at once: all cards and threads say so, within Slack's limits,
// and who starts another one meanwhile sees its card before most of those endings.
func TestTwoHundredEndsWithinTheLimits(t *testing.T) {
	t.Parallel()
	const ends = 200
	w, where := busy(t, ends, 4)
	before := len(w.slack.Calls(""))
	took := w.endTogether(w.project.Pipelines(), where, func() {
		if err := w.slack.Wait(w.ctx, func() bool { return w.endings(where) > ends/20 }); err != nil {
			t.Fatal(err)
		}
		w.runBranch(w.anotherPerson(ends), w.channel, "urgent")
		w.card(w.channel, "urgent")
	})
	t.Logf("%d ends were shown after %s, of which Slack's own minutes would make %s; %d of %d calls were refused",
		ends, took.Round(time.Millisecond), (took * hurry).Round(time.Second), w.refusals(""), len(w.slack.Calls(""))-before)
	if got := w.repliesBefore("urgent"); got > ends*3/4 {
		t.Errorf("the card of what was started came after %d of %d ends", got, ends)
	}
	if got := w.refusals(""); got > ends/4 { // stalls of the machine make some
		t.Errorf("Slack refused %d calls", got)
	}
	w.once(where)
	w.clean()
}

// repliesBefore is how many replies in threads Slack had taken when it took the card of a
// branch.
func (w *world) repliesBefore(branch string) (n int) {
	w.t.Helper()
	for _, c := range w.slack.Calls("chat.postMessage") {
		thread, _ := c.Args["thread_ts"].(string)
		text, _ := c.Args["text"].(string)
		switch {
		case c.Response["ok"] != true:
		case thread != "":
			n++
		case strings.Contains(text, branch):
			return n
		}
	}
	w.t.Fatalf("there is no card of %s", branch)
	return 0
}

// once fails the test where a card or a reply was posted twice.
func (w *world) once(where []*slacktest.Channel) {
	w.t.Helper()
	var said []string
	for _, c := range where {
		for _, card := range c.Messages(nil) {
			for _, m := range c.Thread(nil, card.TS) {
				if m.Metadata != nil {
					said = append(said, fmt.Sprint(m.Metadata.EventPayload))
				}
			}
		}
	}
	slices.Sort(said)
	if len(said) == 0 || len(slices.Compact(slices.Clone(said))) != len(said) {
		w.t.Errorf("of %d messages some are there twice", len(said))
	}
}

// While Slack takes no edits for a minute, cards and replies are posted as ever; and the
// cards are final as soon as it takes them again.
func TestNoEditsForAMinuteDelayNoPosts(t *testing.T) {
	t.Parallel()
	w, where := busy(t, 5, 1)
	w.slack.RateLimitFor("chat.update", time.Minute)
	for _, p := range w.project.Pipelines() {
		p.Finish("success")
	}
	w.runBranch(w.alice, w.channel, "urgent")
	w.card(w.channel, "urgent")
	if err := w.slack.Wait(w.ctx, func() bool { return w.endings(where) == 5 }); err != nil {
		t.Errorf("%v: %d replies while no card can be edited", err, w.endings(where))
	}
	if got := w.cards(where, "Passed"); got != 0 {
		t.Errorf("%d cards were edited", got)
	}
	// All that are shown at a time may be on their way before the first refusal is back.
	const showWorkers = 8
	if got := w.refusals("chat.update"); got < 1 || got > showWorkers {
		t.Errorf("Slack was asked %d times for what it said it would not do", got)
	}
	w.clean()
}

// Slack takes no posts in one channel: in another there are cards all the same.
func TestOneChannelHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w, where := busy(t, 2, 2)
	w.slack.RateLimitChannelFor(where[0], time.Minute)
	for i := range 4 {
		w.runBranch(w.alice, where[i%2], fmt.Sprint("more/", i))
	}
	if err := w.slack.Wait(w.ctx, func() bool { return len(where[1].Messages(nil)) == 3 }); err != nil {
		t.Errorf("%v: %d cards in the other channel", err, len(where[1].Messages(nil)))
	}
	if got := len(where[0].Messages(nil)); got != 1 {
		t.Errorf("%d cards in the channel that takes none", got)
	}
	if got := w.refusals(""); got > 2 {
		t.Errorf("Slack was asked %d times for what it said it would not do", got)
	}
	w.clean()
}

// Slack fails at some edits in a row: when it works again all cards and threads are right.
func TestAllEndsAreShownAfterSlackFailed(t *testing.T) {
	t.Parallel()
	w, where := busy(t, 40, 2)
	const failures = 4
	for range failures {
		w.slack.HTTPFailNext("chat.update", http.StatusServiceUnavailable, "<html>maintenance</html>", false)
	}
	w.endTogether(w.project.Pipelines(), where, func() {})
	failed := 0
	for _, c := range w.slack.Calls("chat.update") {
		if c.Status == http.StatusServiceUnavailable {
			failed++
		}
	}
	if failed != failures {
		t.Errorf("%d calls failed, want %d", failed, failures)
	}
	w.once(where)
	w.clean()
}
