package bot_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/bot/args"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// settings is a bot that knows two projects and nothing else.
func settings() *bot.Bot {
	return bot.New(bot.Config{Projects: &fakeProjects{names: []string{"group/app", "8"}, known: map[string]gitlab.Project{
		"8": {ID: 8, Path: "Group/API"},
	}}})
}

func TestParseListing(t *testing.T) {
	now := askedAt
	page := func(edit func(l *bot.Listing)) bot.Listing {
		l := bot.Listing{Page: 1}
		edit(&l)
		return l
	}
	whole := strings.Repeat("0123456789", 4)
	for typed, want := range map[string]bot.Listing{
		"":                     page(func(*bot.Listing) {}),
		"group/app":            page(func(l *bot.Listing) { l.Project = "group/app" }),
		"GROUP/api":            page(func(l *bot.Listing) { l.Project = "8" }),
		"--mine 8":             page(func(l *bot.Listing) { l.Project, l.Mine = "8", true }),
		"--status failed":      page(func(l *bot.Listing) { l.Filter.Status = "failed" }),
		"--status=Failed":      page(func(l *bot.Listing) { l.Filter.Status = "failed" }),
		"--ref refs/heads/a/b": page(func(l *bot.Listing) { l.Filter.Ref = "a/b" }),
		"--ref refs/tags/v1":   page(func(l *bot.Listing) { l.Filter.Ref = "v1" }),
		"--user @alice":        page(func(l *bot.Listing) { l.Filter.Username = "alice" }),
		"--scope branches":     page(func(l *bot.Listing) { l.Filter.Scope = "branches" }),
		"--source trigger":     page(func(l *bot.Listing) { l.Filter.Source = "trigger" }),
		"--sha " + whole:       page(func(l *bot.Listing) { l.Filter.SHA = whole }),
		`--name "Nightly run"`: page(func(l *bot.Listing) { l.Filter.Name = "Nightly run" }),
		"--yaml-errors":        page(func(l *bot.Listing) { l.Filter.YAMLErrors = new(true) }),
		"--order-by user_id --sort asc": page(func(l *bot.Listing) {
			l.Filter.OrderBy, l.Filter.Sort = "user_id", "asc"
		}),
		"--updated-after 2h": page(func(l *bot.Listing) { l.Filter.UpdatedAfter = now.Add(-2 * time.Hour) }),
		"--updated-before 1w --created-after 2026-01-02": page(func(l *bot.Listing) {
			l.Filter.UpdatedBefore, l.Filter.CreatedAfter = now.AddDate(0, 0, -7), time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
		}),
		"--created-before 2026-01-02T10:00:00+02:00": page(func(l *bot.Listing) {
			l.Filter.CreatedBefore = time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
		}),
	} {
		t.Run(typed, func(t *testing.T) {
			got, value, err := bot.ParseListing(settings(), typed, now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Project == "" {
				return
			}
			again, _, ok := bot.ParseListValue(settings(), value, now.Add(time.Hour))
			if diff := cmp.Diff(want, again); diff != "" || !ok {
				t.Errorf("read back from %q, %t (-want +got):\n%s", value, ok, diff)
			}
		})
	}
}

func TestParseListingFaults(t *testing.T) {
	for typed, want := range map[string]struct{ text, meant string }{
		"group/ap":                           {"I do not know the project", "group/app"},
		"group/app main":                     {"I list one project at a time", ""},
		"--status faild":                     {"GitLab knows no status", "--status failed"},
		"--status cancelld":                  {"GitLab knows no status", "--status canceled"},
		"--status passed":                    {"GitLab knows no status", "--status success"},
		"--source trigge":                    {"GitLab knows no source", "--source trigger"},
		"--scope branch":                     {"finished, running, pending, branches, tags", ""},
		"--order-by updated":                 {"GitLab knows no order by", ""},
		"--sort down":                        {"GitLab knows no sort", ""},
		"--stat failed":                      {"I do not know the option --stat.", "--status"},
		"--sha abc":                          {"40 digits", ""},
		"--ref ''":                           {"--ref wants a name", "--ref REF"},
		"--name " + strings.Repeat("x", 256): {"--name wants a name", "--name NAME"},
		"--updated-after yesterday":          {"I do not understand the time", ""},
		"--updated-after -2h":                {"I do not understand the time", ""},
		"--created-before 0d":                {"I do not understand the time", ""},
		"--mine --user bob":                  {"do not go together", ""},
		"--mine --scope tags":                {"does not go with --mine", ""},
		"--mine --sort asc":                  {"newest first", ""},
		"--ref " + strings.Repeat("ä", 127) + " --name " + strings.Repeat("ö", 127) + " --user " + strings.Repeat("ü", 127): {"more than I can carry", ""},
	} {
		t.Run(typed, func(t *testing.T) {
			_, _, err := bot.ParseListing(settings(), typed, askedAt)
			fault, ok := errors.AsType[*args.Error](err)
			if !ok || !strings.Contains(fault.Text, want.text) || want.meant != "" && fault.Meant != want.meant {
				t.Errorf("got %#v, want %+v", err, want)
			}
		})
	}
}

// A value is taken only as it was written.
func TestParseListValueIsStrict(t *testing.T) {
	for _, value := range []string{
		"", "1", "1 ", "0 group/app", "-1 group/app", "01 group/app", "1  group/app", "5001 group/app", "1 group/other", "x group/app",
		"1 group/app --status=faild", "1 group/app --status failed", "1 group/app --updated-after=2h", "1 group/app group/app",
		"1 GROUP/APP", "1 --mine group/app", "1 group/app --sort=asc --order-by=ref", `1 "group/app"`, "1 group/app --mine --user=bob",
	} {
		if got, _, ok := bot.ParseListValue(settings(), value, askedAt); ok {
			t.Errorf("%q is read as %+v", value, got)
		}
	}
	if _, _, ok := bot.ParseListValue(settings(), "5000 group/app --status=failed", askedAt); !ok {
		t.Error("no value is read")
	}
}

func FuzzParseListValue(f *testing.F) {
	for _, value := range []string{"1 group/app", "2 8 --mine", `3 group/app --name="two \"words\""`, "1 group/app --updated-after=2026-03-02T10:00:00Z", "x", "1 \\", "1 \"", "9 8 --ref=a/b --sort=asc"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		l, again, ok := bot.ParseListValue(settings(), value, askedAt)
		if !ok {
			return
		}
		if again != value || l.Page < 1 || l.Page > 5000 || l.Project != "group/app" && l.Project != "8" || len(value) > 2000 {
			t.Errorf("%q is read as %+v, which is written %q", value, l, again)
		}
	})
}

