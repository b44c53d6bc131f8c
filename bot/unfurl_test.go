package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// unfolded is what stands under the links of a message, in the order of their addresses.
func unfolded(t *testing.T, m slacktest.Message) []string {
	t.Helper()
	var attached []struct {
		Blocks json.RawMessage `json:"blocks"`
		From   string          `json:"from_url"`
	}
	if err := json.Unmarshal(m.Attachments(), &attached); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, a := range attached {
		text, err := slacktest.ReadBlocks(a.Blocks, readAt)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(a.From, appURL)+" "+strings.ReplaceAll(text, "\u00a0", " "))
	}
	return list
}

const pipelineURL = appURL + "/-/pipelines/4711"

func TestUnfurl(t *testing.T) {
	fault := func(kind gitlab.Kind) func(o *office) {
		return func(o *office) {
			o.lists.failing = map[int64]error{7: &gitlab.Error{Op: "reading the pipeline", Kind: kind}}
		}
	}
	seven := ""
	for i := range 7 {
		seven += fmt.Sprintf("%s?%d ", pipelineURL, i)
	}
	for name, test := range map[string]struct {
		before func(o *office)
		says   string
		links  int
	}{
		"a pipeline":                {says: "look: " + pipelineURL, links: 1},
		"as Slack writes links":     {says: "look: <" + pipelineURL + "|this>", links: 1},
		"a page behind it":          {says: pipelineURL + "/builds", links: 1},
		"twice the same":            {says: pipelineURL + " " + pipelineURL, links: 1},
		"two ways to one":           {says: pipelineURL + " " + pipelineURL + "/builds", links: 2},
		"seven":                     {says: seven, links: 5},
		"one that there is not":     {says: appURL + "/-/pipelines/99"},
		"one there is, and one not": {says: appURL + "/-/pipelines/99 " + pipelineURL, links: 1},
		"another page":              {says: appURL + "/-/merge_requests/1"},
		"another project":           {says: "https://gitlab.example/group/other/-/pipelines/4711"},
		"GitLab is away":            {before: fault(gitlab.NotSent), says: pipelineURL},
		"GitLab takes no more":      {before: fault(gitlab.RateLimited), says: pipelineURL},
		"the records are away": {before: func(o *office) {
			o.history.shown = []run.Sighting{{ID: "V0RUN"}}
			o.runs.change(func(f *fakeRuns) { f.findErr = errAway })
		}, says: pipelineURL},
		"by who may not see it": {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest }) }, says: pipelineURL},
		"by who is not linked":  {before: func(o *office) { o.obey(policy.ModeGitLab, "people: [{slack: U0X, gitlab: x}]") }, says: pipelineURL},
		"where a rule is about": {before: func(o *office) {
			o.obey(policy.ModePolicy, "rules: [{channels: ["+o.builds.ID+"], actions: [view], then: allow}]")
		}, says: pipelineURL, links: 1},
		"where no rule is about": {before: func(o *office) {
			o.obey(policy.ModePolicy, "rules: [{channels: [C0OTHER], actions: [view], then: allow}]")
		}, says: pipelineURL},
		"that cannot be written down":  {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.silent = errAway }) }, says: pipelineURL},
		"without the scope to show it": {before: func(o *office) { o.slack.FailNext("chat.unfurl", "missing_scope", 1) }, says: pipelineURL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			m := o.says(o.alice, test.says)
			if got := unfolded(t, m); len(got) != test.links {
				t.Errorf("under it stand %d previews, want %d: %q", len(got), test.links, got)
			}
			if got := len(o.builds.Messages(o.alice)); got != 1 {
				t.Errorf("the channel has %d messages, want alice's alone", got)
			}
			o.clean()
		})
	}
}

// What unfolds is a card without buttons, of what GitLab says now.
func TestUnfurlShowsTheCard(t *testing.T) {
	o := newOffice(t)
	o.runs.put(running(func(r *run.Run) { r.Request.Asker = o.alice.ID }))
	o.history.shown = []run.Sighting{{ID: "V0RUN"}}
	o.lists.in[7] = []gitlab.Pipeline{ended(gitlab.StatusFailed).Pipeline}
	o.lists.progress = ended(gitlab.StatusFailed).Progress
	got := strings.Join(unfolded(t, o.says(o.alice, pipelineURL)), "\n")
	for _, part := range []string{":x: Failed", "`feature/login` · debug · asked for by @" + o.alice.ID, "build 3/3", "Took 4m 12s", "As of "} {
		if !strings.Contains(got, part) {
			t.Errorf("there is no %q in\n%s", part, got)
		}
	}
	if strings.Contains(got, "[") {
		t.Errorf("it has buttons:\n%s", got)
	}
}

// Slack tells twice: the second time changes nothing.
func TestUnfurlTwice(t *testing.T) {
	o := newOffice(t)
	o.slack.RedeliverNext(1)
	o.says(o.alice, pipelineURL)
	if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Calls("chat.unfurl")) == 2 }); err != nil {
		t.Fatal(err)
	}
	o.finished()
	if got := unfolded(t, o.builds.Messages(o.alice)[0]); len(got) != 1 {
		t.Errorf("under it stand %d previews", len(got))
	}
	o.clean()
}

// What is still being written is in no channel yet.
func TestUnfurlLeavesTheComposerAlone(t *testing.T) {
	o := newOffice(t)
	o.slack.Deliver(toJSON(t, map[string]any{
		"envelope_id": "forged", "type": "events_api", "payload": map[string]any{
			"type": "event_callback", "team_id": o.alice.TeamID, "event_id": "Ev1", "event_time": time.Now().Unix(), "event": map[string]any{
				"type": "link_shared", "user": o.alice.ID, "channel": "COMPOSER", "message_ts": "U1-909b5454", "source": "composer",
				"links": []any{map[string]any{"domain": "gitlab.example", "url": pipelineURL}},
			},
		},
	}))
	if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) > 0 }); err != nil {
		t.Fatal(err)
	}
	o.finished()
	if got := len(o.rights.noted()) + len(o.slack.Calls("chat.unfurl")); got != 0 {
		t.Errorf("it was decided about or shown")
	}
}
