package bot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// fakeTokens keeps the trigger tokens of any project in memory.
type fakeTokens struct {
	mu      sync.Mutex
	list    []gitlab.TriggerToken
	did     []string
	failing map[string]error  // by what is done
	before  func(what string) // is called before anything is done
}

const tokenValue = "glptt-thisisnotforeverybody"

func (f *fakeTokens) do(what string) error {
	verb, _, _ := strings.Cut(what, " ")
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before != nil {
		before(verb)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if verb != "list" && verb != "get" {
		f.did = append(f.did, what)
	}
	return f.failing[verb]
}

func (f *fakeTokens) TriggerTokens(_ context.Context, project int64) ([]gitlab.TriggerToken, error) {
	err := f.do(fmt.Sprintf("list %d", project))
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list), err
}

func (f *fakeTokens) TriggerToken(_ context.Context, project, id int64) (gitlab.TriggerToken, error) {
	if err := f.do(fmt.Sprintf("get %d %d", project, id)); err != nil {
		return gitlab.TriggerToken{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.IndexFunc(f.list, func(t gitlab.TriggerToken) bool { return t.ID == id }); i >= 0 {
		return f.list[i], nil
	}
	return gitlab.TriggerToken{}, notThere("reading the trigger token")
}

func (f *fakeTokens) CreateTriggerToken(_ context.Context, project int64, description string, expires time.Time) (gitlab.TriggerToken, error) {
	what := fmt.Sprintf("create %d %s", project, description)
	if !expires.IsZero() {
		what += " until " + expires.Format(time.DateOnly)
	}
	if err := f.do(what); err != nil {
		return gitlab.TriggerToken{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	made := triggerToken(int64(len(f.list)+1), description)
	made.ExpiresAt = expires
	f.list = append(f.list, made)
	made.Value = tokenValue
	return made, nil
}

func (f *fakeTokens) RenameTriggerToken(_ context.Context, project, id int64, description string) (gitlab.TriggerToken, error) {
	if err := f.do(fmt.Sprintf("rename %d %d %s", project, id, description)); err != nil {
		return gitlab.TriggerToken{}, err
	}
	return f.edit(id, func(t *gitlab.TriggerToken) { t.Description = description }), nil
}

func (f *fakeTokens) RevokeTriggerToken(_ context.Context, project, id int64) error {
	if err := f.do(fmt.Sprintf("revoke %d %d", project, id)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(t gitlab.TriggerToken) bool { return t.ID == id })
	return nil
}

func (f *fakeTokens) edit(id int64, change func(t *gitlab.TriggerToken)) gitlab.TriggerToken {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		if f.list[i].ID == id {
			change(&f.list[i])
			return f.list[i]
		}
	}
	return gitlab.TriggerToken{}
}

// changed is what was changed so far, or was to be.
func (f *fakeTokens) changed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.did)
}

func (f *fakeTokens) change(edit func(f *fakeTokens)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

// fails makes one kind of request fail from now on.
func (f *fakeTokens) fails(what string, kind gitlab.Kind) {
	f.change(func(f *fakeTokens) {
		f.failing = map[string]error{what: &gitlab.Error{Op: what, Kind: kind, Message: "so it says"}}
	})
}

// inTokens clicks on something in the list of trigger tokens.
func inTokens(kind, id, value string) func(o *office, who *slacktest.User) {
	return func(o *office, who *slacktest.User) {
		action := map[string]any{"type": kind, "action_id": id, "block_id": "tokens", "value": value}
		if kind == "overflow" {
			action["selected_option"] = map[string]any{"value": value}
		}
		o.deliver(map[string]any{
			"type": "block_actions", "user": personOf(who), "trigger_id": "1.2.3", "actions": []any{action},
			"view": map[string]any{"id": "V0LIST", "private_metadata": bot.TokensAt{Project: "group/app", Channel: o.builds.ID}.Metadata()},
		})
	}
}

// submitsToken submits one of the forms about trigger tokens, filled in.
func submitsToken(callback string) func(o *office, who *slacktest.User) {
	return func(o *office, who *slacktest.User) {
		at := bot.TokensAt{Project: "group/app", Channel: o.builds.ID, Token: 1}
		o.deliver(map[string]any{"type": "view_submission", "user": personOf(who), "view": map[string]any{
			"id": "V0TOKEN", "callback_id": callback, "root_view_id": "V0LIST", "private_metadata": at.Metadata(),
			"state": map[string]any{"values": map[string]any{
				"description": map[string]any{"description": map[string]any{"type": "plain_text_input", "value": "Nightly builds"}},
			}},
		}})
	}
}

// newTokens is an office whose alice is Maintainer, and whose project has two tokens.
func newTokens(t *testing.T) *office {
	t.Helper()
	o := newOffice(t)
	o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Maintainer })
	o.tokens.change(func(f *fakeTokens) {
		f.list = []gitlab.TriggerToken{triggerToken(1, "Nightly builds"), triggerToken(2, "Releases")}
	})
	return o
}

