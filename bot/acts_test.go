package bot_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// confirms is the modal that asks for a confirmation, submitted.
func (o *office) confirms(who *slacktest.User, verb, metadata string) map[string]any {
	return map[string]any{"type": "view_submission", "user": personOf(who), "view": map[string]any{
		"id": "V0CONFIRM", "callback_id": verb + "_pipeline", "private_metadata": metadata,
	}}
}

// heard is what stands in alice's open modal, or else what she was told last.
func (o *office) heard() string {
	o.Helper()
	if modal := o.alice.OpenModal(); modal != nil {
		return modal.Text()
	}
	heard := ""
	for _, m := range o.builds.Messages(o.alice) {
		if m.Ephemeral {
			heard = m.Read(readAt)
		}
	}
	return heard
}

func (o *office) role(role gitlab.Role) {
	o.rights.change(func(f *fakeRights) { f.roles[1] = role })
}

func (o *office) actFails(fault gitlab.Error) {
	o.runs.change(func(f *fakeRuns) { f.actErr = fmt.Errorf("acting: %w", &fault) })
}

func TestParsePlay(t *testing.T) {
	o := newOffice(t)
	for typed, want := range map[string]struct {
		pipeline []string
		job      string
	}{
		"":                              {},
		"ship":                          {job: "ship"},
		"ship to production":            {job: "ship to production"},
		"4711":                          {pipeline: []string{"4711"}},
		"#42 ship":                      {pipeline: []string{"#42"}, job: "ship"},
		"group/app":                     {pipeline: []string{"group/app"}},
		"Group/App ship":                {pipeline: []string{"Group/App"}, job: "ship"},
		"group/app 4711 deploy 2":       {pipeline: []string{"group/app", "4711"}, job: "deploy 2"},
		"group/app ship 4711":           {pipeline: []string{"group/app"}, job: "ship 4711"},
		"https://gitlab.example/x ship": {pipeline: []string{"https://gitlab.example/x"}, job: "ship"},
		"deploy: [eu, 1]":               {job: "deploy: [eu, 1]"},
	} {
		t.Run(typed, func(t *testing.T) {
			pipeline, job := bot.ParsePlay(o.bot.Load(), strings.Fields(typed))
			if !slices.Equal(pipeline, want.pipeline) || job != want.job {
				t.Errorf("got %q and %q, want %q and %q", pipeline, job, want.pipeline, want.job)
			}
		})
	}
}

