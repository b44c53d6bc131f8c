package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// heldForApproval is a request that waits for a second person.
func heldForApproval(edits ...edit) run.Run {
	return edited(requested(func(r *run.Run) {
		r.State = run.Held
		r.Hold = &run.Hold{
			For: run.ForApproval, Rule: "releases", Reason: "Customers get it",
			Approvers: run.Approvers{Users: []string{"U0BOB"}, Groups: []string{"S0OPS"}, Roles: []string{"maintainer"}},
			SHA:       mainSHA, Until: askedAt.Add(4 * time.Hour), Lasts: 4 * time.Hour,
		}
	}), edits...)
}

// drivers do what each route is for, as somebody.
func drivers() map[string]func(o *office, who *slacktest.User) {
	typed := func(text string) func(o *office, who *slacktest.User) {
		return func(o *office, who *slacktest.User) {
			if err := who.Command(o.ctx, o.builds, "/pipeline", text); err != nil {
				o.Fatal(err)
			}
		}
	}
	pressed := func(r run.Run, button string) func(o *office, who *slacktest.User) {
		return func(o *office, who *slacktest.User) {
			b, ok := o.shows(r).Button(button)
			if !ok {
				o.Fatalf("there is no button %s", button)
			}
			shown, err := o.runs.Find(o.ctx, r.Request.ID)
			if err != nil {
				o.Fatal(err)
			}
			o.deliver(o.blockAction(who, b.ActionID, b.Value, shown.Shown))
		}
	}
	form := func(o *office) map[string]any {
		return map[string]any{"id": "V0FORM", "callback_id": "run", "private_metadata": bot.Form{Project: "group/app", Channel: o.builds.ID}.Metadata()}
	}
	confirms := func(verb string) func(o *office, who *slacktest.User) {
		return func(o *office, who *slacktest.User) {
			o.deliver(o.confirms(who, verb, verb+" 7/4711 "+o.builds.ID))
		}
	}
	return map[string]func(o *office, who *slacktest.User){
		"command list": typed("list group/app --status failed"),
		"action follow": func(o *office, who *slacktest.User) {
			o.deliver(o.blockAction(who, "follow", "7/4711", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		},
		"action list_next":     pressedIn("list_next", "2 group/app"),
		"action list_previous": pressedIn("list_previous", "1 group/app"),
		"action list_again":    pressedIn("list_again", "1 group/app"),
		"action pipeline_menu": func(o *office, who *slacktest.User) { o.deliver(o.menuAction(who, "follow 7/4711")) },
		"action open_form": func(o *office, who *slacktest.User) {
			o.deliver(o.blockAction(who, "open_form", "open", run.Shown{}))
		},
		"event app_home_opened": func(o *office, who *slacktest.User) {
			if err := who.OpenHome(o.ctx); err != nil {
				o.Fatal(err)
			}
		},

		"command retry":              typed("retry 4711"),
		"command cancel":             typed("cancel 4711"),
		"command delete":             typed("delete 4711"),
		"command play":               typed("play 4711"),
		"command variables":          typed("variables 4711"),
		"submission cancel_pipeline": confirms("cancel"),
		"submission delete_pipeline": confirms("delete"),
		"action start_job": func(o *office, who *slacktest.User) {
			o.lists.jobs = manualJobs("ship")
			o.deliver(o.blockAction(who, "start_job.0", "7/4711 9000", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		},
		"action reveal": func(o *office, who *slacktest.User) {
			o.deliver(o.blockAction(who, "reveal", "7/4711", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		},
		"command ":            typed(""),
		"command status":      typed("status 4711"),
		"command follow":      typed("follow #42"),
		"command run":         typed("run group/app refs/heads/main debug"),
		"command can-i":       typed("can-i group/app main"),
		"command link":        typed("link"),
		"command unlink":      typed("unlink"),
		"command freeze":      typed("freeze group/app for 2h the release is out"),
		"command unfreeze":    typed("unfreeze group/app"),
		"command audit":       typed("audit group/app"),
		"command help":        typed("help"),
		"command tests":       typed("tests 4711"),
		"command rename":      typed("rename 4711 Nightly"),
		"action cancel":       pressed(running(), "Cancel"),
		"action retry":        pressed(ended(gitlab.StatusFailed), "Retry"),
		"action approve":      pressed(heldForApproval(), "Approve"),
		"action turn_down":    pressed(heldForApproval(), "Refuse"),
		"action this_one":     pressed(doubted(onlyOne), "This one"),
		"action none_of_them": pressed(doubted(onlyOne), "None, start again"),
		"action look_again":   pressed(doubted(onlyOne), "Look again"),
		"action play":         pressed(blocked("ship"), "Start ship"),
		"shortcut follow_pipeline": func(o *office, who *slacktest.User) {
			o.shortcut(who, o.says(who, "look at "+appURL+"/-/pipelines/4711"))
		},
		"shortcut run_pipeline": func(o *office, who *slacktest.User) {
			if err := who.Shortcut(o.ctx, "run_pipeline"); err != nil {
				o.Fatal(err)
			}
		},
		"event link_shared": func(o *office, who *slacktest.User) {
			o.says(who, "look at "+appURL+"/-/pipelines/4711")
			if got := len(o.slack.Calls("chat.unfurl")); got != 0 {
				o.Errorf("%d links were unfolded", got)
			}
		},
		"action rerun": pressed(ended(gitlab.StatusSuccess), "Run again"),
		"action run_typed": func(o *office, who *slacktest.User) {
			o.deliver(o.blockAction(who, "run_typed", "run group/app refs/heads/main debug", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		},
		"action follow_running": func(o *office, who *slacktest.User) {
			o.runs.put(running())
			o.deliver(o.blockAction(who, "follow_running", "V0RUN", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		},
		"action link": func(o *office, who *slacktest.User) {
			o.deliver(o.blockAction(who, "link", "link", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		},
		"action project": func(o *office, who *slacktest.User) {
			o.deliver(map[string]any{
				"type": "block_actions", "user": personOf(who), "view": form(o),
				"actions": []any{map[string]any{
					"type": "static_select", "action_id": "project", "block_id": "project", "selected_option": map[string]any{"value": "group/api"},
				}},
			})
		},
		"command tokens":          typed("tokens group/app"),
		"action tokens_show":      inTokens("button", "tokens_show", "0"),
		"action tokens_older":     inTokens("button", "tokens_older", "1"),
		"action token_new":        inTokens("button", "token_new", "new"),
		"action token_menu":       inTokens("overflow", "token_menu", "revoke 1"),
		"submission token_new":    submitsToken("token_new"),
		"submission token_rename": submitsToken("token_rename"),
		"submission token_revoke": submitsToken("token_revoke"),
		"suggestion ref": func(o *office, who *slacktest.User) {
			answer := o.deliver(map[string]any{"type": "block_suggestion", "action_id": "ref", "value": "", "user": personOf(who), "view": form(o)})
			if answer != `{"options":[]}` {
				o.Errorf("options are shown: %s", answer)
			}
		},
		"submission run": func(o *office, who *slacktest.User) {
			view := form(o)
			view["state"] = map[string]any{"values": map[string]any{
				"ref.0":      map[string]any{"ref": map[string]any{"type": "external_select", "selected_option": map[string]any{"value": "h:main"}}},
				"build_type": map[string]any{"build_type": map[string]any{"type": "static_select", "selected_option": map[string]any{"value": "debug"}}},
			}}
			o.deliver(map[string]any{"type": "view_submission", "user": personOf(who), "view": view})
		},
		"submission turn_down": func(o *office, who *slacktest.User) {
			o.shows(heldForApproval())
			o.deliver(o.turnsDown(who, "V0RUN", "Not today"))
		},
	}
}

// pressedIn presses a button of a list.
func pressedIn(id, value string) func(o *office, who *slacktest.User) {
	return func(o *office, who *slacktest.User) {
		o.deliver(o.blockAction(who, id, value, run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
	}
}

// menuAction is what somebody chose from a menu of their Home.
func (o *office) menuAction(who *slacktest.User, value string) map[string]any {
	return map[string]any{
		"type": "block_actions", "user": personOf(who), "container": map[string]any{"type": "view"},
		"actions": []any{map[string]any{
			"type": "overflow", "action_id": "pipeline_menu", "block_id": "b", "selected_option": map[string]any{"value": value},
		}},
	}
}

func personOf(u *slacktest.User) map[string]any {
	return map[string]any{"id": u.ID, "team_id": u.TeamID}
}

// blockAction is a button that somebody pressed on a card.
func (o *office) blockAction(who *slacktest.User, id, value string, at run.Shown) map[string]any {
	return map[string]any{
		"type": "block_actions", "user": personOf(who), "channel": map[string]any{"id": at.Channel},
		"container": map[string]any{"message_ts": at.Card, "channel_id": at.Channel},
		"actions":   []any{map[string]any{"type": "button", "action_id": id, "block_id": "actions", "value": value}},
	}
}

// turnsDown is the modal that asks for a reason, submitted for the card that a run has.
func (o *office) turnsDown(who *slacktest.User, id, reason string) map[string]any {
	o.Helper()
	r, err := o.runs.Find(o.ctx, id)
	if err != nil {
		o.Fatal(err)
	}
	return map[string]any{"type": "view_submission", "user": personOf(who), "view": map[string]any{
		"id": "V0REASON", "callback_id": "turn_down", "private_metadata": bot.ReasonMetadata(r),
		"state": map[string]any{"values": map[string]any{
			"reason": map[string]any{"reason": map[string]any{"type": "plain_text_input", "value": reason}},
		}},
	}}
}

// Everything that people can do asks the policy on its way: where that refuses, nothing
// happens, and the refusal is written down. A new route needs a driver here.
func TestEveryRouteAsksThePolicy(t *testing.T) {
	drive := drivers()
	for _, route := range bot.Routes() {
		name := route.Kind + " " + route.ID
		do := drive[name]
		if do == nil {
			t.Errorf("nothing here drives the route %q: does it ask the policy?", name)
			continue
		}
		delete(drive, name)
		for _, kind := range []string{"a guest", "a member", "an external"} {
			if kind == "a member" && route.Action == policy.ActionLink {
				continue // members always may
			}
			if kind == "an external" && route.Kind == "command" {
				continue // Slack has no commands for them
			}
			t.Run(fmt.Sprintf("%s by %s", name, kind), func(t *testing.T) {
				t.Parallel()
				o := newOffice(t)
				o.obey(policy.ModePolicy, "people: [{slack: U0NOBODY, gitlab: nobody}]")
				who := o.stranger(kind)
				do(o, who)
				o.finished()
				o.nothingHappened()
				team := who.TeamID
				if route.Kind == "event" {
					team = o.alice.TeamID // events name the workspace that is told of them
				}
				if !slices.ContainsFunc(o.rights.noted(), func(e run.Entry) bool {
					return e.Kind == run.EntryDecision && e.Action == string(route.Action) && e.User == who.ID && e.Team == team && e.Outcome != "allow"
				}) {
					t.Errorf("no refusal of %q was written down: %+v", route.Action, o.rights.noted())
				}
			})
		}
	}
	for name := range drive {
		t.Errorf("%q is no route", name)
	}
}

// stranger is somebody who may nothing by the rules.
func (o *office) stranger(kind string) *slacktest.User {
	var options []slacktest.UserOption
	switch kind {
	case "a guest":
		options = append(options, slacktest.AsGuest())
	case "an external":
		options = append(options, slacktest.AsExternal())
	}
	who := o.slack.AddUser("mallory", options...)
	o.builds.Invite(who)
	return who
}

func (o *office) nothingHappened() {
	o.Helper()
	if acted := o.runs.acted; len(acted) != 0 || o.runs.submitted != 0 {
		o.Errorf("runs: %q, and %d were written down", acted, o.runs.submitted)
	}
	o.rights.change(func(f *fakeRights) {
		if len(f.freezes) != 0 || f.unfrozen != 0 || len(f.links) != 0 {
			o.Errorf("freezes %v, %d lifted, links %v", f.freezes, f.unfrozen, f.links)
		}
	})
	if got := o.tokens.changed(); len(got) != 0 {
		o.Errorf("trigger tokens: %q", got)
	}
	if got := len(o.slack.Calls("chat.unfurl")); got != 0 {
		o.Errorf("chat.unfurl was called %d times", got)
	}
	for _, method := range []string{"views.open", "views.update"} {
		for _, call := range o.slack.Calls(method) {
			// A modal that says no may be there, but none that asks for anything.
			if view := fmt.Sprint(call.Args["view"]); strings.Contains(view, "submit") || strings.Contains(view, "action_id") {
				o.Errorf("%s was called with %s", method, view)
			}
		}
	}
	if got := o.lists.read.Load(); got != 0 {
		o.Errorf("variables were read %d times", got)
	}
}

// What cannot be written down is not done.
func TestNothingIsDoneThatCannotBeWrittenDown(t *testing.T) {
	for _, name := range []string{
		"command ", "command link", "command unlink", "command freeze", "action cancel", "submission run", "action approve", "submission turn_down",
		"command run", "action run_typed", "action follow_running", "command retry", "command play", "command variables", "submission cancel_pipeline", "submission delete_pipeline", "action start_job", "action reveal",
		"command tokens", "action token_new", "submission token_new", "submission token_rename", "submission token_revoke",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.rights.change(func(f *fakeRights) { f.silent = errAway })
			o.obey(policy.ModePolicy, "rules: [{people: {users: ["+o.alice.ID+"]}, then: allow}]")
			drivers()[name](o, o.alice)
			o.finished()
			o.nothingHappened()
		})
	}
}

// Values of buttons come from outside.
func TestForgedDecisions(t *testing.T) {
	for name, forge := range map[string]func(o *office, bob *slacktest.User, r run.Run) map[string]any{
		"a run of another card": func(o *office, bob *slacktest.User, r run.Run) map[string]any {
			return o.blockAction(bob, "approve", "V0OTHER "+mainSHA, r.Shown)
		},
		"another channel": func(o *office, bob *slacktest.User, r run.Run) map[string]any {
			r.Shown.Channel = "C0OTHER"
			return o.blockAction(bob, "approve", bot.HeldValue(r), r.Shown)
		},
		"no card at all": func(o *office, bob *slacktest.User, r run.Run) map[string]any {
			return o.blockAction(bob, "approve", bot.HeldValue(r), run.Shown{})
		},
		"no value": func(o *office, bob *slacktest.User, r run.Run) map[string]any {
			return o.blockAction(bob, "approve", "", r.Shown)
		},
		"metadata of another card": func(o *office, bob *slacktest.User, _ run.Run) map[string]any {
			payload := o.turnsDown(bob, "V0RUN", "no")
			payload["view"].(map[string]any)["private_metadata"] = "V0RUN C0OTHER 1.000001"
			return payload
		},
		"metadata of nothing": func(o *office, bob *slacktest.User, _ run.Run) map[string]any {
			payload := o.turnsDown(bob, "V0RUN", "no")
			payload["view"].(map[string]any)["private_metadata"] = "V0RUN"
			return payload
		},
		"no reason": func(o *office, bob *slacktest.User, _ run.Run) map[string]any { return o.turnsDown(bob, "V0RUN", " ") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, bob := newApproval(t)
			o.shows(heldForApproval())
			r, _ := o.runs.Find(o.ctx, "V0RUN")
			o.deliver(forge(o, bob, r))
			if got := o.runs.acted; len(got) != 0 {
				t.Errorf("it was decided: %q", got)
			}
		})
	}
}

// newApproval is an office in which bob approves what alice asks for.
func newApproval(t *testing.T) (*office, *slacktest.User) {
	t.Helper()
	o := newOffice(t)
	bob := o.slack.AddUser("bob")
	o.builds.Invite(bob)
	o.obey(policy.ModeGitLab, fmt.Sprintf(
		"people: [{slack: %s, gitlab: alice}, {slack: %s, gitlab: bob}]\nrules: [{then: approve, approvers: {users: [%s]}, actions: [run]}]", o.alice.ID, bob.ID, bob.ID))
	return o, bob
}

func TestApprovals(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office, bob *slacktest.User)
		by     string
		do     string
		acts   []string
		told   string
	}{
		"approved":           {by: "bob", do: "Approve", acts: []string{"approve V0RUN at " + mainSHA + " by bob"}},
		"by who asked":       {by: "alice", do: "Approve", told: "you have asked for it yourself"},
		"by nobody named":    {by: "eve", do: "Approve", told: "you are not one of those who may"},
		"GitLab is away":     {before: func(o *office, _ *slacktest.User) { o.rights.change(func(f *fakeRights) { f.failing = errAway }) }, by: "bob", do: "Approve", told: "I cannot tell just now whether who asked for this still may"},
		"the asker may not":  {before: func(o *office, _ *slacktest.User) { o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest }) }, by: "bob", do: "Approve", told: "may not do it any more"},
		"none is needed":     {before: func(o *office, _ *slacktest.User) { o.obey(policy.ModeOpen, "people: [{slack: U0X, gitlab: x}]") }, by: "bob", do: "Approve", told: "needs no approval any more"},
		"decided already":    {before: func(o *office, _ *slacktest.User) { o.runs.change(func(f *fakeRuns) { f.actErr = run.ErrNotHeld }) }, by: "bob", do: "Approve", acts: []string{"approve V0RUN at " + mainSHA + " by bob"}, told: "decided already"},
		"the ref has moved":  {before: func(o *office, _ *slacktest.User) { o.runs.change(func(f *fakeRuns) { f.actErr = run.ErrRefMoved }) }, by: "bob", do: "Approve", acts: []string{"approve V0RUN at " + mainSHA + " by bob"}, told: "has moved since the card was drawn"},
		"refused":            {by: "bob", do: "Refuse", acts: []string{"turn down V0RUN by bob: Not today"}},
		"refused by asker":   {by: "alice", do: "Refuse", told: "you have asked for it yourself"},
		"records are silent": {before: func(o *office, _ *slacktest.User) { o.rights.change(func(f *fakeRights) { f.silent = errAway }) }, by: "bob", do: "Refuse", told: "my own records cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, bob := newApproval(t)
			eve := o.slack.AddUser("eve")
			o.builds.Invite(eve)
			card := o.shows(heldForApproval(func(r *run.Run) { r.Request.Account = gitlab.User{ID: 1, Username: "alice"} }))
			if test.before != nil {
				test.before(o, bob)
			}
			who := map[string]*slacktest.User{"alice": o.alice, "bob": bob, "eve": eve}[test.by]
			answers := []slacktest.Answer{slacktest.Confirm}
			if test.do == "Refuse" {
				answers = nil
			}
			if err := who.Click(o.ctx, card, test.do, answers...); err != nil {
				t.Fatal(err)
			}
			o.finished()
			if modal := who.OpenModal(); modal != nil {
				if err := modal.Fill("Reason", "Not today"); err != nil {
					t.Fatal(err)
				}
				o.submit(modal)
			}
			want := test.acts
			for i := range want {
				want[i] = replaceName(want[i], bob)
			}
			if got := o.runs.acted; !slices.Equal(got, want) {
				t.Errorf("it was decided %q, want %q", got, want)
			}
			o.hears(who, test.told)
			o.clean()
		})
	}
}

// replaceName writes bob's id for his name.
func replaceName(text string, bob *slacktest.User) string {
	return strings.ReplaceAll(text, "by bob", "by "+bob.ID)
}

// hears fails the test unless the newest words for somebody alone have a part, or,
// where that is empty, there are none.
func (o *office) hears(who *slacktest.User, part string) {
	o.Helper()
	heard := ""
	for _, m := range o.builds.Messages(who) {
		if m.Ephemeral {
			heard = m.Read(readAt)
		}
	}
	if part == "" && heard != "" || !strings.Contains(heard, part) {
		o.Errorf("%s reads %q, want %q", who.Name, heard, part)
	}
}
