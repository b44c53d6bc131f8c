package slacktest_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"pipebot/bot/slacktest"
)

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

func mrkdwnText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, false)
}

func opt(text string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(strings.ToLower(text), plainText(text), nil)
}

// deployModal has a static menu that tells the app, an external menu that depends on it, and a text field.
func deployModal(project string) slack.ModalViewRequest {
	projects := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainText("Choose a project"), "project", opt("App"), opt("Api"))
	projects.InitialOption = opt(project)
	projectBlock := slack.NewInputBlock("project", plainText("Project"), nil, projects)
	projectBlock.DispatchAction = true
	least := 1
	refs := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plainText("Choose a ref"), "ref")
	refs.MinQueryLength = &least
	note := slack.NewInputBlock("note", plainText("Note"), plainText("Anything worth knowing"), slack.NewPlainTextInputBlockElement(nil, "note"))
	note.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: "deploy", PrivateMetadata: project,
		Title: plainText("Run a pipeline"), Submit: plainText("Run"), Close: plainText("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			projectBlock,
			slack.NewInputBlock("ref-"+project, plainText("Ref"), nil, refs),
			note,
		}},
	}
}

// deployApp is an app with a command, a modal and a card that it edits.
func deployApp(t *testing.T) func(a *app, e socketmode.Event) {
	t.Helper()
	card := func(done bool) []slack.MsgOption {
		if done {
			return []slack.MsgOption{slack.MsgOptionText("canceled", false), slack.MsgOptionBlocks(
				slack.NewSectionBlock(mrkdwnText("*canceled* by <@"+"U"+">"), nil, nil))}
		}
		cancel := slack.NewButtonBlockElement("cancel", "42", plainText("Cancel"))
		cancel.Confirm = slack.NewConfirmationBlockObject(plainText("Cancel it?"), plainText("Jobs stop."), plainText("Cancel it"), plainText("Keep it"))
		return []slack.MsgOption{slack.MsgOptionText("running", false), slack.MsgOptionBlocks(
			slack.NewSectionBlock(mrkdwnText("*running* <https://gitlab.example/42|#42>"), nil, nil),
			slack.NewActionBlock("buttons", cancel))}
	}
	return func(a *app, e socketmode.Event) {
		ctx := context.Background()
		check := func(err error) {
			if err != nil {
				t.Errorf("the app: %v", err)
			}
		}
		switch data := e.Data.(type) {
		case slack.SlashCommand:
			_, err := a.OpenViewContext(ctx, data.TriggerID, deployModal("App"))
			check(err)
			a.ack(t, e)
		case slack.InteractionCallback:
			switch data.Type {
			case slack.InteractionTypeBlockSuggestion:
				a.ack(t, e, slack.OptionsResponse{Options: []*slack.OptionBlockObject{
					opt(data.View.PrivateMetadata + "/" + data.Value), opt("main"),
				}})
			case slack.InteractionTypeBlockActions:
				if data.View.ID != "" {
					_, err := a.UpdateViewContext(ctx, deployModal(data.ActionCallback.BlockActions[0].SelectedOption.Text.Text), "", data.View.Hash, data.View.ID)
					check(err)
				} else {
					_, _, _, err := a.UpdateMessageContext(ctx, data.Channel.ID, data.Message.Timestamp, card(true)...)
					check(err)
				}
				a.ack(t, e)
			case slack.InteractionTypeViewSubmission:
				note := data.View.State.Values["note"]["note"].Value
				if note == "bad" {
					a.ack(t, e, slack.NewErrorsViewSubmissionResponse(map[string]string{"note": "Not that."}))
					return
				}
				a.ack(t, e)
				_, ts, err := a.PostMessageContext(ctx, note, card(false)...)
				check(err)
				_, _, err = a.PostMessageContext(ctx, note, slack.MsgOptionText("<@"+data.User.ID+"> started", false), slack.MsgOptionTS(ts))
				check(err)
			}
		}
	}
}

