package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// newActs is a world that runs, with people of each role in the channel.
func newActs(t *testing.T) (w *world, maintainer, owner *slacktest.User) {
	t.Helper()
	w = newWorld(t)
	maintainer, owner = w.person("mia", gitlabtest.Maintainer), w.person("olga", gitlabtest.Owner)
	w.channel.Invite(maintainer)
	w.channel.Invite(owner)
	w.start()
	return w, maintainer, owner
}

// asked is a pipeline that alice asked for, which runs.
func (w *world) asked() *gitlabtest.Pipeline {
	w.t.Helper()
	n := len(w.project.Pipelines())
	w.ask(w.alice, w.channel, "main")
	p := w.pipeline(n + 1)
	p.Start()
	w.cardOf(p, "Running")
	return p
}

// command is a command about a pipeline.
func command(verb string, p *gitlabtest.Pipeline) string { return fmt.Sprintf("%s %d", verb, p.ID) }

// confirm waits until somebody's modal asks about the pipeline, and submits it.
func (w *world) confirm(who *slacktest.User, p *gitlabtest.Pipeline) {
	w.t.Helper()
	modal := w.modalReads(who, fmt.Sprintf("Pipeline #%d", p.ID), projectPath)
	if modal.SubmitText() == "" {
		w.t.Fatalf("it cannot be confirmed:\n%s", modal.Text())
	}
	if _, err := modal.Submit(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

// modalReads waits until somebody's modal reads as wanted, in parts.
func (w *world) modalReads(who *slacktest.User, parts ...string) *slacktest.Modal {
	w.t.Helper()
	modal, err := who.Modal(w.ctx)
	if err != nil {
		w.t.Fatalf("waiting for the modal: %v", err)
	}
	if err := modal.WaitUpdate(w.ctx, func(m *slacktest.Modal) bool { return containsAll(m.Text(), parts) }); err != nil {
		w.t.Fatalf("the modal reads, without %q:\n%s", parts, modal.Text())
	}
	return modal
}

func (w *world) becomes(p *gitlabtest.Pipeline, is func() bool) {
	w.t.Helper()
	if err := w.gitlab.Wait(w.ctx, is); err != nil {
		w.t.Fatalf("pipeline %d is %s: %v", p.ID, p.Status(), err)
	}
}

// A retried pipeline's card comes to life again, and says who did it; so for cancel.
func TestRetryAndCancelTyped(t *testing.T) {
	t.Parallel()
	w, maintainer, _ := newActs(t)
	p := w.asked()
	p.Finish("failed")
	w.cardOf(p, "Failed", "[Retry]")
	w.types(t, maintainer, "retry")
	w.told(maintainer, w.channel, "Retrying Pipeline #", "group/app")
	p.Start()
	w.cardOf(p, "Running", "Retried by @mia")
	w.types(t, maintainer, command("cancel", p))
	w.confirm(maintainer, p)
	w.modalReads(maintainer, "Canceling Pipeline #")
	w.becomes(p, func() bool { return p.Status() != "running" })
	p.Finish("canceled")
	w.cardOf(p, "Canceled", "Canceled by @mia")
	w.clean()
}

// What nobody asked the bot for is acted upon as well, and can be followed.
func TestRetryOfAnothersPipeline(t *testing.T) {
	t.Parallel()
	w, _, _ := newActs(t)
	p := w.pushed("main")
	p.Finish("failed")
	w.types(t, w.alice, command("retry", p))
	answer := w.told(w.alice, w.channel, "Retrying Pipeline #", "[Follow]")
	w.becomes(p, func() bool { return p.Status() != "failed" })
	p.Start()
	w.presses(w.alice, answer, "Follow")
	w.cardOf(p, "Running", "started by release-bot", "followed by @alice")
	w.clean()
}

// A pipeline is deleted by an owner, where the access token is an owner's too. The card
// says by whom.
func TestDelete(t *testing.T) {
	t.Parallel()
	w, maintainer, owner := newActs(t)
	p := w.asked()
	p.Finish("failed")
	w.cardOf(p, "Failed")

	w.types(t, maintainer, command("delete", p))
	modal := w.modalReads(maintainer, "You may not delete a pipeline", "it takes the GitLab role Owner there, and yours is Maintainer")
	if modal.SubmitText() != "" {
		t.Errorf("a maintainer may confirm:\n%s", modal.Text())
	}

	w.types(t, owner, command("delete", p))
	w.confirm(owner, p)
	refused := w.modalReads(owner, "Only an owner of the project may delete pipelines, and my access token is none.")
	if p.Deleted() {
		t.Error("it is deleted")
	}
	if err := refused.Close(w.ctx); err != nil {
		t.Fatal(err)
	}

	w.project.AddMember(w.owner, gitlabtest.Owner)
	w.types(t, owner, command("delete", p))
	w.modalReads(owner, "Its jobs, logs and artifacts are deleted with it", "This cannot be undone.")
	w.confirm(owner, p)
	w.modalReads(owner, "is deleted.")
	if !p.Deleted() {
		t.Error("it is not deleted")
	}
	w.cardOf(p, "Deleted", "The pipeline was deleted by @olga.")
	w.clean()
}

// A manual job starts by its name; without one, those that wait are offered.
func TestPlayTyped(t *testing.T) {
	t.Parallel()
	w, _, _ := newActs(t)
	w.project.SetCI(gitlabtest.CI{Stages: []string{"build", "deploy"}, Jobs: []gitlabtest.JobSpec{
		{Name: "compile", Stage: "build"}, {Name: "ship", Stage: "deploy", Manual: true}, {Name: "docs", Stage: "deploy", Manual: true, AllowFailure: true},
	}})
	p := w.asked()
	p.Job("compile").Succeed()
	w.cardOf(p, "Blocked by a manual job")
	w.types(t, w.alice, command("play", p))
	offer := w.told(w.alice, w.channel, "Which one?", "[Start ship]", "[Start docs]")
	w.presses(w.alice, offer, "Start docs")
	w.told(w.alice, w.channel, "Started `docs`")
	w.becomes(p, func() bool { return p.Job("docs").Status() != "manual" })
	w.types(t, w.alice, command("play", p))
	w.told(w.alice, w.channel, "has a job that waits to be started", "[Start ship]")
	w.types(t, w.alice, command("play", p)+" Ship")
	w.told(w.alice, w.channel, "Started `ship`")
	w.becomes(p, func() bool { return p.Job("ship").Status() != "manual" })
	w.cardOf(p, "ship started by @alice")
	w.types(t, w.alice, command("play", p))
	w.told(w.alice, w.channel, "No job of Pipeline #", "waits to be started")
	w.clean()
}

// Who reads which variables; what looks like a secret is shown when it is asked for.
func TestVariables(t *testing.T) {
	t.Parallel()
	w, maintainer, _ := newActs(t)
	bob := w.person("bob", gitlabtest.Developer)
	w.channel.Invite(bob)
	modal := w.open(w.alice, w.channel)
	if err := modal.Fill("Variables", "APP_ENV=staging\nDEPLOY_TOKEN="+secretOfDeploy); err != nil {
		t.Fatal(err)
	}
	w.choose(modal, "main")
	w.submit(modal)
	p := w.pipeline(1)
	p.Start()
	w.cardOf(p, "Running")
	for _, who := range []*slacktest.User{w.alice, maintainer} {
		w.types(t, who, command("variables", p))
		list := w.told(who, w.channel, "APP_ENV = staging", "BUILD_TYPE = debug", "DEPLOY_TOKEN = •••", "[Show hidden values]")
		if text := readable(list); strings.Contains(text, secretOfDeploy) || strings.Contains(text, "PIPEBOT_RUN_ID") {
			t.Errorf("%s reads:\n%s", who.Name, text)
		}
		w.presses(who, list, "Show hidden values")
		w.told(who, w.channel, "DEPLOY_TOKEN = "+secretOfDeploy)
	}
	w.types(t, bob, command("variables", p))
	w.told(bob, w.channel, "You may not read the variables of a pipeline", "yours is Developer")
	w.clean()
}

// An access token that GitLab does not show the variables to.
func TestVariablesKeptFromTheToken(t *testing.T) {
	t.Parallel()
	w, maintainer, _ := newActs(t)
	w.gitlab.Fault(gitlabtest.Match{PathPattern: "**/variables"}, gitlabtest.Fault{Status: http.StatusForbidden, Body: `{"message":"403 Forbidden"}`})
	own, foreign := w.asked(), w.pushed("main", gitlabtest.Variable{Key: "APP_ENV", Value: "staging"})
	w.types(t, maintainer, command("variables", own))
	w.told(maintainer, w.channel, "BUILD_TYPE = debug", "this is what I started the pipeline with")
	w.types(t, maintainer, command("variables", foreign))
	w.told(maintainer, w.channel, "GitLab shows them to maintainers of the project and to who started the pipeline")
	w.clean()
}

// The same by the menu of a pipeline in the app's home, which is in no channel.
func TestPipelineMenu(t *testing.T) {
	t.Parallel()
	w, _, owner := newActs(t)
	w.project.AddMember(w.owner, gitlabtest.Owner)
	p := w.pushed("main", gitlabtest.Variable{Key: "APP_ENV", Value: "staging"})
	p.Finish("failed")
	chooses := func(verb string) {
		t.Helper()
		if err := w.home(owner, fmt.Sprintf("%s %d/%d", verb, w.project.ID, p.ID)).Choose(w.ctx, "pipeline_menu", "Do it"); err != nil {
			t.Fatal(err)
		}
	}
	direct := w.slack.DM(owner)
	chooses("variables")
	if err := w.modalReads(owner, "APP_ENV = staging").Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	chooses("retry")
	w.seen(owner, direct, slacktest.Message.FromApp, []string{"Retrying Pipeline #"})
	p.Start()
	chooses("follow")
	w.seen(owner, direct, slacktest.Message.FromApp, []string{"Running", "followed by @olga"})
	chooses("cancel")
	w.confirm(owner, p)
	if err := w.modalReads(owner, "Canceling Pipeline #").Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	p.Finish("canceled")
	w.seen(owner, direct, slacktest.Message.FromApp, []string{"Canceled by @olga"})
	chooses("delete")
	w.confirm(owner, p)
	w.modalReads(owner, "is deleted.")
	w.seen(owner, direct, slacktest.Message.FromApp, []string{"The pipeline was deleted by @olga."})
	w.clean()
}

// home is somebody's home of the app, with the menu of a pipeline that has one option.
func (w *world) home(who *slacktest.User, value string) *slacktest.Home {
	w.t.Helper()
	text := func(text string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
	}
	menu := slack.NewOverflowBlockElement("pipeline_menu", slack.NewOptionBlockObject(value, text("Do it"), nil))
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewSectionBlock(text("Pipeline"), nil, slack.NewAccessory(menu)),
	}}}
	api := slack.New(slacktest.DefaultBotToken, slack.OptionAPIURL(w.slack.APIURL()))
	if _, err := api.PublishViewContext(w.ctx, slack.PublishViewContextRequest{UserID: who.ID, View: view}); err != nil {
		w.t.Fatal(err)
	}
	return who.Home()
}

