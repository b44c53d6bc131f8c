package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What destroys is confirmed: a modal names the pipeline, and only its button does it.

// The modals' callback ids.
const (
	callbackCancel = "cancel_pipeline"
	callbackDelete = "delete_pipeline"
)

// confirmation is how somebody is asked whether they mean it.
type confirmation struct {
	verb                    run.Verb
	callback                string
	title, submit, close    string // 24 characters at most
	doing                   string
	consequences, ofRunning string
}

// confirmationOf are the words for a verb. What goes with a deleted pipeline stands at
// https://docs.gitlab.com/api/pipelines/#delete-a-pipeline; that running jobs, those of
// child pipelines too, are canceled before, in GitLab's Ci::DestroyPipelineService.
func confirmationOf(verb run.Verb) confirmation {
	if verb == run.Delete {
		return confirmation{
			verb: verb, callback: callbackDelete, title: "Delete a pipeline", submit: "Delete pipeline", close: "Keep it",
			doing:        "Deleting",
			consequences: "Its jobs, logs and artifacts are deleted with it; its child pipelines stay. This cannot be undone.",
			ofRunning:    " It still runs: its jobs are canceled first, and those of its child pipelines.",
		}
	}
	return confirmation{
		verb: verb, callback: callbackCancel, title: "Cancel a pipeline", submit: "Cancel pipeline", close: "Keep running",
		doing:        "Canceling",
		consequences: "Jobs that run are interrupted, and those that wait do not start. It can be retried afterwards.",
	}
}

// confirmTyped asks for a confirmation about the pipeline that somebody typed.
func (b *Bot) confirmTyped(ctx context.Context, a *arrival, c command, verb run.Verb) {
	t, ok := b.targetTyped(ctx, a, c)
	if !ok {
		return
	}
	b.confirm(ctx, a, verb, func(ctx context.Context) (run.Run, error) { return b.find(ctx, a, t) })
}

// confirm opens the modal that asks for a confirmation, and says in it who may not, or
// why there is nothing to do.
func (b *Bot) confirm(ctx context.Context, a *arrival, verb run.Verb, find func(context.Context) (run.Run, error)) {
	c := confirmationOf(verb)
	b.inModal(ctx, a, c.title, "Looking for the pipeline", func(ctx context.Context) slack.ModalViewRequest {
		r, err := find(ctx)
		if err != nil {
			return toldIn(c.title, b.notFound(ctx, a, err))
		}
		if d, ok := b.offered(ctx, a, r, policy.Action(verb)); !ok {
			return toldIn(c.title, b.refusedBy(d))
		}
		if nothingToDo(verb, r) {
			return toldIn(c.title, notCancelable(r))
		}
		return confirmModal(c, r, a.who.Channel)
	})
}

// offered asks whether somebody may do something to a pipeline before they are asked
// what they mean exactly: they are asked for again when they do it, so here only a no is
// written down.
func (b *Bot) offered(ctx context.Context, a *arrival, r run.Run, action policy.Action) (policy.Decision, bool) {
	looking, cancel := leaving(ctx)
	defer cancel()
	q := questionOf(action, r, a.who)
	d, person := b.Gate.look(looking, a.who, q)
	if d.Outcome == policy.Allow {
		return d, true
	}
	return b.Gate.noted(ctx, d, a.who, person, q, r), false
}

// notFound is notFoundOut to those who may use the bot at all: others are not told what
// GitLab has.
func (b *Bot) notFound(ctx context.Context, a *arrival, err error) message {
	return b.forMembers(ctx, a, notFoundOut(err))
}

// nothingToDo: GitLab would say yes, and nothing would come of it.
func nothingToDo(verb run.Verb, r run.Run) bool {
	return verb == run.Cancel && (r.Pipeline.Status.Ended() || r.Pipeline.Status == gitlab.StatusCanceling)
}

// notCancelable says why there is nothing to cancel.
func notCancelable(r run.Run) message {
	look := faceOf(r)
	said := append(say(emoji(look.emoji), words(" ")), pipelineNamed(r)...)
	switch r.Pipeline.Status {
	case gitlab.StatusManual:
		return privately(append(said, words(" waits for a manual job, and nothing of it runs that GitLab could cancel. It goes on only when somebody starts that job."))...)
	case gitlab.StatusCanceling:
		return privately(append(said, words(" is being canceled already."))...)
	default:
		return privately(append(said, words(" has ended already ("+lowered(look.word)+"): there is nothing to cancel."))...)
	}
}

// confirmModal names a pipeline, and asks.
func confirmModal(c confirmation, r run.Run, channel string) slack.ModalViewRequest {
	warned := c.consequences
	if !r.Pipeline.Status.Ended() {
		warned += c.ofRunning
	}
	// A record may be of before the pipeline was changed elsewhere, so faceOf's other
	// states do not matter here.
	r.State, r.Deleted = run.Started, false
	lines := append(append(headline(r), summary(r)...), sinceWhen(r))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: c.callback, PrivateMetadata: confirmMetadata(c.verb, r, channel),
		Title: plain(c.title), Submit: plain(c.submit), Close: plain(c.close),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewRichTextBlock("pipeline", paragraph(lines...)),
			slack.NewRichTextBlock("warning", paragraph(emoji("warning"), words(" "+warned))),
		}},
	}
}

