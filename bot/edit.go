package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"
)

// unsureFor is how long Slack may take to do what it gave no answer to. Calls are given
// up after less.
const unsureFor = 15 * time.Second

// edit edits a message of the run, for a caller who saves what came of it. That an edit is
// under way is saved before: only one of two who show the run gets that far, and where no
// answer comes, because Slack gives none or the process dies, it is known that the edit may
// yet be done. An answer takes that back, but for an earlier edit that is still awaited.
func (s *showing) edit(ctx context.Context, ts string, m message) error {
	earlier := s.shown.Unsure
	s.shown.Unsure = time.Now()
	if err := s.save(s.shown); err != nil {
		return err
	}
	// Without parse, chat.update would look for names and links in the text.
	options := append(m.options(), slack.MsgOptionParse(false))
	_, _, _, err := s.API.UpdateMessageContext(ctx, s.shown.Channel, ts, options...)
	if err != nil && unanswered(err) {
		s.shown.Unsure = time.Now()
	} else {
		s.shown.Unsure = earlier
	}
	return err
}

// settle has all drawn anew once an edit that no answer came to is done, or never will be.
func (s *showing) settle() error {
	if s.shown.Unsure.IsZero() || s.awaited() > 0 {
		return nil
	}
	s.shown = s.shown.Uncertain()
	s.shown.Unsure = time.Time{}
	return s.save(s.shown)
}

// unsure is when to settle, 0 for nothing to settle.
func (s *showing) unsure() time.Duration {
	if s.shown.Unsure.IsZero() {
		return 0
	}
	return max(s.awaited(), time.Millisecond)
}

// awaited is how much longer an edit may come that no answer came to. Where another replica
// asked for it, that one's clock may be a little ahead.
func (s *showing) awaited() time.Duration {
	now := time.Now()
	if ahead := s.shown.Unsure.Sub(now); ahead > 0 && ahead < unsureFor {
		return unsureFor
	}
	return left(s.shown.Unsure, unsureFor, now)
}
