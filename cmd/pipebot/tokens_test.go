package main_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// maintainer is somebody who may manage the project's trigger tokens.
func (w *world) maintainer() *slacktest.User {
	carol := w.person("carol", gitlabtest.Maintainer)
	w.channel.Invite(carol)
	return carol
}

// tokens types /pipeline tokens and returns the modal once it reads as wanted, in parts.
func (w *world) tokens(t *testing.T, who *slacktest.User, parts ...string) *slacktest.Modal {
	t.Helper()
	w.types(t, who, "tokens")
	modal, err := who.Modal(w.ctx)
	if err != nil {
		w.t.Fatalf("waiting for the modal: %v\n%s", err, w.bot.output())
	}
	w.turnsTo(modal, parts...)
	return modal
}

// turnsTo waits until a modal reads as wanted, in parts.
func (w *world) turnsTo(modal *slacktest.Modal, parts ...string) {
	w.t.Helper()
	if err := modal.WaitUpdate(w.ctx, func(m *slacktest.Modal) bool { return containsAll(m.Text(), parts) }); err != nil {
		w.t.Fatalf("the modal has no %q:\n%s\n%s", parts, modal.Text(), w.bot.output())
	}
}

// onTop does something that lays a modal on another and returns it once it reads as wanted.
func (w *world) onTop(who *slacktest.User, below *slacktest.Modal, do func() error, parts ...string) *slacktest.Modal {
	w.t.Helper()
	if err := do(); err != nil {
		w.t.Fatal(err)
	}
	err := w.slack.Wait(w.ctx, func() bool {
		top := who.OpenModal()
		return top != nil && top.ID() != below.ID()
	})
	if err != nil {
		w.t.Fatalf("nothing is laid on the modal: %v\n%s", err, w.bot.output())
	}
	top := who.OpenModal()
	w.turnsTo(top, parts...)
	return top
}

// newToken fills in the form for a new token and submits it.
func (w *world) newToken(who *slacktest.User, list *slacktest.Modal, description string) *slacktest.Modal {
	w.t.Helper()
	form := w.onTop(who, list, func() error { return list.Click(w.ctx, "New token") }, "[Make it]")
	if err := form.Fill("Description", description); err != nil {
		w.t.Fatal(err)
	}
	if result, err := form.Submit(w.ctx); err != nil || result.Closed || len(result.Errors) > 0 {
		w.t.Fatalf("submitting: %+v, %v", result, err)
	}
	return form
}

var tokenForm = regexp.MustCompile("```(glptt-[^`]+)```")

// Everything about trigger tokens by typing and clicking: nothing of it is in a channel,
// and the value of a new one is in one modal and nowhere else.
func TestTriggerTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carol := w.maintainer()
	w.start()
	list := w.tokens(t, carol, "Trigger tokens of group/app", "There is 1.", "pipebot\n[⋯]", "owned by release-bot")

	made := w.newToken(carol, list, "Nightly builds")
	w.turnsTo(made, "This is shown only now")
	value := tokenForm.FindStringSubmatch(made.Text())
	if all := w.project.TriggerTokens(); len(all) != 2 || value == nil || value[1] != all[1].Token {
		t.Fatalf("the project has %d tokens, and the modal reads:\n%s", len(all), made.Text())
	}
	if err := made.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.turnsTo(list, "There are 2", "Nightly builds\n[⋯]")

	rename := w.onTop(carol, list, func() error { return list.Choose(w.ctx, "Nightly builds", "Rename") }, "[Nightly builds ✎]")
	if err := rename.Fill("Description", "Nightly builds of main"); err != nil {
		t.Fatal(err)
	}
	w.submit(rename)
	w.turnsTo(list, "Nightly builds is called Nightly builds of main now.", "Nightly builds of main\n[⋯]")
	if got := w.project.TriggerTokens()[1].Description(); got != "Nightly builds of main" {
		t.Errorf("in GitLab it is called %q", got)
	}

	w.submit(w.onTop(carol, list, func() error { return list.Choose(w.ctx, "Nightly builds of main", "Revoke") }, "Revoke the token?", "can start nothing with it any more", "[Revoke]"))
	w.turnsTo(list, "Nightly builds of main is revoked", "There is 1.")
	if got := len(w.project.TriggerTokens()); got != 1 {
		t.Errorf("the project has %d tokens", got)
	}

	for _, who := range w.slack.Users() {
		for _, where := range w.slack.Channels() {
			for _, m := range where.Messages(who) {
				t.Errorf("%s reads in %s:\n%s", who.Name, where.Name, readable(m))
			}
		}
	}
	entries, exported := w.exported()
	if strings.Contains(exported+w.bot.output(), value[1]) {
		t.Errorf("the value is in the log or the audit log:\n%s\n%s", exported, w.bot.output())
	}
	var done []string
	for _, e := range entries {
		if e.Kind == run.EntryResult && e.Action == "tokens" && e.User == carol.ID && e.Project == projectPath {
			verb, _, _ := strings.Cut(e.Outcome, " ")
			done = append(done, verb)
		}
	}
	if !slices.Equal(done, []string{"created", "renamed", "revoked"}) {
		t.Errorf("the audit log has %q:\n%s", done, exported)
	}
	w.clean()
}

