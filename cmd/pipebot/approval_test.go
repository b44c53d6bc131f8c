package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// policy writes the policy file. A later one is taken while the bot runs.
func (w *world) policy(text string) {
	w.t.Helper()
	path := w.env["POLICY_FILE"]
	if path == "" {
		path = filepath.Join(w.t.TempDir(), "policy.yaml")
		w.env["POLICY_FILE"] = path
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// twoPeople has releases wait for bob, and returns him and eve, who is not named.
func (w *world) twoPeople() (bob, eve *slacktest.User) {
	w.t.Helper()
	bob, eve = w.person("bob", gitlabtest.Developer), w.person("eve", gitlabtest.Owner)
	w.channel.Invite(bob)
	w.channel.Invite(eve)
	w.policy(fmt.Sprintf(`rules:
  - name: releases need two
    build_types: [release]
    actions: [run]
    then: approve
    reason: Customers get it.
    approvers: {users: [%s, %s]}
    expires: 4h
`, bob.ID, w.alice.ID))
	return bob, eve
}

// release asks for a release of main, which has to be approved, and returns its card.
func (w *world) release() slacktest.Message {
	w.t.Helper()
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "main")
	if err := modal.Choose(w.ctx, "Build type", "release"); err != nil {
		w.t.Fatal(err)
	}
	if err := modal.Fill("Variables", "APP_ENV=staging\nDEPLOY_TOKEN="+secretOfDeploy); err != nil {
		w.t.Fatal(err)
	}
	w.submit(modal)
	return w.card(w.channel, "Waits for approval", "[Approve]", "[Refuse]")
}

const secretOfDeploy = "canary-9f31"

// sha is where a branch is.
func (w *world) sha(name string) string {
	p, reason := w.project.StartPipeline(w.owner, name, "push")
	if p == nil {
		w.t.Fatal(reason)
	}
	defer p.Delete()
	return p.SHA
}

// presses has somebody press a button of a card.
func (w *world) presses(who *slacktest.User, card slacktest.Message, button string) {
	w.t.Helper()
	var answers []slacktest.Answer
	if b, ok := card.Button(button); ok && b.Confirm != nil {
		answers = append(answers, slacktest.Confirm)
	}
	if err := who.Click(w.ctx, card, button, answers...); err != nil {
		w.t.Fatalf("pressing %s: %v", button, err)
	}
}

// onePipeline waits until something was started, and fails where it is more.
func (w *world) onePipeline() *gitlabtest.Pipeline {
	w.t.Helper()
	p := w.pipeline(1)
	p.Finish("success")
	w.card(w.channel, "Passed")
	if got := len(w.project.Pipelines()); got != 1 {
		w.t.Errorf("%d pipelines were started", got)
	}
	return p
}

// A request that needs a second person waits on its card, which shows exactly what
// would run. Neither who asked nor who is not named lets it go; who is named does, and
// stands on the card.
func TestApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, eve := w.twoPeople()
	sha := w.sha("main")
	w.start()
	card := w.release()
	shown := readable(card)
	for _, part := range []string{"main", "release", "@alice", sha[:8], "APP_ENV=staging", "DEPLOY_TOKEN=•••", "@bob", "Customers get it", "Expires"} {
		if !strings.Contains(shown, part) {
			t.Errorf("the card does not show %q:\n%s", part, shown)
		}
	}
	if strings.Contains(shown+string(card.Blocks)+card.Text, secretOfDeploy) {
		t.Errorf("the card shows a secret:\n%s", card.Blocks)
	}
	for _, button := range []string{"Approve", "Refuse"} {
		w.presses(w.alice, card, button)
		w.presses(eve, card, button)
	}
	w.told(w.alice, w.channel, "You may not approve", "you have asked for it yourself. Somebody else has to decide.")
	w.told(eve, w.channel, "You may not approve", "you are not one of those who may")
	if modal := eve.OpenModal(); modal != nil {
		t.Errorf("eve is asked for a reason:\n%s", modal.Text())
	}
	if got := len(w.project.Pipelines()); got != 0 {
		t.Fatalf("%d pipelines were started before it was approved", got)
	}
	w.presses(bob, card, "Approve")
	p := w.onePipeline()
	if p.SHA != sha {
		t.Errorf("it runs at %s, and %s was approved", p.SHA, sha)
	}
	w.card(w.channel, "Approved by @bob")
	w.presses(bob, w.slackCard(card), "View")
	w.clean()
}

// slackCard is a card as it is now.
func (w *world) slackCard(m slacktest.Message) slacktest.Message {
	w.t.Helper()
	now, ok := w.channel.Message(w.alice, m.TS)
	if !ok {
		w.t.Fatal("the card is gone")
	}
	return now
}

