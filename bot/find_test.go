package bot_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// pipelineOf is a pipeline that somebody started in GitLab.
func pipelineOf(id, iid int64, ref string, edits ...func(p *gitlab.Pipeline)) gitlab.Pipeline {
	p := gitlab.Pipeline{ID: id, IID: iid, Status: gitlab.StatusRunning, Source: "push", Ref: ref, User: gitlab.User{ID: 9, Username: "carol"}, CreatedAt: askedAt}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

// What people type finds a pipeline wherever it is, and what is said of it where it is not.
func TestFind(t *testing.T) {
	away := &gitlab.Error{Op: "reading the pipeline", Kind: gitlab.NotSent}
	for name, test := range map[string]struct {
		before  func(o *office)
		target  bot.Target
		project string
		id      int64
		err     error
	}{
		"an id in the first project":   {target: bot.Target{ID: 11}, project: "group/app", id: 11},
		"an id in another project":     {target: bot.Target{ID: 21}, project: "group/api", id: 21},
		"an id in a named project":     {target: bot.Target{Project: "group/api", ID: 21}, project: "group/api", id: 21},
		"an id of another than named":  {target: bot.Target{Project: "group/app", ID: 21}, err: bot.ErrNoPipeline},
		"an id of none":                {target: bot.Target{ID: 99}, err: bot.ErrNoPipeline},
		"a number in the first":        {target: bot.Target{IID: 1}, project: "group/app", id: 11},
		"a number in a named project":  {target: bot.Target{Project: "group/api", IID: 1}, project: "group/api", id: 21},
		"a number that there is not":   {target: bot.Target{IID: 7}, err: bot.ErrNoPipeline},
		"a number in the used project": {before: func(o *office) { o.history.last = map[string]string{o.builds.ID: "group/api"} }, target: bot.Target{IID: 1}, project: "group/api", id: 21},
		"the newest of a project":      {target: bot.Target{Project: "group/app"}, project: "group/app", id: 12},
		"the newest of an empty one":   {before: func(o *office) { o.lists.in = nil }, target: bot.Target{Project: "group/app"}, err: bot.ErrNoPipeline},
		"what the channel was shown":   {before: func(o *office) { o.history.newest = map[string]int64{o.builds.ID: 11} }, project: "group/app", id: 11},
		"what was deleted since":       {before: func(o *office) { o.history.newest = map[string]int64{o.builds.ID: 99} }, err: bot.ErrNoPipeline},
		"nothing was shown":            {err: bot.ErrNothingShown},
		"what was shown is not set up any more": {before: func(o *office) {
			o.history.newest = map[string]int64{o.builds.ID: 11}
			o.projects.names = []string{"group/api"}
		}, err: bot.ErrNothingShown},
		"what was shown is of a project that was not read yet": {before: func(o *office) {
			o.history.newest = map[string]int64{o.builds.ID: 11}
			delete(o.projects.known, "group/app")
		}, err: bot.ErrUnread},
		"found though GitLab is away for one": {before: func(o *office) { o.lists.failing = map[int64]error{7: away} }, target: bot.Target{ID: 21}, project: "group/api", id: 21},
		"perhaps where GitLab is away":        {before: func(o *office) { o.lists.failing = map[int64]error{8: away} }, target: bot.Target{ID: 99}, err: away},
		"a project that GitLab does not show": {before: func(o *office) { o.projects.names = append(o.projects.names, "group/new") }, target: bot.Target{ID: 11}, project: "group/app", id: 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.lists.in = map[int64][]gitlab.Pipeline{
				7: {pipelineOf(12, 2, "main"), pipelineOf(11, 1, "feature/login")}, 8: {pipelineOf(21, 1, "trunk")},
			}
			if test.before != nil {
				test.before(o)
			}
			r, err := bot.Find(o.ctx, o.bot.Load(), bot.Asker{Team: o.alice.TeamID, User: o.alice.ID, Channel: o.builds.ID}, test.target)
			if err != test.err { //nolint:errorlint // it is that very error
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if r.Request.Project != test.project || r.Pipeline.ID != test.id {
				t.Errorf("it finds %d in %q, want %d in %q", r.Pipeline.ID, r.Request.Project, test.id, test.project)
			}
		})
	}
}

// A pipeline that the bot does not know is a run of what GitLab says, whose ref has the
// kind that it has, and whose build type and variables are not known.
func TestFindMakesUpRuns(t *testing.T) {
	for name, test := range map[string]struct {
		pipeline gitlab.Pipeline
		ref      gitlab.Ref
		state    run.State
	}{
		"branch":        {pipelineOf(11, 1, "main"), gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, run.Started},
		"tag":           {pipelineOf(11, 1, "v1", func(p *gitlab.Pipeline) { p.Tag = true }), gitlab.Ref{Kind: gitlab.Tag, Name: "v1"}, run.Started},
		"merge request": {pipelineOf(11, 1, "refs/merge-requests/12/head"), gitlab.Ref{Name: "refs/merge-requests/12/head"}, run.Started},
		"ended":         {pipelineOf(11, 1, "main", func(p *gitlab.Pipeline) { p.Status = gitlab.StatusFailed }), gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, run.Ended},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.lists.in = map[int64][]gitlab.Pipeline{7: {test.pipeline}}
			got, err := bot.Find(o.ctx, o.bot.Load(), bot.Asker{User: o.alice.ID}, bot.Target{ID: 11})
			if err != nil {
				t.Fatal(err)
			}
			want := run.Run{
				Request: run.Request{Project: "group/app", Ref: test.ref, At: askedAt, Follow: true},
				State:   test.state, Project: o.projects.known["group/app"], Pipeline: test.pipeline,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("it finds (-want +got):\n%s", diff)
			}
		})
	}
}