// sinceWhen is the newest moment of a pipeline that people think of it by.
func sinceWhen(r run.Run) slack.RichTextSectionElement {
	p := r.Pipeline
	switch {
	case p.Status.Ended() && !p.FinishedAt.IsZero():
		return ago("Ended", p.FinishedAt)
	case !p.Status.Ended() && !p.StartedAt.IsZero():
		return ago("Started", p.StartedAt)
	default:
		return ago("Created", p.CreatedAt)
	}
}

// confirmMetadata is what the modal carries: what shall be done, to which pipeline, and
// the channel that it was asked in, empty outside of any.
func confirmMetadata(verb run.Verb, r run.Run, channel string) string {
	return strings.Join([]string{string(verb), pipelineValue(r.Project.ID, r.Pipeline.ID), channel}, " ")
}

// parseConfirmMetadata reads it. It comes from outside, as does the verb of the route.
func parseConfirmMetadata(text string, verb run.Verb) (value, channel string, ok bool) {
	fields := strings.Split(text, " ")
	if len(fields) != 3 || fields[0] != string(verb) || fields[2] != "" && !channelForm.MatchString(fields[2]) {
		return "", "", false
	}
	return fields[1], fields[2], true
}

// confirmed does what was confirmed: once, if who confirmed it may.
func (b *Bot) confirmed(ctx context.Context, a *arrival) {
	view := &a.Interaction.View
	verb := run.Verb(a.does)
	c := confirmationOf(verb)
	value, channel, ok := parseConfirmMetadata(view.PrivateMetadata, verb)
	_, id, readable := parsePipelineValue(value)
	if !ok || !readable {
		b.Log.Warn("a confirmation came back with unusable metadata", zap.String("user", a.who.User))
		a.Ack(notice(c.title, "This window is out of date. Nothing was done; please close it and begin again."))
		return
	}
	a.who.Channel = channel // a modal is in no channel
	b.settle(ctx, a, toldIn(c.title, working(fmt.Sprintf("%s Pipeline #%d", c.doing, id))), func() slack.ModalViewRequest {
		return b.once.do(strings.Join([]string{a.who.User, view.ID, view.PrivateMetadata}, " "), func() slack.ModalViewRequest {
			return toldIn(c.title, b.carryOut(ctx, a, verb, value))
		})
	})
}

// carryOut does something to the pipeline that a value names, and says what came of it.
func (b *Bot) carryOut(ctx context.Context, a *arrival, verb run.Verb, value string) message {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	r, err := b.pipelineAt(ctx, value)
	if verb == run.Delete && errors.Is(err, errNoPipeline) {
		return b.forMembers(ctx, a, deletedAlready(value))
	}
	if err != nil {
		return b.notFound(ctx, a, err)
	}
	if nothingToDo(verb, r) {
		if d, ok := b.offered(ctx, a, r, policy.Action(verb)); !ok {
			return b.refusedBy(d)
		}
		return notCancelable(r)
	}
	d, err := b.act(ctx, a, r, verb, gitlab.Job{})
	if verb == run.Delete && errors.Is(err, errRepeated) && b.goes(ctx, r) {
		err = nil // who was first is at it, or was
	}
	if err != nil {
		return b.notActed(verb, r, d, err)
	}
	if verb == run.Cancel && b.stillBlocked(ctx, r) {
		return notCancelable(r)
	}
	return acted(verb, r, "")
}

// deletedAlready tells who confirmed that a pipeline shall be deleted that GitLab does not
// show any more: another delivery of the same may have seen to that.
func deletedAlready(value string) message {
	_, id, _ := parsePipelineValue(value)
	return privately(emoji("wastebasket"), words(fmt.Sprintf(" Pipeline #%d is deleted, as far as I can see: GitLab does not show it to me any more.", id)))
}

const (
	// goesWithin is how long a pipeline is waited for that is being deleted elsewhere.
	goesWithin = 5 * time.Second
	goesEvery  = 200 * time.Millisecond
)

// goes waits until GitLab has a pipeline no more, and reports whether that is so.
func (b *Bot) goes(ctx context.Context, r run.Run) bool {
	ctx, cancel := context.WithTimeout(ctx, goesWithin)
	defer cancel()
	again := time.NewTicker(goesEvery)
	defer again.Stop()
	for {
		if _, err := b.Pipelines.Pipeline(ctx, r.Project.ID, r.Pipeline.ID); gitlab.IsNotFound(err) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-again.C:
		}
	}
}

// stillBlocked reports whether a pipeline goes on waiting for a manual job after GitLab
// was asked to cancel it: GitLab says yes, and leaves manual jobs as they are.
func (b *Bot) stillBlocked(ctx context.Context, r run.Run) bool {
	if r.Pipeline.Status != gitlab.StatusManual {
		return false
	}
	now, err := b.Pipelines.Pipeline(ctx, r.Project.ID, r.Pipeline.ID)
	return err == nil && now.Status == gitlab.StatusManual
}
