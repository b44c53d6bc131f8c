package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"pipebot/bot/slacktest"
)

// teamName is what the workspace is called.
const teamName = "Acme"

// tokens are what the app shows the simulated Slack. Nobody else on this machine, such as a page of the web in the same
// browser, can guess them.
type tokens struct{ app, bot string }

func newTokens() tokens {
	return tokens{app: "xapp-1-A0SIMULATED-" + rand.Text(), bot: "xoxb-1-" + rand.Text()}
}

// newWorkspace starts a simulated Slack with the app of the manifest installed.
func newWorkspace(app manifest, t tokens, now func() time.Time) *slacktest.Server {
	commands := []string{}
	for _, c := range app.Features.Commands {
		commands = append(commands, c.Command)
	}
	// What the manifest leaves out is not asked for, where the simulated Slack would take its own defaults for nil.
	return slacktest.NewServer(slacktest.Config{
		AppToken: t.app, BotToken: t.bot,
		AppName: app.Display.Name, BotUser: app.Features.BotUser.Name, TeamDomain: "acme",
		Scopes: append([]string{}, app.OAuth.Scopes.Bot...), Commands: commands,
		Events: append([]string{}, app.Settings.Events.Bot...), UnfurlDomains: app.Features.UnfurlDomains,
		Now: now,
	})
}

// seedWorkspace adds people, channels and what they said this morning. The app joins only after that, so that it is
// not told of messages from before its time.
func seedWorkspace(s *slacktest.Server, app manifest, at *clock) error {
	alice := s.AddUser("alice", slacktest.WithRealName(aliceName))
	bob := s.AddUser("bob", slacktest.WithRealName(bobName))
	carol := s.AddUser("carol", slacktest.WithRealName(carolName))
	dana := s.AddUser("dana", slacktest.WithRealName(danaName))
	gus := s.AddUser("gus", slacktest.WithRealName(gusName), slacktest.AsGuest())
	erin := s.AddUser("erin", slacktest.WithRealName(erinName), slacktest.AsExternal())

	releases := s.AddChannel("releases", slacktest.Public, alice, bob, carol, dana, gus, erin)
	builds := s.AddChannel("builds", slacktest.Public, alice, bob, carol, dana)
	random := s.AddChannel("random", slacktest.Public, alice, bob, carol, dana)
	room := s.AddChannel("release-room", slacktest.Private, alice, carol)
	dm := s.DMBetween(alice, bob)
	name, mention := app.Display.Name, app.Features.BotUser.Name

	said := []struct {
		who  *slacktest.User
		in   *slacktest.Channel
		text string
	}{
		{carol, releases, "The branch for 2.4 is cut. It goes out on Thursday."},
		{bob, releases, "End-to-end tests are green on it, staging comes next."},
		{bob, builds, "Debug builds go in here, so that <#" + releases.ID + "> stays quiet."},
		{carol, random, "Cake in the kitchen :cake:"},
		{carol, room, fmt.Sprintf("%s is not in this channel yet: `/invite @%s` brings it in.", name, mention)},
		{bob, dm, "Have you got a debug build of the login fix for me?"},
		{alice, releases, invitation(app)},
	}
	at.rewind(3 * time.Hour)
	defer at.rewind(0)
	for _, m := range said {
		at.advance(20 * time.Minute)
		if _, err := m.who.Post(m.in, m.text, ""); err != nil {
			return fmt.Errorf("seeding the workspace: %w", err)
		}
	}
	releases.InviteBot()
	builds.InviteBot()
	for _, u := range []*slacktest.User{alice, bob, carol, dana, gus} {
		s.DM(u)
	}
	return nil
}

// invitation tells whoever looks at the page for the first time what to do.
func invitation(app manifest) string {
	if len(app.Features.Commands) == 0 {
		return fmt.Sprintf("%s is here now. Mention it to see if it answers.", app.Display.Name)
	}
	c := app.Features.Commands[0]
	if c.Description == "" {
		return fmt.Sprintf("Type `%s` to try %s.", c.Command, app.Display.Name)
	}
	return fmt.Sprintf("Type `%s` here to try it: %s.", c.Command, c.Description)
}
