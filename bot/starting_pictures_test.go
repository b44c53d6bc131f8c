package bot_test

import (
	"errors"
	"strings"
	"time"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// aboutStarting are the pictures of what people see who start pipelines: the states of
// the form, and the answers to what was typed.
func aboutStarting(o outside) []picture {
	branch, tag := gitlab.Ref{Kind: gitlab.Branch, Name: o.ref}, gitlab.Ref{Kind: gitlab.Tag, Name: o.ref}
	named := func(r *run.Run) {
		r.Request.Project, r.Project.Path, r.Request.Ref, r.Request.BuildType = o.project, o.project, branch, o.buildType
	}
	typed := bot.TypedRun{Project: o.project, Ref: o.ref, BuildType: o.buildType, Variables: map[string]string{"APP_ENV": o.value}}
	first := running(named)
	second := requested(named, func(r *run.Run) { r.Request.ID, r.Request.Asker = "V0SECOND", "U0BOB" })
	third := running(named, func(r *run.Run) { r.Pipeline.StartedAt, r.Pipeline.ID = time.Time{}, 4700 })
	one, many := []run.Run{first}, []run.Run{second, first, third, first, first}
	again := bot.Prefilled(secretive(named, func(r *run.Run) {
		r.Request.Variables[o.key+"\n"], r.Request.Variables["MULTI"] = o.value, "line\nbreak"
		r.Request.BuildType = "x" + o.buildType
	}), bot.Asker{Team: "T0TEAM", User: "U0BOB"}, true, []string{"debug", "release"}, "BUILD_TYPE")
	view := func(name string, s bot.Sheet) picture {
		drawn := s.Draw(bot.Form{Project: "group/app", Channel: asker}, []string{"group/app", "group/api"}, []string{"debug", "release"})
		return picture{name: name, view: &drawn}
	}
	closed := bot.Closing(bot.FollowedInstead(first, ""))
	long := typed
	long.Variables = map[string]string{"APP_ENV": strings.Repeat("averylongvalue", 200)}
	list := []picture{
		view("modal-files", bot.Sheet{Ref: &branch, BuildType: "release", Variables: "APP_ENV=staging\nCONFIG=@\n", Files: []string{"CONFIG", ""}, Notes: []string{bot.FilesToken}}),
		view("modal-running", bot.Sheet{Ref: &branch, Running: one, Acting: "In GitLab you are alice."}),
		view("modal-running-many", bot.Sheet{Ref: &branch, Running: many}),
		view("modal-again", bot.Prefilled(secretive(), bot.Asker{Team: "T0TEAM", User: asker}, false, []string{"debug", "release"}, "BUILD_TYPE")),
		view("modal-again-of-another", again),
		view("modal-again-unreadable", bot.Prefilled(secretive(named), bot.Asker{Team: "T0TEAM", User: "U0BOB"}, false, []string{"debug", "release"}, "BUILD_TYPE")),
		view("modal-again-of-gitlabs", bot.Prefilled(run.Run{Request: run.Request{Project: "group/app", Ref: tag}}, bot.Asker{}, false, nil, "BUILD_TYPE")),
		{name: "modal-followed", view: &closed},
		{name: "run-starting", message: bot.Begun(requested(named))},
		{name: "run-held-for-approval", message: bot.Begun(heldForApproval(named))},
		{name: "run-not-certain", message: bot.NotWritten(requested(named))},
		{name: "run-no-such-ref", message: typed.NoSuchRef(o.project, []gitlab.Ref{branch, tag})},
		{name: "run-no-such-ref-and-none-like-it", message: typed.NoSuchRef(o.project, nil)},
		{name: "run-no-such-ref-too-long-for-buttons", message: long.NoSuchRef(o.project, []gitlab.Ref{branch, tag})},
		{name: "run-which-ref", message: typed.WhichRef([]gitlab.Ref{branch, tag})},
		{name: "run-already-running", message: bot.AlreadyRunning(one, typed.Line(branch, true))},
		{name: "run-already-running-many", message: bot.AlreadyRunning(many, typed.Line(branch, true))},
		{name: "run-already-running-too-long-for-a-button", message: bot.AlreadyRunning(one, long.Line(branch, true))},
		{name: "run-followed", message: bot.FollowedInstead(first, "")},
		{name: "run-followed-before-it-starts", message: bot.FollowedInstead(second, "")},
		{name: "run-followed-in-another-channel", message: bot.FollowedInstead(second, "C0RELEASES")},
		{name: "run-not-reached", message: bot.NotReached(second)},
		{name: "run-not-followed", message: bot.NotFollowed(errAway)},
		{name: "run-not-followed-unknown", message: bot.NotFollowed(bot.ErrStale)},
		{name: "run-ended-meanwhile", message: bot.EndedMeanwhile(first)},
		{name: "rerun-project-gone", message: bot.GoneProject(first)},
		{name: "rerun-stale", message: bot.NotOpenedFor(bot.ErrStale)},
		{name: "form-not-opened", message: bot.NotOpened()},
		{name: "run-not-looked-up", message: typed.NotLookedUp(errors.New("context deadline exceeded"))},
		{name: "card-held-with-a-file", message: bot.Card(heldForApproval(named, withFile(o.value)))},
	}
	for _, kind := range []gitlab.Kind{gitlab.Unclear, gitlab.NotSent, gitlab.RateLimited, gitlab.Unauthorized, gitlab.Forbidden, gitlab.NotFound, gitlab.Invalid} {
		name := "run-not-looked-up-" + strings.ReplaceAll(kind.String(), " ", "-")
		list = append(list, picture{name: name, message: typed.NotLookedUp(&gitlab.Error{Kind: kind, Message: o.reason})})
	}
	return list
}

// withFile has a variable of the type file beside the others.
func withFile(contents string) edit {
	return func(r *run.Run) {
		r.Request.Files = map[string]string{"CONFIG": contents + " = 1", "DEPLOY_KEY": contents}
	}
}

// secretive is a run with variables of all sorts.
func secretive(edits ...edit) run.Run {
	return ended(gitlab.StatusSuccess, append([]edit{func(r *run.Run) {
		r.Request.Variables = map[string]string{
			"APP_ENV": "staging", "DEPLOY_TOKEN": "hunter2", "URL": "https://me:hunter2@example.com", "PIPEBOT_USER": asker, "BUILD_TYPE": "debug",
		}
		r.Request.Files = map[string]string{"CONFIG": "debug = true\nlevel = 2\n", "ENV_FILE": "PASSWORD=hunter2\n"}
	}}, edits...)...)
}
