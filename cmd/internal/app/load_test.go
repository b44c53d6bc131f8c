package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/cmd/internal/app"
)

// tokens are the settings that hold a secret; each can come from a file.
func tokens() []string {
	return []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "GITLAB_TOKEN", "GITLAB_TRIGGER_TOKEN", "GITLAB_TRIGGER_TOKENS"}
}

// faultForm is what every fault looks like to people, and to those who search logs.
var faultForm = regexp.MustCompile(`^([A-Z_]+): (.+); for example ([A-Z_]+)=\S+$`)

// faultOf is the variable that a fault names, "" where the line is not of the form.
func faultOf(line string) string {
	match := faultForm.FindStringSubmatch(line)
	if len(match) != 4 || match[1] != match[3] {
		return ""
	}
	return match[1]
}

// faulty returns the variables that the faults of an environment name, in order.
func faulty(t *testing.T, settings map[string]string) []string {
	t.Helper()
	_, err := app.Load(environ(settings))
	if err == nil {
		return nil
	}
	var names []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name := faultOf(line)
		if name == "" {
			t.Errorf("a fault reads %q", line)
		}
		names = append(names, name)
	}
	return names
}

// Whoever sets pipebot up wants to hear of everything at once.
func TestAllFaultsAtOnce(t *testing.T) {
	got := faulty(t, map[string]string{
		"SLACK_APP_TOKEN": "xoxb-1", "SLACK_BOT_TOKEN": "xapp-1", "SLACK_API_URL": "slack", "GITLAB_URL": "gitlab",
		"GITLAB_TOKEN": "glptt-1", "GITLAB_PROJECTS": "app", "BUILD_TYPES": ",", "BUILD_TYPE_VARIABLE": "1",
		"POLL_INTERVAL": "0s", "START_TIMEOUT": "soon", "START_SETTLE": "-1s", "RETENTION": "1m", "NATS_URL": "nats", "DATA_DIR": " ",
		"HTTP_ADDR": "8080", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "GITLAB_TRIGGER_TOKENS": "glptt-1",
	})
	want := []string{
		"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "SLACK_API_URL", "GITLAB_URL", "GITLAB_TOKEN", "GITLAB_PROJECTS", "BUILD_TYPES",
		"BUILD_TYPE_VARIABLE", "POLL_INTERVAL", "START_TIMEOUT", "START_SETTLE", "RETENTION", "NATS_URL", "HTTP_ADDR",
		"LOG_LEVEL", "LOG_FORMAT", "GITLAB_TRIGGER_TOKENS",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// What the embedded store needs, the outside one does not.
func TestDataDirIsForTheEmbeddedStore(t *testing.T) {
	settings := complete()
	settings["DATA_DIR"] = " "
	if got := faulty(t, settings); !cmp.Equal(got, []string{"DATA_DIR"}) {
		t.Errorf("without NATS_URL the faults are of %q", got)
	}
	settings["NATS_URL"] = "nats://nats:4222"
	if got := faulty(t, settings); got != nil {
		t.Errorf("with NATS_URL the faults are of %q", got)
	}
}

func TestEachTokenComesFromAFile(t *testing.T) {
	values := complete()
	values["GITLAB_TRIGGER_TOKEN"], values["GITLAB_TRIGGER_TOKENS"] = "glptt-1", "group/app:glptt-1"
	for _, name := range tokens() {
		for form, text := range map[string]string{"as it is": values[name], "with a line's end": values[name] + "\n", "from Windows": values[name] + "\r\n"} {
			t.Run(name+" "+form, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "secret")
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				direct, fromFile := complete(), complete()
				direct[name] = values[name]
				delete(fromFile, name)
				fromFile[name+"_FILE"] = file
				want, err := app.Load(environ(direct))
				if err != nil {
					t.Fatal(err)
				}
				got, err := app.Load(environ(fromFile))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the settings (-from the variable +from the file):\n%s", diff)
				}
			})
		}
	}
}

