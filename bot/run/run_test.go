package run_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

func TestSame(t *testing.T) {
	base := func() run.Request {
		return run.Request{
			ID: "V1", Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, BuildType: "debug",
			Variables: map[string]string{"A": "1", "B": ""}, Files: map[string]string{"F": "1"}, Asker: "U1", Channel: "C1", At: noon,
		}
	}
	tests := map[string]struct {
		change func(*run.Request)
		want   bool
	}{
		"nothing":              {func(*run.Request) {}, true},
		"who, where and when":  {func(r *run.Request) { r.Asker, r.Channel, r.At, r.ReplyURL = "U2", "C2", noon.Add(1), "https://x" }, true},
		"the project":          {func(r *run.Request) { r.Project = "group/api" }, false},
		"a tag of that name":   {func(r *run.Request) { r.Ref.Kind = gitlab.Tag }, false},
		"the build type":       {func(r *run.Request) { r.BuildType = "release" }, false},
		"a value":              {func(r *run.Request) { r.Variables["A"] = "2" }, false},
		"one variable less":    {func(r *run.Request) { delete(r.Variables, "B") }, false},
		"an empty one renamed": {func(r *run.Request) { delete(r.Variables, "B"); r.Variables["C"] = "" }, false},
		"no variables":         {func(r *run.Request) { r.Variables = nil }, false},
		"a file":               {func(r *run.Request) { r.Files["F"] = "2" }, false},
		"a file's name":        {func(r *run.Request) { r.Files = map[string]string{"G": "1"} }, false},
		"one that follows":     {func(r *run.Request) { r.Follow = true }, false},
		"without a reply":      {func(r *run.Request) { r.Quiet = true }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			changed := base()
			tt.change(&changed)
			if got := base().Same(changed); got != tt.want {
				t.Errorf("same %t, want %t", got, tt.want)
			}
			if got := changed.Same(base()); got != tt.want {
				t.Errorf("same %t the other way round, want %t", got, tt.want)
			}
		})
	}
}

// A record is at rest when nothing more happens to it and people know all of it.
func TestAtRest(t *testing.T) {
	for _, state := range []run.State{run.Requested, run.Starting, run.Started, run.Ended, run.Refused, run.Unknown} {
		final := state == run.Ended || state == run.Refused || state == run.Unknown
		r := requested(in(state))
		if run.AtRest(r) {
			t.Errorf("%s: at rest though nobody was shown it", state)
		}
		r.Shown.Version = r.Version
		if run.AtRest(r) != final {
			t.Errorf("%s and shown: at rest %t, want %t", state, run.AtRest(r), final)
		}
	}
}

func TestRecordKeepsItsForm(t *testing.T) {
	r := following(func(r *run.Run) {
		r.Request.Variables = map[string]string{"A": "1"}
		r.Waiting = &run.Refusal{Kind: gitlab.NotSent}
		r.Shown = run.Shown{Version: 1, Card: "1.2", At: noon, Told: []string{"waits"}}
		r.Request.Files, r.Request.Follow, r.Request.Quiet = map[string]string{"F": "1"}, true, true
		r.Acts = []run.Act{{Verb: run.Play, By: "U2", Team: "T1", At: noon, Job: "ship"}}
		r.Followers, r.EndedBefore = []run.Person{{Team: "T1", User: "U3"}}, true
		r.Candidates, r.MoreCandidates = []gitlab.Pipeline{{ID: 3, CreatedAt: noon}}, 2
		r.Verdict = &run.Verdict{By: "U2", Team: "T1", At: noon, Doubt: 4, Pipeline: 3}
	})
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := run.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

// Nobody is told of an end that is no news, but of the next one.
func TestTellsEnd(t *testing.T) {
	quiet := func(r *run.Run) { r.Request.Quiet = true }
	before := func(r *run.Run) { r.EndedBefore = true }
	again := func(r *run.Run) { r.Lives = 1 }
	tests := map[string]struct {
		run  run.Run
		want bool
	}{
		"it runs":                                   {following(), false},
		"it has ended":                              {ended(), true},
		"it has ended again":                        {ended(again), true},
		"it had ended before it was followed":       {ended(before), false},
		"it had, and has ended again":               {ended(before, again), true},
		"nobody wants to hear of it":                {ended(quiet), false},
		"nobody wants to hear of it, not again":     {ended(quiet, again), false},
		"it had ended before, and was brought back": {following(before, again), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.run.TellsEnd(); got != tt.want {
				t.Errorf("told %t, want %t", got, tt.want)
			}
		})
	}
}
