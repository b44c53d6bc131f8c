package bot_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

const fileField = "CONFIG (file)"

// fills types into a field of a form.
func (o *office) fills(modal *slacktest.Modal, field, text string) {
	o.Helper()
	if err := modal.Fill(field, text); err != nil {
		o.Fatal(err)
	}
}

// stays submits a form that has to stay open without a fault.
func (o *office) stays(modal *slacktest.Modal) {
	o.Helper()
	if result := o.submit(modal); result.Closed || len(result.Errors) > 0 {
		o.Fatalf("the modal says %+v:\n%s", result, modal.Text())
	}
}

// closes submits a form that has to be taken.
func (o *office) closes(modal *slacktest.Modal) {
	o.Helper()
	if result := o.submit(modal); !result.Closed {
		o.Fatalf("the modal says %+v:\n%s", result, modal.Text())
	}
}

func TestFormAsksForFiles(t *testing.T) {
	for project, trigger := range map[string]bool{"group/app": true, "group/api": false} {
		t.Run(project, func(t *testing.T) {
			o := newOffice(t)
			o.history.last = map[string]string{o.builds.ID: project}
			modal := o.open()
			o.fills(modal, "Variables", "APP_ENV=staging\nCONFIG=@")
			o.stays(modal)
			o.none()
			if got := modal.Value("Variables"); got != "APP_ENV=staging\nCONFIG=@" {
				t.Errorf("the variables have become %q", got)
			}
			if strings.Contains(modal.Text(), bot.FilesToken) != trigger {
				t.Errorf("it says what changes: %t\n%s", !trigger, modal.Text())
			}
			if result := o.submit(modal); result.Errors[fileField] == "" {
				t.Errorf("an empty file was taken: %+v", result)
			}
			o.fills(modal, fileField, "debug = true\n")
			o.closes(modal)
			r := o.one()
			if diff := cmp.Diff(map[string]string{"CONFIG": "debug = true\n"}, r.Files); diff != "" || r.Trigger || r.Variables["APP_ENV"] != "staging" {
				t.Errorf("asked for %+v, files (-want +got):\n%s", r, diff)
			}
			o.clean()
		})
	}
}

// The fields follow what the variables ask for, and another project.
func TestFormKeepsItsFilesInStep(t *testing.T) {
	o := newOffice(t)
	modal := o.open()
	o.fills(modal, "Variables", "CONFIG=@\nOTHER=@")
	o.stays(modal)
	o.fills(modal, fileField, "kept")
	o.fills(modal, "OTHER (file)", "gone")
	o.choose(modal, "Project", "group/api")
	if got := modal.Value(fileField); got != "kept" {
		t.Errorf("with another project the file has become %q", got)
	}
	o.choose(modal, "Project", "group/app")
	o.fills(modal, "Variables", "CONFIG=@")
	o.stays(modal)
	if text := modal.Text(); strings.Contains(text, "OTHER") || modal.Value(fileField) != "kept" {
		t.Errorf("the form:\n%s", text)
	}
	o.closes(modal)
	if diff := cmp.Diff(map[string]string{"CONFIG": "kept"}, o.one().Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	o.clean()
}

// A rule about a variable holds for it as a file too.
func TestRulesAreAboutFilesToo(t *testing.T) {
	o := newOffice(t)
	o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{variables: {CONFIG: production}, then: refuse, reason: not by hand}]")
	modal := o.open()
	o.fills(modal, "Variables", "CONFIG=@")
	o.stays(modal)
	o.fills(modal, fileField, "production")
	if result := o.submit(modal); !strings.Contains(result.Errors[refField], "not by hand") {
		t.Errorf("the modal says %+v", result)
	}
	o.none()
}

func TestFormOfWhatRunsAlready(t *testing.T) {
	o := newOffice(t)
	o.runsAlready()
	modal := o.open()
	o.fills(modal, "Variables", "APP_ENV=staging")
	o.stays(modal)
	text := modal.Text()
	for _, part := range []string{"This runs already", "Pipeline #4711", "[Run anyway]", "[Follow that one]", "APP_ENV=staging"} {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %q in\n%s", part, text)
		}
	}
	o.closes(modal)
	r, err := o.runs.Find(o.ctx, modal.ID())
	if err != nil || r.Request.Variables["APP_ENV"] != "staging" {
		t.Errorf("asked for %+v, %v", r.Request, err)
	}
	o.clean()
}

