package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// shows puts the run's card into the channel and its record into the store.
func (o *office) shows(r run.Run) slacktest.Message {
	o.Helper()
	r.Request.Asker, r.Request.Team, r.Request.Channel = o.alice.ID, o.alice.TeamID, o.builds.ID
	api := newSlack(o.slack)
	display := &bot.Display{API: api, Tell: o.cfg.Tell, BotName: func() string { return "pipebot" }, Log: zap.NewNop()}
	_, err := display.Show(o.ctx, r, func(s run.Shown) error {
		r.Shown = s
		return nil
	})
	if err != nil {
		o.Fatal(err)
	}
	o.runs.put(r)
	card, ok := o.builds.Message(o.alice, r.Shown.Card)
	if !ok {
		o.Fatal("the card is not there")
	}
	return card
}

func (o *office) click(card slacktest.Message, button string, answers ...slacktest.Answer) {
	o.Helper()
	if err := o.alice.Click(o.ctx, card, button, answers...); err != nil {
		o.Fatal(err)
	}
	o.finished()
}

func TestButtonsAct(t *testing.T) {
	for _, test := range []struct {
		button  string
		run     run.Run
		answers []slacktest.Answer
		want    []string
	}{
		{"Cancel", running(), []slacktest.Answer{slacktest.Confirm}, []string{"cancel 7/4711 by alice"}},
		{"Cancel", running(), []slacktest.Answer{slacktest.Dismiss}, nil},
		{"Retry", ended(gitlab.StatusFailed), nil, []string{"retry 7/4711 by alice"}},
		{"Start ship", blocked("test", "ship"), []slacktest.Answer{slacktest.Confirm}, []string{"play 7/4711 by alice job 9001"}},
		{"Start ship", blocked("ship"), []slacktest.Answer{slacktest.Dismiss}, nil},
		{"View", running(), nil, nil},
	} {
		t.Run(fmt.Sprintf("%s %v", test.button, test.answers), func(t *testing.T) {
			o := newOffice(t)
			o.click(o.shows(test.run), test.button, test.answers...)
			for i := range test.want {
				test.want[i] = strings.ReplaceAll(test.want[i], "alice", o.alice.ID)
			}
			if diff := cmp.Diff(test.want, o.runs.acted); diff != "" {
				t.Errorf("acts (-want +got):\n%s", diff)
			}
			if got := len(o.slack.Calls("response_url")); got != 0 {
				t.Errorf("alice was told something %d times", got)
			}
			o.clean()
		})
	}
}

func TestCancelAsksFirst(t *testing.T) {
	o := newOffice(t)
	button, _ := o.shows(running()).Button("Cancel")
	want := &slacktest.ConfirmDialog{
		Title: "Cancel this pipeline?", Text: "Pipeline #4711 for feature/login stops; jobs that run are interrupted.",
		Confirm: "Cancel pipeline", Deny: "Keep running",
	}
	if diff := cmp.Diff(want, button.Confirm); diff != "" {
		t.Errorf("the dialog (-want +got):\n%s", diff)
	}
}

