package slacktest

import (
	"strings"
	"time"
)

// triggerLife is how long a trigger_id is good for, once
// (https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses).
const triggerLife = 3 * time.Second

// trigger is a person's action that allows one modal.
type trigger struct {
	user *User
	at   time.Time
	used bool
	// twice: its envelope was delivered twice, so the app cannot but try it twice.
	twice bool
}

func (s *Server) newTrigger(u *User) string {
	id := strings.Join([]string{s.id("1"), s.id("2"), secret()}, ".")
	s.triggers[id] = &trigger{user: u, at: s.cfg.Now()}
	return id
}

// exchange finds the trigger of a call and whether it is still good; the caller marks it used.
func (s *Server) exchange(c *call) (*trigger, error) {
	id, err := c.need("trigger_id")
	if err != nil {
		return nil, err
	}
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, &apiError{code: "exchanged_trigger_id", ours: t.twice}
	case s.cfg.Now().Sub(t.at) > triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	return t, nil
}