func TestFlow(t *testing.T) {
	s := newServer(t, slacktest.Config{Commands: []string{"/pipeline"}})
	alice := s.AddUser("alice")
	builds := s.AddChannel("builds", slacktest.Private, alice)
	builds.InviteBot()
	startApp(t, s, deployApp(t))
	ctx := testContext(t)

	if err := alice.Command(ctx, builds, "/pipeline", ""); err != nil {
		t.Fatal(err)
	}
	modal := must(alice.Modal(ctx))(t)
	want := `# Run a pipeline
Project:
  [App ▾]
Ref:
  [(Choose a ref) ▾]
Note (optional):
  [() ✎]
  ? Anything worth knowing
[Cancel] [Run]`
	if diff := cmp.Diff(want, modal.Text()); diff != "" {
		t.Fatalf("the modal (-want +got):\n%s", diff)
	}

	refused := must(modal.Submit(ctx))(t)
	if diff := cmp.Diff(map[string]string{"Ref": "Please complete this required field."}, refused.Errors); diff != "" {
		t.Fatalf("submitting an empty field (-want +got):\n%s", diff)
	}

	groups := must(modal.Options(ctx, "Ref", "fix"))(t)
	if len(groups) != 1 || len(groups[0].Options) != 2 || groups[0].Options[0].Text != "App/fix" {
		t.Fatalf("the options are %+v", groups)
	}
	if err := modal.Choose(ctx, "Ref", "App/fix"); err != nil {
		t.Fatal(err)
	}
	if err := modal.Choose(ctx, "Project", "Api"); err != nil {
		t.Fatal(err)
	}
	if got := modal.Value("Project") + modal.Value("Ref"); got != "Api" {
		t.Fatalf("after the other project with a new block_id for the ref: %q", got)
	}
	if err := modal.Choose(ctx, "Ref", "main"); err != nil {
		t.Fatal(err)
	}
	if err := modal.Fill("Note", "bad"); err != nil {
		t.Fatal(err)
	}
	answered := must(modal.Submit(ctx))(t)
	if diff := cmp.Diff(slacktest.SubmitResult{Errors: map[string]string{"Note": "Not that."}}, answered); diff != "" {
		t.Fatalf("submitting what the app refuses (-want +got):\n%s", diff)
	}
	if !strings.Contains(modal.Text(), "  ! Not that.") {
		t.Fatalf("no inline error in:\n%s", modal.Text())
	}
	if err := modal.Fill("Note", builds.ID); err != nil {
		t.Fatal(err)
	}
	if done := must(modal.Submit(ctx))(t); !done.Closed {
		t.Fatalf("submitting gave %+v", done)
	}

	card := must(s.WaitMessage(ctx, builds, alice, func(m slacktest.Message) bool { return m.ReplyCount == 1 }))(t)
	if diff := cmp.Diff("running #42 (https://gitlab.example/42)\n[Cancel]", card.Read(time.Now())); diff != "" {
		t.Fatalf("the card (-want +got):\n%s", diff)
	}
	if err := alice.Click(ctx, card, "Cancel"); err == nil {
		t.Fatal("a button with a confirm dialog was pressed without an answer")
	}
	if err := alice.Click(ctx, card, "Cancel", slacktest.Dismiss); err != nil {
		t.Fatal(err)
	}
	if now, _ := builds.Message(alice, card.TS); len(now.Revisions) != 1 {
		t.Fatalf("dismissing led to %d revisions", len(now.Revisions))
	}
	if err := alice.Click(ctx, card, "Cancel", slacktest.Confirm); err != nil {
		t.Fatal(err)
	}
	card = must(s.WaitMessage(ctx, builds, alice, func(m slacktest.Message) bool { return m.Edited }))(t)
	if diff := cmp.Diff("canceled by @U", card.Read(time.Now())); diff != "" {
		t.Fatalf("the edited card (-want +got):\n%s", diff)
	}
	if n := len(card.Revisions); n != 2 {
		t.Errorf("the card has %d revisions, want 2", n)
	}
	notes := s.Notifications(alice)
	if len(notes) != 1 || notes[0].Text != "@alice started" || notes[0].Why != "mention" {
		t.Errorf("alice was notified of %+v, want the mention in the thread only", notes)
	}
	noViolations(t, s)
}

func TestCommandAnswer(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice, bob := s.AddUser("alice"), s.AddUser("bob")
	direct := s.DMBetween(alice, bob)
	startApp(t, s, func(a *app, e socketmode.Event) {
		if data, ok := e.Data.(slack.SlashCommand); ok {
			a.ack(t, e, map[string]any{"text": "In " + data.ChannelName})
		}
	})
	if err := alice.Command(testContext(t), direct, "/pipeline", "help"); err != nil {
		t.Fatal(err)
	}
	if got := direct.Messages(bob); len(got) != 0 {
		t.Errorf("bob sees %+v", got)
	}
	got := direct.Messages(alice)
	if len(got) != 1 || got[0].Text != "In directmessage" || !got[0].Ephemeral {
		t.Errorf("alice sees %+v", got)
	}
}

func TestHomeTab(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	startApp(t, s, func(a *app, e socketmode.Event) {
		if e.Type == socketmode.EventTypeEventsAPI {
			view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewHeaderBlock(plainText("Your runs"))}}}
			if _, err := a.PublishViewContext(context.Background(), slack.PublishViewContextRequest{UserID: alice.ID, View: view}); err != nil {
				t.Errorf("publishing: %v", err)
			}
			a.ack(t, e)
		}
	})
	if err := alice.OpenHome(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := alice.Home().Text(); got != "# Your runs" {
		t.Errorf("the home tab shows %q", got)
	}
}

func TestPayloadsKeepSlacksShape(t *testing.T) {
	s := newServer(t, slacktest.Config{})
	alice := s.AddUser("alice")
	general := s.AddChannel("general", slacktest.Public, alice)
	w := dial(t, s)
	if hello := w.read(); hello["type"] != "hello" {
		t.Fatalf("the first frame is %v", hello)
	}
	done := make(chan error, 1)
	go func() { done <- alice.Command(testContext(t), general, "/pipeline", "app main") }()
	envelope := w.read()
	w.ack(envelope)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	payload := envelope["payload"].(map[string]any)
	var got []string
	for _, key := range []string{
		"token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name", "command", "text",
		"api_app_id", "response_url", "trigger_id",
	} {
		if v, _ := payload[key].(string); v == "" {
			got = append(got, key)
		}
	}
	if got != nil {
		t.Errorf("these are missing in a slash command: %v in %s", got, must(json.Marshal(payload))(t))
	}
	if envelope["accepts_response_payload"] != true || envelope["type"] != "slash_commands" {
		t.Errorf("the envelope is %v", envelope)
	}
}
