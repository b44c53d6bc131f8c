package main_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// private waits for a message that reads as wanted and that the person alone sees.
func (w *world) private(where *slacktest.Channel, parts ...string) slacktest.Message {
	w.t.Helper()
	m := w.card(where, parts...)
	if !m.Ephemeral {
		w.t.Errorf("everybody in the channel sees:\n%s", m.Read(time.Now()))
	}
	return m
}

// public is what somebody else sees in the channel.
func (w *world) public() []slacktest.Message {
	return w.channel.Messages(w.slack.AddUser("onlooker"))
}

// What GitLab refuses is told to the person alone, in a sentence that says what to
// do, and nothing is started.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(w *world)
		want    []string
	}{
		"the ref is gone": {
			arrange: func(w *world) {
				// GitLab does not answer the check in time, which is no objection.
				w.gitlab.Fault(gitlabtest.Match{Method: http.MethodGet, PathPattern: "**/repository/branches/*"}, gitlabtest.Fault{Cut: true})
				w.project.DeleteBranch("main")
			},
			want: []string{"The branch", "main", "no longer there", "/pipeline"},
		},
		"variables are restricted": {
			arrange: func(w *world) {
				w.project.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = "no_one_allowed" })
			},
			want: []string{"does not let me set pipeline variables", "Minimum role to use pipeline variables"},
		},
		"the rules leave no job, by trigger": {
			arrange: func(w *world) { noJobs(w.project) },
			want:    []string{"rules", `$CI_PIPELINE_SOURCE == "trigger"`},
		},
		"the rules leave no job, by api": {
			arrange: func(w *world) {
				delete(w.env, "GITLAB_TRIGGER_TOKEN")
				noJobs(w.project)
			},
			want: []string{"rules", `$CI_PIPELINE_SOURCE == "api"`},
		},
		"the trigger token is of another project": {
			arrange: func(w *world) {
				other := w.gitlab.AddProject("group/other")
				w.env["GITLAB_TRIGGER_TOKEN"] = other.AddTriggerToken(w.gitlab.AddUser("someone"), "x").Token
			},
			want: []string{"does not find the project or the trigger token", "group/app", "Pipeline trigger tokens"},
		},
		"too many pipelines": {
			arrange: func(w *world) {
				w.project.Configure(func(s *gitlabtest.Settings) { s.PipelinesPerMinute = 1 })
				w.project.StartPipeline(w.owner, "main", "web")
			},
			want: []string{"too many pipelines", "Wait a minute"},
		},
		"the YAML is wrong": {
			arrange: func(w *world) {
				w.project.SetCI(gitlabtest.CI{YAMLErrors: "jobs:unit config contains unknown keys: scrpt"})
			},
			want: []string{"GitLab refused it", "jobs:unit config contains unknown keys: scrpt"},
		},
		"the branch is protected": {
			// Alice may update it, and the owner of the token may not.
			arrange: func(w *world) {
				w.project.ProtectBranch("main", gitlabtest.Owner, gitlabtest.Owner)
				w.project.AddMember(w.account(w.alice), gitlabtest.Owner)
			},
			want: []string{"is protected", "Protected branches"},
		},
		"the access token lacks rights": {
			arrange: func(w *world) {
				delete(w.env, "GITLAB_TRIGGER_TOKEN")
				reporter := w.gitlab.AddUser("reporter")
				w.project.AddMember(reporter, gitlabtest.Reporter)
				w.env["GITLAB_TOKEN"] = w.gitlab.AddToken(reporter, "api")
			},
			want: []string{"may not do this", "Developer"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.arrange(w)
			w.start()
			modal := w.open(w.alice, w.channel)
			if modal.Value("Branch or tag") == "" {
				w.choose(modal, "main")
			}
			before := len(w.project.Pipelines())
			w.submit(modal)
			w.private(w.channel, slices.Concat([]string{"I could not start", "main"}, test.want)...)
			if seen := w.public(); len(seen) > 0 {
				t.Errorf("others see:\n%s", seen[0].Read(time.Now()))
			}
			if got := len(w.project.Pipelines()) - before; got != 0 && name != "the YAML is wrong" {
				t.Errorf("%d pipelines were started", got)
			}
		})
	}
}

func noJobs(p *gitlabtest.Project) {
	ci := p.CI()
	ci.Rules = func(gitlabtest.Event) bool { return false }
	p.SetCI(ci)
}

// An access token that expires while the bot runs.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.start()
	w.known(w.alice, w.channel)
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "main")
	w.gitlab.RevokeToken(w.env["GITLAB_TOKEN"])
	w.submit(modal)
	w.private(w.channel, "does not accept my access token", "GITLAB_TOKEN")
}

// A request outlives an outage of GitLab: it is kept, the person is told once that
// it waits, and it starts when GitLab is back.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.known(w.alice, w.channel)
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "main")
	w.gitlab.Refuse(true)
	w.submit(modal)
	w.private(w.channel, "Your request for", "is kept")
	w.gitlab.Refuse(false)
	w.pipeline(1).Finish("success")
	w.card(w.channel, "Passed")
	if got := len(w.project.Pipelines()); got != 1 {
		t.Errorf("%d pipelines were started", got)
	}
}
