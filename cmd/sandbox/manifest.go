package main

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// manifest is what the workspace has to know of an app (https://docs.slack.dev/reference/app-manifest).
type manifest struct {
	Display struct {
		Name string `yaml:"name"`
	} `yaml:"display_information"`
	Features struct {
		BotUser struct {
			Name string `yaml:"display_name"`
		} `yaml:"bot_user"`
		Home struct {
			Tab      bool `yaml:"home_tab_enabled"`
			Messages bool `yaml:"messages_tab_enabled"`
			ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
		} `yaml:"app_home"`
		Commands      []manifestCommand  `yaml:"slash_commands"`
		Shortcuts     []manifestShortcut `yaml:"shortcuts"`
		UnfurlDomains []string           `yaml:"unfurl_domains"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
		SocketMode bool `yaml:"socket_mode_enabled"`
	} `yaml:"settings"`
}

type manifestCommand struct {
	Command     string `yaml:"command"      json:"command"`
	Description string `yaml:"description"  json:"description"`
	UsageHint   string `yaml:"usage_hint"   json:"usage_hint"`
}

type manifestShortcut struct {
	Name        string `yaml:"name"        json:"name"`
	Type        string `yaml:"type"        json:"type"` // global or message
	CallbackID  string `yaml:"callback_id" json:"callback_id"`
	Description string `yaml:"description" json:"description"`
}

// readManifest reads a manifest in YAML or JSON, which is YAML too.
func readManifest(text []byte) (manifest, error) {
	var m manifest
	if err := yaml.Unmarshal(text, &m); err != nil {
		return manifest{}, fmt.Errorf("it is neither YAML nor JSON: %w", err)
	}
	if m.Display.Name == "" {
		return manifest{}, errors.New("it is no manifest of a Slack app: display_information.name is missing")
	}
	if !m.Settings.SocketMode {
		return manifest{}, errors.New("settings.socket_mode_enabled is not true, and here is nothing but Socket Mode")
	}
	for i, c := range m.Features.Commands {
		if len(c.Command) < 2 || c.Command[0] != '/' {
			return manifest{}, fmt.Errorf("slash_commands[%d].command is %q and should be one such as /deploy", i, c.Command)
		}
	}
	if m.Features.BotUser.Name == "" {
		m.Features.BotUser.Name = m.Display.Name
	}
	return m, nil
}
