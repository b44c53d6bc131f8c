package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// following is a run whose pipeline runs; it was updated at noon and some
// milliseconds.
func following(change ...func(*run.Run)) run.Run {
	r := run.Posted(starting(), gitlab.Pipeline{
		ID: 42, IID: 3, ProjectID: 7, Status: gitlab.StatusRunning, Source: "trigger", Ref: "main", SHA: "abc",
		WebURL: "https://gitlab.example.com/42", CreatedAt: noon, UpdatedAt: noon.Add(400 * time.Millisecond),
	}, nil, noon)
	for _, c := range change {
		c(&r)
	}
	return r
}

func ended(change ...func(*run.Run)) run.Run {
	return following(append([]func(*run.Run){func(r *run.Run) {
		r.State, r.Pipeline.Status = run.Ended, gitlab.StatusFailed
	}}, change...)...)
}

func observation(status gitlab.Status, at time.Time) gitlab.Observation {
	return gitlab.Observation{
		Pipeline: gitlab.Pipeline{ID: 42, Status: status, UpdatedAt: at},
		Progress: gitlab.Progress{Stages: []gitlab.Stage{{Name: "test", Total: 2}}},
	}
}

func TestObserved(t *testing.T) {
	tests := map[string]struct {
		run      run.Run
		seen     gitlab.Observation
		complete bool
		state    run.State
		status   gitlab.Status
	}{
		"moved on":                              {following(), observation(gitlab.StatusManual, noon.Add(time.Second)), false, run.Started, gitlab.StatusManual},
		"a batch's time has whole seconds":      {following(), observation(gitlab.StatusManual, noon), false, run.Started, gitlab.StatusManual},
		"a batch that is a second old":          {following(), observation(gitlab.StatusPending, noon.Add(-time.Second)), false, run.Started, gitlab.StatusRunning},
		"read by itself, older by milliseconds": {following(), observation(gitlab.StatusFailed, noon), true, run.Started, gitlab.StatusRunning},
		"read by itself, the same moment":       {following(), observation(gitlab.StatusFailed, noon.Add(400*time.Millisecond)), true, run.Ended, gitlab.StatusFailed},
		"an end in a batch is no end yet":       {following(), observation(gitlab.StatusSuccess, noon.Add(time.Second)), false, run.Started, gitlab.StatusSuccess},
		"an end that is complete":               {following(), observation(gitlab.StatusSuccess, noon.Add(time.Second)), true, run.Ended, gitlab.StatusSuccess},
		"a status that GitLab invented since":   {following(), observation("waiting_for_callback", noon.Add(time.Second)), true, run.Started, "waiting_for_callback"},
		"ended already":                         {ended(), observation(gitlab.StatusRunning, noon.Add(time.Second)), true, run.Ended, gitlab.StatusFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run.Observed(tt.run, tt.seen, tt.complete, noon.Add(time.Minute))
			if r.State != tt.state || r.Pipeline.Status != tt.status {
				t.Errorf("%s, %s; want %s, %s", r.State, r.Pipeline.Status, tt.state, tt.status)
			}
		})
	}
}

// An older state is a late answer, but not long after the newer one was new: then GitLab's
// clock was set back, or two of its machines disagree.
func TestObservedOlder(t *testing.T) {
	older := observation(gitlab.StatusFailed, noon.Add(-time.Second))
	tests := map[string]struct {
		known, asked time.Duration // since noon
		complete     bool
		state        run.State
		status       gitlab.Status
	}{
		"at once":                                {0, time.Second, true, run.Started, gitlab.StatusRunning},
		"as long as an answer can be late":       {0, run.LatestAnswer - time.Millisecond, true, run.Started, gitlab.StatusRunning},
		"longer":                                 {0, run.LatestAnswer, true, run.Ended, gitlab.StatusFailed},
		"longer, in a batch":                     {0, run.LatestAnswer, false, run.Started, gitlab.StatusFailed},
		"set back by an hour":                    {time.Hour, time.Hour, true, run.Started, gitlab.StatusRunning},
		"set back by an hour, which is over now": {time.Hour, time.Hour + run.LatestAnswer, true, run.Ended, gitlab.StatusFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := following(func(r *run.Run) { r.Pipeline.UpdatedAt = noon.Add(tt.known) })
			if r := run.Observed(before, older, tt.complete, noon.Add(tt.asked)); r.State != tt.state || r.Pipeline.Status != tt.status {
				t.Errorf("%s, %s; want %s, %s", r.State, r.Pipeline.Status, tt.state, tt.status)
			}
		})
	}
}

