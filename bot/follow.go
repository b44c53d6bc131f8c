package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func statusCommand() command {
	return command{
		name: "status", usage: targetUsage, summary: "the card of a pipeline, kept up to date here", example: "status 4711",
		action: policy.ActionView, handle: (*Bot).status,
	}
}

func followCommand() command {
	return command{
		name: "follow", usage: targetUsage, summary: "the same, and I tell you when it ends", example: "follow https://gitlab.com/group/app/-/pipelines/4711",
		action: policy.ActionView, handle: (*Bot).followTyped,
	}
}

// status shows the card of a pipeline.
func (b *Bot) status(ctx context.Context, a *arrival) { b.showTyped(ctx, a, statusCommand(), true) }

// followTyped shows it, and tells who asked of its end.
func (b *Bot) followTyped(ctx context.Context, a *arrival) {
	b.showTyped(ctx, a, followCommand(), false)
}

func (b *Bot) showTyped(ctx context.Context, a *arrival, c command, quiet bool) {
	t, ok := b.targetTyped(ctx, a, c)
	if !ok {
		return
	}
	b.answering(ctx, a, "Looking for the pipeline", func(ctx context.Context) message {
		r, err := b.find(ctx, a, t)
		return b.following(ctx, a, r, err, quiet)
	})
}

// targetTyped reads which pipeline a command is about. Where it cannot be read, who typed
// it is told, and ok is false.
func (b *Bot) targetTyped(ctx context.Context, a *arrival, c command) (t target, ok bool) {
	line, ok := b.parse(ctx, a, c)
	if !ok {
		return t, false
	}
	t, fault := b.parseTarget(line.Words)
	if fault != "" {
		b.misread(ctx, a, say(words(fault+" Write it like "), code("/pipeline "+c.example), words(".")))
		return t, false
	}
	return t, true
}

// followPressed follows the pipeline of a row or of a menu.
func (b *Bot) followPressed(ctx context.Context, a *arrival) {
	b.answering(ctx, a, "Looking for the pipeline", func(ctx context.Context) message {
		r, err := b.pipelineAt(ctx, a.action.Value)
		return b.following(ctx, a, r, err, false)
	})
}

// following shows a pipeline that was looked for where somebody is, and says what came
// of it; nothing where the card does.
func (b *Bot) following(ctx context.Context, a *arrival, r run.Run, err error, quiet bool) message {
	if err != nil {
		return b.notFound(ctx, a, err)
	}
	d, _ := b.ask(ctx, a, questionOf(policy.ActionView, r, a.who), r)
	if d.Outcome != policy.Allow {
		return b.refusedBy(d)
	}
	if r.Request.ID != "" && r.State == run.Ended && !r.Pipeline.Status.Ended() {
		// It was retried in GitLab, which nobody polls for.
		if err := b.Runs.Seen(ctx, r.Project, gitlab.Observation{Pipeline: r.Pipeline}); err != nil {
			return notShown(err)
		}
	}
	here, err := b.cardHere(ctx, a, r, quiet)
	switch {
	case err != nil:
		return notShown(err)
	case here.Shown.Card != "":
		return cardIsHere(r, b.permalink(ctx, here.Shown), quiet)
	case here.Request.Channel != placeOf(a.who):
		return cardIsAway(r, quiet)
	case quiet:
		return message{}
	default:
		return nowFollowed(r)
	}
}

// cardHere sees that a pipeline has a card where somebody is, or else in their direct
// messages, and that its thread tells them of the end unless they want quiet. here is the
// run of that card, which has none yet where it was not there before.
func (b *Bot) cardHere(ctx context.Context, a *arrival, r run.Run, quiet bool) (here run.Run, err error) {
	for _, s := range b.History.Shown(r.Project.ID, r.Pipeline.ID) {
		if s.Channel != placeOf(a.who) {
			continue
		}
		shows, err := b.findShown(ctx, s.ID)
		switch {
		case errors.Is(err, run.ErrNotFound) || err == nil && (lostCard(shows) || hidden(shows, a.who)):
			continue
		case err != nil:
			return here, err
		}
		return shows, b.tellToo(ctx, a, s.ID, quiet)
	}
	o, err := b.Pipelines.ObserveOne(ctx, r.Project.ID, r.Pipeline.ID)
	if err != nil {
		return here, err
	}
	here, created, err := b.followAt(ctx, followRequest(a.who, r, placeOf(a.who), quiet), r.Project, o)
	if err == nil && !created && hidden(here, a.who) {
		here, created, err = b.followAt(ctx, followRequest(a.who, r, a.who.User, quiet), r.Project, o)
	}
	if err != nil || created {
		return here, err
	}
	return here, b.tellToo(ctx, a, here.Request.ID, quiet)
}

// followAt follows a pipeline in a place: by one card for all who ask there, and by another
// one once that was deleted.
func (b *Bot) followAt(ctx context.Context, request run.Request, project gitlab.Project, o gitlab.Observation) (kept run.Run, created bool, err error) {
	id := request.ID
	for again := range mostCards {
		if again > 0 {
			request.ID = fmt.Sprintf("%s-%d", id, again)
		}
		kept, created, err = b.Runs.Follow(ctx, request, project, o)
		if err != nil || created {
			return kept, created, err
		}
		if lostCard(kept) {
			continue
		}
		kept, err = b.findShown(ctx, kept.Request.ID)
		return kept, false, err
	}
	return kept, false, errManyCards
}

