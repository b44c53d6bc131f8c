package run_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// past is a run of U1 in C1 that was asked for so many minutes after noon.
func past(id string, minute int, change ...func(*run.Run)) run.Run {
	r := requested(func(r *run.Run) {
		r.Request.ID, r.Request.Team, r.Request.Asker, r.Request.Channel = id, "T1", "U1", "C1"
		r.Request.At = noon.Add(time.Duration(minute) * time.Minute)
	})
	for _, c := range change {
		c(&r)
	}
	return r
}

func of(branch string) func(*run.Run) {
	return func(r *run.Run) { r.Request.Ref = gitlab.Ref{Kind: gitlab.Branch, Name: branch} }
}

func inProject(name string) func(*run.Run) { return func(r *run.Run) { r.Request.Project = name } }

func inChannel(channel string) func(*run.Run) {
	return func(r *run.Run) { r.Request.Channel = channel }
}

func asker(user string) func(*run.Run) { return func(r *run.Run) { r.Request.Asker = user } }

// shows is a run whose pipeline that is, in project 7.
func shows(pipeline int64) func(*run.Run) {
	return func(r *run.Run) { r.State, r.Project.ID, r.Pipeline.ID = run.Started, 7, pipeline }
}

func follows(r *run.Run) { r.Request.Follow = true }

// orders are the orders in which the watch can tell of records: that of their last
// change, which is any, and again at each change.
func orders(records ...run.Run) map[string][]run.Run {
	backwards := slices.Clone(records)
	slices.Reverse(backwards)
	return map[string][]run.Run{
		"as they were made": records, "backwards": backwards, "each twice": append(slices.Clone(records), records...),
	}
}

func TestHabits(t *testing.T) {
	records := []run.Run{
		past("1", 1, of("one")), past("2", 2, of("two")), past("3", 3, of("three")), past("4", 4, of("four")),
		past("5", 5, of("five")), past("6", 6, of("six")), past("7", 7, of("two")),
		past("8", 0, of("two"), inChannel("C2")), past("9", 8, inProject("api")), past("10", 3, inProject("api"), inChannel("C3")),
		past("11", 9, of("theirs"), asker("U2")), past("12", 10, of("followed"), inProject("web"), follows),
	}
	for name, order := range orders(records...) {
		t.Run(name, func(t *testing.T) {
			var h run.History
			for _, r := range order {
				h.Put(r)
			}
			var names []string
			for _, ref := range h.RecentRefs("T1", "U1", "group/app") {
				names = append(names, ref.Name)
			}
			if diff := cmp.Diff([]string{"two", "six", "five", "four", "three"}, names); diff != "" {
				t.Errorf("recent refs (-want +got):\n%s", diff)
			}
			for channel, want := range map[string]string{"C1": "group/app", "C2": "group/app", "C3": "api", "C4": ""} {
				if got := h.LastProject(channel); got != want {
					t.Errorf("last project of %s: %q, want %q", channel, got, want)
				}
			}
			for _, refs := range [][]gitlab.Ref{h.RecentRefs("T2", "U1", "group/app"), h.RecentRefs("T1", "U1", "web")} {
				if len(refs) > 0 {
					t.Errorf("refs %v", refs)
				}
			}
		})
	}
}

