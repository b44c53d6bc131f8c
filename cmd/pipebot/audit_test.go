package main_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pipebot/bot/run"
)

// exported is the audit log as `pipebot audit export` writes it while the bot runs.
func (w *world) exported() (entries []run.Entry, text string) {
	w.t.Helper()
	export := exec.CommandContext(w.ctx, binary, "audit", "export")
	export.Env = []string{"DATA_DIR=" + w.env["DATA_DIR"]}
	out, err := export.Output()
	if err != nil {
		w.t.Fatalf("pipebot audit export: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		var e run.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			w.t.Fatalf("%v: %s", err, line)
		}
		entries = append(entries, e)
	}
	return entries, string(out)
}

// The audit log has a run from the request to its end, with who, where and what, and no
// values of variables; and what was refused.
func TestAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, eve := w.twoPeople()
	w.start()
	card := w.release()
	w.presses(eve, card, "Approve")
	w.told(eve, w.channel, "You may not approve")
	w.presses(bob, card, "Approve")
	p := w.onePipeline()
	w.reply(w.channel, "passed in")

	entries, text := w.exported()
	id, _ := p.Variable("PIPEBOT_RUN_ID")
	wanted := map[string]func(run.Entry) bool{
		"the request": func(e run.Entry) bool { return e.Kind == run.EntryRequest && e.User == w.alice.ID && e.Run != "" },
		"that it needs two": func(e run.Entry) bool {
			return e.Kind == run.EntryDecision && e.Action == "run" && e.Rule == "releases need two" && e.User == w.alice.ID
		},
		"that eve may not": func(e run.Entry) bool {
			return e.Kind == run.EntryDecision && e.Action == "approve" && e.User == eve.ID && e.Outcome == "refuse"
		},
		"that bob may": func(e run.Entry) bool {
			return e.Kind == run.EntryDecision && e.Action == "approve" && e.User == bob.ID && e.Outcome == "allow"
		},
		"that GitLab is asked": func(e run.Entry) bool { return e.Kind == run.EntryAction && e.Action == "run" && e.User == w.alice.ID },
		"what came of it": func(e run.Entry) bool {
			return e.Kind == run.EntryResult && e.Outcome == "success" && e.Pipeline == int64(p.ID) && e.SHA == p.SHA
		},
	}
	for what, is := range wanted {
		found := false
		for _, e := range entries {
			if !is(e) {
				continue
			}
			found = true
			if e.Project != projectPath || e.Ref != "main" || e.Channel != w.channel.ID || e.Run == "" || time.Since(e.At) > time.Minute {
				t.Errorf("%s lacks where, what or when: %+v", what, e)
			}
			if id != "" && e.Run != id {
				t.Errorf("%s is of the run %s, want %s", what, e.Run, id)
			}
		}
		if !found {
			t.Errorf("the log does not say %s:\n%s", what, text)
		}
	}
	secrets := []string{secretOfDeploy, "staging"}
	for _, name := range []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "GITLAB_TOKEN", "GITLAB_TRIGGER_TOKEN"} {
		secrets = append(secrets, w.env[name])
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(text, "DEPLOY_TOKEN") {
		t.Errorf("the log does not name the variables:\n%s", text)
	}
}

// A flood of commands of one person is turned away, and delays nobody else.
func TestFlood(t *testing.T) {
	w := newWorld(t)
	eve := w.slack.AddUser("eve")
	w.channel.Invite(eve)
	w.start()
	served := make(chan struct{})
	flooded := make(chan error)
	go func() {
		for {
			select {
			case <-served:
				flooded <- nil
				return
			default:
			}
			if err := eve.Command(w.ctx, w.channel, "/pipeline", "help"); err != nil {
				flooded <- err
				return
			}
		}
	}()
	w.told(eve, w.channel, "That was a lot at once")
	w.ask(w.alice, w.channel, "main")
	w.pipeline(1)
	close(served)
	if err := <-flooded; err != nil {
		t.Fatal(err)
	}
	w.clean()
}
