package bot_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

func TestCommandOpensTheModal(t *testing.T) {
	o := newOffice(t)
	modal := o.open()
	want := `# Run pipeline
Project:
  [group/app ▾]
Branch or tag:
  [main ▾]
Build type:
  [debug ▾]
Variables (optional):
  [(APP_ENV=staging) ✎]
  ? One KEY=VALUE per line. KEY=@ gives you a field for a file.
[Cancel] [Run]`
	if diff := cmp.Diff(want, modal.Text()); diff != "" {
		t.Errorf("the modal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"group/app"}, o.refs.opened); diff != "" {
		t.Errorf("projects made ready (-want +got):\n%s", diff)
	}
	if got := o.checker.questions(); len(got) != 0 {
		t.Errorf("GitLab was asked for %q before the modal opened", got)
	}
	o.clean()
}

func TestCommandStartsWithTheChannelsProject(t *testing.T) {
	for name, test := range map[string]struct{ last, want string }{
		"the one used last":            {"group/api", "group/api"},
		"none was used":                {"", "group/app"},
		"one that is set up no longer": {"group/old", "group/app"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.history.last = map[string]string{o.builds.ID: test.last}
			if got := o.open().Value("Project"); got != test.want {
				t.Errorf("the modal starts with %q, want %q", got, test.want)
			}
		})
	}
}

// On a cold start GitLab was not reached yet.
func TestCommandOpensWithAnEmptyField(t *testing.T) {
	o := newOffice(t)
	o.restart(func(cfg *bot.Config) { cfg.Projects = &fakeProjects{names: []string{"group/app"}} })
	modal := o.open()
	if got := modal.Value(refField); got != "" {
		t.Errorf("the field shows %q", got)
	}
	groups, err := modal.Options(o.ctx, refField, "")
	if err != nil || shown(groups) != "" {
		t.Errorf("it offers %q, %v", shown(groups), err)
	}
	o.clean()
}

func TestCommandThatCannotOpenSaysSo(t *testing.T) {
	o := newOffice(t)
	o.slack.FailNext("views.open", "internal_error", 1)
	if err := o.alice.Command(o.ctx, o.builds, "/pipeline", ""); err != nil {
		t.Fatal(err)
	}
	if got, want := o.alone(), "Slack did not let me open the form. Please do it again."; got != want {
		t.Errorf("alice reads %q, want %q", got, want)
	}
}

func TestCommandDeliveredTwiceOpensOneModal(t *testing.T) {
	o := newOffice(t)
	o.slack.RedeliverNext(1)
	if err := o.alice.Command(o.ctx, o.builds, "/pipeline", ""); err != nil {
		t.Fatal(err)
	}
	err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) == 2 })
	if err != nil {
		t.Fatal(err)
	}
	if got := o.builds.Messages(o.alice); len(got) != 0 {
		t.Errorf("alice is told:\n%s", got[0].Read(readAt))
	}
}

// shown are the offered options, by their groups.
func shown(groups []slacktest.OptionGroup) string {
	var lines []string
	for _, group := range groups {
		if len(group.Options) == 0 {
			continue
		}
		line := group.Label + ":"
		for _, option := range group.Options {
			line += " " + option.Text
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestSuggest(t *testing.T) {
	recent := func(o *office) {
		o.history.recent = map[string][]gitlab.Ref{
			o.alice.TeamID + " " + o.alice.ID + " group/app": {v1, login},
			o.alice.TeamID + " " + o.alice.ID + " group/api": {{Kind: gitlab.Branch, Name: "of-another-project"}},
		}
	}
	for name, test := range map[string]struct {
		before func(o *office)
		query  string
		want   string
	}{
		"an empty query": {
			query: "", want: "Branches: main newest feature/login\nTags: v2 v1",
		},
		"an empty query, with own recent choices": {
			before: recent, query: "", want: "Branches: main feature/login newest\nTags: v1 v2",
		},
		"a query": {
			before: recent, query: "log", want: "Branches: feature/login",
		},
		"a query for a tag": {
			query: "v", want: "Tags: v2 v1",
		},
		"nothing matches": {
			query: "nothing-like-it", want: "",
		},
		"GitLab fails, and some are known": {
			before: func(o *office) { o.refs.err = &gitlab.Error{Kind: gitlab.Unclear} },
			query:  "log", want: "Branches: feature/login",
		},
		"GitLab fails, and none is known": {
			before: func(o *office) { o.refs.err, o.refs.indexes = errors.New("away"), nil },
			query:  "log", want: "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			groups, err := o.open().Options(o.ctx, refField, test.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, shown(groups)); diff != "" {
				t.Errorf("it offers (-want +got):\n%s", diff)
			}
			o.clean()
		})
	}
}

// An empty list has to be said; left out, Slack shows an error.
func TestSuggestNothingForForgedMetadata(t *testing.T) {
	for name, metadata := range map[string]string{
		"no JSON": "x", "a project of no setting": bot.Form{Project: "group/secret", Channel: channel}.Metadata(),
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			answer := o.deliver(map[string]any{
				"type": "block_suggestion", "action_id": "ref", "value": "", "view": map[string]any{"private_metadata": metadata},
			})
			if answer != `{"options":[]}` {
				t.Errorf("the answer is %s", answer)
			}
		})
	}
}

