package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// starts starts so many pipelines of a ref in GitLab itself.
func (w *world) starts(count int, ref string, account *gitlabtest.User) []*gitlabtest.Pipeline {
	w.t.Helper()
	var list []*gitlabtest.Pipeline
	for range count {
		p, reason := w.project.StartPipeline(account, ref, "web")
		if p == nil {
			w.t.Fatalf("starting a pipeline: %s", reason)
		}
		list = append(list, p)
	}
	return list
}

// follows are the pipelines that a list shows.
func follows(m slacktest.Message) []string {
	var list []string
	for _, b := range m.Buttons() {
		if b.Text == "Follow" {
			list = append(list, b.Value)
		}
	}
	return list
}

// turns presses a button of a list and waits until it reads as wanted.
func (w *world) turns(m slacktest.Message, button string, parts ...string) slacktest.Message {
	w.t.Helper()
	if err := w.alice.Click(w.ctx, m, button); err != nil {
		w.t.Fatalf("pressing %s: %v", button, err)
	}
	return w.told(w.alice, w.channel, parts...)
}

// A list is read page by page, and shows what GitLab has, whoever started it.
func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.types(t, w.alice, "list")
	w.told(w.alice, w.channel, "Pipelines of group/app", "There are none yet")
	all := w.starts(24, "main", w.owner)
	w.starts(1, "feature/login", w.account(w.alice))[0].Finish("failed")
	all[23].Finish("success")

	w.types(t, w.alice, "list group/app")
	m := w.told(w.alice, w.channel, "Pipelines of group/app", "Failed", "feature/login", "by alice", "Passed", "by release-bot", "[Next]")
	seen := make(map[string]bool)
	for page := 1; ; page++ {
		for _, p := range follows(m) {
			seen[p] = true
		}
		if page == 3 {
			break
		}
		m = w.turns(m, "Next", fmt.Sprintf("page %d", page+1))
	}
	if len(seen) != 25 {
		t.Errorf("%d pipelines were seen, want 25", len(seen))
	}
	if got := m.Read(time.Now()); strings.Contains(got, "[Next]") {
		t.Errorf("the last page leads on:\n%s", got)
	}
	w.turns(m, "Previous", "page 2", "[Previous] [Next]")

	w.types(t, w.alice, "list --status failed --ref feature/login --user alice --updated-after 1h --source web")
	if got := follows(w.told(w.alice, w.channel, "--status failed", "Failed", "feature/login")); len(got) != 1 {
		t.Errorf("%q is shown", got)
	}
	w.types(t, w.alice, "list --status faild")
	w.told(w.alice, w.channel, "Did you mean", "--status failed", "/pipeline list group/app --status failed")
	if seen := w.public(); len(seen) > 0 {
		t.Errorf("others see:\n%s", seen[0].Read(time.Now()))
	}
	w.clean()
}

// What alice started through the bot is hers, though GitLab names the token's owner.
func TestListMine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	theirs := w.starts(1, "main", w.account(w.alice))
	w.starts(3, "main", w.owner)
	w.ask(w.alice, w.channel, "feature/login")
	started := w.pipeline(5)
	w.card(w.channel, "feature/login", "[Cancel]")
	w.types(t, w.alice, "list --mine")
	m := w.told(w.alice, w.channel, "--mine", "feature/login", "by alice")
	want := fmt.Sprintf("%d/%d %[1]d/%[3]d", w.project.ID, started.ID, theirs[0].ID)
	if got := strings.Join(follows(m), " "); got != want {
		t.Errorf("%s is shown, want %s", got, want)
	}
	w.clean()
}

// Why there is no list is told, and where it helps it can be tried again.
func TestListRefusals(t *testing.T) {
	t.Parallel()
	list := gitlabtest.Match{Method: http.MethodGet, PathPattern: "**/pipelines"}
	for name, test := range map[string]struct {
		fault gitlabtest.Fault
		down  bool
		want  []string
		again bool
	}{
		"not found":    {fault: gitlabtest.Fault{Status: http.StatusNotFound, Body: `{"message":"404 Project Not Found"}`}, want: []string{"does not find the project", "GITLAB_PROJECTS"}},
		"forbidden":    {fault: gitlabtest.Fault{Status: http.StatusForbidden, Body: `{"message":"403 Forbidden"}`}, want: []string{"does not let my access token see them"}},
		"not taken":    {fault: gitlabtest.Fault{Status: http.StatusUnprocessableEntity, Body: `{"message":"It is <busy>"}`}, want: []string{"GitLab refused it.", "GitLab says: It is"}},
		"rate limited": {fault: gitlabtest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"42"}}, Body: "Retry later"}, want: []string{"Please try again in 42s"}, again: true},
		"down":         {down: true, want: []string{"GitLab does not answer just now"}, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.starts(1, "main", w.owner)
			w.start()
			w.known(w.alice, w.channel)
			end := func() { w.gitlab.Down(false) }
			if test.down {
				w.gitlab.Down(true)
			} else {
				end = w.gitlab.Fault(list, test.fault)
			}
			w.types(t, w.alice, "list")
			m := w.told(w.alice, w.channel, append(test.want, "I could not list the pipelines of group/app")...)
			if _, again := m.Button("Try again"); again != test.again {
				t.Errorf("it can be tried again: %t, want %t", again, test.again)
			}
			end()
			if test.again {
				w.turns(m, "Try again", "Pipelines of group/app", "by release-bot")
			}
		})
	}
}

// Who may not see the project sees no list of it, and no further page.
func TestListIsForThoseWhoMaySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.starts(15, "main", w.owner)
	w.start()
	guest := w.person("gustav", gitlabtest.Guest)
	w.channel.Invite(guest)
	w.types(t, guest, "list group/app")
	w.told(guest, w.channel, "You may not see pipelines")
	w.clean()
}
