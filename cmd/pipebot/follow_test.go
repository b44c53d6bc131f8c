package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// writes has somebody type a command in the channel.
func (w *world) writes(who *slacktest.User, format string, args ...any) {
	w.t.Helper()
	if err := who.Command(w.ctx, w.channel, "/pipeline", fmt.Sprintf(format, args...)); err != nil {
		w.t.Fatalf("typing /pipeline: %v", err)
	}
}

// click presses a button of a message in the channel and says yes where it asks.
func (w *world) click(who *slacktest.User, m slacktest.Message, button string) {
	w.t.Helper()
	var answers []slacktest.Answer
	if b, _ := m.Button(button); b.Confirm != nil {
		answers = append(answers, slacktest.Confirm)
	}
	if err := who.Click(w.ctx, m, button, answers...); err != nil {
		w.t.Fatal(err)
	}
}

// blocking has the project's last job wait for a person.
func (w *world) blocking() {
	ci := w.project.CI()
	ci.Jobs[3].Manual = true
	w.project.SetCI(ci)
}

// block brings a pipeline to where it waits for that.
func block(p *gitlabtest.Pipeline) {
	for _, name := range []string{"compile", "unit", "lint"} {
		p.Job(name).Succeed()
	}
}

// What somebody else started is followed to its end, however it is named.
func TestFollowWhatOthersStarted(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]func(p *gitlabtest.Pipeline) string{
		"by its id":        func(p *gitlabtest.Pipeline) string { return fmt.Sprint(p.ID) },
		"by its number":    func(p *gitlabtest.Pipeline) string { return fmt.Sprintf("#%d", p.IID) },
		"by its address":   func(p *gitlabtest.Pipeline) string { return p.WebURL() },
		"by the project":   func(*gitlabtest.Pipeline) string { return projectPath },
		"with the project": func(p *gitlabtest.Pipeline) string { return fmt.Sprintf("%s #%d", projectPath, p.IID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			p := w.pushed("main")
			w.writes(w.alice, "follow %s", typed(p))
			w.told(w.alice, w.channel, fmt.Sprintf("I follow Pipeline #%d", p.ID), "tell you in its thread when it ends")
			w.card(w.channel, "Running", "Branch `main` · started by release-bot · followed by @alice", "build 0/1", "[Cancel]")
			p.Job("compile").Succeed()
			w.card(w.channel, "Running", "build 1/1")
			p.Finish("success")
			card := w.card(w.channel, "Passed")
			reply := w.reply(w.channel, "@alice", "passed in")
			if reply.ThreadTS != card.TS {
				t.Error("the reply is not in the card's thread")
			}
			w.clean()
		})
	}
}

// A channel has one card of a pipeline, whose thread tells everybody who follows it.
func TestFollowers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	bob := w.person("bob", gitlabtest.Reporter)
	w.channel.Invite(bob)
	p := w.pushed("main")
	w.writes(w.alice, "follow %d", p.ID)
	w.card(w.channel, "Running", "followed by @alice")
	w.writes(bob, "follow #%d", p.IID)
	w.told(bob, w.channel, "running. Its card is here (https://", "I tell you in its thread when it ends")
	w.writes(bob, "follow") // the last one that was shown
	p.Finish("failed")
	w.reply(w.channel, "@alice @bob", "failed in")
	card := w.card(w.channel, "Failed", "[Retry]")
	if thread := w.channel.Thread(w.alice, card.TS); len(thread) != 2 {
		t.Errorf("the thread has %d messages, want the card and its end", len(thread))
	}
	w.clean()
}

