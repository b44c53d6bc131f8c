// Package slacktypes holds Block Kit JSON against Slack's own TypeScript types (@slack/types) with tsc: a
// second opinion, by Slack, on what the bot draws. It is for tests and needs node.
//
// The tools are in bot/slacktest/testdata; `npm ci` there installs them. Where they are not installed the test
// is skipped with a sentence that says so, but where the environment says CI=true it fails.
package slacktypes

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Sample is what a test drew: the blocks of a message (a JSON array) or a view (a JSON object).
type Sample struct {
	Name   string // appears in what tsc says
	Blocks []byte
	View   []byte
}

// Check fails the test if tsc finds that a sample is not of type KnownBlock[], ModalView or HomeView. All
// samples together cost one run of tsc: give it many at once.
func Check(tb testing.TB, samples ...Sample) {
	tb.Helper()
	node, tools := Tools(tb, "types")
	dir := tb.TempDir()
	var source strings.Builder
	source.WriteString("import type { HomeView, KnownBlock, ModalView } from '@slack/types';\n")
	for i, s := range samples {
		declarations, err := declare(i, s)
		if err != nil {
			tb.Fatalf("%s: %v", s.Name, err)
		}
		source.WriteString(declarations)
	}
	config, err := json.Marshal(map[string]any{
		"files": []string{"samples.ts"},
		"compilerOptions": map[string]any{
			"noEmit": true, "strict": true, "module": "esnext", "moduleResolution": "bundler", "types": []string{},
			"paths": map[string]any{"@slack/types": []string{filepath.Join(tools, "node_modules", "@slack", "types")}},
		},
	})
	if err != nil {
		tb.Fatalf("writing tsconfig.json: %v", err)
	}
	for name, content := range map[string][]byte{"samples.ts": []byte(source.String()), "tsconfig.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			tb.Fatalf("writing %s: %v", name, err)
		}
	}
	cmd := exec.CommandContext(tb.Context(), node, filepath.Join(tools, "node_modules", "typescript", "bin", "tsc"), "--project", dir)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Errorf("tsc: %v\n%s\nof:\n%s", err, out, numbered(source.String()))
	}
}

// declare writes the constants of one sample. A view's blocks get a constant of their own: in @slack/types a
// view takes any object with a type as a block.
func declare(i int, s Sample) (string, error) {
	out := fmt.Sprintf("// %s\n", strings.ReplaceAll(s.Name, "\n", " "))
	constant := func(name, kind string, value []byte) {
		out += fmt.Sprintf("export const %s%d: %s = %s;\n", name, i, kind, value)
	}
	if s.Blocks != nil {
		constant("blocks", "KnownBlock[]", s.Blocks)
	}
	if s.View == nil {
		return out, nil
	}
	var view struct {
		Type   string          `json:"type"`
		Blocks json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(s.View, &view); err != nil {
		return "", fmt.Errorf("reading the view: %w", err)
	}
	kind := "ModalView"
	if view.Type == "home" {
		kind = "HomeView"
	}
	constant("view", kind, s.View)
	constant("viewBlocks", "KnownBlock[]", view.Blocks)
	return out, nil
}

func numbered(source string) string {
	lines := strings.Split(source, "\n")
	for i, l := range lines {
		lines[i] = fmt.Sprintf("%3d  %s", i+1, l)
	}
	return strings.Join(lines, "\n")
}

// Tools returns node and the folder of bot/slacktest/testdata with that name, whose packages are installed; or
// it skips the test, or fails it where CI=true.
func Tools(tb testing.TB, name string) (node, dir string) {
	tb.Helper()
	missing := tb.Skipf
	if os.Getenv("CI") == "true" {
		missing = tb.Fatalf
	}
	dir, err := folder(name)
	if err != nil {
		tb.Fatal(err)
	}
	node, err = exec.LookPath("node")
	if err != nil {
		missing("node is not installed, and this test compares with Slack's own JavaScript packages")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		missing("Slack's JavaScript packages are not installed: run `npm ci` in bot/slacktest/testdata/%s", name)
	}
	return node, dir
}

// folder finds bot/slacktest/testdata/NAME from the folder of the running test upwards.
func folder(name string) (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(at, "bot", "slacktest", "testdata", name), nil
		}
		if filepath.Dir(at) == at {
			return "", fmt.Errorf("finding the module: no go.mod above the test")
		}
		at = filepath.Dir(at)
	}
}
