package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// The shortcuts, as the app's manifest names them.
const (
	shortcutFollow = "follow_pipeline" // in the menu of a message
	shortcutRun    = "run_pipeline"    // of the whole workspace
)

// followLinked follows the pipeline that a message links to, in its channel.
func (b *Bot) followLinked(ctx context.Context, a *arrival) {
	a.Ack(nil)
	b.answering(ctx, a, "Looking for the pipeline", func(ctx context.Context) message {
		t, ok := b.targetIn(a.Interaction.Message)
		if !ok {
			return b.forMembers(ctx, a, noLink())
		}
		r, err := b.find(ctx, a, t)
		return b.following(ctx, a, r, err, false)
	})
}

// noLink says that a message is about no pipeline.
func noLink() message {
	return warning(words("I find no address of a pipeline in this message that is in this GitLab and in a project that is set up here. Type "),
		code("/pipeline follow"), words(" and the pipeline's id."))
}

// targetIn finds the first pipeline that a message links to: in its text, in its blocks,
// and in what is attached to it, which is also where links unfold. The bot's own cards
// link to theirs.
func (b *Bot) targetIn(m slack.Message) (t target, ok bool) {
	for _, part := range []any{m.Text, m.Blocks, m.Attachments} {
		data, err := json.Marshal(part)
		if err != nil {
			b.Log.Warn("a part of a message cannot be read", zap.NamedError("reason", err))
			continue
		}
		if t, ok = b.targetInJSON(data); ok {
			return t, true
		}
	}
	return t, false
}

// targetInJSON looks through all texts, wherever they are: blocks nest, and Slack makes
// new kinds of them.
func (b *Bot) targetInJSON(data []byte) (t target, ok bool) {
	tokens := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := tokens.Token()
		if err != nil {
			return target{}, false // its end
		}
		text, _ := token.(string)
		for _, word := range strings.FieldsFunc(text, betweenAddresses) {
			if !strings.Contains(word, "://") {
				continue
			}
			if t, fault := b.parseTarget([]string{strings.TrimRight(word, ".,;:!?'")}); fault == "" {
				return t, true
			}
		}
	}
}

// betweenAddresses: spaces, what Slack puts around links, and what people do.
func betweenAddresses(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>|()[]"`, r) }
