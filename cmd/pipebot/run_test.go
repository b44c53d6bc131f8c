package main_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// alone waits for words for alice alone; marks of code do not count.
func (w *world) alone(parts ...string) slacktest.Message {
	w.t.Helper()
	return w.told(w.alice, w.channel, parts...)
}

// started fails the test unless so many pipelines were started in all.
func (w *world) started(want int) {
	w.t.Helper()
	if got := len(w.project.Pipelines()); got != want {
		w.t.Errorf("%d pipelines were started, want %d", got, want)
	}
}

// fill types into a field of a modal.
func (w *world) fill(modal *slacktest.Modal, field, text string) {
	w.t.Helper()
	if err := modal.Fill(field, text); err != nil {
		w.t.Fatal(err)
	}
}

// stays submits a modal that has to stay open without a fault.
func (w *world) stays(modal *slacktest.Modal) {
	w.t.Helper()
	if result, err := modal.Submit(w.ctx); err != nil || result.Closed || len(result.Errors) > 0 {
		w.t.Fatalf("the modal says %+v, %v:\n%s", result, err, modal.Text())
	}
}

// modalOf waits for the modal of alice.
func (w *world) modalOf() *slacktest.Modal {
	w.t.Helper()
	modal, err := w.alice.Modal(w.ctx)
	if err != nil {
		w.t.Fatalf("waiting for the modal: %v\n%s", err, w.bot.output())
	}
	return modal
}

// withoutTrigger has pipelines started with the access token.
func (w *world) withoutTrigger() { delete(w.env, "GITLAB_TRIGGER_TOKEN") }

// typeOf is the type of a variable of a pipeline.
func typeOf(p *gitlabtest.Pipeline, key string) string {
	for _, v := range p.Variables() {
		if v.Key == key {
			return v.Type + " " + v.Value
		}
	}
	return "none"
}

// The whole job, typed.
func TestTypedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.types(t, w.alice, `run feature/login release APP_ENV=staging NOTE="two words"`)
	w.alone("Starting group/app", "feature/login", "(release)")
	p := w.pipeline(1)
	if p.Source != "trigger" || p.Ref != "feature/login" || p.Tag {
		t.Errorf("the pipeline was started by %q for %q, tag=%t", p.Source, p.Ref, p.Tag)
	}
	for key, want := range map[string]string{"BUILD_TYPE": "release", "APP_ENV": "staging", "NOTE": "two words", "PIPEBOT_USER": w.alice.ID} {
		if got, _ := p.Variable(key); got != want {
			t.Errorf("variable %s = %q, want %q", key, got, want)
		}
	}
	p.Finish("success")
	w.card(w.channel, "Passed", "asked for by @alice", "[Run again]")
	w.reply(w.channel, "@alice", "passed in")
	w.started(1)
	w.clean()
}

// One command is one pipeline, however often Slack delivers it.
func TestTypedRunDeliveredTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.slack.RedeliverNext(1)
	w.types(t, w.alice, "run main")
	w.pipeline(1).Finish("success")
	w.card(w.channel, "Passed")
	w.started(1)
	w.clean()
}

// What is not there is answered with what was perhaps meant. Pressing that starts it,
// once, and the buttons are gone.
func TestTypedRunSuggests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.types(t, w.alice, "run login release A=1")
	m := w.alone("There is no branch or tag", "login", "[Branch feature/login]")
	w.started(0)
	// Two clicks that are on their way at once.
	w.slack.RedeliverNext(1)
	w.presses(w.alice, m, "Branch feature/login")
	p := w.pipeline(1)
	if got, _ := p.Variable("A"); p.Ref != "feature/login" || got != "1" {
		t.Errorf("started %s with A=%s", p.Ref, got)
	}
	if now := w.slackCard(m); len(now.Buttons()) != 0 {
		t.Errorf("the buttons are still there:\n%s", readable(now))
	}
	p.Finish("success")
	w.card(w.channel, "Passed")
	w.started(1)
	w.clean()
}

func TestTypedRunOfABranchAndATag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.project.AddBranch("v2", time.Now())
	w.project.AddTag("v2", time.Now())
	w.start()
	w.types(t, w.alice, "run v2")
	w.presses(w.alice, w.alone("A branch and a tag are both called", "[Branch v2]", "[Tag v2]"), "Tag v2")
	if p := w.pipeline(1); !p.Tag {
		t.Error("the branch was started")
	}
	w.types(t, w.alice, "run refs/heads/v2")
	if p := w.pipeline(2); p.Tag {
		t.Error("the tag was started")
	}
	w.clean()
}

