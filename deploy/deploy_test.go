// Package deploy_test holds what is deployed to what it says: the manifest to Slack's schema, the compose
// file to the settings, and the image to what its binary does with nothing around it.
package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const (
	manifestFile   = "slack/manifest.yaml"
	schemaFile     = "slack/testdata/manifest.schema.2.0.0.json"
	composeFile    = "compose.yaml"
	replicasFile   = "compose.replicas.yaml"
	natsFile       = "nats.conf"
	envExampleFile = "pipebot.env.example"
	settingsFile   = "../cmd/internal/app/settings.go"
)

func TestManifestFollowsSlacksSchema(t *testing.T) {
	if err := slackSchema(t).Validate(readManifest(t)); err != nil {
		t.Error(err)
	}
}

// What the schema refuses is what the test above can find.
func TestSlacksSchemaRefusesFaultyManifests(t *testing.T) {
	tests := []struct {
		fault string
		edit  func(manifest map[string]any)
	}{
		{"name over 35 characters", func(m map[string]any) {
			m["display_information"].(map[string]any)["name"] = strings.Repeat("n", 36)
		}},
		{"description over 140 characters", func(m map[string]any) {
			m["display_information"].(map[string]any)["description"] = strings.Repeat("d", 141)
		}},
		{"command without a slash", func(m map[string]any) {
			m["features"].(map[string]any)["slash_commands"].([]any)[0].(map[string]any)["command"] = "pipeline"
		}},
		{"unknown feature", func(m map[string]any) {
			m["features"].(map[string]any)["pipelines"] = true
		}},
		{"an unfurl domain with its scheme", func(m map[string]any) {
			m["features"].(map[string]any)["unfurl_domains"] = []any{"https://gitlab.com"}
		}},
		{"shortcut whose name is over 24 characters", func(m map[string]any) {
			m["features"].(map[string]any)["shortcuts"].([]any)[0].(map[string]any)["name"] = strings.Repeat("n", 25)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			manifest := readManifest(t)
			tt.edit(manifest.(map[string]any))
			if err := slackSchema(t).Validate(manifest); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestManifestAsksForTheDocumentedScopes(t *testing.T) {
	var manifest struct {
		OAuthConfig struct {
			Scopes map[string][]string
		} `yaml:"oauth_config"`
	}
	readYAML(t, manifestFile, &manifest)

	// Each may be refused; Slack wants an optional scope in both lists.
	optional := []string{
		"users:read.email", "usergroups:read", "links:read", "links:write",
		"channels:history", "groups:history", "im:history", "mpim:history",
	}
	want := map[string][]string{
		"bot":          slices.Concat([]string{"commands", "chat:write", "chat:write.public", "users:read"}, optional),
		"bot_optional": optional,
	}
	if diff := cmp.Diff(want, manifest.OAuthConfig.Scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func TestManifestNamesNoURLThatSlackWouldCall(t *testing.T) {
	text := readFile(t, manifestFile)
	if found := regexp.MustCompile(`(?m)^\s*-?\s*\w*(_url|url|redirect_urls):`).FindString(text); found != "" {
		t.Errorf("%q: in Socket Mode Slack calls nothing", found)
	}
}

func TestComposeUsesSettingsOfTheEnvExample(t *testing.T) {
	settings := settingsOfEnvExample(t)
	for _, bot := range bots(t) {
		for name := range bot.Environment {
			if _, ok := settings[name]; !ok {
				t.Errorf("%s sets %s, which is not in %s", bot.file, name, envExampleFile)
			}
		}
	}
}

func TestComposeMountsTheSecretsItPointsTo(t *testing.T) {
	for _, bot := range bots(t) {
		var pointedTo []string
		for name, value := range bot.Environment {
			secret, ok := strings.CutPrefix(value, "/run/secrets/")
			if !ok || !strings.HasSuffix(name, "_FILE") {
				continue
			}
			pointedTo = append(pointedTo, secret)
			if bot.secrets[secret].File == "" {
				t.Errorf("%s points to the secret %s, which has no file", bot.file, secret)
			}
		}
		slices.Sort(pointedTo)
		if diff := cmp.Diff(slices.Sorted(slices.Values(bot.Secrets)), pointedTo); diff != "" {
			t.Errorf("%s: secrets mounted and pointed to (-mounted +pointed to):\n%s", bot.file, diff)
		}
	}
}

// The bots share nothing but NATS, and each server of it has a name and a place for its files that are its own.
func TestReplicasShareNothingButNATS(t *testing.T) {
	c := readCompose(t, replicasFile)
	names, places := map[string]bool{}, map[string]bool{}
	for name, service := range c.Services {
		if strings.HasPrefix(name, "pipebot-") {
			if len(service.Volumes) > 0 || !slices.Contains(service.EnvFile, "nats.env") {
				t.Errorf("%s has the volumes %q and the settings of %q", name, service.Volumes, service.EnvFile)
			}
			continue
		}
		names[service.Environment["NATS_NAME"]] = true
		for _, volume := range service.Volumes {
			if place, ok := strings.CutSuffix(volume, ":/data"); ok {
				places[place] = true
			}
		}
		if route := "nats://" + name + ":6222"; !strings.Contains(readFile(t, natsFile), route) {
			t.Errorf("%s does not know %s", natsFile, route)
		}
	}
	if len(c.Services) != 5 || len(names) != 3 || len(places) != 3 {
		t.Errorf("%d services; %d servers of NATS have %d places for their files", len(c.Services), len(names), len(places))
	}
}

func TestEnvExampleIsTheSettings(t *testing.T) {
	want := map[string]string{}
	fields := regexp.MustCompile(`env:"([A-Z_]+)"(?: envDefault:"([^"]*)")?`)
	for _, match := range fields.FindAllStringSubmatch(readFile(t, settingsFile), -1) {
		want[match[1]] = match[2]
	}
	got := settingsOfEnvExample(t)
	for name, value := range want {
		if shown, ok := got[name]; ok && value == "" {
			want[name] = shown // an example, not a default
		}
	}
	// Not read by pipebot but by Go itself.
	want["HTTPS_PROXY"], want["SSL_CERT_FILE"] = got["HTTPS_PROXY"], got["SSL_CERT_FILE"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s and %s (-settings +example):\n%s", settingsFile, envExampleFile, diff)
	}
}

func TestImage(t *testing.T) {
	const version = "v0.0.0-from-the-dockerfile"
	binary := buildAsDockerfile(t, version)

	t.Run("binary carries the version", func(t *testing.T) {
		if !strings.Contains(readFile(t, binary), version) {
			t.Error("-X main.version left nothing in it: is there a variable of that name?")
		}
	})

	// What distroless is to a static binary: no shell, no libraries, and nothing to write to.
	t.Run("binary tells all missing settings with nothing around it", func(t *testing.T) {
		needRootOnLinux(t)
		code, stderr := runInEmptyRoot(t, binary)
		if code != 2 {
			t.Errorf("exit code %d, want 2", code)
		}
		for _, name := range []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "GITLAB_TOKEN", "GITLAB_PROJECTS"} {
			if !strings.Contains(stderr, name) {
				t.Errorf("standard error does not name %s", name)
			}
		}
		if t.Failed() {
			t.Logf("standard error:\n%s", stderr)
		}
	})
}

// buildAsDockerfile runs the Dockerfile's `go build` to the letter, but for the folder that it writes to, and
// returns the binary's path.
func buildAsDockerfile(t *testing.T, version string) string {
	t.Helper()
	out := t.TempDir()
	script := strings.ReplaceAll(dockerfileRun(t, "go build"), "/out/", out+"/")

	cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
	cmd.Dir = ".."
	// What BuildKit sets, empty for this machine's, and no .git to read, as .dockerignore leaves none.
	cmd.Env = append(os.Environ(), "VERSION="+version, "TARGETOS=", "TARGETARCH=",
		"GOFLAGS="+os.Getenv("GOFLAGS")+" -buildvcs=false")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, output)
	}
	return filepath.Join(out, "pipebot")
}

// dockerfileRun returns the shell line of the RUN instruction that contains command.
func dockerfileRun(t *testing.T, command string) string {
	t.Helper()
	text := strings.ReplaceAll(readFile(t, "../Dockerfile"), "\\\n", "")
	for line := range strings.Lines(text) {
		words, isRun := strings.CutPrefix(line, "RUN ")
		if !isRun || !strings.Contains(words, command) {
			continue
		}
		return regexp.MustCompile(`--mount=\S+`).ReplaceAllString(words, "")
	}
	t.Fatalf("the Dockerfile has no RUN with %q", command)
	return ""
}

// needRootOnLinux skips the test where runInEmptyRoot cannot work, and fails it where it must.
func needRootOnLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		return
	}
	const why = "only root on Linux can run the binary as user 65532 in an empty root folder"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// runInEmptyRoot runs the binary as the image's user, with no environment, in a root folder that holds nothing
// else. That user may write nowhere in it, so no mount, which a container forbids, is needed to make it so.
func runInEmptyRoot(t *testing.T, binary string) (code int, stderr string) {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "pipebot"), []byte(readFile(t, binary)), 0o555); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, "/pipebot")
	cmd.Dir = "/"
	cmd.Env = []string{}
	cmd.Stderr = &output
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Credential: &syscall.Credential{Uid: 65532, Gid: 65532},
	}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("starting the binary: %v", err)
	}
	return cmd.ProcessState.ExitCode(), output.String()
}

