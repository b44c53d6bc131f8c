package socket

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/slack-go/slack"
)

// ErrRejected: Slack does not accept the app token, and trying again will not help.
var ErrRejected = errors.New("Slack rejects the app token") //nolint:staticcheck // a name

// Why Slack lets a connection not be, in a disconnect that may come in place of hello.
var (
	// ErrDisabled: Socket Mode is off in the app's settings.
	// https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect
	ErrDisabled = errors.New("Socket Mode is switched off for the Slack app; switch it on under Settings > Socket Mode at api.slack.com/apps")
	// ErrTooMany: the app has as many connections as Slack allows. Those of a process that
	// was killed count until Slack notices. The reason is not among the documented ones:
	// https://github.com/slackapi/bolt-js/issues/2225
	ErrTooMany = errors.New("the Slack app has the 10 connections that Slack allows; stop another process that uses its app token")
)

var (
	errNoHello = errors.New("Slack ended the connection before it said hello") //nolint:staticcheck // a name
	errEnded   = errors.New("Slack ended the connection")                      //nolint:staticcheck // a name
)

// refusal is what Slack's reason for ending a connection means: errEnded where the next
// one may be opened at once.
func refusal(reason string) error {
	switch reason {
	case "link_disabled":
		return ErrDisabled
	case "too_many_websockets":
		return ErrTooMany
	default:
		return errEnded
	}
}

// rejected picks out Slack's answers that stay the same however often it is asked.
// https://docs.slack.dev/reference/methods/apps.connections.open#errors
func rejected(err error) bool {
	answer, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return false
	}
	switch answer.Err {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type",
		"missing_args", "missing_scope", "team_access_not_granted":
		return true
	default:
		return false
	}
}

// openFailure keeps of a failure what may be logged: a dial error holds the address of the
// connection, whose ticket is a secret.
func openFailure(err error) error {
	for _, ours := range []error{ErrDisabled, ErrTooMany, errNoHello, errEnded} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return errors.New(answer.Err)
	}
	if _, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return errors.New("rate limited")
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return errors.New(status.Status)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the name of the host does not resolve (%s)", dns.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return fmt.Errorf("Slack cannot be reached (%w)", op.Err) //nolint:staticcheck // a name
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("its certificate is not trusted (%w)", certificate.Err)
	}
	return errors.New("Slack cannot be reached") //nolint:staticcheck // a name
}
