package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
)

// Where two have shown a run nobody knows what its messages read: the card and every reply
// that either of them knows are drawn anew. What was told stays told.
func TestDrawnAnewAfterTwo(t *testing.T) {
	reply := func(ts, hash string) run.Standing { return run.Standing{Name: "waits:0", TS: ts, Hash: hash} }
	written := run.Shown{
		Version: 4, Channel: "C1", Card: "1.1", Hash: "card", Told: []string{"waits:0"},
		Standing: []run.Standing{reply("1.2", "one")}, Unsure: noon,
	}
	for name, tt := range map[string]struct {
		other    run.Shown
		standing []run.Standing
		unsure   time.Time
	}{
		"the other has shown less": {run.Shown{}, []run.Standing{reply("1.2", "")}, noon},
		"the same reply":           {run.Shown{Standing: []run.Standing{reply("1.2", "two")}, Unsure: noon.Add(-time.Second)}, []run.Standing{reply("1.2", "")}, noon},
		"a reply that was let go, or came twice": {
			run.Shown{Standing: []run.Standing{reply("1.3", "two")}}, []run.Standing{reply("1.2", ""), reply("1.3", "")}, noon,
		},
		"an edit that may yet come": {run.Shown{Unsure: noon.Add(time.Second)}, []run.Standing{reply("1.2", "")}, noon.Add(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			want := written
			want.Version, want.Hash, want.Standing, want.Unsure = 0, "", tt.standing, tt.unsure
			if diff := cmp.Diff(want, run.ShownTwice(written, tt.other)); diff != "" {
				t.Errorf("the record (-want +got):\n%s", diff)
			}
			if written.Standing[0].Hash != "one" {
				t.Error("the record was changed in place, and would not be written")
			}
		})
	}
}
