package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"pipebot/bot/policy"
	"pipebot/bot/socket"
)

// arrival is one thing that somebody did, on its way to who deals with it.
type arrival struct {
	*socket.Envelope
	who    Asker
	does   policy.Action      // what its route is about
	args   string             // of a command, behind its word
	action *slack.BlockAction // of a button or menu
	// inPlace: what is said takes the place of the message that was acted on.
	inPlace bool
}

// recipient is who acted, and the ways to them.
func (a *arrival) recipient() recipient {
	to := recipient{User: a.who.User, Channel: a.who.Channel, replace: a.inPlace}
	switch {
	case a.Command != nil:
		to.ReplyURL = a.Command.ResponseURL
	case a.Interaction != nil:
		to.ReplyURL = a.Interaction.ResponseURL
	}
	return to
}

// route leads from what people can do to who deals with it. action is what the policy
// is asked about on the way: routes_test.go fails for a route that does not ask.
type route struct {
	kind, id string
	action   policy.Action
	handle   func(b *Bot, ctx context.Context, a *arrival)
}

// The kinds of routes.
const (
	byCommand    = "command"
	bySubmission = "submission"
	bySuggestion = "suggestion"
	byAction     = "action"
	byShortcut   = "shortcut" // of the workspace, or of a message
	byEvent      = "event"
)

// routes are all that people can do.
func routes() []route {
	list := []route{
		{bySuggestion, actionRef, policy.ActionView, (*Bot).suggest},
		{bySubmission, callbackRun, policy.ActionRun, (*Bot).submit},
		{bySubmission, callbackTurnDown, policy.ActionApprove, (*Bot).turnedDown},
		{byAction, actionProject, policy.ActionView, (*Bot).choose},
		{byAction, actionCancel, policy.ActionCancel, (*Bot).cancel},
		{byAction, actionRetry, policy.ActionRetry, (*Bot).retry},
		{byAction, actionPlay, policy.ActionPlay, (*Bot).play},
		{bySubmission, callbackCancel, policy.ActionCancel, (*Bot).confirmed},
		{bySubmission, callbackDelete, policy.ActionDelete, (*Bot).confirmed},
		{byAction, actionMenu, policy.ActionView, (*Bot).menuChosen},
		{byAction, actionStart, policy.ActionPlay, (*Bot).startPressed},
		{byAction, actionReveal, policy.ActionVariables, (*Bot).reveal},
		{byAction, actionFollow, policy.ActionView, (*Bot).followPressed},
		{byAction, actionApprove, policy.ActionApprove, (*Bot).approve},
		{byAction, actionTurnDown, policy.ActionApprove, (*Bot).askReason},
		{byAction, actionThisOne, policy.ActionRun, (*Bot).thisOne},
		{byAction, actionNoneOfThem, policy.ActionRun, (*Bot).noneOfThem},
		{byAction, actionLookAgain, policy.ActionRun, (*Bot).lookAgain},
		{byAction, actionRunTyped, policy.ActionRun, (*Bot).runTyped},
		{byAction, actionFollowRunning, policy.ActionView, (*Bot).followRunning},
		{byAction, actionRerun, policy.ActionRun, (*Bot).runAgain},
		{byAction, actionLink, policy.ActionLink, (*Bot).link},
		{byAction, actionTokensShow, policy.ActionTokens, (*Bot).showTokens},
		{byAction, actionTokensOlder, policy.ActionTokens, (*Bot).showTokens},
		{byAction, actionTokenNew, policy.ActionTokens, (*Bot).newToken},
		{byAction, actionTokenMenu, policy.ActionTokens, (*Bot).tokenMenu},
		{bySubmission, callbackTokenNew, policy.ActionTokens, (*Bot).makeToken},
		{bySubmission, callbackTokenRename, policy.ActionTokens, (*Bot).renameToken},
		{bySubmission, callbackTokenRevoke, policy.ActionTokens, (*Bot).revokeToken},
		{byAction, actionListNext, policy.ActionView, (*Bot).turnPage},
		{byAction, actionListBack, policy.ActionView, (*Bot).turnPage},
		{byAction, actionListAgain, policy.ActionView, (*Bot).turnPage},
		{byAction, actionOpenForm, policy.ActionLink, (*Bot).openAnywhere},
		{byEvent, eventHomeOpened, policy.ActionLink, (*Bot).homeOpened},
		{byShortcut, shortcutFollow, policy.ActionView, (*Bot).followLinked},
		{byShortcut, shortcutRun, policy.ActionLink, (*Bot).openAnywhere},
		{byEvent, eventLink, policy.ActionView, (*Bot).unfurl},
	}
	for _, c := range commands() {
		list = append(list, route{byCommand, c.name, c.action, c.handle})
	}
	return list
}

