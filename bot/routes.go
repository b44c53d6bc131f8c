package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

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
}

// recipient is who acted, and the ways to them.
func (a *arrival) recipient() recipient {
	to := recipient{User: a.who.User, Channel: a.who.Channel}
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
		{byAction, actionApprove, policy.ActionApprove, (*Bot).approve},
		{byAction, actionTurnDown, policy.ActionApprove, (*Bot).askReason},
		{byAction, actionLink, policy.ActionLink, (*Bot).link},
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
	case e.Interaction == nil:
	case e.Interaction.Type == slack.InteractionTypeBlockSuggestion:
		b.follow(ctx, bySuggestion, e.Interaction.ActionID, a)
	case e.Interaction.Type == slack.InteractionTypeViewSubmission:
		b.follow(ctx, bySubmission, e.Interaction.View.CallbackID, a)
	case e.Interaction.Type == slack.InteractionTypeBlockActions:
		e.Ack(nil) // link buttons act too, and need nothing more
		for _, action := range e.Interaction.ActionCallback.BlockActions {
			a.action = action
			b.follow(ctx, byAction, action.ActionID, a)
		}
	}
}

func (b *Bot) follow(ctx context.Context, kind, id string, a *arrival) {
	if r, ok := routeTo(kind, id); ok {
		a.does = r.action
		r.handle(b, ctx, a)
	}
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
	default:
		return Asker{}
	}
}

// command leads to the command that was typed; nothing typed opens the form.
func (b *Bot) command(ctx context.Context, a *arrival) {
	text := strings.TrimSpace(a.Command.Text)
	word := first(strings.Fields(text))
	a.args = strings.TrimSpace(strings.TrimPrefix(text, word))
	if name := strings.ToLower(word); isCommand(name) {
		b.follow(ctx, byCommand, name, a)
		return
	}
	b.unknownCommand(ctx, a, word)
}

func isCommand(name string) bool {
	_, ok := routeTo(byCommand, name)
	return ok
}
