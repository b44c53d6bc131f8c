package bot_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
)

func TestParseForm(t *testing.T) {
	f := bot.Form{Project: "group/app", Channel: channel, ReplyURL: "https://hooks.slack.com/commands/1/2/3", Turn: 3}
	got, err := bot.ParseForm(f.Metadata(), []string{"group/api", "group/app"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, got); diff != "" {
		t.Errorf("the form (-want +got):\n%s", diff)
	}
}

// Metadata comes back from outside.
func TestParseFormRefusesForgedMetadata(t *testing.T) {
	for name, metadata := range map[string]string{
		"empty":                     "",
		"no JSON":                   "project=group/app",
		"of another form":           `["group/app","C0BUILDS"]`,
		"no project":                `{"channel":"C0BUILDS"}`,
		"a project of no setting":   `{"project":"group/secret","channel":"C0BUILDS"}`,
		"a project in another case": `{"project":"Group/App","channel":"C0BUILDS"}`,
		"a project's number":        `{"project":7,"channel":"C0BUILDS"}`,
		"no channel":                `{"project":"group/app"}`,
		"a channel's name":          `{"project":"group/app","channel":"#general"}`,
		"markup for a channel":      `{"project":"group/app","channel":"C1> <!channel"}`,
		"a channel of two lines":    `{"project":"group/app","channel":"C1\nC2"}`,
		"an endless channel":        `{"project":"group/app","channel":"` + strings.Repeat("C", 33) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if f, err := bot.ParseForm(metadata, []string{"group/app"}); err == nil {
				t.Errorf("it was taken as %+v", f)
			}
		})
	}
}

func FuzzParseForm(f *testing.F) {
	f.Add(bot.Form{Project: "group/app", Channel: channel, ReplyURL: "https://hooks.slack.com/1", Turn: 1}.Metadata())
	f.Add(`{"project":"group/app","channel":"C1","turn":-1}`)
	f.Add(`null`)
	projects := []string{"group/app", "group/api"}
	f.Fuzz(func(t *testing.T, metadata string) {
		form, err := bot.ParseForm(metadata, projects)
		if err != nil {
			return
		}
		if !slices.Contains(projects, form.Project) || strings.Trim(form.Channel, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" || form.Channel == "" {
			t.Errorf("%q was taken as %+v", metadata, form)
		}
		again, err := bot.ParseForm(form.Metadata(), projects)
		if err != nil || again != form {
			t.Errorf("%+v comes back as %+v (%v)", form, again, err)
		}
	})
}

// Slack keeps 3,000 characters of private metadata.
func TestMetadataFits(t *testing.T) {
	f := bot.Form{
		Project: strings.Repeat("<", 255), Channel: strings.Repeat("C", 32),
		ReplyURL: "https://hooks.slack.com/commands/" + strings.Repeat("1", 200), Turn: 1 << 30,
	}
	if n := utf8.RuneCountInString(f.Metadata()); n > 3000 {
		t.Errorf("the metadata has %d characters", n)
	}
}

func TestProjectKey(t *testing.T) {
	long := "group/" + strings.Repeat("sub/", 40) + "app"
	other := strings.TrimSuffix(long, "app") + "api"
	projects := []string{"group/app", "12345", long, other}
	for _, name := range projects {
		key := bot.ProjectKey(name)
		if n := utf8.RuneCountInString(key); n > bot.ValueSize {
			t.Errorf("the key of %q has %d characters", name, n)
		}
		if got, ok := bot.ProjectByKey(projects, key); !ok || got != name {
			t.Errorf("the key of %q leads to %q", name, got)
		}
	}
	for _, key := range []string{"", "group/other", "#", "Group/app", bot.ProjectKey(long + "x")} {
		if got, ok := bot.ProjectByKey(projects, key); ok {
			t.Errorf("the key %q leads to %q", key, got)
		}
	}
}
