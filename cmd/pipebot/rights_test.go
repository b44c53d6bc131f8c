package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// What people read who may not, and what they can do about it.
const (
	isOutsider = "guests and people of other workspaces may do only what the policy lets them do by name. Ask a member of the workspace to do it."
	isNobody   = "it takes the GitLab role Developer there, and you have none. Ask those who manage the project's members."
	isGuest    = "it takes the GitLab role Developer there, and yours is Guest. Ask those who manage"
	isReporter = "it takes the GitLab role Developer there, and yours is Reporter. Ask those who manage"
	mayNotPush = "and you may not update it. Ask a maintainer of the project to let you push or merge there."
	notKeeper  = "it takes the GitLab role Maintainer there, and "
	notOffered = "the field does not offer it" // they may not see the project's refs
	allowed    = ""
)

// rightsOfMembers is what members of the workspace read who run, cancel and retry
// pipelines of a ref, and who freeze, unfreeze and read the audit log: nothing where
// they may.
var rightsOfMembers = []struct {
	name           string
	role           gitlabtest.Role
	main           string // which is not protected
	stable, sealed string // protected: for maintainers, and for nobody
	keeping        string
}{
	{"nobody", gitlabtest.NoAccess, isNobody, notOffered, notOffered, notKeeper + "you have none"},
	{"guest", gitlabtest.Guest, isGuest, notOffered, notOffered, notKeeper + "yours is Guest"},
	{"reporter", gitlabtest.Reporter, isReporter, isReporter, isReporter, notKeeper + "yours is Reporter"},
	{"developer", gitlabtest.Developer, allowed, mayNotPush, mayNotPush, notKeeper + "yours is Developer"},
	{"maintainer", gitlabtest.Maintainer, allowed, allowed, mayNotPush, allowed},
	{"owner", gitlabtest.Owner, allowed, allowed, mayNotPush, allowed},
}

// origins are what people are to the workspace.
var origins = map[string][]slacktest.UserOption{
	"member":   nil,
	"guest":    {slacktest.AsGuest()},
	"external": {slacktest.AsExternal()},
}

// rightsOf is a row of the matrix: who it is, and what they read by ref.
type rightsOf struct {
	name    string
	who     *slacktest.User
	refs    map[string]string
	keeping string
}

// everybody makes one person of each role and origin. One person asks for less than
// would be too much at once.
func (w *world) everybody() []rightsOf {
	var all []rightsOf
	for origin, options := range origins {
		for _, row := range rightsOfMembers {
			r := rightsOf{
				name:    row.name + "-" + origin,
				refs:    map[string]string{"main": row.main, "stable": row.stable, "sealed": row.sealed},
				keeping: row.keeping,
			}
			if origin != "member" {
				for ref := range r.refs {
					r.refs[ref] = isOutsider
				}
				r.keeping = isOutsider
			}
			r.who = w.person(r.name, row.role, options...)
			w.channel.Invite(r.who)
			all = append(all, r)
		}
	}
	return all
}

// branches makes the branches of the matrix, which are not protected yet.
func (w *world) branches() {
	w.project.AddBranch("stable", time.Now().Add(-time.Hour))
	w.project.AddBranch("sealed", time.Now().Add(-time.Hour))
}

func (w *world) protect() {
	w.project.ProtectBranch("stable", gitlabtest.Maintainer, gitlabtest.Maintainer)
	w.project.ProtectBranch("sealed", gitlabtest.Owner+1, gitlabtest.Owner+1)
}

// Who may start a pipeline: by role, ref and origin. With AUTHZ=gitlab, the default,
// that is who may in GitLab.
func TestRightsToRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.branches()
	w.protect()
	w.start()
	w.known(w.alice, w.channel)
	for _, row := range w.everybody() {
		for ref, want := range row.refs {
			t.Run(row.name+"/"+ref, func(t *testing.T) {
				w.tries(t, row.who, ref, want)
			})
		}
	}
	w.clean()
}

// tries has somebody ask for a pipeline and holds what they read, and what GitLab
// starts, against what is wanted.
func (w *world) tries(t *testing.T, who *slacktest.User, ref, want string) {
	t.Helper()
	before := len(w.project.Pipelines())
	read := w.request(t, who, ref)
	if want == allowed {
		if read != "" {
			t.Fatalf("it was refused: %s", read)
		}
		if p := w.pipeline(before + 1); p.Ref != ref {
			t.Errorf("a pipeline for %s was started", p.Ref)
		}
		return
	}
	if !strings.Contains(read, want) {
		t.Errorf("the person reads %q, want %q", read, want)
	}
	if got := len(w.project.Pipelines()) - before; got != 0 {
		t.Errorf("%d pipelines were started", got)
	}
}