// Where the bot cannot post, the card of each who follows is in their own direct messages:
// nobody else sees the one of the first.
func TestFollowersWhereNothingCanBePosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob", gitlabtest.Reporter)
	w.channel = w.slack.AddChannel("secret", slacktest.Private, w.alice, bob)
	w.start()
	p := w.pushed("main")
	w.writes(w.alice, "follow %d", p.ID)
	w.card(w.slack.DM(w.alice), "Running", "followed by @alice", "/invite @")
	w.writes(bob, "follow %d", p.ID)
	w.told(bob, w.channel, fmt.Sprintf("The card of Pipeline #%d", p.ID), "is in your conversation with me. I tell you in its thread when it ends")
	inDM := func(parts ...string) slacktest.Message {
		return w.seen(bob, w.slack.DM(bob), func(slacktest.Message) bool { return true }, parts)
	}
	inDM("Running", "followed by @bob")
	p.Finish("failed")
	w.reply(w.slack.DM(w.alice), "@alice", "failed in")
	inDM("@bob", "failed in")
	inDM("Failed", "[Retry]")
}

// Who wants to see a pipeline is shown it, and told nothing; who follows it afterwards
// is.
func TestStatusIsQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.pushed("main")
	w.writes(w.alice, "status %d", p.ID)
	card := w.card(w.channel, "Running", "started by release-bot")
	if text := card.Read(time.Now()); strings.Contains(text, "alice") {
		t.Errorf("the card names who looked:\n%s", text)
	}
	p.Finish("failed")
	w.card(w.channel, "Failed")
	w.writes(w.alice, "follow %d", p.ID) // by now its end would have been told
	w.told(w.alice, w.channel, "Its card is here")
	if thread := w.channel.Thread(w.alice, card.TS); len(thread) != 1 {
		t.Errorf("the thread has %d messages, want the card alone", len(thread))
	}
	w.click(w.alice, w.card(w.channel, "Failed"), "Retry")
	w.card(w.channel, "Retried by @alice", "[Cancel]")
	p.Finish("success")
	w.reply(w.channel, "@alice", "passed in")
	w.clean()
}

// A pipeline that has ended is shown as it ended, which is no news; once it is retried
// by its button, its end is.
func TestFollowWhatHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.pushed("v1.0.0")
	p.Finish("failed")
	w.writes(w.alice, "follow %d", p.ID)
	w.told(w.alice, w.channel, "has ended already; its card shows how")
	card := w.card(w.channel, "Failed", "Tag `v1.0.0`", "[Retry]")
	bob := w.person("bob", gitlabtest.Maintainer)
	w.channel.Invite(bob)
	w.click(bob, card, "Retry")
	w.card(w.channel, "Retried by @bob", "[Cancel]")
	p.Finish("success")
	w.card(w.channel, "Passed")
	w.reply(w.channel, "@alice", "passed in")
	if thread := w.channel.Thread(w.alice, card.TS); len(thread) != 2 {
		t.Errorf("the thread has %d messages, want the card and its second end", len(thread))
	}
	w.clean()
}

// Nobody polls for what has ended; who looks at it brings its card back to life where it
// was retried in GitLab.
func TestFollowWhatWasRetriedInGitLab(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.pushed("main")
	w.writes(w.alice, "follow %d", p.ID)
	w.card(w.channel, "Running")
	p.Finish("failed")
	w.reply(w.channel, "@alice", "failed in")
	p.Retry()
	w.writes(w.alice, "status")
	w.told(w.alice, w.channel, "Its card is here")
	w.card(w.channel, "[Cancel]", "followed by @alice")
	p.Finish("success")
	w.card(w.channel, "Passed")
	w.reply(w.channel, "@alice", "passed in")
	w.clean()
}