// "Anyway" is about what was warned of.
func TestFormWarnsOfEach(t *testing.T) {
	o := newOffice(t)
	o.runsAlready()
	o.runs.put(running(func(r *run.Run) { r.Request.ID = "V0OTHER" })) // of feature/login
	modal := o.open()
	o.stays(modal)
	o.choose(modal, refField, "feature/login")
	o.stays(modal)
	if !strings.Contains(modal.Text(), "feature/login") {
		t.Errorf("the form:\n%s", modal.Text())
	}
	o.closes(modal)
	o.clean()
}

func TestFormFollowsWhatRunsAlready(t *testing.T) {
	o := newOffice(t)
	o.runsAlready()
	o.history.shown = []run.Sighting{{ID: "V0FIRST", Channel: o.builds.ID, Card: cardTS}}
	modal := o.open()
	o.stays(modal)
	if err := modal.Click(o.ctx, "Follow that one"); err != nil {
		t.Fatal(err)
	}
	o.finished()
	if text := modal.Text(); !strings.Contains(text, "tell you in its thread when it ends") {
		t.Errorf("the modal:\n%s", text)
	}
	if diff := cmp.Diff([]string{"add the follower " + o.alice.ID + " to V0FIRST"}, o.runs.acted); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	o.clean()
}

// What another process takes, for the same submission, while this one checks it is not
// held against itself.
func TestFormDeliveredTwiceIsNotWarned(t *testing.T) {
	o := newOffice(t)
	modal := o.open()
	o.checker.answers(func(context.Context) (bool, error) {
		o.runs.put(running(func(r *run.Run) {
			r.Request.ID, r.Request.Ref.Name, r.Request.Variables = modal.ID(), "main", nil
			r.Request.Asker, r.Request.Team = o.alice.ID, o.alice.TeamID
		}))
		return true, nil
	})
	o.closes(modal)
	o.one()
}

// A form that was opened outside of any channel is for its person's direct messages, and
// of nobody else's.
func TestFormWithoutAChannel(t *testing.T) {
	for name, test := range map[string]struct {
		of    func(o *office) string
		taken bool
	}{
		"one's own":            {func(o *office) string { return o.alice.ID }, true},
		"another's":            {func(*office) string { return "U0OTHER" }, false},
		"where a rule refuses": {func(o *office) string { return o.builds.ID }, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{channels: ["+o.builds.ID+"], then: refuse, reason: no}]")
			view := map[string]any{"id": "V0FORM", "callback_id": "run", "private_metadata": bot.Form{Project: "group/app", Channel: test.of(o)}.Metadata()}
			view["state"] = map[string]any{"values": map[string]any{
				"ref.0":      map[string]any{"ref": map[string]any{"type": "external_select", "selected_option": map[string]any{"value": "h:main"}}},
				"build_type": map[string]any{"build_type": map[string]any{"type": "static_select", "selected_option": map[string]any{"value": "debug"}}},
			}}
			answer := o.deliver(map[string]any{"type": "view_submission", "user": personOf(o.alice), "view": view})
			if taken := len(o.runs.requests()) == 1; taken != test.taken {
				t.Errorf("it was taken: %t; the answer is %s", taken, answer)
			}
		})
	}
}

// again presses Run again on the card of a run, as somebody, and returns the form.
func (o *office) again(r run.Run, who *slacktest.User) *slacktest.Modal {
	o.Helper()
	if err := who.Click(o.ctx, o.shows(r), "Run again"); err != nil {
		o.Fatal(err)
	}
	o.finished()
	return who.OpenModal()
}

