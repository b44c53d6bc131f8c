package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// A modal in which something is looked for, or done, that takes longer than its trigger
// id is good for, or than Slack waits for an acknowledgement.

// toldIn is a modal that only says something.
func toldIn(title string, m message) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, Title: plain(title), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: m.Blocks}}
}

// inModal opens a modal at once and puts into it what work brings.
func (b *Bot) inModal(ctx context.Context, a *arrival, title, doing string, work func(context.Context) slack.ModalViewRequest) {
	opening, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	opened, err := b.API.OpenViewContext(opening, a.triggerID(), toldIn(title, working(doing)))
	if err != nil {
		b.notOpened(ctx, a, err)
		return
	}
	if a.Command != nil {
		a.Ack(nil)
	}
	ctx, cancel = context.WithTimeout(ctx, actWithin)
	defer cancel()
	_ = b.redraw(ctx, opened.ID, work(ctx)) // it logs; who closed the modal wants none
}

// triggerID is what lets a modal be opened.
func (a *arrival) triggerID() string {
	if a.Command != nil {
		return a.Command.TriggerID
	}
	return a.Interaction.TriggerID
}

// notOpened tells somebody that there is no modal.
func (b *Bot) notOpened(ctx context.Context, a *arrival, err error) {
	if !b.unopened(err) {
		return
	}
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	b.answer(telling, a, warning(words("Slack did not let me open the window for this. Nothing was done; please try again.")))
}

// unopened logs that a modal could not be opened, and reports whether the person has to
// know: where Slack delivered something twice, it is open.
func (b *Bot) unopened(err error) bool {
	reason := slackReason(err)
	b.Log.Warn("opening the modal failed", zap.String("reason", reason))
	return reason != "exchanged_trigger_id" && reason != "trigger_exchanged"
}

// redraw puts another view in the place of one that is open. Somebody may have closed it.
// It has its own time: what came of a long wait is still to be shown.
func (b *Bot) redraw(ctx context.Context, id string, view slack.ModalViewRequest) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
	defer cancel()
	_, err := b.API.UpdateViewContext(ctx, view, "", "", id)
	if err != nil {
		b.Log.Info("a modal was not updated", zap.String("reason", slackReason(err)))
	}
	return err
}

// ackSettles is how long Slack may take to do what an acknowledgement says about a modal.
// An update comes to Slack by another way: sooner, it would be undone by that.
const ackSettles = 500 * time.Millisecond

// settle acknowledges a submission with what work brings. Where that takes longer than
// a moment, it acknowledges with what is being done, and puts the rest into the modal
// when it is there.
func (b *Bot) settle(ctx context.Context, a *arrival, doing slack.ModalViewRequest, work func() slack.ModalViewRequest) {
	done := beside(work) // waited for below, in any case
	wait := time.NewTimer(soonEnough)
	defer wait.Stop()
	select {
	case result := <-done:
		view := result()
		a.Ack(slack.NewUpdateViewSubmissionResponse(&view))
		return
	case <-wait.C:
	}
	a.Ack(slack.NewUpdateViewSubmissionResponse(&doing))
	settled := time.After(ackSettles)
	view := (<-done)()
	<-settled
	_ = b.redraw(ctx, a.Interaction.View.ID, view) // the same
}
