package bot_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// outside is text that people and GitLab chose.
type outside struct{ project, ref, buildType, user, rule, reason, key, value string }

// ordinary is what such text mostly is.
var ordinary = outside{
	project: "group/app", ref: "main", buildType: "release", user: "alice", rule: "releases",
	reason: "Customers get it", key: "APP_ENV", value: "staging",
}

// all is the same text everywhere.
func all(text string) outside {
	return outside{project: text, ref: text, buildType: text, user: text, rule: text, reason: text, key: text, value: text}
}

// aboutRights are the pictures of who may what.
func aboutRights(o outside) []picture {
	at := askedAt.UTC()
	ref := gitlab.Ref{Kind: gitlab.Branch, Name: o.ref}
	named := func(r *run.Run) {
		r.Request.Project, r.Project.Path, r.Request.Ref, r.Request.BuildType = o.project, o.project, ref, o.buildType
		r.Request.Variables = map[string]string{o.key: o.value, "DEPLOY_TOKEN": o.value + "glpat-0123456789abcdefghij"}
		if r.Hold != nil {
			r.Hold.Rule, r.Hold.Reason = o.rule, o.reason
		}
	}
	waits := heldForApproval(named)
	freeze := run.Freeze{ID: "abc", Project: o.project, Pattern: o.ref, By: asker, Reason: o.reason, At: at, Until: at.Add(2 * time.Hour)}
	q := policy.Question{Action: policy.ActionRun, Project: o.project, Ref: ref, BuildType: o.buildType}
	decision := func(outcome policy.Outcome, why policy.Why, action policy.Action) policy.Decision {
		return policy.Decision{
			Outcome: outcome, Why: why, Action: action, Project: o.project, Ref: ref, Rule: o.rule, Reason: o.reason,
			Needs: gitlab.Developer, Has: gitlab.Reporter, Expires: 4 * time.Hour,
		}
	}
	denied := decision(policy.Refuse, policy.ByRule, policy.ActionRun)
	frozen := decision(policy.Refuse, policy.Frozen, policy.ActionRun)
	frozen.Freeze = &policy.Freeze{By: o.user, Reason: o.reason, Until: at.Add(2 * time.Hour)}
	account := &policy.Account{ID: 1, Username: o.user}
	entries := []run.Entry{
		{At: at, Kind: run.EntryDecision, Action: "run", User: asker, Outcome: "allow", Rule: o.rule, Project: o.project, Ref: o.ref, Pipeline: 4711, Reason: o.reason},
		{At: at.Add(-time.Minute), Kind: run.EntryResult, Action: o.rule, User: o.user, Outcome: o.rule},
		{At: at.Add(-time.Hour), Kind: run.EntryAction, Action: "start", Project: o.project, Ref: o.ref},
	}
	grant := gitlab.Grant{UserCode: "0A1B2C3D", VerificationURI: "https://gitlab.example/oauth/device"}
	refusal := func(why run.Refusal) run.Run { return edited(refused(why), named) }
	notice := func(r run.Run) bot.Message { _, m := bot.NoticeFor(r); return m }
	reason := bot.ReasonModal(waits)
	list := []picture{
		{name: "card-held", message: bot.Card(waits)},
		{name: "card-held-after-a-move", message: bot.Card(edited(waits, func(r *run.Run) {
			hold := *r.Hold
			hold.Moved = 1
			r.Hold = &hold
		}))},
		{name: "card-approved", message: bot.Card(running(named, func(r *run.Run) { r.Approval = &run.Approval{By: "U0BOB", SHA: sha} }))},
		{name: "card-strayed", message: bot.Card(ended(gitlab.StatusCanceled, named, func(r *run.Run) { r.Strayed = true }))},
		{name: "card-refused-by-a-person", message: bot.Card(refusal(run.Refusal{Denied: true, By: "U0BOB", Message: o.reason}))},
		{name: "card-expired", message: bot.Card(refusal(run.Refusal{Held: run.ForApproval}))},
		{name: "card-denied", message: bot.Card(refusal(run.Refusal{Denied: true, Message: denied.Sentence()}))},
		{name: "notice-link-first", message: notice(requested(named, func(r *run.Run) { r.State, r.Hold = run.Held, &run.Hold{For: run.ForLink} }))},
		{name: "notice-refused-by-a-person", message: notice(refusal(run.Refusal{Denied: true, By: "U0BOB", Message: o.reason}))},
		{name: "notice-refused-without-a-reason", message: notice(refusal(run.Refusal{Denied: true, By: "U0BOB"}))},
		{name: "notice-not-approved-in-time", message: notice(refusal(run.Refusal{Held: run.ForApproval}))},
		{name: "notice-not-linked-in-time", message: notice(refusal(run.Refusal{Held: run.ForLink}))},
		{name: "of-another-version", message: bot.Outdated()},
		{name: "notice-denied", message: notice(refusal(run.Refusal{Denied: true, Message: denied.Sentence()}))},
		{name: "rights-refused-by-rule", message: bot.RefusedBy(denied, true)},
		{name: "rights-refused-by-role", message: bot.RefusedBy(decision(policy.Refuse, policy.ByRole, policy.ActionCancel), true)},
		{name: "rights-refused-frozen", message: bot.RefusedBy(frozen, true)},
		{name: "rights-refused-not-linked", message: bot.RefusedBy(decision(policy.Refuse, policy.NotLinked, policy.ActionCancel), true)},
		{name: "rights-refused-not-linkable", message: bot.RefusedBy(decision(policy.Refuse, policy.NotLinked, policy.ActionCancel), false)},
		{name: "rights-refused-needs-approval", message: bot.RefusedBy(decision(policy.NeedsApproval, policy.ByRule, policy.ActionRetry), true)},
		{name: "rights-not-approver", message: bot.Undecided(decision(policy.Refuse, policy.NotApprover, policy.ActionApprove), bot.ErrNotApprover)},
		{name: "rights-asker-may-not", message: bot.Undecided(denied, bot.ErrAskerMayNot)},
		{name: "rights-ref-moved", message: bot.Undecided(denied, run.ErrRefMoved)},
		{name: "rights-decided-already", message: bot.Undecided(denied, run.ErrNotHeld)},
		{name: "link-code", message: bot.CodeToConfirm(grant)},
		{name: "link-done", message: bot.LinkedAs(gitlab.User{ID: 1, Username: o.user})},
		{name: "link-undone", message: bot.Unlinked()},
		{name: "link-denied", message: bot.LinkFault(gitlab.ErrDenied)},
		{name: "link-expired", message: bot.LinkFault(gitlab.ErrExpired)},
		{name: "link-of-another", message: bot.LinkFault(run.ErrLinkedToAnother)},
		{name: "link-not-supported", message: bot.LinkFault(gitlab.ErrNotSupported)},
		{name: "link-failed", message: bot.LinkFault(&gitlab.Error{Kind: gitlab.Invalid, Message: o.reason})},
		{name: "freeze-begun", message: bot.Frozen(freeze)},
		{name: "freeze-of-all", message: bot.Frozen(run.Freeze{By: asker, Reason: o.reason})},
		{name: "freeze-lifted", message: bot.Thawed(asker, o.project, o.ref)},
		{name: "freeze-list", message: bot.NotFrozen("group/api", "", []run.Freeze{freeze, {By: asker, Reason: o.reason}})},
		{name: "freeze-none", message: bot.NotFrozen(o.project, o.ref, nil)},
		{name: "can-i", message: bot.WhatYouMay(q, []policy.Decision{
			decision(policy.NeedsApproval, policy.ByRule, policy.ActionRun), decision(policy.Allow, policy.ByRole, policy.ActionCancel),
			decision(policy.Refuse, policy.ByRole, policy.ActionDelete),
		}, account, true)},
		{name: "can-i-not-linked", message: bot.WhatYouMay(q, []policy.Decision{decision(policy.Refuse, policy.NotLinked, policy.ActionRun)}, nil, true)},
		{name: "audit", message: bot.AuditList(entries, true)},
		{name: "audit-not-all", message: bot.AuditList(entries, false)},
		{name: "audit-nothing", message: bot.AuditList(nil, true)},
		{name: "help", message: bot.HelpMessage()},
		{name: "help-unknown-command", message: bot.Unknown(o.key, "")},
		{name: "modal-reason", view: &reason},
	}
	return list
}

