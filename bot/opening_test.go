package bot_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pipebot/bot"
	"pipebot/bot/budget"
	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

type answers func() *http.Response

func (a answers) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }

// What stands in front of Slack may say with a date when to come again, or not at all, which
// slack-go takes for a broken answer.
func TestAConnectionIsOpenedWhenSlackWantsIt(t *testing.T) {
	for _, tt := range []struct {
		name       string
		retryAfter func() string
		from, to   time.Duration
	}{
		{"in seconds", func() string { return "90" }, 90 * time.Second, 90 * time.Second},
		{"until a date", func() string { return time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat) }, 90 * time.Second, 90 * time.Second},
		{"without a time", func() string { return "" }, time.Second, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var calls []time.Duration
				slack := answers(func() *http.Response {
					calls = append(calls, time.Since(begin))
					answer := &http.Response{StatusCode: http.StatusTooManyRequests, Header: make(http.Header), Body: http.NoBody}
					if len(calls) > 1 {
						answer.StatusCode, answer.Body = http.StatusOK, io.NopCloser(strings.NewReader(`{"ok":false,"error":"invalid_auth"}`))
						return answer
					}
					answer.Header.Set("Retry-After", tt.retryAfter())
					return answer
				})
				calm := budget.New(budget.Config{Rate: 1, Log: zap.NewNop()})
				core, logs := observer.New(zap.WarnLevel)
				s := socket.New(socket.Config{
					AppToken: slacktest.DefaultAppToken, APIURL: "https://slack.com/api/",
					HTTP: bot.SlackHTTP(calm.Transport(slack)), Log: zap.New(core),
				})
				if err := s.Run(t.Context()); !errors.Is(err, socket.ErrRejected) {
					t.Errorf("Run returned %v", err)
				}
				if calls[1] < tt.from || calls[1] > tt.to {
					t.Errorf("the next call comes after %s, want %s to %s", calls[1], tt.from, tt.to)
				}
				if entries := logs.All(); len(entries) == 0 || entries[0].ContextMap()["reason"] != "rate limited" {
					t.Errorf("it logs %+v", entries)
				}
			})
		})
	}
}
