package slacktest

import (
	"net/http"
	"strings"
)

func (s *Server) authTest(*call) (obj, error) {
	return obj{
		"url": "https://" + s.cfg.TeamDomain + ".slack.com/", "team": s.cfg.TeamDomain, "team_id": s.cfg.TeamID,
		"user": s.bot.Name, "user_id": s.bot.ID, "bot_id": s.botID(), "is_enterprise_install": false,
	}, nil
}

func (s *Server) usersInfo(c *call) (obj, error) {
	u, known := s.users[c.text("user")]
	if !known {
		return nil, refuse("user_not_found")
	}
	return obj{"user": u.full(s.granted("users:read.email"))}, nil
}

// usersLookupByEmail does not find people of other teams, nor the bot.
func (s *Server) usersLookupByEmail(c *call) (obj, error) {
	email, err := c.need("email")
	if err != nil {
		return nil, err
	}
	for _, u := range s.userOrder {
		if strings.EqualFold(u.Email, email) && u.Kind != External && u.Kind != Bot {
			return obj{"user": u.full(true)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (s *Server) usergroupsUsersList(c *call) (obj, error) {
	members, known := s.groups[c.text("usergroup")]
	if !known {
		return nil, refuse("no_such_subteam")
	}
	users := make([]any, 0, len(members))
	for _, id := range members {
		users = append(users, id)
	}
	return obj{"users": users}, nil
}

// appsConnectionsOpen hands out a url that opens one connection (https://docs.slack.dev/reference/methods/apps.connections.open).
func (s *Server) appsConnectionsOpen(*call) (obj, error) {
	ticket := secret()
	s.socket.tickets[ticket] = true
	return obj{"url": "ws" + strings.TrimPrefix(s.base, "http") + "/link/?ticket=" + ticket + "&app_id=" + s.cfg.AppID}, nil
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away does not matter
}
