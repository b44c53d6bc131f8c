package slacktest

import (
	"slices"
	"strings"
	"time"
)

// Notification is what makes a person's device ring.
type Notification struct {
	User    *User
	Channel *Channel
	TS      string
	Text    string // the message's top-level text as a person reads it
	Why     string // mention, dm, here
}

// Notifications returns what a person was notified of, in order: direct messages and mentions in new messages.
// Edits, ephemeral messages and mentions of people outside the channel notify nobody.
func (s *Server) Notifications(u *User) []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Notification
	for _, n := range s.notifications {
		if n.User == u {
			out = append(out, n)
		}
	}
	return out
}

func (s *Server) notifyPeople(m *message) {
	if m.ephemeralFor != "" {
		return
	}
	all := m.text + string(raw(m.blocks)) + string(raw(m.attachments))
	here := strings.Contains(all, "<!channel") || strings.Contains(all, "<!here") || strings.Contains(all, "<!everyone") ||
		strings.Contains(all, `"type":"broadcast"`)
	for _, id := range m.channel.members {
		u := s.users[id]
		if u == m.author || u.Kind == Bot {
			continue
		}
		why := ""
		switch {
		case m.channel.Kind == DM || m.channel.Kind == GroupDM:
			why = "dm"
		case strings.Contains(all, "<@"+id+">"), strings.Contains(all, "<@"+id+"|"), strings.Contains(all, `"user_id":"`+id+`"`):
			why = "mention"
		case s.groupMentions(all, id):
			why = "mention"
		case here:
			why = "here"
		default:
			continue
		}
		text := mrkdwn(m.text, s.names, s.cfg.Now().In(time.UTC))
		s.notifications = append(s.notifications, Notification{User: u, Channel: m.channel, TS: m.ts, Text: text, Why: why})
	}
}

func (s *Server) groupMentions(text, user string) bool {
	for id, members := range s.groups {
		if strings.Contains(text, "<!subteam^"+id) && slices.Contains(members, user) {
			return true
		}
	}
	return false
}