// tokensModal types the command and returns the list, once it is drawn.
func (o *office) tokensModal(typed string) *slacktest.Modal {
	o.Helper()
	if err := o.alice.Command(o.ctx, o.builds, "/pipeline", typed); err != nil {
		o.Fatal(err)
	}
	modal := o.alice.OpenModal()
	if modal == nil {
		o.Fatalf("no modal is open: alice reads %s", o.alone())
	}
	o.finished()
	return modal
}

// laid is the modal that a click laid on another, once it is drawn.
func (o *office) laid(on *slacktest.Modal, click func() error) *slacktest.Modal {
	o.Helper()
	if err := click(); err != nil {
		o.Fatal(err)
	}
	o.finished()
	top := o.alice.OpenModal()
	if top == nil || top.ID() == on.ID() {
		o.Fatalf("nothing was laid on the modal:\n%s", on.Text())
	}
	return top
}

// newTokenForm opens the form for a new token and fills it in.
func (o *office) newTokenForm(list *slacktest.Modal, description string) *slacktest.Modal {
	o.Helper()
	form := o.laid(list, func() error { return list.Click(o.ctx, "New token") })
	o.fill(form, "Description", description)
	return form
}

func (o *office) fill(modal *slacktest.Modal, field, text string) {
	o.Helper()
	if err := modal.Fill(field, text); err != nil {
		o.Fatal(err)
	}
}

