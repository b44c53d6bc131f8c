package slacktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/slacktest"
)

func TestRateLimitForATime(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	s := newServer(t, slacktest.Config{Now: func() time.Time { return now }})
	c := s.AddChannel("general", slacktest.Public, s.AddUser("alice"))
	post := func() time.Duration {
		t.Helper()
		_, _, err := newClient(s).PostMessageContext(testContext(t), c.ID, slack.MsgOptionText("hello", false))
		if limited := (*slack.RateLimitedError)(nil); errors.As(err, &limited) {
			return limited.RetryAfter
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	}
	for _, step := range []struct {
		name  string
		do    func()
		after time.Duration
	}{
		{"before", func() {}, 0},
		{"limited", func() { s.RateLimitFor("chat.postMessage", 10*time.Second) }, 10 * time.Second},
		{"again", func() {}, 10 * time.Second},
		{"later", func() { now = now.Add(4 * time.Second) }, 6 * time.Second},
		{"over", func() { now = now.Add(6 * time.Second) }, 0},
		{"limited and freed", func() {
			s.RateLimitFor("chat.postMessage", 10*time.Second)
			s.RateLimitFor("chat.postMessage", 0)
		}, 0},
		{"another method", func() { s.RateLimitFor("chat.update", 10*time.Second) }, 0},
	} {
		step.do()
		if got := post(); got != step.after {
			t.Errorf("%s: to be tried again after %v, want %v", step.name, got, step.after)
		}
	}
	if n := len(c.Messages(nil)); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

// While Slack is down no call has an effect, connections are gone, and it all comes back.
func TestDown(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	c := s.AddChannel("general", slacktest.Public, s.AddUser("alice"))
	post := func() error {
		_, _, err := newClient(s).PostMessageContext(testContext(t), c.ID, slack.MsgOptionText("hello", false))
		return err
	}
	s.Down(true)
	for i := range 4 {
		if post() == nil {
			t.Errorf("call %d was answered", i+1)
		}
	}
	if n := len(c.Messages(nil)); n != 0 {
		t.Errorf("%d messages were posted", n)
	}
	s.Down(false)
	if err := post(); err != nil {
		t.Error(err)
	}
}

// A call that is held back takes effect when it is let go, though nobody waits for its
// answer any more; one that is never let go does not keep the server from closing.
func TestHoldNext(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	c := s.AddChannel("general", slacktest.Public, s.AddUser("alice"))
	post := func(text string) (came <-chan struct{}, release, leave func(), left <-chan error) {
		came, release = s.HoldNext("chat.postMessage")
		ctx, leave := context.WithCancel(testContext(t))
		answer := make(chan error, 1)
		go func() {
			_, _, err := newClient(s).PostMessageContext(ctx, c.ID, slack.MsgOptionText(text, false))
			answer <- err
		}()
		return came, release, leave, answer
	}
	came, release, leave, left := post("late")
	<-came
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the client was told %v", err)
	}
	if n := len(c.Messages(nil)); n != 0 {
		t.Errorf("%d messages before it was let go", n)
	}
	release()
	if err := s.Wait(testContext(t), func() bool { return len(c.Messages(nil)) == 1 }); err != nil {
		t.Error(err)
	}

	came, release, leave, left = post("awaited")
	<-came
	release()
	if err := <-left; err != nil {
		t.Error(err)
	}
	leave()

	came, _, leave, left = post("never")
	<-came
	s.Close()
	if err := <-left; err == nil {
		t.Error("it was answered")
	}
	leave()
	if n := len(c.Messages(nil)); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}
