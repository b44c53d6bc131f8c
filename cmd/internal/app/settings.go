package app

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"
	"go.uber.org/zap/zapcore"

	"pipebot/bot/policy"
)

// environment is the settings as people write them. env fills in strings and
// nothing else: its own errors print values, and values can be tokens.
type environment struct {
	SlackAppToken     string `env:"SLACK_APP_TOKEN"`
	SlackAppTokenFile string `env:"SLACK_APP_TOKEN_FILE"`
	SlackBotToken     string `env:"SLACK_BOT_TOKEN"`
	SlackBotTokenFile string `env:"SLACK_BOT_TOKEN_FILE"`
	SlackAPIURL       string `env:"SLACK_API_URL" envDefault:"https://slack.com/api/"`
	SlackRate         string `env:"SLACK_RATE" envDefault:"1"`
	GitLabURL         string `env:"GITLAB_URL" envDefault:"https://gitlab.com"`
	GitLabToken       string `env:"GITLAB_TOKEN"`
	GitLabTokenFile   string `env:"GITLAB_TOKEN_FILE"`
	GitLabProjects    string `env:"GITLAB_PROJECTS"`
	TriggerToken      string `env:"GITLAB_TRIGGER_TOKEN"`
	TriggerTokenFile  string `env:"GITLAB_TRIGGER_TOKEN_FILE"`
	TriggerTokens     string `env:"GITLAB_TRIGGER_TOKENS"`
	TriggerTokensFile string `env:"GITLAB_TRIGGER_TOKENS_FILE"`
	OAuthClientID     string `env:"GITLAB_OAUTH_CLIENT_ID"`
	Authz             string `env:"AUTHZ" envDefault:"gitlab"`
	PolicyFile        string `env:"POLICY_FILE"`
	BuildTypes        string `env:"BUILD_TYPES" envDefault:"debug,release"`
	BuildTypeVariable string `env:"BUILD_TYPE_VARIABLE" envDefault:"BUILD_TYPE"`
	PollInterval      string `env:"POLL_INTERVAL" envDefault:"5s"`
	StartTimeout      string `env:"START_TIMEOUT" envDefault:"20s"`
	StartSettle       string `env:"START_SETTLE" envDefault:"90s"`
	Retention         string `env:"RETENTION" envDefault:"720h"`
	AuditRetention    string `env:"AUDIT_RETENTION" envDefault:"8760h"`
	NATSURL           string `env:"NATS_URL"`
	DataDir           string `env:"DATA_DIR" envDefault:"data"`
	HTTPAddr          string `env:"HTTP_ADDR" envDefault:":8080"`
	LogLevel          string `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat         string `env:"LOG_FORMAT" envDefault:"json"`
}

// Settings is what pipebot is told by its environment, checked.
type Settings struct {
	SlackAppToken, SlackBotToken, SlackAPIURL string
	// SlackRate is the part of Slack's rate limits that is used.
	SlackRate float64

	GitLabURL, GitLabToken string
	Projects               []string
	TriggerTokens          map[string]string // by project, as Projects names it

	// OAuthClientID is the application by which people link themselves, "" for none.
	OAuthClientID string
	Authz         policy.Mode
	PolicyFile    string

	BuildTypes        []string
	BuildTypeVariable string

	PollInterval, StartTimeout, StartSettle, Retention, AuditRetention time.Duration

	NATSURL, DataDir, HTTPAddr string

	LogLevel   zapcore.Level
	LogConsole bool
}

// Load reads the settings from environment variables (NAME=value). The error joins
// all faults, each a line that names the variable, what is wrong with it and an
// example. No line holds the value of a token.
func Load(environ []string) (Settings, error) {
	raw, err := read(environ)
	if err != nil {
		return Settings{}, err
	}
	v := &validator{}
	s := raw.validate(v)
	return s, errors.Join(v.faults...)
}

// loadStore reads where the store is and nothing else, for what needs no tokens.
func loadStore(environ []string) (natsURL, dataDir string, err error) {
	raw, err := read(environ)
	if err != nil {
		return "", "", err
	}
	v := &validator{}
	natsURL = v.nats(raw.NATSURL)
	dataDir = v.folder(raw.DataDir, natsURL)
	return natsURL, dataDir, errors.Join(v.faults...)
}

func read(environ []string) (raw environment, err error) {
	set := slices.DeleteFunc(slices.Clone(environ), isUnset)
	if env.ParseWithOptions(&raw, env.Options{Environment: env.ToMap(set)}) != nil {
		err = errors.New("the environment cannot be read") // strings only: does not happen
	}
	return raw, err
}

// isUnset: in an env file an empty value means "as usual".
func isUnset(pair string) bool {
	_, value, _ := strings.Cut(pair, "=")
	return value == ""
}

// validate parses and checks everything, and words every fault.
func (e environment) validate(v *validator) Settings {
	s := Settings{
		SlackAppToken: v.token("SLACK_APP_TOKEN", e.SlackAppToken, e.SlackAppTokenFile, "xapp-", "xapp-1-A012..."),
		SlackBotToken: v.token("SLACK_BOT_TOKEN", e.SlackBotToken, e.SlackBotTokenFile, "xoxb-", "xoxb-123..."),
		SlackAPIURL:   v.url("SLACK_API_URL", e.SlackAPIURL, "https://slack.com/api/"),
		SlackRate:     v.rate("SLACK_RATE", e.SlackRate),
		GitLabURL:     strings.TrimSuffix(v.url("GITLAB_URL", e.GitLabURL, "https://gitlab.example.com"), "/"),
		GitLabToken:   v.token("GITLAB_TOKEN", e.GitLabToken, e.GitLabTokenFile, "", "glpat-..."),
		Projects:      v.projects(e.GitLabProjects),
		BuildTypes:    v.buildTypes(e.BuildTypes),

		BuildTypeVariable: v.variable("BUILD_TYPE_VARIABLE", e.BuildTypeVariable),
		PollInterval:      v.duration("POLL_INTERVAL", e.PollInterval, 100*time.Millisecond, "5s"),
		StartTimeout:      v.duration("START_TIMEOUT", e.StartTimeout, 100*time.Millisecond, "20s"),
		StartSettle:       v.duration("START_SETTLE", e.StartSettle, 100*time.Millisecond, "90s"),
		Retention:         v.duration("RETENTION", e.Retention, time.Hour, "720h"),
		AuditRetention:    v.duration("AUDIT_RETENTION", e.AuditRetention, 24*time.Hour, "8760h"),

		NATSURL: v.nats(e.NATSURL), HTTPAddr: v.address(e.HTTPAddr),
		LogLevel: v.level(e.LogLevel), LogConsole: v.format(e.LogFormat),
	}
	s.DataDir = v.folder(e.DataDir, s.NATSURL)
	if s.SlackAPIURL != "" && !strings.HasSuffix(s.SlackAPIURL, "/") {
		s.SlackAPIURL += "/"
	}
	s.TriggerTokens = v.triggerTokens(e, s.Projects)
	s.OAuthClientID = v.clientID(e.OAuthClientID)
	s.Authz, s.PolicyFile = v.authz(e.Authz, strings.TrimSpace(e.PolicyFile))
	return s
}
