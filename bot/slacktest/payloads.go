package slacktest

import "maps"

// What an app is told, in the shapes of https://docs.slack.dev/reference/interaction-payloads.

// verification is the legacy token in payloads. In Socket Mode it proves nothing.
const verification = "simulated-verification-token"

// team is the team of who acts, which may be another than the app's own.
func (s *Server) team(u *User) obj {
	domain := s.cfg.TeamDomain
	if u.TeamID != s.cfg.TeamID {
		domain = "elsewhere"
	}
	return obj{"id": u.TeamID, "domain": domain}
}

func (s *Server) slashPayload(u *User, c *Channel, command, text string) obj {
	return obj{
		"token": verification, "api_app_id": s.cfg.AppID, "is_enterprise_install": "false",
		"team_id": u.TeamID, "team_domain": s.cfg.TeamDomain, "channel_id": c.ID, "channel_name": c.payloadName(),
		"user_id": u.ID, "user_name": u.Name, "command": command, "text": text,
		"response_url": s.newResponseURL(u, c, nil), "trigger_id": s.newTrigger(u),
	}
}

// interaction is what all interactive payloads share.
func (s *Server) interaction(kind string, u *User) obj {
	return obj{
		"type": kind, "token": verification, "api_app_id": s.cfg.AppID, "team": s.team(u), "user": u.brief(),
		"enterprise": nil, "is_enterprise_install": false,
	}
}

// actionIn is block_actions: u used an element, which is in a message or in a view.
func (s *Server) actionIn(p place, u *User, f found, value any) obj {
	action := obj{"type": f.kind(), "action_id": f.actionID(), "block_id": f.blockID(), "action_ts": s.ts()}
	for _, name := range []string{"text", "value", "style", "placeholder"} {
		if v, there := f.element[name]; there {
			action[name] = clone(v)
		}
	}
	maps.Copy(action, f.action(value))
	payload := s.interaction("block_actions", u)
	payload["actions"] = []any{action}
	payload["trigger_id"] = s.newTrigger(u)
	p.describe(s, u, payload, true)
	return payload
}

// place is where an element is: a message or a view.
type place struct {
	message *message
	view    *view
}

func (p place) describe(s *Server, u *User, payload obj, withState bool) {
	if v := p.view; v != nil {
		payload["container"] = obj{"type": "view", "view_id": v.id}
		payload["view"] = s.viewObject(v, withState)
		return
	}
	m := p.message
	container := obj{
		"type": "message", "message_ts": m.ts, "channel_id": m.channel.ID,
		"is_ephemeral": m.ephemeralFor != "",
	}
	if m.threadTS != "" {
		container["thread_ts"] = m.threadTS
	}
	payload["container"] = container
	payload["channel"] = obj{"id": m.channel.ID, "name": m.channel.payloadName()}
	if m.ephemeralFor == "" { // Slack keeps no copy of an ephemeral message
		payload["message"] = m.object(true)
	}
	payload["state"] = m.state.values()
	if withState {
		payload["response_url"] = s.newResponseURL(u, m.channel, m)
	}
}

func (p place) state() state {
	if p.view != nil {
		return p.view.state
	}
	return p.message.state
}

func (p place) blocks() []obj {
	if p.view != nil {
		return p.view.blocks()
	}
	return objects(p.message.allBlocks())
}

func (p place) loaded() loaded {
	if p.view != nil {
		return p.view.loaded
	}
	return p.message.loaded
}

// suggestionIn is block_suggestion: u typed query into a menu.
func (s *Server) suggestionIn(p place, u *User, f found, query string) obj {
	payload := s.interaction("block_suggestion", u)
	payload["action_id"], payload["block_id"], payload["value"] = f.actionID(), f.blockID(), query
	p.describe(s, u, payload, false)
	return payload
}

func (s *Server) submissionPayload(v *view) obj {
	payload := s.interaction("view_submission", v.user)
	payload["trigger_id"] = s.newTrigger(v.user)
	payload["view"] = s.viewObject(v, true)
	payload["response_urls"] = s.responseURLsOf(v)
	return payload
}

// responseURLsOf gives one for each chosen conversation of a menu with response_url_enabled.
func (s *Server) responseURLsOf(v *view) []any {
	out := []any{}
	for _, block := range v.blocks() {
		for _, e := range elements(block) {
			chosen, _ := v.state.get(str(block["block_id"]), e).(string)
			if c := s.channels[chosen]; c != nil && truth(e["response_url_enabled"]) {
				out = append(out, obj{
					"block_id": block["block_id"], "action_id": e["action_id"],
					"channel_id": c.ID, "response_url": s.newResponseURL(v.user, c, nil),
				})
			}
		}
	}
	return out
}

func (s *Server) closedPayload(v *view, cleared bool) obj {
	payload := s.interaction("view_closed", v.user)
	payload["view"], payload["is_cleared"] = s.viewObject(v, true), cleared
	return payload
}

// event tells the app of something it subscribed to (https://docs.slack.dev/apis/events-api).
func (s *Server) event(event obj) *envelope {
	e := s.newEnvelope("events_api", obj{
		"type": "event_callback", "token": verification, "team_id": s.cfg.TeamID, "api_app_id": s.cfg.AppID,
		"event_id": s.id("Ev"), "event_time": s.cfg.Now().Unix(), "is_ext_shared_channel": false, "event": event,
		"authorizations": []any{obj{
			"enterprise_id": nil, "team_id": s.cfg.TeamID, "user_id": s.bot.ID, "is_bot": true, "is_enterprise_install": false,
		}},
	}, false)
	s.dispatch(e)
	return e
}
