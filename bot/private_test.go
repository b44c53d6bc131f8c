package bot_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"go.uber.org/zap"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// replyURL is one that Slack gave for a command of alice's.
func (o *office) replyURL() string {
	o.Helper()
	form, err := bot.ParseForm(o.open().PrivateMetadata(), o.projects.names)
	if err != nil {
		o.Fatal(err)
	}
	return form.ReplyURL
}

// tells shows a refusal, which is for alice alone.
func (o *office) tells(replyURL string) (run.Shown, error) {
	api, calls := newAPI(o.slack)
	display := &bot.Display{API: api, Tell: o.cfg.Tell, BotName: func() string { return "pipebot" }, Budget: calls, Log: zap.NewNop()}
	r := refused(run.Refusal{Kind: gitlab.Unauthorized})
	r.Request.Asker, r.Request.Channel, r.Request.ReplyURL = o.alice.ID, o.builds.ID, replyURL
	_, err := display.Show(o.ctx, r, func(s run.Shown) error {
		r.Shown = s
		return nil
	})
	return r.Shown, err
}

func TestTellerTakesTheFirstWayThatWorks(t *testing.T) {
	gone := func(o *office) {
		o.slack.HTTPFailNext("response_url", http.StatusNotFound, `{"ok":false,"error":"expired_url"}`, false)
	}
	for name, test := range map[string]struct {
		before  func(o *office)
		channel int // messages that alice alone sees in the channel
		direct  int // messages in her direct messages
	}{
		"the reply URL":                 {func(*office) {}, 1, 0},
		"the reply URL, as a stranger":  {func(o *office) { o.builds.KickBot() }, 1, 0},
		"an ephemeral message":          {gone, 1, 0},
		"a direct message":              {func(o *office) { gone(o); o.builds.KickBot() }, 0, 1},
		"a direct message, unreachable": {func(o *office) { gone(o); o.slack.HTTPFailNext("chat.postEphemeral", 0, "", false) }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			replyURL := o.replyURL()
			test.before(o)
			shown, err := o.tells(replyURL)
			if err != nil || !slices.Contains(shown.Told, "refused") {
				t.Errorf("the record says %v, %v", shown.Told, err)
			}
			count := func(c *slacktest.Channel, want int) {
				t.Helper()
				if got := c.Messages(o.alice); len(got) != want {
					t.Errorf("alice sees %d messages in %s, want %d", len(got), c.Name, want)
				}
			}
			count(o.builds, test.channel)
			count(o.slack.DM(o.alice), test.direct)
			bob := o.slack.AddUser("bob")
			o.builds.Invite(bob)
			if got := o.builds.Messages(bob); len(got) != 0 {
				t.Errorf("bob sees %d messages", len(got))
			}
		})
	}
}

func TestTellerTriesAgainWhereNoWayWorked(t *testing.T) {
	o := newOffice(t)
	o.slack.FailNext("chat.postEphemeral", "internal_error", 1)
	o.slack.FailNext("chat.postMessage", "internal_error", 1)
	if shown, err := o.tells(""); err == nil || len(shown.Told) != 0 {
		t.Errorf("the record says %v, %v", shown.Told, err)
	}
	if shown, err := o.tells(""); err != nil || len(shown.Told) != 1 {
		t.Errorf("the second time the record says %v, %v", shown.Told, err)
	}
}

func TestTellerGivesUpWhereNoWayEverWorks(t *testing.T) {
	o := newOffice(t)
	o.slack.FailNext("chat.postEphemeral", "user_not_in_channel", 1)
	o.slack.FailNext("chat.postMessage", "user_not_found", 1)
	if shown, err := o.tells(""); err != nil || len(shown.Told) != 1 {
		t.Errorf("the record says %v, %v; want that it is done with", shown.Told, err)
	}
}

// A reply URL comes back by way of a modal's metadata: a forged one would have the
// bot call whatever it names.
func TestTellerCallsNoForgedReplyURL(t *testing.T) {
	called := make(chan string, 10)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called <- r.URL.Path }))
	t.Cleanup(inside.Close)
	o := newOffice(t)
	if _, err := o.tells(inside.URL + "/admin"); err != nil {
		t.Fatal(err)
	}
	select {
	case path := <-called:
		t.Errorf("%s was called", path)
	default:
	}
	if got := len(o.builds.Messages(o.alice)); got != 1 {
		t.Errorf("alice sees %d messages, want the one by another way", got)
	}
}

func TestTellerAllowedReplyURLs(t *testing.T) {
	const local = "http://127.0.0.1:8065/api/"
	for _, test := range []struct {
		name, api, url string
		want           bool
	}{
		{"Slack's", "https://slack.com/api/", "https://hooks.slack.com/commands/T1/2/3", true},
		{"none", "https://slack.com/api/", "", false},
		{"no https", "https://slack.com/api/", "http://hooks.slack.com/commands/T1/2/3", false},
		{"another scheme", "https://slack.com/api/", "file://hooks.slack.com/etc/passwd", false},
		{"another host", "https://slack.com/api/", "https://169.254.169.254/latest/meta-data", false},
		{"another port", "https://slack.com/api/", "https://hooks.slack.com:8443/x", false},
		{"Slack's as a user", "https://slack.com/api/", "https://hooks.slack.com@evil.example/x", false},
		{"Slack's as a beginning", "https://slack.com/api/", "https://hooks.slack.com.evil.example/x", false},
		{"Slack's as an end", "https://slack.com/api/", "https://evilhooks.slack.com/x", false},
		{"Slack's API", "https://slack.com/api/", "https://slack.com/api/chat.postMessage", false},
		{"no URL", "https://slack.com/api/", "://", false},
		{"a stand-in's", local, "http://127.0.0.1:8065/response/x", true},
		{"a stand-in's neighbor", local, "http://127.0.0.1:8066/response/x", false},
		{"Slack's, beside a stand-in", local, "https://hooks.slack.com/commands/T1/2/3", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := bot.NewTeller(nil, test.api, zap.NewNop()).Allowed(test.url); got != test.want {
				t.Errorf("Allowed(%q) = %t, want %t", test.url, got, test.want)
			}
		})
	}
}