// longRights are the cards with the longest names there are.
func longRights() []picture {
	var list []picture
	for _, p := range aboutRights(all(strings.Repeat("averylongname-", 30))) {
		if p.name == "card-held" || p.name == "can-i" || p.name == "freeze-begun" {
			p.name += "-long-names"
			list = append(list, p)
		}
	}
	return list
}

// renderers are the functions that draw messages and views: a new one belongs into the
// pictures, and then in here.
var renderers = strings.Fields(`
	acted confirmModal deletedAlready followable jobsOffered notCancelable repeated toldIn variablesFailed variablesModal variablesShow
	actionFailed auditList card codeToConfirm ended failed fieldErrors frozen linkFirst linkedAs modal notAllowed notFrozen
	cardIsAway cardIsHere foundAfterAll nowFollowed noLink notFoundOut notShown preview waited
	notStarted notice privately reasonModal refusedBy refusedForm onFields outdated sentence thawed uncertain unknown unlinked
	waiting waits warning whatYouMay withArtifacts working
	testsOf pipelineRenamed pipelineNotRenamed
	madeModal newTokenModal renameModal revokeModal tokenForm tokensModal tokensSaying tokensUnread tokensView tokensWorking tokenUnseen
	homeView listFailed pipelineList
	alreadyRunning begun closing endedMeanwhile followedInstead goneProject noSuchRef notFollowed notLookedUp notOpened notOpenedFor
	notReached notSettled notWritten whichRef`)

