package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// What the settings and the policy file let people do, besides what GitLab does.
func TestPolicyDecides(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		authz string
		want  map[string]string // by the people below
	}{
		"AUTHZ=gitlab": {"gitlab", map[string]string{
			"member": allowed, "stranger": "Link your GitLab account with /pipeline link", "named guest": allowed, "named reporter": isReporter,
			"guest": isOutsider, "refused": "it is not for you. So says the rule “not refused”; ask those who keep the policy.",
		}},
		"AUTHZ=policy": {"policy", map[string]string{
			"member": "no rule of the policy is about it", "stranger": "no rule of the policy is about it", "named guest": allowed,
			"named reporter": allowed, "guest": isOutsider, "refused": "it is not for you",
		}},
		"AUTHZ=open": {"open", map[string]string{
			"member": allowed, "stranger": allowed, "named guest": allowed, "named reporter": allowed, "guest": isOutsider,
			"refused": "it is not for you",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			people := map[string]*slacktest.User{
				"member":         w.person("member", gitlabtest.Developer),
				"stranger":       w.slack.AddUser("stranger"),
				"named guest":    w.person("named-guest", gitlabtest.Developer, slacktest.AsGuest()),
				"named reporter": w.person("named-reporter", gitlabtest.Reporter, slacktest.AsGuest()),
				"guest":          w.person("guest", gitlabtest.Owner, slacktest.AsGuest()),
				"refused":        w.person("refused", gitlabtest.Owner),
			}
			w.env["AUTHZ"] = test.authz
			w.policy(fmt.Sprintf(`people:
  - {slack: %[1]s, gitlab: named-guest}
  - {slack: %[2]s, gitlab: named-reporter}
rules:
  - {name: not refused, people: {users: [%[3]s]}, actions: [run], then: refuse, reason: it is not for you}
  - {name: the guests, people: {users: [%[1]s, %[2]s]}, then: allow}
`, people["named guest"].ID, people["named reporter"].ID, people["refused"].ID))
			w.start()
			for who, want := range test.want {
				t.Run(who, func(t *testing.T) {
					w.channel.Invite(people[who])
					w.tries(t, people[who], "main", want)
				})
			}
			w.clean()
		})
	}
}

// AUTHZ=open is said wherever an operator looks.
func TestOpenIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["AUTHZ"] = "open"
	w.env["HTTP_ADDR"] = freeAddress(t)
	w.start()
	const said = "AUTHZ=open: every full member of the workspace may do everything that the tokens may"
	w.ready("warning: " + said)
	if out := w.bot.output(); !strings.Contains(out, said) {
		t.Errorf("the log does not say it:\n%s", out)
	}
}

// A changed policy file is taken without a restart. A broken one is not: the old one
// holds on, and /readyz says what is wrong and where.
func TestPolicyReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["HTTP_ADDR"] = freeAddress(t)
	w.policy("rules:\n  - {then: refuse, reason: not today}\n")
	w.start()
	w.tries(t, w.alice, "main", "not today")
	w.policy("rules:\n  - then: alow\n")
	w.ready("warning: the policy file is not taken, the old one holds on", "line 2", "did you mean allow?")
	w.tries(t, w.alice, "main", "not today")
	w.policy("rules:\n  - {then: refuse, reason: not tomorrow}\n")
	w.eventually("the new policy is in force", func() bool { return strings.Contains(w.bot.output(), "the policy file is in force") })
	w.tries(t, w.alice, "main", "not tomorrow")
}

// A policy file that is wrong from the start is no policy: nothing runs.
func TestWrongPolicyAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy("rules:\n  - then: alow\n")
	p, err := startProcess(w.env)
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if code, said := p.cmd.ProcessState.ExitCode(), p.output(); code == 0 || !strings.Contains(said, "line 2") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

// ready waits until /readyz reads as wanted, in parts, and the bot is ready.
func (w *world) ready(parts ...string) {
	w.t.Helper()
	var status int
	var body string
	w.eventually(fmt.Sprintf("/readyz with %q", parts), func() bool {
		status, body = w.get("http://" + w.env["HTTP_ADDR"] + "/readyz")
		return status == 200 && containsAll(body, parts)
	})
}

// eventually looks again and again, for what tells nobody that it changed.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	err := eventually(w.ctx, func() error {
		if !ok() {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		w.t.Fatalf("waiting for %s: %v\n%s", what, err, w.bot.output())
	}
}

// eventually tries again and again until nothing is wrong any more, with a pause so that
// what it waits for gets the processor. In vain, it says what was wrong at last.
func eventually(ctx context.Context, try func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
