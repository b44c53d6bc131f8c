package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// validator collects faults.
type validator struct{ faults []error }

func (v *validator) fault(name, wrong, example string) {
	v.faults = append(v.faults, fmt.Errorf("%s: %s; for example %s=%s", name, wrong, name, example))
}

// tokenForm is how tokens of Slack and GitLab begin.
var tokenForm = regexp.MustCompile(`(?i)xapp-|xox[a-z]-|gl[a-z]{2,5}-`)

// shown quotes a value for its fault, unless it may be a token: people put them in
// the wrong places, and faults end in logs.
func shown(value string) string {
	const longest = 100
	if tokenForm.MatchString(value) || strings.Contains(value, "@") || len(value) > longest {
		return "its value"
	}
	return strconv.Quote(value)
}

// secret is a value that may come from a file instead. from is the variable that
// it came from.
func (v *validator) secret(name, value, file, example string) (secret, from string, ok bool) {
	value, file = strings.TrimSpace(value), strings.TrimSpace(file)
	switch {
	case value != "" && file != "":
		v.fault(name, "it is set, and so is "+name+"_FILE; keep one of them", example)
		return "", name, false
	case file == "":
		return value, name, true
	}
	from, example = name+"_FILE", "/run/secrets/"+strings.ToLower(name)
	data, err := readSmall(file)
	if err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err // without the path, which may be a token put here by mistake
		}
		v.fault(from, fmt.Sprintf("the file that it names cannot be read (%v)", err), example)
		return "", from, false
	}
	secret = strings.TrimSpace(string(data))
	if secret == "" {
		v.fault(from, "the file that it names is empty", example)
	}
	return secret, from, secret != ""
}

// readSmall reads a file of a token's size.
func readSmall(name string) ([]byte, error) {
	const most = 64 << 10
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if len(data) > most {
		return nil, errors.New("it is larger than 64 KiB")
	}
	return data, err
}

func (v *validator) token(name, value, file, prefix, example string) string {
	token, from, ok := v.secret(name, value, file, example)
	if !ok {
		return ""
	}
	switch {
	case token == "":
		v.fault(from, "it is missing", example)
	case !strings.HasPrefix(token, prefix):
		v.fault(from, "it does not start with "+prefix+", so it is another kind of token", example)
	case strings.HasPrefix(token, triggerPrefix):
		v.fault(from, "it is a trigger token, and this takes an access token", example)
	default:
		v.tokenForm(from, token, example)
	}
	return token
}

// triggerPrefix begins a trigger token, unless an instance has a prefix of its own.
const triggerPrefix = "glptt-"

// tokenForm finds what slips into a token when it is copied.
func (v *validator) tokenForm(name, token, example string) {
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		v.fault(name, "it holds characters that no token has, such as a space or a second line", example)
	case strings.ContainsAny(token, "\"'"):
		v.fault(name, "it has quotes around it", example)
	case strings.HasSuffix(token, "..."):
		v.fault(name, "it is the example, not a token", example)
	}
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

// rate is a part of a limit, or a multiple.
func (v *validator) rate(name, value string) float64 {
	const least, most = 0.05, 1000
	part, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(part >= least && part <= most) {
		v.fault(name, fmt.Sprintf("it is no number from %g to %g", least, float64(most)), "0.5")
	}
	return part
}

// nats checks the addresses of NATS servers. They may hold a password.
func (v *validator) nats(value string) string {
	const name, example = "NATS_URL", "nats://nats-1:4222,nats://nats-2:4222"
	for _, server := range list(value) {
		u, err := url.Parse(server)
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			v.fault(name, "it is no list of nats:// or tls:// URLs", example)
			break
		}
		if _, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && err != nil {
			v.fault(name, "it has a port that is above 65535", example)
			break
		}
	}
	return strings.TrimSpace(value)
}

// folder checks where things are kept that no outside NATS keeps.
func (v *validator) folder(value, natsURL string) string {
	value = strings.TrimSpace(value)
	if natsURL == "" && value == "" {
		v.fault("DATA_DIR", "it is empty", "/var/lib/pipebot")
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
		same := func(other string) bool { return strings.EqualFold(other, project) }
		switch {
		case !projectForm.MatchString(project):
			v.fault(name, fmt.Sprintf("entry %d, %s, is neither a path like group/app nor a numeric id", i+1, shown(project)), example)
		case slices.ContainsFunc(projects[:i], same):
			v.fault(name, fmt.Sprintf("%s is named twice", shown(project)), example)
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
			v.fault(name, fmt.Sprintf("entry %d is longer than %d bytes", i+1, most), example)
		}
		if slices.Contains(types[:i], t) {
			v.fault(name, fmt.Sprintf("%s is named twice", shown(t)), example)
		}
	}
	return types
}

