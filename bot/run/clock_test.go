package run_test

import (
	"testing"
	"time"

	"pipebot/bot/run"
)

// waited is a run that was tried at noon and is to be tried again in ten seconds.
func waited(r run.Run) run.Run {
	r.Tried, r.NotBefore, r.Tries = noon, noon.Add(10*time.Second), 1
	return r
}

// A clock that jumps by an hour makes nothing wait for an hour, and lets nobody look for
// a start, or repeat it, before GitLab had its time.
func TestNextStepAfterAJump(t *testing.T) {
	const hour = 3600
	posted := func(r run.Run) run.Run { // which was asked for long before
		r.Request.At = noon.Add(-2 * time.Hour)
		return r
	}
	tests := map[string]struct {
		run   run.Run
		now   int // seconds after noon
		want  run.Step
		until int // of a wait
	}{
		"no jump, the next try is not due":        {waited(requested()), 9, run.StepWait, 10},
		"back, a try that was put off":            {waited(requested()), -hour, run.StepPost, 0},
		"back by more than clocks are apart":      {waited(requested()), -61, run.StepPost, 0},
		"a replica whose clock is behind":         {waited(requested()), -60, run.StepWait, 10},
		"on, a try that was put off":              {waited(requested()), hour - 1, run.StepPost, 0},
		"on, a request grows old and is told so":  {requested(), hour, run.StepGiveUp, 0},
		"back, a request that has just been made": {requested(), -hour, run.StepPost, 0},
		"an old record, put off for days":         {requested(notBefore(noon.Add(48 * time.Hour))), 0, run.StepPost, 0},
		"back, a POST under way":                  {starting(), -hour, run.StepRewind, 0},
		"back, an unclear start":                  {unclear(), -hour, run.StepRewind, 0},
		"back and counted anew: under way":        {run.Rewound(starting(), noon.Add(-hour*time.Second)), -hour + 9, run.StepWait, -hour + 10},
		"back and counted anew: in doubt":         {run.Rewound(starting(), noon.Add(-hour*time.Second)), -hour + 10, run.StepDoubt, 0},
		"back and counted anew: to be settled":    {run.Rewound(unclear(), noon.Add(-hour*time.Second)), -hour + 99, run.StepWait, -hour + 100},
		"back and counted anew: settled":          {run.Rewound(unclear(), noon.Add(-hour*time.Second)), -hour + 100, run.StepLook, 0},
		"back, the next look was put off":         {waited(run.Rewound(unclear(), noon.Add(-1*time.Second))), -1, run.StepWait, 99},
		"on, a POST of another process":           {posted(starting()), hour, run.StepDoubt, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now := noon.Add(time.Duration(tt.now) * time.Second)
			until := now
			if tt.want == run.StepWait {
				until = noon.Add(time.Duration(tt.until) * time.Second)
			}
			got, at := run.NextStep(tt.run, now, settle)
			if got != tt.want || !at.Equal(until) {
				t.Errorf("step %d at %s, want %d at %s", got, at, tt.want, until)
			}
		})
	}
}

// What is counted anew is looked for further back, since its own time was wrong; what is
// in order stays as it is.
func TestRewound(t *testing.T) {
	now := noon.Add(-time.Hour)
	r := run.Rewound(unclear(), now)
	if !r.PostedAt.Equal(now.Add(-run.LookBack)) || !r.Deadline.Equal(now.Add(10*time.Second)) || !r.Unclear {
		t.Errorf("posted at %s, until %s, unclear %t", r.PostedAt, r.Deadline, r.Unclear)
	}
	if r := run.Rewound(unclear(), noon); !r.PostedAt.Equal(noon) {
		t.Errorf("though the clock is right: posted at %s", r.PostedAt)
	}
	if r := run.Rewound(following(), now); !r.PostedAt.Equal(noon) {
		t.Errorf("of what is started: posted at %s", r.PostedAt)
	}
}

// What was counted anew says nothing about when GitLab made it.
func TestStartedUntil(t *testing.T) {
	if got, want := run.UntilWhen(unclear(), settle), unclear().Deadline.Add(settle); !got.Equal(want) {
		t.Errorf("until %s, want %s", got, want)
	}
	if got := run.UntilWhen(run.Rewound(unclear(), noon.Add(-time.Hour)), settle); !got.IsZero() {
		t.Errorf("after the clock went back: until %s", got)
	}
}

// The process that made a POST waits for its end by a clock that nobody sets.
func TestPostsWait(t *testing.T) {
	var p run.Posts
	p.Begin("V1", time.Now().Add(time.Hour))
	p.Begin("V2", time.Now().Add(-time.Minute))
	tests := map[string]struct {
		id    string
		next  run.Step
		least time.Duration
		most  time.Duration
	}{
		"a doubt waits for the end":               {"V1", run.StepDoubt, 59 * time.Minute, time.Hour},
		"so does counting it anew":                {"V1", run.StepRewind, 59 * time.Minute, time.Hour},
		"a look waits until it has settled":       {"V1", run.StepLook, 60 * time.Minute, 61*time.Minute + settle - time.Minute},
		"what has ended is in doubt":              {"V2", run.StepDoubt, -time.Hour, 0},
		"and is looked for once it has settled":   {"V2", run.StepLook, 20 * time.Second, settle - time.Minute},
		"nothing else waits":                      {"V1", run.StepWait, 0, 0},
		"nor does what another process has asked": {"V3", run.StepLook, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := p.Wait(tt.id, tt.next, settle); got < tt.least || got > tt.most {
				t.Errorf("waits %s, want %s to %s", got, tt.least, tt.most)
			}
		})
	}
}

// Where another replica found out what came of a start, its end is not kept for ever.
func TestPostsAreForgotten(t *testing.T) {
	for name, next := range map[string]run.Step{"it is started": run.StepNone, "it is asked for again": run.StepPost} {
		t.Run(name, func(t *testing.T) {
			var p run.Posts
			p.Begin("V1", time.Now())
			p.Wait("V1", next, settle)
			if n := p.Number(); n != 0 {
				t.Errorf("%d are kept", n)
			}
		})
	}
	t.Run("nobody came back to it", func(t *testing.T) {
		var p run.Posts
		p.Begin("V1", time.Now().Add(-61*time.Minute))
		p.Begin("V2", time.Now().Add(-59*time.Minute))
		p.Begin("V3", time.Now())
		if n := p.Number(); n != 2 {
			t.Errorf("%d are kept", n)
		}
	})
}