// Only its owner may rename a token, and only a Maintainer may look at them at all.
func TestTriggerTokensOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carol := w.maintainer()
	w.project.AddTriggerToken(w.account(carol), "Hers")
	w.start()
	w.types(t, w.alice, "tokens")
	w.told(w.alice, w.channel, "You may not manage trigger tokens in group/app: it takes the GitLab role Maintainer there, and yours is Developer.")
	if w.alice.OpenModal() != nil {
		t.Error("a Developer sees the list")
	}
	list := w.tokens(t, carol, "Hers\n[⋯]", "owned by carol")
	rename := w.onTop(carol, list, func() error { return list.Choose(w.ctx, "Hers", "Rename") }, "[Hers ✎]")
	if err := rename.Fill("Description", "His"); err != nil {
		t.Fatal(err)
	}
	w.submit(rename)
	w.turnsTo(list, "I could not rename Hers. GitLab lets only its owner do that.", "Hers\n[⋯]")
	w.clean()
}

// What the access token may not, and what GitLab does not answer, is said in the modal.
func TestTriggerTokensOutOfReach(t *testing.T) {
	t.Parallel()
	t.Run("GitLab is away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		carol := w.maintainer()
		w.start()
		w.known(carol, w.channel)
		w.gitlab.Refuse(true)
		list := w.tokens(t, carol, "I cannot list them. GitLab ", "Please try again in a moment.", "[Try again]")
		w.gitlab.Refuse(false)
		if err := list.Click(w.ctx, "Try again"); err != nil {
			t.Fatal(err)
		}
		w.turnsTo(list, "There is 1.")
		w.clean()
	})
	t.Run("the access token is a Developer's", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		carol := w.maintainer()
		developer := w.gitlab.AddUser("developer")
		w.project.AddMember(developer, gitlabtest.Developer)
		w.env["GITLAB_TOKEN"] = w.gitlab.AddToken(developer, "api")
		w.start()
		w.tokens(t, carol, "I cannot list them", "its owner needs the role Maintainer", "[Try again]")
		w.clean()
	})
}

// A token that may be made or not is not made again.
func TestTriggerTokenWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carol := w.maintainer()
	w.start()
	list := w.tokens(t, carol, "There is 1.")
	w.gitlab.Fault(gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/triggers"}, gitlabtest.Fault{Cut: true, Applied: true})
	form := w.newToken(carol, list, "Nightly builds")
	w.turnsTo(form, "GitLab gave no clear answer, so the token Nightly builds may be made or not.")
	w.turnsTo(list, "There are 2", "Nightly builds\n[⋯]")
	if got := len(w.project.TriggerTokens()); got != 2 {
		t.Errorf("the project has %d tokens", got)
	}
	w.clean()
}