// The run that a pipeline was started for knows more of it than those that follow it.
func TestFindPrefersWhatThePipelineWasStartedFor(t *testing.T) {
	o := newOffice(t)
	o.lists.in = map[int64][]gitlab.Pipeline{7: {pipelineOf(4711, 42, "feature/login", func(p *gitlab.Pipeline) { p.Status = gitlab.StatusSuccess })}}
	o.runs.put(running())
	o.runs.put(followed(running()))
	sightings := []run.Sighting{{ID: "F-C0BUILDS-7-4711", Follow: true}, {ID: "V0EXPIRED"}, {ID: "V0RUN"}}
	for _, want := range []string{"V0RUN", "F-C0BUILDS-7-4711", ""} {
		o.history.shown = sightings
		r, err := bot.Find(o.ctx, o.bot.Load(), bot.Asker{User: o.alice.ID}, bot.Target{ID: 4711})
		if err != nil || r.Request.ID != want {
			t.Errorf("it finds the run %q, %v; want %q", r.Request.ID, err, want)
		}
		if r.Pipeline.Status != gitlab.StatusSuccess {
			t.Errorf("the pipeline is %s, and GitLab says success", r.Pipeline.Status)
		}
		o.runs.change(func(f *fakeRuns) { delete(f.runs, want) })
	}
	o.runs.change(func(f *fakeRuns) { f.findErr = errAway })
	if _, err := bot.Find(o.ctx, o.bot.Load(), bot.Asker{User: o.alice.ID}, bot.Target{ID: 4711}); err == nil {
		t.Error("it finds a run without its records: who it belongs to is not known then")
	}
}

// Of a pipeline that was not started here nobody knows the build type and the variables:
// what a rule says by them may be meant for it.
func TestRulesAboutWhatIsNotKnownOfAPipeline(t *testing.T) {
	refuse, allow := "then: refuse, reason: no", "then: allow"
	for _, condition := range []string{"build_types: [release]", `variables: {DEPLOY: "*"}`, "variables: {BUILD_TYPE: release}"} {
		for name, test := range map[string]struct {
			mode policy.Mode
			then string
		}{"refusing": {policy.ModeGitLab, refuse}, "allowing": {policy.ModePolicy, allow}} {
			t.Run(name+" "+condition, func(t *testing.T) {
				t.Parallel()
				o := newOffice(t)
				o.obey(test.mode, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{"+condition+", "+test.then+"}]")
				r, err := bot.Find(o.ctx, o.bot.Load(), bot.Asker{User: o.alice.ID}, bot.Target{ID: 4711})
				if err != nil {
					t.Fatal(err)
				}
				who := bot.Asker{Team: o.alice.TeamID, User: o.alice.ID, Channel: o.builds.ID}
				for _, action := range []policy.Action{policy.ActionView, policy.ActionCancel, policy.ActionRetry, policy.ActionPlay, policy.ActionDelete} {
					d, _ := o.cfg.Gate.Ask(context.Background(), who, bot.QuestionOf(action, r, who), r)
					if d.Outcome != policy.Refuse || d.Why != policy.Doubtful {
						t.Errorf("%s: %s because of %v; want a doubt", action, d.Outcome, d.Why)
					}
				}
			})
		}
	}
}