// request has somebody ask for a pipeline, and returns what they read where it is not
// taken: in place of the form, or at the ref field.
func (w *world) request(t *testing.T, who *slacktest.User, ref string) string {
	t.Helper()
	w.types(t, who, "")
	modal := who.OpenModal()
	if modal == nil {
		return w.lastTold(t, who)
	}
	defer func() {
		if modal.IsOpen() {
			_ = modal.Close(w.ctx)
		}
	}()
	err := modal.Choose(w.ctx, refField, ref)
	switch {
	case errors.Is(err, slacktest.ErrNotThere):
		// Refs are shown to those only who may see them. The default branch stands in
		// the form before anybody chose it.
		if ref != "main" || modal.Value(refField) != "main" {
			return notOffered
		}
	case err != nil:
		t.Fatalf("choosing %s: %v", ref, err)
	}
	result, err := anyway(w.ctx, modal)
	if err != nil {
		t.Fatalf("submitting: %v", err)
	}
	if result.Closed {
		return ""
	}
	return result.Errors[refField]
}

// types has somebody type /pipeline and more. Slack does not give the app's commands to
// people of other workspaces; for them the envelope is made up, so that the bot's own
// refusal is seen too. Its answer comes with the acknowledgement, and is shown here.
func (w *world) types(t *testing.T, who *slacktest.User, text string) {
	t.Helper()
	err := who.Command(w.ctx, w.channel, "/pipeline", text)
	if who.Kind == slacktest.External && errors.Is(err, slacktest.ErrNotThere) {
		w.forges(t, who, text)
		return
	}
	if err != nil {
		t.Fatalf("typing /pipeline %s: %v", text, err)
	}
}

