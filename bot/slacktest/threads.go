package slacktest

import "slices"

// thread is what stands under the message that began it. Ephemeral replies do not count.
type thread struct {
	replies int
	users   []*User // each once
	latest  string
}

// ReplyUsers returns who replied, each once, in the order of their first replies.
func (m Message) ReplyUsers() []*User { return slices.Clone(m.thread.users) }

// LatestReply is the ts of the latest reply, "" when there is none.
func (m Message) LatestReply() string { return m.thread.latest }

func (m *message) isReply() bool { return m.threadTS != "" && m.threadTS != m.ts }

// threads finds all threads in one go, by the ts of their first messages.
func (c *Channel) threads() map[string]thread {
	out := map[string]thread{}
	for _, m := range c.messages {
		if !m.isReply() || m.deleted || m.ephemeralFor != "" {
			continue
		}
		t := out[m.threadTS]
		t.replies++
		t.latest = m.ts
		if !slices.Contains(t.users, m.author) {
			t.users = append(t.users, m.author)
		}
		out[m.threadTS] = t
	}
	return out
}
