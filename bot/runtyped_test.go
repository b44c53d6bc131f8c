package bot_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// newTyping is an office in whose GitLab are the refs that the form knows, and no others.
func newTyping(t *testing.T, more ...string) *office {
	t.Helper()
	o := newOffice(t)
	o.checker.only = append([]string{"refs/heads/main", "refs/heads/newest", "refs/heads/feature/login", "refs/tags/v1", "refs/tags/v2"}, more...)
	return o
}

// answered is the newest message for alice alone that has a part.
func (o *office) answered(part string) slacktest.Message {
	o.Helper()
	var last string
	m, err := o.slack.WaitMessage(o.ctx, o.builds, o.alice, func(m slacktest.Message) bool {
		last = strings.ReplaceAll(m.Read(readAt), "`", "")
		return m.Ephemeral && strings.Contains(last, part)
	})
	if err != nil {
		o.Fatalf("alice reads %q, want %q", last, part)
	}
	return m
}

// presses presses a button of a message that alice sees.
func (o *office) presses(m slacktest.Message, button string) {
	o.Helper()
	if err := o.alice.Click(o.ctx, m, button); err != nil {
		o.Fatal(err)
	}
	o.finished()
}

// one is the only request that was written down.
func (o *office) one() run.Request {
	o.Helper()
	list := o.runs.requests()
	if len(list) != 1 {
		o.Fatalf("%d requests were written down: %+v", len(list), list)
	}
	return list[0]
}

// none fails the test where something was written down.
func (o *office) none() {
	o.Helper()
	if list := o.runs.requests(); len(list) != 0 {
		o.Errorf("this was written down: %+v", list)
	}
}

func TestTypedRunWritesTheRequestDown(t *testing.T) {
	o := newTyping(t)
	o.types(`run feature/login release APP_ENV=staging NOTE="two words"`)
	o.answered("Starting group/app feature/login (release) …")
	got := o.one()
	want := run.Request{
		ID: got.ID, Project: "group/app", Ref: login, BuildType: "release",
		Variables: map[string]string{"APP_ENV": "staging", "NOTE": "two words"}, Asker: o.alice.ID, Team: o.alice.TeamID,
		Account: gitlab.User{ID: 1, Username: "alice"}, Channel: o.builds.ID, Trigger: true,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(run.Request{}, "At", "ReplyURL")); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	if !idForm(got.ID) || got.ReplyURL == "" {
		t.Errorf("its id is %q, its reply URL %q", got.ID, got.ReplyURL)
	}
	o.clean()
}

