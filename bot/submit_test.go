package bot_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

const notTaken = "I can take no requests just now: my own records do not answer, and I am not certain about this one. " +
	"Please submit it again in a moment: it starts one pipeline at most."

func TestSubmitWritesTheRequestDown(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.choose(modal, "Build type", "release")
	form, err := bot.ParseForm(modal.PrivateMetadata(), o.projects.names)
	if err != nil {
		t.Fatal(err)
	}
	if result := o.submit(modal); !result.Closed {
		t.Fatalf("the modal stays: %+v", result)
	}
	want := []run.Request{{
		ID: modal.ID(), Project: "group/app", Ref: login, BuildType: "release",
		Variables: map[string]string{"APP_ENV": "staging"}, Asker: o.alice.ID, Team: o.alice.TeamID, Account: gitlab.User{ID: 1, Username: "alice"},
		Channel: o.builds.ID, ReplyURL: form.ReplyURL, Trigger: true,
	}}
	if diff := cmp.Diff(want, o.runs.requests(), cmpopts.IgnoreFields(run.Request{}, "At")); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"group/app refs/heads/feature/login"}, o.checker.questions()); diff != "" {
		t.Errorf("GitLab is asked for (-want +got):\n%s", diff)
	}
	o.clean()
}

// A form that could not follow the choice of another project does so when it is
// submitted.
func TestSubmitTurnsTheForm(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.slack.FailNext("views.update", "internal_error", 1)
	o.choose(modal, "Project", "group/api")
	if result := o.submit(modal); result.Closed || len(result.Errors) > 0 {
		t.Errorf("the modal says %+v", result)
	}
	if project, ref := modal.Value("Project"), modal.Value(refField); project != "group/api" || ref != "trunk" {
		t.Errorf("the form is for %q, and %q is chosen", project, ref)
	}
	if got := len(o.runs.requests()); got != 0 {
		t.Errorf("%d requests were written down", got)
	}
	o.clean()
}

func TestSubmitTellsFaultsAtTheirFields(t *testing.T) {
	const projectField = "Project"
	for name, test := range map[string]struct {
		before func(o *office)                         // before the modal is opened
		after  func(o *office, modal *slacktest.Modal) // when it is filled in
		want   map[string]string
	}{
		"the ref is gone": {
			before: func(o *office) { o.checker.answers(func(context.Context) (bool, error) { return false, nil }) },
			want:   map[string]string{refField: "The branch feature/login is gone, choose another one."},
		},
		"the ref cannot be found": {
			before: func(o *office) { o.refs.gone = &gitlab.Error{Kind: gitlab.NotFound} },
			want:   map[string]string{refField: "I cannot find this branch or tag, choose it once more."},
		},
		"the build type is gone": {
			after: func(o *office, _ *slacktest.Modal) {
				o.restart(func(cfg *bot.Config) { cfg.BuildTypes = []string{"nightly"} })
			},
			want: map[string]string{"Build type": "This build type is no longer set up here, choose another one."},
		},
		"the variables are wrong": {
			after: func(o *office, modal *slacktest.Modal) {
				if err := modal.Fill("Variables", "APP_ENV\nA=1\nA=2"); err != nil {
					o.Fatal(err)
				}
			},
			want: map[string]string{"Variables": "APP_ENV: a value is missing, write KEY=VALUE\nA: this key is there twice, keep one"},
		},
		"the chosen project is gone": {
			after: func(o *office, modal *slacktest.Modal) {
				o.slack.FailNext("views.update", "internal_error", 1)
				o.choose(modal, projectField, "group/api")
				o.restart(func(cfg *bot.Config) {
					cfg.Projects = &fakeProjects{names: []string{"group/app"}, known: o.projects.known}
				})
			},
			want: map[string]string{projectField: "This project is no longer set up here, choose another one."},
		},
		"all at once": {
			before: func(o *office) { o.checker.answers(func(context.Context) (bool, error) { return false, nil }) },
			after: func(o *office, modal *slacktest.Modal) {
				o.restart(func(cfg *bot.Config) { cfg.BuildTypes = []string{"nightly"} })
				if err := modal.Fill("Variables", "=1"); err != nil {
					o.Fatal(err)
				}
			},
			want: map[string]string{
				refField:     "The branch feature/login is gone, choose another one.",
				"Build type": "This build type is no longer set up here, choose another one.",
				"Variables":  "A key is missing, write KEY=VALUE",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			modal := o.filled()
			if test.after != nil {
				test.after(o, modal)
			}
			if diff := cmp.Diff(slacktest.SubmitResult{Errors: test.want}, o.submit(modal)); diff != "" {
				t.Errorf("the modal says (-want +got):\n%s", diff)
			}
			if got := o.runs.requests(); len(got) != 0 {
				t.Errorf("this was written down: %+v", got)
			}
		})
	}
}