// A batch leaves out what does not change, and so does the record's copy of it.
func TestObservedIncompleteKeepsFields(t *testing.T) {
	before := following(func(r *run.Run) { r.Pipeline.YAMLErrors = "a warning" })
	seen := observation(gitlab.StatusPending, noon.Add(time.Second))
	seen.Pipeline.StartedAt = noon
	want := before.Pipeline
	want.Status, want.UpdatedAt, want.StartedAt = gitlab.StatusPending, noon.Add(time.Second), noon
	after := run.Observed(before, seen, false, noon)
	if diff := cmp.Diff(want, after.Pipeline); diff != "" {
		t.Errorf("pipeline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(seen.Progress, after.Progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if after := run.Observed(before, seen, true, noon); after.Pipeline.Source != "" {
		t.Error("a complete observation is taken as it is")
	}
}

func TestGone(t *testing.T) {
	for name, r := range map[string]run.Run{"that is followed": following(), "that has ended": ended()} {
		if r := run.Gone(r); r.State != run.Ended || !r.Deleted {
			t.Errorf("one %s: %s, deleted %t", name, r.State, r.Deleted)
		}
	}
	if r := run.Gone(requested()); r.State != run.Requested || r.Deleted {
		t.Errorf("one without a pipeline: %s, deleted %t", r.State, r.Deleted)
	}
}

func TestDue(t *testing.T) {
	const progress, quiet = 10 * time.Second, 5 * time.Minute
	list := func(id int64, status gitlab.Status) []gitlab.Pipeline {
		return []gitlab.Pipeline{{ID: id, Status: status}}
	}
	tests := map[string]struct {
		status gitlab.Status
		listed []gitlab.Pipeline
		age    time.Duration // since it was read
		want   bool
	}{
		"runs, read just now":                    {gitlab.StatusRunning, nil, time.Second, false},
		"runs, its progress is due":              {gitlab.StatusRunning, nil, progress, true},
		"runs, listed as it is known":            {gitlab.StatusRunning, list(42, gitlab.StatusRunning), time.Second, false},
		"runs, listed at another status":         {gitlab.StatusRunning, list(42, gitlab.StatusSuccess), time.Second, true},
		"another one is listed":                  {gitlab.StatusRunning, list(43, gitlab.StatusSuccess), time.Second, false},
		"an unknown status counts as moving":     {"waiting_for_callback", nil, progress, true},
		"waits for a person":                     {gitlab.StatusManual, nil, progress, false},
		"waits for a timer":                      {gitlab.StatusScheduled, nil, quiet - time.Second, false},
		"waits, and may have been deleted":       {gitlab.StatusManual, nil, quiet, true},
		"waited, and goes on":                    {gitlab.StatusManual, list(42, gitlab.StatusRunning), time.Second, true},
		"has ended, and the end is not complete": {gitlab.StatusSuccess, nil, 0, true},
		"was never read here":                    {gitlab.StatusManual, nil, 1e6 * time.Hour, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := gitlab.Pipeline{ID: 42, Status: tt.status}
			if got := run.IsDue(p, noon.Add(-tt.age), tt.listed, noon, progress, quiet); got != tt.want {
				t.Errorf("due %t, want %t", got, tt.want)
			}
		})
	}
}
