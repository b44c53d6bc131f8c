package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// submit takes a filled-in form. The acknowledgement closes the modal, so it comes once the
// request is written down: from there on nothing is lost. Before any check it looks whether
// the form was taken before: what was taken once is not refused the second time.
func (b *Bot) submit(ctx context.Context, e *arrival) {
	values := fillings(&e.Interaction.View)
	begin := time.Now()
	find, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	earlier, err := b.Runs.Find(find, e.Interaction.View.ID)
	switch {
	case err == nil:
		b.submittedAgain(ctx, e, values, earlier)
	case errors.Is(err, run.ErrNotFound):
		// The store has one budget for the look and the write.
		b.submitted(ctx, e, values, storeWithin-time.Since(begin))
	default:
		b.notTaken(e, err)
	}
}

// submittedAgain answers a form that was taken before.
func (b *Bot) submittedAgain(ctx context.Context, e *arrival, values filled, earlier run.Run) {
	if earlier.Request.Asker != e.who.User || earlier.Request.Team != e.who.Team {
		b.Log.Warn("a modal of another person was submitted", zap.String("user", e.who.User))
		e.Ack(notice("This form is not yours", "Please close it and type /pipeline."))
		return
	}
	f, err := b.formIn(e)
	if _, turning := b.turning(f, values); err != nil || turning {
		e.Ack(taken(earlier.Request, run.Request{}, false))
		return
	}
	request, missing, faults := b.request(ctx, f, e, values, earlier.Request.Ref)
	e.Ack(taken(earlier.Request, request, len(faults) == 0 && !missing))
}

// submitted takes a form that was not taken before. Whatever is in the way keeps it open
// with what was typed, one after the other: its project is not the chosen one yet, a field
// is wrong, fields for files are missing, its asker may not, the same runs already.
func (b *Bot) submitted(ctx context.Context, e *arrival, values filled, left time.Duration) {
	view := &e.Interaction.View
	f, err := b.formIn(e)
	if err != nil {
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		e.Ack(refusedForm(view, "This form is out of date: its project is no longer set up here. "+
			"Copy what you want to keep, close it, and type /pipeline again."))
		return
	}
	if chosen, turning := b.turning(f, values); turning {
		b.turn(ctx, e, f, chosen, values)
		return
	}
	request, missing, faults := b.request(ctx, f, e, values, gitlab.Ref{})
	switch {
	case len(faults) > 0:
		e.Ack(onFields(view, faults))
		return
	case missing:
		b.askAgain(ctx, e, f, b.redrawn(values, request))
		return
	}
	hold, running, refused := b.admit(ctx, e, &request, f.Warned == warnedOf(request))
	switch {
	case refused != "":
		e.Ack(onFields(view, map[string]string{values.refBlock: refused}))
		return
	case len(running) > 0:
		again := b.redrawn(values, request)
		again.running, f.Warned = running, warnedOf(request)
		b.askAgain(ctx, e, f, again)
		return
	}
	r, created, err := b.write(ctx, request, hold, left)
	switch {
	case err != nil:
		b.notTaken(e, err)
	case created:
		e.Ack(nil)
	default: // delivered twice at once
		e.Ack(taken(r.Request, request, true))
	}
}

// turning is the project that was chosen in a form that is of another one yet.
func (b *Bot) turning(f form, values filled) (chosen string, turning bool) {
	chosen, known := projectByKey(b.Projects.Names(), values.project)
	return chosen, known && chosen != f.Project
}

// turn has the form follow the chosen project, which it has not done yet or could not.
func (b *Bot) turn(ctx context.Context, e *arrival, f form, chosen string, values filled) {
	if refused := b.mayNotSee(ctx, e, chosen); refused != "" {
		e.Ack(onFields(&e.Interaction.View, map[string]string{blockProject: refused}))
		return
	}
	b.show(ctx, e, b.turned(ctx, e.who, f, chosen, values))
}

// redrawn is what a form shows that stays open: what was typed stays in its fields,
// since those keep their ids.
func (b *Bot) redrawn(values filled, request run.Request) sheet {
	return sheet{
		ref: &request.Ref, buildType: request.BuildType,
		files: emptyFields(parseVariables(values.variables, b.BuildTypeVariable).files),
	}
}

// askAgain shows a form that was submitted with something more to look at.
func (b *Bot) askAgain(ctx context.Context, a *arrival, f form, s sheet) {
	b.show(ctx, a, b.draw(ctx, a.who, f, s))
}

// answerBytes is as much as an acknowledgement may have, with room for its envelope:
// Slack drops larger ones.
const answerBytes = 20_000

// show puts a view in the place of a form that was submitted. With a hundred projects it
// is too large for an acknowledgement.
func (b *Bot) show(ctx context.Context, a *arrival, view slack.ModalViewRequest) {
	if data, err := json.Marshal(view); err == nil && len(data) <= answerBytes {
		a.Ack(slack.NewUpdateViewSubmissionResponse(&view))
		return
	}
	if _, err := b.API.UpdateViewContext(ctx, view, "", a.Interaction.View.Hash, a.Interaction.View.ID); err != nil {
		b.Log.Warn("updating the modal failed", zap.String("reason", slackReason(err)))
	}
	a.Ack(refusedForm(&a.Interaction.View, "The form has changed. Please look at it and submit again."))
}

