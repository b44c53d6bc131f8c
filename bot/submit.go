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

// submit takes a filled-in form: it checks it, writes the request down, and only
// then acknowledges, which closes the modal. From there on nothing is lost.
func (b *Bot) submit(ctx context.Context, e *arrival) {
	in := e.Interaction
	values := fillings(&in.View)

	// The store has one budget for the look and the write. The look comes before
	// any check: what was taken once is not refused the second time.
	begin := time.Now()
	find, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	earlier, err := b.Runs.Find(find, in.View.ID)
	spent := time.Since(begin)
	if err != nil && !errors.Is(err, run.ErrNotFound) {
		b.notCertain(e, err)
		return
	}
	found := err == nil
	f, turning, ok := b.formOf(ctx, e, values, earlier, found)
	if !ok {
		return
	}
	request, missing, faults := b.request(ctx, f, e, values, earlier.Request.Ref)
	switch {
	case found:
		e.Ack(taken(earlier.Request, request, len(faults) == 0 && !turning && !missing))
		return
	case len(faults) > 0:
		e.Ack(onFields(&in.View, faults))
		return
	case missing:
		b.askAgain(ctx, e, f, b.redrawn(values, request))
		return
	}
	hold, running, refused := b.admit(ctx, e, &request, f.Warned == warnedOf(request))
	switch {
	case refused != "":
		e.Ack(onFields(&in.View, map[string]string{values.refBlock: refused}))
		return
	case len(running) > 0:
		again := b.redrawn(values, request)
		again.running, f.Warned = running, warnedOf(request)
		b.askAgain(ctx, e, f, again)
		return
	}
	r, created, err := b.write(ctx, request, hold, storeWithin-spent)
	switch {
	case err != nil:
		b.notCertain(e, err)
	case created:
		e.Ack(nil)
	default:
		e.Ack(taken(r.Request, request, true))
	}
}

// formOf reads the form that was submitted. turning says that its project is not the
// chosen one. Where there is nothing to go on with it has answered, and ok is false.
func (b *Bot) formOf(ctx context.Context, e *arrival, values filled, earlier run.Run, found bool) (f form, turning, ok bool) {
	if found && (earlier.Request.Asker != e.who.User || earlier.Request.Team != e.who.Team) {
		b.Log.Warn("a modal of another person was submitted", zap.String("user", e.who.User))
		e.Ack(notice("This form is not yours", "Please close it and type /pipeline."))
		return f, false, false
	}
	f, err := b.formIn(e)
	switch {
	case err != nil && found:
		e.Ack(taken(earlier.Request, run.Request{}, false))
		return f, false, false
	case err != nil:
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		e.Ack(refusedForm(&e.Interaction.View, "This form is out of date: its project is no longer set up here. "+
			"Copy what you want to keep, close it, and type /pipeline again."))
		return f, false, false
	}
	chosen, known := projectByKey(b.Projects.Names(), values.project)
	turning = known && chosen != f.Project
	if !turning || found {
		return f, turning, true
	}
	// The form has not followed the choice yet, or could not: it does now.
	if refused := b.mayNotSee(ctx, e, chosen); refused != "" {
		e.Ack(onFields(&e.Interaction.View, map[string]string{blockProject: refused}))
		return f, false, false
	}
	b.show(ctx, e, b.turned(ctx, e.who, f, chosen, values))
	return f, false, false
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

// notCertain keeps the modal open: the write may have been done or not, and
// submitting once more finds out.
func (b *Bot) notCertain(e *arrival, err error) {
	b.Log.Error("writing a request down failed", zap.Error(err))
	e.Ack(refusedForm(&e.Interaction.View, "I am not certain that I have written this down. Please submit again: it starts one pipeline at most."))
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