// What is typed comes back from the button of another page as it was.
func FuzzListingSurvives(f *testing.F) {
	for _, text := range []string{"main", `a"b`, `a\b`, "“so”", "--mine", "—", "a=b", "ünï", "' '"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		typed := `group/app --ref "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "“", `\“`, "”", `\”`).Replace(text) + `"`
		l, value, err := bot.ParseListing(settings(), typed, askedAt)
		if err != nil {
			return
		}
		again, _, ok := bot.ParseListValue(settings(), value, askedAt)
		if diff := cmp.Diff(l, again); diff != "" || !ok {
			t.Errorf("%q, %t (-want +got):\n%s", value, ok, diff)
		}
	})
}

func TestMrkdwnLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://gitlab.example/g/p/-/pipelines/1": "<https://gitlab.example/g/p/-/pipelines/1|#1>",
		"http://127.0.0.1:80/x?a=b&c=d":            "<http://127.0.0.1:80/x?a=b&amp;c=d|#1>",
		"https://x.example/a|b>c<d e":              "<https://x.example/a%7Cb%3Ec%3Cd%20e|#1>",
		"https://x.example/?q=|><!channel>":        "<https://x.example/?q=%7C%3E%3C!channel%3E|#1>",
		"":                                         "#1",
		"javascript:alert(1)":                      "#1",
		"/relative":                                "#1",
		"https:///no-host":                         "#1",
		"https://x.example/\n":                     "#1",
		"https://x.example/" + strings.Repeat("a", 1000): "#1",
	} {
		if got := bot.MrkdwnLink(address, "#1"); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

// A status is from outside too, and stands where markup is read.
func TestRowsOfUnknownStatusesHaveNoMarkup(t *testing.T) {
	settings := settings()
	for what, name := range hostile {
		p := gitlab.Pipeline{ID: 1, ProjectID: 7, Ref: "main", Status: gitlab.Status("s" + name), WebURL: appURL, CreatedAt: readAt}
		list := picture{message: bot.PipelineList(settings, "group/app", "group/app", []bot.Row{bot.PipelineRow(p, "")}, 0, 1, false, false)}
		if got := list.structure(t); !strings.Contains(got, "*Unknown status*") {
			t.Errorf("%s is shown: %s", what, got)
		}
	}
}

// listing has alice type a list and returns what she reads.
func (o *office) listing(text string) slacktest.Message {
	o.Helper()
	o.types(text)
	list := o.builds.Messages(o.alice)
	return list[len(list)-1]
}

func TestListPages(t *testing.T) {
	for _, count := range []int{0, 1, 10, 11, 100, 10_000} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			o := newOffice(t)
			o.pages.all = pipelines(count, 7)
			m := o.listing("list")
			seen := make(map[string]bool)
			pages := 1
			for ; pages < 12; pages++ {
				for _, b := range m.Buttons() {
					if b.Text == "Follow" {
						seen[b.Value] = true
					}
				}
				if _, more := m.Button("Next"); !more {
					break
				}
				o.click(m, "Next")
				m = o.latest(m)
			}
			if want := min(count, 110); len(seen) != want {
				t.Errorf("%d pipelines are seen on %d pages, want %d", len(seen), pages, want)
			}
			if want := min(max(1, (count+9)/10), 12); pages != want {
				t.Errorf("%d pages, want %d", pages, want)
			}
			if pages > 1 {
				o.click(m, "Previous")
				if got := o.latest(m).Read(readAt); !strings.Contains(got, "[Next]") {
					t.Errorf("the page before reads:\n%s", got)
				}
			}
			o.clean()
		})
	}
}

