package bot_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/run"
)

// Whatever comes back from outside in buttons, menus, views and messages, or is typed: it
// is read as something of the settings and of the right form, or not at all. What has a
// fuzz target of its own beside what it is about: the form (form_test.go), its variables
// (variables_test.go), values of lists (list_test.go), typed runs (runcommand_test.go),
// whole envelopes (outdated_test.go).

var idLike = regexp.MustCompile(`^[A-Z0-9]{1,32}$`)

func FuzzParseTokensAt(f *testing.F) {
	for _, seed := range append(slices.Collect(values(rubbish())),
		`{"project":"group/app","channel":"C0BUILDS","page":-1,"token":3,"called":"x"}`, `{"project":"group/app","channel":"C0BUILDS","token":-3}`) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, metadata string) {
		at, err := bot.ParseTokensAt(metadata, []string{"group/app"})
		if err != nil {
			return
		}
		if at.Project != "group/app" || !idLike.MatchString(at.Channel) || at.Page < 0 || at.Token < 0 || utf8.RuneCountInString(at.Metadata()) > bot.MetadataSize {
			t.Errorf("%q is read as %+v", metadata, at)
		}
	})
}

func values(of map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, value := range of {
			if !yield(value) {
				return
			}
		}
	}
}

func FuzzParseConfirmMetadata(f *testing.F) {
	for _, seed := range append(slices.Collect(values(rubbish())), "cancel 7/4711 C0BUILDS", "delete 7/4711 ", "cancel 7/4711 C0 x") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, metadata string) {
		for _, verb := range []run.Verb{run.Cancel, run.Delete} {
			value, channel, ok := bot.ParseConfirmMetadata(metadata, verb)
			if ok && (metadata != string(verb)+" "+value+" "+channel || channel != "" && !idLike.MatchString(channel)) {
				t.Errorf("%q is read as %q in %q", metadata, value, channel)
			}
		}
	})
}

func FuzzParseReasonMetadata(f *testing.F) {
	for _, seed := range append(slices.Collect(values(rubbish())), "V0RUN C0BUILDS 1.000001", "V0RUN  C0BUILDS\t1.000001") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, metadata string) {
		id, channel, card := bot.ParseReasonMetadata(metadata)
		if (id == "") != (channel == "") || (id == "") != (card == "") || strings.ContainsAny(id+channel+card, " \t\n") {
			t.Errorf("%q is read as %q at %q in %q", metadata, id, card, channel)
		}
	})
}

func FuzzParseValues(f *testing.F) {
	for _, seed := range append(slices.Collect(values(rubbish())), "7/4711", "07/4711", "V0RUN 9000", "rename 3", "revoke -3", "revoke 9223372036854775808") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if project, pipeline, ok := bot.ParsePipelineValue(value); ok && (project <= 0 || pipeline <= 0) {
			t.Errorf("%q is read as %d/%d", value, project, pipeline)
		}
		if _, job, ok := bot.ParsePlayValue(value); ok && job <= 0 {
			t.Errorf("%q is read as the job %d", value, job)
		}
		if verb, id, err := bot.ParseTokenChoice(value); err == nil && (id <= 0 || verb != "rename" && verb != "revoke") {
			t.Errorf("%q is read as %s %d", value, verb, id)
		}
	})
}

func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{
		"4711", "#12", "group/app 4711", "https://gitlab.example/group/app/-/pipelines/4711?x=%zz#y", "<https://gitlab.example/Group/App/-/pipelines/1|#1>",
		"https://gitlab.example/%2f/-/pipelines/1", "https://u:p@gitlab.example/group/app/-/pipelines/1", "//gitlab.example/group/app/-/pipelines/1", "https://[::1/x", "group/app #9223372036854775808", "",
	} {
		f.Add(seed)
	}
	b := bot.New(bot.Config{Projects: &fakeProjects{names: []string{"group/app"}}, GitLabURL: "https://gitlab.example"})
	known := func(t *testing.T, what string, target bot.Target) {
		t.Helper()
		if target.Project != "" && target.Project != "group/app" || target.ID < 0 || target.IID < 0 || target.ID > 0 && target.IID > 0 {
			t.Errorf("%q is read as %+v", what, target)
		}
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if target, fault := bot.ParseTarget(b, strings.Fields(typed)); fault == "" {
			known(t, typed, target)
		}
		if target, name, fault := bot.ParseRename(b, strings.Fields(typed)); fault == "" {
			known(t, typed, target)
			if name == "" || utf8.RuneCountInString(name) > 255 {
				t.Errorf("%q is to be called %q", typed, name)
			}
		}
		if target, ok := bot.TargetInJSON(b, []byte(typed)); ok {
			known(t, typed, target)
		}
		if target, ok := bot.TargetIn(b, slack.Message{Msg: slack.Msg{Text: typed}}); ok {
			known(t, typed, target)
		}
	})
}

func FuzzTyped(f *testing.F) {
	for _, seed := range []string{
		"group/app release/* for 2h the release is out", "for 2h x", "for -1h x", "GROUP/APP for 9999999h x", "group/app since 24h", "me since 1ns", "<@U012AB3CD|alice> since x", "since", "",
	} {
		f.Add(seed)
	}
	projects, now := []string{"group/app"}, time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, typed string) {
		project, _, lasts, reason, fault := bot.ParseFreeze(typed, projects)
		if fault == "" && (project != "" && project != "group/app" || lasts < 0 || reason == "") {
			t.Errorf("%q freezes %q for %s because of %q", typed, project, lasts, reason)
		}
		filter, fault := bot.ParseAudit(typed, projects, bot.Asker{User: "U012AB3CD"}, now)
		if fault == "" && (filter.Project != "" && filter.Project != "group/app" || !filter.Since.Before(now)) {
			t.Errorf("%q asks for %+v", typed, filter)
		}
	})
}

// FuzzParseWantedToken has the form of a new trigger token filled in with anything.
func FuzzParseWantedToken(f *testing.F) {
	for _, seed := range [][2]string{{"Nightly builds", "2030-01-01"}, {"", ""}, {"\x00", "2030-02-30"}, {strings.Repeat("x", 300), "9999-12-31"}, {"x", "2020-01-01"}} {
		f.Add(seed[0], seed[1])
	}
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, description, date string) {
		view := &slack.View{State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{
			"description": {"description": {Value: description}}, "expires": {"expires": {SelectedDate: date}},
		}}}
		got, expires, faults := bot.ParseWantedToken(view, now)
		if len(faults) == 0 && (strings.TrimSpace(got) == "" || utf8.RuneCountInString(got) > bot.LongDescription || !expires.IsZero() && !expires.After(now)) {
			t.Errorf("%q, %q are read as %q until %s", description, date, got, expires)
		}
	})
}
