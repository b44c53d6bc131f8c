package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/budget"
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
	// Budget is what may be asked of Slack.
	Budget *budget.Budget
	Log    *zap.Logger
}

// Show does what is due for one run: private notices, the card, replies in its
// thread. Whatever was done is saved before the next thing is begun. What the budget
// has nothing left for waits, and is drawn anew when its turn comes; an edit that waits
// or fails holds up no reply.
//
// A card does not go back to an older state and stay there: save refuses whoever is not
// the only one to show the run any more, and is asked right before each post and each
// edit. What it cannot see is an edit that is on its way for longer than another takes
// to follow it, since Slack takes edits without asking what they replace. The old state
// may stand for a moment then. It is overwritten: after an edit that no answer came to,
// by the next Show once unsureFor is over; where two have shown the run, by the one that
// finds out.
func (d *Display) Show(ctx context.Context, r run.Run, save func(run.Shown) error) (again time.Duration, err error) {
	s := &showing{Display: d, run: r, shown: r.Shown, save: func(shown run.Shown) error {
		if err := save(shown); err != nil {
			return fmt.Errorf("%w: %w", errNotSaved, err)
		}
		return nil
	}}
	if err := s.settle(); err != nil {
		return 0, err
	}
	if err := s.notices(ctx); err != nil {
		return retryAfter(err), err
	}
	cardAgain, cardErr := s.card(ctx)
	cardAgain = max(cardAgain, retryAfter(cardErr))
	if s.shown.Card == "" || errors.Is(cardErr, errNotSaved) {
		return cardAgain, cardErr
	}
	again, err = s.replies(ctx)
	again = sooner(cardAgain, max(again, retryAfter(err)))
	if err := errors.Join(cardErr, err); err != nil {
		return again, err
	}
	return sooner(again, s.unsure()), nil
}

// errNotSaved: the record cannot be written, or is not ours alone any more. Nothing more
// is shown then.
var errNotSaved = errors.New("what was shown could not be written down")

// sooner is the smaller of two waits, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
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
	case r.State == run.Unknown && r.Verdict != nil: // it was started again since they were told
		return fmt.Sprintf("unknown:%d", r.Doubt()), uncertain(r)
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
	if hash == s.shown.Hash {
		return 0, nil
	}
	if again := s.editable(hash); again > 0 {
		return again, nil
	}
	return 0, s.editCard(ctx, drawn, hash)
}

const (
	// editAgain is when an edit is tried again that Slack refused: not soon, since it
	// may refuse it again, but before people take an old card for the truth. What it goes
	// on refusing is tried ever more rarely, down to once in editAgainMost.
	editAgain     = 30 * time.Second
	editAgainMost = time.Hour
)

// editable is when the card may be made that of a hash, 0 for now.
func (s *showing) editable(hash string) (again time.Duration) {
	purpose := budget.End
	if s.run.State == run.Started {
		purpose = budget.Progress
		if wait := left(s.shown.At, s.CardInterval, time.Now()); wait > 0 {
			return wait
		}
	}
	refused := editAgain // another card may be taken
	if s.shown.Refused == hash {
		refused = refusedFor(s.shown.Refusals)
	}
	if wait := left(s.shown.EditRefused, refused, time.Now()); wait > 0 {
		return wait
	}
	return s.Budget.Take(budget.Update, "", purpose)
}

// refusedFor is how long a card is not tried again that Slack has refused so often in a row.
func refusedFor(refusals int) time.Duration {
	return min(editAgainMost, editAgain<<min(max(refusals-1, 0), 10))
}

func (s *showing) editCard(ctx context.Context, drawn message, hash string) error {
	err := s.edit(ctx, s.shown.Card, drawn)
	switch {
	case errors.Is(err, errNotSaved):
		return err
	case err == nil:
		s.shown.Hash, s.shown.At = hash, time.Now()
		s.shown.EditRefused, s.shown.Refused, s.shown.Refusals = time.Time{}, "", 0
	case lost(err):
		s.Log.Warn("a card cannot be edited any more", zap.String("run", s.run.Request.ID), zap.String("reason", slackReason(err)))
		s.shown.Told = append(s.shown.Told, toldLost)
		err = nil
	case permanent(err):
		if s.shown.Refused != hash {
			s.shown.Refusals = 0
		}
		s.shown.EditRefused, s.shown.Refused, s.shown.Refusals = time.Now(), hash, s.shown.Refusals+1
	}
	return errors.Join(err, s.save(s.shown))
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
	return s.redraw(ctx)
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

// unanswered: nobody knows whether Slack will do what it was asked for.
func unanswered(err error) bool {
	_, answered := errors.AsType[slack.SlackErrorResponse](err)
	return !answered && !notDone(err)
}

// notDone: Slack has certainly not done what it was asked for.
func notDone(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return asRateLimited(err) != nil || ok && op.Op == "dial"
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
