package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// What people are told who start what runs already, and how they follow that instead.

const actionFollowRunning = "follow_running"

// runningShown is how many of those are named.
const runningShown = 3

// runsAlready names what runs, newest first.
func runsAlready(running []run.Run) phrase {
	said := append(say(emoji("warning"), words(" This runs already: ")), request(running[0])...)
	for _, r := range running[:min(len(running), runningShown)] {
		said = append(append(said, words("\n")), runningLine(r)...)
	}
	if more := len(running) - runningShown; more > 0 {
		said = append(said, words(fmt.Sprintf("\nand %d more", more)))
	}
	return said
}

// runningLine says which pipeline it is, whose, and since when.
func runningLine(r run.Run) phrase {
	if r.Pipeline.ID == 0 {
		return say(words("A pipeline that is about to start, asked for by "), mention(r.Request.Asker), words(" · "), ago("Asked", r.Request.At))
	}
	since := ago("Asked", r.Request.At)
	if !r.Pipeline.StartedAt.IsZero() {
		since = ago("Started", r.Pipeline.StartedAt)
	}
	return say(pipelineLink(r), words(", asked for by "), mention(r.Request.Asker), words(" · "), since)
}

// followButton follows the newest of those.
func followButton(running []run.Run) *slack.ButtonBlockElement {
	text := "Follow that one"
	if len(running) > 1 {
		text = "Follow the newest"
	}
	return slack.NewButtonBlockElement(actionFollowRunning, running[0].Request.ID, plain(text))
}

// warned is what stands above a form for something that runs already.
func warned(running []run.Run) []slack.Block {
	if len(running) == 0 {
		return nil
	}
	return []slack.Block{
		slack.NewRichTextBlock("running", paragraph(runsAlready(running)...)),
		slack.NewActionBlock("follow", followButton(running)),
	}
}

// alreadyRunning is the same for a typed command. anyway is that command with the option
// that starts it all the same; what a button cannot hold is typed again.
func alreadyRunning(running []run.Run, anyway string) message {
	said := append(runsAlready(running), words("\nI have started nothing."))
	buttons := []slack.BlockElement{followButton(running)}
	if fitsButton(anyway) {
		buttons = append([]slack.BlockElement{
			slack.NewButtonBlockElement(actionRunTyped, anyway, plain("Run anyway")).WithStyle(slack.StyleDanger),
		}, buttons...)
	} else {
		said = append(said, words(" To start it all the same, type it again with "), code("--anyway"), words("."))
	}
	m := privately(said...)
	m.Blocks = append(m.Blocks, slack.NewActionBlock("actions", buttons...))
	return m
}

// followRunning follows a pipeline in the place of starting another one. Its value comes
// from outside: any run that the person may see will do.
func (b *Bot) followRunning(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if view := a.Interaction.View; view.ID != "" {
		if _, err := b.formIn(a); err != nil {
			b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
			b.unusable(ctx, a)
			return
		}
	}
	r, err := b.Runs.Find(ctx, a.action.Value)
	switch {
	case errors.Is(err, run.ErrNotFound):
		b.instead(ctx, a, notFollowed(errStale))
		return
	case err != nil:
		b.instead(ctx, a, notFollowed(err))
		return
	}
	if r.State == run.Started {
		b.instead(ctx, a, b.following(ctx, a, r, nil, false))
		return
	}
	q := questionOf(a.does, r, a.who)
	if d, _ := b.ask(ctx, a, q, r); d.Outcome != policy.Allow {
		b.instead(ctx, a, b.refusedBy(d))
		return
	}
	if r.State == run.Ended || r.State == run.Refused || r.State == run.Unknown {
		b.instead(ctx, a, endedMeanwhile(r))
		return
	}
	b.followRun(ctx, a, r)
}

// followRun has somebody told when a run ends that has no pipeline yet.
func (b *Bot) followRun(ctx context.Context, a *arrival, r run.Run) {
	at, reached := cardPlace(r, a.who)
	if !reached {
		b.instead(ctx, a, notReached(r))
		return
	}
	r, err := b.Runs.AddFollower(ctx, r.Request.ID, a.who.Team, a.who.User)
	if err != nil {
		b.Log.Warn("following a run failed", zap.String("run", r.Request.ID), zap.NamedError("reason", err))
		b.instead(ctx, a, notFollowed(err))
		return
	}
	b.instead(ctx, a, followedInstead(r, at))
}

// cardPlace is the channel of a run's card, "" where that is in front of somebody: there
// they are or it is their own. They are not reached where it is in direct messages of
// others.
func cardPlace(r run.Run, who Asker) (channel string, reached bool) {
	at := cmp.Or(r.Shown.Channel, r.Request.Channel)
	switch {
	case at == placeOf(who) || at == who.User || r.Request.Asker == who.User && r.Request.Team == who.Team:
		return "", true
	case policy.IsUserID(at) || strings.HasPrefix(at, "D"): // which ids of direct messages begin with
		return "", false
	default:
		return at, true
	}
}

func notFollowed(err error) message {
	if errors.Is(err, errStale) {
		return warning(words("That pipeline is not known here any more. Please type the command again."))
	}
	return warning(append(say(words("You do not follow it yet. ")), actionFault(err)...)...)
}

// endedMeanwhile says that there is nothing left to follow.
func endedMeanwhile(r run.Run) message {
	return warning(append(request(r), words(" has ended meanwhile, so there is nothing to follow. To start it anew, do it again."))...)
}

// notReached says that nobody else can be mentioned below the card of a run.
func notReached(r run.Run) message {
	return warning(append(say(words("You do not follow it yet: the card of ")), append(request(r),
		words(" is in another conversation, where you would not see that I mention you. Once it has started, "),
		code("/pipeline list"), words(" has it, and you can follow it from there."))...)...)
}

// followedInstead says where to look, and that there is no need to. at is the channel of
// the card, "" where they are.
func followedInstead(r run.Run, at string) message {
	said := say(emoji("eyes"), words(" You follow "))
	if r.Pipeline.ID != 0 {
		said = append(said, pipelineLink(r), words(", "))
	}
	ends := say(words(": I mention you when it has ended. Nothing else was started."))
	if at != "" {
		ends = say(words(": I mention you in "), slack.NewRichTextSectionChannelElement(at, nil), words(" when it has ended. Nothing else was started."))
	}
	return privately(append(append(said, request(r)...), ends...)...)
}

// instead puts a message in the place of what somebody acted on: a form, or a message
// for them alone.
func (b *Bot) instead(ctx context.Context, a *arrival, m message) {
	if a.Interaction == nil || a.Interaction.View.ID == "" {
		b.replace(ctx, a, m)
		return
	}
	_ = b.redraw(ctx, a.Interaction.View.ID, closing(m)) // it logs; who closed the form wants none
}

// closing is a message in the place of a form.
func closing(m message) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("Run pipeline"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: m.Blocks},
	}
}
