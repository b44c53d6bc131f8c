package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Kinds of Violation.
const (
	LateAck        = "late_ack"         // an envelope was not acknowledged in time
	OversizedAck   = "oversized_ack"    // an acknowledgement over 20,480 bytes, which Slack drops
	UnknownAck     = "unknown_ack"      // an acknowledgement of no envelope
	BadFrame       = "bad_frame"        // a frame that is no acknowledgement
	UnwantedAnswer = "unwanted_payload" // a payload on an envelope that takes none
	BadAnswer      = "bad_payload"      // a payload that Slack does not accept
	BadCall        = "bad_call"         // a Web API call with wrong arguments, token or trigger
	BadResponse    = "bad_response_url" // a wrong or used-up use of a response url
)

// Violation is something the app did that Slack would refuse, drop or count against it.
type Violation struct {
	Kind   string
	Detail string
	At     time.Time
}

// String is the kind and the detail.
func (v Violation) String() string { return v.Kind + ": " + v.Detail }

// Call is one call of a Web API method, or of a response url (its method is "response_url").
type Call struct {
	Method   string
	Args     map[string]any // without the token
	Response map[string]any // what was sent; nil for an answer that is not JSON
	Status   int            // the HTTP status; 0 when the connection was cut
	At       time.Time
}

// Ack is one acknowledgement frame for a known envelope.
type Ack struct {
	EnvelopeID string
	Type       string // of the envelope: slash_commands, interactive, events_api
	Payload    json.RawMessage
	Bytes      int           // the size of the frame
	After      time.Duration // since that delivery
	Late       bool          // nobody waited for it any more
}

// Violations returns what Slack would dislike so far, in order.
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls returns the calls of one method, in order; with "" of all.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Acks returns the acknowledgements so far, in order.
func (s *Server) Acks() []Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acks)
}

func (s *Server) violate(kind, format string, args ...any) {
	v := Violation{Kind: kind, Detail: fmt.Sprintf(format, args...), At: s.cfg.Now()}
	s.violations = append(s.violations, v)
	s.cfg.Log("slacktest: violation: %s", v)
	s.changed()
}
