package bot

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// actionRunTyped is a button that carries a command.
const actionRunTyped = "run_typed"

// run starts what was typed.
func (b *Bot) run(ctx context.Context, a *arrival) {
	t, ok := b.typedBy(ctx, a)
	if !ok {
		return
	}
	// A command that is delivered twice is one request.
	id := "c-" + digest(a.who.Team, a.who.User, a.Command.TriggerID)[:32]
	b.answering(ctx, a, t.doing(), func(ctx context.Context) message { return b.start(ctx, a, t, id) })
}

// runTyped does what typing the command of a button would. The message is gone with its
// buttons before anything else is done.
func (b *Bot) runTyped(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	text, ok := strings.CutPrefix(a.action.Value, runCommand().name+" ")
	if !ok {
		b.tell(ctx, a, warning(actionFault(errStale)...))
		return
	}
	a.args = text
	t, ok := b.typedBy(ctx, a)
	if !ok {
		return
	}
	b.replace(ctx, a, working(t.doing()))
	// A message whose buttons are pressed twice is one request.
	at := cardOf(a.Interaction)
	m := b.start(ctx, a, t, "m-"+digest(a.who.Team, a.who.User, at.channel, at.card)[:32])
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	b.replace(telling, a, m)
}

// typedBy reads what somebody typed. Where there is nothing to start by it, it has
// answered, and ok is false.
func (b *Bot) typedBy(ctx context.Context, a *arrival) (t typedRun, ok bool) {
	line, ok := b.parse(ctx, a, runCommand())
	if !ok {
		return t, false
	}
	t, fault := b.parseRun(line, a.who.Channel)
	switch {
	case fault != nil:
		b.misread(ctx, a, wrongRun(fault))
		return t, false
	case len(t.files) > 0:
		b.openTyped(ctx, a, t)
		return t, false
	}
	return t, true
}

// openTyped opens the form with what was typed, for the files that are still missing.
func (b *Bot) openTyped(ctx context.Context, a *arrival, t typedRun) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	s := sheet{buildType: t.buildType, variables: t.text(), files: emptyFields(t.files)}
	if utf8.RuneCountInString(s.variables) > fieldSize {
		b.misread(ctx, a, say(words("That is more than the form's field for variables takes. Leave some out, or put them into a file.")))
		return
	}
	if !b.may(ctx, a) {
		return
	}
	b.opened(t.project)
	f := form{Project: t.project, Channel: placeOf(a.who), ReplyURL: a.recipient().ReplyURL}
	if s.ref = b.remembered(ctx, a.who, t); s.ref == nil {
		s.notes = append(s.notes, "Please choose the branch or tag: I do not know yet what "+shortenMiddle(t.ref, refSize)+" is.")
	} else if t.anyway {
		f.Warned = warnedOf(run.Request{Project: t.project, Ref: *s.ref, BuildType: t.buildType})
	}
	if b.openSheet(ctx, a, a.triggerID(), f, s) != nil {
		b.answer(ctx, a, notOpened())
	}
}

// start starts what was typed and says what came of it. id names the request.
func (b *Bot) start(ctx context.Context, a *arrival, t typedRun, id string) message {
	earlier, err := b.Runs.Find(ctx, id)
	switch {
	case err == nil:
		return begun(earlier)
	case !errors.Is(err, run.ErrNotFound):
		// It may be an earlier delivery's, of whatever process.
		b.Log.Error("looking for a request failed", zap.Error(err))
		return notWritten(run.Run{Request: run.Request{Project: t.project, Ref: gitlab.Ref{Name: t.ref}, BuildType: t.buildType}})
	}
	project, err := b.Projects.Resolve(ctx, t.project)
	if err != nil {
		b.Log.Warn("resolving a project failed", zap.NamedError("reason", err))
		return notLookedUp(t, err)
	}
	if refused, ok := b.sees(ctx, a, t, project); !ok {
		return refused
	}
	refs, err := b.refsCalled(ctx, project, t.ref)
	switch {
	case err != nil:
		b.Log.Warn("looking for a typed ref failed", zap.NamedError("reason", err))
		return notLookedUp(t, err)
	case len(refs) == 0:
		return noSuchRef(t, project.Path, b.nearest(ctx, project, t.ref))
	case len(refs) > 1:
		return whichRef(t, refs)
	}
	w := wanted{t.project, refs[0], t.buildType, t.variables, nil}
	request := b.requestFor(a, w, id, placeOf(a.who), a.recipient().ReplyURL)
	hold, running, refused := b.admit(ctx, a, &request, t.anyway)
	switch {
	case refused != "":
		return privately(emoji("no_entry"), words(" "+refused))
	case len(running) > 0:
		return alreadyRunning(running, t.line(refs[0], true))
	}
	return b.written(ctx, request, hold)
}

// sees asks whether somebody may see the project that they name, before they are told
// which refs it has. Who may not is answered what they would be for any ref.
func (b *Bot) sees(ctx context.Context, a *arrival, t typedRun, project gitlab.Project) (refused message, ok bool) {
	view := b.seen(ctx, a, project.Path)
	if view.may {
		return message{}, true
	}
	r := run.Run{Project: project, Request: b.requestFor(a, wanted{t.project, gitlab.Ref{Kind: gitlab.Branch, Name: t.ref}, t.buildType, t.variables, nil}, "", "", "")}
	if d, _ := b.ask(ctx, a, questionOf(a.does, r, a.who), r); d.Outcome == policy.Refuse {
		return b.refusedBy(d), false
	}
	return b.refusedBy(view.decision), false
}

// triesToWrite is how often a typed request is tried to be written down: who types it
// again would ask for a second one.
const triesToWrite = 3

// written writes a request down and says so.
func (b *Bot) written(ctx context.Context, request run.Request, hold *run.Hold) message {
	var err error
	for range triesToWrite {
		var r run.Run
		if r, _, err = b.write(ctx, request, hold, storeWithin); err == nil {
			return begun(r)
		}
	}
	b.Log.Error("writing a request down failed", zap.Error(err))
	return notWritten(run.Run{Request: request})
}
