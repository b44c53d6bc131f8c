package bot_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/gitlab"
)

// aboutTests are what is said of tests and names.
func aboutTests(o outside) []picture {
	r := running()
	r.Request.Project, r.Project.Path, r.Request.Ref.Name = o.project, o.project, o.ref
	report := gitlab.TestReport{Total: 240, Success: 231, Failed: 5, Error: 1, Skipped: 3, Duration: 85 * time.Second}
	return []picture{
		{name: "tests-failed", message: bot.TestsOf(r, report)},
		{name: "tests-passed", message: bot.TestsOf(r, gitlab.TestReport{Total: 12, Success: 12, Duration: 2 * time.Second})},
		{name: "tests-none", message: bot.TestsOf(r, gitlab.TestReport{})},
		{name: "renamed", message: bot.PipelineRenamed(r, o.reason)},
		{name: "renamed-not", message: bot.PipelineNotRenamed(&gitlab.Error{Kind: gitlab.Invalid, Message: o.reason})},
		{name: "renamed-not-by-an-old-gitlab", message: bot.PipelineNotRenamed(&gitlab.Error{Kind: gitlab.NotFound})},
	}
}

func TestParseRename(t *testing.T) {
	type read struct {
		Target      bot.Target
		Name, Fault string
	}
	tests := map[string]struct {
		typed []string
		want  read
	}{
		"one word":       {[]string{"4711", "Nightly"}, read{Target: bot.Target{ID: 4711}, Name: "Nightly"}},
		"several":        {[]string{"group/app", "#42", "Release", "2.4"}, read{Target: bot.Target{Project: "group/app", IID: 42}, Name: "Release 2.4"}},
		"nothing":        {nil, read{Fault: "It takes which pipeline, and its new name."}},
		"no name":        {[]string{"4711"}, read{Fault: "It takes which pipeline, and its new name."}},
		"a project only": {[]string{"group/app", "4711"}, read{Fault: "It takes which pipeline, and its new name."}},
		"an empty name":  {[]string{"4711", " "}, read{Target: bot.Target{ID: 4711}, Fault: "The new name is empty."}},
		"a long name": {
			[]string{"4711", string(make([]rune, 256))},
			read{Target: bot.Target{ID: 4711}, Fault: "The new name is longer than GitLab's 255 characters."},
		},
		"no pipeline": {
			[]string{"main", "x"},
			read{Fault: `I do not understand which pipeline "main" is. It takes its id, # and its number in the project, or its address.`},
		},
	}
	o := newOffice(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got read
			got.Target, got.Name, got.Fault = bot.ParseRename(o.bot.Load(), tt.typed)
			if got.Fault != "" {
				got.Name = ""
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