// Saying no takes a reason, which who asked is told and the card shows. What was
// decided stays decided.
func TestApprovalRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, _ := w.twoPeople()
	w.start()
	card := w.release()
	w.presses(bob, card, "Refuse")
	modal, err := bob.Modal(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := modal.Fill("Reason", "The tests are red."); err != nil {
		t.Fatal(err)
	}
	w.submit(modal)
	w.told(w.alice, w.channel, "Your request for", "was refused by @bob", "The tests are red")
	w.card(w.channel, "Refused", "Refused by @bob: The tests are red")
	if now := w.slackCard(card); len(now.Buttons()) != 0 {
		t.Errorf("the card still has buttons:\n%s", readable(now))
	}
	if got := len(w.project.Pipelines()); got != 0 {
		t.Errorf("%d pipelines were started", got)
	}
	w.clean()
}

// What was approved is one commit. Where the branch has moved since, the card shows
// the new one and asks anew.
func TestApprovalOfARefThatMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, _ := w.twoPeople()
	before := w.sha("main")
	w.start()
	card := w.release()
	w.project.AddBranch("main", time.Now())
	after := w.sha("main")
	if before == after {
		t.Fatal("the branch has not moved")
	}
	w.presses(bob, card, "Approve")
	w.told(bob, w.channel, "has moved", "look again")
	card = w.card(w.channel, "Waits for approval", after[:8], "the ref has moved since it was asked for")
	if got := len(w.project.Pipelines()); got != 0 {
		t.Errorf("%d pipelines were started", got)
	}
	w.presses(bob, card, "Approve")
	if p := w.onePipeline(); p.SHA != after {
		t.Errorf("it runs at %s, and %s was approved", p.SHA, after)
	}
	w.clean()
}

// kill -9 while a request waits, and again as soon as it is approved: it still waits,
// and it runs once.
func TestApprovalSurvivesKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, _ := w.twoPeople()
	w.start()
	card := w.release()
	w.restart()
	if now := w.slackCard(card); !containsAll(readable(now), []string{"Waits for approval", "[Approve]"}) {
		t.Errorf("after a kill the card reads\n%s", readable(now))
	}
	if got := len(w.project.Pipelines()); got != 0 {
		t.Fatalf("%d pipelines were started", got)
	}
	w.presses(bob, card, "Approve")
	w.restart()
	w.approveAgain(bob, card)
	w.pipeline(1)
	w.restart()
	w.onePipeline()
	w.card(w.channel, "Approved by @bob")
	if got := len(w.channel.Messages(nil)); got != 1 {
		t.Errorf("the channel has %d messages, want the one card", got)
	}
}

// restart is kill -9 and a new process.
func (w *world) restart() {
	w.t.Helper()
	w.bot.kill()
	w.run()
	if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
		w.t.Fatalf("pipebot did not come back: %v\n%s", err, w.bot.output())
	}
}

// approveAgain presses Approve until something is started, as a person does who is told
// that it did not work: a kill can come before the card, or the approval, was written
// down.
func (w *world) approveAgain(who *slacktest.User, card slacktest.Message) {
	w.t.Helper()
	for {
		told := len(w.channel.Messages(who))
		now := w.slackCard(card)
		if _, waits := now.Button("Approve"); waits {
			w.presses(who, now, "Approve")
		}
		decided := func() bool {
			_, waits := w.slackCard(card).Button("Approve")
			return !waits
		}
		if err := w.slack.Wait(w.ctx, func() bool { return decided() || len(w.channel.Messages(who)) > told }); err != nil {
			w.t.Fatalf("pressing Approve does nothing: %v\n%s", err, w.bot.output())
		}
		if decided() {
			return
		}
	}
}

// A freeze outlives kill -9. It stops what would start, tells who froze it and why, and
// leaves alone what runs.
func TestFreeze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keeper := w.person("keeper", gitlabtest.Maintainer)
	w.channel.Invite(keeper)
	w.start()
	p := w.runs()
	w.types(t, keeper, "freeze group/app ma* for 2h the release is out")
	w.card(w.channel, "@keeper has frozen group/app `ma*` until", "the release is out", "hat runs goes on")
	w.restart()
	for _, who := range []*slacktest.User{w.alice, keeper} { // whoever it is
		if got := w.request(t, who, "main"); !containsAll(got, []string{"it is frozen by", "keeper", "until", "the release is out", "ask them to lift it"}) {
			t.Errorf("%s reads %q", who.Name, got)
		}
	}
	if got := w.request(t, w.alice, "feature/login"); got != "" {
		t.Errorf("another branch is refused: %s", got)
	}
	w.pipeline(2)
	if p.Status() != "running" {
		t.Errorf("what ran is %s", p.Status())
	}
	p.Finish("failed")
	w.isKeptFrom(t, w.alice, "Retry", p, "it is frozen by")
	w.types(t, keeper, "unfreeze group/app ma*")
	w.card(w.channel, "@keeper has lifted the freeze of group/app `ma*`")
	if got := w.request(t, w.alice, "main"); got != "" {
		t.Errorf("it is refused though nothing is frozen: %s", got)
	}
	w.pipeline(3)
	w.clean()
}
