package bot_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
)

// newSlack calls a workspace's Web API as the bot does.
func newSlack(server *slacktest.Server) *slack.Client {
	api, _ := newAPI(server)
	return api
}

// notSlack is what can stand where an answer of Slack's should.
func notSlack() map[string]struct {
	status int
	body   string
} {
	type answer = struct {
		status int
		body   string
	}
	return map[string]answer{
		"a page":             {200, "<!DOCTYPE html><html>Sign in to https://proxy.example?token=xoxb-1</html>"},
		"a page with 503":    {503, "<html>xoxb-1</html>"},
		"a page with 404":    {404, "<html>https://x.example</html>"},
		"nothing":            {200, ""},
		"no content":         {204, ""},
		"cut off":            {200, `{"ok":true,"ts":"1.0000`},
		"another form":       {200, `[{"ok":true}]`},
		"an empty object":    {200, "{}"},
		"no ok and no error": {200, `{"ok":false}`},
		"null":               {200, "null"},
		"ok and no more":     {200, `{"ok":true}`},
		"a cut connection":   {0, ""},
		"internal_error":     {200, `{"ok":false,"error":"internal_error"}`},
	}
}

// A card or reply of which Slack does not say that it was posted, or where, is neither
// posted nor given up: it is tried again. Nothing of the answer is logged.
func TestShowTakesNothingForAnAnswer(t *testing.T) {
	for name, answer := range notSlack() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, slacktest.Config{})
			log, logged := newLogged()
			b.display.Log, b.display.API = log, newSlack(b.slack)
			b.slack.HTTPFailNext("chat.postMessage", answer.status, answer.body, false)
			_, err := b.display.Show(b.ctx, b.ours(running()), func(s run.Shown) error { b.kept = s; return nil })
			if err == nil || b.kept.Card != "" || len(b.kept.Told) != 0 || b.kept.Posting == "" {
				t.Errorf("kept %+v, %v", b.kept, err)
			}
			if text := logged.String(); strings.Contains(text, "://") || strings.Contains(text, "xoxb") {
				t.Errorf("it logged %s", text)
			}
			if posted := len(b.builds.Messages(b.alice)); posted != 0 {
				t.Errorf("%d messages are there", posted)
			}
		})
	}
}

// Where it cannot be looked whether a message was posted, it is not posted again.
func TestLookingTakesNothingForAnAnswer(t *testing.T) {
	for name, answer := range notSlack() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, slacktest.Config{})
			b.kept = run.Shown{Posting: "card", PostingAt: time.Now().Add(-time.Minute)}
			b.slack.HTTPFailNext("conversations.history", answer.status, answer.body, false)
			_, err := b.display.Show(b.ctx, b.ours(running()), func(s run.Shown) error { b.kept = s; return nil })
			if n := len(b.slack.Calls("chat.postMessage")); err == nil || n != 0 {
				t.Errorf("posted %d times, %v", n, err)
			}
		})
	}
}

// An edit counts as made only where Slack says so.
func TestEditingTakesNothingForAnAnswer(t *testing.T) {
	for name, answer := range notSlack() {
		if name == "ok and no more" {
			continue // which is all that is asked for
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, slacktest.Config{})
			keep := func(s run.Shown) error { b.kept = s; return nil }
			if _, err := b.display.Show(b.ctx, b.ours(requestedAndStarted()), keep); err != nil {
				t.Fatal(err)
			}
			before := b.kept
			b.slack.HTTPFailNext("chat.update", answer.status, answer.body, false)
			_, err := b.display.Show(b.ctx, b.ours(running()), keep)
			if err == nil || b.kept.Hash != before.Hash {
				t.Errorf("kept %+v, %v", b.kept, err)
			}
		})
	}
}

// requestedAndStarted is the run before running.
func requestedAndStarted() run.Run {
	return running(func(r *run.Run) { r.Pipeline.Status = "created" })
}

// newLogged is a log that can be read.
func newLogged() (*zap.Logger, *bytes.Buffer) {
	out := &bytes.Buffer{}
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(out), zap.DebugLevel)), out
}

// Whatever Slack should have said, people are told what they can do, and nobody is let in
// on the word of an answer that is none.
func TestPeopleAreAnsweredWhateverSlackSays(t *testing.T) {
	for name, answer := range notSlack() {
		for method, tt := range map[string]struct {
			do   func(o *office)
			want string // what alice alone reads
		}{
			"views.open": {func(o *office) {
				if err := o.alice.Command(o.ctx, o.builds, "/pipeline", ""); err != nil {
					o.Fatal(err)
				}
			}, "Slack did not let me open the form."},
			"users.info": {func(o *office) { o.types("run group/app refs/heads/main debug") }, "Slack did not say who you are"},
			"usergroups.users.list": {func(o *office) {
				o.obey("policy", "rules: [{people: {groups: [S0OPS]}, then: refuse, reason: no, actions: [run]}, {then: allow}]\npeople: [{slack: "+o.alice.ID+", gitlab: alice}]")
				o.types("run group/app refs/heads/main debug")
			}, "user group"},
		} {
			if method == "views.open" && name == "ok and no more" {
				continue // it is open
			}
			t.Run(method+"/"+name, func(t *testing.T) {
				t.Parallel()
				o := newOffice(t)
				o.slack.HTTPFailNext(method, answer.status, answer.body, false)
				tt.do(o)
				o.finished()
				o.hears(o.alice, tt.want)
				if n := o.runs.submitted; n != 0 {
					t.Errorf("%d requests were written down", n)
				}
			})
		}
	}
}

// A Home and an unfolded link wait for the next time.
func TestWhatIsOnlyShownWaits(t *testing.T) {
	for name, answer := range notSlack() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			for _, method := range []string{"views.publish", "chat.unfurl"} {
				o.slack.HTTPFailNext(method, answer.status, answer.body, false)
			}
			if err := o.alice.OpenHome(o.ctx); err != nil {
				t.Fatal(err)
			}
			o.says(o.alice, "look at "+appURL+"/-/pipelines/4711")
			o.says(o.alice, "look again at "+appURL+"/-/pipelines/4711")
			if n := len(o.slack.Calls("chat.unfurl")); n != 2 {
				t.Errorf("%d links were unfolded", n)
			}
		})
	}
}

// The token goes where it was sent, and no further.
func TestSlackIsNotFollowedElsewhere(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(other.URL, status))
		t.Cleanup(server.Close)
		api := slack.New("xoxb-1", slack.OptionAPIURL(server.URL+"/"), slack.OptionHTTPClient(bot.SlackHTTP(http.DefaultTransport)))
		if _, err := api.AuthTestContext(t.Context()); err == nil || errors.Is(err, http.ErrUseLastResponse) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}
