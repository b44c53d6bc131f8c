package bot_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// goingOn are the statuses of a pipeline that has not ended.
var goingOn = []gitlab.Status{
	gitlab.StatusCreated, "preparing", gitlab.StatusPending, "waiting_for_resource", "waiting_for_callback",
	gitlab.StatusRunning, gitlab.StatusManual, gitlab.StatusScheduled,
}

// address is the address behind a link, as ReadBlocks writes it. People do not see it.
var address = regexp.MustCompile(` \(https://[^)]*\)`)

func TestCardKeepsItsSize(t *testing.T) {
	const widest = 320 // characters of a line with every name at its longest
	small := size(t, running(inStages(2, 2)))
	for _, status := range goingOn {
		for name, jobs := range map[string]edit{
			"no jobs yet":                 func(r *run.Run) { r.Progress = gitlab.Progress{} },
			"2 jobs in 2 stages":          inStages(2, 2),
			"72 jobs in 12 stages":        inStages(72, 12),
			"72 jobs in 1 stage":          inStages(72, 1),
			"2000 jobs in 100 stages":     inStages(2000, 100),
			"2000 jobs that failed":       func(r *run.Run) { failing(numbered("test", 2000))(r) },
			"2000 manual jobs":            func(r *run.Run) { *r = blocked(strings.Split(strings.Repeat("x ", 2000), " ")...) },
			"2000 jobs with long names":   func(r *run.Run) { inStages(2000, 100)(r); longNames(r) },
			"2000 jobs with wide letters": func(r *run.Run) { inStages(2000, 100)(r); named(r, strings.Repeat("漢", 200)) },
		} {
			t.Run(fmt.Sprintf("%s, %s", status, name), func(t *testing.T) {
				got := size(t, running(jobs, func(r *run.Run) { r.Pipeline.Status = status }))
				if got.blocks != small.blocks || got.lines != small.lines {
					t.Errorf("%d blocks and %d lines, with 2 running jobs %d and %d", got.blocks, got.lines, small.blocks, small.lines)
				}
				if got.widest > widest {
					t.Errorf("a line has %d characters, want %d at most", got.widest, widest)
				}
			})
		}
	}
}

// sizes are what people see of a card's size.
type sizes struct{ blocks, lines, widest int }

func size(t *testing.T, r run.Run) sizes {
	t.Helper()
	p := picture{message: bot.Card(r)}
	s := sizes{blocks: len(p.message.Blocks)}
	for _, line := range p.lines(t) {
		s.lines++
		s.widest = max(s.widest, utf8.RuneCountInString(address.ReplaceAllString(line, "")))
	}
	return s
}

func TestAround(t *testing.T) {
	// Each letter is a stage: s has passed, r runs, c is still to come, f failed.
	statuses := map[rune]gitlab.Status{
		's': gitlab.StatusSuccess, 'r': gitlab.StatusRunning, 'c': gitlab.StatusCreated, 'f': gitlab.StatusFailed,
	}
	for _, test := range []struct {
		stages string
		count  int
		want   string // the stages that are shown, by number
	}{
		{"rccccccc", 4, "0 1 2 3"},
		{"srcccccc", 4, "0 1 2 3"},
		{"ssrccccc", 4, "0 1 2 3"},
		{"sssrcccc", 4, "1 2 3 4"},
		{"sssssrcc", 4, "3 4 5 6"},
		{"ssssssrc", 4, "4 5 6 7"},
		{"sssssssr", 4, "4 5 6 7"},
		{"ssssssss", 4, "4 5 6 7"},
		{"ssfsssss", 4, "0 1 2 3"},
		{"ssssfccc", 3, "3 4 5"},
		{"ssrc", 4, "0 1 2 3"},
	} {
		t.Run(test.stages, func(t *testing.T) {
			var list []gitlab.Stage
			for i, letter := range test.stages {
				list = append(list, gitlab.Stage{Name: fmt.Sprint(i), Status: statuses[letter]})
			}
			var got []string
			for _, stage := range bot.Around(list, test.count) {
				got = append(got, stage.Name)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
		})
	}
}

// A button that would do nothing is not there.
func TestCardButtons(t *testing.T) {
	for _, test := range []struct {
		name string
		run  run.Run
		want string
	}{
		{"starting", requested(), ""},
		{"running", running(), "[View ↗] [Cancel]"},
		{"waiting", blocked("ship"), "[View ↗] [Start ship]"},
		{"waiting for 10 jobs", blocked("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"), "[View ↗] [Start a] [Start b]"},
		{"followed", followed(running()), "[View ↗] [Cancel]"},
		{"canceling", running(func(r *run.Run) { r.Pipeline.Status = gitlab.StatusCanceling }), "[View ↗]"},
		{"passed", ended(gitlab.StatusSuccess), "[View ↗] [Run again]"},
		{"failed", ended(gitlab.StatusFailed), "[View ↗] [Retry] [Run again]"},
		{"failed by YAML", ended(gitlab.StatusFailed, yamlErrors("x")), "[View ↗] [Run again]"},
		{"canceled", ended(gitlab.StatusCanceled), "[View ↗] [Retry] [Run again]"},
		{"skipped", ended(gitlab.StatusSkipped), "[View ↗] [Run again]"},
		{"deleted", deleted(), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := picture{message: bot.Card(test.run)}.lines(t)
			got := lines[len(lines)-1]
			if !strings.HasPrefix(got, "[") {
				got = ""
			}
			if got != test.want {
				t.Errorf("the buttons are %q, want %q", got, test.want)
			}
		})
	}
}