func TestButtonsTellWhyTheyDidNothing(t *testing.T) {
	const opening = ":warning: I could not cancel the pipeline. "
	fault := func(kind gitlab.Kind) func(o *office) {
		return func(o *office) {
			o.runs.change(func(f *fakeRuns) {
				f.actErr = fmt.Errorf("canceling: %w", &gitlab.Error{Op: "canceling", Kind: kind, Message: "no <!channel>"})
			})
		}
	}
	record := func(edit func(r *run.Run)) func(o *office) {
		return func(o *office) {
			r := o.runs.runs["V0RUN"]
			edit(&r)
			o.runs.put(r)
		}
	}
	const stale = "This button is out of date; please use the ones on the pipeline's newest card."
	for name, test := range map[string]struct {
		before func(o *office)
		acts   int
		want   string
	}{
		"forbidden":        {fault(gitlab.Forbidden), 1, "My access token may not do this in the project; its owner needs the role Developer. On a protected branch or tag its owner also has to be one of those who may push, merge or create there."},
		"not there":        {fault(gitlab.NotFound), 1, "The pipeline is no longer in GitLab."},
		"refused":          {fault(gitlab.Invalid), 1, "GitLab refused it.\nGitLab says: no <!channel>"},
		"token expired":    {fault(gitlab.Unauthorized), 1, "GitLab does not accept my access token: it has expired or was revoked. Whoever runs me has to renew `GITLAB_TOKEN`."},
		"too many":         {fault(gitlab.RateLimited), 1, "GitLab takes no more requests from me just now. Please try again in a minute."},
		"GitLab is away":   {fault(gitlab.NotSent), 1, "GitLab cannot be reached just now. Please try again in a moment."},
		"no answer":        {fault(gitlab.Unclear), 1, "GitLab gave no answer. Look at the pipeline before you try again."},
		"no store":         {func(o *office) { o.runs.change(func(f *fakeRuns) { f.findErr = errAway }) }, 0, "I cannot reach my own records just now. Please try again in a moment."},
		"a newer card":     {record(func(r *run.Run) { r.Shown.Card = "1.000001" }), 0, stale},
		"another channel":  {record(func(r *run.Run) { r.Shown.Channel = "C0OTHER" }), 0, stale},
		"an unknown run":   {func(o *office) { o.runs.change(func(f *fakeRuns) { clear(f.runs) }) }, 0, stale},
		"a lost card's id": {record(func(r *run.Run) { r.Shown = run.Shown{} }), 0, stale},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			card := o.shows(running())
			test.before(o)
			o.click(card, "Cancel", slacktest.Confirm)
			if diff := cmp.Diff(opening+test.want, o.alone()); diff != "" {
				t.Errorf("alice reads (-want +got):\n%s", diff)
			}
			if got := len(o.runs.acted); got != test.acts {
				t.Errorf("the pipeline was acted upon %d times, want %d", got, test.acts)
			}
			if now, _ := o.builds.Message(o.alice, card.TS); now.Read(readAt) != card.Read(readAt) {
				t.Errorf("the card has changed:\n%s", now.Read(readAt))
			}
			o.clean()
		})
	}
}

// The value of a button comes from outside: one card must not act on the pipeline of
// another.
func TestButtonsOfOneCardDoNotActOnAnother(t *testing.T) {
	o := newOffice(t)
	card := o.shows(running())
	other := running(func(r *run.Run) { r.Request.ID = "V0OTHER" })
	o.shows(other)
	o.deliver(map[string]any{
		"type": "block_actions", "user": map[string]any{"id": o.alice.ID},
		"channel": map[string]any{"id": o.builds.ID}, "container": map[string]any{"message_ts": card.TS, "channel_id": o.builds.ID},
		"actions": []any{map[string]any{"type": "button", "action_id": "cancel", "block_id": "actions", "value": "V0OTHER"}},
	})
	if len(o.runs.acted) != 0 {
		t.Errorf("it acted: %q", o.runs.acted)
	}
}

// In a shared channel people of another workspace see the card, and may do nothing
// with it.
func TestButtonsAreForTheOwnWorkspace(t *testing.T) {
	o := newOffice(t)
	card := o.shows(running())
	mallory := o.slack.AddUser("mallory", slacktest.AsExternal())
	o.builds.Invite(mallory)
	if err := mallory.Click(o.ctx, card, "Cancel", slacktest.Confirm); err != nil {
		t.Fatal(err)
	}
	o.finished()
	told, err := o.slack.WaitMessage(o.ctx, o.builds, mallory, func(m slacktest.Message) bool { return m.Ephemeral })
	if err != nil {
		t.Fatal(err)
	}
	if text := told.Read(askedAt); !strings.Contains(text, "guests and people of other workspaces") {
		t.Errorf("mallory reads %q", text)
	}
	if got := o.runs.acted; len(got) != 0 {
		t.Errorf("the pipeline was acted upon: %q", got)
	}
}

// A project was renamed, and another one has its path now: rights there are none here.
func TestButtonsOfAProjectWhosePathIsTaken(t *testing.T) {
	o := newOffice(t)
	card := o.shows(running())
	taken := *o.projects
	taken.known = map[string]gitlab.Project{"group/app": {ID: 99, Path: "group/app"}}
	o.restart(func(cfg *bot.Config) {
		gate := *cfg.Gate
		gate.Projects = &taken
		cfg.Gate = &gate
	})
	if err := o.alice.Click(o.ctx, card, "Cancel", slacktest.Confirm); err != nil {
		t.Fatal(err)
	}
	o.finished()
	if text := o.alone(); !strings.Contains(text, "the project has another path by now") {
		t.Errorf("alice reads %q", text)
	}
	if got := o.runs.acted; len(got) != 0 {
		t.Errorf("the pipeline was acted upon: %q", got)
	}
}