// A job that waits is started from the card, or from the thread, where the button goes
// and who pressed it is named.
func TestPlay(t *testing.T) {
	t.Parallel()
	for name, press := range map[string]func(w *world, bob *slacktest.User){
		"on the card": func(w *world, bob *slacktest.User) {
			w.click(bob, w.card(w.channel, "Blocked by a manual job", "[Start ship]"), "Start ship")
		},
		"in the thread": func(w *world, bob *slacktest.User) {
			reply := w.reply(w.channel, "@alice", "is blocked by a manual job: ship", "[Start ship]")
			w.click(bob, reply, "Start ship")
			w.reply(w.channel, "was blocked by a manual job. ship started by @bob.")
			if m, _ := w.channel.Message(bob, reply.TS); len(m.Buttons()) != 0 {
				w.t.Errorf("the reply keeps its buttons:\n%s", m.Read(time.Now()))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.blocking()
			w.start()
			bob := w.person("bob", gitlabtest.Developer)
			w.channel.Invite(bob)
			p := w.pushed("main")
			w.writes(w.alice, "follow %d", p.ID)
			w.card(w.channel, "Running")
			block(p)
			press(w, bob)
			w.card(w.channel, "ship started by @bob")
			p.Job("ship").Succeed()
			w.reply(w.channel, "@alice", "passed in")
			w.clean()
		})
	}
}

// Somebody was quicker in GitLab: nothing is started twice, and the person hears it.
func TestPlayTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blocking()
	w.start()
	p := w.pushed("main")
	w.writes(w.alice, "follow %d", p.ID)
	w.card(w.channel, "Running")
	block(p)
	reply := w.reply(w.channel, "is blocked by a manual job", "[Start ship]")
	p.Job("ship").Play()
	w.click(w.alice, reply, "Start ship")
	w.told(w.alice, w.channel, "This job does not wait to be started any more")
	w.reply(w.channel, "was blocked by a manual job that does not wait any more.")
	w.clean()
}

func TestFollowWhatIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.pushed("main")
	w.writes(w.alice, "follow %d", p.ID)
	w.card(w.channel, "Running")
	p.Delete()
	w.card(w.channel, "Deleted", "The pipeline was deleted in GitLab.")
	w.reply(w.channel, "@alice", "was deleted in GitLab.")
	w.writes(w.alice, "status %d", p.ID)
	w.told(w.alice, w.channel, "GitLab has no such pipeline in the projects that are set up here")
	w.clean()
}

// What may be in the way is said in words, to who asked alone.
func TestFollowThatFails(t *testing.T) {
	t.Parallel()
	pipelines := gitlabtest.Match{Method: http.MethodGet, PathPattern: "**/pipelines/**"}
	for name, test := range map[string]struct {
		role   gitlabtest.Role
		before func(w *world)
		typed  string
		told   string
	}{
		"there is none":         {gitlabtest.Developer, nil, "follow 999", "GitLab has no such pipeline in the projects that are set up here"},
		"none of the number":    {gitlabtest.Developer, nil, "status #999", "GitLab has no such pipeline"},
		"another project":       {gitlabtest.Developer, nil, "follow https://gitlab.example/group/app/-/pipelines/1", "not the address of a pipeline in this GitLab"},
		"nothing was shown":     {gitlabtest.Developer, nil, "follow", "No pipeline was shown here yet"},
		"the person is a guest": {gitlabtest.Guest, nil, "follow 1", "You may not see pipelines in group/app: it takes the GitLab role Reporter there, and yours is Guest"},
		"the person is nobody":  {gitlabtest.NoAccess, nil, "status 1", "it takes the GitLab role Reporter there, and you have none"},
		"the token may not": {gitlabtest.Developer, func(w *world) {
			w.gitlab.Fault(pipelines, gitlabtest.Fault{Status: 403, Body: `{"message":"403 Forbidden"}`})
		}, "follow 1", "My access token may not see it"},
		"GitLab takes no more": {gitlabtest.Developer, func(w *world) {
			w.gitlab.Fault(pipelines, gitlabtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}, Body: "Retry later"})
		}, "follow 1", "GitLab takes no more requests from me just now"},
		"GitLab is away": {gitlabtest.Developer, func(w *world) { w.gitlab.Refuse(true) }, "follow 1", "Please try again in a moment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			w.pushed("main")
			eve := w.person("eve", test.role)
			w.channel.Invite(eve)
			if test.before != nil {
				w.known(eve, w.channel)
				test.before(w)
			}
			w.writes(eve, "%s", test.typed)
			w.told(eve, w.channel, test.told)
			w.gitlab.Refuse(false)
			for _, m := range w.channel.Messages(w.alice) {
				t.Errorf("the channel reads:\n%s", m.Read(time.Now()))
			}
		})
	}
}

