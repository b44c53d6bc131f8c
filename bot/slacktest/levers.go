package slacktest

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// fault is what is wrong with the next call of a method. The zero fault is none.
type fault struct {
	code       string        // answer ok:false with this error, with no effect
	retryAfter time.Duration // answer 429 with this Retry-After, with no effect
	limited    bool
	status     int    // answer this HTTP status
	body       string // with this body
	cut        bool   // answer nothing: cut the connection
	applied    bool   // but do what was asked
	delay      time.Duration
	until      time.Time // not for one call but for all until then
	channel    string    // only for what is posted there
	header     string    // the Retry-After itself, with a plain text body
	held       *held     // do it late
}

// FailNext makes the next calls of a method, times of them, answer this Slack error and do nothing. Here and
// below the method "response_url" means the use of any response url.
func (s *Server) FailNext(method, slackError string, times int) {
	s.addFault(method, fault{code: slackError}, times)
}

// RateLimit makes the next calls of a method, times of them, answer 429 with Retry-After (whole seconds,
// rounded up) and do nothing (https://docs.slack.dev/apis/web-api/rate-limits).
func (s *Server) RateLimit(method string, times int, retryAfter time.Duration) {
	s.addFault(method, fault{limited: true, retryAfter: retryAfter}, times)
}

// RateLimitFor makes all calls of a method answer 429 for that long, with the seconds that are left as Retry-After,
// and do nothing. It takes the place of one that still runs; 0 ends it.
func (s *Server) RateLimitFor(method string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = slices.DeleteFunc(s.faults[method], func(f fault) bool { return !f.until.IsZero() })
	if d > 0 {
		s.faults[method] = append(s.faults[method], fault{limited: true, until: s.cfg.Now().Add(d)})
	}
}

// RateLimitChannelFor makes all posts to one channel answer 429 for that long. Posts to others go on.
func (s *Server) RateLimitChannelFor(c *Channel, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const method = "chat.postMessage"
	s.faults[method] = append(s.faults[method], fault{limited: true, channel: c.ID, until: s.cfg.Now().Add(d)})
}

// RateLimitNext makes the next call of a method answer 429 as proxies do: with a plain text body, and with this
// Retry-After, which may be seconds, a date or nonsense; "" sends none.
func (s *Server) RateLimitNext(method, retryAfter string) {
	s.addFault(method, fault{limited: true, header: retryAfter, body: "Too many requests, try again later\n"}, 1)
}

// HTTPFailNext makes the next call of a method answer this HTTP status and body; status 0 cuts the connection
// without an answer. With applied the call does what it should all the same: the answer is lost, not the call.
func (s *Server) HTTPFailNext(method string, status int, body string, applied bool) {
	s.addFault(method, fault{status: status, body: body, cut: status == 0, applied: applied}, 1)
}

// DelayNext holds back the answer to the next call of a method. The call takes effect at once.
func (s *Server) DelayNext(method string, d time.Duration) {
	s.addFault(method, fault{delay: d}, 1)
}

// held is a call that waits to be done.
type held struct{ came, released chan struct{} }

// HoldNext keeps the next call of a Web API method from being done. came is closed when the call is there. It
// takes effect once release is called, though the client may be gone by then, and is answered after that.
func (s *Server) HoldNext(method string) (came <-chan struct{}, release func()) {
	h := &held{came: make(chan struct{}), released: make(chan struct{})}
	s.addFault(method, fault{held: h}, 1)
	return h.came, sync.OnceFunc(func() { close(h.released) })
}

// hold waits, without the lock, until a call may be done. It reports false where the server closes before.
func (s *Server) hold(h *held) bool {
	close(h.came)
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-h.released:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// Down takes Slack away, until it is called with false: connections are dropped, no new ones are handed out, and
// calls have no effect; every other one is answered with 503, the others are cut.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	s.down = down
	s.mu.Unlock()
	if down {
		s.DropConnections()
	}
}

func (s *Server) addFault(method string, f fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range times {
		s.faults[method] = append(s.faults[method], f)
	}
}

// takeFault is what is wrong with a call: what a lever says, or that it is one too many.
func (s *Server) takeFault(c *call) fault {
	if s.down {
		s.cutNext = !s.cutNext
		return fault{status: http.StatusServiceUnavailable, body: "<html>Server Error</html>", cut: s.cutNext}
	}
	now := s.cfg.Now()
	waiting := slices.DeleteFunc(s.faults[c.name], func(f fault) bool { return !f.until.IsZero() && !now.Before(f.until) })
	s.faults[c.name] = waiting
	i := slices.IndexFunc(waiting, func(f fault) bool { return f.channel == "" || f.channel == c.text("channel") })
	if i < 0 {
		if wait := s.overLimit(c); wait > 0 {
			return fault{limited: true, retryAfter: wait}
		}
		return fault{}
	}
	next := waiting[i]
	if next.until.IsZero() {
		s.faults[c.name] = slices.Delete(waiting, i, i+1)
	} else {
		next.retryAfter = next.until.Sub(now)
	}
	return next
}

// prevents tells if the call has no effect.
func (f fault) prevents() bool {
	return f.code != "" || f.limited || (f.status != 0 || f.cut) && !f.applied
}

func (f fault) answer() obj {
	if f.limited {
		return obj{"ok": false, "error": "ratelimited"}
	}
	return obj{"ok": false, "error": f.code}
}

// write sends the answer, or what the fault makes of it.
func (f fault) write(w http.ResponseWriter, r *http.Request, answer []byte) {
	if f.delay > 0 {
		timer := time.NewTimer(f.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done(): // the client or the server went away
			return
		}
	}
	switch {
	case f.cut:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	case f.status != 0:
		w.WriteHeader(f.status)
		_, _ = w.Write([]byte(f.body))
	case f.limited && f.body != "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if f.header != "" {
			w.Header().Set("Retry-After", f.header)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(f.body))
	case f.limited:
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
		writeJSON(w, http.StatusTooManyRequests, answer)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}
