package bot

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
)

// recipient is a person, and the ways to speak to them alone.
type recipient struct {
	User     string
	Channel  string // where they are
	ReplyURL string // a secret; good for half an hour
	// replace puts what is said in the place of the message that they acted on. What a
	// command was answered with is no such message: Slack does not replace that
	// (https://github.com/slackapi/bolt-js/issues/2287).
	replace bool
}

// Teller tells people what is for them alone.
type Teller struct {
	api  *slack.Client
	http *http.Client
	// hosts are where reply URLs may lead. They come back to us by way of a
	// modal's metadata, so a forged one could lead anywhere.
	hosts []string
	log   *zap.Logger
}

// NewTeller returns a teller. apiURL is Slack's Web API as the settings name it.
func NewTeller(api *slack.Client, apiURL string, log *zap.Logger) *Teller {
	t := &Teller{api: api, http: &http.Client{Timeout: 5 * time.Second, CheckRedirect: sameAddress}, hosts: []string{"hooks.slack.com"}, log: log}
	if u, err := url.Parse(apiURL); err == nil && u.Hostname() != "slack.com" {
		t.hosts = append(t.hosts, u.Host) // a stand-in for Slack keeps its reply URLs with it
	}
	return t
}

// sameAddress: what is for one person goes nowhere else.
func sameAddress(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// privately tells one person, by the first way that works: the reply URL, an
// ephemeral message where they are, a direct message. It reports whether one did,
// or never will.
func (t *Teller) privately(ctx context.Context, to recipient, m message) error {
	if t.allowed(to.ReplyURL) && t.reply(ctx, to.ReplyURL, m, to.replace) == nil {
		return nil
	}
	if to.Channel != "" && !policy.IsUserID(to.Channel) { // the home and modals are in none, direct messages have the person's id
		if _, err := t.api.PostEphemeralContext(ctx, to.Channel, to.User, m.options()...); err == nil {
			return nil
		}
	}
	_, _, err := t.direct(ctx, to.User, m.options()...)
	if err != nil {
		t.log.Warn("a private answer found no way", zap.String("user", to.User), zap.String("reason", slackReason(err)))
	}
	return err
}

// inPlace puts what one person is told in the place of the message that they acted on,
// or fails.
func (t *Teller) inPlace(ctx context.Context, to recipient, m message) error {
	if !t.allowed(to.ReplyURL) {
		return errors.New("there is no reply URL")
	}
	return t.reply(ctx, to.ReplyURL, m, true)
}

// reply posts to a reply URL. Errors of the HTTP client hold the URL and are not
// passed on.
func (t *Teller) reply(ctx context.Context, replyURL string, m message, replace bool) error {
	said := &slack.WebhookMessage{
		ResponseType: slack.ResponseTypeEphemeral, Text: m.Text, Blocks: &slack.Blocks{BlockSet: m.Blocks}, ReplaceOriginal: replace,
	}
	err := slack.PostWebhookCustomHTTPContext(ctx, replyURL, t.http, said)
	if err != nil {
		return errors.New("the reply URL did not work")
	}
	return nil
}

// direct posts to a person's direct messages: Slack takes a user id for the
// channel, and answers with the channel's own.
// https://docs.slack.dev/reference/methods/chat.postMessage#app_home
func (t *Teller) direct(ctx context.Context, user string, options ...slack.MsgOption) (channel, ts string, err error) {
	return t.api.PostMessageContext(ctx, user, options...)
}

func (t *Teller) allowed(replyURL string) bool {
	u, err := url.Parse(replyURL)
	if err != nil || replyURL == "" {
		return false
	}
	for i, host := range t.hosts {
		if u.Host == host && (u.Scheme == "https" || i > 0) {
			return true
		}
	}
	return false
}

// options are what sends the message as it is: its text is escaped already, its
// links do not unfold, and Slack does not look for names in it.
func (m message) options() []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.Text, false),
		slack.MsgOptionBlocks(m.Blocks...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
}

// answer is the message as an acknowledgement of a command carries it: shown to
// the person alone.
func (m message) answer() map[string]any {
	return map[string]any{"response_type": slack.ResponseTypeEphemeral, "text": m.Text, "blocks": m.Blocks}
}
