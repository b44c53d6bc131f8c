package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
	sandbox "pipebot/cmd/sandbox"
	"pipebot/deploy"
)

const otherApp = `{
  "display_information": {"name": "Deploys"},
  "features": {
    "bot_user": {"display_name": "deploys"},
    "app_home": {"home_tab_enabled": true},
    "slash_commands": [{"command": "/ship", "description": "Ship it", "usage_hint": "[version]"}],
    "shortcuts": [{"name": "Ship this", "type": "message", "callback_id": "ship", "description": "Ships it"}]
  },
  "oauth_config": {"scopes": {"bot": ["commands"]}},
  "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}, "socket_mode_enabled": true}
}`

func TestManifestInJSON(t *testing.T) {
	m, err := sandbox.ReadManifest([]byte(otherApp))
	if err != nil {
		t.Fatal(err)
	}
	var want sandbox.Manifest
	want.Display.Name, want.Features.BotUser.Name, want.Features.Home.Tab = "Deploys", "deploys", true
	want.Features.Commands = append(want.Features.Commands, m.Features.Commands...)
	want.Features.Shortcuts = append(want.Features.Shortcuts, m.Features.Shortcuts...)
	want.OAuth.Scopes.Bot, want.Settings.Events.Bot = []string{"commands"}, []string{"app_home_opened"}
	want.Settings.SocketMode = true
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := m.Features.Commands[0]; c.Command != "/ship" || c.Description != "Ship it" || c.UsageHint != "[version]" {
		t.Errorf("command %+v", c)
	}
	if s := m.Features.Shortcuts[0]; s.CallbackID != "ship" || s.Type != "message" || s.Name != "Ship this" {
		t.Errorf("shortcut %+v", s)
	}
}

func TestManifestOfPipebotIsRead(t *testing.T) {
	m, err := sandbox.ReadManifest(deploy.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if m.Display.Name != "pipebot" || len(m.Features.Commands) != 1 || !slices.Contains(m.OAuth.Scopes.Bot, "chat:write") {
		t.Errorf("read as %+v", m)
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	for _, test := range []struct{ name, edit, with, says string }{
		{"no JSON", `}`, ``, "neither YAML nor JSON"},
		{"no name", `"name": "Deploys"`, ``, "display_information.name"},
		{"no Socket Mode", `, "socket_mode_enabled": true`, ``, "socket_mode_enabled"},
		{"a command without slash", `"/ship"`, `"ship"`, "slash_commands[0]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := sandbox.ReadManifest([]byte(strings.Replace(otherApp, test.edit, test.with, 1)))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one of %q", err, test.says)
			}
		})
	}
}

func TestWorkspaceOfTheManifestAlone(t *testing.T) {
	m, err := sandbox.ReadManifest([]byte(otherApp))
	if err != nil {
		t.Fatal(err)
	}
	clock := &sandbox.Clock{}
	s := sandbox.NewWorkspace(m, sandbox.NewTokens(), clock.Now)
	defer s.Close()
	if err := sandbox.SeedWorkspace(s, m, clock); err != nil {
		t.Fatal(err)
	}
	alice := s.Users()[0]
	if err := alice.Command(t.Context(), s.Channels()[0], "/pipeline", ""); err == nil {
		t.Error("it takes a command that is not in the manifest")
	}
	var kinds []slacktest.UserKind
	for _, u := range s.Users() {
		kinds = append(kinds, u.Kind)
	}
	want := append(slices.Repeat([]slacktest.UserKind{slacktest.Member}, 4), slacktest.Guest, slacktest.External)
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
}
