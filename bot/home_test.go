package bot_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// keepsHomes has the open Homes kept current until the test ends.
func (o *office) keepsHomes() {
	o.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.homes.Work(ctx) }()
	o.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			o.Errorf("keeping the Homes ended: %v", err)
		}
	})
}

// opensHome has somebody open their Home.
func (o *office) opensHome(who *slacktest.User) {
	o.Helper()
	if err := who.OpenHome(o.ctx); err != nil {
		o.Fatal(err)
	}
	o.finished()
}

// homeReads waits until somebody's Home reads as wanted, in parts; one that begins with
// ! must not be there.
func (o *office) homeReads(who *slacktest.User, parts ...string) {
	o.Helper()
	var text string
	err := o.slack.Wait(o.ctx, func() bool {
		home := who.Home()
		if home == nil {
			return false
		}
		text = home.Text()
		for _, part := range parts {
			if absent, not := strings.CutPrefix(part, "!"); not == strings.Contains(text, absent) {
				return false
			}
		}
		return true
	})
	if err != nil {
		o.Fatalf("the Home does not read %q: %v\n%s", parts, err, text)
	}
}

// listed waits until GitLab was asked for so many more lists.
func (o *office) listed(more int) {
	o.Helper()
	first := -1
	tick := time.NewTicker(homeEvery)
	defer tick.Stop()
	for {
		asked := 0
		o.pages.change(func(f *fakeLists) { asked = f.asked })
		if first < 0 {
			first = asked
		}
		if asked >= first+more {
			return
		}
		select {
		case <-tick.C:
		case <-o.ctx.Done():
			o.Fatal("no lists are read")
		}
	}
}

// own is a run that alice asked for.
func (o *office) own(r run.Run) run.Run {
	r.Request.Asker, r.Request.Team = o.alice.ID, o.alice.TeamID
	return r
}

// What is in memory is shown at once, and the rest when GitLab has been asked.
func TestHomeIsShownFromMemoryFirst(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(7, 7)
	o.history.remembers(o.own(running()))
	o.opensHome(o.alice) // nobody reads yet
	o.homeReads(o.alice, "[Run pipeline]", "# Your runs", "Running  #4711", "Reading pipelines from GitLab", "!#5000")
	o.keepsHomes()
	o.homeReads(o.alice, "In GitLab you are alice", "# group/app", "#5000", "#4996", "!#4995", "# group/api", "No pipelines that you may see", "!Reading")
	o.clean()
}

func TestHomeIsKeptCurrent(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.keepsHomes()
	o.opensHome(o.alice)
	o.homeReads(o.alice, "Running  #5000", "None yet")
	o.pages.change(func(f *fakeLists) { f.all[0].Status, f.all[0].Warnings = gitlab.StatusSuccess, true })
	o.homeReads(o.alice, "Passed with warnings  #5000")
	o.history.remembers(o.own(requested()))
	o.homeReads(o.alice, "Starting")
	o.history.remembers(o.own(running()))
	o.homeReads(o.alice, "Running  #4711")
	described := 0
	o.pages.change(func(f *fakeLists) { described = len(f.described) })
	if described != 2 {
		t.Errorf("%d pipelines were described: once for each status is enough", described)
	}
	o.clean()
}

// A Home that looks as before is not published again.
func TestHomeIsPublishedOnlyWhereItChanges(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.keepsHomes()
	o.opensHome(o.alice)
	o.homeReads(o.alice, "#5000", "# group/api", "!Reading")
	before := len(o.slack.Calls("views.publish"))
	o.pages.change(func(f *fakeLists) { f.all[0].UpdatedAt = readAt }) // which nobody sees
	o.homes.Linked(o.alice.TeamID, o.alice.ID)                         // which is drawn, and looks the same
	o.listed(6)
	if got := len(o.slack.Calls("views.publish")); got != before {
		t.Errorf("it was published %d times more", got-before)
	}
}

// One reading of a project is for all Homes.
func TestHomesShareWhatIsRead(t *testing.T) {
	o := newOffice(t)
	o.homes = bot.NewHomes(&bot.Homes{
		API: o.cfg.API, Gate: o.cfg.Gate, History: o.history, Projects: o.projects, Lists: o.pages, Every: time.Hour, Log: o.cfg.Log,
	})
	o.restart(func(cfg *bot.Config) { cfg.Homes = o.homes })
	o.obey(policy.ModeOpen, "people: [{slack: U0X, gitlab: x}]")
	o.pages.all = pipelines(1, 7)
	o.keepsHomes()
	for i := range 5 {
		who := o.slack.AddUser(fmt.Sprintf("person-%d", i))
		o.opensHome(who)
		o.homeReads(who, "#5000", "# group/api", "!Reading")
	}
	if o.pages.asked != 2 {
		t.Errorf("two projects were read %d times", o.pages.asked)
	}
}

