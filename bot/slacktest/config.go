package slacktest

import (
	"slices"
	"time"
)

// simulated stands in what must not be mistaken for somebody's secret.
const simulated = "simulated"

// Tokens of a workspace whose Config names none.
const (
	DefaultAppToken = "xapp-1-A0SIMULATED-1-" + simulated
	DefaultBotToken = "xoxb-1-1-" + simulated
)

// Config describes the workspace and the app installed in it. The zero Config is a usable one.
type Config struct {
	AppToken string // the app-level token; DefaultAppToken when empty
	BotToken string // the bot token; DefaultBotToken when empty

	AppID   string // "A0SIMULATED" when empty
	AppName string // the app's name as people see it; "pipebot" when empty
	BotUser string // the bot user's name, as in /invite @pipebot; AppName when empty

	TeamID     string // "T0SIMULATED" when empty
	TeamDomain string // "simulated" when empty

	// Scopes are the bot scopes that were granted; DefaultScopes() when nil.
	Scopes []string
	// Commands are the slash commands of the app; with nil every command is one of the app.
	Commands []string
	// Events are the bot events that the app subscribed to; DefaultEvents() when nil.
	Events []string
	// UnfurlDomains are the domains whose links raise link_shared.
	UnfurlDomains []string

	// AckTimeout is how long an app may take to acknowledge an envelope; 3 s, as in Slack, when zero.
	AckTimeout time.Duration
	// EventRetries are the waits before an unacknowledged event is sent again. Slack's own are: at once,
	// 1 minute, 5 minutes (https://docs.slack.dev/apis/events-api/#retries). Those when nil.
	EventRetries []time.Duration
	// PingInterval is the time between two WebSocket pings of the server; 5 s when zero.
	PingInterval time.Duration
	// ConnectionTime is what hello announces as debug_info.approximate_connection_time; 4 h when zero.
	ConnectionTime time.Duration

	// Now is the clock of timestamps, triggers and response urls; time.Now when nil.
	Now func() time.Time
	// Log, when set, is told of every call, envelope and acknowledgement: t.Logf fits.
	Log func(format string, args ...any)
}

// DefaultScopes are the bot scopes of a workspace whose Config names none.
func DefaultScopes() []string {
	return []string{
		"commands", "chat:write", "chat:write.public",
		"im:write", "mpim:write",
		"users:read", "users:read.email", "usergroups:read",
		"channels:read", "groups:read", "im:read", "mpim:read",
		"channels:history", "groups:history", "im:history", "mpim:history",
		"links:read", "links:write",
	}
}

// DefaultEvents are the bot events of a workspace whose Config names none.
func DefaultEvents() []string {
	return []string{"app_home_opened", "app_mention", "link_shared"}
}

func (c Config) withDefaults() Config {
	text := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	wait := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	text(&c.AppToken, DefaultAppToken)
	text(&c.BotToken, DefaultBotToken)
	text(&c.AppID, "A0SIMULATED")
	text(&c.AppName, "pipebot")
	text(&c.BotUser, c.AppName)
	text(&c.TeamID, "T0SIMULATED")
	text(&c.TeamDomain, "simulated")
	wait(&c.AckTimeout, 3*time.Second)
	wait(&c.PingInterval, 5*time.Second)
	wait(&c.ConnectionTime, 4*time.Hour)
	if c.Scopes == nil {
		c.Scopes = DefaultScopes()
	}
	if c.Events == nil {
		c.Events = DefaultEvents()
	}
	if c.EventRetries == nil {
		c.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	c.Scopes = slices.Clone(c.Scopes)
	return c
}