// idForm is what the records take for an id.
func idForm(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

func TestTypedRunFindsItsRef(t *testing.T) {
	for name, test := range map[string]struct {
		typed, want string
		before      func(o *office)
	}{
		"a branch":        {typed: "main", want: "refs/heads/main"},
		"a tag":           {typed: "v1", want: "refs/tags/v1"},
		"a tag in full":   {typed: "refs/tags/v1", want: "refs/tags/v1"},
		"another project": {typed: "group/api main", want: "refs/heads/main"},
		"GitLab is away, and it is known": {
			typed: "v1", want: "refs/tags/v1",
			before: func(o *office) { o.checker.answers(func(context.Context) (bool, error) { return false, errAway }) },
		},
		"GitLab is away, and it is in full": {
			typed: "refs/heads/unheard-of", want: "refs/heads/unheard-of",
			before: func(o *office) { o.checker.answers(func(context.Context) (bool, error) { return false, errAway }) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTyping(t)
			if test.before != nil {
				test.before(o)
			}
			o.types("run " + test.typed)
			if got := o.one().Ref.String(); got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
			o.clean()
		})
	}
}

func TestTypedRunThatStartsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		typed, want string
		before      func(o *office)
	}{
		"no ref":              {typed: "", want: "Which branch or tag?"},
		"no build type":       {typed: "main relase", want: "Did you mean release?"},
		"an unknown option":   {typed: "main --any", want: "I do not know the option --any."},
		"nothing like it":     {typed: "qqqqqqqq", want: "There is no branch or tag qqqqqqqq in group/app. Type /pipeline to search."},
		"no such ref in full": {typed: "refs/heads/gone", want: "There is no branch or tag refs/heads/gone"},
		"GitLab is away": {
			typed: "unheard-of", want: "I could not look for unheard-of, and have started nothing. GitLab cannot be reached just now.",
			before: func(o *office) {
				o.checker.answers(func(context.Context) (bool, error) { return false, &gitlab.Error{Kind: gitlab.NotSent} })
			},
		},
		"GitLab does not know the project": {
			typed: "group/api main", want: "GitLab cannot be reached just now.",
			before: func(o *office) {
				o.restart(func(cfg *bot.Config) {
					cfg.Projects = &fakeProjects{names: o.projects.names, known: map[string]gitlab.Project{"group/app": {ID: 7, Path: "group/app"}}}
				})
			},
		},
		"it is frozen": {typed: "main", want: "frozen", before: func(o *office) {
			o.rights.change(func(f *fakeRights) {
				f.freezes = []run.Freeze{{ID: "a", Project: "group/app", Pattern: "main", By: asker, Reason: "no"}}
			})
		}},
		"a rule about the variable": {typed: "main APP_ENV=production", want: "not by hand", before: func(o *office) {
			o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{variables: {APP_ENV: production}, then: refuse, reason: not by hand}]")
		}},
		"the project may not be seen": {typed: "unheard-of", want: "Ask", before: func(o *office) {
			o.obey(policy.ModePolicy, "people: [{slack: U0NOBODY, gitlab: nobody}]")
		}},
		"the records cannot be read":    {typed: "main", want: "I can take no requests just now: my own records do not answer. I am not certain that I have written down your request for group/app main (debug). It may start", before: func(o *office) { o.runs.change(func(f *fakeRuns) { f.findErr = errAway }) }},
		"the records cannot be written": {typed: "main", want: "I am not certain that I have written down", before: func(o *office) { o.runs.change(func(f *fakeRuns) { f.submitErr = errAway }) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTyping(t)
			if test.before != nil {
				test.before(o)
			}
			o.types("run " + test.typed)
			o.answered(test.want)
			o.none()
			o.clean()
		})
	}
}

// The write's answer is lost: it is tried again under the same id.
func TestTypedRunIsWrittenOnce(t *testing.T) {
	o := newTyping(t)
	o.runs.change(func(f *fakeRuns) { f.loses = true })
	o.types("run main")
	o.answered("Starting group/app main (debug)")
	o.one()
}

func TestTypedRunDeliveredTwice(t *testing.T) {
	o := newTyping(t)
	o.slack.RedeliverNext(1)
	o.types("run main")
	if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) == 2 }); err != nil {
		t.Fatal(err)
	}
	o.finished()
	o.one()
	for _, m := range o.builds.Messages(o.alice) {
		if text := strings.ReplaceAll(m.Read(readAt), "`", ""); !strings.Contains(text, "Starting group/app main (debug)") {
			t.Errorf("alice reads %q", text)
		}
	}
}

func TestTypedRunOffersWhatWasMeant(t *testing.T) {
	for name, test := range map[string]struct {
		typed   string
		buttons []string
	}{
		"a part":      {"login", []string{"Branch feature/login"}},
		"both kinds":  {"n", []string{"Branch newest", "Branch main", "Branch feature/login"}},
		"mistyped":    {"newset", []string{"Branch newest"}},
		"of one name": {"both", []string{"Branch both", "Tag both"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTyping(t, "refs/heads/both", "refs/tags/both")
			o.types("run " + test.typed + ` release A="x y"`)
			m := o.answered(test.typed)
			var got []string
			for _, b := range m.Buttons() {
				got = append(got, b.Text)
			}
			slices.Sort(got)
			slices.Sort(test.buttons)
			if diff := cmp.Diff(test.buttons, got); diff != "" {
				t.Errorf("it offers (-want +got):\n%s", diff)
			}
			o.none()
			o.presses(m, got[0])
			o.answered("Starting group/app")
			if r := o.one(); "Branch "+r.Ref.Name != got[0] || r.BuildType != "release" || r.Variables["A"] != "x y" || !idForm(r.ID) {
				t.Errorf("pressing %s asks for %+v", got[0], r)
			}
			if now, _ := o.builds.Message(o.alice, m.TS); len(now.Buttons()) != 0 {
				t.Errorf("the buttons are still there:\n%s", now.Read(readAt))
			}
			o.clean()
		})
	}
}