// What is typed is done at once, or says why not.
func TestActsTyped(t *testing.T) {
	const named = "Pipeline #4711 (" + appURL + "/-/pipelines/4711) of `feature/login` in group/app"
	for name, test := range map[string]struct {
		before func(o *office)
		typed  string
		acts   []string
		want   string
	}{
		"retry":               {typed: "retry 4711", acts: []string{"retry 7/4711"}, want: "Retrying " + named + "."},
		"retry by number":     {typed: "retry group/app #42", acts: []string{"retry 7/4711"}, want: "[Follow]"},
		"retry the last one":  {before: func(o *office) { o.history.newest = map[string]int64{o.builds.ID: 4711} }, typed: "retry", acts: []string{"retry 7/4711"}, want: "Retrying"},
		"retry nothing":       {typed: "retry", want: "No pipeline was shown here yet"},
		"retry what is not":   {typed: "retry 4712", want: "GitLab has no such pipeline"},
		"retry, misread":      {typed: "retry 4711 4712", want: "I take one pipeline at a time. Write it like `/pipeline retry 4711`."},
		"retry as a reporter": {before: func(o *office) { o.role(gitlab.Reporter) }, typed: "retry 4711", want: "it takes the GitLab role Developer there, and yours is Reporter"},
		"retry what is frozen": {before: func(o *office) {
			o.rights.change(func(f *fakeRights) { f.freezes = []run.Freeze{{ID: "a", By: o.alice.ID, Reason: "out"}} })
		}, typed: "retry 4711", want: "it is frozen by alice (out)"},
		"play without a name":   {before: waiting("ship"), typed: "play 4711", want: "has a job that waits to be started:\n[Start ship]"},
		"play by name":          {before: waiting("ship", "rollback"), typed: "play 4711 Rollback", acts: []string{"play 7/4711 job 9001"}, want: "Started `rollback`"},
		"play one of several":   {before: waiting("ship", "rollback"), typed: "play 4711", want: "Which one?\n[Start ship] [Start rollback]"},
		"play another name":     {before: waiting("ship"), typed: "play 4711 shipp", want: "No job called `shipp` waits"},
		"play where none waits": {typed: "play 4711", want: "No job of " + named + " waits to be started."},
		"play a retried job": {before: func(o *office) {
			o.lists.jobs = append(manualJobs("ship"), gitlab.Job{ID: 9100, Name: "ship", Stage: "deploy", Status: gitlab.StatusRunning})
		}, typed: "play 4711 ship", want: "No job of"},
		"play as a reporter": {before: func(o *office) { waiting("ship")(o); o.role(gitlab.Reporter) }, typed: "play 4711", want: "it takes the GitLab role Developer"},
		"play on a sealed ref": {before: func(o *office) {
			waiting("ship")(o)
			o.rights.change(func(f *fakeRights) { f.closed = []string{"feature/login"} })
		}, typed: "play 4711", want: "you may not update it"},
		"delete as a maintainer": {before: maintainer, typed: "delete 4711", want: "it takes the GitLab role Owner there, and yours is Maintainer"},
		"delete what is not":     {before: owner, typed: "delete 4712", want: "GitLab has no such pipeline"},
		"delete, misread":        {before: owner, typed: "delete the last", want: "I take one pipeline at a time."},
		"delete, asked":          {before: owner, typed: "delete 4711", want: "Its jobs, logs and artifacts are deleted with it"},
		"cancel as a reporter":   {before: func(o *office) { o.role(gitlab.Reporter) }, typed: "cancel 4711", want: "it takes the GitLab role Developer"},
		"cancel, asked":          {typed: "cancel 4711", want: "Jobs that run are interrupted"},
		"cancel what has ended":  {before: func(o *office) { o.lists.in[7][0].Status = gitlab.StatusFailed }, typed: "cancel 4711", want: "has ended already (failed): there is nothing to cancel."},
		"cancel once more":       {before: func(o *office) { o.lists.in[7][0].Status = gitlab.StatusCanceling }, typed: "cancel 4711", want: "is being canceled already."},
		"cancel, GitLab away":    {before: func(o *office) { o.lists.failing = map[int64]error{7: &gitlab.Error{Kind: gitlab.NotSent}} }, typed: "cancel 4711", want: "I could not look for the pipeline. GitLab cannot be reached just now."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			o.types(test.typed)
			if got := o.heard(); !strings.Contains(got, test.want) {
				t.Errorf("alice reads %q, want %q", got, test.want)
			}
			o.acted(test.acts...)
			o.clean()
		})
	}
}

// acted fails the test unless alice has done this, and nothing else.
func (o *office) acted(want ...string) {
	o.Helper()
	for i, act := range want {
		verb, rest, _ := strings.Cut(act, " ")
		pipeline, job, _ := strings.Cut(rest, " ")
		want[i] = strings.TrimSpace(fmt.Sprintf("%s %s by %s %s", verb, pipeline, o.alice.ID, job))
	}
	if diff := cmp.Diff(want, o.runs.acted); diff != "" && len(want)+len(o.runs.acted) > 0 {
		o.Errorf("what was done (-want +got):\n%s", diff)
	}
}

func waiting(names ...string) func(o *office) {
	return func(o *office) { o.lists.jobs = manualJobs(names...) }
}

func owner(o *office) { o.role(gitlab.Owner) }

