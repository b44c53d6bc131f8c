package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// Display brings what stands in Slack in line with runs.
type Display struct {
	API  *slack.Client
	Tell *Teller
	// BotName is how people invite the bot.
	BotName func() string
	// CardInterval is the least time between two edits of a card.
	CardInterval time.Duration
	Log          *zap.Logger
}

// Show does what is due for one run: private notices, the card, replies in its
// thread. Whatever was done is saved before the next thing is begun.
func (d *Display) Show(ctx context.Context, r run.Run, save func(run.Shown) error) (again time.Duration, err error) {
	s := &showing{Display: d, run: r, shown: r.Shown, save: save}
	if err := s.notices(ctx); err != nil {
		return retryAfter(err), err
	}
	again, err = s.card(ctx)
	if err != nil || again > 0 {
		return max(again, retryAfter(err)), err
	}
	if again, err = s.replies(ctx); err != nil {
		return retryAfter(err), err
	}
	return again, nil
}

// showing is the work of one Show.
type showing struct {
	*Display
	run   run.Run
	shown run.Shown
	save  func(run.Shown) error
}

func (s *showing) told(name string) bool { return slices.Contains(s.shown.Told, name) }

func (s *showing) tell(name string) error {
	s.shown.Told = append(s.shown.Told, name)
	return s.save(s.shown)
}

// notices tells the asker alone what concerns nobody else.
func (s *showing) notices(ctx context.Context) error {
	name, m := noticeFor(s.run)
	if name == "" || s.told(name) {
		return nil
	}
	request := s.run.Request
	err := s.Tell.privately(ctx, recipient{User: request.Asker, Channel: request.Channel, ReplyURL: request.ReplyURL}, m)
	if err != nil && !permanent(err) {
		return err
	}
	return s.tell(name)
}

func noticeFor(r run.Run) (name string, m message) {
	switch {
	case r.State == run.Held && r.Hold.For == run.ForLink:
		return "link", linkFirst(r)
	case r.State == run.Refused:
		return "refused", notStarted(r)
	case r.State == run.Unknown:
		return "unknown", uncertain(r)
	case (r.State == run.Requested || r.State == run.Starting) && r.Waiting != nil:
		return "waits", waits(r)
	default:
		return "", message{}
	}
}

// toldLost marks a card that somebody deleted.
const toldLost = "card:lost"

// card posts the card, or edits it where it differs from what was last sent.
func (s *showing) card(ctx context.Context) (again time.Duration, err error) {
	if s.shown.Card == "" && !wantsCard(s.run) || s.told(toldLost) {
		return 0, nil
	}
	if s.shown.Card == "" {
		again, err := s.post(ctx, cardName, s.drawCard())
		if err != nil || again > 0 || s.shown.Card == "" {
			return again, err
		}
		// One that was found again may be of an older state.
	}
	drawn := s.drawCard()
	hash := hashOf(drawn)
	if s.shown.Hash == hash {
		return 0, nil
	}
	if wait := left(s.shown.At, s.CardInterval, time.Now()); wait > 0 && s.run.State == run.Started {
		return wait, nil
	}
	// Without parse, chat.update would look for names and links in the text.
	options := append(drawn.options(), slack.MsgOptionParse(false))
	if _, _, _, err := s.API.UpdateMessageContext(ctx, s.shown.Channel, s.shown.Card, options...); err != nil {
		if !lost(err) {
			return editAgain(err), err
		}
		s.Log.Warn("a card cannot be edited any more", zap.String("run", s.run.Request.ID), zap.String("reason", slackReason(err)))
		return 0, s.tell(toldLost)
	}
	s.shown.Hash, s.shown.At = hash, time.Now()
	return 0, s.save(s.shown)
}

// editAgain is when an edit is tried again that Slack refused: not soon, since it
// may refuse it again, but before people take an old card for the truth.
func editAgain(err error) time.Duration {
	if permanent(err) {
		return 30 * time.Second
	}
	return 0
}

// lost: there is no such card any more that could be edited.
// https://docs.slack.dev/reference/methods/chat.update#errors
func lost(err error) bool {
	answer, refused := asSlackError(err)
	return refused && slices.Contains([]string{
		"message_not_found", "channel_not_found", "is_archived", "not_in_channel", "cant_update_message", "edit_window_closed",
	}, answer.Err)
}

// wantsCard: a request that nothing came of is the asker's business alone.
func wantsCard(r run.Run) bool {
	return r.State == run.Started || r.State == run.Ended || r.State == run.Unknown || r.State == run.Starting && r.Unclear ||
		r.State == run.Held && r.Hold.For == run.ForApproval
}

func (s *showing) drawCard() message {
	drawn := card(s.run)
	if s.away() {
		drawn.Blocks = append(drawn.Blocks, inviteHint(s.run.Request.Channel, s.BotName()))
	}
	return drawn
}

// away: the card is in the asker's direct messages for want of a better place.
func (s *showing) away() bool {
	asked := s.run.Request.Channel
	return s.shown.Channel != "" && s.shown.Channel != asked && !policy.IsUserID(asked)
}

// replies gives the thread what it should hold by now.
func (s *showing) replies(ctx context.Context) (again time.Duration, err error) {
	if s.shown.Card == "" {
		return 0, nil
	}
	if again, err := s.resume(ctx); err != nil || again > 0 {
		return again, err
	}
	for _, reply := range replies(s.run) {
		if s.told(reply.name) {
			continue
		}
		again, err := s.post(ctx, reply.name, reply.message)
		if err != nil || again > 0 {
			return again, err
		}
	}
	return 0, s.redraw(ctx)
}

func hashOf(m message) string {
	data, err := json.Marshal(m)
	if err != nil {
		return "" // blocks always encode; an empty hash draws anew
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// permanent: asking again would be answered the same.
func permanent(err error) bool {
	_, answered := asSlackError(err)
	return answered
}

func retryAfter(err error) time.Duration {
	if limited := asRateLimited(err); limited != nil {
		return limited.RetryAfter
	}
	return 0
}

// slackReason is an error of Slack as it may be logged: errors of the HTTP client
// can hold a reply URL.
func slackReason(err error) string {
	if answer, ok := asSlackError(err); ok {
		return answer.Err
	}
	if limited := asRateLimited(err); limited != nil {
		return fmt.Sprintf("rate limited for %s", limited.RetryAfter)
	}
	return "no usable answer from Slack"
}