func TestChooseAnotherProject(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	before := viewOf(t, modal)
	o.choose(modal, "Project", "group/api")
	if got, want := modal.Value("Project")+" "+modal.Value(refField), "group/api trunk"; got != want {
		t.Errorf("the modal shows %q, want %q", got, want)
	}
	if got := modal.Value("Variables"); got != "APP_ENV=staging" {
		t.Errorf("the variables have become %q", got)
	}
	after := viewOf(t, modal)
	if before.refBlock == after.refBlock {
		t.Errorf("the ref field is still %q, and keeps the old choice", after.refBlock)
	}
	if got := o.slack.Calls("views.update")[0].Args["hash"]; got != before.hash {
		t.Errorf("the update is for the hash %v, and the modal had %s", got, before.hash)
	}
	groups, err := modal.Options(o.ctx, refField, "")
	if err != nil || shown(groups) != "Branches: trunk api-only" {
		t.Errorf("it offers %q, %v", shown(groups), err)
	}
	if result := o.submit(modal); !result.Closed {
		t.Errorf("the modal stays: %+v", result)
	}
	if got := o.runs.requests(); len(got) != 1 || got[0].Project != "group/api" || got[0].Ref.Name != "trunk" {
		t.Errorf("the records are %+v", got)
	}
	o.clean()
}

// shape is what the bot sees of an open modal.
type shape struct{ hash, refBlock string }

func viewOf(t *testing.T, modal *slacktest.Modal) shape {
	t.Helper()
	var view struct {
		Hash   string `json:"hash"`
		Blocks []struct {
			ID    string `json:"block_id"`
			Label struct {
				Text string `json:"text"`
			} `json:"label"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal(modal.JSON(), &view); err != nil {
		t.Fatal(err)
	}
	s := shape{hash: view.Hash}
	for _, block := range view.Blocks {
		if block.Label.Text == refField {
			s.refBlock = block.ID
		}
	}
	return s
}

func TestChooseTheSameProject(t *testing.T) {
	o := newOffice(t)
	modal := o.filled()
	o.choose(modal, "Project", "group/app")
	if got := len(o.slack.Calls("views.update")); got != 0 {
		t.Errorf("the modal was made anew %d times", got)
	}
	if got := modal.Value(refField); got != "feature/login" {
		t.Errorf("the ref has become %q", got)
	}
}

func TestChooseIgnoresWhatWasForged(t *testing.T) {
	good := bot.Form{Project: "group/app", Channel: channel}.Metadata()
	for name, test := range map[string]struct{ metadata, option string }{
		"a project of no setting": {good, "group/secret"},
		"no project":              {good, ""},
		"metadata of another":     {bot.Form{Project: "group/secret", Channel: channel}.Metadata(), "group/api"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.deliver(map[string]any{
				"type": "block_actions",
				"view": map[string]any{"id": "V0FORGED", "private_metadata": test.metadata},
				"actions": []any{map[string]any{
					"type": "static_select", "action_id": "project", "block_id": "project",
					"selected_option": map[string]any{"value": test.option},
				}},
			})
			if got := len(o.slack.Calls("views.update")); got != 0 {
				t.Errorf("views.update was called %d times", got)
			}
		})
	}
}
