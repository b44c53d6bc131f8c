package main_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// startsReach waits until so many starts by a trigger token have reached GitLab.
func (w *world) startsReach(times int) {
	w.t.Helper()
	if err := w.gitlab.Wait(w.ctx, func() bool { return w.gitlab.Count("POST **/trigger/pipeline") >= times }); err != nil {
		w.t.Fatalf("waiting for start %d: %v\n%s", times, err, w.bot.output())
	}
}

// GitLab starts the pipeline, but its answer is lost, or comes after the bot gave up
// waiting: it is looked for and found, and no second one is started.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]gitlabtest.Fault{
		"the connection is cut":               {Cut: true, Applied: true, Times: 1},
		"a gateway fails":                     {Status: http.StatusBadGateway, Applied: true, Times: 1},
		"a gateway times out":                 {Status: http.StatusGatewayTimeout, Applied: true, Times: 1},
		"it takes effect late":                {Status: http.StatusBadGateway, ApplyAfter: 300 * time.Millisecond, Times: 1},
		"it takes effect after the time-out":  {ApplyAfter: 2500 * time.Millisecond, Times: 1},
		"nothing took effect":                 {Status: http.StatusBadGateway, Times: 1},
		"nothing took effect, and no answer":  {Cut: true, Times: 1},
		"nothing took effect in the time-out": {Delay: 2500 * time.Millisecond, Status: http.StatusGatewayTimeout, Times: 1},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.env["START_SETTLE"] = "5s" // so that what is applied late has been by then
			w.start()
			w.gitlab.Fault(startRequests(), fault)
			w.ask(w.alice, w.channel, "main")
			w.card(w.channel, "Checking whether GitLab started it")
			w.pipeline(1).Finish("success")
			w.card(w.channel, "Passed")
			w.reply(w.channel, "passed in")
			w.started(1)
			w.clean()
		})
	}
}

// kill -9 while GitLab is at it, which finishes what it was asked for, or does not.
func TestKillDuringAStart(t *testing.T) {
	t.Parallel()
	tests := map[string]gitlabtest.Fault{
		"it takes effect at once":       {Applied: true, Delay: time.Second, Times: 1},
		"it takes effect after death":   {ApplyAfter: time.Second, Times: 1},
		"it takes effect long after it": {ApplyAfter: 2500 * time.Millisecond, Times: 1},
		"it never takes effect":         {Delay: time.Second, Status: http.StatusBadGateway, Times: 1},
		"the connection dies with it":   {Cut: true, Times: 1},
		"the answer was on the way yet": {Cut: true, Applied: true, Times: 1},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.env["START_SETTLE"] = "5s" // as above
			w.start()
			w.gitlab.Fault(startRequests(), fault)
			w.ask(w.alice, w.channel, "main")
			w.startsReach(1)
			w.bot.kill()
			w.start()
			w.pipeline(1).Finish("success")
			w.card(w.channel, "Passed")
			w.reply(w.channel, "passed in")
			w.started(1)
			w.clean()
		})
	}
}

// A project that lets nobody set pipeline variables refuses the marker with them: where
// the answer to that was lost, nothing is found, and the next POST is told why.
func TestLostRefusalOfVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.project.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = "no_one_allowed" })
	w.start()
	w.gitlab.Fault(startRequests(), gitlabtest.Fault{Cut: true, Applied: true, Times: 1})
	w.ask(w.alice, w.channel, "main")
	w.card(w.channel, "Checking whether GitLab started it")
	w.private(w.channel, "I could not start", "does not let me set pipeline variables")
	w.card(w.channel, "Not started")
	w.started(0)
	if got := w.gitlab.Count("POST **/trigger/pipeline"); got != 2 {
		t.Errorf("GitLab was asked %d times", got)
	}
	w.clean()
}

// unreadable has the access token's owner be a Developer, who may not read the variables
// of what others start. It returns that owner.
func (w *world) unreadable() *gitlabtest.User {
	developer := w.gitlab.AddUser("developer")
	w.project.AddMember(developer, gitlabtest.Developer)
	w.env["GITLAB_TOKEN"] = w.gitlab.AddToken(developer, "api")
	return developer
}

// doubtful has alice ask for a pipeline of which nobody knows what came of it, and
// returns the card that asks.
func (w *world) doubtful(fault gitlabtest.Fault) slacktest.Message {
	w.t.Helper()
	fault.Times = 1
	w.gitlab.Fault(startRequests(), fault)
	w.ask(w.alice, w.channel, "main")
	w.private(w.channel, "no clear answer", "Its card shows what it may be", "role Maintainer")
	return w.card(w.channel, "Not certain", "Is it?", "[This one]", "[None, start again]", "[Look again]")
}