// request makes a request of the form, or says what is wrong at which field. missing
// says that the form has not the fields that its files need. taken is the ref of an
// earlier submission of the form, if there was one.
func (b *Bot) request(ctx context.Context, f form, a *arrival, values filled, taken gitlab.Ref) (r run.Request, missing bool, faults map[string]string) {
	faults = make(map[string]string)
	fault := func(block, text string) { faults[block] = text }
	if values.project != "" {
		if _, ok := projectByKey(b.Projects.Names(), values.project); !ok {
			fault(blockProject, "This project is no longer set up here, choose another one.")
		}
	}
	if !slices.Contains(b.BuildTypes, values.buildType) {
		fault(blockBuildType, "This build type is no longer set up here, choose another one.")
	}
	huge := len(values.variables) > mostVariables
	if huge {
		values.variables = "" // not read: Slack's own windows take no such text
	}
	set := parseVariables(values.variables, b.BuildTypeVariable)
	if wrong := set.faults(); wrong != "" {
		fault(blockVariables, wrong)
	}
	files, missing := values.filesFor(set.files, fault)
	if huge || tooMuch(set.values, files) {
		fault(blockVariables, "This is more than a pipeline can be started with here. Leave something out.")
	}
	var ref gitlab.Ref
	if faults[blockProject] == "" {
		var text string
		if ref, text = b.ref(ctx, f.Project, values.refKey, taken); text != "" {
			fault(values.refBlock, text)
		}
	}
	w := wanted{f.Project, ref, values.buildType, set.values, files}
	return b.requestFor(a, w, a.Interaction.View.ID, f.Channel, f.ReplyURL), missing, faults
}

// decide asks whether the request may be made, and by what it is held until it may
// start. refused says why it may not.
func (b *Bot) decide(ctx context.Context, a *arrival, request *run.Request) (hold *run.Hold, refused string) {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	r := run.Run{Request: *request}
	d, person := b.ask(ctx, a, questionOf(a.does, r, a.who), r)
	if person.Account != nil {
		request.Account = gitlab.User{ID: person.Account.ID, Username: person.Account.Username}
	}
	switch {
	case d.Outcome == policy.Allow:
		return nil, ""
	case d.Outcome == policy.NeedsApproval:
		hold, err := b.Gate.holdFor(ctx, d, *request)
		if err != nil {
			b.Log.Warn("reading the commit of a ref failed", zap.NamedError("reason", err))
			return nil, "This needs an approval, and GitLab does not say just now which commit it would be about. Please try again in a moment."
		}
		return hold, ""
	case d.Why == policy.NotLinked && b.Linking.Possible():
		return &run.Hold{For: run.ForLink, Until: time.Now().UTC().Add(linkLasts), Lasts: linkLasts}, ""
	default:
		return nil, shortenEnd(d.Sentence(), fieldErrorSize)
	}
}

// linkLasts is how long a request waits for its asker to say who they are in GitLab.
const linkLasts = time.Hour

// fieldErrorSize is as much as fits under a field and is still read.
const fieldErrorSize = 300

const refNotFound = "I cannot find this branch or tag, choose it once more."

// ref finds the chosen ref and looks whether it is still there. No answer from GitLab
// is no objection, and where a submission was taken before there is nothing to object
// to.
func (b *Bot) ref(ctx context.Context, name, key string, taken gitlab.Ref) (ref gitlab.Ref, fault string) {
	again := taken != gitlab.Ref{}
	if again && taken.Key(valueSize) == key {
		return taken, ""
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	project, _ := b.Projects.Known(name)
	if utf8.RuneCountInString(key) > valueSize {
		return gitlab.Ref{}, refNotFound // no option has such a value
	}
	ref, err := b.Refs.Resolve(ctx, project, key)
	if err != nil {
		b.Log.Warn("resolving a chosen ref failed", zap.NamedError("reason", err))
		return gitlab.Ref{}, refNotFound
	}
	if again || project.ID == 0 {
		return ref, ""
	}
	if there, err := b.GitLab.RefExists(ctx, project, ref); err == nil && !there {
		b.Refs.Forget(project, ref)
		return ref, fmt.Sprintf("The %s %s is gone, choose another one.", ref.Kind, shortenMiddle(ref.Name, refSize))
	}
	return ref, ""
}

// notTaken keeps the modal open: the store does not answer. This form may be written down
// all the same, now or by an earlier delivery, and submitting once more finds out.
func (b *Bot) notTaken(e *arrival, err error) {
	b.Log.Error("writing a request down failed", zap.Error(err))
	e.Ack(refusedForm(&e.Interaction.View, "I can take no requests just now: my own records do not answer, and I am not certain about this one. "+
		"Please submit it again in a moment: it starts one pipeline at most."))
}

// taken answers a second submission of one modal: nil closes it. Where the fields
// were changed in between, the person is told which of the two was taken.
func taken(first, second run.Request, valid bool) any {
	if valid && first.Same(second) {
		return nil
	}
	return notice("Already taken", fmt.Sprintf(
		"Your first submission was taken: %s, %s %s, %s. What you changed after it was not. To run that as well, type /pipeline again.",
		shortenMiddle(first.Project, projectSize), first.Ref.Kind, shortenMiddle(first.Ref.Name, refSize), shortenEnd(first.BuildType, stageNameSize)))
}

// fieldErrors shows what is wrong at the fields, by their block ids.
func fieldErrors(faults map[string]string) *slack.ViewSubmissionResponse {
	return slack.NewErrorsViewSubmissionResponse(faults)
}

// notice puts a few words in the place of the form.
func notice(title, text string) *slack.ViewSubmissionResponse {
	return slack.NewUpdateViewSubmissionResponse(&slack.ModalViewRequest{
		Type:  slack.VTModal,
		Title: plain(title),
		Close: plain("Close"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewSectionBlock(plain(text), nil, nil),
		}},
	})
}