func TestEveryRenderingHasAPicture(t *testing.T) {
	files := token.NewFileSet()
	packages, err := parser.ParseDir(files, ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // build tags do not matter here
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range packages["bot"].Files {
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
				continue
			}
			switch result := f.Type.Results.List[0].Type.(type) {
			case *ast.Ident:
				ok = result.Name == "message"
			case *ast.SelectorExpr:
				ok = result.Sel.Name == "ModalViewRequest" || result.Sel.Name == "HomeTabViewRequest"
			case *ast.StarExpr:
				selected, is := result.X.(*ast.SelectorExpr)
				ok = is && selected.Sel.Name == "ViewSubmissionResponse"
			default:
				ok = false
			}
			if ok {
				found = append(found, f.Name.Name)
			}
		}
	}
	slices.Sort(found)
	want := slices.Clone(renderers)
	slices.Sort(want)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("what draws (-in the list +in the code):\n%s", diff)
	}
}

// secrets do not come to the channel.
func TestHeldCardMasksSecrets(t *testing.T) {
	r := heldForApproval(func(r *run.Run) {
		r.Request.Variables = map[string]string{
			"PASSWORD": "hunter2", "X": "glpat-0123456789abcdefghij", "Y": "xoxb-1-2-3", "URL": "https://me:hunter2@example.com", "Z": "-----BEGIN KEY",
		}
	})
	text := string(toJSON(t, bot.Card(r)))
	for _, secret := range []string{"hunter2", "glpat-", "xoxb", "BEGIN"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is on the card: %s", secret, text)
		}
	}
}

func TestOptionsWithMarks(t *testing.T) {
	marks := map[string]bot.Mark{"main": bot.Protected, "release": bot.NeedsApproval, "old": bot.Forbidden, "v1": bot.FrozenNow}
	branch := func(name string) gitlab.Ref { return gitlab.Ref{Kind: gitlab.Branch, Name: name} }
	got := offered(bot.MarkedGroups(
		[]gitlab.Ref{branch("main"), branch("dev"), branch("release"), branch("old"), branch("topic")}, []gitlab.Ref{v1, {Kind: gitlab.Tag, Name: "v2"}},
		func(ref gitlab.Ref) bot.Mark { return marks[ref.Name] }))
	want := "Branches: dev=h:dev topic=h:topic; Tags: v2=t:v2; ✋ Branches that need approval: release=h:release; ⛔ Frozen tags: v1=t:v1; " +
		"⛔ Protected branches: you may not run them: main=h:main; ⛔ Branches that you may not run: old=h:old"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it offers (-want +got):\n%s", diff)
	}
}

// An option is the same whatever the person may do with it: Slack takes an initial one
// only if it can be loaded too.
func TestOptionsKeepTheirIdentity(t *testing.T) {
	ref := gitlab.Ref{Kind: gitlab.Branch, Name: "main"}
	for _, m := range []bot.Mark{bot.Unmarked, bot.NeedsApproval, bot.FrozenNow, bot.Protected, bot.Forbidden} {
		groups := bot.MarkedGroups([]gitlab.Ref{ref}, nil, func(gitlab.Ref) bot.Mark { return m })
		if diff := cmp.Diff(bot.RefOption(ref), groups.OptionGroups[0].Options[0]); diff != "" {
			t.Errorf("marked %d (-initial +loaded):\n%s", m, diff)
		}
	}
}

func TestSuggestMarksWhatMayNotBeRun(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office)
		want   string
	}{
		"a protected branch": {
			func(o *office) { o.rights.change(func(f *fakeRights) { f.closed = []string{"main"} }) },
			"Branches: newest feature/login\nTags: v2 v1\n⛔ Protected branches: you may not run them: main",
		},
		"a freeze": {func(o *office) {
			o.rights.change(func(f *fakeRights) {
				f.freezes = []run.Freeze{{ID: "a", Project: "group/app", Pattern: "v*", By: asker}}
			})
		}, "Branches: main newest feature/login\n⛔ Frozen tags: v2 v1"},
		"a rule": {func(o *office) {
			o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{refs: [main], then: refuse, reason: no}]")
		}, "Branches: newest feature/login\nTags: v2 v1\n⛔ Branches that you may not run: main"},
		"not linked": {func(o *office) { o.obey(policy.ModeGitLab, "people: [{slack: U0X, gitlab: x}]") }, "Branches: main newest feature/login\nTags: v2 v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			test.before(o)
			groups, err := o.open().Options(o.ctx, refField, "")
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