// A file is a variable of that type in GitLab, whether the project has a trigger token or
// not; the form says what that changes.
func TestFileVariables(t *testing.T) {
	t.Parallel()
	for name, trigger := range map[string]bool{"with a trigger token": true, "without": false} {
		for how, open := range map[string]func(t *testing.T, w *world) *slacktest.Modal{
			"typed": func(t *testing.T, w *world) *slacktest.Modal {
				t.Helper()
				w.types(t, w.alice, "run feature/login release A=1 CONFIG=@")
				return w.modalOf()
			},
			"in the form": func(t *testing.T, w *world) *slacktest.Modal {
				t.Helper()
				modal := w.open(w.alice, w.channel)
				w.choose(modal, "feature/login")
				w.fill(modal, "Variables", "A=1\nCONFIG=@")
				w.stays(modal)
				return modal
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				if !trigger {
					w.withoutTrigger()
				}
				w.start()
				modal := open(t, w)
				if says := strings.Contains(modal.Text(), "its CI_PIPELINE_SOURCE is api"); says != trigger {
					t.Errorf("it says what changes: %t\n%s", says, modal.Text())
				}
				w.fill(modal, "CONFIG (file)", "debug = true\n")
				w.submit(modal)
				p := w.pipeline(1)
				if got := []string{p.Source, p.Ref, typeOf(p, "CONFIG"), typeOf(p, "A")}; !slices.Equal(got, []string{"api", "feature/login", "file debug = true\n", "env_var 1"}) {
					t.Errorf("GitLab has %q", got)
				}
				w.clean()
			})
		}
	}
}

// Running again opens the form with what it was, and starts a second one.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, carol := w.person("bob", gitlabtest.Developer), w.person("carol", gitlabtest.Maintainer)
	w.channel.Invite(bob)
	w.channel.Invite(carol)
	w.start()
	w.types(t, w.alice, "run feature/login release APP_ENV=staging DEPLOY_TOKEN="+secretOfDeploy)
	w.pipeline(1).Finish("failed")
	card := w.card(w.channel, "Failed", "[Retry]", "[Run again]")
	for who, sees := range map[*slacktest.User][]string{
		bob:   {"Its variables are left out"}, // which take a Maintainer
		carol: {"APP_ENV=staging", "DEPLOY_TOKEN: left out"},
	} {
		w.presses(who, card, "Run again")
		theirs, err := who.Modal(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if text := theirs.Text(); strings.Contains(text, secretOfDeploy) || !containsAll(text, sees) {
			t.Errorf("%s sees\n%s", who.Name, text)
		}
	}
	w.presses(w.alice, card, "Run again")
	modal := w.modalOf()
	if got := modal.Value(refField) + " " + modal.Value("Build type"); got != "feature/login release" {
		t.Errorf("the form begins with %s", got)
	}
	w.submit(modal)
	p := w.pipeline(2)
	for key, want := range map[string]string{"BUILD_TYPE": "release", "APP_ENV": "staging", "DEPLOY_TOKEN": secretOfDeploy} {
		if got, _ := p.Variable(key); got != want {
			t.Errorf("variable %s = %q, want %q", key, got, want)
		}
	}
	w.clean()
}

// What runs already is said, in the form and to who typed it; it can be followed, or
// started all the same.
func TestAlreadyRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob", gitlabtest.Developer)
	w.channel.Invite(bob)
	w.start()
	w.types(t, w.alice, "run main")
	w.pipeline(1).Start()
	w.card(w.channel, "Running")

	modal := w.open(bob, w.channel)
	w.choose(modal, "main")
	w.fill(modal, "Variables", "APP_ENV=staging")
	w.stays(modal)
	if text := modal.Text(); !containsAll(text, []string{"This runs already", "asked for by @alice", "[Run anyway]", "APP_ENV=staging"}) {
		t.Errorf("the form:\n%s", text)
	}
	if err := modal.Click(w.ctx, "Follow that one"); err != nil {
		t.Fatal(err)
	}
	if err := modal.WaitUpdate(w.ctx, func(m *slacktest.Modal) bool {
		return strings.Contains(m.Text(), "I tell you in its thread when it ends")
	}); err != nil {
		t.Fatalf("the form:\n%s", modal.Text())
	}
	w.started(1)

	modal = w.open(w.alice, w.channel)
	w.choose(modal, "main")
	w.stays(modal)
	w.submit(modal)
	w.pipeline(2)

	w.types(t, w.alice, "run main")
	m := w.alone("This runs already", "[Run anyway]", "[Follow the newest]")
	w.started(2)
	w.presses(w.alice, m, "Run anyway")
	w.pipeline(3)
	w.types(t, w.alice, "run main --anyway")
	w.pipeline(4)
	w.clean()
}

