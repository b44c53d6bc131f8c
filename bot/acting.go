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
	"pipebot/gitlab"
)

// What people do to a pipeline: by a button of its card, from a list, or typed. All of it
// comes by act.

var (
	// errRefused: the policy says no.
	errRefused = errors.New("the person may not do that")
	// errRepeated: Slack has delivered this before, to whatever process.
	errRepeated = errors.New("this was taken before")
)

// act does something to a pipeline for who asked, if they may: once, however often Slack
// delivers it. job is the one to start, of play alone.
func (b *Bot) act(ctx context.Context, a *arrival, r run.Run, verb run.Verb, job gitlab.Job) (policy.Decision, error) {
	a.does = policy.Action(verb)
	q := questionOf(a.does, r, a.who)
	log := b.Log.With(zap.String("action", string(verb)), zap.Int64("project", r.Project.ID), zap.Int64("pipeline", r.Pipeline.ID), zap.String("user", a.who.User))
	d, _ := b.ask(ctx, a, q, r)
	if d.Outcome != policy.Allow {
		return d, errRefused
	}
	// GitLab has no key against doing twice, and who was delivered it first may be dead.
	first, err := b.Gate.claim(ctx, "act/"+a.gesture(), d, a.who, q, r, "asking GitLab")
	switch {
	case err != nil: // the gate has logged it
		return d, err
	case !first:
		return d, errRepeated
	}
	err = b.Runs.Act(ctx, r.Project, r.Pipeline.ID, run.Act{Verb: verb, By: a.who.User, Team: a.who.Team, At: time.Now().UTC(), Job: job.Name}, job.ID)
	// An answer that is waited for in vain takes all of the time.
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	failed := err
	if errors.Is(err, run.ErrNotYet) {
		failed = nil // GitLab said yes
	}
	b.Gate.done(noting, d, a.who, q, r, "done", failed)
	if failed != nil {
		log.Warn("acting on a pipeline failed", zap.NamedError("reason", failed))
	} else {
		log.Info("somebody acted on a pipeline")
	}
	return d, err
}

// gesture names what somebody did, the same each time Slack delivers it. A trigger id is of
// one command or one press of a button; a form that is submitted twice has one each time.
func (a *arrival) gesture() string {
	parts := []string{a.who.Team, a.who.User, a.triggerID()}
	switch {
	case a.action != nil:
		parts = append(parts, a.action.ActionID, a.action.ActionTs)
	case a.Interaction != nil && a.Interaction.View.ID != "":
		parts[2] = a.Interaction.View.ID
	}
	return digest(parts...)[:32]
}

// notActed says why nothing was done, or is seen of it so far.
func (b *Bot) notActed(verb run.Verb, r run.Run, d policy.Decision, err error) message {
	switch {
	case errors.Is(err, errRefused):
		return b.refusedBy(d)
	case errors.Is(err, errRepeated):
		return repeated(r)
	default:
		return actionFailed(verb, err)
	}
}

// cancel cancels the pipeline of a card.
func (b *Bot) cancel(ctx context.Context, a *arrival) { b.press(ctx, a, run.Cancel) }

// retry runs what failed in the pipeline of a card again.
func (b *Bot) retry(ctx context.Context, a *arrival) { b.press(ctx, a, run.Retry) }

// press does what a button of a card asks for. The card shows what came of it; only
// a failure needs words, and only the one who pressed hears them.
func (b *Bot) press(ctx context.Context, a *arrival, verb run.Verb) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	var d policy.Decision
	r, err := b.onCard(ctx, a.action.Value, cardOf(a.Interaction))
	if err == nil {
		d, err = b.act(ctx, a, r, verb, gitlab.Job{})
	}
	if err != nil {
		b.tell(ctx, a, b.notActed(verb, r, d, err))
	}
}

// play starts the manual job of a button, on a card or in its thread. Its value names the
// run and the job; the run's record tells whether that job waits.
func (b *Bot) play(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	var d policy.Decision
	r, job, err := b.manualJob(ctx, a)
	if err == nil {
		d, err = b.act(ctx, a, r, run.Play, job)
	}
	if unplayable(err) {
		err = errNotWaiting // GitLab was quicker than what is known here
		b.catchUp(ctx, r)
	}
	if err != nil {
		b.tell(ctx, a, b.notActed(run.Play, r, d, err))
	}
}

// catchUp brings what shows a pipeline in line with GitLab, which was quicker: a button
// that is out of date goes at once.
func (b *Bot) catchUp(ctx context.Context, r run.Run) {
	o, err := b.Pipelines.ObserveOne(ctx, r.Project.ID, r.Pipeline.ID)
	if err == nil {
		err = b.Runs.Seen(ctx, r.Project, o)
	}
	if err != nil { // the next poll sees it too
		b.Log.Info("a pipeline that is not as its card says was not read", zap.String("run", r.Request.ID), zap.NamedError("reason", err))
	}
}

// unplayable reports whether GitLab says that a job does not wait for anybody: the API
// has no other mark of it than these words.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/api/ci/jobs.rb
func unplayable(err error) bool {
	fault, ok := errors.AsType[*gitlab.Error](err)
	return ok && fault.Kind == gitlab.Invalid && strings.Contains(fault.Message, "Unplayable")
}

// manualJob finds what a button that starts a job is about.
func (b *Bot) manualJob(ctx context.Context, a *arrival) (run.Run, gitlab.Job, error) {
	id, job, ok := parsePlayValue(a.action.Value)
	if !ok {
		return run.Run{}, gitlab.Job{}, errStale
	}
	r, err := b.onCard(ctx, id, cardOrThread(a.Interaction))
	if err != nil {
		return r, gitlab.Job{}, err
	}
	for _, waiting := range r.Progress.Manual {
		if waiting.ID == job {
			return r, waiting, nil
		}
	}
	return r, gitlab.Job{}, errNotWaiting
}

// errNotWaiting: the job does not wait for anybody (any more).
var errNotWaiting = errors.New("the job is not waiting to be started")

// cardOrThread is the card that a message is, or that it is a reply to.
func cardOrThread(in *slack.InteractionCallback) place {
	at := cardOf(in)
	if in.Container.ThreadTs != "" {
		at.card = in.Container.ThreadTs
	}
	return at
}
