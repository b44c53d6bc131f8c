package run_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// noon is when everything in the tables was asked for.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const settle = 90 * time.Second

func gitlabError(kind gitlab.Kind) error {
	return &gitlab.Error{Op: "starting a pipeline", Kind: kind, Message: "said " + kind.String()}
}

// requested is a run that was asked for at noon.
func requested(change ...func(*run.Run)) run.Run {
	r := run.NewRun(run.Request{ID: "V1", Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, At: noon, Trigger: true}, nil)
	for _, c := range change {
		c(&r)
	}
	return r
}

// starting is one that was handed to GitLab at noon, for ten seconds.
func starting(change ...func(*run.Run)) run.Run {
	return run.Posting(requested(change...), gitlab.Project{ID: 7, Path: "group/app"}, noon, noon.Add(10*time.Second))
}

// unclear is one whose POST got no answer.
func unclear(change ...func(*run.Run)) run.Run {
	r := run.Doubted(starting())
	for _, c := range change {
		c(&r)
	}
	return r
}

func in(state run.State) func(*run.Run) { return func(r *run.Run) { r.State = state } }

func tries(n int) func(*run.Run) { return func(r *run.Run) { r.Tries = n } }

func notBefore(at time.Time) func(*run.Run) { return func(r *run.Run) { r.NotBefore = at } }