// A fault of a file names the variable of the file, which is the one to mend, and
// holds neither the token nor what may be one.
func TestFaultsOfTokenFiles(t *testing.T) {
	const canary = "canary-5e7a"
	for _, tt := range []struct {
		name string
		file func(t *testing.T) string
	}{
		{"the token itself, by mistake", func(*testing.T) string { return canary }},
		{"a folder", func(t *testing.T) string { t.Helper(); return t.TempDir() }},
		{"an empty file", written("")},
		{"a blank file", written(" \n\n")},
		{"a large file", written(strings.Repeat(canary, 1<<16))},
		{"two lines", written("group/app:glpat-" + canary + "\n" + canary)},
		{"bytes that are no text", written("group/app:\x00" + canary)},
	} {
		for _, name := range tokens() {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				settings := complete()
				delete(settings, name)
				settings[name+"_FILE"] = tt.file(t)
				got := faulty(t, settings)
				if !cmp.Equal(got, []string{name + "_FILE"}) {
					t.Errorf("the faults are of %q", got)
				}
				if _, err := app.Load(environ(settings)); err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("a secret is printed:\n%v", err)
				}
			})
		}
	}
}

// written makes files with a content.
func written(content string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
}

func TestFaultsOfTriggerTokens(t *testing.T) {
	const two = "group/app,group/api"
	for _, tt := range []struct {
		name, projects, single, several string
		want                            []string
	}{
		{name: "none", projects: two},
		{name: "one for the only project", projects: "group/app", single: "glptt-1"},
		{name: "one for each", projects: two, several: "group/api:glptt-2,group/app:glptt-1"},
		{name: "one for some", projects: two, several: " group/api : glptt-2 ,"},
		{name: "both ways", projects: "group/app", single: "glptt-1", several: "group/app:glptt-1", want: []string{"GITLAB_TRIGGER_TOKENS"}},
		{name: "one for several projects", projects: two, single: "glptt-1", want: []string{"GITLAB_TRIGGER_TOKENS"}},
		{name: "two for one project", projects: two, several: "group/app:glptt-1,group/app:glptt-2", want: []string{"GITLAB_TRIGGER_TOKENS"}},
		{name: "no token", projects: two, several: "group/app:", want: []string{"GITLAB_TRIGGER_TOKENS"}},
		{name: "no project", projects: two, several: ":glptt-1", want: []string{"GITLAB_TRIGGER_TOKENS"}},
		{name: "several faults", projects: two, several: "glptt-1,group/web:glptt-2", want: []string{"GITLAB_TRIGGER_TOKENS", "GITLAB_TRIGGER_TOKENS"}},
		{name: "an access token", projects: two, several: "group/app:glpat-1", want: []string{"GITLAB_TRIGGER_TOKENS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := complete()
			settings["GITLAB_PROJECTS"], settings["GITLAB_TRIGGER_TOKEN"], settings["GITLAB_TRIGGER_TOKENS"] = tt.projects, tt.single, tt.several
			if diff := cmp.Diff(tt.want, faulty(t, settings)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever stands in the environment: it is read or refused, and no token is shown.
func FuzzLoad(f *testing.F) {
	f.Add("group/app", "group/app:", "debug,release", "5s", "https://gitlab.example.com", ":8080")
	f.Add("a/b,a/b,7,app", ",:,a/b", ",", "-1h", "://%zz", "[::1]:99999")
	f.Add("", "\x00\n=", strings.Repeat("x", 200), "9999999h", "http://u:p@h/?q#f", "off")
	f.Fuzz(func(t *testing.T, projects, pairs, types, duration, address, port string) {
		const canary = "canary-5e7a"
		settings := map[string]string{
			"GITLAB_PROJECTS": projects, "BUILD_TYPES": types, "BUILD_TYPE_VARIABLE": types, "POLL_INTERVAL": duration,
			"START_TIMEOUT": duration, "RETENTION": duration, "GITLAB_URL": address, "SLACK_API_URL": address, "NATS_URL": address,
			"HTTP_ADDR": port, "LOG_LEVEL": port, "LOG_FORMAT": types, "DATA_DIR": port,
			// What people make of tokens.
			"SLACK_APP_TOKEN": pairs + canary, "SLACK_BOT_TOKEN": "xoxb-" + canary + pairs, "GITLAB_TOKEN": canary + "=",
			"GITLAB_TRIGGER_TOKEN": pairs + canary + pairs, "GITLAB_TRIGGER_TOKENS": pairs + canary + "," + projects + ":" + canary + pairs,
			"GITLAB_TOKEN_FILE": canary,
		}
		for name, value := range settings {
			if strings.Contains(value, canary) && !strings.Contains(name, "TOKEN") {
				return // it is no secret there
			}
		}
		_, err := app.Load(environ(settings))
		if err == nil {
			t.Fatal("GITLAB_TOKEN and GITLAB_TOKEN_FILE are both set")
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("a token is printed:\n%v", err)
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if faultOf(line) == "" {
				t.Errorf("a fault reads %q", line)
			}
		}
	})
}
