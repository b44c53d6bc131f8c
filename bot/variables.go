package bot

import (
	"fmt"
	"regexp"
	"strings"
)

// variableKey is what GitLab takes as a variable's key.
// https://docs.gitlab.com/ci/variables/#define-a-cicd-variable-in-the-ui
var variableKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reservedPrefix is of the variables that pipebot sets itself.
const reservedPrefix = "PIPEBOT_"

// faultsShown is how many wrong lines are named at once. Three thousand characters
// can hold a thousand of them, and Slack drops an acknowledgement of that size.
const faultsShown = 10

// parseVariables reads one KEY=VALUE a line; spaces around either do not count. What
// is wrong is said at once, one line each.
func parseVariables(text, buildTypeVariable string) (variables map[string]string, faults string) {
	variables = make(map[string]string)
	var wrong []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, hasValue := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if fault := variableFault(key, hasValue && value != "", variables, buildTypeVariable); fault != "" {
			wrong = append(wrong, fault)
			continue
		}
		variables[key] = value
	}
	if more := len(wrong) - faultsShown; more > 0 {
		wrong = append(wrong[:faultsShown], fmt.Sprintf("and %d more", more))
	}
	if len(wrong) > 0 {
		return nil, strings.Join(wrong, "\n")
	}
	return variables, ""
}

func variableFault(key string, hasValue bool, seen map[string]string, buildTypeVariable string) string {
	shown := shortenEnd(key, optionSize)
	_, twice := seen[key]
	switch {
	case key == "":
		return "A key is missing, write KEY=VALUE"
	case !variableKey.MatchString(key):
		return shown + ": a key has letters, digits and _ only, and starts with no digit"
	case !hasValue:
		return shown + ": a value is missing, write KEY=VALUE"
	case key == buildTypeVariable:
		return shown + ": this is the build type, choose it above"
	case strings.HasPrefix(key, reservedPrefix):
		return fmt.Sprintf("%s: keys that start with %s are set by me", shown, reservedPrefix)
	case twice:
		return shown + ": this key is there twice, keep one"
	default:
		return ""
	}
}