// aheadFrom is a pattern that looks ahead at its beginning, as that of unfurl domains does: Go's own cannot.
type aheadFrom struct{ never, then *regexp.Regexp }

func (r aheadFrom) MatchString(s string) bool {
	return !r.never.MatchString(s) && r.then.MatchString(s)
}

func (r aheadFrom) String() string { return "^(?!" + r.never.String()[1:] + ")" + r.then.String()[1:] }

// slackSchema compiles Slack's schema of the app manifest.
func slackSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(readFile(t, schemaFile)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseRegexpEngine(func(pattern string) (jsonschema.Regexp, error) {
		rest, looksAhead := strings.CutPrefix(pattern, "^(?!")
		if !looksAhead {
			return regexp.Compile(pattern)
		}
		never, then, _ := strings.Cut(rest, ")")
		return aheadFrom{regexp.MustCompile("^" + never), regexp.MustCompile("^" + then)}, nil
	})
	if err := compiler.AddResource(schemaFile, schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// readManifest returns the manifest in the types that the schema's validator knows.
func readManifest(t *testing.T) any {
	t.Helper()
	return asJSON(t, readFile(t, manifestFile))
}

// asJSON is YAML in the types of JSON.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var content any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// compose is what the tests read of a compose file.
type compose struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
}

type service struct {
	Environment map[string]string
	EnvFile     oneOrMore `yaml:"env_file"`
	Secrets     []string
	Volumes     []string
}

// oneOrMore is a list that may be written as its only element.
type oneOrMore []string

func (l *oneOrMore) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = oneOrMore{node.Value}
		return nil
	}
	return node.Decode((*[]string)(l))
}

