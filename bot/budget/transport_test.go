package budget_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/budget"
)

// api is a Slack that answers as it is told to, and a client that goes by a budget.
type api struct {
	testing.TB
	*clocked
	*slack.Client
	answer func(http.ResponseWriter) // to the next calls
	called []string                  // methods
}

func newAPI(t testing.TB) *api {
	t.Helper()
	a := &api{TB: t, clocked: newClocked(1)}
	a.works()
	a.Client = slack.New("xoxb-1", slack.OptionHTTPClient(&http.Client{Transport: a.Transport(slackItself{a})}))
	return a
}

// slackItself answers calls without a network.
type slackItself struct{ *api }

func (s slackItself) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.called = append(s.called, strings.TrimPrefix(r.URL.Path, "/api/"))
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	s.answer(w)
	if w.Code == noAnswer {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

const noAnswer = 599

func (a *api) says(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, body) }
}

func (a *api) works() { a.answer = a.says(`{"ok":true,"channel":"C1","ts":"1.2"}`) }

func (a *api) refuses(header map[string]string, body string) {
	a.answer = func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/plain")
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, body)
	}
}

func (a *api) edit() error {
	_, _, _, err := a.UpdateMessageContext(a.Context(), "C1", "1.2", slack.MsgOptionText("hello", false))
	return err
}

func (a *api) post(channel string) error {
	_, _, err := a.PostMessageContext(a.Context(), channel, slack.MsgOptionText("hello", false))
	return err
}

// limited is for how long a call was refused for being too many, 0 where it was not.
func (a *api) limited(err error) time.Duration {
	a.Helper()
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return limited.RetryAfter
	}
	if err != nil {
		a.Errorf("not a rate limit: %v", err)
	}
	return 0
}

// Whatever form Slack, or a proxy on the way, gives to a 429: the method is left alone for
// as long as it says, and others go on.
func TestTransportObeys429(t *testing.T) {
	for name, tt := range map[string]struct {
		header map[string]string
		body   string
		want   time.Duration
	}{
		"seconds":         {map[string]string{"Retry-After": "30"}, `{"ok":false,"error":"ratelimited"}`, 30 * time.Second},
		"plain text":      {map[string]string{"Retry-After": "30"}, "Too many requests", 30 * time.Second},
		"HTML":            {map[string]string{"Retry-After": "30"}, "<html><h1>429</h1></html>", 30 * time.Second},
		"a date":          {map[string]string{"Retry-After": "Mon, 04 May 2026 12:00:40 GMT", "Date": "Mon, 04 May 2026 12:00:00 GMT"}, "", 40 * time.Second},
		"no time":         {nil, "Too many requests", time.Second},
		"no usable time":  {map[string]string{"Retry-After": "soon"}, "", time.Second},
		"at once":         {map[string]string{"Retry-After": "0"}, "", time.Second},
		"a time too long": {map[string]string{"Retry-After": "99999999"}, "", budget.LongestHold},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			a.refuses(tt.header, tt.body)
			if got := a.limited(a.edit()); got != tt.want {
				t.Errorf("to be tried again after %s, want %s", got, tt.want)
			}
			a.works()
			const one = 1500 * time.Millisecond // until there is a call in the bucket
			if got := a.Take(budget.Update, "", budget.Start); got != max(tt.want, one) {
				t.Errorf("an edit is granted after %s, want %s", got, max(tt.want, one))
			}
			if got := a.limited(a.edit()); got != tt.want {
				t.Errorf("a call that was not asked about is refused for %s, want %s", got, tt.want)
			}
			if err := a.post("C1"); err != nil || len(a.called) != 2 {
				t.Errorf("posting: %v; Slack was called for %q", err, a.called)
			}
			a.now = a.now.Add(tt.want + 20*time.Second) // a bucket's content later
			if again, err := a.Take(budget.Update, "", budget.Start), a.edit(); again != 0 || err != nil {
				t.Errorf("after that: %s, %v", again, err)
			}
		})
	}
}

// Answers to people obey a 429, too, though they are never asked about.
func TestTransportObeys429OfAViewsOpen(t *testing.T) {
	a := newAPI(t)
	a.refuses(map[string]string{"Retry-After": "5"}, "")
	for range 3 {
		_, err := a.OpenViewContext(t.Context(), "trigger", slack.ModalViewRequest{})
		if got := a.limited(err); got != 5*time.Second {
			t.Errorf("to be tried again after %s, want 5s", got)
		}
	}
	if len(a.called) != 1 {
		t.Errorf("Slack was called %d times", len(a.called))
	}
}

