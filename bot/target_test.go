package bot_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
)

func TestParseTarget(t *testing.T) {
	o := newOffice(t)
	o.restart(func(cfg *bot.Config) { cfg.GitLabURL = "https://gitlab.example/git/" })
	const page = "https://gitlab.example/git/group/app/-/pipelines/"
	tests := map[string]struct {
		typed []string
		want  bot.Target
		fault string
	}{
		"nothing":              {nil, bot.Target{}, ""},
		"a project":            {[]string{"Group/API"}, bot.Target{Project: "group/api"}, ""},
		"an id":                {[]string{"123"}, bot.Target{ID: 123}, ""},
		"an id in a project":   {[]string{"group/app", "123"}, bot.Target{Project: "group/app", ID: 123}, ""},
		"a number":             {[]string{"group/app", "#12"}, bot.Target{Project: "group/app", IID: 12}, ""},
		"an address":           {[]string{page + "123"}, bot.Target{Project: "group/app", ID: 123}, ""},
		"a page behind it":     {[]string{page + "123/failures?x=1#y"}, bot.Target{Project: "group/app", ID: 123}, ""},
		"Slack's link":         {[]string{"<" + page + "123|#123>"}, bot.Target{Project: "group/app", ID: 123}, ""},
		"another host":         {[]string{"https://evil.example/git/group/app/-/pipelines/1"}, bot.Target{}, "That is not the address of a pipeline in this GitLab."},
		"outside of its path":  {[]string{"https://gitlab.example/group/app/-/pipelines/1"}, bot.Target{}, "That is not the address of a pipeline in this GitLab."},
		"another page":         {[]string{"https://gitlab.example/git/group/app/-/jobs/1"}, bot.Target{}, "That is not the address of a pipeline in this GitLab."},
		"another project":      {[]string{"https://gitlab.example/git/group/other/-/pipelines/1"}, bot.Target{}, "That pipeline's project is not set up here."},
		"a word":               {[]string{"main"}, bot.Target{}, `I do not understand which pipeline "main" is. It takes its id, # and its number in the project, or its address.`},
		"no number":            {[]string{"#0"}, bot.Target{}, `I do not understand which pipeline "#0" is. It takes its id, # and its number in the project, or its address.`},
		"a number far too big": {[]string{"99999999999999999999"}, bot.Target{}, `I do not understand which pipeline "99999999999999999999" is. It takes its id, # and its number in the project, or its address.`},
		"two":                  {[]string{"1", "2"}, bot.Target{}, "I take one pipeline at a time."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, fault := bot.ParseTarget(o.bot.Load(), tt.typed)
			if fault != tt.fault {
				t.Errorf("it says %q, want %q", fault, tt.fault)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && tt.fault == "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