// latest is a message as it is now.
func (o *office) latest(m slacktest.Message) slacktest.Message {
	o.Helper()
	now, ok := o.builds.Message(o.alice, m.TS)
	if !ok {
		o.Fatal("the message is not there any more")
	}
	return now
}

// ids are the pipelines that a list shows.
func ids(m slacktest.Message) string {
	var list []string
	for _, b := range m.Buttons() {
		if b.Text == "Follow" {
			list = append(list, strings.TrimPrefix(b.Value, "7/"))
		}
	}
	return strings.Join(list, " ")
}

// Each pipeline is asked for by itself.
func TestListLeavesOutWhatSomebodyMayNotSee(t *testing.T) {
	o := newOffice(t)
	o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{branches: [secret/*], actions: [view], then: refuse, reason: secret}]")
	o.pages.all = pipelines(4, 7)
	o.pages.all[1].Ref, o.pages.all[2].Ref = "secret/x", "secret/y"
	m := o.listing("list group/app")
	if got := ids(m); got != "5000 4997" {
		t.Errorf("it shows %s", got)
	}
	if got := m.Read(readAt); !strings.Contains(got, "2 pipelines of this page are left out") || strings.Contains(got, "secret/") {
		t.Errorf("it reads:\n%s", got)
	}
}

// A pipeline that could not be described may be of a branch or of a tag.
func TestListInDoubtOfBranchOrTag(t *testing.T) {
	for rule, want := range map[string]string{"tags: [main]": "", "branches: [main]": "", "tags: [other]": "5000"} {
		t.Run(rule, func(t *testing.T) {
			o := newOffice(t)
			o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]\nrules: [{"+rule+", actions: [view], then: refuse, reason: secret}]")
			o.pages.all = pipelines(1, 7)
			o.pages.all[0].User = gitlab.User{}
			if got := ids(o.listing("list group/app")); got != want {
				t.Errorf("it shows %q, want %q", got, want)
			}
		})
	}
}

// Those that alice started in GitLab and those that she started here are one list.
func TestListMine(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(60, 7)
	var here []run.Run
	var want []string
	for i := range o.pages.all {
		p := &o.pages.all[i]
		p.User = gitlab.User{ID: 9, Username: "release-bot"}
		if i%3 == 0 {
			p.User = gitlab.User{ID: 1, Username: "alice"}
		}
		if i%4 == 0 {
			here = append(here, started(p.Status, func(r *run.Run) {
				r.Request.Asker, r.Request.Team, r.Pipeline.ID = o.alice.ID, o.alice.TeamID, p.ID
			}))
		}
		if i%3 == 0 || i%4 == 0 {
			want = append(want, fmt.Sprint(p.ID))
		}
	}
	slices.Reverse(here) // by the request, which says nothing of the ids
	o.history.remembers(here...)
	m := o.listing("list group/app --mine")
	var got []string
	for {
		got = append(got, strings.Fields(ids(m))...)
		if _, more := m.Button("Next"); !more {
			break
		}
		o.click(m, "Next")
		m = o.latest(m)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hers (-want +got):\n%s", diff)
	}
	o.clean()
}

func TestListMineLooksNoFurtherThanItShould(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(3000, 7)
	for i := range o.pages.all {
		o.pages.all[i].User = gitlab.User{ID: 9, Username: "release-bot"}
	}
	o.history.remembers(started(gitlab.StatusRunning, func(r *run.Run) {
		r.Request.Asker, r.Request.Team, r.Pipeline.ID = o.alice.ID, o.alice.TeamID, o.pages.all[2500].ID
	}))
	if got := o.listing("list group/app --mine").Read(readAt); !strings.Contains(got, "I looked no further back than this") {
		t.Errorf("it reads:\n%s", got)
	}
	if got, most := o.pages.asked, 1+bot.MostSearched/100; got > most {
		t.Errorf("GitLab was asked %d times, want %d at most", got, most)
	}
}

// Who asked through the bot is named by their name in Slack.
func TestListNamesWhoAskedHere(t *testing.T) {
	o := newOffice(t)
	bob := o.slack.AddUser("bob")
	o.pages.all = pipelines(2, 7)
	o.history.remembers(started(gitlab.StatusRunning, func(r *run.Run) {
		r.Request.Asker, r.Request.Team, r.Pipeline.ID = bob.ID, bob.TeamID, 5000
	}))
	got := o.listing("list group/app").Read(readAt)
	if strings.Count(got, "by bob") != 1 || strings.Count(got, "by alice") != 1 {
		t.Errorf("it reads:\n%s", got)
	}
}

func TestListFaultsCanBeTriedAgain(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(1, 7)
	o.pages.change(func(f *fakeLists) { f.err = &gitlab.Error{Kind: gitlab.NotSent} })
	m := o.listing("list group/app --status running")
	if got := m.Read(readAt); !strings.Contains(got, "GitLab does not answer just now") {
		t.Errorf("it reads:\n%s", got)
	}
	o.pages.change(func(f *fakeLists) { f.err = nil })
	o.click(m, "Try again")
	if got := ids(o.latest(m)); got != "5000" {
		t.Errorf("then it shows %q", got)
	}
	o.clean()
}

// Who turns a page is asked for anew.
func TestTurningAPageAsksThePolicy(t *testing.T) {
	o := newOffice(t)
	o.pages.all = pipelines(20, 7)
	m := o.listing("list group/app")
	o.rights.change(func(f *fakeRights) { f.roles[1] = gitlab.Guest })
	o.click(m, "Next")
	if got := o.latest(m).Read(readAt); strings.Contains(got, "main") || !strings.Contains(got, "You may not see pipelines") {
		t.Errorf("it reads:\n%s", got)
	}
}

// A list fits into an acknowledgement, which Slack drops above 20 kB.
func TestListFitsIntoAnAcknowledgement(t *testing.T) {
	const most = 20_480
	long := all(strings.Repeat("<&\U0001F680", 200))
	rows := rowsOf(long, bot.RowsShown)
	typed := `group/app --name "` + strings.Repeat(`<`, 250) + `" --ref "` + strings.Repeat(`&`, 250) + `"`
	m := bot.PipelineList(settings(), typed, long.project, rows, 1, 2, true, true)
	if got := len(toJSON(t, m)); got < 5000 || got > most-500 {
		t.Errorf("it has %d bytes", got)
	}
}

// Until GitLab has told of all projects a row may be of one of those.
func TestRowsOfAProjectThatIsNotReadYet(t *testing.T) {
	o := newOffice(t)
	delete(o.projects.known, "group/app")
	o.deliver(o.blockAction(o.alice, "follow", "7/4711", run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
	if got := o.alone(); !strings.Contains(got, "GitLab cannot be reached just now") {
		t.Errorf("alice reads %q", got)
	}
}

func TestForgedRows(t *testing.T) {
	for _, value := range []string{"", "7", "7/", "7/0", "7/-1", "07/1", "7/01", "9/1", "7/1/2", "x/y", "7/ 1", "group/app"} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.deliver(o.blockAction(o.alice, "follow", value, run.Shown{Channel: o.builds.ID, Card: "1.000001"}))
			if got := o.alone(); !strings.Contains(got, "is not set up here any more") {
				t.Errorf("alice reads %q", got)
			}
		})
	}
}