// Slack limits posts by channel. Where it refuses them in two, it is the workspace that is
// full.
func TestTransportHoldsOneChannel(t *testing.T) {
	a := newAPI(t)
	a.refuses(map[string]string{"Retry-After": "30"}, "")
	a.limited(a.post("C1"))
	a.works()
	if err := a.post("C2"); err != nil {
		t.Errorf("posting in another channel: %v", err)
	}
	if again := a.Take(budget.PostMessage, "C2", budget.End); again != 0 {
		t.Errorf("posting in another channel is granted after %s", again)
	}
	if again := a.Take(budget.PostMessage, "C1", budget.Start); again != 30*time.Second {
		t.Errorf("posting in the channel is granted after %s, want 30s", again)
	}
	a.refuses(map[string]string{"Retry-After": "20"}, "")
	a.limited(a.post("C2"))
	if again := a.Take(budget.PostMessage, "C3", budget.Start); again != 20*time.Second {
		t.Errorf("posting in a third channel is granted after %s, want 20s", again)
	}
}

// While Slack fails one call at a time tries whether that is over, ever more rarely, and
// the first success lets all go on.
func TestTransportBacksOff(t *testing.T) {
	broken := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter)
		others bool // go on meanwhile
	}{
		"no answer":             {broken(noAnswer, "", ""), false},
		"a bad gateway":         {broken(502, "text/html", "<html>"), true},
		"a fault of Slack's":    {broken(200, "application/json", `{"ok":false,"error":"internal_error"}`), true},
		"a revoked token":       {broken(200, "application/json", `{"ok":false,"error":"token_revoked"}`), true},
		"a page instead":        {broken(200, "text/html", "<html>Log in to the network</html>"), true},
		"an answer cut short":   {broken(200, "application/json", `{"ok":tr`), true},
		"redirected, elsewhere": {broken(304, "text/plain", ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			a.answer = tt.answer
			if err := a.edit(); err == nil {
				t.Fatal("there is no error")
			}
			if again := a.Take(budget.Update, "", budget.End); again != 0 {
				t.Errorf("after one failure, which may be about that call: %s", again)
			}
			var waits []time.Duration
			for range 10 {
				_ = a.edit()
				again := a.Take(budget.Update, "", budget.End)
				if again == 0 {
					t.Fatal("many go on while Slack fails")
				}
				waits = append(waits, again)
				a.now = a.now.Add(again)
				if a.Take(budget.Update, "", budget.Start) != 0 || a.Take(budget.Update, "", budget.Start) == 0 {
					t.Fatal("not exactly one may try")
				}
			}
			if first, last := waits[0], waits[len(waits)-1]; first > time.Second || last < budget.LongestPause/2 || last > budget.LongestPause {
				t.Errorf("waits: %s", waits)
			}
			if again := a.Take(budget.PostMessage, "C1", budget.Start); (again == 0) != tt.others {
				t.Errorf("another method is granted after %s", again)
			}
			a.works()
			if err := a.edit(); err != nil {
				t.Fatal(err)
			}
			if again := a.Take(budget.Update, "", budget.Start); again != 0 {
				t.Errorf("after a success: %s", again)
			}
		})
	}
}

// What Slack refuses for good reasons says nothing about other calls.
func TestTransportTakesRefusalsForAnswers(t *testing.T) {
	a := newAPI(t)
	a.answer = a.says(`{"ok":false,"error":"message_not_found"}`)
	for range 5 {
		if answer, refused := errors.AsType[slack.SlackErrorResponse](a.edit()); !refused || answer.Err != "message_not_found" {
			t.Fatal("the refusal is lost")
		}
	}
	if again := a.Take(budget.Update, "", budget.Start); again != 0 {
		t.Errorf("an edit is granted after %s", again)
	}
}

// An answer that is longer than a fault is passed on whole.
func TestTransportPassesLongAnswersOn(t *testing.T) {
	a := newAPI(t)
	text := strings.Repeat("long ", 5000)
	a.answer = a.says(`{"ok":true,"messages":[{"text":"` + text + `"}]}`)
	history, err := a.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "C1"})
	if err != nil || len(history.Messages) != 1 || history.Messages[0].Text != text {
		t.Errorf("%v", err)
	}
}

// Who gives up waiting for an answer has learned nothing about Slack.
func TestTransportForgivesWhoGivesUp(t *testing.T) {
	a := newAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		if _, _, err := a.PostMessageContext(ctx, "C1", slack.MsgOptionText("hello", false)); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if again := a.Take(budget.PostMessage, "C1", budget.Start); again != 0 {
		t.Errorf("a post is granted after %s", again)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "7", "-1", " 12 ", "9223372036854775807", "Mon, 04 May 2026 12:00:40 GMT", "soon", "1.5"} {
		f.Add(value, "Mon, 04 May 2026 12:00:00 GMT")
	}
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		header := http.Header{"Retry-After": {value}, "Date": {date}}
		if got := budget.RetryAfter(header, now); got < 0 || got > budget.LongestHold {
			t.Errorf("%s", got)
		}
	})
}
