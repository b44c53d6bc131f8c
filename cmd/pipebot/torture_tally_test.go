package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answer is what somebody who asked for a pipeline knows when they stop trying.
type answer int

// Who is not told for certain may have got a pipeline, and no more than one.
const (
	turnedAway answer = iota // told that nothing was started
	uncertain                // told nothing, or that it is not certain
	taken                    // told that it was taken: the form closed, or "Starting"
)

// wish is a request for one pipeline as who made it knows it. Its key is in the pipeline
// that comes of it.
type wish struct {
	key    string
	run    string // what pipebot will call it, where that is known
	answer answer
	at     time.Time // of the answer
}

// standing is a pipeline as GitLab has it.
type standing struct {
	key, run string // the wish, and pipebot's own mark
	status   string
	created  time.Time
	finished time.Time
}

// posted is a message of pipebot about a run, by its metadata.
type posted struct {
	run, name string // "card", or the name of a reply
	text      string
	buttons   []string
	last      time.Time // when it got its last content
}

// counts are things that were done, by name.
type counts map[string]int

// tally is all that there is to judge by: what people were told, what GitLab has and what
// stands in Slack.
type tally struct {
	wishes    []wish
	pipelines []standing
	messages  []posted
	kills     []time.Time
}

// verdict is what the tally comes to. The findings name what is wrong, by the words of
// the report.
type verdict struct {
	asked, unsure, away int // requests that were taken, not known to be, and refused
	started             int
	findings            map[string][]string
	takenOver, told     []time.Duration
}

// What must not be, as the report calls it.
const (
	lost           = "lost"
	doubled        = "doubled"
	notFinal       = "messages not final"
	cardsDoubled   = "cards doubled"
	repliesDoubled = "completion replies doubled"
	repliesLost    = "completion replies lost"
	deadButtons    = "dead buttons"
)

func wrongs() []string {
	return []string{lost, doubled, notFinal, cardsDoubled, repliesDoubled, repliesLost, deadButtons}
}

// judge counts.
func (t tally) judge() verdict {
	v := verdict{findings: make(map[string][]string)}
	t.judgeRequests(&v)
	t.judgeMessages(&v)
	return v
}

func (v *verdict) find(wrong, format string, args ...any) {
	v.findings[wrong] = append(v.findings[wrong], fmt.Sprintf(format, args...))
}

// judgeRequests holds the pipelines against what people were told.
func (t tally) judgeRequests(v *verdict) {
	byKey := make(map[string][]standing)
	for _, p := range t.pipelines {
		byKey[p.key] = append(byKey[p.key], p)
	}
	v.started = len(t.pipelines)
	for _, w := range t.wishes {
		got := byKey[w.key]
		delete(byKey, w.key)
		most := 1
		switch w.answer {
		case taken:
			v.asked++
			if len(got) == 0 {
				v.find(lost, "request %s was taken as run %s and has no pipeline", w.key, w.run)
			}
		case uncertain:
			v.unsure++
		case turnedAway:
			v.away++
			most = 0
		}
		if len(got) > most {
			v.find(doubled, "request %s has the pipelines %v and should have %d at most", w.key, got, most)
		}
		if len(got) == 1 {
			t.judgeTakeover(v, w, got[0])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		v.find(doubled, "nobody asked for %v", byKey[key])
	}
}

// judgeTakeover measures how long a request waited whose bot died with it in hand.
func (t tally) judgeTakeover(v *verdict, w wish, p standing) {
	for _, kill := range slices.Backward(t.kills) {
		if w.answer == taken && kill.After(w.at) && kill.Before(p.created) {
			v.takenOver = append(v.takenOver, p.created.Sub(kill))
			return
		}
	}
}

// words for how a pipeline ended, as a card has them.
func wordFor(status string) string {
	return map[string]string{"success": "Passed", "failed": "Failed", "canceled": "Canceled", "skipped": "Skipped"}[status]
}

// judgeMessages holds what stands in Slack against the pipelines.
func (t tally) judgeMessages(v *verdict) {
	byRun := make(map[string][]posted)
	for _, m := range t.messages {
		byRun[m.run] = append(byRun[m.run], m)
	}
	for _, p := range t.pipelines {
		var cards, replies []posted
		names := make(map[string]int)
		for _, m := range byRun[p.run] {
			switch {
			case m.name == "card":
				cards = append(cards, m)
			case strings.HasPrefix(m.name, "ended:"):
				replies = append(replies, m)
				names[m.name]++
			}
		}
		delete(byRun, p.run)
		if len(cards) > 1 {
			v.find(cardsDoubled, "run %s has %d cards", p.run, len(cards))
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if names[name] > 1 {
				v.find(repliesDoubled, "run %s has its reply %s %d times", p.run, name, names[name])
			}
		}
		if len(replies) == 0 {
			v.find(repliesLost, "run %s has no reply, and its pipeline is %s", p.run, p.status)
		}
		if len(cards) == 0 {
			v.find(notFinal, "run %s has no card, and its pipeline is %s", p.run, p.status)
		}
		for _, c := range cards {
			judgeCard(v, p, c)
		}
	}
	for _, run := range slices.Sorted(maps.Keys(byRun)) {
		for _, m := range byRun[run] {
			v.find(notFinal, "run %s has no pipeline, and a message that reads %q", run, m.text)
		}
	}
}

func judgeCard(v *verdict, p standing, card posted) {
	word := wordFor(p.status)
	if word == "" || !strings.Contains(card.text, word) {
		v.find(notFinal, "run %s: its pipeline is %s, and its card reads %q", p.run, p.status, card.text)
		return
	}
	if slices.Contains(card.buttons, "Cancel") {
		v.find(deadButtons, "run %s is %s, and its card still offers Cancel", p.run, p.status)
	}
	if card.last.After(p.finished) {
		v.told = append(v.told, card.last.Sub(p.finished))
	}
}

// right reports whether nothing is wrong.
func (v verdict) right() bool { return len(v.findings) == 0 }

// report is the verdict as people read it, with what was done.
func (v verdict) report(done counts, back []time.Duration) string {
	var b strings.Builder
	line := func(what string, value any) { fmt.Fprintf(&b, "  %-48s %v\n", what, value) }
	b.WriteString("what was done\n")
	for _, what := range slices.Sorted(maps.Keys(done)) {
		line(what, done[what])
	}
	b.WriteString("what came of it\n")
	line("pipelines asked for, and taken", v.asked)
	line("  not known to be taken", v.unsure)
	line("  refused while something was away", v.away)
	line("pipelines started", v.started)
	for _, wrong := range wrongs() {
		line(wrong, len(v.findings[wrong]))
	}
	b.WriteString("how long it took, median and worst\n")
	line("from a kill to the next answer to somebody", spread(back))
	line("from a kill to the start it interrupted", spread(v.takenOver))
	line("from a pipeline's end to the card's last edit", spread(v.told))
	for _, wrong := range wrongs() {
		for _, finding := range v.findings[wrong] {
			fmt.Fprintf(&b, "%s: %s\n", strings.ToUpper(wrong), finding)
		}
	}
	return b.String()
}

// spread is the median and the worst.
func spread(took []time.Duration) string {
	if len(took) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(took))
	return fmt.Sprintf("%.1f s, %.1f s (of %d)", sorted[len(sorted)/2].Seconds(), sorted[len(sorted)-1].Seconds(), len(sorted))
}

