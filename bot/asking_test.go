package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

func TestParseFreeze(t *testing.T) {
	projects := []string{"group/app", "group/api"}
	for text, want := range map[string]struct {
		project, pattern string
		lasts            time.Duration
		reason, fault    string
	}{
		"the release is out":                                {reason: "the release is out"},
		"group/app the release is out":                      {project: "group/app", reason: "the release is out"},
		"group/app for 2h the release is out":               {project: "group/app", lasts: 2 * time.Hour, reason: "the release is out"},
		"group/app release/* for 2h the release is out":     {project: "group/app", pattern: "release/*", lasts: 2 * time.Hour, reason: "the release is out"},
		"Group/App for 2h the release is out":               {project: "group/app", lasts: 2 * time.Hour, reason: "the release is out"},
		"main for 30m wait":                                 {pattern: "main", lasts: 30 * time.Minute, reason: "wait"},
		"group/app for ever and a day":                      {project: "group/app", fault: "how long"},
		"group/app for -2h x":                               {project: "group/app", fault: "how long"},
		"group/app for 2h":                                  {project: "group/app", lasts: 2 * time.Hour, fault: "say why"},
		"":                                                  {fault: "say why"},
		"group/other is no project, and so it is a pattern": {pattern: "group/other", reason: "is no project, and so it is a pattern"},
	} {
		t.Run(text, func(t *testing.T) {
			project, pattern, lasts, reason, fault := bot.ParseFreeze(text, projects)
			if project != want.project || pattern != want.pattern || lasts != want.lasts || reason != want.reason ||
				!strings.Contains(fault, want.fault) || (fault == "") != (want.fault == "") {
				t.Errorf("got %q %q %v %q %q", project, pattern, lasts, reason, fault)
			}
		})
	}
}

func TestParseAudit(t *testing.T) {
	now := askedAt
	week := now.Add(-7 * 24 * time.Hour)
	who := bot.Asker{Team: "T0TEAM", User: asker}
	for text, want := range map[string]struct {
		filter run.Filter
		fault  string
	}{
		"":                          {filter: run.Filter{Since: week}},
		"group/app":                 {filter: run.Filter{Project: "group/app", Since: week}},
		"me":                        {filter: run.Filter{User: asker, Since: week}},
		"<@U0BOB|bob> since 24h":    {filter: run.Filter{User: "U0BOB", Since: now.Add(-24 * time.Hour)}},
		"group/app U0BOB since 30m": {filter: run.Filter{Project: "group/app", User: "U0BOB", Since: now.Add(-30 * time.Minute)}},
		"bob":                       {fault: "no person's id"},
		"since yesterday":           {fault: "since when"},
		"since":                     {fault: "I do not understand that"},
		"me and others":             {fault: "I do not understand that"},
	} {
		t.Run(text, func(t *testing.T) {
			got, fault := bot.ParseAudit(text, []string{"group/app"}, who, now)
			if want.fault != "" {
				if !strings.Contains(fault, want.fault) {
					t.Errorf("the fault is %q, want %q", fault, want.fault)
				}
				return
			}
			if fault != "" || got != want.filter {
				t.Errorf("got %+v %q", got, fault)
			}
		})
	}
}

