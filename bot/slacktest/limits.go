package slacktest

import "time"

// Slack's rate limits (https://docs.slack.dev/apis/web-api/rate-limits). "Rate limit windows are per minute", by
// method, workspace and app: here no more calls than the tier in any minute, whenever it begins, which is the strictest
// that the words can mean. Refused calls do not count.
const (
	tier2 = 20
	tier3 = 50
	tier4 = 100
	// postsPerMinute is "several hundred messages per minute" in a workspace.
	postsPerMinute = 300
	// postBurst is the "short burst" in a channel, where there is one message a second otherwise
	// (https://docs.slack.dev/reference/methods/chat.postMessage#rate_limiting).
	postBurst = 5
)

// tierOf is how often a method may be called in a minute: the "Rate limits" of its page's facts. Methods of the special
// tier whose pages give no number are taken for tier 4. 0 is no limit: opening connections is of tier 1, of which it is
// only said that it takes "infrequent" calls and some bursts, and reply URLs are no method.
func tierOf(method string) int {
	switch method {
	case "apps.connections.open", "response_url":
		return 0
	case "usergroups.users.list":
		return tier2
	case "chat.postMessage":
		return postsPerMinute
	case "chat.update", "chat.delete", "chat.unfurl", "conversations.open", "conversations.info", "conversations.history",
		"conversations.replies", "users.lookupByEmail":
		return tier3
	default:
		return tier4
	}
}

// LimitRates holds the app to Slack's rate limits from now on. minute is what Slack's "per minute" is in this
// workspace: less than a minute scales all limits. 0 ends them.
func (s *Server) LimitRates(minute time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rates = rateState{minute: minute, calls: map[string][]time.Time{}, channels: map[string]time.Time{}}
}

// rateState is what was called lately.
type rateState struct {
	minute   time.Duration
	calls    map[string][]time.Time // of each method, in the last minute
	channels map[string]time.Time   // when a channel's burst is all there again
}

// overLimit is for how long the call has to wait, 0 if it may go on and was counted.
func (s *Server) overLimit(c *call) time.Duration {
	minute, most := s.rates.minute, tierOf(c.name)
	if minute == 0 || most == 0 {
		return 0
	}
	now := s.cfg.Now()
	recent := s.rates.calls[c.name]
	for len(recent) > 0 && !recent[0].After(now.Add(-minute)) {
		recent = recent[1:]
	}
	s.rates.calls[c.name] = recent
	if len(recent) >= most {
		return recent[0].Add(minute).Sub(now)
	}
	if channel := c.text("channel"); c.name == "chat.postMessage" {
		second := minute / 60
		full := s.rates.channels[channel]
		if full.Before(now) {
			full = now
		}
		if wait := full.Add(second).Sub(now) - postBurst*second; wait > 0 {
			return wait
		}
		s.rates.channels[channel] = full.Add(second)
	}
	s.rates.calls[c.name] = append(recent, now)
	return 0
}
