package policy

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// What a text of the policy file has to be. A pattern that nothing can match is a
// fault, because a rule that refuses would silently refuse nothing.

// Slack's ids are a letter that says what it is of, then letters and digits.
// https://docs.slack.dev/reference/objects
var (
	userForm    = regexp.MustCompile(`^([TE][A-Z0-9]+/)?[UW][A-Z0-9]+$`)
	groupForm   = regexp.MustCompile(`^S[A-Z0-9]+$`)
	channelForm = regexp.MustCompile(`^[CGD][A-Z0-9]+$`)
)

// The names that GitLab takes.
// https://docs.gitlab.com/user/reserved_names/#rules-for-usernames-project-and-group-names-and-slugs
// https://docs.gitlab.com/ci/variables/#define-a-cicd-variable-in-the-ui
var (
	usernameForm = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*$`)
	projectForm  = regexp.MustCompile(`^[A-Za-z0-9_.*-]+(/[A-Za-z0-9_.*-]+)*$`)
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// durationForm is less than what Go takes: no fractions, and nothing below a minute.
var durationForm = regexp.MustCompile(`^([0-9]{1,3}h)?([0-9]{1,5}m)?$`)

// reservedPrefix is of the variables that pipebot sets itself.
const reservedPrefix = "PIPEBOT_"

// IsUserID reports whether a text names a person as the policy file does: U012AB3CD,
// or T012AB3CD/U012AB3CD.
func IsUserID(text string) bool { return userForm.MatchString(text) }

func wrongUser(text string) string {
	if !IsUserID(text) {
		return shown(text) + " is no Slack user id such as U012AB3CD, or T012AB3CD/U012AB3CD for somebody of another " +
			"workspace; people are ids, never names"
	}
	return ""
}

func wrongGroup(text string) string {
	if !groupForm.MatchString(text) {
		return shown(text) + " is no id of a Slack user group such as S012AB3CD; groups are ids, never names"
	}
	return ""
}

func wrongChannel(text string) string {
	if !channelForm.MatchString(text) {
		return shown(text) + " is no id of a Slack channel such as C012AB3CD; channels are ids, never names"
	}
	return ""
}

func wrongUsername(text string) string {
	if !usernameForm.MatchString(text) {
		return shown(text) + " is no GitLab username; write it without @, such as alice"
	}
	return ""
}

func wrongProject(text string) string {
	if !projectForm.MatchString(text) || !strings.ContainsAny(text, "/*") {
		return shown(text) + " is neither a project's path such as group/app nor a pattern such as group/*"
	}
	return ""
}

// wrongRef: https://git-scm.com/docs/git-check-ref-format says what no ref can have.
func wrongRef(text string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if strings.HasPrefix(text, prefix) {
			return shown(text) + " begins with " + prefix + "; write the name alone, under branches or tags"
		}
	}
	isWrong := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?[\`, r) }
	if i := strings.IndexFunc(text, isWrong); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Sprintf("%s: no branch or tag has %q, and only * is special in a pattern", shown(text), r)
	}
	if strings.HasPrefix(text, "/") || strings.HasSuffix(text, "/") {
		return shown(text) + ": no branch or tag begins or ends with a slash"
	}
	return ""
}

func wrongVariable(text string) string {
	switch {
	case !variableForm.MatchString(text):
		return shown(text) + " is no name for a CI variable"
	case strings.HasPrefix(text, reservedPrefix):
		return shown(text) + ": variables that begin with " + reservedPrefix + " are set by pipebot itself"
	default:
		return ""
	}
}

func wrongName(text string) string {
	return tooLong(text, 100)
}

func wrongReason(text string) string {
	return tooLong(text, textSize)
}

func tooLong(text string, most int) string {
	if utf8.RuneCountInString(text) > most {
		return fmt.Sprintf("it is longer than %d characters", most)
	}
	return ""
}

func anyText(string) string { return "" }
