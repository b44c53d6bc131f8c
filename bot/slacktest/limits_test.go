package slacktest_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot/slacktest"
)

// limited is a workspace with Slack's rate limits on a clock that a test moves.
type limited struct {
	*testing.T
	*clock
	*slack.Client
	s *slacktest.Server
}

func newLimited(t *testing.T, window time.Duration) *limited {
	t.Helper()
	c := &clock{now: time.Unix(1700000000, 0)}
	s := newServer(t, slacktest.Config{Now: c.Now})
	s.LimitRates(window)
	return &limited{t, c, newClient(s), s}
}

// refused is the Retry-After of a call that was one too many, 0 where it was not.
func (l *limited) refused(err error) time.Duration {
	l.Helper()
	if limit := (*slack.RateLimitedError)(nil); errors.As(err, &limit) {
		return limit.RetryAfter
	}
	if err != nil {
		l.Error(err)
	}
	return 0
}

func (l *limited) post(c *slacktest.Channel) time.Duration {
	l.Helper()
	_, _, err := l.PostMessageContext(testContext(l.T), c.ID, slack.MsgOptionText("hello", false))
	return l.refused(err)
}

// No more calls of a method than its tier in any minute; other methods go on.
func TestRateLimitsByMethod(t *testing.T) {
	for _, window := range []time.Duration{time.Minute, 6 * time.Second} {
		t.Run(window.String(), func(t *testing.T) {
			l := newLimited(t, window)
			c := l.s.AddChannel("general", slacktest.Public)
			_, ts, err := l.PostMessageContext(testContext(t), c.ID, slack.MsgOptionText("hello", false))
			if err != nil {
				t.Fatal(err)
			}
			edit := func() time.Duration {
				_, _, _, err := l.UpdateMessageContext(testContext(t), c.ID, ts, slack.MsgOptionText("bye", false))
				return l.refused(err)
			}
			for range 25 {
				if edit() != 0 {
					t.Fatal("refused below the tier")
				}
			}
			l.Add(window / 3)
			for range 25 {
				if edit() != 0 {
					t.Fatal("refused below the tier")
				}
			}
			if got, want := edit(), 2*window/3; got != want {
				t.Errorf("call 51 is refused for %s, want %s", got, want)
			}
			if got := l.post(c); got != 0 {
				t.Errorf("a post is refused for %s", got)
			}
			l.Add(2 * window / 3)
			granted := 0
			for edit() == 0 {
				granted++
			}
			if granted != 25 {
				t.Errorf("a minute after the first there are %d more, want 25", granted)
			}
			last := l.s.Calls("chat.update")
			if got := last[len(last)-1].Status; got != http.StatusTooManyRequests {
				t.Errorf("the refused call is remembered with the status %d", got)
			}
		})
	}
}

// About one post a second in a channel, with short bursts, and several hundred a minute in
// all channels.
func TestRateLimitsOfPosting(t *testing.T) {
	l := newLimited(t, time.Minute)
	general, random := l.s.AddChannel("general", slacktest.Public), l.s.AddChannel("random", slacktest.Public)
	count := func(c *slacktest.Channel) (n int) {
		for l.post(c) == 0 {
			n++
		}
		return n
	}
	got := []int{count(general), count(random)}
	l.Add(3 * time.Second)
	got = append(got, count(general))
	l.Add(time.Hour)
	got = append(got, count(general))
	if diff := cmp.Diff([]int{5, 5, 3, 5}, got); diff != "" {
		t.Errorf("posts in a row (-want +got):\n%s", diff)
	}
	l.Add(time.Hour)
	all := 0
	for i := range 100 {
		all += count(l.s.AddChannel(fmt.Sprint("channel-", i), slacktest.Public))
	}
	if all != 300 {
		t.Errorf("%d posts at once in all channels, want 300", all)
	}
}

func TestRateLimitOfOneChannel(t *testing.T) {
	l := newLimited(t, 0)
	general, random := l.s.AddChannel("general", slacktest.Public), l.s.AddChannel("random", slacktest.Public)
	l.s.RateLimitChannelFor(general, 10*time.Second)
	if got := []time.Duration{l.post(general), l.post(random), l.post(general)}; !cmp.Equal(got, []time.Duration{10 * time.Second, 0, 10 * time.Second}) {
		t.Errorf("refused for %s", got)
	}
	l.Add(10 * time.Second)
	if got := l.post(general); got != 0 {
		t.Errorf("after that: %s", got)
	}
}

// A 429 as proxies send it.
func TestRateLimitNext(t *testing.T) {
	l := newLimited(t, 0)
	for _, tt := range []struct {
		header string
		there  bool
	}{{"7", true}, {"Wed, 21 Oct 2026 07:28:00 GMT", true}, {"", false}} {
		l.s.RateLimitNext("api.test", tt.header)
		response, err := http.Post(l.s.APIURL()+"api.test", "application/x-www-form-urlencoded", nil) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		_, there := response.Header["Retry-After"]
		if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != tt.header || there != tt.there ||
			response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%q: %d %v", tt.header, response.StatusCode, response.Header)
		}
	}
}