// reads fails the test unless the modal has the parts.
func (o *office) reads(modal *slacktest.Modal, parts ...string) {
	o.Helper()
	for _, part := range parts {
		if text := modal.Text(); !strings.Contains(text, part) {
			o.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func TestTokensProject(t *testing.T) {
	for name, test := range map[string]struct {
		typed []string
		last  string
		name  string
		fault string
	}{
		"nothing typed":             {name: "group/app"},
		"nothing typed, one used":   {last: "group/api", name: "group/api"},
		"a project":                 {typed: []string{"group/api"}, name: "group/api"},
		"a project in another case": {typed: []string{"Group/API"}, name: "group/api"},
		"one that is nearly right":  {typed: []string{"group/ap"}, fault: "I do not know the project group/ap. Did you mean /pipeline tokens group/ap"},
		"one that is none":          {typed: []string{"something-else"}, fault: "I do not know the project something-else."},
		"two":                       {typed: []string{"group/app", "group/api"}, fault: "I take one project at a time. Write it like /pipeline tokens group/app."},
	} {
		t.Run(name, func(t *testing.T) {
			projects := &fakeProjects{names: []string{"group/app", "group/api"}}
			b := bot.New(bot.Config{Projects: projects, History: &fakeHistory{last: map[string]string{"C1": test.last}}})
			got, fault := bot.TokensProject(b, test.typed, "C1")
			if got != test.name || !strings.HasPrefix(fault, test.fault) || test.fault == "" && fault != "" {
				t.Errorf("it is %q, %q; want %q, %q", got, fault, test.name, test.fault)
			}
		})
	}
}

func TestParseWantedToken(t *testing.T) {
	now := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	const unsaid = "Please say what it is for, so that others know whether it is still needed."
	for name, test := range map[string]struct {
		description, date string
		want              string
		expires           time.Time
		faults            map[string]string
	}{
		"a description":       {description: " Nightly builds\n", want: "Nightly builds"},
		"with a day":          {description: "x", date: "2026-11-23", want: "x", expires: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)},
		"nothing":             {faults: map[string]string{"description": unsaid}},
		"spaces":              {description: " \t", faults: map[string]string{"description": unsaid}},
		"as long as it takes": {description: strings.Repeat("ü", 255), want: strings.Repeat("ü", 255)},
		"longer":              {description: strings.Repeat("ü", 256), faults: map[string]string{"description": "Please say it in at most 255 characters; these are 256."}},
		"today": {
			description: "x", date: "2026-11-22", want: "x", expires: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
			faults: map[string]string{"expires": "It would have ended before it began. Please choose a later day."},
		},
		"no day":     {description: "x", date: "soon", want: "x", faults: map[string]string{"expires": "Please choose the day from the calendar."}},
		"both wrong": {date: "soon", faults: map[string]string{"description": unsaid, "expires": "Please choose the day from the calendar."}},
	} {
		t.Run(name, func(t *testing.T) {
			view := &slack.View{State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{
				"description": {"description": {Value: test.description}}, "expires": {"expires": {SelectedDate: test.date}},
			}}}
			got, expires, faults := bot.ParseWantedToken(view, now)
			if got != test.want || !expires.Equal(test.expires) {
				t.Errorf("it is %q until %s", got, expires)
			}
			if diff := cmp.Diff(test.faults, faults); diff != "" && len(test.faults)+len(faults) > 0 {
				t.Errorf("the faults (-want +got):\n%s", diff)
			}
		})
	}
	if _, _, faults := bot.ParseWantedToken(&slack.View{}, now); faults["description"] != unsaid {
		t.Errorf("of a form without a state: %v", faults)
	}
}

func TestParseTokenChoice(t *testing.T) {
	for value, want := range map[string]string{
		"rename 12": "rename 12", "revoke 7": "revoke 7",
		"": "", "rename": "", "rename 0": "", "rename -1": "", "revoke x": "", "delete 3": "", "rename 1 2": "", "rename 99999999999999999999": "",
	} {
		verb, id, err := bot.ParseTokenChoice(value)
		if got := fmt.Sprintf("%s %d", verb, id); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q is %q, %v", value, got, err)
		}
	}
}

// Metadata comes from outside.
func TestParseTokensAt(t *testing.T) {
	for metadata, ok := range map[string]bool{
		bot.TokensAt{Project: "group/app", Channel: "C1", Page: 2, Token: 3, Called: "x"}.Metadata(): true,
		bot.TokensAt{Project: "group/app", Channel: "C1", Page: -2}.Metadata():                       true,
		bot.TokensAt{Project: "group/other", Channel: "C1"}.Metadata():                               false,
		bot.TokensAt{Project: "group/app", Channel: "c1/.."}.Metadata():                              false,
		bot.TokensAt{Project: "group/app"}.Metadata():                                                false,
		bot.TokensAt{Project: "group/app", Channel: "C1", Token: -3}.Metadata():                      false,
		"": false, "{": false,
	} {
		at, err := bot.ParseTokensAt(metadata, []string{"group/app"})
		if (err == nil) != ok || at.Page < 0 {
			t.Errorf("%s is %+v, %v", metadata, at, err)
		}
	}
}

func TestTokensAreListed(t *testing.T) {
	for typed, want := range map[string]string{"tokens": "group/app", "tokens group/api": "group/api"} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			o := newTokens(t)
			list := o.tokensModal(typed)
			o.reads(list, "# Trigger tokens", "Trigger tokens of "+want, "There are 2", "Releases\n[⋯]", "Nightly builds", "owned by release-bot", "[Close]")
			o.nobodySees()
			o.clean()
		})
	}
}