// What GitLab refuses, for every verb and by every way to it.
func TestActsThatFail(t *testing.T) {
	faults := map[string]gitlab.Error{
		"forbidden":      {Kind: gitlab.Forbidden, Status: http.StatusForbidden},
		"not there":      {Kind: gitlab.NotFound, Status: http.StatusNotFound},
		"conflict":       {Kind: gitlab.Invalid, Status: http.StatusConflict, Message: "no <!channel>"},
		"unprocessable":  {Kind: gitlab.Invalid, Status: http.StatusUnprocessableEntity, Message: "no <!channel>"},
		"too many":       {Kind: gitlab.RateLimited, Status: http.StatusTooManyRequests, RetryAfter: 37 * time.Second},
		"token expired":  {Kind: gitlab.Unauthorized, Status: http.StatusUnauthorized},
		"GitLab is away": {Kind: gitlab.NotSent},
		"no answer":      {Kind: gitlab.Unclear},
	}
	const (
		developer = "My access token may not do this in the project; its owner needs the role Developer. On a protected branch or tag its owner also has to be one of those"
		refused   = "GitLab refused it.\nGitLab says: no <!channel>"
		notPlayed = "It does not wait to be started any more, or GitLab does not let it start.\nGitLab says: no <!channel>"
	)
	same := map[string]string{
		"too many": "GitLab takes no more requests from me just now. Please try again in 37s.", "token expired": "GitLab does not accept my access token", "GitLab is away": "GitLab cannot be reached just now.",
		"no answer": "GitLab gave no answer. Look at the pipeline before you try again.",
	}
	verbs := map[string]struct {
		do      func(o *office)
		opening string
		want    map[string]string
	}{
		"retry": {func(o *office) { o.types("retry 4711") }, "I could not retry the pipeline. ", map[string]string{
			"forbidden": developer, "not there": "The pipeline is no longer in GitLab.", "conflict": refused, "unprocessable": refused,
		}},
		"play": {func(o *office) { o.types("play 4711 ship") }, "I could not start the job. ", map[string]string{
			"forbidden": developer, "not there": "The pipeline is no longer in GitLab.", "conflict": notPlayed, "unprocessable": notPlayed,
		}},
		"cancel": {func(o *office) { o.types("cancel 4711"); o.submit(o.alice.OpenModal()) }, "I could not cancel the pipeline. ", map[string]string{
			"forbidden": developer, "not there": "The pipeline is no longer in GitLab.", "conflict": refused, "unprocessable": refused,
		}},
		"delete": {func(o *office) { o.types("delete 4711"); o.submit(o.alice.OpenModal()) }, "I could not delete the pipeline. ", map[string]string{
			"forbidden": "Only an owner of the project may delete pipelines, and my access token is none.", "not there": "It is no longer in GitLab: somebody has deleted it already.",
			"conflict": "GitLab is counting the project's artifacts anew, and deletes nothing meanwhile.", "unprocessable": refused,
		}},
	}
	for verb, test := range verbs {
		for name, fault := range faults {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				o := newOffice(t)
				owner(o)
				o.lists.jobs = manualJobs("ship")
				o.actFails(fault)
				test.do(o)
				want := test.want[name]
				if want == "" {
					want = same[name]
				}
				if got := o.heard(); !strings.Contains(got, test.opening+want) {
					t.Errorf("alice reads %q, want %q", got, test.opening+want)
				}
				if got := len(o.runs.acted); got != 1 {
					t.Errorf("it was tried %d times", got)
				}
				if last := o.rights.noted()[len(o.rights.noted())-1]; last.Kind != run.EntryResult || last.Outcome != "failed" || last.Action != verb {
					t.Errorf("written down last: %+v", last)
				}
				o.clean()
			})
		}
	}
}

// GitLab takes a retry and starts nothing so far: whoever asked learns that, typed or by
// the card's button, and nobody is told that it failed.
func TestRetryThatHasStartedNothing(t *testing.T) {
	for name, ask := range map[string]func(o *office){
		"typed":  func(o *office) { o.types("retry 4711") },
		"button": func(o *office) { o.click(o.shows(ended(gitlab.StatusFailed)), "Retry") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.runs.change(func(f *fakeRuns) { f.actErr = run.ErrNotYet })
			ask(o)
			const want = "GitLab took the retry, and no job of the pipeline has started so far"
			if got := o.heard(); !strings.Contains(got, want) || strings.Contains(got, "could not") {
				t.Errorf("alice reads %q, want %q", got, want)
			}
			if last := o.rights.noted()[len(o.rights.noted())-1]; last.Kind != run.EntryResult || last.Outcome != "done" || last.Action != "retry" {
				t.Errorf("written down last: %+v", last)
			}
			o.clean()
		})
	}
}

