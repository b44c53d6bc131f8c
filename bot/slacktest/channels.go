package slacktest

import (
	"fmt"
	"slices"
	"strings"
)

// ChannelKind says who may be in a conversation and see it.
type ChannelKind string

// The kinds of conversations. A DM is between a person and the bot, or between two people.
const (
	Public  ChannelKind = "channel"
	Private ChannelKind = "group"
	DM      ChannelKind = "im"
	GroupDM ChannelKind = "mpim"
)

// Channel is a conversation. The exported fields do not change.
type Channel struct {
	ID   string
	Name string // without the #
	Kind ChannelKind

	s        *Server
	members  []string // user ids, the bot's too
	archived bool
	messages []*message // in order; threads and ephemeral ones too
}

// AddChannel adds a channel with these members. The bot is not in it: see InviteBot.
func (s *Server) AddChannel(name string, kind ChannelKind, members ...*User) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addChannel(name, kind, members...)
}

func (s *Server) addChannel(name string, kind ChannelKind, members ...*User) *Channel {
	prefix := "C"
	if kind == DM {
		prefix = "D"
	}
	c := &Channel{ID: s.id(prefix), Name: name, Kind: kind, s: s}
	for _, u := range members {
		c.members = append(c.members, u.ID)
	}
	s.channels[c.ID] = c
	s.channelOrder = append(s.channelOrder, c)
	s.renew()
	s.changed()
	return c
}

// DM returns the direct messages of a person and the bot.
func (s *Server) DM(u *User) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct(u, s.bot)
}

// DMBetween returns the direct messages of two people: the bot is not in it and cannot be.
func (s *Server) DMBetween(a, b *User) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct(a, b)
}

func (s *Server) direct(a, b *User) *Channel {
	for _, c := range s.channelOrder {
		if c.Kind == DM && c.has(a.ID) && c.has(b.ID) {
			return c
		}
	}
	return s.addChannel(a.Name, DM, a, b)
}

// GroupDM returns the direct messages of several people, with the bot when withBot is set.
func (s *Server) GroupDM(withBot bool, people ...*User) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if withBot {
		people = append(slices.Clone(people), s.bot)
	}
	return s.groupDM(people)
}

func (s *Server) groupDM(people []*User) *Channel {
	called := make([]string, 0, len(people))
	for _, u := range people {
		called = append(called, u.Name)
	}
	name := fmt.Sprintf("mpdm-%s-1", strings.Join(called, "--"))
	for _, c := range s.channelOrder {
		if c.Kind == GroupDM && c.Name == name {
			return c
		}
	}
	return s.addChannel(name, GroupDM, people...)
}

// Channels returns the conversations in the order they came.
func (s *Server) Channels() []*Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.channelOrder)
}

// Channel returns the conversation of that id.
func (s *Server) Channel(id string) (*Channel, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.channels[id]
	return c, known
}

// Conversations returns what stands in the person's sidebar, in the order it came: what the person is a member
// of, always with the direct messages of the app, unless the person is of another team and has none yet.
// Archived ones are not there.
func (u *User) Conversations() []*Channel {
	s := u.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Kind == Member || u.Kind == Guest {
		s.direct(u, s.bot)
	}
	return slices.DeleteFunc(slices.Clone(s.channelOrder), func(c *Channel) bool { return c.archived || !c.has(u.ID) })
}

// InviteBot makes the bot a member, as /invite does.
func (c *Channel) InviteBot() { c.Invite(c.s.bot) }

// Invite makes a person a member.
func (c *Channel) Invite(u *User) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if !c.has(u.ID) {
		c.members = append(c.members, u.ID)
	}
	c.s.changed()
}

// KickBot takes the bot out, as /remove does.
func (c *Channel) KickBot() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.members = slices.DeleteFunc(c.members, func(id string) bool { return id == c.s.bot.ID })
	c.s.changed()
}

// Archive archives the channel.
func (c *Channel) Archive() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.archived = true
	c.s.changed()
}

// Members returns who is in the channel, the bot too.
func (c *Channel) Members() []*User {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var out []*User
	for _, id := range c.members {
		out = append(out, c.s.users[id])
	}
	return out
}

func (c *Channel) has(user string) bool { return slices.Contains(c.members, user) }

// mayRead: everybody but guests and externals may look into a public channel.
func (c *Channel) mayRead(u *User) bool {
	return c.has(u.ID) || c.Kind == Public && u.Kind == Member
}

// payloadName is channel_name as Slack sends it in payloads: only public channels are named.
func (c *Channel) payloadName() string {
	switch c.Kind {
	case DM:
		return "directmessage"
	case Private:
		return "privategroup"
	default:
		return c.Name
	}
}

// object is the conversation as conversations.info gives it
// (https://docs.slack.dev/reference/objects/conversation-object).
func (c *Channel) object() obj {
	o := obj{
		"id": c.ID, "is_archived": c.archived, "is_member": c.has(c.s.bot.ID),
		"is_channel": c.Kind == Public, "is_group": c.Kind == Private, "is_im": c.Kind == DM, "is_mpim": c.Kind == GroupDM,
		"is_private": c.Kind != Public, "num_members": len(c.members), "context_team_id": c.s.cfg.TeamID,
	}
	if c.Kind != DM {
		o["name"] = c.Name
		o["name_normalized"] = c.Name
	} else {
		for _, id := range c.members {
			if id != c.s.bot.ID {
				o["user"] = id
			}
		}
	}
	shared := false
	for _, id := range c.members {
		shared = shared || c.s.users[id].Kind == External
	}
	o["is_ext_shared"] = shared
	return o
}
