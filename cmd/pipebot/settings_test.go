package main_test

import (
	"strings"
	"testing"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// All faults of the settings are told at once, each with the variable's name, what
// is wrong and an example; the exit code is 2, and no token is printed.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	const canary = "canary-5e7a"
	p, err := startProcess(map[string]string{
		"SLACK_APP_TOKEN": canary, "SLACK_BOT_TOKEN": "xapp-" + canary, "GITLAB_TOKEN": "glpat-" + canary + " x",
		"GITLAB_TRIGGER_TOKENS": "group/other:" + canary, "GITLAB_URL": "gitlab", "POLL_INTERVAL": "soon", "HTTP_ADDR": "8080",
		"BUILD_TYPES": "a,a", "LOG_LEVEL": "loud",
	})
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	said := p.output()
	for _, name := range []string{
		"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "GITLAB_TOKEN", "GITLAB_PROJECTS", "GITLAB_TRIGGER_TOKENS",
		"GITLAB_URL", "POLL_INTERVAL", "HTTP_ADDR", "BUILD_TYPES", "LOG_LEVEL",
	} {
		if !strings.Contains(said, "\n"+name+": ") || !strings.Contains(said, "for example "+name+"=") {
			t.Errorf("no fault and example for %s in:\n%s", name, said)
		}
	}
	if strings.Contains(said, canary) {
		t.Errorf("a token was printed:\n%s", said)
	}
}

// No token reaches a log line, a message or /metrics: the whole flow at debug
// level, with a refusal, a lost answer, an outage and a private answer.
func TestTokensStaySecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["HTTP_ADDR"] = freeAddress(t)
	w.start()
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "feature/login")
	w.gitlab.Fault(gitlabtest.Match{Method: "POST", PathPattern: "**/trigger/pipeline"}, gitlabtest.Fault{Cut: true, Applied: true, Times: 1})
	w.submit(modal)
	w.pipeline(1).Start()
	w.card(w.channel, "Running")
	w.gitlab.Down(true)
	if err := w.gitlab.Wait(w.ctx, func() bool { return w.gitlab.Count("GET **/pipelines") > 3 }); err != nil {
		t.Fatal(err)
	}
	w.gitlab.Down(false)
	noJobs(w.project)
	w.ask(w.alice, w.channel, "main")
	w.private(w.channel, "I could not start")
	w.project.Pipelines()[0].Finish("success")
	w.reply(w.channel, "passed in")
	_, metrics := w.get("http://" + w.env["HTTP_ADDR"] + "/metrics")
	if !strings.Contains(metrics, "pipebot_gitlab_request_seconds") {
		t.Errorf("/metrics shows:\n%s", metrics)
	}
	if code := w.bot.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	said := w.bot.output() + metrics
	for _, m := range w.channel.Messages(w.alice) {
		for _, reply := range w.channel.Thread(w.alice, m.TS) {
			said += reply.Read(time.Now()) + string(reply.Blocks) + reply.Text
		}
	}
	secrets := map[string]string{"a reply URL": "/response/"}
	for _, name := range []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "GITLAB_TOKEN", "GITLAB_TRIGGER_TOKEN"} {
		secrets[name] = w.env[name]
	}
	for name, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("%s was said", name)
		}
	}
}