// bot is a pipebot of a compose file.
type bot struct {
	service
	file    string
	secrets map[string]struct{ File string }
}

// bots are those of all compose files.
func bots(t *testing.T) (all []bot) {
	t.Helper()
	for _, file := range []string{composeFile, replicasFile} {
		c, found := readCompose(t, file), len(all)
		for name, service := range c.Services {
			if strings.HasPrefix(name, "pipebot") && len(service.Environment) > 0 {
				all = append(all, bot{service: service, file: file, secrets: c.Secrets})
			}
		}
		if len(all) == found {
			t.Fatalf("%s sets nothing for a service pipebot", file)
		}
	}
	return all
}

func readCompose(t *testing.T, file string) compose {
	t.Helper()
	var c compose
	readYAML(t, file, &c)
	return c
}

// settingsOfEnvExample returns the names and values in the env example, whether commented out or not.
func settingsOfEnvExample(t *testing.T) map[string]string {
	t.Helper()
	settings := map[string]string{}
	lines := regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]*)=(.*)$`)
	for _, match := range lines.FindAllStringSubmatch(readFile(t, envExampleFile), -1) {
		if _, ok := settings[match[1]]; ok {
			t.Errorf("%s has %s twice", envExampleFile, match[1])
		}
		settings[match[1]] = match[2]
	}
	return settings
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readFile(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The Home is drawn when Slack tells that it was opened, and Slack tells those who asked for it.
func TestManifestHasAHome(t *testing.T) {
	var manifest struct {
		Features struct {
			Home struct {
				Tab bool `yaml:"home_tab_enabled"`
			} `yaml:"app_home"`
		}
		Settings struct {
			Events struct {
				Bot []string `yaml:"bot_events"`
			} `yaml:"event_subscriptions"`
		}
	}
	readYAML(t, manifestFile, &manifest)
	if !manifest.Features.Home.Tab || !slices.Contains(manifest.Settings.Events.Bot, "app_home_opened") {
		t.Errorf("a Home tab: %t; events: %q", manifest.Features.Home.Tab, manifest.Settings.Events.Bot)
	}
}