// A tally of one request, in order and with one thing wrong at a time.
func TestTallyFindsWhatIsWrong(t *testing.T) {
	begin := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	asked := wish{key: "1/U1", answer: taken, at: begin}
	pipeline := standing{key: "1/U1", run: "V1", status: "success", created: begin.Add(time.Second), finished: begin.Add(3 * time.Second)}
	card := posted{run: "V1", name: "card", text: "Passed", buttons: []string{"View", "Run again"}, last: begin.Add(4 * time.Second)}
	reply := posted{run: "V1", name: "ended:0"}
	second := pipeline
	second.run = "V2"
	running, open, clickable := pipeline, card, card
	running.status = "running"
	open.text = "Running"
	clickable.buttons = []string{"View", "Cancel"}
	away := asked
	away.answer = turnedAway
	unsure := asked
	unsure.answer = uncertain
	tests := map[string]struct {
		tally tally
		want  []string
	}{
		"in order": {tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{card, reply}}, nil},
		"not taken for certain, and there": {
			tally{wishes: []wish{unsure}, pipelines: []standing{pipeline}, messages: []posted{card, reply}}, nil,
		},
		"not taken for certain, and not there": {tally{wishes: []wish{unsure}}, nil},
		"refused":                              {tally{wishes: []wish{away}}, nil},
		"retried, with a reply for each end": {
			tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{card, reply, {run: "V1", name: "ended:1"}}}, nil,
		},
		lost: {tally{wishes: []wish{asked}}, []string{lost}},
		doubled: {
			tally{
				wishes: []wish{asked}, pipelines: []standing{pipeline, second},
				messages: []posted{card, reply, {run: "V2", name: "card", text: "Passed"}, {run: "V2", name: "ended:0"}},
			},
			[]string{doubled},
		},
		"started though refused":   {tally{wishes: []wish{away}, pipelines: []standing{pipeline}, messages: []posted{card, reply}}, []string{doubled}},
		"started for nobody":       {tally{pipelines: []standing{pipeline}, messages: []posted{card, reply}}, []string{doubled}},
		"not ended":                {tally{wishes: []wish{asked}, pipelines: []standing{running}, messages: []posted{open, reply}}, []string{notFinal}},
		"a card of an older state": {tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{open, reply}}, []string{notFinal}},
		"no card":                  {tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{reply}}, []string{notFinal}},
		"a card of no pipeline":    {tally{wishes: []wish{unsure}, messages: []posted{card}}, []string{notFinal}},
		"two cards":                {tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{card, card, reply}}, []string{cardsDoubled}},
		"two replies":              {tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{card, reply, reply}}, []string{repliesDoubled}},
		"no reply":                 {tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{card}}, []string{repliesLost}},
		"a button that does nothing": {
			tally{wishes: []wish{asked}, pipelines: []standing{pipeline}, messages: []posted{clickable, reply}}, []string{deadButtons},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := tt.tally.judge()
			if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(v.findings))); diff != "" {
				t.Errorf("what is wrong differs:\n%s", diff)
			}
			if v.right() != (tt.want == nil) {
				t.Errorf("right is %v", v.right())
			}
			for _, wrong := range tt.want {
				if report := v.report(nil, nil); !strings.Contains(report, strings.ToUpper(wrong)+": ") {
					t.Errorf("the report does not name what is %s:\n%s", wrong, report)
				}
			}
		})
	}
}

func TestTallyMeasuresTheWayBack(t *testing.T) {
	begin := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	v := tally{
		wishes:    []wish{{"1/U1", "", taken, begin}, {"2/U1", "", taken, begin.Add(5 * time.Second)}},
		pipelines: []standing{{key: "1/U1", created: begin.Add(4 * time.Second)}, {key: "2/U1", created: begin.Add(6 * time.Second)}},
		kills:     []time.Time{begin.Add(time.Second), begin.Add(2 * time.Second)},
	}.judge()
	if diff := cmp.Diff([]time.Duration{2 * time.Second}, v.takenOver); diff != "" {
		t.Errorf("only the first was interrupted, last two seconds before it started:\n%s", diff)
	}
}
