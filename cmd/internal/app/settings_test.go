package app_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"

	"pipebot/bot/policy"
	"pipebot/cmd/internal/app"
)

// complete are settings without a fault, and nothing but the required ones.
func complete() map[string]string {
	return map[string]string{
		"SLACK_APP_TOKEN": "xapp-1", "SLACK_BOT_TOKEN": "xoxb-1", "GITLAB_TOKEN": "glpat-1", "GITLAB_PROJECTS": "group/app",
	}
}

func environ(settings map[string]string) []string {
	var pairs []string
	for name, value := range settings {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

func TestDefaults(t *testing.T) {
	want := app.Settings{
		SlackAppToken: "xapp-1", SlackBotToken: "xoxb-1", SlackAPIURL: "https://slack.com/api/", SlackRate: 1,
		GitLabURL: "https://gitlab.com", GitLabToken: "glpat-1", Projects: []string{"group/app"}, TriggerTokens: map[string]string{},
		Authz: policy.ModeGitLab, BuildTypes: []string{"debug", "release"}, BuildTypeVariable: "BUILD_TYPE",
		PollInterval: 5 * time.Second, StartTimeout: 20 * time.Second, StartSettle: 90 * time.Second, Retention: 720 * time.Hour,
		AuditRetention: 8760 * time.Hour,
		DataDir:        "data", HTTPAddr: ":8080", LogLevel: zapcore.InfoLevel,
	}
	empty := complete()
	for _, name := range []string{"AUTHZ", "SLACK_API_URL", "GITLAB_URL", "BUILD_TYPES", "POLL_INTERVAL", "NATS_URL", "DATA_DIR", "HTTP_ADDR", "LOG_LEVEL", "LOG_FORMAT"} {
		empty[name] = ""
	}
	for name, settings := range map[string]map[string]string{"not set": complete(), "empty": empty} {
		t.Run(name, func(t *testing.T) {
			got, err := app.Load(environ(settings))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the settings (-want +got):\n%s", diff)
			}
		})
	}
}

// What is set is taken, in the forms that people write.
func TestSettings(t *testing.T) {
	settings := complete()
	maps.Copy(settings, map[string]string{
		"SLACK_API_URL": "http://127.0.0.1:1/api", "GITLAB_URL": " https://example.com/gitlab/ ", "GITLAB_PROJECTS": " group/app , 42,",
		"GITLAB_TRIGGER_TOKENS": "group/app:glptt-1, 42:glptt-2", "BUILD_TYPES": "fast", "BUILD_TYPE_VARIABLE": "KIND",
		"POLL_INTERVAL": "100ms", "HTTP_ADDR": "off", "LOG_LEVEL": "debug", "LOG_FORMAT": "console", "NATS_URL": "nats://n:4222",
		"SLACK_RATE": " 0.5 ", "AUTHZ": " Open ", "GITLAB_OAUTH_CLIENT_ID": " 0123456789abcdef ",
	})
	got, err := app.Load(environ(settings))
	if err != nil {
		t.Fatal(err)
	}
	want := app.Settings{
		SlackAppToken: "xapp-1", SlackBotToken: "xoxb-1", SlackAPIURL: "http://127.0.0.1:1/api/",
		SlackRate: 0.5, GitLabURL: "https://example.com/gitlab", GitLabToken: "glpat-1", Projects: []string{"group/app", "42"},
		TriggerTokens: map[string]string{"group/app": "glptt-1", "42": "glptt-2"},
		OAuthClientID: "0123456789abcdef", Authz: policy.ModeOpen,
		BuildTypes: []string{"fast"}, BuildTypeVariable: "KIND",
		PollInterval: 100 * time.Millisecond, StartTimeout: 20 * time.Second, StartSettle: 90 * time.Second, Retention: 720 * time.Hour,
		AuditRetention: 8760 * time.Hour,
		NATSURL:        "nats://n:4222", DataDir: "data", LogLevel: zapcore.DebugLevel, LogConsole: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the settings (-want +got):\n%s", diff)
	}
}

// Each fault is one line: the variable's name, what is wrong, an example.
func TestFaults(t *testing.T) {
	tests := map[string]struct{ name, value, want string }{
		"app token missing":       {"SLACK_APP_TOKEN", "", "SLACK_APP_TOKEN: it is missing; for example SLACK_APP_TOKEN=xapp-"},
		"app token of other kind": {"SLACK_APP_TOKEN", "xoxb-2", "SLACK_APP_TOKEN: it does not start with xapp-, so it is another kind of token"},
		"token with a space":      {"GITLAB_TOKEN", "glpat-1 2", "GITLAB_TOKEN: it holds characters that no token has"},
		"no URL":                  {"GITLAB_URL", "gitlab.example.com", "GITLAB_URL: it is no http or https URL; for example GITLAB_URL=https://"},
		"URL with a password":     {"GITLAB_URL", "https://me:secret@example.com", "GITLAB_URL: it has a user"},
		"no project":              {"GITLAB_PROJECTS", " , ", "GITLAB_PROJECTS: it is missing; for example GITLAB_PROJECTS=group/app"},
		"project without a group": {"GITLAB_PROJECTS", "app", `GITLAB_PROJECTS: entry 1, "app", is neither a path like group/app nor a numeric id`},
		"project twice":           {"GITLAB_PROJECTS", "Group/App,group/app", `GITLAB_PROJECTS: "group/app" is named twice`},
		"access token is trigger": {"GITLAB_TOKEN", "glptt-1", "GITLAB_TOKEN: it is a trigger token"},
		"token with quotes":       {"GITLAB_TOKEN", `"glpat-1"`, "GITLAB_TOKEN: it has quotes around it"},
		"the example as token":    {"GITLAB_TOKEN", "glpat-...", "GITLAB_TOKEN: it is the example"},
		"trigger token is access": {"GITLAB_TRIGGER_TOKEN", "glpat-1", "GITLAB_TRIGGER_TOKEN: it is an access token"},
		"no NATS":                 {"NATS_URL", "http://u:%zz@n", "NATS_URL: it is no list of nats:// or tls:// URLs"},
		"no port of NATS":         {"NATS_URL", "nats://n:42222222", "NATS_URL: it has a port that is above 65535; for example NATS_URL=nats://nats-1:4222"},
		"our own variable":        {"BUILD_TYPE_VARIABLE", "PIPEBOT_RUN_ID", "BUILD_TYPE_VARIABLE: variables that begin with PIPEBOT_"},
		"token without a project": {"GITLAB_TRIGGER_TOKENS", "glptt-1", "GITLAB_TRIGGER_TOKENS: entry 1 is not of the form project:token"},
		"token of no project":     {"GITLAB_TRIGGER_TOKENS", "group/api:glptt-1", "GITLAB_TRIGGER_TOKENS: entry 1 is for a project that GITLAB_PROJECTS does not name"},
		"build type twice":        {"BUILD_TYPES", "a,a", `BUILD_TYPES: "a" is named twice`},
		"build type too long":     {"BUILD_TYPES", strings.Repeat("a", 76), "entry 1 is longer than 75"},
		"no variable":             {"BUILD_TYPE_VARIABLE", "BUILD-TYPE", `BUILD_TYPE_VARIABLE: "BUILD-TYPE" is no name for a CI variable`},
		"no duration":             {"POLL_INTERVAL", "5", `POLL_INTERVAL: "5" is no duration; its units are h, m, s and ms; for example POLL_INTERVAL=5s`},
		"too often":               {"POLL_INTERVAL", "99ms", "POLL_INTERVAL: 99ms is less than 100ms"},
		"a short audit log":       {"AUDIT_RETENTION", "23h", "AUDIT_RETENTION: 23h is less than 24h0m0s; for example AUDIT_RETENTION=8760h"},
		"no rate":                 {"SLACK_RATE", "half", "SLACK_RATE: it is no number from 0.05 to 1000; for example SLACK_RATE=0.5"},
		"nothing at all":          {"SLACK_RATE", "0", "SLACK_RATE: it is no number from 0.05 to 1000"},
		"no number":               {"SLACK_RATE", "NaN", "SLACK_RATE: it is no number from 0.05 to 1000"},
		"no address":              {"HTTP_ADDR", "8080", `HTTP_ADDR: "8080" is neither host:port nor off`},
		"no port":                 {"HTTP_ADDR", ":70000", "HTTP_ADDR: 70000 is no port"},
		"no level":                {"LOG_LEVEL", "loud", `LOG_LEVEL: "loud" is none of debug, info, warn, error`},
		"no format":               {"LOG_FORMAT", "xml", `LOG_FORMAT: "xml" is neither json nor console`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			settings := complete()
			settings[test.name] = test.value
			_, err := app.Load(environ(settings))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("the fault reads %q, want %q", err, test.want)
			}
		})
	}
}

