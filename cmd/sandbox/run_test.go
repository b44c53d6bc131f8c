package main_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sandbox "pipebot/cmd/sandbox"
	"pipebot/gitlab/gitlabtest"
)

func TestManifestOfAnotherAppStartsNoBot(t *testing.T) {
	t.Parallel()
	r := start(t, "--manifest", "../../deploy/slack/manifest.yaml")
	alice := r.as("alice")
	w := alice.find("workspace", func(object) bool { return true })
	appToken, botToken := w["app_token"].(string), w["bot_token"].(string)
	if w["bot"] != "elsewhere" || !strings.HasPrefix(appToken, "xapp-") || !strings.HasPrefix(botToken, "xoxb-") {
		t.Errorf("the workspace is %v", w)
	}
	alice.gone("gitlab")
	alice.gone("lever/stop-bot")
}

// Of the environment only what is about GitLab and how pipebot works with it counts: other settings would let it work
// on the records of another pipebot.
func TestRealGitLab(t *testing.T) {
	t.Parallel()
	gl := gitlabtest.NewServer(gitlabtest.Config{})
	t.Cleanup(gl.Close)
	owner, p := gl.AddUser("release-bot"), gl.AddProject("group/real")
	p.AddMember(owner, gitlabtest.Maintainer)
	gl.Auto(40)
	elsewhere := t.TempDir()
	env := append(environ(t), "GITLAB_URL="+gl.URL, "GITLAB_TOKEN="+gl.AddToken(owner), "GITLAB_PROJECTS=group/real",
		"POLL_INTERVAL=100ms", "DATA_DIR="+elsewhere, "NATS_URL=nats://127.0.0.1:1", "HTTP_ADDR=127.0.0.1:1",
		"SLACK_APP_TOKEN=xapp-of-another-workspace")
	r := startIn(t, env, "--real-gitlab")
	alice := r.as("alice")
	if g := alice.find("gitlab", func(object) bool { return true }); g["real"] != true || g["url"] != gl.URL {
		t.Errorf("GitLab is shown as %v", g)
	}
	alice.gone("project/")
	alice.gone("lever/gitlab-down")
	channel := alice.channel("releases")
	alice.find("workspace", func(w object) bool { return w["connections"] == 2.0 })
	r.do("command", object{"as": alice.id, "channel": channel, "command": "/pipeline", "text": ""})
	view := alice.find("view/", func(object) bool { return true })
	menu := element(t, view["view"].(object), "external_select")
	offered := r.do("suggest", object{
		"as": alice.id, "view": view["id"], "block_id": menu.block, "action_id": menu.action, "query": "main",
	})
	values := object{menu.block: object{menu.action: option(t, offered, "main")}}
	r.do("submit", object{"as": alice.id, "view": view["id"], "values": values})
	alice.find("message/"+channel, reads("Passed"))
	if files, err := os.ReadDir(elsewhere); err != nil || len(files) > 0 {
		t.Errorf("it wrote %d files into somebody else's folder (%v)", len(files), err)
	}
}

func TestSimulatedWorldTakesNoSettingsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	r := startIn(t, append(environ(t),
		"GITLAB_URL=nothing", "POLL_INTERVAL=never", "SLACK_API_URL=nowhere", "BUILD_TYPES=,", "LOG_LEVEL=debug"))
	r.as("alice").find("workspace", func(w object) bool { return w["connections"] == 2.0 })
	if !strings.Contains(r.stderr.String(), "INFO") {
		t.Errorf("LOG_LEVEL=debug is passed over:\n%s", r.stderr)
	}
}

// Mirrors on servers have no working copy.
func TestBareRepository(t *testing.T) {
	t.Parallel()
	r := start(t, "--repo", filepath.Join(newRepository(t), ".git"))
	r.as("alice").find("project/", func(p object) bool { return p["path"] == "group/app" && p["branches"] == 3.0 })
}

func TestWhereThePageListens(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	if _, err := sandbox.Listen(t.Context(), sandbox.At(addr, true)); err == nil {
		t.Error("an address that was asked for is taken, and it listens somewhere else")
	}
	other, err := sandbox.Listen(t.Context(), sandbox.At(addr, false))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if host, _, err := net.SplitHostPort(other.Addr().String()); err != nil || host != "127.0.0.1" {
		t.Errorf("it listens on %v", other.Addr())
	}
}

// The simulated servers are for tests and for this command.
func TestPipebotLinksNothingOfTheSandbox(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../pipebot").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(out)) {
		for _, not := range []string{"slacktest", "gitlabtest", "sandbox"} {
			if strings.Contains(name, not) {
				t.Errorf("cmd/pipebot links %s", strings.TrimSpace(name))
			}
		}
	}
}
