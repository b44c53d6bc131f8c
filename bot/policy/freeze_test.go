package policy_test

import (
	"slices"
	"testing"
	"time"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// A freeze stops what starts something in its project and on its refs, whoever asks
// and whatever the mode and the rules.
func TestFreeze(t *testing.T) {
	hour := now.Add(time.Hour)
	tests := []struct {
		name   string
		freeze policy.Freeze
		stops  bool
	}{
		{"of everything", policy.Freeze{}, true},
		{"of the project", policy.Freeze{Project: "group/app"}, true},
		{"of another project", policy.Freeze{Project: "group/api"}, false},
		{"of the ref", policy.Freeze{Project: "group/app", Pattern: "ma*"}, true},
		{"of another ref", policy.Freeze{Pattern: "release/*"}, false},
		{"until later", policy.Freeze{Until: hour}, true},
		{"until now", policy.Freeze{Until: now}, false},
		{"until just now", policy.Freeze{Until: now.Add(-1)}, false},
		{"from later on, by another clock", policy.Freeze{At: hour}, true},
	}
	stopped := []policy.Action{policy.ActionRun, policy.ActionRetry, policy.ActionPlay}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := with(gitlab.Owner)
			f.Freezes = []policy.Freeze{{Project: "group/old"}, test.freeze}
			for _, mode := range policy.Modes() {
				p := rules(t, mode, "then: allow")
				for _, action := range policy.Actions() {
					d := p.Decide(asking(action), alice(), f, now)
					frozen := d.Outcome == policy.Refuse && d.Why == policy.Frozen && d.Freeze != nil
					if want := test.stops && slices.Contains(stopped, action); frozen != want {
						t.Errorf("%s, %s: frozen %t, want %t", mode, action, frozen, want)
					}
				}
			}
		})
	}
}

// Of several freezes, the one that lasts longest is told.
func TestTheLongestFreezeIsTold(t *testing.T) {
	f := with(gitlab.Owner)
	short, long, endless := policy.Freeze{ID: "short", Until: now.Add(1)}, policy.Freeze{ID: "long", Until: now.Add(9)}, policy.Freeze{ID: "endless"}
	p := &policy.Policy{Mode: policy.ModeOpen}
	for want, freezes := range map[string][]policy.Freeze{
		"short": {short}, "long": {short, long, short}, "endless": {short, endless, long},
	} {
		f.Freezes = freezes
		if d := p.Decide(running(), alice(), f, now); d.Freeze.ID != want {
			t.Errorf("it tells the %s, want the %s", d.Freeze.ID, want)
		}
	}
}

// Whoever may do nothing at all is not told of freezes.
func TestFreezeIsNotToldToOutsiders(t *testing.T) {
	guest, f := alice(), with(gitlab.Owner)
	guest.Kind, f.Freezes = policy.Guest, []policy.Freeze{{}}
	d := (&policy.Policy{Mode: policy.ModeOpen}).Decide(running(), guest, f, now)
	if got := short(d); got != "refuse outsider" || d.Freeze != nil {
		t.Errorf("%s, freeze %v", got, d.Freeze)
	}
}

// Where it is not known whether there is a freeze, there may be one.
func TestFreezesThatAreNotKnown(t *testing.T) {
	f := with(gitlab.Owner)
	f.FreezesDoubt = "the store is away"
	p := &policy.Policy{Mode: policy.ModeOpen}
	if got := short(p.Decide(running(), alice(), f, now)); got != "refuse doubtful" {
		t.Error("run:", got)
	}
	if got := short(p.Decide(asking(policy.ActionCancel), alice(), f, now)); got != "allow open" {
		t.Error("cancel:", got)
	}
}
