package bot_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pipebot/bot"
)

func TestDuration(t *testing.T) {
	for took, want := range map[time.Duration]string{
		0:                                     "0s",
		400 * time.Millisecond:                "0s",
		42 * time.Second:                      "42s",
		59*time.Second + 600*time.Millisecond: "1m 0s",
		4*time.Minute + 12*time.Second:        "4m 12s",
		59*time.Minute + 59*time.Second:       "59m 59s",
		time.Hour:                             "1h 0m",
		25*time.Hour + 5*time.Minute:          "25h 5m",
	} {
		if got := bot.Duration(took); got != want {
			t.Errorf("Duration(%s) = %q, want %q", took, got, want)
		}
	}
}

func TestShortenMiddle(t *testing.T) {
	for _, test := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"short", "main", 10, "main"},
		{"just fits", "0123456789", 10, "0123456789"},
		{"even limit", "0123456789A", 10, "01234…789A"},
		{"odd limit", "0123456789A", 9, "0123…789A"},
		{"counts characters, not bytes", "ñandú-ñandú", 11, "ñandú-ñandú"},
		{"cuts between characters", "дддддддддд", 5, "дд…дд"},
		{"one line", "a\nb\r\nc\u2028d\te", 20, "a b  c d e"},
		{"shows what turns letters around", "a\u202eb\u2066c\u200fd", 20, "a\ufffdb\ufffdc\ufffdd"},
		{"shows control characters", "a\x00b\x1bc", 20, "a\ufffdb\ufffdc"},
		{"right-to-left letters stay", "ענף/main", 20, "ענף/main"},
		{"bytes that are no letters", "a\xffb", 20, "a\ufffdb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := bot.ShortenMiddle(test.text, test.limit)
			if got != test.want {
				t.Errorf("ShortenMiddle(%q, %d) = %q, want %q", test.text, test.limit, got, test.want)
			}
		})
	}
}

func TestShortenEnd(t *testing.T) {
	for _, test := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"short", "debug", 5, "debug"},
		{"long", "release", 5, "rele…"},
		{"counts characters, not bytes", "ñññññ", 5, "ñññññ"},
		{"one line", "a\nb", 5, "a b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := bot.ShortenEnd(test.text, test.limit); got != test.want {
				t.Errorf("ShortenEnd(%q, %d) = %q, want %q", test.text, test.limit, got, test.want)
			}
		})
	}
}

func FuzzShortenMiddle(f *testing.F) {
	f.Add("main", 75)
	f.Add(strings.Repeat("дa\n", 100), 75)
	f.Add("\xff\u202e", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 3 || limit > 1000 {
			t.Skip()
		}
		got := bot.ShortenMiddle(text, limit)
		if utf8.RuneCountInString(got) > limit || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\u2028\u202e") {
			t.Errorf("ShortenMiddle(%q, %d) = %q", text, limit, got)
		}
		if text != "" && got == "" {
			t.Errorf("ShortenMiddle(%q, %d) is empty, which Slack does not take", text, limit)
		}
	})
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"main":             "main",
		"<!channel>":       "&lt;!channel&gt;",
		"&lt;!channel&gt;": "&amp;lt;!channel&amp;gt;",
		"<http://evil|x>":  "&lt;http://evil|x&gt;",
		"a & b":            "a &amp; b",
	} {
		if got := bot.Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}