// What needs a second person waits, typed as well.
func TestTypedRunIsHeldForApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, _ := w.twoPeople()
	w.start()
	w.types(t, w.alice, "run main release")
	w.alone("needs an approval first")
	card := w.card(w.channel, "Waits for approval", "[Approve]")
	w.started(0)
	w.presses(bob, card, "Approve")
	w.onePipeline()
	w.clean()
}

// What GitLab says to a typed start is told in words, and nothing is started twice.
func TestTypedRunIsRefused(t *testing.T) {
	t.Parallel()
	start := gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/pipeline"}
	trigger := gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/trigger/pipeline"}
	look := gitlabtest.Match{Method: http.MethodGet, PathPattern: "**/repository/**"}
	for name, test := range map[string]struct {
		arrange func(w *world)
		typed   string
		want    []string
	}{
		"403": {func(w *world) {
			w.withoutTrigger()
			w.gitlab.Fault(start, gitlabtest.Fault{Status: http.StatusForbidden})
		}, "main", []string{"I could not start", "may not do this", "Developer"}},
		"404":             {func(w *world) { w.gitlab.Fault(trigger, gitlabtest.Fault{Status: http.StatusNotFound}) }, "main", []string{"does not find the project or the trigger token"}},
		"422":             {func(w *world) { w.gitlab.Fault(trigger, gitlabtest.Fault{Status: http.StatusUnprocessableEntity}) }, "main", []string{"I could not start", "GitLab refused it"}},
		"403 to the look": {func(w *world) { w.gitlab.Fault(look, gitlabtest.Fault{Status: http.StatusForbidden}) }, "unheard-of", []string{"have started nothing", "may not see it"}},
		"429 to the look": {func(w *world) { w.gitlab.Fault(look, gitlabtest.Fault{Status: http.StatusTooManyRequests}) }, "unheard-of", []string{"have started nothing", "takes no more requests"}},
		"a role too low":  {func(w *world) { w.project.AddMember(w.account(w.alice), gitlabtest.Reporter) }, "main", []string{"Developer"}},
		"a freeze":        {func(*world) {}, "main", []string{"frozen"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.arrange(w)
			w.start()
			if name == "a freeze" {
				keeper := w.person("keeper", gitlabtest.Maintainer)
				w.channel.Invite(keeper)
				w.types(t, keeper, "freeze group/app the release is out")
				w.card(w.channel, "frozen")
			}
			w.types(t, w.alice, "run "+test.typed)
			w.alone(test.want...)
			w.started(0)
		})
	}
}

// What GitLab takes no more of for now is kept, and started once it does.
func TestTypedRunIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := w.gitlab.Fault(startRequests(), gitlabtest.Fault{Status: http.StatusTooManyRequests})
	w.start()
	w.types(t, w.alice, "run main")
	w.alone("takes no more requests from me", "is kept")
	w.started(0)
	end()
	w.onePipeline()
}

// A typed request outlives an outage, like one from the form.
func TestTypedRunWhileGitLabIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.known(w.alice, w.channel)
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "main") // so that the refs are in memory
	if err := modal.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.gitlab.Refuse(true)
	w.types(t, w.alice, "run main")
	w.alone("Your request for", "is kept")
	w.types(t, w.alice, "run unheard-of")
	w.alone("I could not look for", "have started nothing", "Please try again in a moment")
	w.gitlab.Refuse(false)
	w.onePipeline()
}

// What cannot be understood is answered with what was perhaps meant.
func TestTypedRunIsMisread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	for typed, want := range map[string]string{
		"run": "Which branch or tag?", "run main relase": "Did you mean `release`?", "run main --anway": "Did you mean `--anyway`?", "rn main": "Did you mean `/pipeline run`?",
	} {
		w.types(t, w.alice, typed)
		w.alone(want)
	}
	w.started(0)
	w.clean()
}
