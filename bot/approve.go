package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// The approval of a held request: its buttons, and the modal that asks for a reason.
const (
	actionApprove    = "approve"
	actionTurnDown   = "turn_down"
	callbackTurnDown = "turn_down"

	blockReason  = "reason"
	actionReason = "reason"
)

// heldValue is what a button of a held card carries: which run, and which commit its
// reader saw. It comes back from outside and is held against the record.
func heldValue(r run.Run) string { return r.Request.ID + " " + r.Hold.SHA }

// approve lets a held request go.
func (b *Bot) approve(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	id, sha, _ := strings.Cut(a.action.Value, " ")
	r, d, err := b.mayDecide(ctx, a, id, cardOf(a.Interaction))
	if err == nil {
		at := time.Now().UTC().Truncate(time.Millisecond) // as the record keeps it
		_, err = b.Runs.Approve(ctx, id, run.Approval{By: a.who.User, Team: a.who.Team, At: at, SHA: sha})
		b.decided(ctx, a, d, r, "approved", err)
	}
	if err != nil {
		b.undecided(ctx, a, d, err)
	}
}

// askReason opens the modal that asks why somebody says no.
func (b *Bot) askReason(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	id, _, _ := strings.Cut(a.action.Value, " ")
	r, d, err := b.mayDecide(ctx, a, id, cardOf(a.Interaction))
	if err != nil {
		b.undecided(ctx, a, d, err)
		return
	}
	if _, err := b.API.OpenViewContext(ctx, a.Interaction.TriggerID, reasonModal(r)); err != nil {
		b.Log.Warn("opening the modal failed", zap.String("reason", slackReason(err)))
		b.tell(ctx, a, warning(words("Slack did not let me ask you for the reason. Please press the button again.")))
	}
}

// reasonMetadata is what the modal that asks for a reason carries: which run, and the
// card that it was opened from.
func reasonMetadata(r run.Run) string {
	return strings.Join([]string{r.Request.ID, r.Shown.Channel, r.Shown.Card}, " ")
}

func parseReasonMetadata(text string) (id string, at place) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return "", place{}
	}
	return fields[0], place{fields[1], fields[2]}
}

// longestReason is as much as a person may write, and is shown.
const longestReason = notificationSize

// reasonModal asks why a request is refused.
func reasonModal(r run.Run) slack.ModalViewRequest {
	element := slack.NewPlainTextInputBlockElement(plain("Not before the tests are green"), actionReason)
	element.MaxLength = longestReason
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callbackTurnDown, PrivateMetadata: reasonMetadata(r),
		Title: plain("Refuse the request"), Submit: plain("Refuse"), Close: plain("Back"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewRichTextBlock("what", paragraph(append(request(r), words(", asked for by "), mention(r.Request.Asker))...)),
			slack.NewInputBlock(blockReason, plain("Reason"), plain("It is shown on the card, and to who asked."), element),
		}},
	}
}

// turnedDown ends a held request for the reason that was given.
func (b *Bot) turnedDown(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	view := &a.Interaction.View
	reason := ""
	if view.State != nil {
		reason = shortenEnd(strings.TrimSpace(view.State.Values[blockReason][actionReason].Value), longestReason)
	}
	id, at := parseReasonMetadata(view.PrivateMetadata)
	a.who.Channel = at.channel // a modal is in no channel
	r, d, err := b.mayDecide(ctx, a, id, at)
	switch {
	case err == nil && reason == "":
		a.Ack(onFields(view, map[string]string{blockReason: "Please say why, so that who asked knows."}))
		return
	case err == nil:
		_, err = b.Runs.TurnDown(ctx, id, a.who.User, reason)
		if err == nil {
			a.Ack(nil) // the rest does not keep Slack waiting
		}
		b.decided(ctx, a, d, r, "turned down", err)
	}
	if err != nil {
		a.Ack(notice("Not refused", plainWords(undecidedWords(d, err))))
	}
}

// mayDecide finds a held run by its card and asks whether somebody may decide about it.
// The rules are asked anew: for who asked for it, and for who decides.
func (b *Bot) mayDecide(ctx context.Context, a *arrival, id string, at place) (run.Run, policy.Decision, error) {
	r, err := b.onCard(ctx, id, at)
	if err != nil {
		return r, policy.Decision{}, err
	}
	if r.State != run.Held || r.Hold.For != run.ForApproval {
		return r, policy.Decision{}, run.ErrNotHeld
	}
	ctx, cancel := context.WithTimeout(ctx, 2*decideWithin) // it takes two decisions
	defer cancel()
	d, err := b.Gate.mayApprove(ctx, a.who, r)
	return r, d, err
}

// decided writes down what came of a person's decision.
func (b *Bot) decided(ctx context.Context, a *arrival, d policy.Decision, r run.Run, outcome string, err error) {
	b.Log.Info("a held request was decided", zap.String("run", r.Request.ID), zap.String("user", a.who.User),
		zap.String("outcome", outcome), zap.NamedError("reason", err))
	b.Gate.done(ctx, d, a.who, questionOf(a.does, r, a.who), r, outcome, err)
}

func (b *Bot) undecided(ctx context.Context, a *arrival, d policy.Decision, err error) {
	b.Log.Info("a held request was not decided", zap.String("user", a.who.User), zap.NamedError("reason", err))
	b.tell(ctx, a, warning(undecidedWords(d, err)...))
}

func undecidedWords(d policy.Decision, err error) phrase {
	switch {
	case errors.Is(err, errAskerMayNot) && d.Outcome == policy.Allow:
		return say(words("This needs no approval any more. It starts by itself in a moment."))
	case errors.Is(err, errAskerMayNot) && d.Why == policy.Doubtful:
		return say(words("I cannot tell just now whether who asked for this still may. Please try again in a few minutes."))
	case errors.Is(err, errAskerMayNot):
		return say(words("Who asked for this may not do it any more, so there is nothing to decide. The card shows it in a moment."))
	case errors.Is(err, errNotApprover):
		return say(words(oneLine(d.Sentence())))
	case errors.Is(err, run.ErrRefMoved):
		return say(words("The branch or tag has moved since the card was drawn. It shows the new commit in a moment: please look again before you decide."))
	case errors.Is(err, run.ErrNotHeld):
		return say(words("This has been decided already: the card shows how."))
	default:
		return actionFault(err)
	}
}
