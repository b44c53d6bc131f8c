package slacktest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// mrkdwn resolves Slack's markup as a person reads it
// (https://docs.slack.dev/messaging/formatting-message-text).
func mrkdwn(text string, n *names, at time.Time) string {
	var out strings.Builder
	for i, part := range fenced(text, "```") {
		if i%2 == 1 {
			out.WriteString("```" + unescape(part) + "```")
			continue
		}
		for j, piece := range fenced(part, "`") {
			if j%2 == 1 {
				out.WriteString("`" + unescape(resolve(piece, n, at, false)) + "`")
				continue
			}
			out.WriteString(resolve(piece, n, at, true))
		}
	}
	return out.String()
}

// fenced splits a text into what is outside and inside a pair of marks, in turn. A mark without its like is text.
func fenced(text, mark string) []string {
	parts := strings.Split(text, mark)
	if n := len(parts); n%2 == 0 {
		parts = append(parts[:n-2], parts[n-2]+mark+parts[n-1])
	}
	return parts
}

// resolve replaces <...> and, with marks, takes the marks of bold, italic and struck text away. What stood in
// <...> is kept out of the way meanwhile, each as one rune of the private use area: "*<url|label>*" is bold.
func resolve(text string, n *names, at time.Time, marks bool) string {
	const private = '\uE000'
	next := private
	var kept []string
	var b strings.Builder
	for text != "" {
		before, rest, open := strings.Cut(text, "<")
		b.WriteString(before)
		if !open {
			break
		}
		inner, after, shut := strings.Cut(rest, ">")
		if !shut {
			b.WriteString("<" + rest)
			break
		}
		b.WriteRune(next)
		next++
		kept = append(kept, reference(inner, n, at))
		text = after
	}
	plain := b.String()
	if marks {
		for _, mark := range []rune{'*', '_', '~'} {
			plain = withoutMarks(plain, mark)
		}
		plain = unescape(plain)
	}
	var out strings.Builder
	for _, r := range plain {
		if i := int(r - private); i >= 0 && i < len(kept) {
			out.WriteString(kept[i])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// withoutMarks takes a pair of marks away where Slack makes it formatting: the first mark begins a word, the
// second ends one, on one line. So feature_x_y stays as it is.
func withoutMarks(text string, mark rune) string {
	runes := []rune(text)
	drop := map[int]bool{}
	begin := -1
	for i, r := range runes {
		if r == '\n' {
			begin = -1
		}
		if r != mark {
			continue
		}
		opens := (i == 0 || !wordy(runes[i-1])) && i+1 < len(runes) && !unicode.IsSpace(runes[i+1]) && runes[i+1] != mark
		closes := begin >= 0 && i > begin+1 && !unicode.IsSpace(runes[i-1]) && (i+1 == len(runes) || !wordy(runes[i+1]))
		switch {
		case closes:
			drop[begin], drop[i] = true, true
			begin = -1
		case opens:
			begin = i
		}
	}
	var out strings.Builder
	for i, r := range runes {
		if !drop[i] {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// reference reads what stands between < and >.
func reference(inner string, n *names, at time.Time) string {
	target, label, labeled := strings.Cut(inner, "|")
	label = unescape(label)
	called := func(table map[string]string, id string) string { return cmp.Or(table[id], label, id) }
	switch {
	case strings.HasPrefix(target, "@"):
		return "@" + called(n.users, target[1:])
	case strings.HasPrefix(target, "#"):
		return "#" + called(n.channels, target[1:])
	case strings.HasPrefix(target, "!subteam^"):
		return "@" + strings.TrimPrefix(called(n.groups, strings.TrimPrefix(target, "!subteam^")), "@")
	case strings.HasPrefix(target, "!date^"):
		return date(target, label, at)
	case strings.HasPrefix(target, "!"):
		return "@" + cmp.Or(label, target[1:])
	case labeled && label != target:
		return fmt.Sprintf("%s (%s)", label, unescape(target))
	default:
		return unescape(strings.TrimPrefix(target, "mailto:"))
	}
}

// date reads <!date^seconds^format^link|fallback>. A reader without a clock gets the fallback.
func date(target, fallback string, at time.Time) string {
	parts := strings.SplitN(target, "^", 4)
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || len(parts) < 3 || at.IsZero() {
		return fallback
	}
	text := formatDate(parts[2], time.Unix(seconds, 0).In(at.Location()), at)
	if len(parts) == 4 {
		return fmt.Sprintf("%s (%s)", text, unescape(parts[3]))
	}
	return text
}

// formatDate fills in the tokens of a date (https://docs.slack.dev/messaging/formatting-message-text#date-formatting).
func formatDate(format string, t, at time.Time) string {
	full := t.Format("January ") + ordinal(t.Day()) + t.Format(", 2006")
	long := t.Format("Monday, ") + full
	short := t.Format("Jan 2, 2006")
	return strings.NewReplacer(
		"{date_num}", t.Format("2006-01-02"), "{date_slash}", t.Format("01/02/2006"),
		"{date}", full, "{date_long}", long, "{date_short}", short,
		"{date_pretty}", pretty(t, at, full), "{date_long_pretty}", pretty(t, at, long),
		"{date_short_pretty}", pretty(t, at, short),
		"{time}", t.Format("3:04 PM"), "{time_secs}", t.Format("3:04:05 PM"), "{ago}", ago(at.Sub(t)),
	).Replace(format)
}

func pretty(t, at time.Time, otherwise string) string {
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	switch day(t) {
	case day(at):
		return "today"
	case day(at.AddDate(0, 0, -1)):
		return "yesterday"
	case day(at.AddDate(0, 0, 1)):
		return "tomorrow"
	}
	return otherwise
}

func ago(d time.Duration) string {
	form := "%d %s ago"
	if d < 0 {
		d, form = -d, "in %d %s"
	}
	unit, n := "second", int(d.Seconds())
	switch {
	case d >= 24*time.Hour:
		unit, n = "day", int(d.Hours()/24)
	case d >= time.Hour:
		unit, n = "hour", int(d.Hours())
	case d >= time.Minute:
		unit, n = "minute", int(d.Minutes())
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf(form, n, unit)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
