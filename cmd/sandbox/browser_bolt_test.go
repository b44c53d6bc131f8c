package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pipebot/bot/slacktest/slacktypes"
)

// boltManifest is that of bot/slacktest/testdata/bolt/app.js.
const boltManifest = `
display_information: { name: Builder }
features:
  bot_user: { display_name: builder, always_online: true }
  slash_commands:
    - { command: /pipeline, description: Run a pipeline on Bolt, usage_hint: "[ref]" }
oauth_config: { scopes: { bot: [commands, chat:write] } }
settings:
  socket_mode_enabled: true
  interactivity: { is_enabled: true }
`

// TestBoltApp shows another app in the workspace, one on Slack's own framework.
func TestBoltApp(t *testing.T) {
	node, dir := slacktypes.Tools(t, "bolt")
	browser := newBrowser(t)
	manifest := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(manifest, []byte(boltManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	sandbox := start(t, "--manifest", manifest)
	workspace := sandbox.as("alice").find("workspace", func(object) bool { return true })
	app := exec.Command(node, filepath.Join(dir, "app.js"))
	app.Dir = dir
	app.Env = append(os.Environ(), "SLACK_API_URL="+workspace["api_url"].(string),
		"SLACK_APP_TOKEN="+workspace["app_token"].(string), "SLACK_BOT_TOKEN="+workspace["bot_token"].(string))
	out := &output{}
	app.Stdout, app.Stderr = out, out
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = app.Process.Kill()
		_ = app.Wait() // it was killed
		if t.Failed() {
			t.Logf("the app said:\n%s", out)
		}
	})
	sandbox.as("alice").find("workspace", func(w object) bool { return w["connections"].(float64) > 0 })

	s := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
	s.click("textbox", "Message #releases")
	s.keys("/")
	s.reads("listbox", "", "/pipeline", "[ref]", "Run a pipeline on Bolt")
	s.keys("pipeline")
	s.keys(enter)
	s.reads("dialog", "Run a pipeline", "Ref", "Note")
	s.click("combobox", "Ref")
	s.keys("fix")
	s.reads("listbox", "", "Branches", "fix-branch", "Tags", "fix-tag")
	s.click("option", "fix-tag")
	s.click("textbox", "Note")
	s.keys("bad")
	s.click("button", "=Run")
	s.reads("dialog", "Run a pipeline", "Say something else.")
	s.focused("textbox", "Note")
	s.clear()
	s.keys("good")
	s.click("button", "=Run")
	s.reads("main", "#releases", "builder", "fix-tag", "is running", "@alice")
	s.click("button", "=Cancel")
	s.reads("main", "#releases", "fix-tag was canceled", "Only visible to you", "Canceled.")
	s.quiet()
}
