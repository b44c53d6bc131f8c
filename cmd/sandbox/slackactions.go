package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pipebot/bot/slacktest"
)

// errNotSeen is all that somebody is told of what they may not see.
const errNotSeen = sorry("That channel or message is not there.")

// channel returns a channel that the person sees.
func (w *world) channel(u *slacktest.User, id string) (*slacktest.Channel, error) {
	c, known := w.slack.Channel(id)
	if !known || !slices.Contains(u.Conversations(), c) {
		return nil, errNotSeen
	}
	return c, nil
}

// builtInCommands are those of Slack's own that matter to an app.
func builtInCommands() []shownCommand {
	return []shownCommand{
		{manifestCommand{"/invite", "Bring the app or a person into this channel", "@name"}, true},
		{manifestCommand{"/remove", "Take the app out of this channel", "@name"}, true},
	}
}

func (w *world) doCommand(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	c, err := w.channel(u, r.Channel)
	if err != nil {
		return nil, err
	}
	if r.Command == "/invite" || r.Command == "/remove" {
		return nil, w.member(c, u, r.Command, r.Text)
	}
	if !slices.ContainsFunc(w.app.Features.Commands, func(k manifestCommand) bool { return k.Command == r.Command }) {
		return nil, sorry(r.Command + " is not a valid command.")
	}
	err = u.Command(ctx, c, r.Command, r.Text)
	switch {
	case errors.Is(err, slacktest.ErrTimeout):
		return nil, sorry(r.Command + ` failed with the error "operation_timeout"`)
	case errors.Is(err, slacktest.ErrNotDispatched):
		return nil, sorry(r.Command + ` failed with the error "dispatch_failed"`)
	case err != nil && u.Kind == slacktest.External:
		return nil, sorry(r.Command + " is not a valid command: people of other teams do not have this team's apps.")
	}
	return nil, err
}

// member brings the app or a person into a channel, or takes the app out.
func (w *world) member(c *slacktest.Channel, by *slacktest.User, command, text string) error {
	name := strings.Trim(strings.TrimSpace(text), "<@>")
	bot := w.app.Features.BotUser.Name
	switch isIn := slices.Contains(c.Members(), by); {
	case c.Kind == slacktest.DM || c.Kind == slacktest.GroupDM:
		return sorry(command + " does not work in direct messages.")
	case !isIn:
		return sorry("Only members of a channel can do that.")
	}
	if strings.EqualFold(name, bot) || name == w.slack.BotUserID() {
		if command == "/invite" {
			c.InviteBot()
		} else {
			c.KickBot()
		}
		return nil
	}
	people := w.slack.Users()
	i := slices.IndexFunc(people, func(p *slacktest.User) bool { return strings.EqualFold(p.Name, name) || p.ID == name })
	switch {
	case i < 0:
		return sorry(fmt.Sprintf("Nobody is called %q. Try %s @%s.", name, command, bot))
	case command == "/remove":
		return sorry("Here only the app can be taken out of a channel.")
	}
	c.Invite(people[i])
	return nil
}

func (w *world) doPost(_ context.Context, u *slacktest.User, r request) (answer, error) {
	c, err := w.channel(u, r.Channel)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(r.Text) == "" {
		return nil, sorry("There is nothing to send.")
	}
	m, err := u.Post(c, r.Text, r.ThreadTS)
	if err != nil {
		return nil, sorry("Only members can write here.")
	}
	return answer{"ts": m.TS}, nil
}

// place is where the element is that the request is about.
func (r request) place() slacktest.Place {
	return slacktest.Place{Channel: r.Channel, TS: r.TS, View: r.View}
}

// enter stores what was entered in the view that the request is about, if it is about one.
func (r request) enter(u *slacktest.User) error {
	if r.View == "" || len(r.Values) == 0 {
		return nil
	}
	return u.Enter(r.View, r.Values)
}

func (w *world) doAct(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	if err := r.enter(u); err != nil {
		return nil, err
	}
	return nil, u.Act(ctx, r.place(), r.BlockID, r.ActionID, r.Value)
}

func (w *world) doSuggest(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	offered, err := u.Suggest(ctx, r.place(), r.BlockID, r.ActionID, r.Query)
	if errors.Is(err, slacktest.ErrQueryTooShort) {
		return answer{"options": []string{}}, nil
	}
	if err != nil {
		return nil, err
	}
	var said answer
	if err := decode(offered, &said); err != nil {
		return nil, err
	}
	return said, nil
}

func (w *world) doSubmit(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	if err := r.enter(u); err != nil {
		return nil, err
	}
	result, err := u.SubmitView(ctx, r.View)
	if err != nil {
		return nil, err
	}
	return answer{"closed": result.Closed, "errors": orEmpty(result.ErrorsByBlock), "late": result.Late}, nil
}

func (w *world) doClose(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	if err := r.enter(u); err != nil {
		return nil, err
	}
	return nil, u.CloseView(ctx, r.View)
}

func (w *world) doShortcut(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	return nil, u.Shortcut(ctx, r.CallbackID)
}

func (w *world) doMessageShortcut(ctx context.Context, u *slacktest.User, r request) (answer, error) {
	c, err := w.channel(u, r.Channel)
	if err != nil {
		return nil, err
	}
	m, found := c.Message(u, r.TS)
	if !found {
		return nil, errNotSeen
	}
	return nil, u.MessageShortcut(ctx, m, r.CallbackID)
}

func (w *world) doHome(ctx context.Context, u *slacktest.User, _ request) (answer, error) {
	return nil, u.OpenHome(ctx)
}