// A confirmation does what it names, and says so in its place.
func TestConfirmed(t *testing.T) {
	for verb, want := range map[string]string{"cancel": "Canceling Pipeline #4711 (" + appURL, "delete": "Pipeline #4711 of `feature/login` in group/app is deleted."} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			owner(o)
			o.types(verb + " 4711")
			modal := o.alice.OpenModal()
			if modal.SubmitText() == "" || !strings.Contains(modal.Text(), "Pipeline #4711") || !strings.Contains(modal.Text(), "group/app") {
				t.Fatalf("the modal reads:\n%s", modal.Text())
			}
			o.acted()
			if result := o.submit(modal); result.Closed || result.Late {
				t.Errorf("submitting: %+v", result)
			}
			o.acted(verb + " 7/4711")
			if got := o.heard(); !strings.Contains(got, want) || modal.SubmitText() != "" {
				t.Errorf("the modal reads %q with the button %q", got, modal.SubmitText())
			}
			o.clean()
		})
	}
}

// GitLab says yes to canceling what waits for a manual job, and leaves it as it is.
func TestCancelOfABlockedPipeline(t *testing.T) {
	o := newOffice(t)
	o.lists.in[7][0].Status = gitlab.StatusManual
	o.types("cancel 4711")
	o.submit(o.alice.OpenModal())
	if got := o.heard(); !strings.Contains(got, "nothing of it runs that GitLab could cancel") {
		t.Errorf("alice reads %q", got)
	}
	o.acted("cancel 7/4711")
	o.clean()
}

// From the menu of a blocked pipeline the jobs that wait are offered.
func TestPlayFromTheMenu(t *testing.T) {
	o := newOffice(t)
	waiting("ship")(o)
	o.deliver(o.menuAction(o.alice, "play 7/4711"))
	o.finished()
	var heard string
	for _, m := range o.slack.DM(o.alice).Messages(o.alice) {
		heard = m.Read(readAt)
	}
	if !strings.Contains(heard, "has a job that waits to be started:\n[Start ship]") {
		t.Errorf("alice reads %q", heard)
	}
	o.acted()
	o.clean()
}

// Slack delivers twice, and people press twice.
func TestConfirmedTwice(t *testing.T) {
	for _, verb := range []string{"cancel", "delete"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			owner(o)
			o.types(verb + " 4711")
			modal := o.alice.OpenModal()
			if _, err := modal.SubmitTwice(o.ctx); err != nil {
				t.Fatal(err)
			}
			o.finished()
			o.acted(verb + " 7/4711")
			if got := o.heard(); strings.Contains(got, "could not") {
				t.Errorf("alice reads %q", got)
			}
		})
	}
}

