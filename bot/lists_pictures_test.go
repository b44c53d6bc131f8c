package bot_test

import (
	"fmt"
	"time"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// pipelines are so many of a project, the newest first, in all statuses by turns.
func pipelines(count int, project int64) []gitlab.Pipeline {
	statuses := []gitlab.Status{
		gitlab.StatusRunning, gitlab.StatusSuccess, gitlab.StatusFailed, gitlab.StatusSuccess, gitlab.StatusManual,
		gitlab.StatusCanceled, gitlab.StatusPending, gitlab.StatusSkipped, gitlab.StatusCanceling, gitlab.StatusScheduled,
	}
	list := make([]gitlab.Pipeline, count)
	for i := range list {
		id := int64(5000 - i)
		list[i] = gitlab.Pipeline{
			ID: id, IID: id - 4000, ProjectID: project, Status: statuses[i%len(statuses)], Warnings: i == 3, Ref: "main", Source: "push", SHA: sha,
			WebURL: fmt.Sprintf("%s/-/pipelines/%d", appURL, id), CreatedAt: readAt.Add(-time.Duration(i*i+1) * time.Minute),
			User: gitlab.User{ID: 1, Username: "alice"},
		}
	}
	return list
}

// rowsOf are the rows of pipelines whose names from outside these are.
func rowsOf(o outside, count int) []bot.Row {
	var rows []bot.Row
	for i, p := range pipelines(count, 7) {
		p.Ref = o.ref
		if i%3 == 1 {
			p.Name = o.reason
		}
		rows = append(rows, bot.PipelineRow(p, o.user))
	}
	return rows
}

// lists are the pictures of lists.
func lists(o outside) []picture {
	settings := bot.New(bot.Config{Projects: &fakeProjects{names: []string{"group/app"}}})
	list := func(typed string, rows []bot.Row, hidden, page int, more bool) bot.Message {
		return bot.PipelineList(settings, "group/app "+typed, o.project, rows, hidden, page, more, false)
	}
	failed := func(kind gitlab.Kind, after time.Duration) bot.Message {
		project := o.project[:min(len(o.project), 255)] // GitLab's longest path
		return bot.ListFailed(project, &gitlab.Error{Op: "listing pipelines", Kind: kind, Message: o.reason, RetryAfter: after})
	}
	return []picture{
		{name: "list-empty", message: list("", nil, 0, 1, false)},
		{name: "list-empty-by-filters", message: list("--status failed --mine", nil, 0, 1, false)},
		{name: "list-one", message: list("", rowsOf(o, 1), 0, 1, false)},
		{name: "list-first-page", message: list("", rowsOf(o, 10), 0, 1, true)},
		{name: "list-filtered", message: list("--status failed --ref main --updated-after 2h --yaml-errors --source trigger", rowsOf(o, 3), 2, 2, true)},
		{name: "list-last-page", message: list("--order-by ref --sort asc", rowsOf(o, 2), 1, 4, false)},
		{name: "list-beyond-the-end", message: list("", nil, 0, 5, false)},
		{name: "list-nothing-to-see", message: list("", nil, 10, 1, true)},
		{name: "list-searched-in-part", message: bot.PipelineList(settings, "group/app --mine", o.project, rowsOf(o, 2), 0, 1, false, true)},
		{name: "list-rare-status", message: list("", []bot.Row{bot.PipelineRow(gitlab.Pipeline{ID: 1, ProjectID: 7, Ref: o.ref, Status: "waiting_for_callback", WebURL: appURL}, "")}, 0, 1, false)},
		{name: "list-failed-not-found", message: failed(gitlab.NotFound, 0)},
		{name: "list-failed-forbidden", message: failed(gitlab.Forbidden, 0)},
		{name: "list-failed-rate-limited", message: failed(gitlab.RateLimited, 40*time.Second)},
		{name: "list-failed-rate-limited-for-a-while", message: failed(gitlab.RateLimited, 0)},
		{name: "list-failed-away", message: failed(gitlab.NotSent, 0)},
		{name: "list-failed-no-answer", message: failed(gitlab.Unclear, 0)},
		{name: "list-failed-refused", message: failed(gitlab.Invalid, 0)},
		{name: "list-failed-token", message: failed(gitlab.Unauthorized, 0)},
	}
}

// homes are the pictures of Homes.
func homes(o outside) []picture {
	named := func(r *run.Run) {
		r.Request.Project, r.Project.Path, r.Request.Ref.Name, r.Request.BuildType = o.project, o.project, o.ref, o.buildType
	}
	own := []bot.Row{
		bot.RunRow(requested(named), true), bot.RunRow(running(named), true), bot.RunRow(heldForApproval(named), true),
		bot.RunRow(ended(gitlab.StatusFailed, named), true), bot.RunRow(edited(deleted(), named), true), bot.RunRow(running(named), false), bot.RunRow(started(gitlab.StatusManual, named), true),
	}
	denied := policy.Decision{Outcome: policy.Refuse, Why: policy.ByRule, Action: policy.ActionLink, Rule: o.rule, Reason: o.reason}
	none := policy.Decision{Outcome: policy.Refuse, Why: policy.NotLinked, Action: policy.ActionLink}
	crowded := bot.HomePage{Account: o.user, Away: readAt, More: 17, Waiting: true}
	for range bot.OwnRunsShown {
		crowded.Own = append(crowded.Own, own[1])
	}
	for range bot.ProjectsShown {
		crowded.Projects = append(crowded.Projects, bot.HomeProject{Path: o.project, Rows: rowsOf(o, bot.PipelinesEach)})
	}
	pages := map[string]bot.HomePage{
		"empty":                {Account: o.user, Projects: []bot.HomeProject{{Path: o.project}}},
		"reading":              {Account: o.user, Own: own[:1], Projects: []bot.HomeProject{{Path: o.project, Reading: true}}},
		"full":                 {Account: o.user, Own: own, Projects: []bot.HomeProject{{Path: o.project, Rows: rowsOf(o, 5)}, {Path: "group/api", Rows: rowsOf(o, 1)}}},
		"crowded":              crowded,
		"not-linked":           {Unlinked: true, Linkable: true},
		"not-linkable":         {Unlinked: true},
		"gitlab-away":          {Account: o.user, Away: readAt, Projects: []bot.HomeProject{{Path: o.project, Rows: rowsOf(o, 2)}}},
		"gitlab-away-at-first": {Waiting: true},
		"project-forbidden":    {Account: o.user, Projects: []bot.HomeProject{{Path: o.project, Err: &gitlab.Error{Kind: gitlab.Forbidden, Message: o.reason}}}},
		"refused":              {Refused: &denied, Linkable: true},
		"refused-not-linked":   {Refused: &none, Linkable: true},
	}
	var list []picture
	for name, page := range pages {
		view := bot.HomeView(page)
		list = append(list, picture{name: "home-" + name, home: &view})
	}
	return list
}
