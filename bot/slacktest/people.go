package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ask delivers an envelope and waits for the acknowledgement as a person does.
func (s *Server) ask(ctx context.Context, kind string, accepts bool, payload func() (obj, error)) (json.RawMessage, error) {
	s.mu.Lock()
	p, err := payload()
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	e := s.newEnvelope(kind, p, accepts)
	s.dispatch(e)
	s.mu.Unlock()
	return s.await(ctx, e)
}

// Command types a slash command into the channel and returns when the app has acknowledged it. What the
// acknowledgement says is shown, to this person alone unless it says in_channel.
// Slack has no slash commands inside threads, so neither has this.
func (u *User) Command(ctx context.Context, c *Channel, command, text string) error {
	answer, err := u.s.ask(ctx, "slash_commands", true, func() (obj, error) {
		known := u.s.cfg.Commands
		switch {
		case u.Kind == External:
			return nil, fmt.Errorf("%s is of another team and does not have the app's commands: %w", u.Name, ErrNotThere)
		case known != nil && !slices.Contains(known, command):
			return nil, fmt.Errorf("%s is not a valid command: %w", command, ErrNotThere)
		case !c.mayRead(u):
			return nil, fmt.Errorf("%s does not see %q: %w", u.Name, c.Name, ErrNotThere)
		}
		return u.s.slashPayload(u, c, command, text), nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if answer == nil {
		return nil
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	var args obj
	if json.Unmarshal(answer, &args) != nil {
		args = obj{"text": ""}
		var text string
		if json.Unmarshal(answer, &text) == nil {
			args["text"] = text
		}
	}
	said, problems := u.s.answerContent(args)
	if said.text == "" && len(said.blocks) == 0 && len(said.attachments) == 0 {
		problems = append(problems, "no_text")
	}
	if len(problems) > 0 {
		u.s.violate(BadAnswer, "%s: %s", command, strings.Join(problems, "; "))
		return fmt.Errorf("%s: %w", command, ErrBadAnswer)
	}
	u.s.answerWith(u, c, said, args)
	return nil
}

// Shortcut runs a global shortcut and returns when the app has acknowledged it.
func (u *User) Shortcut(ctx context.Context, callbackID string) error {
	_, err := u.s.ask(ctx, "interactive", false, func() (obj, error) {
		payload := u.s.interaction("shortcut", u)
		payload["callback_id"], payload["action_ts"] = callbackID, u.s.ts()
		payload["trigger_id"] = u.s.newTrigger(u)
		return payload, nil
	})
	if err != nil {
		return fmt.Errorf("shortcut %q: %w", callbackID, err)
	}
	return nil
}

// MessageShortcut runs a shortcut from the menu of a message and returns when the app has acknowledged it.
func (u *User) MessageShortcut(ctx context.Context, m Message, callbackID string) error {
	_, err := u.s.ask(ctx, "interactive", false, func() (obj, error) {
		current, err := u.look(m)
		if err != nil {
			return nil, err
		}
		payload := u.s.interaction("message_action", u)
		payload["callback_id"], payload["action_ts"] = callbackID, u.s.ts()
		payload["trigger_id"] = u.s.newTrigger(u)
		payload["message_ts"], payload["message"] = current.ts, current.object(true)
		payload["channel"] = obj{"id": current.channel.ID, "name": current.channel.payloadName()}
		payload["response_url"] = u.s.newResponseURL(u, current.channel, current)
		return payload, nil
	})
	if err != nil {
		return fmt.Errorf("message shortcut %q: %w", callbackID, err)
	}
	return nil
}

// look finds a message as it is now, if the person sees it.
func (u *User) look(m Message) (*message, error) {
	if m.Channel == nil {
		return nil, fmt.Errorf("no message: %w", ErrNotThere)
	}
	current := m.Channel.find(m.TS)
	if current == nil || !current.visibleTo(u) {
		return nil, fmt.Errorf("the message %s: %w", m.TS, ErrNotThere)
	}
	return current, nil
}

// Post writes a message into a channel, or with threadTS into a thread. The app is told of it as far as it
// subscribed: app_mention, link_shared, message.im and so on. Post does not wait for the app.
func (u *User) Post(c *Channel, text, threadTS string) (Message, error) {
	s := u.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.has(u.ID) {
		return Message{}, fmt.Errorf("%s is not in %q: %w", u.Name, c.Name, ErrNotThere)
	}
	if first := c.find(threadTS); threadTS != "" && (first == nil || first.ephemeralFor != "" || first.isReply()) {
		return Message{}, fmt.Errorf("the thread %s: %w", threadTS, ErrNotThere)
	}
	m := s.add(&message{channel: c, author: u, threadTS: threadTS, content: content{text: text}})
	if !c.has(s.bot.ID) {
		return m.seen(thread{}), nil
	}
	base := func(kind string) obj {
		e := m.object(false)
		e["type"], e["channel"], e["event_ts"], e["channel_type"] = kind, c.ID, m.ts, string(c.Kind)
		return e
	}
	subscribed := func(name string) bool { return slices.Contains(s.cfg.Events, name) }
	kinds := map[ChannelKind]string{Public: "message.channels", Private: "message.groups", DM: "message.im", GroupDM: "message.mpim"}
	if subscribed(kinds[c.Kind]) {
		s.event(base("message"))
	}
	if subscribed("app_mention") && c.Kind != DM && strings.Contains(text, "<@"+s.bot.ID) { // a DM is message.im only
		s.event(base("app_mention"))
	}
	if links := s.linksIn(text); subscribed("link_shared") && len(links) > 0 {
		e := obj{
			"type": "link_shared", "channel": c.ID, "user": u.ID, "message_ts": m.ts, "event_ts": m.ts,
			"links": links, "is_bot_user_member": true, "source": "conversations_history", "unfurl_id": m.channel.ID + "-" + m.ts,
		}
		if threadTS != "" {
			e["thread_ts"] = threadTS
		}
		s.event(e)
	}
	return m.seen(thread{}), nil
}

// AddUnfurlDomain makes the app one that unfurls links to another domain, from now on.
func (s *Server) AddUnfurlDomain(domain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.UnfurlDomains = append(slices.Clone(s.cfg.UnfurlDomains), domain)
}

// linksIn are the links of a text to domains that the app unfurls.
func (s *Server) linksIn(text string) []any {
	var links []any
	for _, word := range strings.Fields(text) {
		url, _, _ := strings.Cut(strings.Trim(word, "<>"), "|")
		_, rest, isLink := strings.Cut(url, "://")
		host, _, _ := strings.Cut(rest, "/")
		for _, domain := range s.cfg.UnfurlDomains {
			if isLink && (host == domain || strings.HasSuffix(host, "."+domain)) {
				links = append(links, obj{"domain": domain, "url": url})
			}
		}
	}
	return links
}
