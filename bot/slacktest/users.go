package slacktest

import (
	"maps"
	"slices"
	"time"
)

// UserKind says what a user is to the workspace.
type UserKind string

// The kinds of users.
const (
	Member   UserKind = "member"
	Guest    UserKind = "guest"    // a multi-channel guest (is_restricted)
	External UserKind = "external" // somebody of another team, in a shared channel (Slack Connect)
	Bot      UserKind = "bot"
)

// User is a person of the workspace, or the app's bot user. The fields do not change.
type User struct {
	ID       string
	Name     string // the name in a mention
	RealName string
	Email    string
	TZ       string // an IANA zone
	Kind     UserKind
	TeamID   string

	s *Server
}

// UserOption sets something of a new user.
type UserOption func(*User)

// WithEmail sets the address that users.info and users.lookupByEmail know; else it is name@example.com.
func WithEmail(email string) UserOption { return func(u *User) { u.Email = email } }

// WithTZ sets the IANA time zone; else it is UTC.
func WithTZ(zone string) UserOption { return func(u *User) { u.TZ = zone } }

// WithRealName sets the full name; else it is the name.
func WithRealName(name string) UserOption { return func(u *User) { u.RealName = name } }

// AsGuest makes the user a guest.
func AsGuest() UserOption { return func(u *User) { u.Kind = Guest } }

// AsExternal makes the user one of another team, who meets the app in a shared channel.
func AsExternal() UserOption { return func(u *User) { u.Kind, u.TeamID = External, "T0ELSEWHERE" } }

// AddUser adds a person.
func (s *Server) AddUser(name string, opts ...UserOption) *User {
	u := User{Name: name, RealName: name, Email: name + "@example.com", TZ: "UTC", Kind: Member}
	for _, opt := range opts {
		opt(&u)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	added := s.addUser(u)
	s.changed()
	return added
}

func (s *Server) addUser(u User) *User {
	u.s = s
	u.ID = s.id("U")
	if u.TeamID == "" {
		u.TeamID = s.cfg.TeamID
	}
	if u.RealName == "" {
		u.RealName = u.Name
	}
	s.users[u.ID] = &u
	s.userOrder = append(s.userOrder, &u)
	s.renew()
	return &u
}

// Users returns the people of the workspace in the order they came, without the bot.
func (s *Server) Users() []*User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.userOrder), func(u *User) bool { return u.Kind == Bot })
}

// User returns the user of that id, the app's bot user too.
func (s *Server) User(id string) (*User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, known := s.users[id]
	return u, known
}

// AddUserGroup adds a user group that usergroups.users.list knows, and returns its id.
func (s *Server) AddUserGroup(handle string, members ...*User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.id("S")
	for _, u := range members {
		s.groups[id] = append(s.groups[id], u.ID)
	}
	s.handles[id] = handle
	s.renew()
	return id
}

// Location is the person's time zone; UTC when it is unknown here.
func (u *User) Location() *time.Location {
	loc, err := time.LoadLocation(u.TZ)
	if err != nil {
		return time.UTC
	}
	return loc
}

// brief is the user object of an interaction payload.
func (u *User) brief() obj {
	return obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

// full is the user object of users.info (https://docs.slack.dev/reference/objects/user-object).
func (u *User) full(withEmail bool) obj {
	profile := obj{"real_name": u.RealName, "display_name": u.Name}
	if withEmail && u.Email != "" {
		profile["email"] = u.Email
	}
	return obj{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "real_name": u.RealName, "deleted": false,
		"tz": u.TZ, "profile": profile, "is_bot": u.Kind == Bot,
		"is_restricted": u.Kind == Guest, "is_ultra_restricted": false, "is_stranger": u.Kind == External,
		"is_admin": false, "is_owner": false,
	}
}

// names are what ids are called. A names is never changed once a Message holds it.
type names struct {
	users, channels, groups map[string]string
}

// renew makes a new names after users or channels came.
func (s *Server) renew() {
	n := &names{users: map[string]string{}, channels: map[string]string{}, groups: maps.Clone(s.handles)}
	for _, u := range s.userOrder {
		n.users[u.ID] = u.Name
	}
	for _, c := range s.channelOrder {
		n.channels[c.ID] = c.Name
	}
	s.names = n
}
