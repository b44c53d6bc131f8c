package bot

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// A new trigger token: its form, and how its value comes to the one who asked for it and
// to nobody else.

const (
	blockDescription  = "description"
	blockExpires      = "expires"
	actionDescription = "description"
	actionExpires     = "expires"

	// longestDescription is as much as GitLab keeps in the column.
	longestDescription = 255
)

// newToken opens the form for a new trigger token.
func (b *Bot) newToken(ctx context.Context, a *arrival) {
	at, d, ok := b.onTokens(ctx, a)
	if !ok {
		return
	}
	if _, ok = b.push(ctx, a, newTokenModal(at, d.Project)); !ok {
		b.tell(ctx, a, warning(words("Slack did not let me open the form. Please press the button again.")))
	}
}

// wantedToken is what was filled into the form.
type wantedToken struct {
	description string
	expires     time.Time // zero: never
}

// parseWantedToken reads the form, and says what is wrong at which field.
func parseWantedToken(view *slack.View, now time.Time) (w wantedToken, faults map[string]string) {
	faults = make(map[string]string)
	var fault string
	if w.description, fault = describedAs(view); fault != "" {
		faults[blockDescription] = fault
	}
	if view.State == nil {
		return w, faults
	}
	date := view.State.Values[blockExpires][actionExpires].SelectedDate
	if date == "" {
		return w, faults
	}
	var err error
	w.expires, err = time.Parse(time.DateOnly, date)
	switch {
	case err != nil:
		faults[blockExpires] = "Please choose the day from the calendar."
	case !w.expires.After(now):
		faults[blockExpires] = "It would have ended before it began. Please choose a later day."
	}
	return w, faults
}

// describedAs is the description that was filled in, and what is wrong with it.
func describedAs(view *slack.View) (description, fault string) {
	if view.State != nil {
		description = strings.TrimSpace(view.State.Values[blockDescription][actionDescription].Value)
	}
	switch n := utf8.RuneCountInString(description); {
	case n == 0:
		return "", "Please say what it is for, so that others know whether it is still needed."
	case n > longestDescription:
		return "", fmt.Sprintf("Please say it in at most %d characters; these are %d.", longestDescription, n)
	default:
		return description, ""
	}
}

// makeToken makes the trigger token that was asked for, and shows its value in the form's
// place.
func (b *Bot) makeToken(ctx context.Context, a *arrival) {
	view := &a.Interaction.View
	at, d, q, ok := b.submittedTokens(ctx, a)
	if !ok {
		return
	}
	wanted, faults := parseWantedToken(view, time.Now())
	if len(faults) > 0 {
		a.Ack(onFields(&a.Interaction.View, faults))
		return
	}
	first, err := b.claimed(ctx, a, d, q)
	switch {
	case err != nil: // the gate has logged it
		a.Ack(refusedForm(&a.Interaction.View, "I cannot write this down in my own records, so I made no token. Go back and try again in a moment."))
		return
	case !first:
		a.Ack(notice("Already taken", "I took this form before, and make one token of it at most. Look in the list whether it is there: "+
			"if its value was not shown to you, revoke it and make another one."))
		return
	}
	making := tokensWorking(at, d.Project, "Making the token. Please keep this open, its value is shown here")
	a.Ack(slack.NewUpdateViewSubmissionResponse(&making))
	settled := time.NewTimer(ackSettles)
	defer settled.Stop()
	var token gitlab.TriggerToken
	err = b.inProject(ctx, at.Project, func(ctx context.Context, project gitlab.Project) error {
		token, err = b.Tokens.CreateTriggerToken(ctx, project.ID, wanted.description, wanted.expires)
		return err
	})
	b.doneTo(ctx, a, d, q, "created", token.ID, err)
	<-settled.C
	b.showMade(ctx, a, d.Project, wanted, token, err)
	at.Page = 0 // the newest are there
	_ = b.drawTokens(ctx, view.RootViewID, at, nil)
}

// claimed writes down that a token is about to be made. It reports whether this is the
// first that is heard of the form: Slack delivers twice at times, GitLab has no key
// against doing twice, and of two processes each may get one of the two.
func (b *Bot) claimed(ctx context.Context, a *arrival, d policy.Decision, q policy.Question) (first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	return b.Gate.claim(ctx, "trigger-token/"+a.Interaction.View.ID, d, a.who, q, run.Run{}, "making a trigger token")
}

// showMade shows the new token, or why there is none. Where the modal was closed in the
// meantime nobody has seen the value, and nobody will: the person is told that.
func (b *Bot) showMade(ctx context.Context, a *arrival, path string, wanted wantedToken, token gitlab.TriggerToken, err error) {
	shown, unseen := madeModal(path, token, len(b.Projects.Names()) > 1), tokenUnseen(wanted.description, path)
	if err != nil {
		said := notMade(wanted.description, err)
		shown, unseen = tokensSaying(privately(said...).Blocks), privately(said...)
	}
	if b.redraw(ctx, a.Interaction.View.ID, shown) != nil {
		b.later(ctx, a, unseen)
	}
}

// later is tell with time of its own.
func (b *Bot) later(ctx context.Context, a *arrival, m message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actWithin)
	defer cancel()
	b.tell(ctx, a, m)
}

// doneTo writes down what was done to a trigger token, or that it failed.
func (b *Bot) doneTo(ctx context.Context, a *arrival, d policy.Decision, q policy.Question, outcome string, token int64, err error) {
	log := b.Log.With(zap.String("project", d.Project), zap.Int64("token", token), zap.String("user", a.who.User))
	if err != nil {
		log.Warn("a trigger token was not "+outcome, zap.NamedError("reason", err))
	} else {
		log.Info("a trigger token was " + outcome)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	b.Gate.done(ctx, d, a.who, q, run.Run{}, fmt.Sprintf("%s token %d", outcome, token), err)
}

// submittedTokens reads what a submitted modal about trigger tokens knows, and asks
// whether who submitted it may. Where not, it has answered.
func (b *Bot) submittedTokens(ctx context.Context, a *arrival) (at tokensAt, d policy.Decision, q policy.Question, ok bool) {
	at, err := parseTokensAt(a.Interaction.View.PrivateMetadata, b.Projects.Names())
	if err != nil {
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		a.Ack(refusedForm(&a.Interaction.View, "This form is out of date: its project is no longer set up here. "+
			"Copy what you want to keep, close it, and type /pipeline tokens again."))
		return at, d, q, false
	}
	a.who.Channel = at.Channel // a modal is in no channel
	if d, q = b.mayTokens(ctx, a, at.Project); d.Outcome == policy.Allow {
		return at, d, q, true
	}
	refused := tokensSaying(b.refusedBy(d).Blocks)
	a.Ack(slack.NewUpdateViewSubmissionResponse(&refused))
	return at, d, q, false
}
