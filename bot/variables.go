package bot

import (
	"fmt"
	"regexp"
	"slices"
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

// variables are what is set for a pipeline, one by one.
type variables struct {
	buildType string // the variable that is set by choosing a build type
	values    map[string]string
	files     []string // the keys of those whose value is a file that is yet to be typed
	wrong     []string
}

func newVariables(buildTypeVariable string) *variables {
	return &variables{buildType: buildTypeVariable, values: make(map[string]string)}
}

// add reads one KEY=VALUE; spaces around either do not count.
func (v *variables) add(text string) {
	key, value, hasValue := strings.Cut(text, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if fault := v.fault(key, value, hasValue && value != ""); fault != "" {
		v.wrong = append(v.wrong, fault)
		return
	}
	if value == askFile {
		v.files = append(v.files, key)
		return
	}
	v.values[key] = value
}

// faults are what is wrong, one line each, empty where nothing is.
func (v *variables) faults() string {
	wrong := v.wrong
	if more := len(wrong) - faultsShown; more > 0 {
		wrong = append(slices.Clone(wrong[:faultsShown]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(wrong, "\n")
}

// parseVariables reads one KEY=VALUE a line. What is wrong is said at once.
func parseVariables(text, buildTypeVariable string) *variables {
	v := newVariables(buildTypeVariable)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			v.add(line)
		}
	}
	return v
}

func (v *variables) fault(key, value string, hasValue bool) string {
	shown := shortenEnd(key, optionSize)
	_, twice := v.values[key]
	switch {
	case key == "":
		return "A key is missing, write KEY=VALUE"
	case !variableKey.MatchString(key):
		return shown + ": a key has letters, digits and _ only, and starts with no digit"
	case !hasValue:
		return shown + ": a value is missing, write KEY=VALUE"
	case key == v.buildType:
		return shown + ": this is the build type, which has its own place"
	case strings.HasPrefix(key, reservedPrefix):
		return fmt.Sprintf("%s: keys that start with %s are set by me", shown, reservedPrefix)
	case twice || slices.Contains(v.files, key):
		return shown + ": this key is there twice, keep one"
	case strings.ContainsAny(value, "\r\n"):
		return shown + ": a value is one line; for more write KEY=@"
	case value == askFile && len(key) > longestFileKey:
		return shown + ": this key is too long for a file"
	case value == askFile && len(v.files) == mostFiles:
		return shown + fmt.Sprintf(": a form has at most %d files", mostFiles)
	default:
		return ""
	}
}
