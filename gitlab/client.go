package gitlab

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// Config says which instance to talk to, and as whom.
type Config struct {
	// URL of the instance, such as https://gitlab.com. Installations under a
	// relative URL (https://example.com/gitlab) work too.
	URL string
	// Token is an access token with the scope api.
	Token string
	// Transport makes the requests; nil means one like http.DefaultTransport.
	Transport http.RoundTripper
	// Observe, when set, is told of every request made: its method, the route's
	// name, the HTTP status (0: no answer) and how long it took.
	Observe func(op string, status int, took time.Duration)
}

// Client talks to one GitLab instance. It is safe for concurrent use.
type Client struct {
	gl      *gl.Client
	observe func(op string, status int, took time.Duration)
	ahead   atomic.Int64 // how far our clock is ahead of GitLab's, or behind (< 0), as its last answer said
}

// New returns a client for the instance that cfg names. It makes no request.
func New(cfg Config) (*Client, error) {
	return connect(cfg, gl.AccessTokenAuthSource{Token: cfg.Token})
}

// connect is New with any way to sign requests.
func connect(cfg Config, auth gl.AuthSource) (*Client, error) {
	client, err := gl.NewAuthSourceClient(
		auth,
		gl.WithHTTPClient(newHTTPClient(cfg.Transport)),
		// client-go repeats a POST on 5xx by default, which starts pipelines twice.
		gl.WithoutRetries(),
		// client-go's own limiter races on concurrent first calls and would wait
		// without telling anyone; a 429 is handed to the caller instead.
		gl.WithCustomLimiter(unlimited{}),
		gl.WithUserAgent("pipebot"),
		// It would print to stderr; a bad URL is an error of New all the same.
		gl.WithURLWarningLogger(slog.New(slog.DiscardHandler)),
		gl.WithBaseURL(cfg.URL),
	)
	if err != nil {
		return nil, &Error{Op: "setting up the GitLab client", Kind: Invalid, Message: "GITLAB_URL is not a URL", err: err}
	}
	observe := cfg.Observe
	if observe == nil {
		observe = func(string, int, time.Duration) {}
	}
	return &Client{gl: client, observe: observe}, nil
}

// newHTTPClient makes requests with transport, or with one of its own.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = newTransport()
	}
	return &http.Client{Transport: bounded{punctual{transport}}, CheckRedirect: refuseRedirect}
}

// newTransport is http.DefaultTransport (with its proxies from the environment)
// with enough idle connections for the ref search and the polls of many
// projects, which all go to one host.
func newTransport() *http.Transport {
	t := &http.Transport{}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.MaxIdleConnsPerHost = 16
	return t
}

// refuseRedirect keeps requests where they were sent: a redirected POST would
// become a GET that answers 200 and starts nothing, and the PRIVATE-TOKEN header
// would follow a redirect to another host.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// call makes one request of client-go and classifies its failure. op names the
// request for people and metrics ("listing branches").
func (c *Client) call(op string, do func() (*gl.Response, error)) (*gl.Response, error) {
	begin := time.Now()
	resp, err := do()
	status := 0
	if resp != nil && resp.Response != nil {
		status = resp.StatusCode
	}
	c.observe(op, status, time.Since(begin))
	if status != 0 {
		c.compareClocks(resp.Header, time.Now())
	}
	if err != nil {
		return resp, classify(op, resp, err)
	}
	return resp, nil
}

// compareClocks notes how far our clock is ahead of GitLab's, or behind.
func (c *Client) compareClocks(header http.Header, now time.Time) {
	if theirs, err := http.ParseTime(header.Get("Date")); err == nil {
		c.ahead.Store(int64(now.Sub(theirs)))
	}
}

// earliest is a time of ours as GitLab's clock told it, or a while before. What is known of
// the clocks is of now, and they may have been set since: it only ever widens a search.
func (c *Client) earliest(at time.Time) time.Time {
	return at.Add(-clockSkew - max(0, time.Duration(c.ahead.Load())))
}

// latest is a time of ours as GitLab's clock told it, or a while after.
func (c *Client) latest(at time.Time) time.Time {
	return at.Add(laterSkew + max(0, -time.Duration(c.ahead.Load())))
}

// request is call for the routes where client-go's own types are too narrow: it
// decodes the answer into out, which may be nil.
func (c *Client) request(ctx context.Context, op, method, path string, body, out any) (*gl.Response, error) {
	return c.call(op, func() (*gl.Response, error) {
		req, err := c.gl.NewRequest(method, path, body, []gl.RequestOptionFunc{gl.WithContext(ctx)})
		if err != nil {
			return nil, err
		}
		return c.gl.Do(req, out)
	})
}
