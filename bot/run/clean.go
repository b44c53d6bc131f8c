package run

import (
	"regexp"
	"strings"
	"unicode"
)

// longestText is how many characters of a text are kept.
const longestText = 500

// tokenLook is how tokens of GitLab and Slack begin, and what follows. A name that
// looks like one is masked too: that loses less than a token that is not.
// https://docs.gitlab.com/security/tokens/#token-prefixes
var tokenLook = regexp.MustCompile(`(?i)(gl(pat|ptt|oas|dt|rt|rtr|cbt|ft|imt|agent|wt|soat|ffct)-|xox[a-z]-|xoxe\.|xapp-)[A-Za-z0-9_.=-]*`)

// clean makes one line of valid, visible text of a sane length, without tokens.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			// These show nothing. They would hide a token from the mask, and turn
			// around how the line reads.
			return -1
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = tokenLook.ReplaceAllString(strings.TrimSpace(text), "***")
	if runes := []rune(text); len(runes) > longestText {
		text = string(runes[:longestText-1]) + "…"
	}
	return text
}
