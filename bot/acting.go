package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
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

// errRefused: the policy says no.
var errRefused = errors.New("the person may not do that")

// act does something to a pipeline for who asked, if they may. job is the one to start,
// of play alone.
func (b *Bot) act(ctx context.Context, a *arrival, r run.Run, verb run.Verb, job int64) (policy.Decision, error) {
	a.does = policy.Action(verb)
	q := questionOf(a.does, r, a.who)
	log := b.Log.With(zap.String("action", string(verb)), zap.Int64("project", r.Project.ID), zap.Int64("pipeline", r.Pipeline.ID), zap.String("user", a.who.User))
	d, _ := b.ask(ctx, a, q, r)
	if d.Outcome != policy.Allow {
		return d, errRefused
	}
	err := b.Runs.Act(ctx, r.Project, r.Pipeline.ID, run.Act{Verb: verb, By: a.who.User, Team: a.who.Team, At: time.Now().UTC()}, job)
	// An answer that is waited for in vain takes all of the time.
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	b.Gate.done(noting, d, a.who, q, r, "done", err)
	if err != nil {
		log.Warn("acting on a pipeline failed", zap.NamedError("reason", err))
	} else {
		log.Info("somebody acted on a pipeline")
	}
	return d, err
}

// notActed says why nothing was done.
func (b *Bot) notActed(verb run.Verb, d policy.Decision, err error) message {
	if errors.Is(err, errRefused) {
		return b.refusedBy(d)
	}
	return actionFailed(verb, err)
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
		d, err = b.act(ctx, a, r, verb, 0)
	}
	if err != nil {
		b.tell(ctx, a, b.notActed(verb, d, err))
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
	}
	if err != nil {
		b.tell(ctx, a, b.notActed(run.Play, d, err))
	}
	if err == nil || errors.Is(err, errNotWaiting) {
		b.takeAway(ctx, a, r, job)
	}
}

// unplayable reports whether GitLab says that a job does not wait for anybody: the API
// has no other mark of it than these words.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/api/ci/jobs.rb
func unplayable(err error) bool {
	fault, ok := errors.AsType[*gitlab.Error](err)
	return ok && fault.Kind == gitlab.Invalid && strings.Contains(fault.Message, "Unplayable")
}

// takeAway takes the button of a job that was started out of the reply that it is in.
func (b *Bot) takeAway(ctx context.Context, a *arrival, r run.Run, job int64) {
	at := a.Interaction.Container
	if at.ThreadTs == "" || at.ThreadTs == at.MessageTs {
		return // the card, which is drawn from the record
	}
	if fresh, err := b.Runs.Find(ctx, r.Request.ID); err == nil {
		r = fresh
	}
	// The record may not have seen yet what was done.
	r.Progress.Manual = slices.DeleteFunc(slices.Clone(r.Progress.Manual), func(j gitlab.Job) bool { return j.ID == job })
	var started []run.Act
	for _, act := range r.Acts {
		if act.Verb == run.Play && act.At.After(sentAt(at.MessageTs)) {
			started = append(started, act)
		}
	}
	options := append(waited(r, started).options(), slack.MsgOptionParse(false))
	if _, _, _, err := b.API.UpdateMessageContext(ctx, a.Interaction.Channel.ID, at.MessageTs, options...); err != nil {
		b.Log.Warn("a reply keeps the button of a job that was started", zap.String("run", r.Request.ID), zap.String("reason", slackReason(err)))
	}
}

// sentAt is when a message was sent, by its id: seconds since 1970, and what tells those
// of one second apart.
func sentAt(ts string) time.Time {
	seconds, _, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// manualJob finds what a button that starts a job is about.
func (b *Bot) manualJob(ctx context.Context, a *arrival) (run.Run, int64, error) {
	id, job, ok := parsePlayValue(a.action.Value)
	if !ok {
		return run.Run{}, 0, errStale
	}
	r, err := b.onCard(ctx, id, cardOrThread(a.Interaction))
	if err != nil {
		return r, 0, err
	}
	for _, waiting := range r.Progress.Manual {
		if waiting.ID == job {
			return r, job, nil
		}
	}
	return r, 0, errNotWaiting
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