var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (v *validator) variable(name, value string) string {
	value = strings.TrimSpace(value)
	switch {
	case !variableForm.MatchString(value):
		v.fault(name, shown(value)+" is no name for a CI variable", "BUILD_TYPE")
	case strings.HasPrefix(value, "PIPEBOT_"):
		v.fault(name, "variables that begin with PIPEBOT_ are set by pipebot itself", "BUILD_TYPE")
	}
	return value
}

func (v *validator) duration(name, value string, least time.Duration, example string) time.Duration {
	value = strings.TrimSpace(value)
	d, err := time.ParseDuration(value)
	if err != nil {
		v.fault(name, shown(value)+" is no duration; its units are h, m, s and ms", example)
	} else if d < least {
		v.fault(name, fmt.Sprintf("%s is less than %s", value, least), example)
	}
	return d
}

// httpOff is the HTTP_ADDR that opens no port.
const httpOff = "off"

var addressForm = regexp.MustCompile(`^[^\s/]*:([0-9]{1,5})$`)

func (v *validator) address(value string) string {
	value = strings.TrimSpace(value)
	if strings.EqualFold(value, httpOff) {
		return ""
	}
	match := addressForm.FindStringSubmatch(value)
	if match == nil {
		v.fault("HTTP_ADDR", shown(value)+" is neither host:port nor "+httpOff, ":8080")
		return ""
	}
	if port, err := strconv.Atoi(match[1]); err != nil || port > 65535 {
		v.fault("HTTP_ADDR", match[1]+" is no port", ":8080")
	}
	return value
}

func (v *validator) level(value string) zapcore.Level {
	value = strings.TrimSpace(value)
	level, err := zapcore.ParseLevel(value)
	if err != nil || level > zapcore.ErrorLevel {
		v.fault("LOG_LEVEL", shown(value)+" is none of debug, info, warn, error", "info")
	}
	return level
}

func (v *validator) format(value string) (console bool) {
	value = strings.ToLower(strings.TrimSpace(value))
	if value != "json" && value != "console" {
		v.fault("LOG_FORMAT", shown(value)+" is neither json nor console", "json")
	}
	return value == "console"
}

// triggerTokens joins the two ways to give them.
func (v *validator) triggerTokens(e environment, projects []string) map[string]string {
	const one, many = "GITLAB_TRIGGER_TOKEN", "GITLAB_TRIGGER_TOKENS"
	const oneExample, manyExample = "glptt-...", "group/app:glptt-...,group/api:glptt-..."
	single, oneFrom, ok := v.secret(one, e.TriggerToken, e.TriggerTokenFile, oneExample)
	several, manyFrom, alsoOK := v.secret(many, e.TriggerTokens, e.TriggerTokensFile, manyExample)
	tokens := make(map[string]string)
	if !ok || !alsoOK {
		return tokens
	}
	switch {
	case single != "" && several != "":
		v.fault(many, "it is set, and so is "+one+"; keep one of them", manyExample)
	case single != "" && len(projects) > 1:
		v.fault(many, "there are several projects, so "+one+" cannot tell which it is for; use this one", manyExample)
	case single != "" && len(projects) == 1:
		tokens[projects[0]] = v.triggerToken(oneFrom, "it", single, oneExample)
	}
	for i, pair := range list(several) {
		project, token, ok := strings.Cut(pair, ":")
		project, token = strings.TrimSpace(project), strings.TrimSpace(token)
		entry := fmt.Sprintf("entry %d", i+1)
		switch {
		case !ok || token == "" || project == "":
			v.fault(manyFrom, entry+" is not of the form project:token", manyExample)
		case !slices.Contains(projects, project):
			v.fault(manyFrom, entry+" is for a project that GITLAB_PROJECTS does not name", manyExample)
		case tokens[project] != "":
			v.fault(manyFrom, project+" has two tokens", manyExample)
		default:
			tokens[project] = v.triggerToken(manyFrom, entry, token, manyExample)
		}
	}
	return tokens
}

func (v *validator) triggerToken(name, entry, token, example string) string {
	if strings.HasPrefix(token, "glpat-") {
		v.fault(name, entry+" is an access token, and this takes a trigger token", example)
		return token
	}
	v.tokenForm(name, token, example)
	return token
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
