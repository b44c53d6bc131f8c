package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

const refField = "Branch or tag"

// offered is what the ref field offers for a query, group by group.
func (w *world) offered(modal *slacktest.Modal, query string) string {
	w.t.Helper()
	groups, err := modal.Options(w.ctx, refField, query)
	if err != nil {
		w.t.Fatalf("typing %q: %v", query, err)
	}
	var lines []string
	for _, group := range groups {
		if len(group.Options) == 0 {
			continue
		}
		var texts []string
		for _, option := range group.Options {
			texts = append(texts, option.Text)
		}
		lines = append(lines, group.Label+": "+strings.Join(texts, " "))
	}
	return strings.Join(lines, "\n")
}

// The ref field offers the default branch first, then the person's own choices,
// then the newest; typing ranks.
func TestRefField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	w.project.AddBranch("old", now.Add(-1000*time.Hour))
	w.project.AddBranch("log", now.Add(-900*time.Hour))
	w.project.AddBranch("catalog", now.Add(-time.Minute))
	w.project.AddBranch("Logout", now.Add(-800*time.Hour))
	w.start()
	modal := w.open(w.alice, w.channel)
	if got, want := w.offered(modal, ""), "Branches: main catalog feature/login Logout log old\nTags: v1.0.0"; got != want {
		t.Errorf("an empty query offers\n%s\nwant\n%s", got, want)
	}
	if got, want := w.offered(modal, "LOG"), "Branches: log Logout feature/login catalog"; got != want {
		t.Errorf("LOG offers\n%s\nwant\n%s", got, want)
	}
	if got, want := w.offered(modal, "login feat"), "Branches: feature/login"; got != want {
		t.Errorf("two words offer\n%s\nwant\n%s", got, want)
	}
	w.choose(modal, "old")
	w.submit(modal)
	w.pipeline(1)
	w.card(w.channel, "old")
	modal = w.open(w.alice, w.channel)
	if got, want := w.offered(modal, ""), "Branches: main old catalog feature/login Logout log\nTags: v1.0.0"; got != want {
		t.Errorf("after choosing old an empty query offers\n%s\nwant\n%s", got, want)
	}
	w.clean()
}

// Every ref is found, however many there are, and one that was pushed a moment
// ago too.
func TestAllRefsAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var names []string
	for i := range 2500 {
		names = append(names, fmt.Sprintf("topic/%04d", i))
	}
	w.project.AddBranches(names)
	w.start()
	modal := w.open(w.alice, w.channel)
	for _, name := range []string{"topic/0000", "topic/1234", "topic/2499"} {
		if got, want := w.offered(modal, name), "Branches: "+name; got != want {
			t.Errorf("%s offers %q", name, got)
		}
	}
	w.project.AddBranch("just-pushed", time.Now())
	if got, want := w.offered(modal, "just-pushed"), "Branches: just-pushed"; got != want {
		t.Errorf("a branch pushed a moment ago: %q", got)
	}
	w.clean()
}

// A branch and a tag of one name are two entries, and what was chosen starts.
func TestBranchAndTagOfOneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.project.AddBranch("v2", time.Now())
	w.project.AddTag("v2", time.Now())
	w.start()
	for i, group := range []string{"Tags", "Branches"} {
		modal := w.open(w.alice, w.channel)
		if got, want := w.offered(modal, "v2"), "Branches: v2\nTags: v2"; got != want {
			t.Fatalf("v2 offers %q", got)
		}
		if err := modal.ChooseIn(w.ctx, refField, group, "v2"); err != nil {
			t.Fatal(err)
		}
		w.submit(modal)
		if p := w.pipeline(i + 1); p.Tag != (group == "Tags") {
			t.Errorf("choosing it under %s started tag=%t", group, p.Tag)
		}
	}
	w.clean()
}

// A ref that is longer than an option's text, and one longer than its value too.
func TestLongRefs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := "feature/" + strings.Repeat("very-", 40) + "long"
	w.project.AddBranch(long, time.Now())
	w.start()
	modal := w.open(w.alice, w.channel)
	shown := strings.TrimPrefix(w.offered(modal, "long"), "Branches: ")
	if !strings.HasPrefix(shown, "feature/very") || !strings.HasSuffix(shown, "very-long") || !strings.Contains(shown, "…") {
		t.Errorf("it is shown as %q", shown)
	}
	w.choose(modal, shown)
	w.submit(modal)
	if p := w.pipeline(1); p.Ref != long {
		t.Errorf("the pipeline is for %q", p.Ref)
	}
	w.clean()
}

