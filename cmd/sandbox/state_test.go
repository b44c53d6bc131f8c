package main_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	sandbox "pipebot/cmd/sandbox"
)

func TestDifference(t *testing.T) {
	state := func(pairs ...string) sandbox.State {
		s := sandbox.State{}
		for i := 0; i < len(pairs); i += 2 {
			s[pairs[i]] = json.RawMessage(pairs[i+1])
		}
		return s
	}
	for _, test := range []struct {
		name          string
		before, after sandbox.State
		want          sandbox.Change
	}{
		{"from nothing", nil, state("a", "1"), sandbox.Change{Set: state("a", "1")}},
		{"the same", state("a", "1"), state("a", "1"), sandbox.Change{Set: state()}},
		{"another value", state("a", "1", "b", "2"), state("a", "1", "b", "3"), sandbox.Change{Set: state("b", "3")}},
		{"one more", state("a", "1"), state("a", "1", "b", "null"), sandbox.Change{Set: state("b", "null")}},
		{
			"some fewer", state("c", "1", "a", "1", "b", "1"), state("b", "1"),
			sandbox.Change{Set: state(), Gone: []string{"a", "c"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, sandbox.Difference(test.before, test.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlowPipelineTakesSixTimesAsLong(t *testing.T) {
	usual, slow := sandbox.PipelineCI(), sandbox.SlowCI(sandbox.PipelineCI())
	for i, job := range slow.Jobs {
		if job.Duration != 6*usual.Jobs[i].Duration || job.Duration < 10*time.Second {
			t.Errorf("%s takes %v, usually %v", job.Name, job.Duration, usual.Jobs[i].Duration)
		}
	}
}

// A module that is text/plain is not run by any browser.
func TestTypesOfThePagesFiles(t *testing.T) {
	for name, want := range map[string]string{
		"index.html": "text/html; charset=utf-8", "kit/blocks.js": "text/javascript; charset=utf-8",
		"a.css":      "text/css; charset=utf-8",
		"emoji.json": "application/json", "icon.svg": "image/svg+xml", "vendor/LICENSE": "text/plain; charset=utf-8",
	} {
		if got := sandbox.ContentType(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
