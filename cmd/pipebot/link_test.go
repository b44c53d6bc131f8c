package main_test

import (
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// stranger is a developer whose e-mail address GitLab does not show.
func (w *world) stranger(name string) (*slacktest.User, *gitlabtest.User) {
	w.t.Helper()
	account := w.gitlab.AddUser("gl-" + name)
	w.project.AddMember(account, gitlabtest.Developer)
	who := w.slack.AddUser(name)
	w.channel.Invite(who)
	w.accounts[who.ID] = account
	return who, account
}

// linkable sets up the application by which people link themselves.
func (w *world) linkable() {
	w.env["GITLAB_OAUTH_CLIENT_ID"] = w.gitlab.AddApplication("pipebot")
	w.gitlab.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: 50 * time.Millisecond})
}

// asksToLink has somebody ask for a pipeline, which waits until they are linked, and
// press the button. It returns the code that they are to confirm.
func (w *world) asksToLink(who *slacktest.User) string {
	w.t.Helper()
	w.ask(who, w.channel, "main")
	m := w.told(who, w.channel, "I have your request for", "First I have to know who you are in GitLab", "[Link my GitLab account]")
	if seen := w.public(); len(seen) > 0 {
		w.t.Errorf("others see:\n%s", readable(seen[0]))
	}
	return w.codeAfter(who, func() { w.presses(who, m, "Link my GitLab account") })
}

// codeAfter does something and returns the code that somebody is shown then.
func (w *world) codeAfter(who *slacktest.User, do func()) string {
	w.t.Helper()
	do()
	if err := w.gitlab.Wait(w.ctx, func() bool { return len(w.gitlab.UserCodes()) == 1 }); err != nil {
		w.t.Fatalf("no code: %v\n%s", err, w.bot.output())
	}
	code := w.gitlab.UserCodes()[0]
	w.told(who, w.channel, "confirm the code "+"`"+code+"`", "do not pass it on")
	return code
}

// Somebody who is not linked proves who they are, and what they asked for goes on by
// itself. Nothing that could act for them is kept, and none of it is said.
func TestLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkable()
	w.start()
	carol, account := w.stranger("carol")
	code := w.asksToLink(carol)
	if got := len(w.project.Pipelines()); got != 0 {
		t.Fatalf("%d pipelines were started before it was known who asks", got)
	}
	if err := account.Approve(code); err != nil {
		t.Fatal(err)
	}
	w.told(carol, w.channel, "You are gl-carol in GitLab", "goes on now")
	w.onePipeline()
	if got := w.request(t, carol, "main"); got != "" {
		t.Errorf("the next request is refused: %s", got)
	}
	w.pipeline(2)
	w.types(t, carol, "unlink")
	w.told(carol, w.channel, "Your link is gone")
	w.ask(carol, w.channel, "feature/login")
	w.told(carol, w.channel, "feature/login", "First I have to know who you are")
	if err := w.gitlab.Wait(w.ctx, func() bool { return w.gitlab.OAuthTokens() == 0 }); err != nil {
		t.Errorf("%d of carol's tokens still work", w.gitlab.OAuthTokens())
	}
	if got := len(w.project.Pipelines()); got != 2 {
		t.Errorf("%d pipelines were started", got)
	}
	if code := w.bot.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	said := w.bot.output()
	for _, m := range w.channel.Messages(carol) {
		said += string(m.Blocks) + m.Text
	}
	if len(w.gitlab.OAuthSecrets()) == 0 {
		t.Error("no token was ever handed out")
	}
	for _, secret := range w.gitlab.OAuthSecrets() {
		if strings.Contains(said, secret) {
			t.Errorf("a secret of carol's was said: %s", secret)
		}
	}
	w.clean()
}

// A proof that fails says so and how to begin anew, and the request still waits.
func TestLinkFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fail func(w *world, account *gitlabtest.User, code string) error
		want string
	}{
		"denied":  {func(_ *world, a *gitlabtest.User, code string) error { return a.Deny(code) }, "You said no in GitLab"},
		"expired": {func(w *world, _ *gitlabtest.User, code string) error { w.gitlab.ExpireCode(code); return nil }, "The code has expired"},
		"the account is another one's": {func(w *world, _ *gitlabtest.User, code string) error {
			return w.account(w.alice).Approve(code)
		}, "belongs to another person here"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.linkable()
			w.start()
			if name == "the account is another one's" {
				w.types(t, w.alice, "link")
				code := w.codeAfter(w.alice, func() {})
				if err := w.account(w.alice).Approve(code); err != nil {
					t.Fatal(err)
				}
				w.told(w.alice, w.channel, "You are alice in GitLab")
			}
			carol, account := w.stranger("carol")
			code := w.asksToLink(carol)
			if err := test.fail(w, account, code); err != nil {
				t.Fatal(err)
			}
			w.told(carol, w.channel, test.want)
			if got := len(w.project.Pipelines()); got != 0 {
				t.Fatalf("%d pipelines were started", got)
			}
			// The request waits, over kill -9 too: who begins anew gets it.
			w.restart()
			code = w.codeAfter(carol, func() { w.types(t, carol, "link") })
			if err := account.Approve(code); err != nil {
				t.Fatal(err)
			}
			w.onePipeline()
		})
	}
}

// Where no application is set up in GitLab, people are told what to do.
func TestLinkingIsNotSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	carol, _ := w.stranger("carol")
	w.tries(t, carol, "main", "I do not know who you are in GitLab.")
	w.types(t, carol, "link")
	w.told(carol, w.channel, "Linking is not set up here", "policy file", "GITLAB_OAUTH_CLIENT_ID")
	w.clean()
}