// The modal is there before GitLab is asked.
func TestTokensSayThatTheyAreRead(t *testing.T) {
	o := newTokens(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	o.tokens.change(func(f *fakeTokens) { f.before = func(string) { close(asked); <-answer } })
	if err := o.alice.Command(o.ctx, o.builds, "/pipeline", "tokens"); err != nil {
		t.Fatal(err)
	}
	<-asked
	list := o.alice.OpenModal()
	o.reads(list, "Trigger tokens of group/app", "Reading them from GitLab …")
	close(answer)
	o.finished()
	o.reads(list, "Releases")
	o.clean()
}

func TestTokensOfMoreThanOnePage(t *testing.T) {
	o := newTokens(t)
	o.tokens.change(func(f *fakeTokens) {
		f.list = nil
		for i := range int64(2*bot.TokensOnPage + 1) {
			f.list = append(f.list, triggerToken(i+1, fmt.Sprintf("Token %d.", i+1)))
		}
	})
	list := o.tokensModal("tokens")
	for _, step := range []struct{ press, want, not string }{
		{"Older", "These are 26 to 50 of 51", "Token 51."},
		{"Older", "These are 51 to 51 of 51", "[Older]"},
		{"Newer", "These are 26 to 50 of 51", "Token 1."},
		{"Newer", "These are 1 to 25 of 51", "[Newer]"},
	} {
		if err := list.Click(o.ctx, step.press); err != nil {
			t.Fatal(err)
		}
		o.finished()
		o.reads(list, step.want)
		if text := list.Text(); strings.Contains(text, step.not) {
			t.Errorf("after %s there is %q:\n%s", step.press, step.not, text)
		}
	}
	o.clean()
}

// What GitLab refuses stands in the modal, with what to do, and a way to try again.
func TestTokensThatCannotBeRead(t *testing.T) {
	for kind, want := range map[gitlab.Kind]string{
		gitlab.Forbidden:    "its owner needs the role Maintainer",
		gitlab.NotFound:     "GitLab does not find the project",
		gitlab.RateLimited:  "GitLab takes no more requests from me just now",
		gitlab.NotSent:      "GitLab cannot be reached just now",
		gitlab.Unclear:      "GitLab gave no usable answer",
		gitlab.Unauthorized: "GitLab does not accept my access token",
		gitlab.Invalid:      "GitLab says: so it says",
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			o := newTokens(t)
			o.tokens.fails("list", kind)
			list := o.tokensModal("tokens")
			o.reads(list, "I cannot list them. ", want, "[Try again]")
			o.tokens.change(func(f *fakeTokens) { f.failing = nil })
			if err := list.Click(o.ctx, "Try again"); err != nil {
				t.Fatal(err)
			}
			o.finished()
			o.reads(list, "There are 2")
			o.clean()
		})
	}
}

// The value is in one modal of one person, and nowhere else.
func TestTokenIsMade(t *testing.T) {
	o := newTokens(t)
	logged, logs := observer.New(zap.DebugLevel)
	o.restart(func(cfg *bot.Config) { cfg.Log = zap.New(logged) })
	list := o.tokensModal("tokens")
	form := o.newTokenForm(list, " Deploys ")
	o.fill(form, "Ends on", "2199-01-31")
	if result := o.submit(form); result.Closed || len(result.Errors) > 0 {
		t.Errorf("the form says %+v", result)
	}
	o.reads(form, "```"+tokenValue+"```", "Deploys", "This is shown only now", "GITLAB_TRIGGER_TOKEN", "release-bot", "[Close]")
	if diff := cmp.Diff([]string{"create 7 Deploys until 2199-01-31"}, o.tokens.changed()); diff != "" {
		t.Errorf("GitLab was asked for (-want +got):\n%s", diff)
	}
	if form.SubmitText() != "" || len(form.Buttons()) > 0 {
		t.Errorf("what is clicked in the modal sends the value around:\n%s", form.Text())
	}
	o.wasDone("created token 3")
	o.isSecret(logs, form)
	if err := form.Close(o.ctx); err != nil {
		t.Fatal(err)
	}
	o.reads(list, "There are 3", "Deploys")
	o.isSecret(logs, list)
	if strings.Contains(list.Text(), tokenValue) {
		t.Errorf("the list has the value:\n%s", list.Text())
	}
	o.clean()
}

