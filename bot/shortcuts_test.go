package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// The first address of a pipeline counts, wherever in a message it is.
func TestTargetInAMessage(t *testing.T) {
	link := func(url string) slack.Blocks {
		return slack.Blocks{BlockSet: []slack.Block{slack.NewRichTextBlock("x", slack.NewRichTextSection(
			slack.NewRichTextSectionTextElement("see ", nil), slack.NewRichTextSectionLinkElement(url, "this", nil)))}}
	}
	list := slack.Blocks{BlockSet: []slack.Block{slack.NewRichTextBlock("x", slack.NewRichTextList(slack.RTEListBullet, 0,
		slack.NewRichTextSection(slack.NewRichTextSectionLinkElement(pipelineURL, "", nil))))}}
	says := func(text string) slack.Message { return slack.Message{Msg: slack.Msg{Text: text}} }
	app := bot.Target{Project: "group/app", ID: 4711}
	for name, test := range map[string]struct {
		message slack.Message
		want    bot.Target
	}{
		"nothing":              {},
		"an address":           {says("look: " + pipelineURL), app},
		"at a sentence's end":  {says("Is " + pipelineURL + ". green, " + pipelineURL + "?"), app},
		"in brackets":          {says("(" + pipelineURL + ")"), app},
		"as Slack writes it":   {says("see <" + pipelineURL + "|Pipeline #4711>, and <" + appURL + "/-/pipelines/2>"), app},
		"with a query":         {says("<" + pipelineURL + "?a=1&amp;b=2>"), app},
		"behind other links":   {says("https://example.com " + appURL + "/-/jobs/1 " + pipelineURL), app},
		"of another GitLab":    {says("https://elsewhere.example/group/app/-/pipelines/1"), bot.Target{}},
		"of another project":   {says("https://gitlab.example/group/other/-/pipelines/1"), bot.Target{}},
		"an id is none":        {says("4711, #42 and group/app"), bot.Target{}},
		"in a block":           {slack.Message{Msg: slack.Msg{Text: "see this", Blocks: link(pipelineURL)}}, app},
		"in a list":            {slack.Message{Msg: slack.Msg{Blocks: list}}, app},
		"text before blocks":   {slack.Message{Msg: slack.Msg{Text: appURL + "/-/pipelines/2", Blocks: link(pipelineURL)}}, bot.Target{Project: "group/app", ID: 2}},
		"attached":             {slack.Message{Msg: slack.Msg{Attachments: []slack.Attachment{{TitleLink: pipelineURL}}}}, app},
		"unfolded":             {slack.Message{Msg: slack.Msg{Attachments: []slack.Attachment{{FromURL: pipelineURL}}}}, app},
		"in an attached block": {slack.Message{Msg: slack.Msg{Attachments: []slack.Attachment{{Blocks: link(pipelineURL)}}}}, app},
		"one of the bot's cards": {slack.Message{Msg: slack.Msg{
			Text: bot.Card(running()).Text, Blocks: slack.Blocks{BlockSet: bot.Card(running()).Blocks},
		}}, app},
		"one of its replies": {slack.Message{Msg: slack.Msg{
			Blocks: slack.Blocks{BlockSet: bot.Replies(ended(gitlab.StatusSuccess))[0].Blocks},
		}}, app},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			got, ok := bot.TargetIn(o.bot.Load(), test.message)
			if diff := cmp.Diff(test.want, got); diff != "" || ok != (test.want != bot.Target{}) {
				t.Errorf("%t (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestFollowAMessage(t *testing.T) {
	o := newOffice(t)
	bob := o.slack.AddUser("bob")
	o.builds.Invite(bob)
	m, err := bob.Post(o.builds, "is <"+pipelineURL+"> green?", "")
	if err != nil {
		t.Fatal(err)
	}
	o.shortcut(o.alice, m)
	if got := o.follows(); len(got) != 1 || got[0] != "F-BUILDS-7-4711 quiet=false origin=" {
		t.Errorf("it follows %q", got)
	}
	o.hears(o.alice, "I follow Pipeline #4711")
	o.shortcut(o.alice, o.says(bob, "good morning"))
	o.hears(o.alice, "I find no address of a pipeline in this message")
	o.hears(bob, "")
	o.clean()
}

// A card is found by itself: whoever uses the menu of it becomes one of its followers.
func TestFollowACard(t *testing.T) {
	o := newOffice(t)
	o.carded(running())
	o.shortcut(o.alice, o.builds.Messages(o.alice)[0])
	if want := fmt.Sprintf("add the follower %s to V0RUN", o.alice.ID); len(o.runs.acted) != 1 || o.runs.acted[0] != want {
		t.Errorf("it did %q, want %q", o.runs.acted, want)
	}
	o.hears(o.alice, "Its card is here")
	if now := o.builds.Messages(o.alice)[0]; !strings.Contains(now.Read(readAt), "Running") {
		t.Errorf("the card reads\n%s", now.Read(readAt))
	}
	o.clean()
}

// Where an answer is long in coming, it does not come in the place of the message whose
// menu was used.
func TestFollowAMessageWhileGitLabIsSlow(t *testing.T) {
	o := newOffice(t)
	o.shows(running())
	o.lists.before = func() {
		_, err := o.slack.WaitMessage(o.ctx, o.builds, o.alice, func(m slacktest.Message) bool { return strings.Contains(m.Text, "Looking for the pipeline") })
		if err != nil {
			t.Error(err)
		}
	}
	o.shortcut(o.alice, o.builds.Messages(o.alice)[0])
	o.hears(o.alice, "I follow Pipeline #4711")
	if now := o.builds.Messages(o.alice)[0]; !strings.Contains(now.Read(readAt), "Running") {
		t.Errorf("the card reads\n%s", now.Read(readAt))
	}
	o.clean()
}

// Slack does not take away what a command was answered with: where that says what is being
// done, something below it says that it is.
func TestTypedWhileGitLabIsSlow(t *testing.T) {
	for typed, want := range map[string]string{"status 4711": "I found it: its card shows how it goes on", "follow 4711": "I follow Pipeline #4711"} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.lists.before = func() {
				_, err := o.slack.WaitMessage(o.ctx, o.builds, o.alice, func(m slacktest.Message) bool { return strings.Contains(m.Text, "Looking for the pipeline") })
				if err != nil {
					t.Error(err)
				}
			}
			o.types(typed)
			o.hears(o.alice, want)
			for _, call := range o.slack.Calls("response_url") {
				if call.Args["replace_original"] == true || call.Args["delete_original"] == true {
					t.Errorf("it relies on Slack to take an answer away: %v", call.Args)
				}
			}
			o.clean()
		})
	}
}