func TestNextStep(t *testing.T) {
	// now and until are seconds after noon.
	const hour = 3600
	tests := map[string]struct {
		run   run.Run
		now   int
		want  run.Step
		until int // of a wait
	}{
		"a request is posted":                                   {requested(), 0, run.StepPost, 0},
		"one that waits":                                        {requested(notBefore(noon.Add(5 * time.Second))), 4, run.StepWait, 5},
		"one that has waited":                                   {requested(notBefore(noon.Add(5 * time.Second))), 5, run.StepPost, 0},
		"one that would wait past its end":                      {requested(notBefore(noon.Add(time.Hour + 5*time.Second))), 10, run.StepWait, hour},
		"a request a moment before its end":                     {requested(), hour - 1, run.StepPost, 0},
		"a request at its end":                                  {requested(), hour, run.StepGiveUp, 0},
		"a request that waits, at its end":                      {requested(notBefore(noon.Add(2 * time.Hour))), hour, run.StepGiveUp, 0},
		"a POST under way":                                      {starting(), 9, run.StepWait, 10},
		"a POST that nobody answered for":                       {starting(), 10, run.StepDoubt, 0},
		"a POST that died with a bot long ago":                  {starting(), 48 * hour, run.StepDoubt, 0},
		"unclear, GitLab may still be at it":                    {unclear(), 10, run.StepWait, 100},
		"unclear, known before the deadline":                    {unclear(), 1, run.StepWait, 100},
		"unclear, a moment before it has settled":               {unclear(), 99, run.StepWait, 100},
		"unclear, settled":                                      {unclear(), 100, run.StepLook, 0},
		"unclear, the next look is not due":                     {unclear(tries(1), notBefore(noon.Add(200*time.Second))), 150, run.StepWait, 200},
		"unclear, the next look is due":                         {unclear(tries(1), notBefore(noon.Add(200*time.Second))), 200, run.StepLook, 0},
		"unclear, never looked since the bot was down for days": {unclear(), 48 * hour, run.StepLook, 0},
		"unclear, one look short of the last":                   {unclear(tries(run.MostLooks - 1)), hour, run.StepLook, 0},
		"unclear, looked often enough":                          {unclear(tries(run.MostLooks)), hour, run.StepGiveUp, 0},
		"started":                                               {requested(in(run.Started)), 0, run.StepNone, 0},
		"ended":                                                 {requested(in(run.Ended)), 2 * hour, run.StepNone, 0},
		"refused":                                               {requested(in(run.Refused)), 2 * hour, run.StepNone, 0},
		"unknown":                                               {requested(in(run.Unknown)), 2 * hour, run.StepNone, 0},
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

// A second POST keeps when the first was made, or the search would begin too late.
func TestPosting(t *testing.T) {
	project := gitlab.Project{ID: 7}
	first := run.Posting(requested(), project, noon, noon.Add(time.Second))
	second := run.Posting(run.Looked(run.Doubted(first), gitlab.Search{}, nil, noon), project, noon.Add(time.Minute), noon.Add(2*time.Minute))
	if !second.PostedAt.Equal(noon) || !second.Deadline.Equal(noon.Add(2*time.Minute)) || second.Unclear || second.State != run.Starting {
		t.Errorf("second POST: %+v", second)
	}
}

func TestPosted(t *testing.T) {
	later := noon.Add(time.Minute)
	tests := map[string]struct {
		err       error
		state     run.State
		unclear   bool
		waiting   bool
		refusal   bool
		triedOnce bool
	}{
		"started":              {err: nil, state: run.Started},
		"unclear":              {err: gitlabError(gitlab.Unclear), state: run.Starting, unclear: true},
		"no error of GitLab's": {err: errors.New("context canceled"), state: run.Starting, unclear: true},
		"not sent":             {err: gitlabError(gitlab.NotSent), state: run.Requested, waiting: true, triedOnce: true},
		"rate limited":         {err: gitlabError(gitlab.RateLimited), state: run.Requested, waiting: true, triedOnce: true},
		"unauthorized":         {err: gitlabError(gitlab.Unauthorized), state: run.Refused, refusal: true},
		"forbidden":            {err: gitlabError(gitlab.Forbidden), state: run.Refused, refusal: true},
		"not found":            {err: gitlabError(gitlab.NotFound), state: run.Refused, refusal: true},
		"invalid":              {err: gitlabError(gitlab.Invalid), state: run.Refused, refusal: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := gitlab.Pipeline{ID: 42, Status: gitlab.StatusCreated}
			r := run.Posted(starting(), p, tt.err, later)
			if r.State != tt.state || r.Unclear != tt.unclear || (r.Waiting != nil) != tt.waiting || (r.Refusal != nil) != tt.refusal || (r.Tries == 1) != tt.triedOnce {
				t.Errorf("got %+v", r)
			}
			if started := r.Pipeline.ID == 42; started != (tt.err == nil) {
				t.Errorf("pipeline %+v", r.Pipeline)
			}
			if tt.waiting && !r.NotBefore.After(later) {
				t.Error("the next try is not put off")
			}
			if tt.refusal && (r.Refusal.Source != "trigger" || r.Refusal.Message == "") {
				t.Errorf("refusal %+v", r.Refusal)
			}
		})
	}
}

// What GitLab said first is what the person was told; a Retry-After is obeyed.
func TestWaiting(t *testing.T) {
	r := run.Posted(starting(), gitlab.Pipeline{}, gitlabError(gitlab.NotSent), noon)
	limited := &gitlab.Error{Kind: gitlab.RateLimited, RetryAfter: 10 * time.Minute}
	r = run.Posted(run.Posting(r, gitlab.Project{}, noon, noon), gitlab.Pipeline{}, limited, noon)
	if r.Waiting.Kind != gitlab.NotSent {
		t.Errorf("waits for %v, want the first reason", r.Waiting.Kind)
	}
	if r.Tries != 2 || !r.NotBefore.Equal(noon.Add(10*time.Minute)) {
		t.Errorf("tries %d, not before %s", r.Tries, r.NotBefore)
	}
	r = run.Posted(run.Posting(r, gitlab.Project{}, noon, noon), gitlab.Pipeline{ID: 1}, nil, noon)
	if r.Waiting != nil || r.Tries != 0 || !r.NotBefore.IsZero() {
		t.Errorf("a started run still waits: %+v", r)
	}
}

func TestLooked(t *testing.T) {
	tests := map[string]struct {
		found  bool
		unread []gitlab.Pipeline
		err    error
		state  run.State
		tries  int
	}{
		"found":                        {found: true, state: run.Started},
		"not there":                    {state: run.Requested},
		"candidates":                   {unread: []gitlab.Pipeline{{ID: 7}, {ID: 8}}, state: run.Unknown, tries: 3},
		"GitLab cannot be reached":     {err: gitlabError(gitlab.NotSent), state: run.Starting, tries: 4},
		"GitLab takes no more":         {err: gitlabError(gitlab.RateLimited), state: run.Starting, tries: 4},
		"GitLab fails":                 {err: gitlabError(gitlab.Unclear), state: run.Starting, tries: 4},
		"variables may not be read":    {err: gitlabError(gitlab.Forbidden), state: run.Unknown, tries: 3},
		"the token was revoked":        {err: gitlabError(gitlab.Unauthorized), state: run.Starting, tries: 4},
		"the project is gone":          {err: gitlabError(gitlab.NotFound), state: run.Unknown, tries: 3},
		"the search is not understood": {err: gitlabError(gitlab.Invalid), state: run.Unknown, tries: 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := unclear(tries(3), func(r *run.Run) { r.Waiting = &run.Refusal{Kind: gitlab.Unclear} })
			s := gitlab.Search{Unread: tt.unread, More: len(tt.unread)}
			if tt.found {
				s.Found.ID = 42
			}
			r := run.Looked(before, s, tt.err, noon)
			if diff := cmp.Diff(tt.unread, r.Candidates); diff != "" || r.MoreCandidates != len(tt.unread) {
				t.Errorf("%d more candidates than (-want +got):\n%s", r.MoreCandidates, diff)
			}
			if r.State != tt.state || r.Tries != tt.tries {
				t.Errorf("state %s, %d tries; want %s, %d", r.State, r.Tries, tt.state, tt.tries)
			}
			if got := r.Pipeline.ID == 42; got != tt.found {
				t.Errorf("pipeline %d", r.Pipeline.ID)
			}
			if stillUnclear := tt.state == run.Starting; r.State != run.Unknown && r.Unclear != stillUnclear {
				t.Errorf("unclear %t", r.Unclear)
			}
			if waits := tt.state == run.Starting; (r.Waiting != nil) != waits {
				t.Errorf("waiting %+v", r.Waiting)
			}
		})
	}
}