// While GitLab is away the last lists stay, though it cannot be asked any more what
// somebody may see.
func TestHomeWhileGitLabIsAway(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.keepsHomes()
	o.opensHome(o.alice)
	o.homeReads(o.alice, "#5000", "# group/api", "!Reading")
	o.pages.change(func(f *fakeLists) { f.err = &gitlab.Error{Kind: gitlab.NotSent} })
	o.rights.change(func(f *fakeRights) { f.failing = errAway })
	o.homeReads(o.alice, "GitLab has not answered since", "#5000")
	before := len(o.slack.Calls("views.publish"))
	o.listed(4)
	if got := len(o.slack.Calls("views.publish")); got != before {
		t.Errorf("it was published %d times more", got-before)
	}
	o.rights.change(func(f *fakeRights) { f.failing = nil })
	o.pages.change(func(f *fakeLists) { f.err, f.all[0].Status = nil, gitlab.StatusFailed })
	o.homeReads(o.alice, "Failed  #5000", "!has not answered")
}

func TestHomeOfAProjectThatGitLabRefuses(t *testing.T) {
	o := newOffice(t)
	o.pages.change(func(f *fakeLists) { f.err = &gitlab.Error{Kind: gitlab.Forbidden} })
	o.keepsHomes()
	o.opensHome(o.alice)
	o.homeReads(o.alice, "# group/app", "GitLab does not let my access token see them", "!has not answered")
}

// Where nothing is known of somebody's rights, nothing is shown, and it is asked again.
func TestHomeInDoubt(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.rights.change(func(f *fakeRights) { f.failing = errAway })
	o.keepsHomes()
	o.opensHome(o.alice)
	o.homeReads(o.alice, "GitLab does not tell me just now what you may see", "!#5000")
	o.rights.change(func(f *fakeRights) { f.failing = nil })
	o.homeReads(o.alice, "#5000", "!just now")
}

// What somebody may not see any more does not come back while it is not known what they
// may see.
func TestHomeInDoubtAfterARefusal(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.keepsHomes()
	o.opensHome(o.alice)
	o.homeReads(o.alice, "# group/app", "#5000")
	o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest })
	o.opensHome(o.alice)
	o.homeReads(o.alice, "[Run pipeline]", "!#5000")
	o.rights.change(func(f *fakeRights) { f.failing = errAway })
	o.opensHome(o.alice)
	o.homeReads(o.alice, "GitLab does not tell me just now what you may see", "!#5000")
	o.clean()
}

func TestHomesOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		rules string
		mode  policy.Mode
		kind  []slacktest.UserOption
		want  []string
	}{
		"a guest":          {kind: []slacktest.UserOption{slacktest.AsGuest()}, want: []string{"You may not use me", "!Run pipeline", "!#5000"}},
		"nobody in GitLab": {want: []string{"[Run pipeline]", "I do not know who you are in GitLab", "!#5000"}},
		"by a rule":        {rules: "rules: [{projects: [group/app], actions: [view], then: refuse, reason: no}]", mode: policy.ModeOpen, want: []string{"# group/api", "!# group/app"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.rules != "" {
				o.obey(test.mode, test.rules)
			}
			o.pages.all = pipelines(1, 7)
			o.keepsHomes()
			who := o.slack.AddUser("carol", test.kind...)
			o.opensHome(who)
			o.homeReads(who, test.want...)
			o.clean()
		})
	}
}

// What Slack asks for is obeyed, and the Home comes all the same.
func TestHomeWaitsWhereSlackWants(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.slack.RateLimitFor("views.publish", 5*time.Second)
	o.keepsHomes()
	o.opensHome(o.alice)
	if got := len(o.slack.Calls("views.publish")); got != 1 {
		t.Errorf("it was published %d times though Slack wants none for seconds", got)
	}
	o.homeReads(o.alice, "#5000")
	if got := len(o.slack.Calls("views.publish")); got > 4 {
		t.Errorf("it was published %d times, of which Slack has refused most", got)
	}
}