// Slack delivers once more what another process was working on, whatever became of that: it
// is done once, and whoever did it is told. The next time they do it, it is done again.
func TestActsDeliveredToAnotherProcess(t *testing.T) {
	const told = "This came to me twice, and I ask GitLab for it only once. "
	typed := func(text string) func(o *office, gesture string) map[string]any {
		return func(o *office, gesture string) map[string]any {
			return map[string]any{
				"command": "/pipeline", "text": text, "team_id": o.alice.TeamID, "user_id": o.alice.ID, "channel_id": o.builds.ID, "trigger_id": gesture,
			}
		}
	}
	pressed := func(id, value string) func(o *office, gesture string) map[string]any {
		return func(o *office, gesture string) map[string]any {
			r, _ := o.runs.Find(o.ctx, "V0RUN")
			p := o.blockAction(o.alice, id, value, r.Shown)
			p["trigger_id"] = gesture
			return p
		}
	}
	submitted := func(verb string) func(o *office, gesture string) map[string]any {
		return func(o *office, gesture string) map[string]any {
			p := o.confirms(o.alice, verb, verb+" 7/4711 "+o.builds.ID)
			if view, ok := p["view"].(map[string]any); ok {
				view["id"] = gesture
			}
			return p
		}
	}
	for name, test := range map[string]struct {
		kind    string
		run     run.Run
		payload func(o *office, gesture string) map[string]any
		act     string
		goes    bool // the pipeline, with the first delivery
		want    string
	}{
		"retry, typed":      {"slash_commands", ended(gitlab.StatusFailed), typed("retry 4711"), "retry 7/4711", false, told},
		"play, typed":       {"slash_commands", ended(gitlab.StatusFailed), typed("play 4711 ship"), "play 7/4711 job 9000", false, told},
		"Retry of a card":   {"interactive", ended(gitlab.StatusFailed), pressed("retry", "V0RUN"), "retry 7/4711", false, told},
		"Cancel of a card":  {"interactive", running(), pressed("cancel", "V0RUN"), "cancel 7/4711", false, told},
		"Start of a card":   {"interactive", blocked("ship"), pressed("play.0", "V0RUN 9000"), "play 7/4711 job 9000", false, told},
		"Start of an offer": {"interactive", blocked("ship"), pressed("start_job.0", "7/4711 9000"), "play 7/4711 job 9000", false, told},
		"cancel, confirmed": {"interactive", running(), submitted("cancel"), "cancel 7/4711", false, told},
		"delete, confirmed": {"interactive", running(), submitted("delete"), "delete 7/4711", true, "Pipeline #4711 is deleted, as far as I can see: GitLab does not show it to me any more."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			owner(o)
			waiting("ship")(o)
			o.shows(test.run)
			heard := func(id, gesture string) string {
				answer := o.delivers(test.kind, id, test.payload(o, gesture))
				o.restart(func(*bot.Config) {})
				return answer + o.heard()
			}
			if got := heard("first", "G1"); strings.Contains(got, "twice") {
				t.Errorf("the first time alice reads %q", got)
			}
			if test.goes {
				o.lists.in[7] = nil
			}
			if got := heard("second", "G1"); !strings.Contains(got, test.want) {
				t.Errorf("the second time alice reads %q, want %q", got, test.want)
			}
			o.acted(test.act)
			if !test.goes {
				heard("third", "G2")
				o.acted(test.act, test.act)
			}
		})
	}
}

// What takes longer than a moment is acknowledged before, and ends in the modal.
func TestConfirmedSlowly(t *testing.T) {
	o := newOffice(t)
	owner(o)
	o.types("delete 4711")
	modal := o.alice.OpenModal()
	release := make(chan struct{})
	o.runs.change(func(f *fakeRuns) { f.waits = release })
	result, err := modal.Submit(o.ctx)
	if err != nil || result.Late {
		t.Fatalf("submitting: %+v %v", result, err)
	}
	if got := modal.Text(); !strings.Contains(got, "Deleting Pipeline #4711 …") || modal.SubmitText() != "" {
		t.Errorf("meanwhile alice reads %q", got)
	}
	close(release)
	if err := modal.WaitUpdate(o.ctx, func(m *slacktest.Modal) bool { return strings.Contains(m.Text(), "is deleted") }); err != nil {
		t.Fatalf("at the end alice reads %q: %v", modal.Text(), err)
	}
	o.finished()
	o.clean()
}

// The rights of now count, not those of when the modal was opened.
func TestConfirmedWithoutRight(t *testing.T) {
	o := newOffice(t)
	owner(o)
	o.types("delete 4711")
	maintainer(o)
	o.restart(func(*bot.Config) {})
	o.submit(o.alice.OpenModal())
	o.acted()
	if got := o.heard(); !strings.Contains(got, "it takes the GitLab role Owner there, and yours is Maintainer") {
		t.Errorf("alice reads %q", got)
	}
}

