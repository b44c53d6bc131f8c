package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// follows are the ids of the records by which pipelines are followed.
func (o *office) follows() []string {
	var ids []string
	for _, r := range o.runs.requests() {
		if r.Follow {
			ids = append(ids, fmt.Sprintf("%s quiet=%t origin=%s", strings.ReplaceAll(r.ID, o.builds.ID, "BUILDS"), r.Quiet, r.Origin))
		}
	}
	slices.Sort(ids)
	return ids
}

// carded is a run whose card is in the channel.
func (o *office) carded(r run.Run) {
	o.Helper()
	o.shows(r)
	shown, err := o.runs.Find(o.ctx, r.Request.ID)
	if err != nil {
		o.Fatal(err)
	}
	o.history.shown = append(o.history.shown, run.Sighting{
		ID: r.Request.ID, State: r.State, Follow: r.Request.Follow, Channel: shown.Shown.Channel, Card: shown.Shown.Card,
	})
}

// astray has somebody follow the pipeline in the channel, whose card could be posted in
// their direct messages alone.
func (o *office) astray(who string) {
	o.runs.put(run.Run{
		Request: run.Request{
			ID: "F-" + o.builds.ID + "-7-4711", Project: "group/app", Ref: running().Request.Ref, Channel: o.builds.ID, Asker: who, Team: o.alice.TeamID, Follow: true,
		},
		State: run.Started, Project: running().Project, Pipeline: running().Pipeline,
		Shown: run.Shown{Channel: "D0DIRECT", Card: cardTS},
	})
}