// What GitLab answers to what people want done, in words.
func TestActsThatGitLabRefuses(t *testing.T) {
	t.Parallel()
	w, _, owner := newActs(t)
	w.project.AddMember(w.owner, gitlabtest.Owner)
	message := func(status int) gitlabtest.Fault {
		return gitlabtest.Fault{Times: 1, Status: status, Body: `{"message":"It is <busy>"}`}
	}
	slower := gitlabtest.Fault{Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"37"}}, Body: "Retry later\n"}
	tests := []struct {
		name  string
		fault gitlabtest.Fault
		want  map[string]string // by verb
	}{
		{"403", message(http.StatusForbidden), map[string]string{"retry": "its owner needs the role Developer", "cancel": "its owner needs the role Developer", "delete": "Only an owner of the project", "play": "its owner needs the role Developer"}},
		{"404", message(http.StatusNotFound), map[string]string{"retry": "no longer in GitLab", "cancel": "no longer in GitLab", "delete": "somebody has deleted it already", "play": "no longer in GitLab"}},
		{"409", message(http.StatusConflict), map[string]string{"retry": "GitLab says: It is", "cancel": "GitLab says: It is", "delete": "counting the project's artifacts anew", "play": "GitLab says: It is"}},
		{"422", message(http.StatusUnprocessableEntity), map[string]string{"retry": "GitLab says: It is", "cancel": "GitLab says: It is", "delete": "GitLab says: It is", "play": "GitLab says: It is"}},
		{"429", slower, map[string]string{"retry": "try again in 37s", "cancel": "try again in 37s", "delete": "try again in 37s", "play": "try again in 37s"}},
		{"503", message(http.StatusServiceUnavailable), map[string]string{"cancel": "GitLab gave no answer", "delete": "GitLab gave no answer"}},
	}
	verbs := map[string]gitlabtest.Match{
		"retry": {Method: http.MethodPost, PathPattern: "**/retry"}, "cancel": {Method: http.MethodPost, PathPattern: "**/cancel"},
		"delete": {Method: http.MethodDelete}, "play": {Method: http.MethodPost, PathPattern: "**/play"},
	}
	w.project.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "unit", Stage: "test"}, {Name: "docs", Stage: "test", Manual: true, AllowFailure: true}}})
	for _, test := range tests {
		for verb, want := range test.want {
			t.Run(verb+" "+test.name, func(t *testing.T) {
				who := w.person(verb+test.name, gitlabtest.Owner)
				w.channel.Invite(who)
				p := w.pushed("main")
				before := p.Status()
				defer w.gitlab.Fault(verbs[verb], test.fault)()
				typed := command(verb, p)
				if verb == "play" {
					typed += " docs"
				}
				w.types(t, who, typed)
				if verb == "retry" || verb == "play" {
					w.told(who, w.channel, "I could not ", want)
				} else {
					w.confirm(who, p)
					w.modalReads(who, "I could not "+verb+" the pipeline. ", want)
				}
				if p.Deleted() || p.Status() != before {
					t.Errorf("the pipeline was %s and is %s", before, p.Status())
				}
			})
		}
	}
	w.types(t, owner, "cancel 999999")
	w.modalReads(owner, "GitLab has no such pipeline")
}