// isSecret fails the test where the value is in a message, a log line, an entry of the
// audit log, an acknowledgement or the metadata of a modal.
func (o *office) isSecret(logs *observer.ObservedLogs, modal *slacktest.Modal) {
	o.Helper()
	places := map[string]string{"the metadata": modal.PrivateMetadata(), "the audit log": fmt.Sprintf("%+v", o.rights.noted())}
	for i, line := range logs.All() {
		places[fmt.Sprintf("line %d of the log", i)] = fmt.Sprintf("%+v %v", line.Entry, line.ContextMap())
	}
	for i, ack := range o.slack.Acks() {
		places[fmt.Sprintf("acknowledgement %d", i)] = string(ack.Payload)
	}
	for _, who := range o.slack.Users() {
		for _, where := range o.slack.Channels() {
			for _, m := range where.Messages(who) {
				places["a message"] += m.Text + string(m.Blocks)
			}
		}
	}
	for where, text := range places {
		if strings.Contains(text, tokenValue) {
			o.Errorf("the value is in %s: %s", where, text)
		}
	}
}

// nobodySees fails the test where anything was said in a channel.
func (o *office) nobodySees() {
	o.Helper()
	for _, m := range o.builds.Messages(o.alice) {
		o.Errorf("the channel reads:\n%s", m.Read(readAt))
	}
}

// wasDone fails the test unless the newest entry of the audit log says what came of it.
func (o *office) wasDone(outcome string) {
	o.Helper()
	entries := o.rights.noted()
	last := entries[len(entries)-1]
	want := run.Entry{
		Kind: run.EntryResult, Action: "tokens", User: o.alice.ID, Team: o.alice.TeamID, Channel: o.builds.ID, Project: "group/app", Outcome: outcome, Rule: last.Rule,
	}
	if outcome == "failed" {
		want.Reason = last.Reason
	}
	last.At = time.Time{}
	if diff := cmp.Diff(want, last); diff != "" {
		o.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

func TestTokenFormTellsFaultsAtTheirFields(t *testing.T) {
	o := newTokens(t)
	form := o.newTokenForm(o.tokensModal("tokens"), "   ")
	o.fill(form, "Ends on", "2020-01-01")
	want := map[string]string{
		"Description": "Please say what it is for, so that others know whether it is still needed.",
		"Ends on":     "It would have ended before it began. Please choose a later day.",
	}
	if diff := cmp.Diff(want, o.submit(form).Errors); diff != "" {
		t.Errorf("the form says (-want +got):\n%s", diff)
	}
	if got := o.tokens.changed(); len(got) > 0 {
		t.Errorf("it was made: %q", got)
	}
	o.clean()
}

// Slack delivers twice at times, and not always to the same process.
func TestTokenIsMadeOnce(t *testing.T) {
	t.Run("delivered twice", func(t *testing.T) {
		o := newTokens(t)
		form := o.newTokenForm(o.tokensModal("tokens"), "Deploys")
		if _, err := form.SubmitTwice(o.ctx); err != nil {
			t.Fatal(err)
		}
		if err := form.WaitUpdate(o.ctx, func(m *slacktest.Modal) bool { return strings.Contains(m.Text(), tokenValue) }); err != nil {
			t.Errorf("%v:\n%s", err, form.Text())
		}
		o.finished()
		if diff := cmp.Diff([]string{"create 7 Deploys"}, o.tokens.changed()); diff != "" {
			t.Errorf("GitLab was asked for (-want +got):\n%s", diff)
		}
		o.clean()
	})
	t.Run("to another process", func(t *testing.T) {
		o := newTokens(t)
		submitsToken("token_new")(o, o.alice)
		o.restart(func(*bot.Config) {})
		submitsToken("token_new")(o, o.alice)
		if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) == 2 }); err != nil {
			t.Fatal(err)
		}
		o.finished()
		if diff := cmp.Diff([]string{"create 7 Nightly builds"}, o.tokens.changed()); diff != "" {
			t.Errorf("GitLab was asked for (-want +got):\n%s", diff)
		}
		acks := o.slack.Acks()
		if last := string(acks[len(acks)-1].Payload); !strings.Contains(last, "I took this form before") {
			t.Errorf("the second is answered with %s", last)
		}
	})
}

