package policy_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

func TestSentences(t *testing.T) {
	main := gitlab.Ref{Kind: gitlab.Branch, Name: "main"}
	run := policy.Decision{Action: policy.ActionRun, Project: "group/app", Ref: main}
	on := func(change func(d *policy.Decision)) policy.Decision {
		d := run
		change(&d)
		return d
	}
	refused := func(why policy.Why, change func(d *policy.Decision)) policy.Decision {
		return on(func(d *policy.Decision) { d.Why = why; change(d) })
	}
	same := func(*policy.Decision) {}
	const mayNot = "You may not run a pipeline on the branch main in group/app: "
	tests := []struct {
		d    policy.Decision
		want string
	}{
		{
			on(func(d *policy.Decision) { d.Outcome, d.Why, d.Has = policy.Allow, policy.ByRole, gitlab.Owner }),
			"You may run a pipeline on the branch main in group/app: your GitLab role is Owner.",
		},
		{
			on(func(d *policy.Decision) { d.Outcome, d.Why, d.Rule = policy.Allow, policy.ByRule, "all may" }),
			"You may run a pipeline on the branch main in group/app: the rule “all may” says so.",
		},
		{
			on(func(d *policy.Decision) { d.Outcome, d.Why = policy.Allow, policy.OpenMode }),
			"You may run a pipeline on the branch main in group/app: every full member of this workspace may.",
		},
		{
			policy.Decision{Outcome: policy.Allow, Why: policy.Always, Action: policy.ActionLink},
			"You may use me: everybody of this workspace may.",
		},
		{
			policy.Decision{Outcome: policy.Allow, Why: policy.Approver, Action: policy.ActionApprove, Project: "group/app", Ref: main},
			"You may approve what others ask for on the branch main in group/app: you are one of those who approve it.",
		},
		{on(func(d *policy.Decision) {
			d.Outcome, d.Why, d.Rule, d.Reason, d.Expires = policy.NeedsApproval, policy.ByRule, "two", "Customers get it.", 4*time.Hour
		}), "Before you may run a pipeline on the branch main in group/app, somebody else has to approve it: " +
			"the rule “two” asks for that (Customers get it). They have 4h from when you ask."},
		{on(func(d *policy.Decision) {
			d.Outcome, d.Why, d.Rule, d.Expires = policy.NeedsApproval, policy.ByRule, "two", 90*time.Minute
		}), "Before you may run a pipeline on the branch main in group/app, somebody else has to approve it: " +
			"the rule “two” asks for that. They have 1h30m from when you ask."},
		{
			refused(policy.ByRule, func(d *policy.Decision) { d.Rule, d.Reason = "no Fridays", "Nobody is there on Saturday." }),
			mayNot + "Nobody is there on Saturday. So says the rule “no Fridays”; ask those who keep the policy.",
		},
		{
			refused(policy.ByRole, func(d *policy.Decision) { d.Needs, d.Has = gitlab.Developer, gitlab.Reporter }),
			mayNot + "it takes the GitLab role Developer there, and yours is Reporter. Ask those who manage the project's members.",
		},
		{
			refused(policy.ByRole, func(d *policy.Decision) { d.Needs = gitlab.Developer }),
			mayNot + "it takes the GitLab role Developer there, and you have none. Ask those who manage the project's members.",
		},
		{
			refused(policy.ByProtection, same),
			mayNot + "GitLab protects main, and you may not update it. Ask a maintainer of the project to let you push or merge there.",
		},
		{refused(policy.Frozen, func(d *policy.Decision) {
			d.Freeze = &policy.Freeze{By: "carol", Reason: "the demo", Until: now}
		}), mayNot + "it is frozen by carol until 14 September 12:00 UTC (the demo). Wait for its end, or ask them to lift it."},
		{
			refused(policy.Frozen, func(d *policy.Decision) { d.Freeze = &policy.Freeze{} }),
			mayNot + "it is frozen. Wait for its end, or ask them to lift it.",
		},
		{
			refused(policy.NotLinked, same),
			mayNot + "I do not know who you are in GitLab. Link your GitLab account with /pipeline link, then ask again.",
		},
		{
			refused(policy.Doubtful, func(d *policy.Decision) { d.Doubt = "GitLab does not answer" }),
			"I cannot tell just now whether you may run a pipeline on the branch main in group/app (GitLab does not answer). Try again in a few minutes; if it stays so, ask those who run me.",
		},
		{
			refused(policy.Outsider, same),
			mayNot + "guests and people of other workspaces may do only what the policy lets them do by name. Ask a member of the workspace to do it.",
		},
		{refused(policy.NotAPerson, same), mayNot + "apps and bots may not. A person has to ask."},
		{refused(policy.NoRule, same), mayNot + "no rule of the policy is about it. Ask those who keep the policy."},
		{
			refused(policy.Self, func(d *policy.Decision) { d.Action = policy.ActionApprove }),
			"You may not approve what others ask for on the branch main in group/app: you have asked for it yourself. Somebody else has to decide.",
		},
		{
			refused(policy.NotApprover, func(d *policy.Decision) { d.Action = policy.ActionApprove }),
			"You may not approve what others ask for on the branch main in group/app: you are not one of those who may. They have to decide.",
		},
		{policy.Decision{}, "You may not do that: I cannot tell whether you may. Ask those who run me."},
		{
			policy.Decision{Why: policy.NoRule, Action: policy.ActionFreeze},
			"You may not freeze everything in all projects: no rule of the policy is about it. Ask those who keep the policy.",
		},
		{
			policy.Decision{Why: policy.NoRule, Action: policy.ActionFreeze, Project: "group/app", Ref: gitlab.Ref{Name: "v*"}},
			"You may not freeze v* in group/app: no rule of the policy is about it. Ask those who keep the policy.",
		},
		{
			policy.Decision{Why: policy.NoRule, Action: policy.ActionCancel, Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Tag, Name: "v1"}},
			"You may not cancel a pipeline on the tag v1 in group/app: no rule of the policy is about it. Ask those who keep the policy.",
		},
		{
			policy.Decision{
				Why: policy.NoRule, Action: policy.ActionRetry, Project: "group/app",
				Ref: gitlab.Ref{Name: "refs/merge-requests/1/head"},
			},
			"You may not retry a pipeline on refs/merge-requests/1/head in group/app: no rule of the policy is about it. " +
				"Ask those who keep the policy.",
		},
		{
			policy.Decision{Why: policy.NoRule, Action: policy.ActionView, Project: "group/app"},
			"You may not see pipelines in group/app: no rule of the policy is about it. Ask those who keep the policy.",
		},
	}
	for _, test := range tests {
		if got := test.d.Sentence(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// Every refusal says why and what to do next, in its own words.
func TestEveryRefusalHasItsSentence(t *testing.T) {
	said := make(map[string]policy.Why)
	for _, why := range []policy.Why{
		policy.ByRule, policy.ByRole, policy.ByProtection, policy.Frozen, policy.NotLinked, policy.Doubtful, policy.Outsider,
		policy.NotAPerson, policy.NoRule, policy.Self, policy.NotApprover, "",
	} {
		text := policy.Decision{Why: why}.Sentence()
		if other, twice := said[text]; twice {
			t.Errorf("%q and %q are told alike: %s", why, other, text)
		}
		said[text] = why
	}
}

// Text from outside stays within its line and its size.
func TestSentencesHoldHostileText(t *testing.T) {
	hostile := "a\nb\r\n\u2028c\x00\x1b[31m\u202ed" + strings.Repeat("x", 5000) + "."
	whys := []policy.Why{policy.ByRule, policy.ByProtection, policy.Frozen, policy.Doubtful}
	for _, outcome := range []policy.Outcome{policy.Refuse, policy.NeedsApproval, policy.Allow} {
		for _, why := range whys {
			d := policy.Decision{
				Outcome: outcome, Why: why, Action: policy.ActionRun, Project: hostile, Ref: gitlab.Ref{Kind: gitlab.Branch, Name: hostile},
				Rule: hostile, Reason: hostile, Doubt: hostile, Freeze: &policy.Freeze{By: hostile, Reason: hostile},
			}
			text := d.Sentence()
			if strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) {
				t.Errorf("%s %s: %q", outcome, why, text)
			}
			if n := utf8.RuneCountInString(text); n > 2500 {
				t.Errorf("%s %s: %d characters", outcome, why, n)
			}
		}
	}
}

func TestRoles(t *testing.T) {
	for _, role := range gitlab.Roles() {
		if got, ok := gitlab.ParseRole(role.Name()); !ok || got != role {
			t.Errorf("%s is read as %s", role.Name(), got)
		}
	}
	for _, name := range []string{"", "none", "Developer", "access_level_7"} {
		if role, ok := gitlab.ParseRole(name); ok {
			t.Errorf("%q is read as %s", name, role)
		}
	}
	if got := gitlab.Role(7).String(); got != "access level 7" {
		t.Error(got)
	}
}

func TestPeopleAsText(t *testing.T) {
	for want, people := range map[string]policy.People{
		"":                           {},
		"U1":                         {Users: []string{"U1"}},
		"U1 or the role maintainer":  {Users: []string{"U1"}, Roles: []gitlab.Role{40}},
		"U1, S1 or the role planner": {Users: []string{"U1"}, Groups: []string{"S1"}, Roles: []gitlab.Role{15}},
	} {
		if got := people.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
