package slacktest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
	"pipebot/bot/slacktest/slacktypes"
)

// TestBolt walks through an app on Bolt for JavaScript (testdata/bolt/app.js): a client by Slack itself.
func TestBolt(t *testing.T) {
	node, dir := slacktypes.Tools(t, "bolt")
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	builds := s.AddChannel("builds", slacktest.Private, alice)
	builds.InviteBot()

	var said bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), node, filepath.Join(dir, "app.js"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SLACK_API_URL="+s.APIURL(),
		"SLACK_APP_TOKEN="+slacktest.DefaultAppToken, "SLACK_BOT_TOKEN="+slacktest.DefaultBotToken)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("the app said:\n%s", said.String())
		}
	})
	ctx := testContext(t)
	if err := s.WaitConnected(ctx, 1); err != nil {
		t.Fatal(err)
	}

	if err := alice.Command(ctx, builds, "/pipeline", ""); err != nil {
		t.Fatal(err)
	}
	modal := must(alice.Modal(ctx))(t)
	groups := must(modal.Options(ctx, "Ref", "fix"))(t)
	var seen []string
	for _, g := range groups {
		seen = append(seen, g.Label+": "+g.Options[0].Text)
	}
	if diff := cmp.Diff([]string{"Branches: fix-branch", "Tags: fix-tag"}, seen); diff != "" {
		t.Fatalf("the options (-want +got):\n%s", diff)
	}
	if err := modal.Choose(ctx, "Ref", "fix-tag"); err != nil {
		t.Fatal(err)
	}
	if err := modal.Fill("Note", "bad"); err != nil {
		t.Fatal(err)
	}
	refused := must(modal.Submit(ctx))(t)
	if diff := cmp.Diff(map[string]string{"Note": "Say something else."}, refused.Errors); diff != "" {
		t.Fatalf("the inline errors (-want +got):\n%s", diff)
	}
	if err := modal.Fill("Note", "good"); err != nil {
		t.Fatal(err)
	}
	if got := must(modal.Submit(ctx))(t); !got.Closed {
		t.Fatalf("submitting gave %+v", got)
	}
	card := must(s.WaitMessage(ctx, builds, alice, func(m slacktest.Message) bool { return m.Edited }))(t)
	if diff := cmp.Diff("fix-tag is running, for @alice\n[Cancel]", card.Read(time.Now())); diff != "" {
		t.Fatalf("the card (-want +got):\n%s", diff)
	}
	if err := alice.Click(ctx, card, "Cancel"); err != nil {
		t.Fatal(err)
	}
	answer := must(s.WaitMessage(ctx, builds, alice, func(m slacktest.Message) bool { return m.Ephemeral }))(t)
	if answer.Text != "Canceled." {
		t.Errorf("the answer to the click is %q", answer.Text)
	}
	card, _ = builds.Message(alice, card.TS)
	var states []string
	for _, r := range card.Revisions {
		states = append(states, strings.ReplaceAll(r.Read(time.Now()), "\n", " "))
	}
	want := []string{"fix-tag is created, for @alice", "fix-tag is running, for @alice [Cancel]", "fix-tag was canceled"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("the states of the card (-want +got):\n%s", diff)
	}
	noViolations(t, s)
}
