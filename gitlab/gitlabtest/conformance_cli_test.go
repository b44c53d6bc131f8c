package gitlabtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// A cli is python-gitlab's command line with a configuration for the server.
type cli struct {
	t       *testing.T
	program string
	config  string
}

// pythonGitLab finds the command, which Debian calls python-gitlab and everybody else gitlab.
func pythonGitLab(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python-gitlab", "gitlab"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "python-gitlab is not installed: apt-get install gitlab-cli"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// newCLI writes a configuration with the owner's token.
func newCLI(t *testing.T, program string, w *world) cli {
	t.Helper()
	return newCLIAs(t, program, w, gitlabtest.Owner)
}

// newCLIAs writes a configuration with a role's token.
func newCLIAs(t *testing.T, program string, w *world, role gitlabtest.Role) cli {
	t.Helper()
	config := filepath.Join(t.TempDir(), "gitlab.cfg")
	content := fmt.Sprintf("[global]\ndefault = test\ntimeout = 30\n\n[test]\nurl = %s\nprivate_token = %s\n", w.URL, w.token[role])
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return cli{t, program, config}
}

// check looks for what the command did wrong.
func (c cli) check(w *world) {
	c.t.Helper()
	for _, v := range w.Violations() {
		// It passes its own --get-all on to GitLab, which does not know it.
		if v.Message != "sent the parameter all, which this endpoint does not have" {
			c.t.Errorf("violation: %v", v)
		}
	}
}

// call calls the command and returns what it prints.
func (c cli) call(args ...string) (stdout []byte, stderr string, err error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, c.program, append([]string{"--config-file", c.config, "--output", "json"}, args...)...)
	command.Env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	var text strings.Builder
	command.Stderr = &text
	stdout, err = command.Output()
	return stdout, text.String(), err
}

// fails calls the command and wants it to be refused with a status, which it prints.
func (c cli) fails(status int, args ...string) {
	c.t.Helper()
	_, stderr, err := c.call(args...)
	if err == nil || !strings.Contains(stderr, fmt.Sprintf("%d:", status)) {
		c.t.Errorf("%s: %v, want a refusal with %d: %s", strings.Join(args, " "), err, status, stderr)
	}
}

// run calls the command and decodes what it prints.
func (c cli) run(out any, args ...string) {
	c.t.Helper()
	text, stderr, err := c.call(args...)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, text, stderr)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		c.t.Fatalf("%s: %v in %s", strings.Join(args, " "), err, text)
	}
}

// TestConformancePythonGitLab lets the command line of python-gitlab list refs, start, retry, cancel and delete
// pipelines, handle trigger tokens, and read who has which rights.
func TestConformancePythonGitLab(t *testing.T) {
	program := pythonGitLab(t)
	t.Run("people and rights", func(t *testing.T) { cliRights(t, program) })
	t.Run("pipelines and trigger tokens", func(t *testing.T) { cliPipelines(t, program) })
	w := newWorld(t)
	w.app.AddBranches(numbered("feature/%03d", 150))
	w.app.AddTags(numbered("v1.%d.0", 30))
	c := newCLI(t, program, w)

	var branches, tags []named
	c.run(&branches, "project-branch", "list", "--project-id", "group/app", "--get-all")
	c.run(&tags, "project-tag", "list", "--project-id", "1", "--get-all")
	if len(branches) != 151 || len(tags) != 30 {
		t.Errorf("%d branches, %d tags", len(branches), len(tags))
	}

	var token struct {
		ID    int
		Token string
	}
	c.run(&token, "project-trigger", "create", "--project-id", "1", "--description", "bot")
	var tokens []struct{ ID int }
	c.run(&tokens, "project-trigger", "list", "--project-id", "1")
	if len(tokens) != 1 || tokens[0].ID != token.ID || !strings.HasPrefix(token.Token, "glptt-") {
		t.Errorf("token %+v in %+v", token, tokens)
	}

	c.run(nil, "project", "trigger-pipeline", "--id", "1", "--ref", "feature/007", "--token", token.Token)
	run := w.app.Pipelines()[0]
	if run.Source != "trigger" || run.Ref != "feature/007" {
		t.Errorf("pipeline by %s on %s", run.Source, run.Ref)
	}
	id := fmt.Sprint(run.ID)
	run.Job("compile").Fail("")
	var got pipeline
	c.run(&got, "project-pipeline", "get", "--project-id", "1", "--id", id)
	if got.ID != run.ID || got.Status != "failed" {
		t.Errorf("pipeline %+v", got)
	}
	c.run(nil, "project-pipeline", "retry", "--project-id", "1", "--id", id)
	if run.Status() != "pending" {
		t.Errorf("retried pipeline is %s", run.Status())
	}
	c.run(nil, "project-pipeline", "cancel", "--project-id", "1", "--id", id)
	if run.Status() != "canceled" {
		t.Errorf("canceled pipeline is %s", run.Status())
	}
	var jobs []named
	c.run(&jobs, "project-pipeline-job", "list", "--project-id", "1", "--pipeline-id", id)
	if len(jobs) != 3 {
		t.Errorf("jobs %v", jobs)
	}

	var created pipeline
	c.run(&created, "project-pipeline", "create", "--project-id", "1", "--ref", "main")
	if created.Source != "api" || created.Ref != "main" {
		t.Errorf("created %+v", created)
	}
	c.run(nil, "project-pipeline", "delete", "--project-id", "1", "--id", id)
	c.run(nil, "project-trigger", "delete", "--project-id", "1", "--id", fmt.Sprint(token.ID))
	if n := len(w.app.Pipelines()); n != 1 {
		t.Errorf("%d pipelines are left", n)
	}
	c.check(w)
}
