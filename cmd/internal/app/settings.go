package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"
	"go.uber.org/zap/zapcore"
)

// environment is the settings as people write them. env fills in strings and
// nothing else: its own errors print values, and values can be tokens.
type environment struct {
	SlackAppToken     string `env:"SLACK_APP_TOKEN"`
	SlackAppTokenFile string `env:"SLACK_APP_TOKEN_FILE"`
	SlackBotToken     string `env:"SLACK_BOT_TOKEN"`
	SlackBotTokenFile string `env:"SLACK_BOT_TOKEN_FILE"`
	SlackAPIURL       string `env:"SLACK_API_URL" envDefault:"https://slack.com/api/"`
	GitLabURL         string `env:"GITLAB_URL" envDefault:"https://gitlab.com"`
	GitLabToken       string `env:"GITLAB_TOKEN"`
	GitLabTokenFile   string `env:"GITLAB_TOKEN_FILE"`
	GitLabProjects    string `env:"GITLAB_PROJECTS"`
	TriggerToken      string `env:"GITLAB_TRIGGER_TOKEN"`
	TriggerTokenFile  string `env:"GITLAB_TRIGGER_TOKEN_FILE"`
	TriggerTokens     string `env:"GITLAB_TRIGGER_TOKENS"`
	TriggerTokensFile string `env:"GITLAB_TRIGGER_TOKENS_FILE"`
	BuildTypes        string `env:"BUILD_TYPES" envDefault:"debug,release"`
	BuildTypeVariable string `env:"BUILD_TYPE_VARIABLE" envDefault:"BUILD_TYPE"`
	PollInterval      string `env:"POLL_INTERVAL" envDefault:"5s"`
	StartTimeout      string `env:"START_TIMEOUT" envDefault:"20s"`
	StartSettle       string `env:"START_SETTLE" envDefault:"90s"`
	Retention         string `env:"RETENTION" envDefault:"720h"`
	NATSURL           string `env:"NATS_URL"`
	DataDir           string `env:"DATA_DIR" envDefault:"data"`
	HTTPAddr          string `env:"HTTP_ADDR" envDefault:":8080"`
	LogLevel          string `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat         string `env:"LOG_FORMAT" envDefault:"json"`
}

// Settings is what pipebot is told by its environment, checked.
type Settings struct {
	SlackAppToken, SlackBotToken, SlackAPIURL string

	GitLabURL, GitLabToken string
	Projects               []string
	TriggerTokens          map[string]string // by project, as Projects names it

	BuildTypes        []string
	BuildTypeVariable string

	PollInterval, StartTimeout, StartSettle, Retention time.Duration

	NATSURL, DataDir, HTTPAddr string

	LogLevel   zapcore.Level
	LogConsole bool
}

// Load reads the settings from environment variables (NAME=value). The error joins
// all faults, each a line that names the variable, what is wrong with it and an
// example. No line holds the value of a token.
func Load(environ []string) (Settings, error) {
	var raw environment
	// In an env file an empty value means "as usual".
	set := slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasSuffix(pair, "=") })
	if err := env.ParseWithOptions(&raw, env.Options{Environment: env.ToMap(set)}); err != nil {
		return Settings{}, errors.New("the environment cannot be read") // strings only: does not happen
	}
	v := &validator{}
	s := raw.validate(v)
	return s, errors.Join(v.faults...)
}

// validate parses and checks everything, and words every fault.
func (e environment) validate(v *validator) Settings {
	s := Settings{
		SlackAppToken: v.token("SLACK_APP_TOKEN", e.SlackAppToken, e.SlackAppTokenFile, "xapp-", "xapp-1-A012..."),
		SlackBotToken: v.token("SLACK_BOT_TOKEN", e.SlackBotToken, e.SlackBotTokenFile, "xoxb-", "xoxb-123..."),
		SlackAPIURL:   v.url("SLACK_API_URL", e.SlackAPIURL, "https://slack.com/api/"),
		GitLabURL:     strings.TrimSuffix(v.url("GITLAB_URL", e.GitLabURL, "https://gitlab.example.com"), "/"),
		GitLabToken:   v.token("GITLAB_TOKEN", e.GitLabToken, e.GitLabTokenFile, "", "glpat-..."),
		Projects:      v.projects(e.GitLabProjects),
		BuildTypes:    v.buildTypes(e.BuildTypes),

		BuildTypeVariable: v.variable("BUILD_TYPE_VARIABLE", e.BuildTypeVariable),
		PollInterval:      v.duration("POLL_INTERVAL", e.PollInterval, 100*time.Millisecond, "5s"),
		StartTimeout:      v.duration("START_TIMEOUT", e.StartTimeout, 100*time.Millisecond, "20s"),
		StartSettle:       v.duration("START_SETTLE", e.StartSettle, 100*time.Millisecond, "90s"),
		Retention:         v.duration("RETENTION", e.Retention, time.Hour, "720h"),

		NATSURL: strings.TrimSpace(e.NATSURL), DataDir: strings.TrimSpace(e.DataDir),
		HTTPAddr: v.address(e.HTTPAddr),
		LogLevel: v.level(e.LogLevel), LogConsole: v.format(e.LogFormat),
	}
	if s.NATSURL == "" && s.DataDir == "" {
		v.fault("DATA_DIR", "it is empty", "/var/lib/pipebot")
	}
	if s.SlackAPIURL != "" && !strings.HasSuffix(s.SlackAPIURL, "/") {
		s.SlackAPIURL += "/"
	}
	s.TriggerTokens = v.triggerTokens(e, s.Projects)
	return s
}

// validator collects faults.
type validator struct{ faults []error }

func (v *validator) fault(name, wrong, example string) {
	v.faults = append(v.faults, fmt.Errorf("%s: %s; for example %s=%s", name, wrong, name, example)) //nolint:err113 // read by people
}

// secret is a value that may come from a file instead.
func (v *validator) secret(name, value, file, example string) (string, bool) {
	value, file = strings.TrimSpace(value), strings.TrimSpace(file)
	switch {
	case value != "" && file != "":
		v.fault(name, "it is set, and so is "+name+"_FILE; keep one of them", example)
		return "", false
	case file == "":
		return value, true
	}
	data, err := os.ReadFile(file)
	if err != nil {
		reason := err
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			reason = p.Err
		}
		v.fault(name+"_FILE", fmt.Sprintf("the file %s cannot be read (%v)", file, reason), "/run/secrets/"+strings.ToLower(name))
		return "", false
	}
	return strings.TrimSpace(string(data)), true
}

func (v *validator) token(name, value, file, prefix, example string) string {
	token, ok := v.secret(name, value, file, example)
	switch {
	case !ok:
	case token == "":
		v.fault(name, "it is missing", example)
	case !strings.HasPrefix(token, prefix):
		v.fault(name, "it does not start with "+prefix+"; is it another kind of token?", example)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		v.fault(name, "it holds characters that no token has, such as a space", example)
	}
	return token
}

func (v *validator) url(name, value, example string) string {
	value = strings.TrimSpace(value)
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		v.fault(name, "it is no http or https URL", example)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.fault(name, "it has a user, a query or a fragment, and should have none", example)
	}
	return value
}

// maxChoices is what a select of Slack holds.
const maxChoices = 100

// projectForm is a numeric id, or a path with at least one group.
// https://docs.gitlab.com/user/reserved_names/#rules-for-usernames-project-and-group-names-and-slugs
var projectForm = regexp.MustCompile(`^([0-9]+|[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+)$`)

func (v *validator) projects(value string) []string {
	const name, example = "GITLAB_PROJECTS", "group/app,group/api"
	projects := list(value)
	if len(projects) == 0 {
		v.fault(name, "it is missing", example)
	}
	if len(projects) > maxChoices {
		v.fault(name, fmt.Sprintf("it names %d projects, and Slack can show %d", len(projects), maxChoices), example)
	}
	for i, project := range projects {
		if !projectForm.MatchString(project) {
			v.fault(name, fmt.Sprintf("%q is neither a path like group/app nor a numeric id", project), example)
		}
		if slices.Contains(projects[:i], project) {
			v.fault(name, fmt.Sprintf("%q is named twice", project), example)
		}
	}
	return projects
}

func (v *validator) buildTypes(value string) []string {
	const name, example, most = "BUILD_TYPES", "debug,release", 75
	types := list(value)
	if len(types) == 0 || len(types) > maxChoices {
		v.fault(name, fmt.Sprintf("it has to name 1 to %d build types", maxChoices), example)
	}
	for i, t := range types {
		if len(t) > most {
			v.fault(name, fmt.Sprintf("%q is longer than %d bytes", t, most), example)
		}
		if slices.Contains(types[:i], t) {
			v.fault(name, fmt.Sprintf("%q is named twice", t), example)
		}
	}
	return types
}

var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (v *validator) variable(name, value string) string {
	value = strings.TrimSpace(value)
	if !variableForm.MatchString(value) {
		v.fault(name, fmt.Sprintf("%q is no name for a CI variable", value), "BUILD_TYPE")
	}
	return value
}

func (v *validator) duration(name, value string, least time.Duration, example string) time.Duration {
	value = strings.TrimSpace(value)
	d, err := time.ParseDuration(value)
	if err != nil {
		v.fault(name, fmt.Sprintf("%q is no duration", value), example)
	} else if d < least {
		v.fault(name, fmt.Sprintf("%s is less than %s", value, least), example)
	}
	return d
}

// HTTPOff is the HTTP_ADDR that opens no port.
const HTTPOff = "off"

var addressForm = regexp.MustCompile(`^[^\s/]*:([0-9]{1,5})$`)

func (v *validator) address(value string) string {
	value = strings.TrimSpace(value)
	if value == HTTPOff {
		return ""
	}
	match := addressForm.FindStringSubmatch(value)
	if match == nil {
		v.fault("HTTP_ADDR", fmt.Sprintf("%q is neither host:port nor %s", value, HTTPOff), ":8080")
		return ""
	}
	if port, err := strconv.Atoi(match[1]); err != nil || port > 65535 {
		v.fault("HTTP_ADDR", fmt.Sprintf("%s is no port", match[1]), ":8080")
	}
	return value
}

func (v *validator) level(value string) zapcore.Level {
	value = strings.TrimSpace(value)
	level, err := zapcore.ParseLevel(value)
	if err != nil || level > zapcore.ErrorLevel {
		v.fault("LOG_LEVEL", fmt.Sprintf("%q is none of debug, info, warn, error", value), "info")
	}
	return level
}

func (v *validator) format(value string) (console bool) {
	value = strings.TrimSpace(value)
	if value != "json" && value != "console" {
		v.fault("LOG_FORMAT", fmt.Sprintf("%q is neither json nor console", value), "json")
	}
	return value == "console"
}

// triggerTokens joins the two ways to give them.
func (v *validator) triggerTokens(e environment, projects []string) map[string]string {
	const one, many = "GITLAB_TRIGGER_TOKEN", "GITLAB_TRIGGER_TOKENS"
	const oneExample, manyExample = "glptt-...", "group/app:glptt-...,group/api:glptt-..."
	single, ok := v.secret(one, e.TriggerToken, e.TriggerTokenFile, oneExample)
	several, alsoOK := v.secret(many, e.TriggerTokens, e.TriggerTokensFile, manyExample)
	tokens := make(map[string]string)
	if !ok || !alsoOK {
		return tokens
	}
	switch {
	case single != "" && several != "":
		v.fault(one, "it is set, and so is "+many+"; keep one of them", oneExample)
	case single != "" && len(projects) > 1:
		v.fault(one, "there are several projects, so each token has to name its own; use "+many, oneExample)
	case single != "" && len(projects) == 1:
		tokens[projects[0]] = single
	}
	for i, pair := range list(several) {
		project, token, ok := strings.Cut(pair, ":")
		project, token = strings.TrimSpace(project), strings.TrimSpace(token)
		switch {
		case !ok || token == "" || project == "":
			v.fault(many, fmt.Sprintf("entry %d is not of the form project:token", i+1), manyExample)
		case !slices.Contains(projects, project):
			v.fault(many, fmt.Sprintf("entry %d is for a project that GITLAB_PROJECTS does not name", i+1), manyExample)
		case tokens[project] != "":
			v.fault(many, fmt.Sprintf("%s has two tokens", project), manyExample)
		default:
			tokens[project] = token
		}
	}
	return tokens
}

// list splits at commas and drops what is empty.
func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