// A Home is kept for a while after it was opened or acted on, and no longer.
func TestHomesEnd(t *testing.T) {
	o := newOffice(t)
	var passed atomic.Int64
	o.homes.SetClock(func() time.Time { return askedAt.Add(time.Duration(passed.Load())) })
	o.opensHome(o.alice)
	passed.Store(int64(9 * time.Minute))
	o.deliver(o.blockAction(o.alice, "open_form", "open", run.Shown{}))
	passed.Store(int64(18 * time.Minute))
	if got := o.homes.Open(); got != 1 {
		t.Errorf("%d Homes are kept after it was acted on", got)
	}
	passed.Store(int64(20 * time.Minute))
	if got := o.homes.Open(); got != 0 {
		t.Errorf("%d Homes are kept for ever", got)
	}
}

func TestHomesAreBounded(t *testing.T) {
	o := newOffice(t)
	o.slack.FailNext("views.publish", "user_not_found", bot.MostHomes+10)
	for i := range bot.MostHomes + 10 {
		o.homes.Opened(o.ctx, bot.Asker{Team: "T0", User: fmt.Sprintf("U0%d", i)})
	}
	if got := o.homes.Open(); got != bot.MostHomes {
		t.Errorf("%d Homes are kept", got)
	}
}

// The conversation with the bot is opened by the same event.
func TestOnlyTheHomeTabIsAHome(t *testing.T) {
	o := newOffice(t)
	o.slack.Deliver(toJSON(t, map[string]any{
		"envelope_id": "messages", "type": "events_api", "payload": map[string]any{
			"team_id": o.alice.TeamID, "type": "event_callback", "event": map[string]any{"type": "app_home_opened", "user": o.alice.ID, "tab": "messages"},
		},
	}))
	if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) > 0 }); err != nil {
		t.Fatal(err)
	}
	o.finished()
	if got := len(o.slack.Calls("views.publish")); got != 0 {
		t.Errorf("a Home was published %d times", got)
	}
}

// Looking takes nothing from what somebody may ask for.
func TestOpeningAHomeManyTimes(t *testing.T) {
	o := newOffice(t)
	for range 40 {
		o.opensHome(o.alice)
	}
	if got := o.listing("help").Read(readAt); strings.Contains(got, "a lot at once") {
		t.Errorf("alice reads %q", got)
	}
}

// The form that is opened there shows the run to the person alone.
func TestHomeOpensTheForm(t *testing.T) {
	o := newOffice(t)
	o.keepsHomes()
	o.opensHome(o.alice)
	if err := o.alice.Home().Click(o.ctx, "Run pipeline"); err != nil {
		t.Fatal(err)
	}
	o.finished()
	modal := o.alice.OpenModal()
	if modal == nil {
		t.Fatal("no form is open")
	}
	if got := string(modal.JSON()); !strings.Contains(got, `\"channel\":\"`+o.alice.ID+`\"`) {
		t.Errorf("the form is %s", got)
	}
}

func TestForgedMenus(t *testing.T) {
	for value, want := range map[string]string{
		"cancel 9/1": "is not set up here any more", "cancel": "is not set up here any more", "": "is not set up here any more", "explode 7/1": "This is of another version of me",
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.deliver(o.menuAction(o.alice, value))
			told := ""
			for _, m := range o.slack.DM(o.alice).Messages(o.alice) {
				told = m.Read(readAt)
			}
			if !strings.Contains(told, want) {
				t.Errorf("alice reads %q", told)
			}
		})
	}
}

// A mistake that one Home or one project brings out is logged, and the others go on.
func TestHomesOutliveAPanic(t *testing.T) {
	for name, before := range map[string]func(o *office, fail func()){
		"while reading": func(o *office, fail func()) { o.pages.change(func(f *fakeLists) { f.before = fail }) },
		"while drawing": func(o *office, fail func()) { o.history.change(func(f *fakeHistory) { f.before = fail }) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			logged, logs := observer.New(zap.ErrorLevel)
			o.homes.Log = zap.New(logged)
			o.pages.all = pipelines(1, 7)
			o.opensHome(o.alice)
			var failing atomic.Bool
			failing.Store(true)
			failed := make(chan struct{}, 100)
			before(o, func() {
				if failing.Load() {
					failed <- struct{}{}
					panic("a mistake") //nolint:forbidigo // what nothing must do
				}
			})
			o.keepsHomes()
			<-failed
			failing.Store(false)
			o.opensHome(o.alice)
			o.homeReads(o.alice, "Running  #5000")
			if logs.FilterMessage("keeping the open Homes current panicked").Len() == 0 {
				t.Error("nobody hears of it")
			}
		})
	}
}
