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

// doubted is a run of which nobody knows whether GitLab started it, or as which of two.
func doubted(edits ...edit) run.Run {
	return edited(requested(inProject(run.Unknown), func(r *run.Run) {
		r.Unclear, r.Deadline = true, askedAt.Add(10*time.Second)
		for i, status := range []gitlab.Status{gitlab.StatusRunning, gitlab.StatusSuccess} {
			id := int64(4712 - i)
			r.Candidates = append(r.Candidates, gitlab.Pipeline{
				ID: id, ProjectID: 7, Status: status, Ref: r.Request.Ref.Name, SHA: sha, User: gitlab.User{ID: 3, Username: "release-bot"},
				WebURL: fmt.Sprintf("%s/-/pipelines/%d", appURL, id), CreatedAt: askedAt.Add(2 * time.Second),
			})
		}
	}), edits...)
}

func onlyOne(r *run.Run) { r.Candidates = r.Candidates[:1] }

// aboutDoubts are the pictures of what people see of an unclear start.
func aboutDoubts(o outside) []picture {
	named := func(r *run.Run) {
		r.Request.Project, r.Project.Path, r.Request.Ref.Name, r.Request.BuildType = o.project, o.project, o.ref, o.buildType
		for i := range r.Candidates {
			r.Candidates[i].User.Username, r.Candidates[i].Name, r.Candidates[i].Ref = o.user, o.rule, o.ref
			if o != ordinary {
				r.Candidates[i].SHA = o.value
			}
		}
	}
	verdict := func(pipeline int64) edit {
		return func(r *run.Run) { r.Verdict = &run.Verdict{By: "U0BOB", At: askedAt, Pipeline: pipeline} }
	}
	var list []picture
	for name, r := range map[string]run.Run{
		"card-doubt":               doubted(named),
		"card-doubt-one":           doubted(named, onlyOne),
		"card-doubt-and-more":      doubted(named, func(r *run.Run) { r.MoreCandidates = 3 }),
		"card-doubt-approved":      doubted(named, onlyOne, func(r *run.Run) { r.Approval = &run.Approval{By: "U0BOB", SHA: mainSHA} }),
		"card-doubt-once-more":     doubted(named, verdict(0)),
		"card-doubt-started-again": edited(requested(inProject(run.Requested)), named, verdict(0)),
		"card-doubt-this-one":      running(named, verdict(4711)),
	} {
		list = append(list, picture{name: name, message: bot.Card(r)})
	}
	_, notice := bot.NoticeFor(doubted(named))
	list = append(list, picture{name: "notice-doubt", message: notice})
	for name, err := range map[string]error{
		"settled": run.ErrSettled, "anothers": run.ErrAnothers, "no-candidate": run.ErrNoCandidate, "stale": bot.ErrStale, "no-records": errAway,
	} {
		list = append(list, picture{name: "doubt-not-" + name, message: bot.NotSettled(err)})
	}
	return list
}

// What people say of an unclear start is done for those who may run the pipeline.
func TestDoubts(t *testing.T) {
	about := fmt.Sprintf("about %d", doubted().Doubt())
	for name, test := range map[string]struct {
		before func(o *office)
		do     string
		acts   string
		told   string
	}{
		"this one":        {do: "This one", acts: "settle V0RUN " + about + " as 4712 by @"},
		"none":            {do: "None, start again", acts: "settle V0RUN " + about + " as 0 by @"},
		"look again":      {do: "Look again", acts: "look for V0RUN " + about},
		"decided already": {before: failsWith(run.ErrSettled), do: "This one", acts: "settle V0RUN " + about + " as 4712 by @", told: "has been decided already"},
		"another's":       {before: failsWith(run.ErrAnothers), do: "This one", acts: "settle V0RUN " + about + " as 4712 by @", told: "belongs to another request"},
		"no records":      {before: failsWith(errAway), do: "Look again", acts: "look for V0RUN " + about, told: "I cannot reach my own records"},
		"a guest of the project": {before: func(o *office) {
			o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest })
		}, do: "None, start again", told: "Developer"},
		"a freeze": {before: func(o *office) {
			o.rights.change(func(f *fakeRights) {
				f.freezes = []run.Freeze{{ID: "a", Project: "group/app", By: asker, Reason: "the release is out"}}
			})
		}, do: "None, start again", told: "the release is out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			card := o.shows(doubted(onlyOne))
			if test.before != nil {
				test.before(o)
			}
			var answers []slacktest.Answer
			if test.do == "None, start again" {
				answers = append(answers, slacktest.Confirm)
			}
			o.click(card, test.do, answers...)
			o.finished()
			var want []string
			if test.acts != "" {
				want = []string{strings.ReplaceAll(test.acts, "@", o.alice.ID)}
			}
			if got := o.runs.acted; !slices.Equal(got, want) {
				t.Errorf("done %q, want %q", got, want)
			}
			if test.told != "" {
				o.hears(o.alice, test.told)
			}
			o.clean()
		})
	}
}