// forges delivers a command of somebody.
func (w *world) forges(t *testing.T, who *slacktest.User, text string) {
	t.Helper()
	w.forgeries++
	id := fmt.Sprintf("forged-%d", w.forgeries) // Slack gives no two deliveries the same
	frame, err := json.Marshal(map[string]any{
		"envelope_id": id, "type": "slash_commands", "accepts_response_payload": true,
		"payload": map[string]string{
			"command": "/pipeline", "text": text, "team_id": who.TeamID, "user_id": who.ID, "user_name": who.Name,
			"channel_id": w.channel.ID, "trigger_id": "1.2.3",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.slack.Deliver(frame)
	acked := func() bool {
		i := slices.IndexFunc(w.slack.Acks(), func(a slacktest.Ack) bool { return a.EnvelopeID == id })
		if i >= 0 {
			w.forged[who.ID] = string(w.slack.Acks()[i].Payload)
		}
		return i >= 0
	}
	if err := w.slack.Wait(w.ctx, acked); err != nil {
		t.Fatalf("the command %q of %s was not acknowledged: %v", text, who.Name, err)
	}
}

// lastTold is the newest message that somebody alone sees.
func (w *world) lastTold(t *testing.T, who *slacktest.User) string {
	t.Helper()
	if answer, ok := w.forged[who.ID]; ok {
		return answer
	}
	list := w.channel.Messages(who)
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Ephemeral {
			return readable(list[i])
		}
	}
	t.Fatal("there is no form and no answer")
	return ""
}

func readable(m slacktest.Message) string {
	return strings.ReplaceAll(m.Read(time.Now()), "\u00a0", " ")
}

// Who may cancel and retry, by the buttons of the card of a pipeline, whoever started
// it: by role, ref and origin.
func TestRightsToCancelAndRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.branches()
	w.start()
	refs := []string{"main", "stable", "sealed"}
	running, failed := make(map[string]*gitlabtest.Pipeline), make(map[string]*gitlabtest.Pipeline)
	for i, ref := range refs {
		w.ask(w.alice, w.channel, ref)
		running[ref] = w.pipeline(2*i + 1)
		w.ask(w.alice, w.channel, ref)
		failed[ref] = w.pipeline(2*i + 2)
		running[ref].Start()
		failed[ref].Finish("failed")
		w.cardOf(running[ref], "[Cancel]")
		w.cardOf(failed[ref], "[Retry]")
	}
	// What GitLab said of the refs counts for a minute; a new process asks anew.
	if code := w.bot.stop(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	w.protect()
	w.start()
	for _, row := range w.everybody() {
		for _, ref := range refs {
			t.Run(row.name+"/"+ref, func(t *testing.T) {
				if row.refs[ref] == allowed {
					w.cancelsAndRetries(t, row.who, running[ref])
					return
				}
				why := row.refs[ref]
				if why == notOffered { // but its card is in the channel
					why = row.refs["main"]
				}
				w.isKeptFrom(t, row.who, "Cancel", running[ref], why)
				w.isKeptFrom(t, row.who, "Retry", failed[ref], why)
			})
		}
	}
	w.clean()
}

// cardOf waits until the card of a pipeline reads as wanted, in parts.
func (w *world) cardOf(p *gitlabtest.Pipeline, parts ...string) slacktest.Message {
	w.t.Helper()
	return w.card(w.channel, append(parts, fmt.Sprintf("Pipeline #%d ", p.ID))...)
}

// cancelsAndRetries has somebody cancel a pipeline and retry it, after which it runs.
func (w *world) cancelsAndRetries(t *testing.T, who *slacktest.User, p *gitlabtest.Pipeline) {
	t.Helper()
	if err := who.Click(w.ctx, w.cardOf(p, "[Cancel]"), "Cancel", slacktest.Confirm); err != nil {
		t.Fatal(err)
	}
	if err := w.gitlab.Wait(w.ctx, func() bool { return p.Status() != "running" }); err != nil {
		t.Fatalf("it was not canceled: %v", err)
	}
	p.Finish("canceled")
	if err := who.Click(w.ctx, w.cardOf(p, "Canceled", "[Retry]"), "Retry"); err != nil {
		t.Fatal(err)
	}
	if err := w.gitlab.Wait(w.ctx, func() bool { return p.Status() != "canceled" }); err != nil {
		t.Fatalf("it was not retried: %v", err)
	}
	p.Start()
	w.cardOf(p, "Running", "[Cancel]")
}

// isKeptFrom has somebody press a button for nothing, and they alone are told why.
func (w *world) isKeptFrom(t *testing.T, who *slacktest.User, button string, p *gitlabtest.Pipeline, why string) {
	t.Helper()
	before := p.Status()
	var answers []slacktest.Answer
	if button == "Cancel" {
		answers = append(answers, slacktest.Confirm)
	}
	if err := who.Click(w.ctx, w.cardOf(p, "["+button+"]"), button, answers...); err != nil {
		t.Fatal(err)
	}
	w.told(who, w.channel, "You may not "+strings.ToLower(button)+" a pipeline on the branch "+p.Ref+" in group/app", why)
	if got := p.Status(); got != before {
		t.Errorf("the pipeline is %s, and was %s", got, before)
	}
}

// Who may freeze, unfreeze and read the audit log: by role and origin.
func TestRightsToKeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.known(w.alice, w.channel)
	for _, row := range w.everybody() {
		t.Run(row.name, func(t *testing.T) {
			pattern := "topic/" + row.name + "/*"
			commands := []struct{ typed, may, mayNot string }{
				{"freeze group/app " + pattern + " for 1h we look into it", "@" + row.name + " has frozen group/app `" + pattern + "`", "You may not freeze " + pattern + " in group/app: "},
				{"unfreeze group/app " + pattern, "@" + row.name + " has lifted the freeze of group/app `" + pattern + "`", "You may not unfreeze " + pattern + " in group/app: "},
				{"audit group/app since 1h", "@" + row.name + " audit allow", "You may not read the audit log in group/app: "},
			}
			for _, c := range commands {
				w.types(t, row.who, c.typed)
				if row.who.Kind == slacktest.External && !strings.HasPrefix(c.typed, "audit") {
					if got := w.lastTold(t, row.who); !strings.Contains(got, c.mayNot+row.keeping) {
						t.Errorf("the answer to %q is %s", c.typed, got)
					}
					continue
				}
				if row.keeping != allowed {
					w.told(row.who, w.channel, c.mayNot+row.keeping)
					continue
				}
				m := w.seen(row.who, w.channel, slacktest.Message.FromApp, []string{c.may})
				if private := strings.HasPrefix(c.typed, "audit"); m.Ephemeral != private {
					t.Errorf("private=%t:\n%s", m.Ephemeral, readable(m))
				}
			}
		})
	}
	w.clean()
}

// What people may no longer do in GitLab they may not do here: a role that was lowered,
// a membership that ended, an account that was blocked. (What was asked before counts
// for a minute: see the tests of gitlab.Memberships.)
func TestRevoked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		revoke func(w *world, account *gitlabtest.User)
		want   string
	}{
		"a lower role":       {func(w *world, a *gitlabtest.User) { w.project.AddMember(a, gitlabtest.Reporter) }, isReporter},
		"no member any more": {func(w *world, a *gitlabtest.User) { w.project.AddMember(a, gitlabtest.NoAccess) }, isNobody},
		"an ended membership": {func(w *world, a *gitlabtest.User) {
			w.project.AddMemberUntil(a, gitlabtest.Developer, time.Now().Add(-48*time.Hour))
		}, isNobody},
		"a blocked account": {func(_ *world, a *gitlabtest.User) { a.Block() }, "You may not run a pipeline"},
	}
	w := newWorld(t)
	w.start()
	w.known(w.alice, w.channel)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			who := w.person(strings.ReplaceAll(name, " ", "-"), gitlabtest.Developer)
			w.channel.Invite(who)
			test.revoke(w, w.account(who))
			w.tries(t, who, "main", test.want)
		})
	}
}