// Where the marker cannot be read back nobody guesses: people are asked, and who points
// to a pipeline has it followed, once, however often Slack delivers the click.
func TestUnclearStartIsThisOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob", gitlabtest.Developer)
	eve := w.person("eve", gitlabtest.Reporter)
	w.channel.Invite(bob)
	w.channel.Invite(eve)
	w.unreadable()
	w.start()
	card := w.doubtful(gitlabtest.Fault{Cut: true, Applied: true})
	w.presses(eve, card, "This one")
	w.told(eve, w.channel, "Developer")
	w.card(w.channel, "Not certain")

	w.slack.RedeliverNext(1)
	w.presses(bob, card, "This one")
	w.card(w.channel, "Pipeline #", "@bob said that this is it", "[Cancel]")
	w.pipeline(1).Finish("success")
	w.card(w.channel, "Passed", "@bob said that this is it")
	w.reply(w.channel, "@alice", "passed in")
	w.started(1)
	w.clean()
}

// Who knows that it is none of them has it started, once.
func TestUnclearStartIsNoneOfThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unreadable()
	w.start()
	if p, reason := w.project.StartPipeline(w.owner, "main", "trigger"); p == nil {
		t.Fatal(reason)
	}
	card := w.doubtful(gitlabtest.Fault{Cut: true})
	w.slack.RedeliverNext(1)
	w.presses(w.alice, card, "None, start again")
	w.card(w.channel, "Pipeline #2", "@alice had it started again")
	p := w.pipeline(2)
	if id, _ := p.Variable("PIPEBOT_RUN_ID"); id == "" {
		t.Error("it has no marker")
	}
	p.Finish("success")
	w.card(w.channel, "Passed")
	w.started(2)
	if got := w.gitlab.Count("POST **/trigger/pipeline"); got != 2 {
		t.Errorf("GitLab was asked %d times", got)
	}
	w.clean()
}

// Where two people say different things at once, one of them is heard; kill -9 right
// after it changes nothing.
func TestUnclearStartOfWhichTwoPeopleSayOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob", gitlabtest.Developer)
	w.channel.Invite(bob)
	w.unreadable()
	w.start()
	card := w.doubtful(gitlabtest.Fault{Cut: true, Applied: true})
	clicks := make(chan error, 2)
	go func() { clicks <- bob.Click(w.ctx, card, "This one") }()
	go func() { clicks <- w.alice.Click(w.ctx, card, "None, start again", slacktest.Confirm) }()
	for range cap(clicks) {
		if err := <-clicks; err != nil && !errors.Is(err, slacktest.ErrNotThere) { // the buttons go with the first
			t.Error(err)
		}
	}
	w.bot.kill()
	w.start()
	w.pointsOut(bob, card)
	m := w.card(w.channel, "Pipeline #")
	want := 1
	if strings.Contains(readable(m), "had it started again") {
		want = 2
	}
	for i := range want {
		w.pipeline(i + 1).Finish("success")
	}
	w.card(w.channel, "Passed")
	w.started(want)
}

// pointsOut has somebody press This one, where the card of an unclear start asks on. The bot
// may edit it meanwhile.
func (w *world) pointsOut(who *slacktest.User, card slacktest.Message) {
	w.t.Helper()
	for {
		now, err := w.slack.WaitMessage(w.ctx, w.channel, who, func(m slacktest.Message) bool {
			_, asks := m.Button("This one")
			return m.TS == card.TS && (asks || strings.Contains(readable(m), "Pipeline #"))
		})
		if err != nil {
			w.t.Fatalf("%v: the card reads\n%s", err, readable(w.slackCard(card)))
		}
		if _, asks := now.Button("This one"); !asks {
			return
		}
		switch err := who.Click(w.ctx, now, "This one"); {
		case err == nil:
			return
		case !errors.Is(err, slacktest.ErrNotThere):
			w.t.Fatal(err)
		}
	}
}

// With another role of the token's owner, looking again finds it.
func TestUnclearStartIsLookedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	developer := w.unreadable()
	w.start()
	card := w.doubtful(gitlabtest.Fault{Status: http.StatusBadGateway, Applied: true})
	w.project.AddMember(developer, gitlabtest.Maintainer)
	w.presses(w.alice, card, "Look again")
	w.pipeline(1).Finish("success")
	w.card(w.channel, "Passed")
	w.started(1)
	w.clean()
}

// What GitLab said to be others' is known here, and nobody is asked about it.
func TestUnclearStartBesideAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unreadable()
	w.start()
	w.ask(w.alice, w.channel, "main")
	w.pipeline(1).Finish("success")
	w.card(w.channel, "Passed")
	card := w.doubtful(gitlabtest.Fault{Cut: true, Applied: true})
	if text := readable(card); strings.Contains(text, "#1") || !strings.Contains(text, "#2") {
		t.Errorf("the card asks about\n%s", text)
	}
	w.presses(w.alice, card, "This one")
	w.pipeline(2).Finish("success")
	w.reply(w.channel, "Pipeline #2", "passed in")
	// That the second one is another's is somebody's word, which may be wrong: before
	// anything is started again, people are asked.
	card = w.doubtful(gitlabtest.Fault{Cut: true})
	if text := readable(card); strings.Contains(text, "#1") || !strings.Contains(text, "#2") {
		t.Errorf("the card asks about\n%s", text)
	}
	w.presses(w.alice, card, "None, start again")
	w.pipeline(3).Finish("success")
	w.reply(w.channel, "Pipeline #3", "passed in")
	w.started(3)
	w.clean()
}
