package run_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

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

func TestHistory(t *testing.T) {
	request := func(channel, project, branch string, minute int) run.Request {
		return run.Request{
			Team: "T1", Asker: "U1", Channel: channel, Project: project,
			Ref: gitlab.Ref{Kind: gitlab.Branch, Name: branch}, At: noon.Add(time.Duration(minute) * time.Minute),
		}
	}
	past := []run.Request{
		request("C1", "app", "one", 1), request("C1", "app", "two", 2), request("C1", "app", "three", 3),
		request("C1", "app", "four", 4), request("C1", "app", "five", 5), request("C1", "app", "six", 6),
		request("C1", "app", "two", 7), request("C2", "app", "two", 0), request("C1", "api", "main", 8),
		request("C3", "api", "main", 3),
	}
	other := request("C1", "app", "theirs", 9)
	other.Asker = "U2"
	past = append(past, other)

	// The watch tells of records in the order of their last change, which is any.
	orders := map[string][]run.Request{"as they were made": past}
	backwards := slices.Clone(past)
	slices.Reverse(backwards)
	orders["backwards"] = backwards
	orders["each twice"] = append(slices.Clone(past), past...)
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			var h run.History
			for _, r := range order {
				h.Add(r)
			}
			var names []string
			for _, ref := range h.RecentRefs("T1", "U1", "app") {
				names = append(names, ref.Name)
			}
			if diff := cmp.Diff([]string{"two", "six", "five", "four", "three"}, names); diff != "" {
				t.Errorf("recent refs (-want +got):\n%s", diff)
			}
			for channel, want := range map[string]string{"C1": "app", "C2": "app", "C3": "api", "C4": ""} {
				if got := h.LastProject(channel); got != want {
					t.Errorf("last project of %s: %q, want %q", channel, got, want)
				}
			}
			if got := h.RecentRefs("T2", "U1", "app"); len(got) > 0 {
				t.Errorf("another workspace has %v", got)
			}
		})
	}
}