// A failure is told in the form's place, and nothing is tried again.
func TestTokenThatIsNotMade(t *testing.T) {
	for kind, want := range map[gitlab.Kind]string{
		gitlab.Forbidden:   "I could not make the token Deploys. My access token may not manage trigger tokens",
		gitlab.RateLimited: "GitLab takes no more requests from me just now",
		gitlab.NotSent:     "GitLab cannot be reached just now",
		gitlab.Invalid:     "GitLab says: so it says",
		gitlab.Unclear:     "GitLab gave no clear answer, so the token Deploys may be made or not. I do not try that again.",
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			o := newTokens(t)
			list := o.tokensModal("tokens")
			form := o.newTokenForm(list, "Deploys")
			o.tokens.fails("create", kind)
			o.tokens.change(func(f *fakeTokens) { f.list = append(f.list, triggerToken(3, "Perhaps this")) })
			o.submit(form)
			o.reads(form, want)
			o.reads(list, "Perhaps this") // it was drawn anew
			o.wasDone("failed")
			if got := o.tokens.changed(); len(got) != 1 {
				t.Errorf("GitLab was asked %q", got)
			}
			o.clean()
		})
	}
}

// Who closes the modal too soon has not seen the value, and is told what to do.
func TestTokenWhoseValueNobodySaw(t *testing.T) {
	o := newTokens(t)
	logged, logs := observer.New(zap.DebugLevel)
	o.restart(func(cfg *bot.Config) { cfg.Log = zap.New(logged) })
	form := o.newTokenForm(o.tokensModal("tokens"), "Deploys")
	asked, answer := make(chan struct{}), make(chan struct{})
	o.tokens.change(func(f *fakeTokens) {
		f.before = func(what string) {
			if what == "create" {
				close(asked)
				<-answer
			}
		}
	})
	if _, err := form.Submit(o.ctx); err != nil {
		t.Fatal(err)
	}
	<-asked
	o.reads(form, "Making the token. Please keep this open")
	if err := form.Close(o.ctx); err != nil {
		t.Fatal(err)
	}
	close(answer)
	o.finished()
	o.hears(o.alice, "The trigger token Deploys for group/app is made, but I could not show you its value")
	o.isSecret(logs, form)
}

// menu chooses something beside a token of the list.
func (o *office) menu(list *slacktest.Modal, token, option string) *slacktest.Modal {
	o.Helper()
	return o.laid(list, func() error { return list.Choose(o.ctx, token, option) })
}

func TestTokenIsRenamed(t *testing.T) {
	o := newTokens(t)
	list := o.tokensModal("tokens")
	form := o.menu(list, "Releases", "Rename")
	if got := form.Value("Description"); got != "Releases" {
		t.Errorf("the form begins with %q", got)
	}
	o.fill(form, "Description", " ")
	if got := o.submit(form).Errors["Description"]; got == "" {
		t.Error("an empty description is taken")
	}
	o.fill(form, "Description", "Releases of the app")
	if result := o.submit(form); !result.Closed {
		t.Errorf("the form stays: %+v", result)
	}
	o.reads(list, "Releases is called Releases of the app now.", "Releases of the app\n[⋯]", "There are 2")
	if diff := cmp.Diff([]string{"rename 7 2 Releases of the app"}, o.tokens.changed()); diff != "" {
		t.Errorf("GitLab was asked for (-want +got):\n%s", diff)
	}
	o.wasDone("renamed token 2")
	o.nobodySees()
	o.clean()
}