// hidden reports whether the card of a run is where somebody does not see it, though it
// was asked for where they are: in the direct messages of who asked, since Slack does not
// let us post here.
func hidden(r run.Run, who Asker) bool {
	if r.Request.Asker == who.User && r.Request.Team == who.Team {
		return false
	}
	return r.Shown.Channel != "" && r.Shown.Channel != placeOf(who) && r.Shown.Channel != r.Request.Channel && !policy.IsUserID(r.Request.Channel)
}

// lostCard reports whether somebody deleted the card that a run had.
func lostCard(r run.Run) bool { return slices.Contains(r.Shown.Told, toldLost) }

// tellToo has the thread of a run's card tell somebody of its end, unless they want quiet.
func (b *Bot) tellToo(ctx context.Context, a *arrival, id string, quiet bool) error {
	if quiet {
		return nil
	}
	_, err := b.Runs.AddFollower(ctx, id, a.who.Team, a.who.User)
	return err
}

// mostCards is how often a pipeline's card is posted anew in one place after somebody
// deleted it.
const mostCards = 20

var errManyCards = errors.New("the card was deleted too often")

// followRequest is somebody's wish to follow a pipeline in a place. What is known of it
// goes with it: the rules are asked about that too.
func followRequest(who Asker, r run.Run, at string, quiet bool) run.Request {
	request := run.Request{
		ID:      fmt.Sprintf("F-%s-%d-%d", at, r.Project.ID, r.Pipeline.ID),
		Project: r.Request.Project, Ref: r.Request.Ref, BuildType: r.Request.BuildType, Variables: r.Request.Variables, Files: r.Request.Files,
		Asker: who.User, Team: who.Team, Channel: at, At: time.Now().UTC(), Follow: true, Quiet: quiet, Origin: r.Request.Origin,
	}
	if !r.Request.Follow {
		request.Origin = r.Request.Asker
	}
	return request
}

// permalink is the address of a card, empty where Slack does not say.
func (b *Bot) permalink(ctx context.Context, s run.Shown) string {
	address, err := b.API.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: s.Channel, Ts: s.Card})
	if err != nil {
		return ""
	}
	return address
}

// cardIsHere says that a pipeline has a card in this place already.
func cardIsHere(r run.Run, address string, quiet bool) message {
	look := faceOf(r)
	said := append(say(emoji(look.emoji), words(" ")), append(pipelineNamed(r), words(": "+lowered(look.word)+". Its card is "), link(address, "here"), words("."))...)
	return privately(append(said, whenTold(r, quiet)...)...)
}

// whenTold says when its thread tells somebody of a pipeline's end, unless they want
// quiet.
func whenTold(r run.Run, quiet bool) phrase {
	switch {
	case quiet:
		return nil
	case r.Pipeline.Status.Ended():
		return say(words(" If it is retried from there, I tell you in its thread when that ends."))
	default:
		return say(words(" I tell you in its thread when it ends."))
	}
}

// notShown says why a pipeline that was found is not shown.
func notShown(err error) message {
	switch {
	case errors.Is(err, errManyCards):
		return warning(words("The card of this pipeline was deleted here again and again, so I post no more of them. Ask in another channel, or look at it in GitLab."))
	case errors.Is(err, run.ErrManyFollowers):
		return warning(words("So many people follow this pipeline here that one message cannot mention more. Its card shows how it goes on; to be told yourself, type "),
			code("/pipeline follow"), words(" with its id in your conversation with me."))
	default:
		return warning(append(say(words("I could not show the pipeline. ")), readFault(err)...)...)
	}
}

// nowFollowed says that a card is coming.
func nowFollowed(r run.Run) message {
	if r.Pipeline.Status.Ended() {
		return privately(append(append(say(emoji("eyes"), words(" ")), pipelineNamed(r)...), words(" has ended already; its card shows how. If it is retried from there, I tell you when that ends."))...)
	}
	return privately(append(append(say(emoji("eyes"), words(" I follow ")), pipelineNamed(r)...), words(" and tell you in its thread when it ends."))...)
}

// cardIsAway says that a card is coming elsewhere: where others asked already, but the
// card could only be posted to them.
func cardIsAway(r run.Run, quiet bool) message {
	said := append(append(say(emoji("eyes"), words(" The card of ")), pipelineNamed(r)...), words(" is in your conversation with me."))
	return privately(append(said, whenTold(r, quiet)...)...)
}

// pipelineNamed names a pipeline: Pipeline #4711 of main in group/app.
func pipelineNamed(r run.Run) phrase {
	return say(pipelineLink(r), words(" of "), code(shortenMiddle(r.Request.Ref.Name, refSize)), words(" in "), bold(shortenMiddle(projectName(r), projectSize)))
}

// notFoundOut says why the pipeline that somebody means is not known.
func notFoundOut(err error) message {
	if two, ok := errors.AsType[*twoError](err); ok {
		return warning(words(fmt.Sprintf("#%d can be two pipelines: the one with that id, and number %d in the project, whose id is %d. Write the id without #: %d or %d.",
			two.number, two.number, two.id, two.number, two.id)))
	}
	switch {
	case errors.Is(err, errNothingShown):
		return warning(words("No pipeline was shown here yet. Write which one you mean: its id, # and its number in the project, or its address."))
	case errors.Is(err, errStale):
		return warning(words("That pipeline's project is not set up here any more."))
	case errors.Is(err, errNoPipeline):
		return warning(words("GitLab has no such pipeline in the projects that are set up here. Type "), code("/pipeline list"), words(" to see the newest."))
	default:
		return warning(append(say(words("I could not look for the pipeline. ")), readFault(err)...)...)
	}
}