// A doubt counts its looks from zero, and never undoes an answer.
func TestDoubted(t *testing.T) {
	r := run.Doubted(starting(tries(3)))
	if !r.Unclear || r.Tries != 0 {
		t.Errorf("unclear %t with %d looks", r.Unclear, r.Tries)
	}
	for _, settled := range []run.Run{requested(), requested(in(run.Started)), unclear(tries(2))} {
		if diff := cmp.Diff(settled, run.Doubted(settled)); diff != "" {
			t.Errorf("a doubt changed a run that is %s:\n%s", settled.State, diff)
		}
	}
}

func TestGaveUp(t *testing.T) {
	if r := run.GaveUp(unclear(func(r *run.Run) { r.Waiting = &run.Refusal{} })); r.State != run.Unknown || r.Waiting != nil || r.Refusal != nil {
		t.Errorf("an unclear start that was given up: %+v", r)
	}
	if r := run.GaveUp(requested()); r.State != run.Refused || !r.Refusal.Expired {
		t.Errorf("a request that was given up: %+v", r)
	}
	why := &run.Refusal{Kind: gitlab.RateLimited, Message: "later"}
	r := run.GaveUp(requested(func(r *run.Run) { r.Waiting = why }))
	want := &run.Refusal{Kind: gitlab.RateLimited, Message: "later", Expired: true}
	if diff := cmp.Diff(want, r.Refusal); diff != "" || r.Waiting != nil {
		t.Errorf("a request that waited and was given up:\n%s", diff)
	}
}

func TestBackoffBounds(t *testing.T) {
	for failures, most := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second, 7: 30 * time.Second, 1 << 40: 30 * time.Second} {
		for range 200 {
			if got := run.Backoff(failures); got < most/2 || got > most {
				t.Fatalf("after %d failures: %s, want %s to %s", failures, got, most/2, most)
			}
		}
	}
}