func TestSubmitForgetsARefThatIsGone(t *testing.T) {
	o := newOffice(t)
	o.checker.answers(func(context.Context) (bool, error) { return false, nil })
	o.submit(o.filled())
	if diff := cmp.Diff([]string{login.String()}, o.refs.forgot); diff != "" {
		t.Errorf("forgotten refs (-want +got):\n%s", diff)
	}
}

// No answer is no objection.
func TestSubmitTakesWhatGitLabSaysNothingAbout(t *testing.T) {
	for name, answer := range map[string]func(ctx context.Context) (bool, error){
		"it is too slow": func(ctx context.Context) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		},
		"it fails": func(context.Context) (bool, error) { return false, &gitlab.Error{Kind: gitlab.Unclear} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.checker.answers(answer)
			if result := o.submit(o.filled()); !result.Closed {
				t.Errorf("the modal stays: %+v", result)
			}
			if got := len(o.runs.requests()); got != 1 {
				t.Errorf("%d requests were written down", got)
			}
			o.clean()
		})
	}
}

// Before GitLab could be asked for the project nobody knows who may do what in it: the
// form stays, and says so.
func TestSubmitInAnUnknownProject(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.restart(func(cfg *bot.Config) {
		gate := *cfg.Gate
		gate.Projects = &fakeProjects{names: o.projects.names}
		cfg.Projects, cfg.Gate = gate.Projects, &gate
	})
	result := o.submit(modal)
	if got := result.Errors["Branch or tag"]; !strings.Contains(got, "GitLab does not say what the project is") {
		t.Errorf("the modal says: %+v", result)
	}
	if got := o.runs.requests(); len(got) != 0 {
		t.Errorf("%d requests were written down", len(got))
	}
	if got := o.checker.questions(); len(got) != 0 {
		t.Errorf("GitLab was asked for %q", got)
	}
}

func TestSubmitIsNotCertain(t *testing.T) {
	for name, fail := range map[string]func(f *fakeRuns){
		"nobody can look for an earlier one": func(f *fakeRuns) { f.findErr = errAway },
		"the write fails":                    func(f *fakeRuns) { f.submitErr = errAway },
		"the write's answer is lost":         func(f *fakeRuns) { f.loses = true },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			modal := o.filled()
			o.runs.change(fail)
			want := slacktest.SubmitResult{Errors: map[string]string{"Build type": notTaken}}
			if diff := cmp.Diff(want, o.submit(modal)); diff != "" {
				t.Errorf("the modal says (-want +got):\n%s", diff)
			}
			o.runs.change(func(f *fakeRuns) { f.findErr, f.submitErr, f.loses = nil, nil, false })
			if result := o.submit(modal); !result.Closed {
				t.Errorf("the modal stays though it was submitted again: %+v", result)
			}
			if got := len(o.runs.requests()); got != 1 {
				t.Errorf("%d requests were written down", got)
			}
			o.clean()
		})
	}
}

func TestSubmitWritesNothingWhereItCannotLook(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.runs.change(func(f *fakeRuns) { f.findErr = errAway })
	o.submit(modal)
	if o.runs.submitted != 0 {
		t.Error("it was written down all the same")
	}
}

// lost is a modal whose first submission was written down, and whose person was told
// that this is not certain.
func (o *office) lost() *slacktest.Modal {
	o.Helper()
	modal := o.filled()
	o.runs.change(func(f *fakeRuns) { f.loses = true })
	o.submit(modal)
	o.runs.change(func(f *fakeRuns) { f.loses = false })
	return modal
}

// The first record is found before anything is checked: what was right once is not
// wrong because the ref has gone since.
func TestSubmitAgainFindsTheFirstBeforeItChecks(t *testing.T) {
	o := newOffice(t)
	modal := o.lost()
	o.checker.answers(func(context.Context) (bool, error) { return false, nil })
	o.refs.mu.Lock()
	o.refs.gone = errors.New("GitLab is away")
	o.refs.mu.Unlock()
	asked := len(o.checker.questions())
	if result := o.submit(modal); !result.Closed {
		t.Errorf("the modal stays: %+v", result)
	}
	if got := len(o.checker.questions()); got != asked {
		t.Errorf("GitLab was asked %d more times", got-asked)
	}
}