// A token is in no fault, wherever it was put.
func TestFaultsHoldNoToken(t *testing.T) {
	const canary = "canary-5e7a"
	settings := reflect.TypeFor[app.Environment]()
	for i := range settings.NumField() {
		name := settings.Field(i).Tag.Get("env")
		for _, value := range []string{"glptt-" + canary, "xoxb-" + canary, "group/app:glptt-" + canary, "nats://me:" + canary + "%zz@n", "glpat-" + canary + "="} {
			set := complete()
			set[name] = value
			set["RETENTION"] = "never" // so that there is a fault
			if _, err := app.Load(environ(set)); strings.Contains(err.Error(), canary) {
				t.Errorf("%s=%s is printed:\n%v", name, value, err)
			}
		}
	}
}

// A token may end in =, as an empty setting does.
func TestTokenThatEndsInEquals(t *testing.T) {
	settings := complete()
	settings["GITLAB_TOKEN"] = "glpat-1="
	if got, err := app.Load(environ(settings)); err != nil || got.GitLabToken != "glpat-1=" {
		t.Errorf("the token is %q, %v", got.GitLabToken, err)
	}
}

// The arguments: there are few, and a wrong one says so.
func TestArguments(t *testing.T) {
	tests := map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"version": {[]string{"version"}, 0, "pipebot v1.2.3", ""},
		"help":    {[]string{"help"}, 0, "usage: pipebot", ""},
		"unknown": {[]string{"run"}, 2, "", "takes no arguments but version, help, policy and audit"},
		"none":    {nil, 2, "", "SLACK_APP_TOKEN: it is missing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := app.Main(t.Context(), "v1.2.3", test.args, nil, &stdout, &stderr)
			if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("code %d\nstdout: %s\nstderr: %s", code, &stdout, &stderr)
			}
		})
	}
}
