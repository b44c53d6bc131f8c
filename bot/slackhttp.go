package bot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// slackWithin bounds one request to Slack's Web API.
const slackWithin = 10 * time.Second

// mostSlackSays bounds what is read of an answer. The longest are of users in a group and
// of messages in a channel, a few hundred kilobytes.
const mostSlackSays = 8 << 20

// SlackHTTP makes the requests to Slack's Web API. It follows no redirects: slack-go sends
// the token in the body, which a 307 would take to another host.
func SlackHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout: slackWithin, Transport: believing{transport}, CheckRedirect: sameAddress,
	}
}

// believing lets those answers pass that are Slack's. slack-go (v0.35) takes an answer
// without ok and error for a success: a proxy's {} would be a message that was posted, or a
// channel without messages.
// https://docs.slack.dev/apis/web-api/using-the-slack-web-api#responses
type believing struct{ http.RoundTripper }

var errNotSlack = errors.New("the answer is not one of Slack's Web API")

// RoundTrip makes the request, and fails where the answer with 200 says neither that it
// worked nor why it did not.
func (b believing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, mostSlackSays)
	if resp.StatusCode != http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var says struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &says) != nil || !says.OK && says.Error == "" {
		return nil, errNotSlack
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