// What people type, and what they and others then read.
func TestCommandsAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office)
		typed  []string
		want   string
	}{
		"help":                         {typed: []string{"help"}, want: "/pipeline can-i [project] [ref] [build type]"},
		"a mistyped word":              {typed: []string{"frezee x"}, want: "Did you mean `/pipeline freeze`?"},
		"help, mistyped":               {typed: []string{"help lst"}, want: "Did you mean `/pipeline help list`?"},
		"freeze and an option":         {before: maintainer, typed: []string{"freeze --dry-run it's out"}, want: "I do not know the option --dry-run. Write it like `/pipeline freeze group/app release/* for 2h the release is out`."},
		"freeze with one for a reason": {before: maintainer, typed: []string{"freeze group/app for 2h —dry-run out"}, want: "I do not know the option --dry-run."},
		"freeze and an apostrophe":     {before: maintainer, typed: []string{"freeze group/app it's --really-- out"}, want: "it's --really-- out"},
		"unfreeze and an option":       {before: maintainer, typed: []string{"unfreeze group/app --all"}, want: "I do not know the option --all."},
		"can-i and an option":          {typed: []string{"can-i --release"}, want: "I do not know the option --release. Write it like `/pipeline can-i group/app main release`."},
		"audit and an option":          {before: maintainer, typed: []string{"audit group/app --since 24h"}, want: "I do not know the option --since."},
		"a word like no other":         {typed: []string{"deploy"}, want: "I do not know `/pipeline deploy`."},
		"freeze without right":         {typed: []string{"freeze group/app x"}, want: "it takes the GitLab role Maintainer there, and yours is Developer"},
		"freeze":                       {before: maintainer, typed: []string{"freeze group/app for 2h the release is out"}, want: "has frozen group/app until"},
		"freeze without words":         {before: maintainer, typed: []string{"freeze group/app"}, want: "Please say why"},
		"unfreeze nothing":             {before: maintainer, typed: []string{"unfreeze group/app"}, want: "There is no freeze of group/app. Nothing is frozen."},
		"unfreeze":                     {before: maintainer, typed: []string{"freeze group/app x", "unfreeze group/app"}, want: "has lifted the freeze of group/app."},
		"unfreeze elsewhere":           {before: maintainer, typed: []string{"freeze group/app x", "unfreeze group/api"}, want: "There is no freeze of group/api. These are in force:"},
		"can-i":                        {typed: []string{"can-i"}, want: "You may run a pipeline on the branch main in group/app: your GitLab role is Developer."},
		"can-i, frozen": {before: func(o *office) {
			o.rights.change(func(f *fakeRights) { f.freezes = []run.Freeze{{ID: "a", By: o.alice.ID, Reason: "out"}} })
		}, typed: []string{"can-i main release"}, want: "it is frozen by alice (out)"},
		"can-i what is not":    {before: func(o *office) { o.checker.answers(func(context.Context) (bool, error) { return false, nil }) }, typed: []string{"can-i nothing"}, want: "There is no branch or tag `nothing`"},
		"can-i, GitLab away":   {before: func(o *office) { o.checker.answers(func(context.Context) (bool, error) { return false, errAway }) }, typed: []string{"can-i nothing"}, want: "GitLab does not tell me about the branch"},
		"link, not set up":     {typed: []string{"link"}, want: "Linking is not set up here."},
		"link and a word":      {typed: []string{"link alice"}, want: "Nothing goes behind link. Write it like `/pipeline link`."},
		"unlink and an option": {typed: []string{"unlink --dry-run"}, want: "I do not know the option --dry-run. Write it like `/pipeline unlink`."},
		"unlink":               {typed: []string{"unlink"}, want: "Your link is gone"},
		"audit without right":  {typed: []string{"audit group/app"}, want: "it takes the GitLab role Maintainer"},
		"audit":                {before: maintainer, typed: []string{"audit group/app"}, want: "audit allow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			for _, text := range test.typed {
				if err := o.alice.Command(o.ctx, o.builds, "/pipeline", text); err != nil {
					t.Fatal(err)
				}
				o.finished()
			}
			var last string
			for _, m := range o.builds.Messages(o.alice) {
				last = m.Read(readAt)
			}
			if !strings.Contains(last, test.want) {
				t.Errorf("alice reads %q, want %q", last, test.want)
			}
			o.clean()
		})
	}
}

func maintainer(o *office) {
	o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Maintainer })
}

// A flood by one is told off, and delays nobody else.
func TestPace(t *testing.T) {
	o := newOffice(t)
	bob := o.slack.AddUser("bob")
	o.builds.Invite(bob)
	for range 40 {
		if err := o.alice.Command(o.ctx, o.builds, "/pipeline", "help"); err != nil {
			t.Fatal(err)
		}
	}
	o.hears(o.alice, "That was a lot at once.")
	if err := bob.Command(o.ctx, o.builds, "/pipeline", "help"); err != nil {
		t.Fatal(err)
	}
	o.hears(bob, "/pipeline freeze")
}

func TestReview(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office)
		hold   run.HoldFor
		want   run.State
		waits  run.HoldFor
	}{
		"linked meanwhile":    {hold: run.ForLink, want: run.Requested},
		"still not linked":    {before: func(o *office) { o.obey(policy.ModeGitLab, "people: [{slack: U0X, gitlab: x}]") }, hold: run.ForLink, want: run.Held, waits: run.ForLink},
		"GitLab is away":      {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.failing = errAway }) }, hold: run.ForLink, want: run.Held, waits: run.ForLink},
		"may not":             {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest }) }, hold: run.ForLink, want: run.Refused},
		"needs an approval":   {before: needsApproval, hold: run.ForLink, want: run.Held, waits: run.ForApproval},
		"waits for approval":  {before: needsApproval, hold: run.ForApproval, want: run.Held, waits: run.ForApproval},
		"needs none any more": {hold: run.ForApproval, want: run.Requested},
		"a rule is about the build type's variable": {before: func(o *office) {
			o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{variables: {BUILD_TYPE: '*'}, then: refuse, reason: no}]")
		}, hold: run.ForLink, want: run.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			r := heldForApproval(func(r *run.Run) {
				r.Hold.For, r.Request.Asker, r.Request.Team = test.hold, o.alice.ID, o.alice.TeamID
			})
			got, err := o.cfg.Gate.Review(o.ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			if got.State != test.want || got.State == run.Held && got.Hold.For != test.waits {
				t.Errorf("the run is %s, %+v", got.State, got.Hold)
			}
		})
	}
}

