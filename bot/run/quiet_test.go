package run_test

import (
	"testing"

	"pipebot/bot/run"
)

// Who asked for quiet is told nothing, until somebody wants to be told, be it they
// themselves.
func TestQuietRunsTellTheirFollowers(t *testing.T) {
	alice, bob := run.Person{Team: "T1", User: "U1"}, run.Person{Team: "T1", User: "U2"}
	asked := run.Request{ID: "F", Asker: "U1", Team: "T1", Follow: true, Quiet: true}
	for name, test := range map[string]struct {
		run       run.Run
		follow    []run.Person
		revived   bool
		followers int
		tells     bool
	}{
		"nobody":                         {run: run.Run{Request: asked, State: run.Ended}},
		"another one":                    {run: run.Run{Request: asked, State: run.Started}, follow: []run.Person{bob}, followers: 1, tells: true},
		"the asker after all":            {run: run.Run{Request: asked, State: run.Started}, follow: []run.Person{alice, alice}, followers: 1, tells: true},
		"too late for that end":          {run: run.Run{Request: asked, State: run.Ended}, follow: []run.Person{bob}, followers: 1},
		"in time for the end after that": {run: run.Run{Request: asked, State: run.Ended}, follow: []run.Person{bob}, revived: true, followers: 1, tells: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := test.run
			for _, f := range test.follow {
				r = run.FollowedBy(r, f)
			}
			if test.revived {
				r.Lives++
			}
			r.State = run.Ended
			if got := r.TellsEnd(); got != test.tells || len(r.Followers) != test.followers {
				t.Errorf("it tells its end: %t, to %d followers; want %t, %d", got, len(r.Followers), test.tells, test.followers)
			}
		})
	}
}