func TestTokenIsRevoked(t *testing.T) {
	o := newTokens(t)
	list := o.tokensModal("tokens")
	confirm := o.menu(list, "Releases", "Revoke")
	o.reads(confirm, "# Revoke the token?", "The trigger token Releases for group/app", "owned by release-bot", "can start nothing with it any more", "I use a trigger token of this project too", "[Back] [Revoke]")
	if err := confirm.Close(o.ctx); err != nil || len(o.tokens.changed()) > 0 {
		t.Fatalf("closed with %v, and GitLab was asked %q", err, o.tokens.changed())
	}
	if result := o.submit(o.menu(list, "Releases", "Revoke")); !result.Closed {
		t.Errorf("the question stays: %+v", result)
	}
	o.reads(list, "Releases is revoked: nothing can be started with it any more.", "There is 1")
	if diff := cmp.Diff([]string{"revoke 7 2"}, o.tokens.changed()); diff != "" {
		t.Errorf("GitLab was asked for (-want +got):\n%s", diff)
	}
	o.wasDone("revoked token 2")
	o.nobodySees()
	o.clean()
}

func TestTokenThatIsNotChanged(t *testing.T) {
	for _, test := range []struct {
		option, fails string
		kind          gitlab.Kind
		want          string
	}{
		{"Rename", "rename", gitlab.Forbidden, "I could not rename Releases. GitLab lets only its owner do that."},
		{"Rename", "rename", gitlab.NotFound, "I could not rename Releases. It is no longer there"},
		{"Rename", "rename", gitlab.Invalid, "I could not rename Releases. GitLab refused it.\nGitLab says: so it says"},
		{"Rename", "rename", gitlab.RateLimited, "I could not rename Releases. GitLab takes no more requests"},
		{"Revoke", "revoke", gitlab.Forbidden, "I could not revoke Releases. My access token may not manage trigger tokens"},
		{"Revoke", "revoke", gitlab.NotFound, "I could not revoke Releases. It is no longer there"},
		{"Revoke", "revoke", gitlab.Unclear, "GitLab gave no clear answer when I was to revoke Releases. If the list below has it as it was, try again."},
		{"Revoke", "revoke", gitlab.NotSent, "I could not revoke Releases. GitLab cannot be reached just now"},
	} {
		t.Run(test.option+" "+test.kind.String(), func(t *testing.T) {
			t.Parallel()
			o := newTokens(t)
			list := o.tokensModal("tokens")
			form := o.menu(list, "Releases", test.option)
			o.tokens.fails(test.fails, test.kind)
			o.submit(form)
			o.reads(list, test.want, "There are 2")
			o.wasDone("failed")
			o.clean()
		})
	}
}

// Somebody else was quicker: the list did not know it yet.
func TestTokenThatIsGone(t *testing.T) {
	o := newTokens(t)
	list := o.tokensModal("tokens")
	o.tokens.change(func(f *fakeTokens) { f.list = f.list[:1] })
	o.reads(o.menu(list, "Releases", "Revoke"), "It is no longer there: somebody has revoked it already.")
	o.clean()
	o.tokens.fails("get", gitlab.NotSent)
	o.reads(o.menu(o.tokensModal("tokens"), "Nightly builds", "Rename"), "I cannot read the token. GitLab cannot be reached just now.")
	o.clean()
}

// What came of a change is told though the list was closed.
func TestTokenChangedBehindAClosedList(t *testing.T) {
	o := newTokens(t)
	list := o.tokensModal("tokens")
	form := o.menu(list, "Releases", "Revoke")
	o.tokens.change(func(f *fakeTokens) {
		f.before = func(what string) {
			if what == "revoke" {
				if err := list.Close(o.ctx); err != nil {
					t.Error(err)
				}
			}
		}
	})
	o.submit(form)
	o.hears(o.alice, "Releases is revoked")
}