// Two clicks on one message are one request, whatever comes in between.
func TestTypedButtonPressedTwice(t *testing.T) {
	o := newTyping(t)
	o.types("run login")
	m := o.answered("Did you mean")
	b, _ := m.Button("Branch feature/login")
	click := o.blockAction(o.alice, b.ActionID, b.Value, run.Shown{Channel: o.builds.ID, Card: m.TS})
	o.deliver(click)
	o.deliver(click)
	o.one()
}

// Who presses is asked about, whoever the message was for.
func TestTypedButtonOfAnother(t *testing.T) {
	o := newTyping(t)
	bob := o.slack.AddUser("bob")
	o.builds.Invite(bob)
	o.deliver(o.blockAction(bob, "run_typed", "run group/app refs/heads/main debug", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
	o.none()
	o.hears(bob, "GitLab")
}

// Values of buttons come from outside.
func TestTypedButtonsThatWereForged(t *testing.T) {
	for name, value := range map[string]string{
		"nothing": "", "another command": "freeze group/app", "no words": "run ", "a project of no setting": "run group/secret refs/heads/main debug",
		"an open quote": `run "`,
	} {
		t.Run(name, func(t *testing.T) {
			o := newTyping(t)
			o.deliver(o.blockAction(o.alice, "run_typed", value, run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
			o.none()
			if o.alone() == "" {
				t.Error("alice is told nothing")
			}
		})
	}
}

// runsAlready puts a run of main there that goes on.
func (o *office) runsAlready() run.Run {
	r := running(func(r *run.Run) { r.Request.ID, r.Request.Ref.Name = "V0FIRST", "main" })
	o.runs.put(r)
	return r
}

func TestTypedRunOfWhatRunsAlready(t *testing.T) {
	o := newTyping(t)
	o.runsAlready()
	o.types("run main debug A=1")
	m := o.answered("This runs already: group/app main (debug)")
	if got := len(o.runs.requests()); got != 1 {
		t.Fatalf("%d requests are written down", got)
	}
	o.presses(m, "Run anyway")
	o.answered("Starting group/app main (debug)")
	if got := len(o.runs.requests()); got != 2 {
		t.Errorf("%d requests are written down", got)
	}
	o.types("run main release")
	o.answered("Starting group/app main (release)")
	o.types("run main debug --anyway")
	if got := len(o.runs.requests()); got != 4 {
		t.Errorf("%d requests are written down", got)
	}
	o.clean()
}

func TestTypedRunFollowsWhatRunsAlready(t *testing.T) {
	o := newTyping(t)
	o.runsAlready()
	o.history.shown = []run.Sighting{{ID: "V0FIRST", Channel: o.builds.ID, Card: cardTS}}
	o.types("run main")
	o.presses(o.answered("This runs already"), "Follow that one")
	o.answered("tell you in its thread when it ends")
	if diff := cmp.Diff([]string{"add the follower " + o.alice.ID + " to V0FIRST"}, o.runs.acted); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if got := len(o.runs.requests()); got != 1 {
		t.Errorf("%d requests are written down", got)
	}
	o.clean()
}

// Nobody is promised a mention where they would not see it.
func TestFollowingBeforeItStarts(t *testing.T) {
	for name, test := range map[string]struct {
		change func(r *run.Run)
		acted  bool
		want   string
	}{
		"here":                    {func(*run.Run) {}, true, "I mention you when it has ended"},
		"in another channel":      {func(r *run.Run) { r.Request.Channel = "C0OTHER" }, true, "I mention you in #C0OTHER when it has ended"},
		"to others alone":         {func(r *run.Run) { r.Request.Channel = "U0BOB" }, false, "You do not follow it yet"},
		"where I could not post":  {func(r *run.Run) { r.Shown = run.Shown{Channel: "D0BOB", Card: cardTS} }, false, "You do not follow it yet"},
		"in another conversation": {func(r *run.Run) { r.Request.Channel = "D0OTHERS" }, false, "You do not follow it yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTyping(t)
			o.runs.put(requested(func(r *run.Run) {
				r.Request.ID, r.Request.Channel, r.Request.Asker = "V0FIRST", o.builds.ID, "U0BOB"
				test.change(r)
			}))
			o.deliver(o.blockAction(o.alice, "follow_running", "V0FIRST", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
			o.hears(o.alice, test.want)
			if acted := len(o.runs.acted) > 0; acted != test.acted {
				t.Errorf("it did %q", o.runs.acted)
			}
			o.clean()
		})
	}
}

func TestFollowingThatDoesNotWork(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office)
		value  string
		want   string
	}{
		"no such run": {value: "V0OTHER", want: "not known here any more"},
		"it has ended": {value: "V0FIRST", want: "has ended meanwhile", before: func(o *office) {
			o.runs.put(ended(gitlab.StatusSuccess, func(r *run.Run) { r.Request.ID = "V0FIRST" }))
		}},
		"no room": {value: "V0FIRST", want: "So many people follow this pipeline", before: func(o *office) {
			o.history.shown = []run.Sighting{{ID: "V0FIRST", Channel: o.builds.ID, Card: cardTS}}
			o.runs.change(func(f *fakeRuns) { f.actErr = run.ErrManyFollowers })
		}},
		"no room before it starts": {value: "V0FIRST", want: "You do not follow it yet", before: func(o *office) {
			o.runs.put(requested(func(r *run.Run) { r.Request.ID = "V0FIRST" }))
			o.runs.change(func(f *fakeRuns) { f.actErr = errAway })
		}},
		"no records": {value: "V0FIRST", want: "I cannot reach my own records", before: func(o *office) { o.runs.change(func(f *fakeRuns) { f.findErr = errAway }) }},
		"it may not be seen": {value: "V0FIRST", want: "Ask", before: func(o *office) {
			o.obey(policy.ModePolicy, "people: [{slack: U0NOBODY, gitlab: nobody}]")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTyping(t)
			o.runsAlready()
			if test.before != nil {
				test.before(o)
			}
			o.deliver(o.blockAction(o.alice, "follow_running", test.value, run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
			o.hears(o.alice, test.want)
			o.clean()
		})
	}
}

// A file is typed into the form, which opens with what was typed, before GitLab is asked.
func TestTypedRunWithAFile(t *testing.T) {
	o := newTyping(t)
	o.types("run feature/login release APP_ENV=staging CONFIG=@")
	modal := o.alice.OpenModal()
	if modal == nil {
		t.Fatal("no modal is open")
	}
	if got := o.checker.questions(); len(got) != 0 {
		t.Errorf("GitLab was asked for %q", got)
	}
	got := []string{modal.Value(refField), modal.Value("Build type"), modal.Value("Variables")}
	if diff := cmp.Diff([]string{"feature/login", "release", "APP_ENV=staging\nCONFIG=@"}, got); diff != "" {
		t.Errorf("the form (-want +got):\n%s", diff)
	}
	if !strings.Contains(modal.Text(), "its CI_PIPELINE_SOURCE is api") {
		t.Errorf("it does not say what changes:\n%s", modal.Text())
	}
	if err := modal.Fill("CONFIG (file)", "debug = true\n"); err != nil {
		t.Fatal(err)
	}
	if result := o.submit(modal); !result.Closed {
		t.Errorf("the modal says %+v:\n%s", result, modal.Text())
	}
	r := o.one()
	if diff := cmp.Diff(map[string]string{"CONFIG": "debug = true\n"}, r.Files); diff != "" || r.Trigger {
		t.Errorf("trigger=%t, files (-want +got):\n%s", r.Trigger, diff)
	}
	o.clean()
}

func TestTypedRunWithAFileOfAnUnknownRef(t *testing.T) {
	o := newTyping(t)
	o.obey(policy.ModeOpen, "people: [{slack: "+o.alice.ID+", gitlab: alice}]")
	o.types("run unheard-of CONFIG=@")
	modal := o.alice.OpenModal()
	if modal == nil || modal.Value(refField) != "" || !strings.Contains(modal.Text(), "I do not know yet what unheard-of is.") {
		t.Errorf("the form:\n%s", modal.Text())
	}
	o.clean()
}