func routeTo(kind, id string) (route, bool) {
	list := routes()
	i := slices.IndexFunc(list, func(r route) bool { return r.kind == kind && r.id == id })
	if i < 0 {
		return route{}, false
	}
	return list[i], true
}

// Handle answers one envelope.
func (b *Bot) Handle(ctx context.Context, e *socket.Envelope) {
	a := &arrival{Envelope: e, who: whose(e)}
	if a.who.User != "" && !b.pace.allows(a.who, e) {
		b.tooQuick(ctx, a)
		return
	}
	switch {
	case e.Command != nil:
		b.command(ctx, a)
	case e.Event != nil:
		e.Ack(nil) // an event takes no answer
		b.follow(ctx, byEvent, e.Event.InnerEvent.Type, a)
	case e.Interaction == nil:
	case e.Interaction.Type == slack.InteractionTypeBlockSuggestion:
		b.follow(ctx, bySuggestion, e.Interaction.ActionID, a)
	case e.Interaction.Type == slack.InteractionTypeViewSubmission:
		b.follow(ctx, bySubmission, e.Interaction.View.CallbackID, a)
	case e.Interaction.Type == slack.InteractionTypeShortcut, e.Interaction.Type == slack.InteractionTypeMessageAction:
		b.follow(ctx, byShortcut, e.Interaction.CallbackID, a)
	case e.Interaction.Type == slack.InteractionTypeBlockActions:
		e.Ack(nil) // link buttons act too, and need nothing more
		for _, action := range e.Interaction.ActionCallback.BlockActions {
			a.action = action
			b.follow(ctx, byAction, action.ActionID, a)
		}
	}
}

// numbered is the action id of one of several buttons in a row that do the same: Slack
// wants them to differ.
func numbered(action string, i int) string { return fmt.Sprintf("%s.%d", action, i) }

func (b *Bot) follow(ctx context.Context, kind, id string, a *arrival) {
	if kind == byAction {
		id, _, _ = strings.Cut(id, ".")
	}
	r, ok := routeTo(kind, id)
	if !ok {
		b.unknown(ctx, kind, id, a)
		return
	}
	a.does = r.action
	r.handle(b, ctx, a)
}

// whose says who acts and where. The name in the payload is nobody's identity.
func whose(e *socket.Envelope) Asker {
	switch {
	case e.Command != nil:
		return Asker{Team: e.Command.TeamID, User: e.Command.UserID, Channel: e.Command.ChannelID}
	case e.Interaction != nil:
		in := e.Interaction
		team := in.User.TeamID
		if team == "" {
			team = in.Team.ID
		}
		return Asker{Team: team, User: in.User.ID, Channel: in.Channel.ID}
	case e.Event != nil:
		return whoseEvent(e.Event)
	default:
		return Asker{}
	}
}

// whoseEvent is whose with an event, whose payloads all differ.
func whoseEvent(e *slackevents.EventsAPIEvent) Asker {
	switch inner := e.InnerEvent.Data.(type) {
	case *slackevents.AppHomeOpenedEvent:
		return Asker{Team: e.TeamID, User: inner.User}
	case *slackevents.LinkSharedEvent:
		return Asker{Team: e.TeamID, User: inner.User, Channel: inner.Channel}
	default:
		return Asker{}
	}
}
