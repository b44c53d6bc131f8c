package slacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// message is one message as the workspace keeps it.
type message struct {
	channel      *Channel
	ts, threadTS string
	author       *User
	content
	broadcast    bool
	ephemeralFor string // a user id; Slack keeps such a message for one person only
	editedTS     string
	deleted      bool
	revisions    []Revision
	state        state  // what people chose in its menus
	loaded       loaded // what its external menus offered
}

// content is what chat.update replaces.
type content struct {
	text        string
	blocks      []any
	attachments []any
	metadata    obj
}

// allBlocks are the blocks of the content and of its attachments.
func (c content) allBlocks() []any {
	all := slices.Clone(c.blocks)
	for _, a := range objects(c.attachments) {
		all = append(all, list(a["blocks"])...)
	}
	return all
}

// Revision is one state that a message had.
type Revision struct {
	TS     string // when it was made so
	Text   string
	Blocks json.RawMessage
	names  *names
}

// Message is a message as one person finds it at one moment; it does not change.
type Message struct {
	TS        string
	ThreadTS  string // of the thread it is in; "" outside
	Channel   *Channel
	User      *User           // who wrote it; the bot user for the app's
	Text      string          // the top-level text: what a push notification shows
	Blocks    json.RawMessage // as the app sent them, with the ids that Slack adds
	Metadata  *Metadata
	Ephemeral bool // "Only visible to you"
	Edited    bool
	Broadcast bool // a reply that was also sent to the channel

	ReplyCount int
	Revisions  []Revision // all states so far, this one last

	thread      thread
	attachments []any
	state       state
	names       *names
}

// Metadata is what an app keeps with a message (https://docs.slack.dev/messaging/message-metadata).
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// FromApp tells if the app wrote it.
func (m Message) FromApp() bool { return m.User != nil && m.User.Kind == Bot }

// State is what people chose and entered in the message: block_id -> action_id -> value, as payloads carry it.
func (m Message) State() json.RawMessage { return raw(m.state) }

// Attachments are the attachments as the app sent them, previews of links too; null when there are none.
func (m Message) Attachments() json.RawMessage { return raw(m.attachments) }

// Messages returns what a person sees in the channel itself: no thread replies but broadcast ones, ephemeral
// messages only for whom they are. A nil viewer sees everything that is not ephemeral.
func (c *Channel) Messages(viewer *User) []Message {
	return c.collect(viewer, func(m *message) bool {
		return !m.isReply() || m.broadcast
	})
}

// Thread returns the message ts and its replies as a person sees them.
func (c *Channel) Thread(viewer *User, ts string) []Message {
	return c.collect(viewer, func(m *message) bool { return m.ts == ts || m.threadTS == ts })
}

// Message returns the message ts as it is now.
func (c *Channel) Message(viewer *User, ts string) (Message, bool) {
	found := c.collect(viewer, func(m *message) bool { return m.ts == ts })
	if len(found) == 0 {
		return Message{}, false
	}
	return found[0], true
}

func (c *Channel) collect(viewer *User, want func(*message) bool) []Message {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if viewer != nil && viewer.Kind != Bot && !c.mayRead(viewer) && !c.whispered(viewer) {
		return nil
	}
	threads := c.threads()
	var out []Message
	for _, m := range c.messages {
		if m.visibleTo(viewer) && want(m) {
			out = append(out, m.seen(threads[m.ts]))
		}
	}
	return out
}

// whispered: somebody outside the channel may have got an ephemeral answer to a slash command there.
func (c *Channel) whispered(viewer *User) bool {
	return slices.ContainsFunc(c.messages, func(m *message) bool { return m.ephemeralFor == viewer.ID })
}

func (m *message) visibleTo(viewer *User) bool {
	switch {
	case m.deleted:
		return false
	case m.ephemeralFor != "":
		return viewer != nil && viewer.ID == m.ephemeralFor
	default:
		return viewer == nil || viewer.Kind == Bot || m.channel.mayRead(viewer)
	}
}