func failsWith(err error) func(o *office) {
	return func(o *office) { o.runs.change(func(f *fakeRuns) { f.actErr = err }) }
}

// Where running takes an approval, the asker and everybody who may run what is approved
// can say what came of it: it is held again before it is posted.
func TestDoubtsWhereRunningTakesAnApproval(t *testing.T) {
	for name, test := range map[string]struct {
		by       string
		approved bool
		acts     int
	}{
		"the asker":                      {by: "alice", acts: 1},
		"another":                        {by: "carol"},
		"another, of what is approved":   {by: "carol", approved: true, acts: 1},
		"the asker, of what is approved": {by: "alice", approved: true, acts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			carol := o.slack.AddUser("carol")
			o.builds.Invite(carol)
			o.obey(policy.ModeGitLab, fmt.Sprintf(
				"people: [{slack: %s, gitlab: alice}, {slack: %s, gitlab: bob}]\nrules: [{then: approve, approvers: {users: [U0BOSS]}, actions: [run]}]", o.alice.ID, carol.ID))
			card := o.shows(doubted(onlyOne, func(r *run.Run) {
				if test.approved {
					r.Approval = &run.Approval{By: "U0BOSS", SHA: sha}
				}
			}))
			who := map[string]*slacktest.User{"alice": o.alice, "carol": carol}[test.by]
			if err := who.Click(o.ctx, card, "This one"); err != nil {
				t.Fatal(err)
			}
			o.finished()
			if got := o.runs.acted; len(got) != test.acts {
				t.Errorf("done %q", got)
			}
			if test.acts == 0 {
				o.hears(who, "Somebody else would have to approve that")
			}
		})
	}
}

// Values of buttons come from outside, and so does the message that they are on.
func TestForgedDoubts(t *testing.T) {
	doubt := doubted().Doubt()
	for name, value := range map[string]string{
		"nothing": "", "no numbers": "V0RUN x y", "two parts": fmt.Sprintf("V0RUN %d", doubt), "a negative pipeline": fmt.Sprintf("V0RUN %d -1", doubt),
		"no pipeline": fmt.Sprintf("V0RUN %d 0", doubt), "another run": fmt.Sprintf("V0OTHER %d 4712", doubt),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.shows(doubted())
			shown, err := o.runs.Find(o.ctx, "V0RUN")
			if err != nil {
				t.Fatal(err)
			}
			o.deliver(o.blockAction(o.alice, "this_one.0", value, shown.Shown))
			if got := o.runs.acted; len(got) != 0 {
				t.Errorf("done %q", got)
			}
			o.hears(o.alice, "out of date")
		})
	}
	t.Run("another message", func(t *testing.T) {
		o := newOffice(t)
		o.shows(doubted())
		o.deliver(o.blockAction(o.alice, "this_one.0", fmt.Sprintf("V0RUN %d 4712", doubt), run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
		if got := o.runs.acted; len(got) != 0 {
			t.Errorf("done %q", got)
		}
	})
}

// Who asked is told of each start that is unclear, once.
func TestEachDoubtIsTold(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range []run.Run{
		doubted(),
		doubted(func(r *run.Run) { r.Verdict = &run.Verdict{By: "U0BOB"} }),
		doubted(func(r *run.Run) { r.Verdict, r.Deadline = &run.Verdict{By: "U0BOB"}, askedAt.Add(time.Hour) }),
	} {
		name, _ := bot.NoticeFor(r)
		if again, _ := bot.NoticeFor(r); again != name {
			t.Errorf("%s and then %s", name, again)
		}
		names[name] = true
	}
	if len(names) != 3 {
		t.Errorf("notices %v", names)
	}
}