func TestRunAgain(t *testing.T) {
	o := newOffice(t)
	modal := o.again(secretive(func(r *run.Run) {
		r.Request.Asker, r.Request.Team, r.Request.BuildType = o.alice.ID, o.alice.TeamID, "release"
	}), o.alice)
	if modal == nil {
		t.Fatal("no form is open")
	}
	got := []string{modal.Value(refField), modal.Value("Build type"), modal.Value("Variables"), modal.Value(fileField)}
	want := []string{
		"feature/login", "release", "APP_ENV=staging\nDEPLOY_TOKEN=hunter2\nURL=https://me:hunter2@example.com\nCONFIG=@\nENV_FILE=@\n", "debug = true\nlevel = 2\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the form (-want +got):\n%s", diff)
	}
	if got := o.checker.questions(); len(got) != 0 {
		t.Errorf("GitLab was asked for %q before it opened", got)
	}
	o.closes(modal)
	r, err := o.runs.Find(o.ctx, modal.ID())
	if err != nil || r.Request.Variables["DEPLOY_TOKEN"] != "hunter2" || r.Request.Files["ENV_FILE"] != "PASSWORD=hunter2\n" || r.Request.Channel != o.builds.ID {
		t.Errorf("asked for %+v, %v", r.Request, err)
	}
	o.clean()
}

// What looks like a secret is for the one who typed it.
func TestRunAgainOfAnother(t *testing.T) {
	o, bob := newApproval(t)
	modal := o.again(secretive(), bob)
	if modal == nil {
		t.Fatal("no form is open")
	}
	if text := string(modal.JSON()); strings.Contains(text, "hunter2") || !strings.Contains(text, "DEPLOY_TOKEN, URL, ENV_FILE: left out") {
		t.Errorf("the form is %s", text)
	}
	o.clean()
}

// Who may not read a pipeline's variables reads none of them in the form either.
func TestRunAgainWithoutTheRightToVariables(t *testing.T) {
	o, bob := newApproval(t)
	o.rights.change(func(f *fakeRights) { f.roles[2] = gitlab.Developer })
	modal := o.again(secretive(), bob)
	if modal == nil {
		t.Fatal("no form is open")
	}
	if got := modal.Value("Variables"); got != "" || !strings.Contains(modal.Text(), "Its variables are left out") {
		t.Errorf("the variables are %q in:\n%s", got, modal.Text())
	}
	o.clean()
}

// Who only follows a pipeline has typed none of its values either.
func TestRunAgainOfWhatIsFollowed(t *testing.T) {
	o := newOffice(t)
	o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Maintainer })
	modal := o.again(secretive(func(r *run.Run) {
		r.Request.Follow, r.Request.Origin = true, r.Request.Asker
		r.Request.Asker, r.Request.Team = o.alice.ID, o.alice.TeamID
	}), o.alice)
	if modal == nil {
		t.Fatal("no form is open")
	}
	if text := string(modal.JSON()); strings.Contains(text, "hunter2") || !strings.Contains(text, "DEPLOY_TOKEN, URL, ENV_FILE: left out") {
		t.Errorf("the form is %s", text)
	}
	o.clean()
}

func TestRunAgainThatOpensNothing(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office)
		want   string
	}{
		"it may not be run": {func(o *office) {
			o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest })
		}, "Developer"},
		"the project is gone": {func(o *office) {
			o.restart(func(cfg *bot.Config) { cfg.Projects = &fakeProjects{names: []string{"group/other"}} })
		}, "is no longer set up here"},
		"the button is old": {func(o *office) { o.runs.change(func(f *fakeRuns) { clear(f.runs) }) }, "This button is out of date"},
		"Slack says no":     {func(o *office) { o.slack.FailNext("views.open", "internal_error", 1) }, "Slack did not let me open the form"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			card := o.shows(ended(gitlab.StatusSuccess))
			test.before(o)
			o.presses(card, "Run again")
			if modal := o.alice.OpenModal(); modal != nil {
				t.Errorf("a form is open:\n%s", modal.Text())
			}
			o.hears(o.alice, test.want)
			o.clean()
		})
	}
}

// An acknowledgement of more than 20,480 bytes is dropped.
func TestFormOfAHundredProjectsIsStillAnswered(t *testing.T) {
	o := newOffice(t)
	names, known := []string{"group/app"}, o.projects.known
	for i := range 99 {
		names = append(names, "group/"+strings.Repeat("a-rather-long-name/", 5)+strings.Repeat("x", i))
	}
	o.restart(func(cfg *bot.Config) { cfg.Projects = &fakeProjects{names: names, known: known} })
	modal := o.open()
	o.fills(modal, "Variables", "CONFIG=@")
	if result := o.submit(modal); result.Closed || !strings.Contains(result.Errors["Build type"], "The form has changed") {
		t.Errorf("the modal says %+v", result)
	}
	o.fills(modal, fileField, "x")
	o.closes(modal)
	o.clean()
}