// A modal's metadata, a button's and a menu's value come from outside.
func TestForgedActs(t *testing.T) {
	at := run.Shown{Card: "1.000001"}
	for name, forged := range map[string]func(o *office) map[string]any{
		"another verb":         func(o *office) map[string]any { return o.confirms(o.alice, "cancel", "delete 7/4711 C0BUILDS") },
		"a foreign project":    func(o *office) map[string]any { return o.confirms(o.alice, "delete", "delete 99/4711 C0BUILDS") },
		"another's pipeline":   func(o *office) map[string]any { return o.confirms(o.alice, "delete", "delete 8/4711 C0BUILDS") },
		"no pipeline":          func(o *office) map[string]any { return o.confirms(o.alice, "delete", "delete C0BUILDS") },
		"no metadata":          func(o *office) map[string]any { return o.confirms(o.alice, "delete", "") },
		"a job not waiting":    func(o *office) map[string]any { return o.blockAction(o.alice, "start_job.0", "7/4711 9100", at) },
		"a job of no pipeline": func(o *office) map[string]any { return o.blockAction(o.alice, "start_job.0", "7/4712 9000", at) },
		"no job":               func(o *office) map[string]any { return o.blockAction(o.alice, "start_job.0", "7/4711", at) },
		"no values to reveal":  func(o *office) map[string]any { return o.blockAction(o.alice, "reveal", "99/4711", at) },
		"a menu's odd verb":    func(o *office) map[string]any { return o.menuAction(o.alice, "explode 7/4711") },
		"a menu without value": func(o *office) map[string]any { return o.menuAction(o.alice, "") },
		"a menu's odd project": func(o *office) map[string]any { return o.menuAction(o.alice, "retry 99/4711") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			owner(o)
			waiting("ship")(o)
			o.deliver(forged(o))
			o.nothingHappened()
		})
	}
}

// The offered jobs' buttons start them.
func TestOfferedJobStarts(t *testing.T) {
	o := newOffice(t)
	waiting("ship", "rollback")(o)
	o.types("play 4711")
	var offer slacktest.Message
	for _, m := range o.builds.Messages(o.alice) {
		offer = m
	}
	o.click(offer, "Start rollback", slacktest.Confirm)
	o.acted("play 7/4711 job 9001")
	if got := o.heard(); !strings.Contains(got, "Started `rollback`") || strings.Contains(got, "[Start ship]") {
		t.Errorf("alice reads %q", got)
	}
	o.clean()
}

var startedWith = []gitlab.Variable{
	{Key: "APP_ENV", Value: "staging"}, {Key: "DB_PASSWORD", Value: "hunter2"}, {Key: "PIPEBOT_RUN_ID", Value: "V0RUN"},
}

// Who reads which variables.
func TestVariables(t *testing.T) {
	for name, test := range map[string]struct {
		before  func(o *office)
		want    string
		without string
	}{
		"as a maintainer":  {before: maintainer, want: "APP_ENV = staging\nDB_PASSWORD = •••", without: "V0RUN"},
		"as a developer":   {want: "it takes the GitLab role Maintainer there, and yours is Developer", without: "staging"},
		"of one's own":     {before: func(o *office) { o.lists.in[7][0].User = gitlab.User{ID: 1, Username: "alice"} }, want: "APP_ENV = staging"},
		"asked for here":   {before: func(o *office) { o.knows(o.alice.ID) }, want: "APP_ENV = staging"},
		"asked by another": {before: func(o *office) { o.knows("U0BOB") }, want: "it takes the GitLab role Maintainer", without: "staging"},
		"kept from my token": {
			before: func(o *office) { maintainer(o); o.lists.hidden = &gitlab.Error{Kind: gitlab.Forbidden} },
			want:   "GitLab shows them to maintainers of the project and to who started the pipeline, and my access token is of neither.",
		},
		"kept from my token, of my own": {before: func(o *office) {
			o.knows(o.alice.ID)
			o.lists.hidden = &gitlab.Error{Kind: gitlab.Forbidden}
		}, want: "APP_ENV = staging\nBUILD_TYPE = debug```\nGitLab does not show them to my access token: this is what I started the pipeline with."},
		"GitLab is away": {
			before: func(o *office) { maintainer(o); o.lists.hidden = &gitlab.Error{Kind: gitlab.NotSent} },
			want:   "I could not read the variables. GitLab cannot be reached just now.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.lists.variables = startedWith
			if test.before != nil {
				test.before(o)
			}
			o.types("variables 4711")
			got := o.heard()
			if !strings.Contains(got, test.want) || test.without != "" && strings.Contains(got, test.without) || strings.Contains(got, "hunter2") {
				t.Errorf("alice reads %q, want %q", got, test.want)
			}
			o.clean()
		})
	}
}