// seen is the message as it is now, with the thread that it began.
func (m *message) seen(t thread) Message {
	out := Message{
		TS: m.ts, ThreadTS: m.threadTS, Channel: m.channel, User: m.author, Text: m.text, Blocks: raw(m.blocks),
		Ephemeral: m.ephemeralFor != "", Edited: m.editedTS != "", Broadcast: m.broadcast,
		ReplyCount: t.replies, Revisions: slices.Clone(m.revisions),
		thread: t, attachments: clone(m.attachments), state: clone(m.state), names: m.channel.s.names,
	}
	if m.metadata != nil {
		out.Metadata = &Metadata{EventType: str(m.metadata["event_type"]), EventPayload: clone(object(m.metadata["event_payload"]))}
	}
	return out
}

// WaitMessage returns the first message of the channel, thread replies included, that the person sees and
// that want likes, as soon as there is one.
func (s *Server) WaitMessage(ctx context.Context, c *Channel, viewer *User, want func(Message) bool) (Message, error) {
	var found Message
	err := s.Wait(ctx, func() bool {
		for _, m := range c.collect(viewer, func(*message) bool { return true }) {
			if want(m) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return Message{}, fmt.Errorf("waiting for a message in %q: %w", c.Name, err)
	}
	return found, nil
}

// find is the message ts that everybody in the channel could see.
func (c *Channel) find(ts string) *message {
	for _, m := range c.messages {
		if m.ts == ts && !m.deleted {
			return m
		}
	}
	return nil
}

// add puts a new message into its channel and tells whom it concerns.
func (s *Server) add(m *message) *message {
	m.ts = s.ts()
	m.state, m.loaded = state{}, loaded{}
	s.identify(m.allBlocks())
	m.state.begin(m.allBlocks())
	m.revise()
	m.channel.messages = append(m.channel.messages, m)
	s.notifyPeople(m)
	s.changed()
	return m
}

// edit replaces the content of a message. An edit notifies nobody.
func (s *Server) edit(m *message, c content) {
	m.content = c
	m.editedTS = s.ts()
	s.identify(m.allBlocks())
	m.state.carry(m.allBlocks())
	m.revise()
	s.changed()
}

func (m *message) revise() {
	ts := m.editedTS
	if ts == "" {
		ts = m.ts
	}
	m.revisions = append(m.revisions, Revision{TS: ts, Text: m.text, Blocks: raw(m.blocks), names: m.channel.s.names})
}

// object is the message as the Web API gives it (https://docs.slack.dev/reference/objects/message-object).
func (m *message) object(withMetadata bool) obj {
	o := obj{"type": "message", "ts": m.ts, "text": m.text, "user": m.author.ID, "team": m.author.TeamID}
	if m.author.Kind == Bot {
		o["bot_id"] = m.channel.s.botID()
		o["app_id"] = m.channel.s.cfg.AppID
	}
	if len(m.blocks) > 0 {
		o["blocks"] = clone(m.blocks)
	}
	if len(m.attachments) > 0 {
		o["attachments"] = clone(m.attachments)
	}
	if m.threadTS != "" {
		o["thread_ts"] = m.threadTS
	}
	if m.broadcast {
		o["subtype"] = "thread_broadcast"
	}
	if m.editedTS != "" {
		o["edited"] = obj{"user": m.author.ID, "ts": m.editedTS}
	}
	if withMetadata && m.metadata != nil {
		o["metadata"] = clone(m.metadata)
	}
	return o
}

func (s *Server) botID() string { return "B" + s.bot.ID[1:] }

// identify gives every block and element the id that Slack gives it when the app did not.
func (s *Server) identify(blocks []any) {
	for _, b := range blocks {
		block := object(b)
		if str(block["block_id"]) == "" {
			block["block_id"] = s.id("b")
		}
		for _, e := range elements(block) {
			if interactive(e) && str(e["action_id"]) == "" {
				e["action_id"] = s.id("a")
			}
		}
	}
}

func raw(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil // v came out of JSON
	}
	return bytes.TrimSpace(b.Bytes())
}

// clone copies JSON, so that what a caller gets and what the workspace keeps never share memory.
func clone[T any](v T) T {
	var out T
	_ = json.Unmarshal(raw(v), &out) // v came out of JSON
	return out
}
