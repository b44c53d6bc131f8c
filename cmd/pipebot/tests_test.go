package main_test

import (
	"net/http"
	"strconv"
	"testing"

	"pipebot/gitlab/gitlabtest"
)

// Somebody reads how the tests of a pipeline ended that was pushed, and gives it a name.
func TestTestsAndName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.pushed("feature/login")
	w.types(t, w.alice, "tests "+strconv.Itoa(p.ID))
	w.told(w.alice, w.channel, "No tests", "No job of it has reported tests.")
	p.SetTestReport(gitlabtest.TestReport{Success: 10, Failed: 2})
	w.types(t, w.alice, "tests "+p.WebURL())
	w.told(w.alice, w.channel, "Tests failed", "10 passed · 2 failed", "12 in all")

	w.types(t, w.alice, `rename #1 "Release 2.4"`)
	w.told(w.alice, w.channel, "is called Release 2.4 now")
	if p.Name() != "Release 2.4" {
		t.Errorf("it is called %q", p.Name())
	}
	w.types(t, w.alice, "tests 999")
	w.told(w.alice, w.channel, "GitLab has no such pipeline")
	w.gitlab.Down(true)
	w.types(t, w.alice, "tests "+strconv.Itoa(p.ID))
	w.told(w.alice, w.channel, "GitLab")
}

// What GitLab answers to that, in words; and that nothing is done while it is down.
func TestTestsAndNameThatGitLabRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.pushed("main")
	verbs := map[string]struct {
		match gitlabtest.Match
		typed string
	}{
		"tests":  {gitlabtest.Match{Method: http.MethodGet, PathPattern: "**/test_report_summary"}, command("tests", p)},
		"rename": {gitlabtest.Match{Method: http.MethodPut, PathPattern: "**/metadata"}, command("rename", p) + ` "Release 2.4"`},
	}
	message := func(status int) gitlabtest.Fault {
		return gitlabtest.Fault{Times: 1, Status: status, Body: `{"message":"It is <busy>"}`}
	}
	slower := gitlabtest.Fault{Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"37"}}, Body: "Retry later\n"}
	for _, test := range []struct {
		name  string
		fault gitlabtest.Fault
		want  map[string]string // by verb
	}{
		{"403", message(http.StatusForbidden), map[string]string{"tests": "its owner needs the role Reporter", "rename": "its owner needs the role Developer"}},
		{"404", message(http.StatusNotFound), map[string]string{"tests": "no longer in GitLab", "rename": "This GitLab cannot rename pipelines, or the pipeline is gone"}},
		{"429", slower, map[string]string{"tests": "try again in 37s", "rename": "try again in 37s"}},
	} {
		for verb, want := range test.want {
			t.Run(verb+" "+test.name, func(t *testing.T) {
				who := w.person(verb+test.name, gitlabtest.Developer)
				w.channel.Invite(who)
				defer w.gitlab.Fault(verbs[verb].match, test.fault)()
				w.types(t, who, verbs[verb].typed)
				w.told(who, w.channel, want)
			})
		}
	}
	for verb, v := range verbs {
		t.Run(verb+" down", func(t *testing.T) {
			who := w.person(verb+"down", gitlabtest.Developer)
			w.channel.Invite(who)
			w.known(who, w.channel)
			w.gitlab.Down(true)
			defer w.gitlab.Down(false)
			w.types(t, who, v.typed)
			w.told(who, w.channel, "I could not look for the pipeline. GitLab ", "Please try again in a moment.")
		})
	}
	if p.Name() != "" {
		t.Errorf("it is called %q", p.Name())
	}
}