// Who may not is told so where they look: by the answer to the command, and in the modal.
func TestTokensAreForWhomThePolicyLets(t *testing.T) {
	lose := func(o *office) {
		o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Developer })
		o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]")
	}
	const refused = "You may not manage trigger tokens in group/app: it takes the GitLab role Maintainer there, and yours is Developer."
	t.Run("the command", func(t *testing.T) {
		o := newTokens(t)
		lose(o)
		if err := o.alice.Command(o.ctx, o.builds, "/pipeline", "tokens"); err != nil {
			t.Fatal(err)
		}
		if o.alice.OpenModal() != nil {
			t.Error("the list is open")
		}
		o.hears(o.alice, refused)
		o.clean()
	})
	for name, do := range map[string]func(o *office, list *slacktest.Modal) error{
		"a new one": func(o *office, list *slacktest.Modal) error { return list.Click(o.ctx, "New token") },
		"a menu":    func(o *office, list *slacktest.Modal) error { return list.Choose(o.ctx, "Releases", "Revoke") },
	} {
		t.Run(name, func(t *testing.T) {
			o := newTokens(t)
			list := o.tokensModal("tokens")
			lose(o)
			o.reads(o.laid(list, func() error { return do(o, list) }), refused)
			o.clean()
		})
	}
	for name, form := range map[string]func(o *office, list *slacktest.Modal) *slacktest.Modal{
		"making":   func(o *office, list *slacktest.Modal) *slacktest.Modal { return o.newTokenForm(list, "Deploys") },
		"renaming": func(o *office, list *slacktest.Modal) *slacktest.Modal { return o.menu(list, "Releases", "Rename") },
		"revoking": func(o *office, list *slacktest.Modal) *slacktest.Modal { return o.menu(list, "Releases", "Revoke") },
	} {
		t.Run(name, func(t *testing.T) {
			o := newTokens(t)
			modal := form(o, o.tokensModal("tokens"))
			lose(o)
			o.submit(modal)
			o.reads(modal, refused)
			if got := o.tokens.changed(); len(got) > 0 {
				t.Errorf("GitLab was asked %q", got)
			}
			o.clean()
		})
	}
}

// A project that was taken out of the settings since.
func TestTokensOfAProjectThatIsGone(t *testing.T) {
	o := newTokens(t)
	list := o.tokensModal("tokens group/api")
	form := o.newTokenForm(list, "Deploys")
	o.restart(func(cfg *bot.Config) {
		cfg.Projects = &fakeProjects{names: []string{"group/app"}, known: o.projects.known}
	})
	o.submit(form)
	o.reads(form, "[Deploys ✎]", "its project is no longer set up here.")
	if got := o.tokens.changed(); len(got) > 0 {
		t.Errorf("GitLab was asked %q", got)
	}
	o.clean()
}

// Slack delivers twice at times: of a token that is revoked, GitLab would say to the
// second that there is none.
func TestTokenIsChangedOnce(t *testing.T) {
	for option, test := range map[string]struct {
		did, outcome, says string
	}{
		"Rename": {"rename 7 2 Releases", "renamed token 2", "Releases is called Releases now."},
		"Revoke": {"revoke 7 2", "revoked token 2", "Releases is revoked"},
	} {
		t.Run(option, func(t *testing.T) {
			o := newTokens(t)
			list := o.tokensModal("tokens")
			if _, err := o.menu(list, "Releases", option).SubmitTwice(o.ctx); err != nil {
				t.Fatal(err)
			}
			o.finished()
			o.reads(list, test.says)
			if diff := cmp.Diff([]string{test.did}, o.tokens.changed()); diff != "" {
				t.Errorf("GitLab was asked for (-want +got):\n%s", diff)
			}
			var results []string
			for _, e := range o.rights.noted() {
				if e.Kind == run.EntryResult {
					results = append(results, e.Outcome)
				}
			}
			if diff := cmp.Diff([]string{test.outcome}, results); diff != "" {
				t.Errorf("the audit log (-want +got):\n%s", diff)
			}
			o.clean()
		})
	}
}
