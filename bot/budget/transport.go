package budget

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// Transport is next with an eye on Slack's answers. What Slack wants to hear nothing of
// for a while is answered here with its 429. The 429 that it returns always says when to
// come again in whole seconds, since that is all that slack-go understands.
func (b *Budget) Transport(next http.RoundTripper) http.RoundTripper { return &transport{b, next} }

type transport struct {
	budget *Budget
	next   http.RoundTripper
}

// RoundTrip makes one call.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	method := path.Base(r.URL.Path)
	channel := channelOf(method, r)
	if wait := t.budget.held(method, channel); wait > 0 {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return tooMany(r, wait), nil
	}
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		if !errors.Is(r.Context().Err(), context.Canceled) { // or nobody wants the answer any more
			t.budget.unreachable()
		}
		return answer, err
	}
	if answer.StatusCode == http.StatusTooManyRequests {
		wait := t.budget.limited(method, channel, retryAfter(answer.Header, time.Now()))
		answer.Header.Set("Retry-After", seconds(wait))
		return answer, nil
	}
	if reason := failure(answer); reason != "" {
		t.budget.failed(method, reason)
	} else {
		t.budget.answered(method, channel)
	}
	return answer, nil
}

// longestForm is more than a message may hold.
const longestForm = 1 << 20

// channelOf is the channel of a post, "" of all else.
func channelOf(method string, r *http.Request) string {
	if method != PostMessage || r.GetBody == nil {
		return ""
	}
	body, err := r.GetBody()
	if err != nil {
		return ""
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, longestForm))
	if err != nil {
		return ""
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return ""
	}
	return form.Get("channel")
}

func tooMany(r *http.Request, wait time.Duration) *http.Response {
	return &http.Response{
		Status: "429 Too Many Requests", StatusCode: http.StatusTooManyRequests, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Retry-After": {seconds(wait)}}, Body: http.NoBody, Request: r,
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// retryAfter reads the header's two forms, seconds and a date, which is held against the
// clock of whoever sent it. 0 is for one that says nothing.
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if n, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(n, int(longestHold/time.Second)))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(header.Get("Date")); err == nil {
		now = sent
	}
	return max(0, min(at.Sub(now), longestHold))
}

// longestFault is more than an answer of Slack's holds that only says what went wrong.
const longestFault = 2 << 10

// failure is what went wrong at Slack or on the way, "" for an answer and for a refusal.
// The answer can be read as before.
func failure(answer *http.Response) string {
	if answer.StatusCode != http.StatusOK {
		return answer.Status
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "application/json" {
		return "no answer of Slack's"
	}
	read := bufio.NewReaderSize(answer.Body, longestFault)
	begin, _ := read.Peek(longestFault) // what is wrong with the rest, its reader will see
	answer.Body = struct {
		io.Reader
		io.Closer
	}{read, answer.Body}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	err := json.Unmarshal(begin, &said)
	switch {
	case err != nil && len(begin) < longestFault:
		return "an answer that cannot be read"
	case err == nil && !said.OK && Passes(said.Error):
		return said.Error
	default:
		return ""
	}
}

// Passes reports whether an error of Slack's passes by itself: it is Slack that fails, or
// a token that whoever runs the bot will mend.
// https://docs.slack.dev/reference/methods/chat.postMessage#errors
func Passes(code string) bool {
	switch code {
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited", "team_added_to_org",
		"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive":
		return true
	default:
		return false
	}
}
