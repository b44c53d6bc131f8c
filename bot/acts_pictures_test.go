package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// foreign is a pipeline that the bot did not start and knows from GitLab alone.
func foreign(edits ...edit) run.Run {
	return edited(running(func(r *run.Run) {
		r.Request = run.Request{Project: "group/app", Ref: gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, Follow: true}
		r.Pipeline.User = gitlab.User{ID: 2, Username: "bob"}
		r.Progress = gitlab.Progress{}
	}), edits...)
}

// manualJobs are jobs that wait for somebody to start them.
func manualJobs(names ...string) []gitlab.Job {
	list := jobs("deploy", names...)
	for i := range list {
		list[i].Status = gitlab.StatusManual
	}
	return list
}

// aboutActs are the pictures of acting on pipelines.
func aboutActs(o outside) []picture {
	named := func(r *run.Run) {
		r.Request.Project, r.Project.Path, r.Request.Ref.Name = o.project, o.project, o.ref
		if r.Request.BuildType != "" {
			r.Request.BuildType = o.buildType
		}
		if r.Pipeline.User.ID != 0 {
			r.Pipeline.User.Username = o.user
		}
	}
	r, over := running(named), ended(gitlab.StatusFailed, named)
	elsewhere := foreign(named)
	var list []picture
	said := func(name string, m bot.Message) { list = append(list, picture{name: "act-" + name, message: m}) }
	for _, verb := range []run.Verb{run.Retry, run.Play, run.Cancel, run.Delete} {
		said(string(verb), bot.Acted(verb, over, o.key))
	}
	said("retry-followable", bot.Followable(elsewhere, bot.Acted(run.Retry, elsewhere, "")))
	said("repeated", bot.Repeated(over))
	said("delete-done-before", bot.DeletedAlready("7/4711"))
	said("cancel-ended", bot.NotCancelable(over))
	said("cancel-blocked", bot.NotCancelable(edited(r, func(r *run.Run) { r.Pipeline.Status = gitlab.StatusManual })))
	said("cancel-canceling", bot.NotCancelable(edited(r, func(r *run.Run) { r.Pipeline.Status = gitlab.StatusCanceling })))
	for _, f := range []struct {
		name  string
		verb  run.Verb
		fault gitlab.Error
	}{
		{"delete-no-owner", run.Delete, gitlab.Error{Kind: gitlab.Forbidden, Status: http.StatusForbidden}},
		{"delete-gone", run.Delete, gitlab.Error{Kind: gitlab.NotFound, Status: http.StatusNotFound}},
		{"delete-while-counting", run.Delete, gitlab.Error{Kind: gitlab.Invalid, Status: http.StatusConflict, Message: o.reason}},
		{"delete-refused", run.Delete, gitlab.Error{Kind: gitlab.Invalid, Status: http.StatusUnprocessableEntity, Message: o.reason}},
		{"retry-too-often", run.Retry, gitlab.Error{Kind: gitlab.RateLimited, Status: http.StatusTooManyRequests, RetryAfter: 42 * time.Second}},
		{"play-not-waiting", run.Play, gitlab.Error{Kind: gitlab.Invalid, Status: http.StatusBadRequest, Message: o.reason}},
	} {
		said(f.name, bot.ActionFailed(f.verb, &f.fault))
	}
	said("retry-started-nothing", bot.ActionFailed(run.Retry, run.ErrNotYet))
	said("jobs-none", bot.JobsOffered(over, nil, ""))
	said("jobs-several", bot.JobsOffered(over, manualJobs(o.key, o.value), ""))
	said("jobs-another-name", bot.JobsOffered(over, manualJobs(o.key), o.value))
	said("variables-none", bot.VariablesShow(r, nil, false, false))
	said("variables-only-own", bot.VariablesShow(r, []gitlab.Variable{{Key: "PIPEBOT_USER", Value: "U1"}, {Key: "TRIGGER_PAYLOAD", Value: "{}"}}, false, false))
	variables := []gitlab.Variable{
		{Key: o.key, Value: o.value},
		{Key: "LONG", Value: strings.Repeat("a-rather-long-value ", 20)},
		{Key: "CONFIG", Value: "a: 1\nb: " + o.value + "\n", File: true},
		{Key: "DEPLOY_TOKEN", Value: "glpat-0123456789abcdefghij" + o.value},
		{Key: "PIPEBOT_RUN_ID", Value: "V0RUN"},
	}
	said("variables", bot.VariablesShow(r, variables, false, false))
	said("variables-revealed", bot.VariablesShow(r, variables, false, true))
	said("variables-recorded", bot.VariablesShow(r, variables, true, false))
	said("variables-failed", bot.VariablesError(&gitlab.Error{Kind: gitlab.Invalid, Message: o.reason}))
	said("variables-forbidden", bot.VariablesError(&gitlab.Error{Kind: gitlab.Forbidden, Message: o.reason}))
	view := func(name string, v bot.View) { list = append(list, picture{name: "act-modal-" + name, view: &v}) }
	view("delete", bot.ConfirmModal(run.Delete, over, channel))
	view("delete-running", bot.ConfirmModal(run.Delete, r, channel))
	view("cancel", bot.ConfirmModal(run.Cancel, r, channel))
	view("cancel-of-another", bot.ConfirmModal(run.Cancel, elsewhere, ""))
	view("looking", bot.ToldIn("Delete a pipeline", bot.Working("Looking for the pipeline")))
	view("done", bot.ToldIn("Delete a pipeline", bot.Acted(run.Delete, over, "")))
	view("variables", bot.VariablesModal(bot.VariablesShow(r, variables, false, false), channel))
	return list
}

// manyVariables are lists that hardly fit, and jobs.
func manyVariables() []picture {
	short, long := make([]gitlab.Variable, 100), make([]gitlab.Variable, 1000)
	for i := range short {
		short[i] = gitlab.Variable{Key: fmt.Sprintf("SETTING_NUMBER_%03d", i), Value: fmt.Sprintf("the value of setting %d, which is some words long", i)}
	}
	for i := range long {
		long[i] = gitlab.Variable{Key: fmt.Sprintf("%s%03d", strings.Repeat("KEY_", 40), i), Value: strings.Repeat(`"<ü>"`, 2000)}
	}
	many := make([]string, 14)
	for i := range many {
		many[i] = fmt.Sprintf("deploy to region %d", i)
	}
	return []picture{
		{name: "act-variables-100", message: bot.VariablesShow(running(), short, false, false)},
		{name: "act-variables-1000-long", message: bot.VariablesShow(running(), long, false, false)},
		{name: "act-jobs-many", message: bot.JobsOffered(running(), manualJobs(many...), "")},
	}
}
