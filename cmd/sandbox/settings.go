package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/cmd/internal/app"
)

// settings are the bot's environment variables.
type settings map[string]string

// ours are the settings that the sandbox makes. What the bot keeps is gone with the sandbox: another bot's folder or
// NATS would hold runs of a Slack that is not this one.
func ours(slack *slacktest.Server, t tokens, dataDir string) settings {
	return settings{
		"SLACK_APP_TOKEN": t.app,
		"SLACK_BOT_TOKEN": t.bot,
		"SLACK_API_URL":   slack.APIURL(),
		"SLACK_RATE":      "1000", // this Slack has no limits
		"DATA_DIR":        dataDir,
		"NATS_URL":        "",
		"HTTP_ADDR":       "off",
	}
}

// simulated are the settings for the simulated GitLab. A lost answer is given up soon enough to watch it. Of the
// environment only the log level counts.
func simulated(gl instance, speed float64, environ []string) settings {
	poll := time.Duration(float64(500*time.Millisecond) / speed)
	s := settings{
		"POLL_INTERVAL": min(max(poll, 100*time.Millisecond), 2*time.Second).String(), // 100 ms is the bot's own least
		"START_TIMEOUT": "3s",
		"START_SETTLE":  "5s",
		"LOG_FORMAT":    "console",
		"LOG_LEVEL":     "warn",
	}
	maps.Copy(s, gl.env)
	if level := fromEnviron(environ)["LOG_LEVEL"]; level != "" {
		s["LOG_LEVEL"] = level
	}
	return s
}

// realOnes are the settings for a real GitLab: those of the environment, but for Slack's. Its people are not those of
// the simulated Slack, and whoever sits here has the tokens anyway.
func realOnes(environ []string) settings {
	s := settings{"LOG_FORMAT": "console", "LOG_LEVEL": "warn", "AUTHZ": "open"}
	for name, value := range fromEnviron(environ) {
		if value != "" && !strings.HasPrefix(name, "SLACK_") {
			s[name] = value
		}
	}
	return s
}

// fromEnviron reads NAME=value pairs.
func fromEnviron(environ []string) settings {
	s := settings{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			s[name] = value
		}
	}
	return s
}

func (s settings) environ() []string {
	pairs := make([]string, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		pairs = append(pairs, name+"="+s[name])
	}
	return pairs
}

// check lets the bot judge its settings before it is started, in its own words.
func (s settings) check() (app.Settings, error) {
	checked, err := app.Load(s.environ())
	if err != nil {
		return app.Settings{}, wrong{fmt.Errorf("wrong settings\n%w\nREADME.md lists all settings", err)}
	}
	return checked, nil
}
