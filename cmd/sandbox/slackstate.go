package main

import (
	"encoding/json"
	"slices"
	"strings"

	"pipebot/bot/slacktest"
)

const (
	newestMessages = 200 // that are shown of a channel
	lastViolations = 20  // that are shown
)

// What the page is told of Slack. Blocks, attachments and views are as the app sent them.
type (
	shownWorkspace struct {
		Team        string             `json:"team"`
		App         shownApp           `json:"app"`
		Commands    []shownCommand     `json:"commands"`
		Shortcuts   []manifestShortcut `json:"shortcuts"`
		Connections int                `json:"connections"`
		APIURL      string             `json:"api_url"`
		AppToken    string             `json:"app_token,omitempty"` // for an app from elsewhere
		BotToken    string             `json:"bot_token,omitempty"`
		Violations  []shownViolation   `json:"violations"`
		Bot         string             `json:"bot"` // running, stopped or elsewhere
	}
	shownApp struct {
		Name     string `json:"name"`
		User     string `json:"user"`
		Home     bool   `json:"home"`     // it has a home tab
		Messages bool   `json:"messages"` // people may write to it
	}
	shownCommand struct {
		manifestCommand
		BuiltIn bool `json:"built_in,omitempty"` // Slack's own
	}
	shownViolation struct {
		Kind   string `json:"kind"`
		Detail string `json:"detail"`
	}
	shownUser struct {
		ID       string             `json:"id"`
		Name     string             `json:"name"`
		RealName string             `json:"real_name"`
		Kind     slacktest.UserKind `json:"kind"`
		TeamID   string             `json:"team_id"`
	}
	shownChannel struct {
		ID             string                `json:"id"`
		Name           string                `json:"name"`
		Kind           slacktest.ChannelKind `json:"kind"`
		Members        []string              `json:"members"`
		AppIn          bool                  `json:"app_in"`
		UnreadMentions int                   `json:"unread_mentions"`
		Order          int                   `json:"order"`
		Shared         bool                  `json:"shared"` // with another team
	}
	shownMessage struct {
		TS          string          `json:"ts"`
		ThreadTS    string          `json:"thread_ts"`
		Channel     string          `json:"channel"`
		User        string          `json:"user"`
		Text        string          `json:"text"`
		Blocks      json.RawMessage `json:"blocks"`
		Attachments json.RawMessage `json:"attachments"`
		State       json.RawMessage `json:"state"`
		Ephemeral   bool            `json:"ephemeral"`
		Edited      bool            `json:"edited"`
		Broadcast   bool            `json:"broadcast"`
		ReplyCount  int             `json:"reply_count"`
		ReplyUsers  []string        `json:"reply_users"`
		LatestReply string          `json:"latest_reply"`
	}
	shownView struct {
		ID     string            `json:"id"`
		Index  int               `json:"index"`
		View   json.RawMessage   `json:"view"`
		Errors map[string]string `json:"errors"`
		Notice string            `json:"notice"`
	}
	shownHome struct {
		View json.RawMessage `json:"view"`
	}
)

// slackState adds what the person sees of Slack.
func (w *world) slackState(d *draft, u *slacktest.User) {
	d.put("me", u.ID)
	d.put("workspace", w.workspace())
	people := w.slack.Users()
	if bot, known := w.slack.User(w.slack.BotUserID()); known {
		people = append(people, bot)
	}
	for _, p := range people {
		d.put("user/"+p.ID, shownUser{ID: p.ID, Name: p.Name, RealName: p.RealName, Kind: p.Kind, TeamID: p.TeamID})
	}
	mentions := map[string]int{}
	for _, n := range w.slack.Notifications(u) {
		mentions[n.Channel.ID]++
	}
	for i, c := range u.Conversations() {
		shown := channelOf(c, w.slack.BotUserID())
		shown.UnreadMentions, shown.Order = mentions[c.ID], i
		d.put("channel/"+c.ID, shown)
		for _, m := range newest(c, u) {
			d.put("message/"+c.ID+"/"+m.TS, messageOf(m))
		}
	}
	for _, v := range u.OpenViews() {
		d.put("view/"+v.ID, shownView{ID: v.ID, Index: v.Index, View: v.JSON, Errors: orEmpty(v.Errors), Notice: v.Notice})
	}
	if home := u.Home(); home != nil {
		d.put("home", shownHome{View: home.JSON()})
	}
}

func (w *world) workspace() shownWorkspace {
	home := w.app.Features.Home
	shown := shownWorkspace{
		Team: teamName, Shortcuts: append([]manifestShortcut{}, w.app.Features.Shortcuts...),
		App: shownApp{
			Name: w.app.Display.Name, User: w.slack.BotUserID(), Home: home.Tab, Messages: home.Messages && !home.ReadOnly,
		},
		Connections: w.slack.Connections(), APIURL: w.slack.APIURL(), Violations: []shownViolation{}, Bot: "elsewhere",
	}
	for _, c := range w.app.Features.Commands {
		shown.Commands = append(shown.Commands, shownCommand{manifestCommand: c})
	}
	shown.Commands = append(shown.Commands, builtInCommands()...)
	switch {
	case w.bot == nil:
		shown.AppToken, shown.BotToken = w.tokens.app, w.tokens.bot
	case w.bot.running():
		shown.Bot = "running"
	default:
		shown.Bot = "stopped"
	}
	violations := w.slack.Violations()
	for _, v := range violations[max(0, len(violations)-lastViolations):] {
		shown.Violations = append(shown.Violations, shownViolation{Kind: v.Kind, Detail: v.Detail})
	}
	return shown
}

func channelOf(c *slacktest.Channel, bot string) shownChannel {
	shown := shownChannel{ID: c.ID, Name: c.Name, Kind: c.Kind, Members: []string{}}
	for _, m := range c.Members() {
		shown.Members = append(shown.Members, m.ID)
		shown.AppIn = shown.AppIn || m.ID == bot
		shown.Shared = shown.Shared || m.Kind == slacktest.External
	}
	return shown
}

// newest are the last messages of a channel that the person sees, those in threads too, in order.
func newest(c *slacktest.Channel, u *slacktest.User) []slacktest.Message {
	var all []slacktest.Message
	for _, m := range c.Messages(u) {
		all = append(all, m)
		if m.ReplyCount > 0 {
			all = append(all, c.Thread(u, m.TS)...)
		}
	}
	slices.SortStableFunc(all, func(a, b slacktest.Message) int { return strings.Compare(a.TS, b.TS) })
	// The first message of a thread, and a reply that was sent to the channel too, are found twice.
	all = slices.CompactFunc(all, func(a, b slacktest.Message) bool { return a.TS == b.TS })
	return all[max(0, len(all)-newestMessages):]
}

func messageOf(m slacktest.Message) shownMessage {
	shown := shownMessage{
		TS: m.TS, ThreadTS: m.ThreadTS, Channel: m.Channel.ID, User: m.User.ID, Text: m.Text,
		Blocks: listOr(m.Blocks), Attachments: listOr(m.Attachments()), State: m.State(),
		Ephemeral: m.Ephemeral, Edited: m.Edited, Broadcast: m.Broadcast,
		ReplyCount: m.ReplyCount, ReplyUsers: []string{}, LatestReply: m.LatestReply(),
	}
	for _, u := range m.ReplyUsers() {
		shown.ReplyUsers = append(shown.ReplyUsers, u.ID)
	}
	return shown
}

// listOr is a JSON list, an empty one for null.
func listOr(list json.RawMessage) json.RawMessage {
	if len(list) == 0 || string(list) == "null" {
		return json.RawMessage("[]")
	}
	return list
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
