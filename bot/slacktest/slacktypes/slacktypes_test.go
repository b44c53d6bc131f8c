package slacktypes_test

import (
	"strings"
	"testing"

	"pipebot/bot/slacktest/slacktypes"
)

const (
	goodBlocks = `[{"type":"section","text":{"type":"mrkdwn","text":"*hello*"}},{"type":"divider"}]`
	goodView   = `{"type":"modal","title":{"type":"plain_text","text":"A modal"},"blocks":` + goodBlocks + `}`
)

// failing collects what Check finds instead of failing this test.
type failing struct {
	testing.TB
	said []string
}

func (f *failing) Errorf(format string, args ...any) { f.said = append(f.said, format) }

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		sample slacktypes.Sample
		bad    bool
	}{
		{"blocks", slacktypes.Sample{Blocks: []byte(goodBlocks)}, false},
		{"a modal", slacktypes.Sample{View: []byte(goodView)}, false},
		{"a home tab", slacktypes.Sample{View: []byte(`{"type":"home","blocks":` + goodBlocks + `}`)}, false},
		{"an unknown block", slacktypes.Sample{Blocks: []byte(`[{"type":"marquee"}]`)}, true},
		{"an unknown block in a view", slacktypes.Sample{View: []byte(strings.Replace(goodView, "divider", "marquee", 1))}, true},
		{"mrkdwn for a title", slacktypes.Sample{View: []byte(strings.Replace(goodView, "plain_text", "mrkdwn", 1))}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &failing{TB: t}
			slacktypes.Check(f, tt.sample)
			if (len(f.said) > 0) != tt.bad {
				t.Errorf("found fault: %v, want %v", len(f.said) > 0, tt.bad)
			}
		})
	}
}
