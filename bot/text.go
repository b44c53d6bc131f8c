package bot

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
)

// escape makes text from outside safe in mrkdwn and in a message's text: no
// mention, no link. It is for plain words; names go into rich text, which knows
// no markup at all.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// oneLine keeps text from outside in its line and in its order: what breaks a line
// becomes a space, and what is not seen but turns letters around (as U+202E does
// to all that follows) becomes something that is seen.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		default:
			return r
		}
	}, text)
}

// shortenMiddle fits text into one line of so many characters. Refs that differ do
// so at their ends more than at their middles, so the middle goes.
func shortenMiddle(text string, limit int) string {
	text = oneLine(text)
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	head := limit / 2
	tail := limit - head - 1
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// shortenEnd fits text into one line of so many characters.
func shortenEnd(text string, limit int) string {
	text = oneLine(text)
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// duration is how people say how long something took: 42s, 4m 12s, 1h 5m.
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// phrase is a piece of rich text. None of its elements reads markup, so names from
// outside can be put into them as they are.
type phrase = []slack.RichTextSectionElement

func say(elements ...slack.RichTextSectionElement) phrase { return elements }

func words(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(text, nil)
}

func bold(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Bold: true})
}

func code(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Code: true})
}

func emoji(name string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionEmojiElement(name, 0, nil)
}

// mention names a person, whom Slack then notifies; what is no person's id is words.
func mention(user string) slack.RichTextSectionElement {
	if !policy.IsUserID(user) {
		return words(shortenEnd(user, jobNameSize))
	}
	return slack.NewRichTextSectionUserElement(user, nil)
}

// link is words that lead somewhere, and just words where there is no address.
func link(url, text string) slack.RichTextSectionElement {
	if url == "" {
		return words(text)
	}
	return slack.NewRichTextSectionLinkElement(url, text, nil)
}

// plainWords is a phrase as a notification shows it.
func plainWords(elements phrase) string {
	var text strings.Builder
	for _, element := range elements {
		switch element := element.(type) {
		case *slack.RichTextSectionTextElement:
			text.WriteString(element.Text)
		case *slack.RichTextSectionLinkElement:
			text.WriteString(element.Text)
		case *slack.RichTextSectionUserElement:
			text.WriteString("somebody") // who it is reads as an id there
		case *slack.RichTextSectionChannelElement:
			text.WriteString("another channel") // so does this; the one that they are in needs no name
		case *slack.RichTextSectionDateElement:
			if element.Fallback != nil {
				text.WriteString(*element.Fallback)
			}
		}
	}
	return strings.TrimSpace(text.String())
}

// ago is a moment as a reader's own client counts it, so that it stays true
// without an edit: "Started 3 minutes ago".
func ago(verb string, at time.Time) slack.RichTextSectionElement {
	fallback := verb + " " + at.UTC().Format("15:04 MST")
	return slack.NewRichTextSectionDateElement(at.Unix(), verb+" {ago}", nil, &fallback)
}

// moment is a point in time in the reader's own zone.
func moment(at time.Time) slack.RichTextSectionElement {
	fallback := at.UTC().Format("2006-01-02 15:04 MST")
	return slack.NewRichTextSectionDateElement(at.Unix(), "{date_short_pretty} {time}", nil, &fallback)
}

func paragraph(elements ...slack.RichTextSectionElement) slack.RichTextElement {
	return slack.NewRichTextSection(elements...)
}

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}