// GitLab does what it is asked and its answer is lost: that is looked into.
func TestActsWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w, _, owner := newActs(t)
	w.project.AddMember(w.owner, gitlabtest.Owner)
	lost := gitlabtest.Fault{Times: 1, Cut: true, Applied: true}
	p := w.pushed("main")
	p.Finish("failed")
	w.gitlab.Fault(gitlabtest.Match{Method: http.MethodPost, PathPattern: "**/retry"}, lost)
	w.types(t, owner, command("retry", p))
	w.told(owner, w.channel, "Retrying Pipeline #")
	w.gitlab.Fault(gitlabtest.Match{Method: http.MethodDelete}, lost)
	w.types(t, owner, command("delete", p))
	w.confirm(owner, p)
	w.modalReads(owner, "is deleted.")
	if !p.Deleted() {
		t.Error("it is not deleted")
	}
}

// While GitLab is down nothing is done, and people are told.
func TestActsWhileGitLabIsDown(t *testing.T) {
	t.Parallel()
	w, _, owner := newActs(t)
	p := w.asked()
	w.known(owner, w.channel)
	w.gitlab.Refuse(true)
	for _, verb := range []string{"retry", "play", "variables"} {
		w.types(t, owner, command(verb, p))
		w.seen(owner, w.channel, func(m slacktest.Message) bool { return m.Ephemeral }, []string{"I could not look for the pipeline. GitLab ", " Please try again in a moment."})
	}
	for _, verb := range []string{"cancel", "delete"} {
		w.types(t, owner, command(verb, p))
		if err := w.modalReads(owner, "I could not look for the pipeline. GitLab ", " Please try again in a moment.").Close(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	w.gitlab.Refuse(false)
	if p.Deleted() || p.Status() != "running" {
		t.Errorf("the pipeline is %s", p.Status())
	}
}

// Somebody confirms twice, or Slack delivers twice.
func TestConfirmedTwice(t *testing.T) {
	t.Parallel()
	w, _, owner := newActs(t)
	w.project.AddMember(w.owner, gitlabtest.Owner)
	p := w.asked()
	w.gitlab.Fault(gitlabtest.Match{Method: http.MethodDelete}, gitlabtest.Fault{Delay: 2 * time.Second})
	w.types(t, owner, command("delete", p))
	modal := w.modalReads(owner, "It still runs: its jobs are canceled first")
	if _, err := modal.SubmitTwice(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.modalReads(owner, "is deleted.")
	w.cardOf(p, "Deleted", "The pipeline was deleted by @olga.")
	w.clean()
}
