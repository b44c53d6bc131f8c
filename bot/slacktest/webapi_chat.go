package slacktest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The text limits of https://docs.slack.dev/reference/methods/chat.postMessage and chat.update.
const (
	maxPostText   = 40000
	maxUpdateText = 4000
)

func (s *Server) chatPostMessage(c *call) (obj, error) {
	ch, err := s.writable(c)
	if err != nil {
		return nil, err
	}
	m, err := s.compose(c, ch)
	if err != nil {
		return nil, err
	}
	m.broadcast = m.threadTS != "" && c.truth("reply_broadcast")
	if m.metadata, err = metadata(c); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(m.text) > maxPostText {
		return nil, refuse("msg_too_long")
	}
	s.add(m)
	return obj{"channel": ch.ID, "ts": m.ts, "message": m.object(true)}, nil
}

// chatPostEphemeral shows a message to one member (https://docs.slack.dev/reference/methods/chat.postEphemeral).
func (s *Server) chatPostEphemeral(c *call) (obj, error) {
	ch, err := s.writable(c)
	if err != nil {
		return nil, err
	}
	user, err := c.need("user")
	if err != nil {
		return nil, err
	}
	if !ch.has(user) {
		return nil, refuse("user_not_in_channel")
	}
	m, err := s.compose(c, ch)
	if err != nil {
		return nil, err
	}
	m.ephemeralFor = user
	s.add(m)
	return obj{"message_ts": m.ts}, nil
}

// compose makes the message that a call describes.
func (s *Server) compose(c *call, ch *Channel) (*message, error) {
	content, _, err := s.content(c)
	if err != nil {
		return nil, err
	}
	if content.text == "" && len(content.blocks) == 0 && len(content.attachments) == 0 {
		return nil, refuse("no_text")
	}
	thread := c.text("thread_ts")
	if thread != "" {
		parent := ch.find(thread)
		switch {
		case parent == nil:
			return nil, refuse("thread_not_found")
		case parent.isReply():
			return nil, refuse("invalid_thread_ts", "[ERROR] thread_ts must be of the message that began the thread")
		}
	}
	return &message{channel: ch, author: s.bot, content: content, threadTS: thread}, nil
}

// content reads text, blocks and attachments; given tells if blocks were in the call at all.
func (s *Server) content(c *call) (_ content, given bool, _ error) {
	blocks, err := c.structured("blocks")
	if err != nil {
		return content{}, false, refuse("invalid_blocks_format", err.Error())
	}
	attachments, err := c.structured("attachments")
	if err != nil {
		return content{}, false, err
	}
	if blocks != nil {
		if problems := s.kit.checkMessage(blocks); len(problems) > 0 {
			return content{}, true, refuse("invalid_blocks", problems...)
		}
	}
	for _, a := range objects(attachments) {
		if a["blocks"] == nil {
			continue
		}
		if problems := s.kit.checkMessage(a["blocks"]); len(problems) > 0 {
			return content{}, true, refuse("invalid_attachments", problems...)
		}
	}
	return content{text: c.text("text"), blocks: clone(list(blocks)), attachments: clone(list(attachments))}, blocks != nil, nil
}

func metadata(c *call) (obj, error) {
	v, err := c.structured("metadata")
	if err != nil || v == nil {
		return nil, err
	}
	m := object(v)
	if _, ok := m["event_payload"].(obj); !ok || str(m["event_type"]) == "" {
		return nil, refuse("invalid_metadata_format", "[ERROR] metadata needs event_type and event_payload")
	}
	return clone(m), nil
}

// chatUpdate edits one of the app's own messages (https://docs.slack.dev/reference/methods/chat.update).
// Text without blocks takes the blocks away; what is not mentioned otherwise stays.
func (s *Server) chatUpdate(c *call) (obj, error) {
	m, err := s.own(c, "cant_update_message")
	if err != nil {
		return nil, err
	}
	next, given, err := s.content(c)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(next.text) > maxUpdateText {
		return nil, refuse("msg_too_long")
	}
	_, hasText := c.args["text"]
	_, hasAttachments := c.args["attachments"]
	if !hasText && !given && !hasAttachments {
		return nil, refuse("no_text")
	}
	if !hasText {
		next.text = m.text
		if !given {
			next.blocks = m.blocks
		}
	}
	if !hasAttachments {
		next.attachments = m.attachments
	}
	if next.metadata, err = metadata(c); err != nil {
		return nil, err
	}
	if next.metadata == nil {
		next.metadata = m.metadata
	}
	s.edit(m, next)
	return obj{"channel": m.channel.ID, "ts": m.ts, "text": m.text, "message": m.object(true)}, nil
}

