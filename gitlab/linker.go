package gitlab

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// What can come out of linking besides a user and the failures of any request. Each
// is found in an *Error by errors.Is.
var (
	// ErrDenied: the person refused on GitLab.
	ErrDenied = errors.New("it was refused on GitLab")
	// ErrExpired: nobody entered the code in time, or it was used up. Begin anew.
	ErrExpired = errors.New("the code is not valid any more")
	// ErrNotSupported: the instance has no device grant; it takes GitLab 17.3, or 17.2
	// with the feature flag oauth2_device_grant_flow.
	ErrNotSupported = errors.New("this GitLab has no device grant, which takes version 17.3 or later")
	// ErrApplication: there is no application of this id that may do this: a wrong id,
	// one that is marked confidential, or one without the scope read_user.
	ErrApplication = errors.New("there is no application with this id that is not confidential and has the scope read_user")
)

// LinkerConfig says which instance proves who somebody is, and for whom.
type LinkerConfig struct {
	// URL of the instance, as in Config.
	URL string
	// ClientID is the application id of an application that is registered on the
	// instance, not confidential and with the scope read_user.
	// https://docs.gitlab.com/integration/oauth_provider/
	ClientID string
	// Transport and Observe are those of Config.
	Transport http.RoundTripper
	Observe   func(op string, status int, took time.Duration)
}

// Linker finds out which GitLab user a person is: GitLab shows them a page, on which
// they sign in and confirm a code, and then gives us an access token of theirs. It is
// used to ask GitLab once whose it is, revoked, and kept nowhere.
// https://docs.gitlab.com/api/oauth2/#device-authorization-grant-flow
//
// It proves that whoever confirmed the code is that user, not that the same person
// asked for it: show the code to nobody but who is to be linked, and tell them
// afterwards whom they were linked with.
type Linker struct {
	cfg  LinkerConfig
	base *url.URL
	http *http.Client
}

// NewLinker returns a Linker for the instance that cfg names. It makes no request.
func NewLinker(cfg LinkerConfig) (*Linker, error) {
	const op = "setting up the linking of accounts"
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" {
		return nil, &Error{Op: op, Kind: Invalid, Message: "GITLAB_URL is not a URL", err: err}
	}
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), "/api/v4") // as the client takes it, too
	if cfg.ClientID == "" {
		return nil, &Error{Op: op, Kind: Invalid, Message: "the application id is empty"}
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, int, time.Duration) {}
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport() // one for all that is made of cfg
	}
	return &Linker{cfg: cfg, base: base, http: newHTTPClient(cfg.Transport)}, nil
}

// Grant is one attempt to find out who somebody is. Printed or encoded it shows what
// the person gets to see, and not what the answer can be fetched with.
type Grant struct {
	// UserCode is what the person confirms on the page.
	UserCode string
	// VerificationURI is the page, VerificationURIComplete the page with the code
	// filled in; the second may be empty.
	VerificationURI         string
	VerificationURIComplete string
	// Expires is when the code stops working, about five minutes after Begin.
	Expires time.Time

	device *device // a pointer, behind which printing does not look
}

// device is the bot's half of a Grant.
type device struct {
	code     string
	interval time.Duration // between two questions whether the person has confirmed
}

// Begin asks for a code. The errors besides those of any request are ErrNotSupported
// and ErrApplication.
func (l *Linker) Begin(ctx context.Context) (Grant, error) {
	const op = "asking for a code to link an account"
	begin := time.Now()
	var answer struct {
		DeviceCode string   `json:"device_code"`
		UserCode   string   `json:"user_code"`
		URI        string   `json:"verification_uri"`
		Complete   string   `json:"verification_uri_complete"`
		ExpiresIn  seconds  `json:"expires_in"`
		Interval   *seconds `json:"interval"`
	}
	err := l.post(ctx, op, "oauth/authorize_device", url.Values{"scope": {"read_user"}}, &answer)
	if err != nil {
		return Grant{}, err
	}
	complete := answer.DeviceCode != "" && answer.UserCode != "" && answer.ExpiresIn > 0 &&
		isWebAddress(answer.URI) && (answer.Complete == "" || isWebAddress(answer.Complete))
	if !complete {
		return Grant{}, &Error{Op: op, Kind: Unclear, Status: http.StatusOK, Message: "its answer is no device authorization"}
	}
	interval := defaultInterval
	if answer.Interval != nil {
		interval = max(shortestInterval, answer.Interval.duration())
	}
	return Grant{
		UserCode: answer.UserCode, VerificationURI: answer.URI, VerificationURIComplete: answer.Complete,
		Expires: begin.Add(answer.ExpiresIn.duration()),
		device:  &device{code: answer.DeviceCode, interval: interval},
	}, nil
}

// isWebAddress reports whether people can be sent to the address: it becomes a link.
func isWebAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// Finish waits until the person has confirmed the code, and returns who they are. It
// gives up when the code expires or ctx ends; a GitLab that cannot be reached for a
// while is asked again. The errors besides those of any request are ErrDenied,
// ErrExpired, ErrNotSupported and ErrApplication.
func (l *Linker) Finish(ctx context.Context, grant Grant) (User, error) {
	token, err := l.wait(ctx, grant)
	if err != nil {
		return User{}, err
	}
	defer l.revoke(ctx, token)
	client, err := connect(Config{URL: l.cfg.URL, Transport: l.cfg.Transport, Observe: l.cfg.Observe}, bearer(token))
	if err != nil {
		return User{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, identifyWithin)
	defer cancel()
	user, err := client.me(ctx)
	return user, withoutWords(err)
}

// withoutWords takes out what GitLab said of a request that held a token.
func withoutWords(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status == 0 || e.err == nil {
		return err // nothing of it is GitLab's
	}
	return &Error{Op: e.Op, Kind: e.Kind, Status: e.Status, RetryAfter: e.RetryAfter}
}

const (
	// identifyWithin is how long it may take GitLab to say whose the token is, and
	// revokeWithin to take the token back; that is waited for even when ctx has ended.
	identifyWithin = 10 * time.Second
	revokeWithin   = 5 * time.Second
)

// revoke gives the token back. Where that fails it stays good for two hours, for
// reading its user's profile, but nobody has it.
// https://docs.gitlab.com/api/oauth2/#revoke-a-token
func (l *Linker) revoke(ctx context.Context, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeWithin)
	defer cancel()
	_ = l.post(ctx, "giving a token back", "oauth/revoke", url.Values{"token": {token}}, nil)
}

// bearer signs requests with an OAuth token.
// https://docs.gitlab.com/api/oauth2/#access-gitlab-api-with-access-token
type bearer string

// Init does nothing: the token is there.
func (bearer) Init(context.Context, *gl.Client) error { return nil }

// Header is the token's.
func (b bearer) Header(context.Context) (key, value string, err error) {
	return "Authorization", "Bearer " + string(b), nil
}