// A link to a pipeline unfolds under the message of who may see it, and is left alone
// otherwise.
func TestUnfurl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	eve := w.person("eve", gitlabtest.Guest)
	w.channel.Invite(eve)
	p := w.pushed("main")
	post := func(who *slacktest.User, format string, args ...any) string {
		m, err := who.Post(w.channel, fmt.Sprintf(format, args...), "")
		if err != nil {
			t.Fatal(err)
		}
		return m.TS
	}
	hers := post(eve, "look: %s", p.WebURL())
	his := post(w.alice, "look: <%s> and %s/-/pipelines/999", p.WebURL(), w.gitlab.URL+"/"+projectPath)
	if err := w.slack.Wait(w.ctx, func() bool { return len(w.slack.Calls("chat.unfurl")) > 0 && len(w.slack.Acks()) > 1 }); err != nil {
		t.Fatalf("%v\n%s", err, w.bot.output())
	}
	previews := func(ts string) (list []string) {
		m, _ := w.channel.Message(w.alice, ts)
		var attached []struct {
			Blocks json.RawMessage `json:"blocks"`
		}
		if err := json.Unmarshal(m.Attachments(), &attached); err != nil {
			t.Fatal(err)
		}
		for _, a := range attached {
			text, err := slacktest.ReadBlocks(a.Blocks, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, strings.ReplaceAll(text, "\u00a0", " "))
		}
		return list
	}
	if got := previews(his); len(got) != 1 || !containsAll(got[0], []string{"Running", "Branch `main` · started by release-bot", "build 0/1", "As of today"}) {
		t.Errorf("under alice's message stands %q", got)
	}
	if got := previews(hers); len(got) != 0 {
		t.Errorf("under the message of who may not see it stands %q", got)
	}
	for _, m := range w.channel.Messages(eve) {
		if m.FromApp() {
			t.Errorf("the bot says:\n%s", m.Read(time.Now()))
		}
	}
	w.clean()
}

// The shortcuts are those of the manifest.
func TestShortcuts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	var ids []string
	for _, s := range readManifest(t).Features.Shortcuts {
		ids = append(ids, s.CallbackID)
	}
	if want := "follow_pipeline run_pipeline"; strings.Join(ids, " ") != want {
		t.Fatalf("the manifest has the shortcuts %q, want %q", ids, want)
	}
	p := w.pushed("main")
	m, err := w.alice.Post(w.channel, "is <"+p.WebURL()+"> green?", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.alice.MessageShortcut(w.ctx, m, ids[0]); err != nil {
		t.Fatal(err)
	}
	w.told(w.alice, w.channel, "I follow Pipeline #1")
	card := w.card(w.channel, "Running", "followed by @alice")
	bob := w.person("bob", gitlabtest.Developer)
	w.channel.Invite(bob)
	if err := bob.MessageShortcut(w.ctx, card, ids[0]); err != nil {
		t.Fatal(err)
	}
	w.told(bob, w.channel, "Its card is here")
	p.Finish("success")
	w.reply(w.channel, "@alice @bob", "passed in")

	if err := w.alice.Shortcut(w.ctx, ids[1]); err != nil {
		t.Fatal(err)
	}
	modal, err := w.alice.Modal(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.choose(modal, "feature/login")
	w.submit(modal)
	w.pipeline(2).Start()
	w.card(w.slack.DM(w.alice), "Running", "feature/login", "asked for by @alice")
	w.clean()
}