// knows has the bot have started the pipeline, for somebody.
func (o *office) knows(who string) {
	r := running()
	r.Request.Asker, r.Request.Team = who, o.alice.TeamID
	o.runs.put(r)
	o.history.shown = []run.Sighting{{ID: "V0RUN", State: run.Started}}
}

// Hidden values are shown in the place of the message where they were hidden, and
// nowhere else.
func TestReveal(t *testing.T) {
	o := newOffice(t)
	maintainer(o)
	o.lists.variables = startedWith
	o.types("variables 4711")
	var list slacktest.Message
	for _, m := range o.builds.Messages(o.alice) {
		list = m
	}
	o.click(list, "Show hidden values")
	if got := o.heard(); !strings.Contains(got, "DB_PASSWORD = hunter2") || strings.Contains(got, "[Show hidden values]") {
		t.Errorf("alice reads %q", got)
	}
	for _, call := range o.slack.Calls("chat.postMessage") {
		t.Errorf("a message was posted: %v", call.Args)
	}
	o.clean()
}

func TestRevealAsksAnew(t *testing.T) {
	o := newOffice(t)
	maintainer(o)
	o.lists.variables = startedWith
	o.types("variables 4711")
	var list slacktest.Message
	for _, m := range o.builds.Messages(o.alice) {
		list = m
	}
	o.role(gitlab.Reporter)
	o.click(list, "Show hidden values")
	if got := o.heard(); !strings.Contains(got, "yours is Reporter") {
		t.Errorf("alice reads %q", got)
	}
}

// Where the message cannot be replaced any more, no other one gets the values.
func TestRevealIntoNothing(t *testing.T) {
	o := newOffice(t)
	maintainer(o)
	o.lists.variables = startedWith
	o.deliver(o.blockAction(o.alice, "reveal", "7/4711", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
	if got := o.heard(); !strings.Contains(got, "I could not show the values here any more. Type `/pipeline variables 4711` again.") {
		t.Errorf("alice reads %q", got)
	}
}

// home is the app's home with one pipeline, whose menu has one option.
func (o *office) home(value string) *slacktest.Home {
	o.Helper()
	menu := slack.NewOverflowBlockElement("pipeline_menu", slack.NewOptionBlockObject(value, slack.NewTextBlockObject(slack.PlainTextType, "Do it", false, false), nil))
	row := slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, "Pipeline", false, false), nil, slack.NewAccessory(menu))
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{row}}}
	if _, err := o.cfg.API.PublishViewContext(o.ctx, slack.PublishViewContextRequest{UserID: o.alice.ID, View: view}); err != nil {
		o.Fatal(err)
	}
	return o.alice.Home()
}

