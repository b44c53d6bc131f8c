package gitlab

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// punctual is a transport that sends no POST after its deadline by the wall clock. The
// timers of a context stand still while the machine is suspended, and others believe the
// deadline that was written down: they look for what the POST did once it is over.
//
// The body is checked when it is first read, on the connection, which is the last moment
// before it is sent; without it GitLab starts nothing. What is left is a suspend while the
// few packets are on their way.
type punctual struct{ http.RoundTripper }

var errLate = errors.New("the time for the request was over before it was sent")

// RoundTrip makes the request, if there is time.
func (p punctual) RoundTrip(r *http.Request) (*http.Response, error) {
	deadline, ok := r.Context().Deadline()
	if r.Method != http.MethodPost || r.Body == nil || !ok {
		return p.RoundTripper.RoundTrip(r)
	}
	by := deadline.Round(0)              // without the clock that stands still
	timely := r.WithContext(r.Context()) // a transport must not change the request itself
	timely.Body = &timelyBody{ReadCloser: r.Body, by: by}
	if r.GetBody != nil {
		timely.GetBody = func() (io.ReadCloser, error) {
			body, err := r.GetBody()
			return &timelyBody{ReadCloser: body, by: by}, err
		}
	}
	return p.RoundTripper.RoundTrip(timely)
}

// timelyBody is a body that cannot be read once its time is over, unless it is begun.
type timelyBody struct {
	io.ReadCloser
	by    time.Time
	begun bool
}

func (b *timelyBody) Read(p []byte) (int, error) {
	if !b.begun && time.Now().Round(0).After(b.by) {
		return 0, errLate
	}
	b.begun = true
	return b.ReadCloser.Read(p)
}
