package main_test

import (
	"strings"
	"testing"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// opens has somebody open the app's Home.
func (w *world) opens(who *slacktest.User) {
	w.t.Helper()
	if err := who.OpenHome(w.ctx); err != nil {
		w.t.Fatalf("opening the Home: %v\n%s", err, w.bot.output())
	}
}

// homeReads waits until somebody's Home reads as wanted, in parts.
func (w *world) homeReads(who *slacktest.User, parts ...string) {
	w.t.Helper()
	var text string
	err := w.slack.Wait(w.ctx, func() bool {
		if home := who.Home(); home != nil {
			text = home.Text()
		}
		return text != "" && containsAll(text, parts)
	})
	if err != nil {
		w.t.Fatalf("the Home does not read %q: %v\n%s\n%s", parts, err, text, w.bot.output())
	}
}

// The Home shows what runs, and what becomes of it, while it is open.
func TestHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.starts(1, "main", w.owner)[0]
	w.opens(w.alice)
	w.homeReads(w.alice, "[Run pipeline]", "In GitLab you are alice", "None yet", "# group/app", "Pending", "main", "by release-bot")
	p.Start()
	w.homeReads(w.alice, "Running")
	p.Finish("failed")
	w.homeReads(w.alice, "Failed")

	w.ask(w.alice, w.channel, "feature/login")
	w.pipeline(2).Finish("success")
	w.homeReads(w.alice, "Passed", "feature/login · debug", "by alice")
	w.clean()
}

// GitLab away: what was shown stays, with a word about it.
func TestHomeWhileGitLabIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.starts(1, "main", w.owner)[0]
	w.opens(w.alice)
	w.homeReads(w.alice, "# group/app", "by release-bot")
	w.gitlab.Down(true)
	w.homeReads(w.alice, "GitLab has not answered since", "by release-bot")
	p.Finish("success")
	w.gitlab.Down(false)
	w.homeReads(w.alice, "Passed", "by release-bot")
	if got := w.alice.Home().Text(); strings.Contains(got, "has not answered") {
		t.Errorf("it still reads:\n%s", got)
	}
}

// Who is not linked is asked who they are on their Home, and sees it afterwards.
func TestHomeOfSomebodyNotLinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkable()
	w.start()
	w.starts(1, "main", w.owner)
	carol, account := w.stranger("carol")
	w.opens(carol)
	w.homeReads(carol, "I do not know yet who you are in GitLab", "[Link my GitLab account]")
	if err := carol.Home().Click(w.ctx, "Link my GitLab account"); err != nil {
		t.Fatal(err)
	}
	if err := w.gitlab.Wait(w.ctx, func() bool { return len(w.gitlab.UserCodes()) == 1 }); err != nil {
		t.Fatal(err)
	}
	if err := account.Approve(w.gitlab.UserCodes()[0]); err != nil {
		t.Fatal(err)
	}
	w.homeReads(carol, "In GitLab you are gl-carol", "# group/app", "by release-bot")
	w.clean()
}

// Guests of Slack, and of the project, are told or shown nothing that they may not see.
func TestHomeOfGuests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.starts(1, "main", w.owner)
	guest := w.person("gustav", gitlabtest.Developer, slacktest.AsGuest())
	w.opens(guest)
	w.homeReads(guest, "You may not use me")
	reader := w.person("greta", gitlabtest.Guest)
	w.opens(reader)
	w.homeReads(reader, "In GitLab you are greta", "None yet")
	for _, who := range []*slacktest.User{guest, reader} {
		if got := who.Home().Text(); strings.Contains(got, "release-bot") {
			t.Errorf("%s sees:\n%s", who.Name, got)
		}
	}
	w.clean()
}
