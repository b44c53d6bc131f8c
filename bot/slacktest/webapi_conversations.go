package slacktest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// conversationsOpen opens direct messages (https://docs.slack.dev/reference/methods/conversations.open).
func (s *Server) conversationsOpen(c *call) (obj, error) {
	if c.text("channel") != "" {
		ch, err := s.reachable(c)
		if err != nil {
			return nil, err
		}
		return obj{"channel": obj{"id": ch.ID}}, nil
	}
	var people []*User
	for id := range strings.SplitSeq(c.text("users"), ",") {
		u, known := s.users[strings.TrimSpace(id)]
		if !known || u.Kind == Bot {
			return nil, refuse("user_not_found")
		}
		people = append(people, u)
	}
	if len(people) == 1 {
		if err := s.needScope("im:write"); err != nil {
			return nil, err
		}
		return obj{"channel": obj{"id": s.direct(people[0], s.bot).ID}}, nil
	}
	if err := s.needScope("mpim:write"); err != nil {
		return nil, err
	}
	return obj{"channel": obj{"id": s.groupDM(append(people, s.bot)).ID}}, nil
}

// scopeKind is the prefix of the scopes for a kind of conversation: channels:read, groups:read and so on.
func scopeKind(k ChannelKind) string {
	switch k {
	case Public:
		return "channels"
	case Private:
		return "groups"
	default:
		return string(k)
	}
}

// readable is the channel of a call that needs channels:read or :history, or their like for its kind.
func (s *Server) readable(c *call, what string) (*Channel, error) {
	all := []string{"channels:" + what, "groups:" + what, "im:" + what, "mpim:" + what}
	if err := s.needScope(all...); err != nil {
		return nil, err
	}
	ch, err := s.reachable(c)
	if err != nil {
		return nil, err
	}
	if err := s.needScope(scopeKind(ch.Kind) + ":" + what); err != nil {
		return nil, err
	}
	return ch, nil
}

func (s *Server) conversationsInfo(c *call) (obj, error) {
	ch, err := s.readable(c, "read")
	if err != nil {
		return nil, err
	}
	return obj{"channel": ch.object()}, nil
}

func (s *Server) conversationsMembers(c *call) (obj, error) {
	ch, err := s.readable(c, "read")
	if err != nil {
		return nil, err
	}
	members := make([]any, 0, len(ch.members))
	for _, id := range ch.members {
		members = append(members, id)
	}
	return page(c, "members", members)
}

// conversationsHistory gives the newest first (https://docs.slack.dev/reference/methods/conversations.history).
func (s *Server) conversationsHistory(c *call) (obj, error) {
	ch, err := s.readable(c, "history")
	if err != nil {
		return nil, err
	}
	if !ch.has(s.bot.ID) {
		return nil, refuse("not_in_channel")
	}
	found := s.between(c, ch, func(m *message) bool { return !m.isReply() || m.broadcast })
	slices.Reverse(found)
	return page(c, "messages", s.listed(c, ch, found))
}

// conversationsReplies gives the thread from its beginning, its first message always being there
// (https://docs.slack.dev/reference/methods/conversations.replies).
func (s *Server) conversationsReplies(c *call) (obj, error) {
	ch, err := s.readable(c, "history")
	if err != nil {
		return nil, err
	}
	ts, err := c.need("ts")
	if err != nil {
		return nil, err
	}
	parent := ch.find(ts)
	switch {
	case !ch.has(s.bot.ID):
		return nil, refuse("not_in_channel")
	case parent == nil || parent.ephemeralFor != "":
		return nil, refuse("thread_not_found")
	}
	found := s.between(c, ch, func(m *message) bool { return m.threadTS == ts && m.ts != ts })
	return page(c, "messages", s.listed(c, ch, append([]*message{parent}, found...)))
}

// between are the messages that everybody sees, from oldest to latest as the call limits them.
func (s *Server) between(c *call, ch *Channel, want func(*message) bool) []*message {
	oldest, latest, inclusive := c.text("oldest"), c.text("latest"), c.truth("inclusive")
	var out []*message
	for _, m := range ch.messages {
		if m.deleted || m.ephemeralFor != "" || !want(m) {
			continue
		}
		early := oldest != "" && compareTS(m.ts, oldest) < 0
		late := latest != "" && compareTS(m.ts, latest) > 0
		edge := oldest != "" && compareTS(m.ts, oldest) == 0 || latest != "" && compareTS(m.ts, latest) == 0
		if !early && !late && (!edge || inclusive) {
			out = append(out, m)
		}
	}
	return out
}

// compareTS compares two timestamps, which may be written with fewer digits ("1700000000").
func compareTS(a, b string) int {
	parts := func(ts string) (string, string) {
		sec, frac, _ := strings.Cut(ts, ".")
		return strings.Repeat("0", max(0, 12-len(sec))) + sec, (frac + "000000")[:6]
	}
	aSec, aFrac := parts(a)
	bSec, bFrac := parts(b)
	return cmp.Or(strings.Compare(aSec, bSec), strings.Compare(aFrac, bFrac))
}

func (s *Server) listed(c *call, ch *Channel, messages []*message) []any {
	withMetadata, threads := c.truth("include_all_metadata"), ch.threads()
	out := make([]any, 0, len(messages))
	for _, m := range messages {
		o := m.object(withMetadata)
		if n := threads[m.ts].replies; n > 0 {
			o["reply_count"] = n
			o["thread_ts"] = m.ts
		}
		out = append(out, o)
	}
	return out
}

// page cuts what limit and cursor ask for (https://docs.slack.dev/apis/web-api/pagination). Cursors are opaque
// to the app; here they hold the index to go on from.
func page(c *call, name string, all []any) (obj, error) {
	limit, err := c.count("limit", 100)
	if err != nil {
		return nil, err
	}
	from := 0
	if cursor := c.text("cursor"); cursor != "" {
		n, ok := strings.CutPrefix(cursor, "next:")
		from, err = (&call{args: obj{"cursor": n}}).count("cursor", 0)
		if !ok || err != nil || from > len(all) {
			return nil, refuse("invalid_cursor")
		}
	}
	to := min(from+min(limit, 999), len(all))
	out := obj{name: all[from:to], "response_metadata": obj{"next_cursor": ""}}
	if name == "messages" {
		out["has_more"] = to < len(all)
	}
	if to < len(all) {
		out["response_metadata"] = obj{"next_cursor": "next:" + strconv.Itoa(to)}
	}
	return out, nil
}