func (s *Server) chatDelete(c *call) (obj, error) {
	m, err := s.own(c, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	m.deleted = true
	s.changed()
	return obj{"channel": m.channel.ID, "ts": m.ts}, nil
}

// own is the message that channel and ts name, if the app wrote it. Ephemeral ones are not to be found here.
func (s *Server) own(c *call, otherwise string) (*message, error) {
	ch, err := s.reachable(c)
	if err != nil {
		return nil, err
	}
	ts, err := c.need("ts")
	if err != nil {
		return nil, err
	}
	m := ch.find(ts)
	switch {
	case m == nil || m.ephemeralFor != "":
		return nil, refuse("message_not_found")
	case m.author != s.bot:
		return nil, refuse(otherwise)
	case ch.archived:
		return nil, refuse("is_archived")
	}
	return m, nil
}

func (s *Server) chatGetPermalink(c *call) (obj, error) {
	ch, err := s.reachable(c)
	if err != nil {
		return nil, err
	}
	m := ch.find(c.text("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	return obj{"channel": ch.ID, "permalink": s.permalink(m)}, nil
}

func (s *Server) permalink(m *message) string {
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", s.cfg.TeamDomain, m.channel.ID, strings.Replace(m.ts, ".", "", 1))
	if m.isReply() {
		link += "?thread_ts=" + m.threadTS + "&cid=" + m.channel.ID
	}
	return link
}

// chatUnfurl puts previews under a person's message (https://docs.slack.dev/reference/methods/chat.unfurl).
func (s *Server) chatUnfurl(c *call) (obj, error) {
	ch, err := s.reachable(c)
	if err != nil {
		return nil, err
	}
	m := ch.find(c.text("ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	v, err := c.structured("unfurls")
	if err != nil {
		return nil, err
	}
	previews := object(v)
	if previews == nil {
		return nil, refuse("missing_unfurls")
	}
	var problems []string
	for _, url := range sortedKeys(previews) {
		if !strings.Contains(m.text, url) {
			return nil, refuse("cannot_unfurl_url", url)
		}
		if blocks := object(previews[url])["blocks"]; blocks != nil {
			problems = append(problems, s.kit.checkMessage(blocks)...)
		}
	}
	if len(problems) > 0 {
		return nil, refuse("invalid_unfurls_format", problems...)
	}
	m.attachments = nil
	for _, url := range sortedKeys(previews) {
		preview := clone(object(previews[url]))
		preview["from_url"] = url
		m.attachments = append(m.attachments, preview)
	}
	s.identify(m.allBlocks())
	m.state.carry(m.allBlocks())
	s.changed()
	return obj{}, nil
}

// writable is the channel of a call that posts there. A user's id means the direct messages with the person.
func (s *Server) writable(c *call) (*Channel, error) {
	id, err := c.need("channel")
	if err != nil {
		return nil, refuse("channel_not_found")
	}
	if u, is := s.users[id]; is && u.Kind != Bot {
		return s.direct(u, s.bot), nil
	}
	ch, err := s.reachable(c)
	switch {
	case err != nil:
		return nil, err
	case ch.archived:
		return nil, refuse("is_archived")
	case !ch.has(s.bot.ID) && !s.granted("chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return ch, nil
}

// reachable is the channel of a call: public ones, and others when the bot is in them. What the bot may not
// know of does not exist for it.
func (s *Server) reachable(c *call) (*Channel, error) {
	id := strings.TrimPrefix(c.text("channel"), "#")
	ch := s.channels[id]
	for _, named := range s.channelOrder {
		if ch == nil && named.Kind == Public && named.Name == id {
			ch = named
		}
	}
	if ch == nil || ch.Kind != Public && !ch.has(s.bot.ID) {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}
