package run_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// noted are the audit log's entries about a run, oldest first: kind, action and outcome.
func (w *world) noted(id string) (lines []string) {
	w.Helper()
	entries, err := w.audit.Find(w.ctx, run.Filter{Limit: 100})
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range entries {
		if e.Run == id {
			line := strings.TrimSpace(strings.Join([]string{e.Kind, e.Action, e.Outcome, e.Reason}, " "))
			lines = append([]string{line}, lines...)
		}
		for _, text := range append(e.Variables, e.Reason, e.Rule) {
			if strings.Contains(text, secretValue) {
				w.Errorf("the value of a variable is in the audit log: %+v", e)
			}
		}
	}
	return lines
}

func TestAuditOfARun(t *testing.T) {
	t.Parallel()
	w := audited(t)
	w.submit("V1")
	w.showsStatus("V1", gitlab.StatusCreated)
	w.gitlab.moves(1, gitlab.StatusSuccess)
	w.showsState("V1", run.Ended)
	w.rests()
	want := []string{"request run requested", "action run starting", "result run started", "result run success"}
	if diff := cmp.Diff(want, w.noted("V1")); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
	entries, err := w.audit.Find(w.ctx, run.Filter{Limit: 1})
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	last := entries[0]
	if last.User != "U1" || last.Project != "group/app" || last.Ref != "main" || last.Pipeline != 1 || last.BuildType != "debug" {
		t.Errorf("the last entry is %+v", last)
	}
}

func TestAuditOfARefusal(t *testing.T) {
	t.Parallel()
	w := audited(t)
	w.gitlab.refuses("start", gitlabError(gitlab.Forbidden))
	w.submit("V1")
	w.showsState("V1", run.Refused)
	w.rests()
	want := []string{"request run requested", "action run starting", "result run refused GitLab: forbidden"}
	if diff := cmp.Diff(want, w.noted("V1")); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

func TestAuditOfAHeldRun(t *testing.T) {
	t.Parallel()
	w := audited(t)
	w.holds("V1", run.ForApproval, time.Hour)
	if _, err := w.engine.TurnDown(w.ctx, "V1", "U2", "not on a Friday"); err != nil {
		t.Fatal(err)
	}
	w.showsState("V1", run.Refused)
	w.rests()
	want := []string{"request run held waits for approval", "result run refused by U2: not on a Friday"}
	if diff := cmp.Diff(want, w.noted("V1")); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// While the log gives no answer, what has happened is written down all the same: a request,
// and what becomes of it.
func TestASilentAuditLogHoldsUpNoRecord(t *testing.T) {
	t.Parallel()
	w := audited(t)
	w.audit.FallsSilent()
	hold := &run.Hold{For: run.ForApproval, Until: time.Now().Add(time.Hour)}
	if _, created, err := w.engine.Submit(w.ctx, request("V1"), hold); err != nil || !created {
		t.Fatalf("submitting: created %t, %v", created, err)
	}
	if _, err := w.engine.TurnDown(w.ctx, "V1", "U2", "not on a Friday"); err != nil {
		t.Fatal(err)
	}
	if r := w.record("V1"); r.State != run.Refused {
		t.Errorf("it is %s", r.State)
	}
	for _, outcome := range []string{`"outcome":"held"`, `"outcome":"refused"`} {
		if !strings.Contains(w.log.String(), outcome) {
			t.Errorf("the log does not say that %s was not noted", outcome)
		}
	}
}
