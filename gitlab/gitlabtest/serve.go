package gitlabtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// object is a JSON object of an answer.
type object = map[string]any

// A reply is an answer that is yet to be written: JSON, HTML or text.
type reply struct {
	status int
	header http.Header
	body   any
	html   string
	text   string
	cut    bool
}

// serve takes one request through the levers and faults to its handler. The world is only locked while the
// handler runs; encoding and waiting happen outside.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.owned.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	index, stamp := s.note(r)
	fault := s.takeFault(r.Method, r.URL.EscapedPath())
	latency := s.levers.latency
	s.mu.Unlock()

	answer := make(chan reply, 1)
	switch {
	case fault == nil:
		answer <- s.handle(r, body)
	case !s.pause(r, fault.Delay):
		cut(w)
		return
	case fault.ApplyAfter > 0:
		s.owned.Go(func() {
			if s.sleep(fault.ApplyAfter) {
				answer <- fault.replace(s.handle(r, body))
			}
		})
	case fault.Applied || (fault.Status == 0 && !fault.Cut):
		answer <- fault.replace(s.handle(r, body))
	default:
		answer <- fault.replace(reply{})
	}

	select {
	case a := <-answer:
		if !s.pause(r, latency) {
			cut(w)
			return
		}
		s.mu.Lock()
		s.settle(index, stamp, a)
		s.mu.Unlock()
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		a.write(w)
	case <-r.Context().Done():
	case <-s.closing:
		cut(w) // returning would answer 200
	}
}

// replace is the answer that the client gets under the fault.
func (f *Fault) replace(a reply) reply {
	switch {
	case f.Cut:
		return reply{cut: true}
	case f.Status != 0:
		return reply{status: f.Status, header: f.Header, text: f.Body}
	default:
		return a
	}
}

// pause waits for the fault or latency; false means that nobody waits for the answer any more.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closing:
	}
	return false
}

// sleep waits until the time has passed; false means that the server is being closed.
func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}

// note records the request.
func (s *Server) note(r *http.Request) (index int, stamp time.Time) {
	stamp = s.now()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Time: stamp, User: s.username(r),
	})
	s.again()
	return len(s.requests) - 1, stamp
}

// settle records the status of the answer, unless the requests were reset in between.
func (s *Server) settle(index int, stamp time.Time, a reply) {
	if index < len(s.requests) && s.requests[index].Time.Equal(stamp) && !a.cut {
		s.requests[index].Status = a.status
	}
	s.again()
}

func (s *Server) username(r *http.Request) string {
	if t := s.tokens[tokenOf(r)]; t != nil {
		return t.user.Username
	}
	return ""
}

// handle does what the request asks for.
func (s *Server) handle(r *http.Request, body []byte) reply {
	c := &call{s: s, r: r, rawBody: body}
	if err := c.parse(); err != nil {
		return reply{status: http.StatusBadRequest, body: object{"error": err.Error()}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.levers.down {
		return maintenance()
	}
	over, limits := s.limited(tokenOf(r))
	if over != nil {
		c.violate("went over the rate limit")
		return *over
	}
	a := s.route(c)
	if limits != nil {
		if a.header == nil {
			a.header = http.Header{}
		}
		maps.Copy(a.header, limits)
	}
	return a
}

func (a reply) write(w http.ResponseWriter) {
	if a.cut {
		cut(w)
		return
	}
	for key, values := range a.header {
		w.Header()[key] = slices.Clone(values)
	}
	contentType, body := a.encode()
	if w.Header().Get("Content-Type") == "" && contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set("Cache-Control", "max-age=0, private, must-revalidate")
	w.Header().Set("X-Gitlab-Meta", `{"version":"1"}`)
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}

func (a reply) encode() (contentType string, body []byte) {
	switch {
	case a.html != "":
		return "text/html; charset=utf-8", []byte(a.html)
	case a.text != "":
		if strings.HasPrefix(a.text, "{") || strings.HasPrefix(a.text, "[") {
			return "application/json", []byte(a.text)
		}
		return "text/plain", []byte(a.text)
	case a.body == nil:
		return "", nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		return "application/json", fmt.Appendf(nil, `{"message":"500 Internal Server Error","error":%q}`, err)
	}
	return "application/json", bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	netConn, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	if c, ok := netConn.(*conn); ok {
		c.reset()
		return
	}
	_ = netConn.Close()
}