func TestFollowing(t *testing.T) {
	const mine = "F-BUILDS-7-4711"
	away := &gitlab.Error{Op: "reading the pipeline", Kind: gitlab.NotSent}
	for name, test := range map[string]struct {
		before  func(o *office)
		typed   string
		follows []string
		acted   string
		told    string // nothing where the card tells
	}{
		"status of one that nobody knows": {typed: "status 4711", follows: []string{mine + " quiet=true origin="}},
		"follow one that nobody knows": {
			typed: "follow #42", follows: []string{mine + " quiet=false origin="},
			told: "I follow Pipeline #4711",
		},
		"by its address": {
			typed: "follow " + appURL + "/-/pipelines/4711/builds", follows: []string{mine + " quiet=false origin="},
			told: "I follow Pipeline #4711",
		},
		"one that has ended": {
			before: func(o *office) { o.lists.in[7] = []gitlab.Pipeline{ended(gitlab.StatusFailed).Pipeline} }, typed: "follow 4711",
			follows: []string{mine + " quiet=false origin="}, told: "has ended already; its card shows how",
		},
		"status of one whose card is here": {
			before: func(o *office) { o.carded(running()) }, typed: "status 4711",
			told: "running. Its card is here (https://",
		},
		"follow one whose card is here": {
			before: func(o *office) { o.carded(running()) }, typed: "follow 4711",
			acted: "add the follower alice to V0RUN", told: "I tell you in its thread when it ends",
		},
		"one whose card is in another channel": {
			before: func(o *office) {
				o.runs.put(running(func(r *run.Run) { r.Request.Asker = "U0BOB" }))
				o.history.shown = []run.Sighting{{ID: "V0RUN", Channel: "C0OTHER", Card: "1.000001"}}
			}, typed: "follow 4711", follows: []string{mine + " quiet=false origin=U0BOB"}, told: "I follow Pipeline #4711",
		},
		"one whose card was deleted": {
			before: func(o *office) {
				o.carded(running())
				o.runs.change(func(f *fakeRuns) {
					r := f.runs["V0RUN"]
					r.Shown.Told = []string{bot.ToldLost}
					f.runs["V0RUN"] = r
				})
			}, typed: "status 4711", follows: []string{mine + " quiet=true origin=alice"},
		},
		"one whose followed card was deleted": {
			before: func(o *office) {
				o.runs.put(run.Run{Request: run.Request{ID: "F-" + o.builds.ID + "-7-4711"}, Shown: run.Shown{Card: "1.000001", Told: []string{bot.ToldLost}}})
			}, typed: "follow 4711", follows: []string{mine + "-1 quiet=false origin="}, told: "I follow Pipeline #4711",
		},
		"one that others follow already": {
			before: func(o *office) {
				o.runs.put(run.Run{Request: run.Request{ID: "F-" + o.builds.ID + "-7-4711", Channel: o.builds.ID}})
			}, typed: "follow 4711", acted: "add the follower alice to " + mine, told: "I follow Pipeline #4711",
		},
		"one that others follow whose card went to them": {
			before: func(o *office) { o.astray("U0BOB") }, typed: "follow 4711", follows: []string{mine + " quiet=false origin=", "F-alice-7-4711 quiet=false origin="},
			told: "is in your conversation with me. I tell you in its thread when it ends",
		},
		"status of one whose card went to others": {
			before: func(o *office) { o.astray("U0BOB") }, typed: "status 4711", follows: []string{mine + " quiet=false origin=", "F-alice-7-4711 quiet=true origin="},
			told: "is in your conversation with me",
		},
		"one whose card is still going to others": {
			before: func(o *office) {
				o.astray("U0BOB")
				o.history.shown = []run.Sighting{{ID: "F-" + o.builds.ID + "-7-4711", Channel: o.builds.ID}}
			}, typed: "follow 4711", follows: []string{mine + " quiet=false origin=", "F-alice-7-4711 quiet=false origin="}, told: "is in your conversation with me",
		},
		"one whose card went to who asks": {
			before: func(o *office) { o.astray(o.alice.ID) }, typed: "follow 4711", follows: []string{mine + " quiet=false origin="},
			acted: "add the follower alice to " + mine, told: "running. Its card is here",
		},
		"one that too many follow": {
			before: func(o *office) {
				o.carded(running())
				o.runs.change(func(f *fakeRuns) { f.actErr = run.ErrManyFollowers })
			}, typed: "follow 4711", acted: "add the follower alice to V0RUN", told: "one message cannot mention more",
		},
		"one that was retried in GitLab": {
			before: func(o *office) { o.carded(ended(gitlab.StatusFailed)) }, typed: "status 4711",
			acted: "see 7/4711 running", told: "running. Its card is here",
		},
		"one that there is not":   {typed: "follow 99", told: "GitLab has no such pipeline"},
		"the last, where is none": {typed: "status", told: "No pipeline was shown here yet"},
		"the last":                {before: func(o *office) { o.history.newest = map[string]int64{o.builds.ID: 4711} }, typed: "status", follows: []string{mine + " quiet=true origin="}},
		"two at once":             {typed: "follow 4711 4712", told: "I take one pipeline at a time. Write it like `/pipeline follow"},
		"of another GitLab":       {typed: "status https://elsewhere.example/group/app/-/pipelines/1", told: "not the address of a pipeline in this GitLab"},
		"while GitLab is away":    {before: func(o *office) { o.lists.failing = map[int64]error{7: away} }, typed: "follow 4711", told: "GitLab cannot be reached just now"},
		"while the records are":   {before: func(o *office) { o.runs.change(func(f *fakeRuns) { f.submitErr = errAway }) }, typed: "status 4711", told: "I cannot reach my own records just now"},
		"by who may not see it":   {before: func(o *office) { o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest }) }, typed: "follow 4711", told: "You may not see pipelines in group/app: it takes the GitLab role Reporter"},
		"by who may not see a ref": {before: func(o *office) {
			o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{refs: [\"feature/*\"], then: refuse, reason: no}]")
		}, typed: "follow 4711", told: "You may not see pipelines in group/app: no."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if test.before != nil {
				test.before(o)
			}
			o.types(test.typed)
			named := func(text string) string {
				return strings.NewReplacer(o.alice.ID, "alice", o.builds.ID, "BUILDS").Replace(text)
			}
			var got []string
			for _, id := range o.follows() {
				got = append(got, named(id))
			}
			if diff := cmp.Diff(test.follows, got); diff != "" {
				t.Errorf("it follows (-want +got):\n%s", diff)
			}
			if acted := named(strings.Join(o.runs.acted, "; ")); acted != test.acted {
				t.Errorf("it did %q, want %q", acted, test.acted)
			}
			o.hears(o.alice, test.told)
			o.clean()
		})
	}
}

// What is known of a run goes with the wish to follow it: the rules are about it.
func TestFollowingKeepsWhatIsKnown(t *testing.T) {
	o := newOffice(t)
	o.runs.put(running())
	o.history.shown = []run.Sighting{{ID: "V0RUN", Channel: "C0OTHER", Card: "1.000001"}}
	o.types("follow 4711")
	got, err := o.runs.Find(o.ctx, "F-"+o.builds.ID+"-7-4711")
	if err != nil {
		t.Fatal(err)
	}
	want := running().Request
	want.ID, want.Asker, want.Team, want.Channel, want.Origin, want.Follow = got.Request.ID, o.alice.ID, o.alice.TeamID, o.builds.ID, asker, true
	want.At, want.Trigger = got.Request.At, false // nothing is started
	if diff := cmp.Diff(want, got.Request); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
}

// The values of buttons come from outside.
func TestFollowButtons(t *testing.T) {
	for value, want := range map[string]int{"7/4711": 1, "7/99": 0, "9/4711": 0, "8/4711": 0, "7": 0, "": 0, "7/-1": 0, "group/app": 0} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.deliver(o.blockAction(o.alice, "follow", value, run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
			if got := len(o.follows()); got != want {
				t.Errorf("it follows %d pipelines, want %d", got, want)
			}
			if m := o.alone(); (want == 0) != strings.Contains(m, ":warning:") {
				t.Errorf("alice reads %q", m)
			}
		})
	}
}