// The form opens outside of any channel, for the project that the person used last there.
func TestRunShortcut(t *testing.T) {
	o := newOffice(t)
	o.history.last = map[string]string{o.alice.ID: "group/api"}
	if err := o.alice.Shortcut(o.ctx, "run_pipeline"); err != nil {
		t.Fatal(err)
	}
	o.finished()
	modal := o.alice.OpenModal()
	if modal == nil {
		t.Fatal("no form is open")
	}
	f, err := bot.ParseForm(modal.PrivateMetadata(), []string{"group/app", "group/api"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bot.Form{Project: "group/api", Channel: o.alice.ID}, f); diff != "" {
		t.Errorf("the form (-want +got):\n%s", diff)
	}
	o.clean()
}

func TestRunShortcutThatSlackRefuses(t *testing.T) {
	for reason, want := range map[string]string{"expired_trigger_id": "Slack did not let me open the form. Please do it again.", "exchanged_trigger_id": ""} {
		t.Run(reason, func(t *testing.T) {
			o := newOffice(t)
			o.slack.FailNext("views.open", reason, 1)
			if err := o.alice.Shortcut(o.ctx, "run_pipeline"); err != nil {
				t.Fatal(err)
			}
			o.finished()
			var heard []string
			for _, m := range o.slack.DM(o.alice).Messages(o.alice) {
				heard = append(heard, m.Read(readAt))
			}
			if got := strings.Join(heard, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("alice reads %q, want %q", got, want)
			}
			if got := len(o.slack.Calls("chat.postEphemeral")); got != 0 {
				t.Error("it was said in no channel at all")
			}
			o.clean()
		})
	}
}
