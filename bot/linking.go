package bot

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Linker has people prove who they are in GitLab; [gitlab.Linker] does.
type Linker interface {
	Begin(ctx context.Context) (gitlab.Grant, error)
	Finish(ctx context.Context, grant gitlab.Grant) (gitlab.User, error)
}

// Linking waits for people who are proving who they are. A proof that is under way when
// the process ends is begun anew by pressing the button again.
type Linking struct {
	// Linker is nil where no application is set up in GitLab.
	Linker Linker
	Links  Links
	Gate   *Gate
	Tell   *Teller
	// Nudge lets the requests of somebody go on that waited for this.
	Nudge func(ctx context.Context, team, user string)
	Log   *zap.Logger

	proofs chan proof
}

// NewLinking returns a Linking that Work makes work.
func NewLinking(l Linking) *Linking {
	l.proofs = make(chan proof)
	return &l
}

// proof is one person's attempt.
type proof struct {
	who   Asker
	to    recipient
	grant gitlab.Grant
}

// Possible reports whether people can link themselves.
func (l *Linking) Possible() bool { return l != nil && l.Linker != nil }

// mostProofs is how many people may be at it at once in one process.
const mostProofs = 200

// Work waits for proofs until ctx ends.
func (l *Linking) Work(ctx context.Context) error {
	var waiting errgroup.Group
	waiting.SetLimit(mostProofs)
	for {
		select {
		case <-ctx.Done():
			return waiting.Wait()
		case p := <-l.proofs:
			waiting.Go(func() error { l.guarded(ctx, p); return nil })
		}
	}
}

// guarded keeps one bad proof from ending the process for all others: nobody above Work
// catches a panic.
func (l *Linking) guarded(ctx context.Context, p proof) {
	defer func() {
		if bad := recover(); bad != nil {
			l.Log.Error("linking somebody panicked", zap.String("user", p.who.User), zap.Any("panic", bad), zap.ByteString("stack", debug.Stack()))
		}
	}()
	l.finish(ctx, p)
}

// actionLink is the button that begins to link somebody.
const actionLink = "link"

func linkButton() slack.Block {
	return slack.NewActionBlock("link", slack.NewButtonBlockElement(actionLink, "link", plain("Link my GitLab account")).WithStyle(slack.StylePrimary))
}

func linkCommand() command {
	return command{
		name: "link", summary: "tell me who you are in GitLab", example: "link",
		action: policy.ActionLink, handle: (*Bot).link,
	}
}

func unlinkCommand() command {
	return command{
		name: "unlink", summary: "make me forget who you are in GitLab", example: "unlink",
		action: policy.ActionLink, handle: (*Bot).unlink,
	}
}

// link begins to find out who somebody is in GitLab, by command or by button.
func (b *Bot) link(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if !b.parseNothing(ctx, a, linkCommand()) || !b.may(ctx, a) {
		return
	}
	if a.Command != nil {
		a.Ack(nil)
	}
	if !b.Linking.Possible() {
		b.tell(ctx, a, warning(words("Linking is not set up here. Ask whoever runs me to enter you in the policy file, or to set "), code("GITLAB_OAUTH_CLIENT_ID"), words(".")))
		return
	}
	grant, err := b.Linking.Linker.Begin(ctx)
	if err != nil {
		b.Log.Warn("beginning to link somebody failed", zap.NamedError("reason", err))
		b.tell(ctx, a, warning(linkFault(err)...))
		return
	}
	select {
	case b.Linking.proofs <- proof{who: a.who, to: a.recipient(), grant: grant}:
		b.tell(ctx, a, codeToConfirm(grant))
	case <-ctx.Done():
		telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
		defer cancel()
		b.tell(telling, a, warning(words("Too many people are linking their accounts just now. Please try again in a minute.")))
	}
}

// codeToConfirm tells somebody what to do in GitLab.
func codeToConfirm(grant gitlab.Grant) message {
	url := grant.VerificationURIComplete
	if url == "" {
		url = grant.VerificationURI
	}
	return privately(emoji("link"), words(" Open "), link(url, "GitLab"), words(", sign in, and confirm the code "), code(grant.UserCode),
		words(". It is for you alone: do not pass it on, and confirm no code that somebody else gave you."))
}

// finish waits for one person's proof and keeps what it proves.
func (l *Linking) finish(ctx context.Context, p proof) {
	user, err := l.Linker.Finish(ctx, p.grant)
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if err == nil {
		err = l.keep(ctx, p.who, user)
	}
	if err != nil {
		l.Log.Warn("linking somebody failed", zap.String("user", p.who.User), zap.NamedError("reason", err))
		_ = l.Tell.privately(ctx, p.to, warning(linkFault(err)...))
		return
	}
	l.Nudge(ctx, p.who.Team, p.who.User)
	_ = l.Tell.privately(ctx, p.to, linkedAs(user))
}

// linkedAs tells somebody who they are now.
func linkedAs(user gitlab.User) message {
	return privately(emoji("white_check_mark"), words(" You are "), bold(shortenEnd(user.Username, jobNameSize)),
		words(" in GitLab. What you asked for goes on now. If that is not you, type "), code("/pipeline unlink"), words("."))
}

func (l *Linking) keep(ctx context.Context, who Asker, user gitlab.User) error {
	return l.Gate.administer(ctx, who, "link", user.Username, func() error {
		return l.Links.Put(ctx, run.Link{Team: who.Team, User: who.User, GitLabID: user.ID, GitLabUser: user.Username, At: time.Now().UTC()})
	})
}

// unlink forgets who somebody is in GitLab.
func (b *Bot) unlink(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if !b.parseNothing(ctx, a, unlinkCommand()) || !b.may(ctx, a) {
		return
	}
	a.Ack(nil)
	err := b.Gate.administer(ctx, a.who, "unlink", "", func() error { return b.Linking.Links.Delete(ctx, a.who.Team, a.who.User) })
	if err != nil {
		b.tell(ctx, a, warning(linkFault(err)...))
		return
	}
	b.tell(ctx, a, unlinked())
}

// unlinked tells somebody that their link is gone.
func unlinked() message {
	return privately(emoji("white_check_mark"), words(" Your link is gone: I know who you are in GitLab only if the policy file or your e-mail address says so. To link yourself again, type "),
		code("/pipeline link"), words("."))
}

// linkFault says why somebody could not be linked.
func linkFault(err error) phrase {
	switch {
	case errors.Is(err, gitlab.ErrDenied):
		return say(words("You said no in GitLab, so I have not linked you. To begin again, type /pipeline link."))
	case errors.Is(err, gitlab.ErrExpired):
		return say(words("The code has expired. To get another one, type /pipeline link."))
	case errors.Is(err, gitlab.ErrNotSupported):
		return say(words("This GitLab cannot link accounts; it takes version 17.3. Ask whoever runs me to enter you in the policy file."))
	case errors.Is(err, gitlab.ErrApplication):
		return say(words("GitLab does not know the application that I am to it. Whoever runs me should check "), code("GITLAB_OAUTH_CLIENT_ID"), words("."))
	case errors.Is(err, run.ErrLinkedToAnother):
		return say(words("That GitLab account belongs to another person here, so I have not linked you: nobody may approve their own requests."))
	default:
		return actionFault(err)
	}
}
