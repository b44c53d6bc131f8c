package gitlabtest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// levers are the properties of the instance as a whole that tests turn.
type levers struct {
	version       string
	graphQL       bool
	emptyPages    bool
	payloadExempt bool
	down          bool
	latency       time.Duration
	limit         RateLimit
}

// SetVersion makes the instance an older one, such as "17.11.0". Before 19 there is no pipelines(ids:) in GraphQL,
// before 18 no inputs, before 17.3 no device grant, before 17 no canceling, before 16.6 no new names for pipelines.
func (s *Server) SetVersion(version string) { s.turn(func(l *levers) { l.version = version }) }

// SetGraphQL turns the GraphQL API off (404) and on.
func (s *Server) SetGraphQL(on bool) { s.turn(func(l *levers) { l.graphQL = on }) }

// SetEmptyPages brings back a fault of some versions: offset pages of branches after the first are [].
func (s *Server) SetEmptyPages(on bool) { s.turn(func(l *levers) { l.emptyPages = on }) }

// SetPayloadExempt makes the instance one with the fix that lets a trigger without variables through where
// pipeline variables are restricted, although the trigger API adds TRIGGER_PAYLOAD by itself.
func (s *Server) SetPayloadExempt(on bool) { s.turn(func(l *levers) { l.payloadExempt = on }) }

// Down answers everything with 503 and GitLab's HTML page, until it is called with false.
func (s *Server) Down(down bool) { s.turn(func(l *levers) { l.down = down }) }

// Latency lets every answer wait that long.
func (s *Server) Latency(d time.Duration) { s.turn(func(l *levers) { l.latency = d }) }

// Refuse resets every connection, those that are open too, until it is called with false.
func (s *Server) Refuse(refuse bool) { s.listener.setRefuse(refuse) }

// A RateLimit is how many requests an access token may send in a time, https://docs.gitlab.com/security/rate_limits/.
type RateLimit struct {
	Requests  int // 0 is no limit
	Per       time.Duration
	PlainText bool // the body is "Retry later" as from Rack::Attack, not JSON
}

// SetRateLimit turns the limit on or, with the zero value, off. It counts from now.
func (s *Server) SetRateLimit(limit RateLimit) {
	s.turn(func(l *levers) { l.limit = limit })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window = window{}
}

func (s *Server) turn(change func(*levers)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.levers)
	s.changed()
}

// window counts the requests of the running rate-limit period by access token.
type window struct {
	since time.Time
	used  map[string]int
}

// limited counts the request and returns the answer when it is one too many, and the headers for all others.
func (s *Server) limited(token string) (over *reply, header http.Header) {
	limit := s.levers.limit
	if limit.Requests <= 0 {
		return nil, nil
	}
	now := s.now()
	if s.window.used == nil || now.Sub(s.window.since) >= limit.Per {
		s.window = window{since: now, used: map[string]int{}}
	}
	s.window.used[token]++
	used := s.window.used[token]
	reset := s.window.since.Add(limit.Per)
	header = http.Header{}
	header.Set("RateLimit-Limit", strconv.Itoa(limit.Requests))
	header.Set("RateLimit-Observed", strconv.Itoa(used))
	header.Set("RateLimit-Remaining", strconv.Itoa(max(0, limit.Requests-used)))
	header.Set("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	header.Set("RateLimit-ResetTime", reset.UTC().Format(http.TimeFormat))
	header.Set("RateLimit-Name", "throttle_authenticated_api")
	if used <= limit.Requests {
		return nil, header
	}
	header.Set("Retry-After", strconv.Itoa(int(max(time.Second, reset.Sub(now).Round(time.Second))/time.Second)))
	if limit.PlainText {
		return &reply{status: http.StatusTooManyRequests, header: header, text: "Retry later\n"}, header
	}
	body := object{"message": object{"error": "This endpoint has been requested too many times. Try again later."}}
	return &reply{status: http.StatusTooManyRequests, header: header, body: body}, header
}

// maintenance is the page that GitLab's front end shows while the application is down.
func maintenance() reply {
	return reply{status: http.StatusServiceUnavailable, html: fmt.Sprintf(page, "503", "We'll be back soon",
		"GitLab is not responding. Please try again in a few minutes.")}
}

const page = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>GitLab (%[1]s)</title></head>
<body><h1>%[1]s</h1><h3>%[2]s</h3><p>%[3]s</p></body>
</html>
`