// inThread puts a run that waits into the channel and returns the reply with the buttons.
func (o *office) inThread(r run.Run) slacktest.Message {
	o.Helper()
	card := o.shows(r)
	thread := o.builds.Thread(o.alice, card.TS)
	if len(thread) != 2 {
		o.Fatalf("the thread has %d messages, want the card and a reply", len(thread))
	}
	return thread[1]
}

// What was started by a button of the thread loses that button there.
func TestPlayInTheThread(t *testing.T) {
	o := newOffice(t)
	reply := o.inThread(blocked("eu", "us"))
	o.runs.change(func(f *fakeRuns) {
		f.onAct = func(r run.Run, a run.Act) run.Run {
			r.Acts, r.Progress.Manual = append(r.Acts, a), r.Progress.Manual[1:]
			return r
		}
	})
	o.click(reply, "Start eu", slacktest.Confirm)
	if want := fmt.Sprintf("play 7/4711 by %s job 9000", o.alice.ID); !slices.Equal(o.runs.acted, []string{want}) {
		t.Fatalf("it did %q, want %q", o.runs.acted, want)
	}
	now := o.redraws(reply)
	if text := now.Read(readAt); !strings.Contains(text, "was blocked by a manual job. eu started by @alice. More can be started:\n[Start us]") {
		t.Errorf("the reply reads:\n%s", text)
	}
	o.runs.change(func(f *fakeRuns) {
		f.onAct = func(r run.Run, a run.Act) run.Run {
			r.Acts, r.Progress.Manual = append(r.Acts, a), nil
			return r
		}
	})
	o.click(now, "Start us", slacktest.Confirm)
	now = o.redraws(reply)
	if text := now.Read(readAt); !strings.HasSuffix(text, "was blocked by a manual job. eu started by @alice, us started by @alice.") {
		t.Errorf("the reply reads:\n%s", text)
	}
	o.clean()
}

// redraws shows the run as its record is by now, and returns a message of it.
func (o *office) redraws(m slacktest.Message) slacktest.Message {
	o.Helper()
	r, err := o.runs.Find(o.ctx, "V0RUN")
	if err != nil {
		o.Fatal(err)
	}
	o.shows(r)
	now, _ := o.builds.Message(o.alice, m.TS)
	return now
}

// Somebody was quicker: the person hears that. Where only GitLab knew it is looked at, so
// that what shows the pipeline is right at once.
func TestPlayOfWhatDoesNotWaitAnyMore(t *testing.T) {
	for name, test := range map[string]struct {
		before func(o *office)
		did    []string
	}{
		"by the record": {before: func(o *office) {
			o.runs.put(edited(o.runs.runs["V0RUN"], func(r *run.Run) { r.Progress.Manual = nil }))
		}},
		"by GitLab": {before: func(o *office) {
			o.runs.change(func(f *fakeRuns) {
				f.actErr = &gitlab.Error{Op: "playing a job", Kind: gitlab.Invalid, Message: "400 Bad request - Unplayable Job"}
			})
		}, did: []string{"play 7/4711", "see 7/4711"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			reply := o.inThread(blocked("ship"))
			test.before(o)
			o.click(reply, "Start ship", slacktest.Confirm)
			o.hears(o.alice, ":information_source: This job does not wait to be started any more")
			if did := o.runs.acted; !slices.EqualFunc(did, test.did, strings.HasPrefix) {
				t.Errorf("it did %q, want %q", did, test.did)
			}
			o.clean()
		})
	}
}

// The values of play buttons come from outside: a job is started only where the record of
// the card has it waiting.
func TestForgedPlays(t *testing.T) {
	for name, forge := range map[string]func(r run.Run) (value string, at run.Shown){
		"a job that does not wait": func(r run.Run) (string, run.Shown) { return "V0RUN 1", r.Shown },
		"a job of another card":    func(r run.Run) (string, run.Shown) { return "V0OTHER 9000", r.Shown },
		"no job":                   func(r run.Run) (string, run.Shown) { return "V0RUN", r.Shown },
		"another channel": func(r run.Run) (string, run.Shown) {
			return "V0RUN 9000", run.Shown{Channel: "C0OTHER", Card: r.Shown.Card}
		},
		"no card": func(run.Run) (string, run.Shown) { return "V0RUN 9000", run.Shown{} },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.shows(blocked("ship"))
			r, _ := o.runs.Find(o.ctx, "V0RUN")
			value, at := forge(r)
			o.deliver(o.blockAction(o.alice, "play.0", value, at))
			if len(o.runs.acted) != 0 {
				t.Errorf("it did %q", o.runs.acted)
			}
		})
	}
}