// What was allowed a while ago is decided anew right before it starts.
func TestRecheck(t *testing.T) {
	frozen := func(o *office) {
		o.rights.change(func(f *fakeRights) {
			f.freezes = []run.Freeze{{ID: "F1", By: "U0BOB", Reason: "incident", At: time.Now()}}
		})
	}
	for name, test := range map[string]struct {
		before   func(o *office)
		approved bool
		want     run.State
		doubt    bool
	}{
		"still allowed":          {want: run.Requested},
		"frozen meanwhile":       {before: frozen, want: run.Refused},
		"frozen, and approved":   {before: frozen, approved: true, want: run.Refused},
		"the role was lowered":   {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Reporter }) }, want: run.Refused},
		"GitLab is away":         {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.failing = errAway }) }, want: run.Requested, doubt: true},
		"needs an approval":      {before: needsApproval, want: run.Held},
		"the approval was given": {before: needsApproval, approved: true, want: run.Requested},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			r := heldForApproval(func(r *run.Run) { r.Request.Asker, r.Request.Team = o.alice.ID, o.alice.TeamID })
			r = r.Release(time.Now())
			if test.approved {
				r.Approval = &run.Approval{By: "U0BOB"}
			}
			got, err := o.cfg.Gate.Recheck(o.ctx, r)
			if got.State != test.want || (err != nil) != test.doubt {
				t.Errorf("the run is %s, %v", got.State, err)
			}
		})
	}
}

func needsApproval(o *office) {
	o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{then: approve, approvers: {users: [U0BOB]}, actions: [run]}]")
}

func TestPeople(t *testing.T) {
	o := newOffice(t)
	o.rights.change(func(f *fakeRights) {
		f.emails["mail@example.com"] = gitlab.User{ID: 3, Username: "mail"}
		f.users["linked"] = gitlab.User{ID: 4, Username: "linked"}
	})
	mail := o.slack.AddUser("mail", slacktest.WithEmail("mail@example.com"))
	guest := o.slack.AddUser("guest", slacktest.AsGuest(), slacktest.WithEmail("mail@example.com"))
	external := o.slack.AddUser("external", slacktest.AsExternal(), slacktest.WithEmail("mail@example.com"))
	linked := o.slack.AddUser("linked", slacktest.WithEmail("mail@example.com"))
	o.rights.change(func(f *fakeRights) {
		f.links[linked.TeamID+"/"+linked.ID] = run.Link{GitLabID: 4, GitLabUser: "linked"}
	})
	for name, test := range map[string]struct {
		team, user string
		kind       policy.Kind
		account    string
	}{
		"by the file":    {o.alice.TeamID, o.alice.ID, policy.Member, "alice"},
		"by e-mail":      {mail.TeamID, mail.ID, policy.Member, "mail"},
		"by link":        {linked.TeamID, linked.ID, policy.Member, "linked"},
		"a guest":        {guest.TeamID, guest.ID, policy.Guest, ""},
		"an external":    {external.TeamID, external.ID, policy.External, ""},
		"of another":     {"T0OTHER", o.alice.ID, policy.External, ""},
		"nobody":         {o.alice.TeamID, "U0NOBODY", policy.Unknown, ""},
		"the bot itself": {o.alice.TeamID, o.slack.BotUserID(), policy.Bot, ""},
	} {
		t.Run(name, func(t *testing.T) {
			who, doubt := o.cfg.Gate.People.Person(o.ctx, test.team, test.user, o.rules.Load())
			account := ""
			if who.Account != nil {
				account = who.Account.Username
			}
			if who.Kind != test.kind || account != test.account || doubt != "" {
				t.Errorf("kind %q, account %q, doubt %q", who.Kind, account, doubt)
			}
		})
	}
	t.Run("GitLab is away", func(t *testing.T) {
		o.rights.change(func(f *fakeRights) { f.failing = errAway })
		o.obey(policy.ModeGitLab, "people: [{slack: "+mail.ID+", gitlab: bob}]")
		who, doubt := o.cfg.Gate.People.Person(o.ctx, mail.TeamID, mail.ID, o.rules.Load())
		if who.Account != nil || doubt == "" {
			t.Errorf("it is %+v, doubt %q", who.Account, doubt)
		}
	})
}