func TestWhoShowsAPipeline(t *testing.T) {
	card := func(r *run.Run) { r.Shown.Channel, r.Shown.Card = "D1", "1.2" }
	records := []run.Run{
		past("asked", 1, shows(42), card), past("followed", 2, shows(42), follows, asker("U2"), inChannel("C2")),
		past("other", 3, shows(43)), past("none", 4), past("elsewhere", 5, shows(42), func(r *run.Run) { r.Project.ID = 8 }),
		past("lonely", 6, shows(44), follows, inChannel("C3")),
	}
	for name, order := range orders(records...) {
		t.Run(name, func(t *testing.T) {
			var h run.History
			for _, r := range order {
				h.Put(r)
			}
			want := []run.Sighting{
				{ID: "followed", State: run.Started, Follow: true, Channel: "C2", Team: "T1", Asker: "U2", At: noon.Add(2 * time.Minute)},
				{ID: "asked", State: run.Started, Channel: "D1", Card: "1.2", Team: "T1", Asker: "U1", At: noon.Add(time.Minute)},
			}
			if diff := cmp.Diff(want, h.Shown(7, 42)); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
			if team, user, ok := h.AskerOf(7, 42); team != "T1" || user != "U1" || !ok {
				t.Errorf("asked for by %q of %q, %t", user, team, ok)
			}
			if _, user, ok := h.AskerOf(7, 44); ok {
				t.Errorf("one that is only followed was asked for by %q", user)
			}
			for channel, want := range map[string][2]int64{"C1": {8, 42}, "C2": {7, 42}, "C3": {7, 44}, "D1": {}} {
				project, pipeline, ok := h.LastPipeline(channel)
				if got := [2]int64{project, pipeline}; got != want || ok != (want[1] != 0) {
					t.Errorf("the last of %s: %v, %t; want %v", channel, got, ok, want)
				}
			}
			if diff := cmp.Diff([]int64{43, 42}, h.PipelinesOf("T1", "U1", 7)); diff != "" {
				t.Errorf("pipelines of the asker (-want +got):\n%s", diff)
			}
			if got := h.PipelinesOf("T1", "U2", 7); len(got) > 0 {
				t.Errorf("pipelines of who only follows: %v", got)
			}
		})
	}
}

func TestRecentRuns(t *testing.T) {
	records := []run.Run{past("followed", 99, follows), past("theirs", 98, asker("U2"))}
	var all []string
	for i := range run.RecentRuns + 5 {
		records = append(records, past(fmt.Sprint(i), i))
		all = append([]string{fmt.Sprint(i)}, all...)
	}
	for name, order := range orders(records...) {
		t.Run(name, func(t *testing.T) {
			var h run.History
			for _, r := range order {
				h.Put(r)
			}
			ids := func(n int) (ids []string) {
				for _, r := range h.RecentRuns("T1", "U1", n) {
					ids = append(ids, r.Request.ID)
				}
				return ids
			}
			if diff := cmp.Diff(all[:run.RecentRuns], ids(99)); diff != "" {
				t.Errorf("all (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(all[:3], ids(3)); diff != "" {
				t.Errorf("three (-want +got):\n%s", diff)
			}
			// A change is there at once, and one that has expired is not.
			h.Put(past("14", 14, shows(42)))
			h.Remove("13")
			if got := h.RecentRuns("T1", "U1", 2); got[0].Pipeline.ID != 42 || got[1].Request.ID != "12" {
				t.Errorf("after the changes: %s, pipeline %d, and %s", got[0].Request.ID, got[0].Pipeline.ID, got[1].Request.ID)
			}
		})
	}
}

// What expires leaves nothing behind.
func TestHistoryForgets(t *testing.T) {
	var h run.History
	h.Put(past("1", 1))
	h.Put(past("1", 1, shows(42)))
	h.Put(past("2", 2, shows(42), follows))
	for _, id := range []string{"1", "2", "never"} {
		h.Remove(id)
	}
	if records, lists := h.Size(); records+lists != 0 {
		t.Errorf("%d records in %d lists are left", records, lists)
	}
	if _, _, ok := h.LastPipeline("C1"); ok || len(h.Shown(7, 42))+len(h.RecentRuns("T1", "U1", 9)) > 0 {
		t.Error("it is still found")
	}
}

// When a watch begins anew, what was known stands until all has been told of, and then
// goes what was not.
func TestHistoryBeginsAnew(t *testing.T) {
	var h run.History
	h.Began()
	h.Put(past("1", 1, shows(42)))
	h.Put(past("2", 2, shows(42)))
	h.Complete()
	h.Began()
	h.Put(past("2", 2, shows(42)))
	if got := len(h.Shown(7, 42)); got != 2 {
		t.Errorf("%d are known meanwhile, want 2", got)
	}
	h.Complete()
	if got := h.Shown(7, 42); len(got) != 1 || got[0].ID != "2" {
		t.Errorf("known in the end: %v", got)
	}
	h.Put(past("3", 3, shows(42)))
	if got := len(h.Shown(7, 42)); got != 2 {
		t.Errorf("%d are known after one more, want 2", got)
	}
}
