package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// The requests and the waiting are not golang.org/x/oauth2's (v0.37): its DeviceAuth
// sends the request without the context, its DeviceAccessToken gives up at the first
// answer that is no OAuth error (a 502, a 429, a cut connection) and counts in whole
// seconds, and its errors print the whole answer.

const (
	// defaultInterval is the wait between two questions when the server names none,
	// slowDown what it grows by when the server finds it too short.
	// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
	// askWithin ends a question that hangs.
	askWithin = 10 * time.Second
	// shortestInterval keeps a server that says 0 from being asked without a pause.
	shortestInterval = 10 * time.Millisecond
)

// wait asks for the token until the person has decided.
func (l *Linker) wait(ctx context.Context, grant Grant) (string, error) {
	const op = "waiting for an account to be linked"
	if grant.device == nil {
		return "", &Error{Op: op, Kind: Invalid, Message: "there is no code to wait for", err: ErrExpired}
	}
	ctx, cancel := context.WithDeadlineCause(ctx, grant.Expires, ErrExpired)
	defer cancel()
	interval, pause := grant.device.interval, grant.device.interval
	for {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return "", ended(ctx, op)
		}
		token, err := l.token(ctx, op, grant.device.code)
		pause = interval
		switch {
		case err == nil:
			return token, nil
		case ctx.Err() != nil:
			return "", ended(ctx, op)
		case errors.Is(err, errSlowDown):
			interval += slowDown
			pause = interval
		case errors.Is(err, errPending):
		case isPassing(err):
			pause = max(interval, retryAfterOf(err))
		default:
			return "", err
		}
	}
}

// ended is why the waiting is over.
func ended(ctx context.Context, op string) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrExpired) {
		return &Error{Op: op, Kind: Invalid, Message: ErrExpired.Error(), err: ErrExpired}
	}
	return &Error{Op: op, Kind: Unclear, Message: "nobody waits any more", err: ctx.Err()}
}

// isPassing reports whether the same question may be answered the next time.
func isPassing(err error) bool {
	kind := KindOf(err)
	return kind == NotSent || kind == RateLimited || kind == Unclear
}

// token asks once.
func (l *Linker) token(ctx context.Context, op, code string) (string, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	err := l.post(ctx, op, "oauth/token", url.Values{
		"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code": {code},
	}, &answer)
	if err == nil && answer.AccessToken == "" {
		err = &Error{Op: op, Kind: Invalid, Status: http.StatusOK, Message: "its answer has no token"}
	}
	return answer.AccessToken, err
}

// The two answers of GitLab that are none.
var (
	errPending  = errors.New("the person has not decided yet")
	errSlowDown = errors.New("asked too often")
)

// meaning is what an OAuth error code says.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
// https://www.rfc-editor.org/rfc/rfc6749#section-5.2
func meaning(code string) error {
	switch code {
	case "authorization_pending":
		return errPending
	case "slow_down":
		return errSlowDown
	case "access_denied":
		return ErrDenied
	case "expired_token", "invalid_grant": // GitLab deletes expired codes, and used ones
		return ErrExpired
	case "unauthorized_client", "unsupported_grant_type":
		return ErrNotSupported
	case "invalid_client", "invalid_scope":
		return ErrApplication
	}
	return nil
}

// maxOAuthAnswer is far more than any answer takes.
const maxOAuthAnswer = 64 << 10

// post sends a form in the application's name and decodes the answer into out, which
// may be nil. Errors say in our words what the answer means: they take no text of
// the server, which knows the codes and tokens and might repeat them.
func (l *Linker) post(ctx context.Context, op, path string, form url.Values, out any) error {
	form.Set("client_id", l.cfg.ClientID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base.JoinPath(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Op: op, Kind: Invalid, Message: "GITLAB_URL is not a URL", err: err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "pipebot")
	begin := time.Now()
	resp, err := l.http.Do(req)
	if err != nil {
		l.cfg.Observe(op, 0, time.Since(begin))
		return classify(op, nil, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOAuthAnswer))
	l.cfg.Observe(op, resp.StatusCode, time.Since(begin))
	if err == nil && resp.StatusCode == http.StatusOK {
		if out == nil || json.Unmarshal(body, out) == nil {
			return nil
		}
	}
	var answer struct {
		Code string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	cause := meaning(answer.Code)
	// GitLab 17.2 without its feature flag answers nothing, and successfully.
	if cause == nil && (resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusNoContent) {
		cause = ErrNotSupported
	}
	if cause == nil {
		return classify(op, &gl.Response{Response: resp}, err)
	}
	return &Error{Op: op, Kind: Invalid, Status: resp.StatusCode, Message: cause.Error(), err: cause}
}

// seconds is a number of seconds, which may be broken.
type seconds float64

// duration is the number as a time, within what a time can be here.
func (s seconds) duration() time.Duration {
	return time.Duration(min(max(float64(s), 0), maxRetryAfter.Seconds()) * float64(time.Second))
}