// Choosing another project refreshes the ref field and drops the old choice; the
// project last used in a channel is chosen there the next time.
func TestSeveralProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := w.gitlab.AddProject("group/api")
	api.AddMember(w.owner, gitlabtest.Maintainer)
	api.AddMember(w.account(w.alice), gitlabtest.Developer)
	api.SetCI(w.project.CI())
	api.AddBranch("api-only", time.Now())
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.env["GITLAB_TRIGGER_TOKENS"] = "group/app:" + w.project.AddTriggerToken(w.owner, "x").Token
	w.env["GITLAB_PROJECTS"] = "group/app,group/api"
	w.start()
	modal := w.open(w.alice, w.channel)
	if got := modal.Value("Project"); got != "group/app" {
		t.Errorf("the project is %q at first", got)
	}
	w.choose(modal, "feature/login")
	if err := modal.Choose(w.ctx, "Project", "group/api"); err != nil {
		t.Fatal(err)
	}
	if err := modal.WaitUpdate(w.ctx, func(m *slacktest.Modal) bool { return m.Value(refField) != "feature/login" }); err != nil {
		t.Fatalf("the old choice is still there: %v", err)
	}
	w.choose(modal, "api-only")
	w.submit(modal)
	if err := w.gitlab.Wait(w.ctx, func() bool { return len(api.Pipelines()) == 1 }); err != nil {
		t.Fatal(err)
	}
	if p := api.Pipelines()[0]; p.Ref != "api-only" || p.Source != "api" {
		t.Errorf("started %s by %s", p.Ref, p.Source)
	}
	w.card(w.channel, "group/api")
	if got := w.open(w.alice, w.channel).Value("Project"); got != "group/api" {
		t.Errorf("the project used last is not preselected: %q", got)
	}
	w.clean()
}

// Wrong input is answered at its field, and nothing that was typed is lost.
func TestFieldErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ variables, want string }{
		"no value":    {"APP_ENV", "APP_ENV: a value is missing, write KEY=VALUE"},
		"bad key":     {"1A=x", "1A: a key has letters, digits and _ only"},
		"twice":       {"A=1\nA=2", "A: this key is there twice"},
		"build type":  {"BUILD_TYPE=x", "BUILD_TYPE: this is the build type"},
		"several":     {"A\nB", "B: a value is missing"},
		"our own key": {"PIPEBOT_RUN_ID=x", "PIPEBOT_RUN_ID: keys that start with PIPEBOT_"},
	}
	w := newWorld(t)
	w.start()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			modal := w.open(w.alice, w.channel)
			if err := modal.Fill("Variables", test.variables); err != nil {
				t.Fatal(err)
			}
			w.choose(modal, "main")
			result, err := modal.Submit(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Errors["Variables"]; result.Closed || !strings.Contains(got, test.want) {
				t.Errorf("closed=%t, at the field: %q", result.Closed, got)
			}
			if err := modal.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("ref gone", func(t *testing.T) {
		modal := w.open(w.alice, w.channel)
		w.choose(modal, "feature/login")
		w.project.DeleteBranch("feature/login")
		result, err := modal.Submit(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Errors[refField]; result.Closed || !strings.Contains(got, "The branch feature/login is gone") {
			t.Errorf("closed=%t, at the field: %q", result.Closed, got)
		}
	})
	if got := len(w.project.Pipelines()); got != 0 {
		t.Errorf("%d pipelines were started", got)
	}
	w.clean()
}

// One modal starts one pipeline, however often Slack delivers its submission.
func TestRedeliveredSubmission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "main")
	result, err := modal.SubmitTwice(w.ctx)
	if err != nil || !result.Closed {
		t.Fatalf("closed=%t, %v", result.Closed, err)
	}
	w.pipeline(1).Finish("success")
	w.reply(w.channel, "passed in")
	if got := len(w.project.Pipelines()); got != 1 {
		t.Errorf("%d pipelines were started", got)
	}
	w.clean()
}

// Two people asking for the same are two requests.
func TestTwoPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob", gitlabtest.Developer)
	w.channel.Invite(bob)
	w.start()
	w.ask(w.alice, w.channel, "main")
	w.pipeline(1)
	modal := w.open(bob, w.channel)
	w.choose(modal, "main")
	w.stays(modal) // since alice's runs already
	w.submit(modal)
	w.pipeline(2)
	w.card(w.channel, "asked for by @alice")
	w.card(w.channel, "asked for by @bob")
	w.clean()
}

// Where the bot cannot post, the card goes to the person's direct messages, with
// the hint how to change that.
func TestPrivateChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.slack.AddChannel("secret", slacktest.Private, w.alice)
	w.start()
	w.ask(w.alice, secret, "main")
	p := w.pipeline(1)
	p.Start()
	dm := w.slack.DM(w.alice)
	w.card(dm, "Running", "group/app", "/invite @")
	p.Finish("success")
	w.card(dm, "Passed")
	w.reply(dm, "@alice", "passed in")
	if got := len(secret.Messages(w.alice)); got != 0 {
		t.Errorf("the private channel has %d messages", got)
	}
}

// A command in a direct message with the bot works as anywhere.
func TestDirectMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	dm := w.slack.DM(w.alice)
	w.ask(w.alice, dm, "main")
	w.pipeline(1).Finish("success")
	w.card(dm, "Passed")
	w.reply(dm, "passed in")
	w.clean()
}