func TestSubmitChangedIsToldWhatWasTaken(t *testing.T) {
	for name, change := range map[string]func(o *office, modal *slacktest.Modal){
		"another ref":        func(o *office, modal *slacktest.Modal) { o.choose(modal, refField, "main") },
		"another build type": func(o *office, modal *slacktest.Modal) { o.choose(modal, "Build type", "release") },
		"another variable": func(o *office, modal *slacktest.Modal) {
			if err := modal.Fill("Variables", "APP_ENV=production"); err != nil {
				o.Fatal(err)
			}
		},
		"no variable": func(o *office, modal *slacktest.Modal) {
			if err := modal.Fill("Variables", ""); err != nil {
				o.Fatal(err)
			}
		},
		"a fault": func(o *office, modal *slacktest.Modal) {
			if err := modal.Fill("Variables", "APP_ENV"); err != nil {
				o.Fatal(err)
			}
		},
		"another project": func(o *office, modal *slacktest.Modal) {
			o.choose(modal, "Project", "group/api")
			o.choose(modal, refField, "api-only")
		},
		"another project, and the form has not followed": func(o *office, modal *slacktest.Modal) {
			o.slack.FailNext("views.update", "internal_error", 1)
			o.choose(modal, "Project", "group/api")
		},
		"the project was taken out of the settings": func(o *office, _ *slacktest.Modal) {
			o.restart(func(cfg *bot.Config) { cfg.Projects = &fakeProjects{names: []string{"group/other"}} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			modal := o.lost()
			asked := len(o.checker.questions())
			change(o, modal)
			if result := o.submit(modal); result.Closed || result.Errors != nil {
				t.Errorf("the modal answers %+v", result)
			}
			want := "# Already taken\n" +
				"Your first submission was taken: group/app, branch feature/login, debug. What you changed after it was not. To run that as well, type /pipeline again.\n" +
				"[Close]"
			if diff := cmp.Diff(want, modal.Text()); diff != "" {
				t.Errorf("the modal (-want +got):\n%s", diff)
			}
			if got := o.runs.requests(); len(got) != 1 || got[0].Ref != login || got[0].BuildType != "debug" {
				t.Errorf("the records are %+v", got)
			}
			if got := len(o.checker.questions()); got != asked {
				t.Errorf("GitLab was asked %d more times", got-asked)
			}
			o.clean()
		})
	}
}

// What cannot be read is not the same as nothing.
func TestSubmitWithAFaultIsNotTheSame(t *testing.T) {
	r := requested(func(r *run.Run) { r.Request.Variables = nil }).Request
	if answer := bot.Taken(r, r, false); answer == nil {
		t.Error("the modal closes as if what was typed last had been taken")
	}
}

// Another process may write between the look and the write.
func TestSubmitMeetsAnother(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.checker.answers(func(ctx context.Context) (bool, error) {
		_, _, err := o.runs.Submit(ctx, run.Request{ID: modal.ID(), Project: "group/app", Ref: v1, BuildType: "debug"}, nil)
		return true, err
	})
	o.submit(modal)
	if text := modal.Text(); !strings.Contains(text, "Your first submission was taken: group/app, tag v1, debug.") {
		t.Errorf("the modal:\n%s", text)
	}
}

func TestSubmitDeliveredTwice(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	before := len(o.slack.Acks())
	result, err := modal.SubmitTwice(o.ctx)
	if err != nil || !result.Closed {
		t.Errorf("the modal answers %+v, %v", result, err)
	}
	if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) == before+2 }); err != nil {
		t.Fatal(err)
	}
	if got := len(o.runs.requests()); got != 1 {
		t.Errorf("%d requests were written down", got)
	}
	o.clean()
}

// A second answer of nothing closes the modal; a typed nil would be sent as null.
func TestTakenOfTheSameIsNothing(t *testing.T) {
	r := requested().Request
	if answer := bot.Taken(r, r, true); answer != nil {
		t.Errorf("the answer is %#v", answer)
	}
}

func TestSubmitOfAFormThatIsOutOfDate(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.restart(func(cfg *bot.Config) { cfg.Projects = &fakeProjects{names: []string{"group/other"}} })
	o.submit(modal)
	for _, want := range []string{
		"! This form is out of date: its project is no longer set up here. Copy what you want to keep, close it, and type /pipeline again.",
		"[APP_ENV=staging ✎]", // what was typed is not lost
	} {
		if !strings.Contains(modal.Text(), want) {
			t.Errorf("%q is not in the modal:\n%s", want, modal.Text())
		}
	}
	o.clean()
}