// What the menu of a pipeline in the app's home leads to.
func TestPipelineMenu(t *testing.T) {
	for value, test := range map[string]struct {
		acts []string
		want string
	}{
		"follow 7/4711":    {want: "I follow Pipeline #4711"},
		"retry 7/4711":     {acts: []string{"retry 7/4711"}, want: "Retrying Pipeline #4711"},
		"cancel 7/4711":    {want: "Jobs that run are interrupted"},
		"delete 7/4711":    {want: "This cannot be undone."},
		"variables 7/4711": {want: "APP_ENV = staging"},
		"delete 7/4712":    {want: "GitLab has no such pipeline"},
		"retry 7/4712":     {want: "GitLab has no such pipeline"},
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			owner(o)
			o.lists.variables = startedWith
			home := o.home(value)
			if err := home.Choose(o.ctx, "pipeline_menu", "Do it"); err != nil {
				t.Fatal(err)
			}
			o.finished()
			got := ""
			if modal := o.alice.OpenModal(); modal != nil {
				got = modal.Text()
			}
			for _, m := range o.slack.DM(o.alice).Messages(o.alice) {
				got += m.Read(readAt)
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("alice reads %q, want %q", got, test.want)
			}
			o.acted(test.acts...)
			if got := len(o.slack.Calls("chat.postEphemeral")); got != 0 {
				t.Errorf("%d ephemeral messages into no channel", got)
			}
			o.clean()
		})
	}
}

// While GitLab is slow, who chose something or pressed a button is told that it is done.
func TestClicksWhileGitLabIsSlow(t *testing.T) {
	until := func(o *office, where *slacktest.Channel, said string) {
		o.lists.before = func() {
			_, err := o.slack.WaitMessage(o.ctx, where, o.alice, func(m slacktest.Message) bool { return strings.Contains(m.Text, said) })
			if err != nil {
				o.Error(err)
			}
		}
	}
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		owner(o)
		home := o.home("retry 7/4711")
		until(o, o.slack.DM(o.alice), "Looking for the pipeline")
		if err := home.Choose(o.ctx, "pipeline_menu", "Do it"); err != nil {
			t.Fatal(err)
		}
		o.finished()
		o.acted("retry 7/4711")
		o.clean()
	})
	t.Run("reveal", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		maintainer(o)
		o.lists.variables = startedWith
		o.types("variables 4711")
		var list slacktest.Message
		for _, m := range o.builds.Messages(o.alice) {
			list = m
		}
		until(o, o.builds, "Reading the variables")
		o.click(list, "Show hidden values")
		var shown []string
		for _, m := range o.builds.Messages(o.alice) {
			if strings.Contains(m.Read(readAt), "hunter2") {
				shown = append(shown, m.TS)
			}
		}
		if len(shown) != 1 || shown[0] != list.TS {
			t.Errorf("the values are in %q, want them in %s alone", shown, list.TS)
		}
		o.clean()
	})
}

// In a modal hidden values are shown in the modal.
func TestRevealInModal(t *testing.T) {
	o := newOffice(t)
	maintainer(o)
	o.lists.variables = startedWith
	if err := o.home("variables 7/4711").Choose(o.ctx, "pipeline_menu", "Do it"); err != nil {
		t.Fatal(err)
	}
	o.finished()
	modal := o.alice.OpenModal()
	if err := modal.Click(o.ctx, "Show hidden values"); err != nil {
		t.Fatal(err)
	}
	o.finished()
	if got := modal.Text(); !strings.Contains(got, "DB_PASSWORD = hunter2") {
		t.Errorf("alice reads %q", got)
	}
	o.clean()
}

// A modal that cannot be opened is told of, and nothing is asked for.
func TestConfirmationThatDoesNotOpen(t *testing.T) {
	o := newOffice(t)
	owner(o)
	o.slack.FailNext("views.open", "expired_trigger_id", 1)
	o.types("delete 4711")
	if got := o.heard(); !strings.Contains(got, "Slack did not let me open the window for this. Nothing was done; please try again.") {
		t.Errorf("alice reads %q", got)
	}
	o.acted()
}

// Guests are not told what GitLab has.
func TestStrangersDoNotLearnWhatIsThere(t *testing.T) {
	o := newOffice(t)
	o.obey(policy.ModeGitLab, "people: [{slack: U0NOBODY, gitlab: nobody}]")
	guest := o.stranger("a guest")
	for _, typed := range []string{"retry 4712", "play 4712", "variables 4712", "status 4712", "tests 4712", "rename 4712 Nightly"} {
		if err := guest.Command(o.ctx, o.builds, "/pipeline", typed); err != nil {
			t.Fatal(err)
		}
		o.finished()
		o.hears(guest, "guests and people of other workspaces")
	}
}
