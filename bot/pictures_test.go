package bot_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// pictures are everything that people see of the bot, each once.
func pictures() []picture {
	return slices.Concat(
		cards(),
		threadReplies(),
		notices(),
		buttonAnswers(),
		modals(),
		aboutRights(ordinary), longRights(),
		aboutTests(ordinary),
		aboutStarting(ordinary), aboutDoubts(ordinary),
		aboutActs(ordinary), manyVariables(),
		aboutFollowing(),
		lists(ordinary), homes(ordinary),
		aboutTokens("group/app", "Nightly builds"), manyTokens(),
	)
}

// cards are the card at every status.
func cards() []picture {
	runs := []struct {
		name string
		run  run.Run
	}{
		{"starting-unclear", requested(inProject(run.Starting), func(r *run.Run) { r.Unclear = true })},
		{"starting-again", requested(inProject(run.Requested))},
		{"unknown", requested(inProject(run.Unknown))},
		{"unknown-unreadable", edited(requested(inProject(run.Unknown)), func(r *run.Run) { r.Refusal = &run.Refusal{Kind: gitlab.Forbidden} })},
		{"settings-changed", refused(run.Refusal{Moved: true})},
		{"refused-after-card", refused(run.Refusal{Kind: gitlab.Invalid, Message: "Reference not found", Source: "trigger"})},
		{"created", started(gitlab.StatusCreated)},
		{"created-without-jobs", started(gitlab.StatusCreated, func(r *run.Run) { r.Progress = gitlab.Progress{} })},
		{"pending", started(gitlab.StatusPending)},
		{"preparing", started("preparing")},
		{"waiting-for-resource", started("waiting_for_resource")},
		{"running", running()},
		{"running-first-failure", running(failing(jobs("test", "unit")))},
		{"running-72-jobs-in-12-stages", running(inStages(72, 12))},
		{"running-gitlab-away", running(silentFor(gitlab.Unclear))},
		{"running-token-rejected", running(silentFor(gitlab.Unauthorized))},
		{"running-project-hidden", running(silentFor(gitlab.NotFound))},
		{"running-gitlab-away-after-a-failure", running(failing(jobs("test", "unit")), silentFor(gitlab.Unclear))},
		{"running-on-a-tag", running(func(r *run.Run) { r.Request.Ref = gitlab.Ref{Kind: gitlab.Tag, Name: "v1.4.0"} })},
		{"running-with-an-optional-stage", running(func(r *run.Run) {
			r.Progress.Stages[2] = gitlab.Stage{Name: "deploy", Status: gitlab.StatusSkipped}
		})},
		{"success", ended(gitlab.StatusSuccess)},
		{"success-with-warnings", ended(gitlab.StatusSuccess, func(r *run.Run) { r.Pipeline.Warnings = true })},
		{"failed", ended(gitlab.StatusFailed, failing(jobs("test", "unit")))},
		{"failed-4-jobs", ended(gitlab.StatusFailed, failing(jobs("test", "unit", "lint", "race", "e2e")))},
		{"failed-30-jobs", ended(gitlab.StatusFailed, failing(numbered("test", 30)))},
		{"failed-by-yaml", ended(gitlab.StatusFailed, yamlErrors("jobs:unit config contains unknown keys: scrpt"))},
		{"canceling", running(func(r *run.Run) { r.Pipeline.Status = gitlab.StatusCanceling })},
		{"canceled", ended(gitlab.StatusCanceled)},
		{"skipped", ended(gitlab.StatusSkipped, func(r *run.Run) { r.Pipeline.Duration, r.Pipeline.FinishedAt = 0, time.Time{} })},
		{"manual", blocked("ship-to-production")},
		{"scheduled", started(gitlab.StatusScheduled)},
		{"deleted", deleted()},
		{"long-names", running(longNames)},
		{"unicode-names", running(unicodeNames)},
	}
	var list []picture
	for _, c := range runs {
		list = append(list, picture{name: "card-" + c.name, message: bot.Card(c.run)})
	}
	for name, where := range map[string]string{"channel": channel, "direct-message": "D0OTHERS"} {
		away := bot.Card(running())
		away.Blocks = append(away.Blocks, bot.InviteHint(where, "pipebot"))
		list = append(list, picture{name: "card-away-from-" + name, message: away})
	}
	return list
}

// blocked is a run that waits for a person to start these jobs.
func blocked(names ...string) run.Run {
	return started(gitlab.StatusManual, func(r *run.Run) {
		r.Pipeline.StartedAt = askedAt.Add(4 * time.Second)
		r.Progress.Stages = []gitlab.Stage{
			{Name: "build", Status: gitlab.StatusSuccess, Done: 3, Total: 3},
			{Name: "test", Status: gitlab.StatusSuccess, Done: 4, Total: 4},
			{Name: "deploy", Status: gitlab.StatusManual, Total: 1},
		}
		r.Progress.Manual, r.Progress.ManualTotal = jobs("deploy", names...), len(names)
	})
}

// silentFor is a run that GitLab has told nothing of for this reason.
func silentFor(why gitlab.Kind) edit {
	return func(r *run.Run) { r.Silence = &run.Silence{Since: askedAt.Add(90 * time.Second), Why: why} }
}

func deleted() run.Run {
	return running(func(r *run.Run) { r.State, r.Deleted = run.Ended, true })
}

func yamlErrors(text string) edit {
	return func(r *run.Run) {
		r.Pipeline.YAMLErrors, r.Pipeline.Duration, r.Pipeline.FinishedAt = text, 0, time.Time{}
		r.Progress = gitlab.Progress{}
	}
}

func longNames(r *run.Run) {
	long := strings.Repeat("averylongname-", 30)
	named(r, long)
}

func unicodeNames(r *run.Run) {
	named(r, "функция/ログイン-修复-ñandú-👩‍💻")
}

// named gives everything that has a name from outside this one.
func named(r *run.Run, name string) {
	r.Request.Project, r.Project.Path = "group/"+name, "group/"+name
	r.Request.Ref.Name, r.Pipeline.Ref = name, name
	r.Request.BuildType = name
	for i := range r.Progress.Stages {
		r.Progress.Stages[i].Name = name
	}
	r.Progress.Failed, r.Progress.FailedTotal = jobs(name, name, name, name, name, name, name), 6
	r.Progress.Manual, r.Progress.ManualTotal = r.Progress.Failed, 6
	r.Progress.Artifacts, r.Progress.ArtifactsTotal = r.Progress.Failed, 6
}

// threadReplies are what is said in the thread.
func threadReplies() []picture {
	runs := []struct {
		name string
		run  run.Run
	}{
		{"waits-manual", blocked("ship-to-production")},
		{"waits-manual-3", blocked("eu", "us", "asia")},
		{"waits-manual-10", blocked("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")},
		{"waits-manual-many", blocked("a", "b", "c", "d", "e", "f", "g")},
		{"waits-manual-unnamed", blocked()},
		{"waits-scheduled", started(gitlab.StatusScheduled)},
		{"passed", ended(gitlab.StatusSuccess)},
		{"passed-at-an-unknown-time", ended(gitlab.StatusSuccess, untimed)},
		{"passed-with-artifacts", ended(gitlab.StatusSuccess, withArtifacts(jobs("build", "apk", "docs")))},
		{"passed-with-many-artifacts", ended(gitlab.StatusSuccess, withArtifacts(numbered("build", 24)))},
		{"passed-with-warnings", ended(gitlab.StatusSuccess, func(r *run.Run) { r.Pipeline.Warnings = true })},
		{"passed-with-warnings-and-artifacts", ended(gitlab.StatusSuccess, func(r *run.Run) { r.Pipeline.Warnings = true },
			withArtifacts(jobs("build", "apk")))},
		{"failed-1-job", ended(gitlab.StatusFailed, failing(jobs("test", "unit")))},
		{"failed-2-jobs", ended(gitlab.StatusFailed, failing(jobs("test", "unit", "lint")))},
		{"failed-in-2-stages", ended(gitlab.StatusFailed, failing(slices.Concat(jobs("build", "apk"), jobs("test", "unit", "lint"))))},
		{"failed-6-jobs-in-2-stages", ended(gitlab.StatusFailed, failing(slices.Concat(numbered("build", 3), numbered("test", 3))))},
		{"failed-30-jobs", ended(gitlab.StatusFailed, failing(numbered("test", 30)))},
		{"failed-without-jobs", ended(gitlab.StatusFailed, func(r *run.Run) { r.Progress = gitlab.Progress{} })},
		{"failed-by-yaml", ended(gitlab.StatusFailed, yamlErrors("jobs:unit config contains unknown keys: scrpt"))},
		{"failed-by-long-yaml", ended(gitlab.StatusFailed, yamlErrors(strings.Repeat("jobs:unit config contains unknown keys: scrpt\n", 20)))},
		{"canceled", ended(gitlab.StatusCanceled)},
		{"canceled-at-an-unknown-time", ended(gitlab.StatusCanceled, untimed)},
		{"skipped", ended(gitlab.StatusSkipped)},
		{"deleted", deleted()},
		{"long-names", ended(gitlab.StatusFailed, longNames)},
		{"unicode-names", ended(gitlab.StatusFailed, unicodeNames)},
	}
	var list []picture
	for _, c := range runs {
		for _, reply := range bot.Replies(c.run) {
			list = append(list, picture{name: "reply-" + c.name, message: reply.Message})
		}
	}
	return list
}

func untimed(r *run.Run) {
	r.Pipeline.Duration, r.Pipeline.StartedAt, r.Pipeline.FinishedAt = 0, time.Time{}, time.Time{}
}

// notices are what only the person who asked is told.
func notices() []picture {
	invalid := func(message string) run.Refusal {
		return run.Refusal{Kind: gitlab.Invalid, Message: message, Source: "trigger"}
	}
	runs := []struct {
		name string
		run  run.Run
	}{
		{"branch-gone", refused(invalid("Reference not found"))},
		{"tag-gone", edited(refused(invalid("Reference not found")), func(r *run.Run) {
			r.Request.Ref = gitlab.Ref{Kind: gitlab.Tag, Name: "v1.4.0"}
		})},
		{"no-rights-to-set-variables", refused(invalid("Insufficient permissions to set pipeline variables"))},
		{"no-jobs-by-trigger", refused(invalid("Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added to the pipeline."))},
		{"no-jobs-by-api", refused(run.Refusal{Kind: gitlab.Invalid, Message: "No stages / jobs for this pipeline.", Source: "api"})},
		{"too-many-pipelines", refused(run.Refusal{Kind: gitlab.Invalid, Message: "Too many pipelines created in the last minute. Try again later.", Source: "api"})},
		{"ambiguous-ref", refused(invalid("Ref is ambiguous"))},
		{"protected-ref", refused(invalid("You do not have sufficient permission to run a pipeline on 'main'. Please select a different branch or contact your administrator for assistance."))},
		{"not-found-by-trigger", refused(run.Refusal{Kind: gitlab.NotFound, Message: "404 Not Found", Source: "trigger"})},
		{"not-found-by-api", refused(run.Refusal{Kind: gitlab.NotFound, Message: "404 Project Not Found", Source: "api"})},
		{"unauthorized", refused(run.Refusal{Kind: gitlab.Unauthorized, Message: "401 Unauthorized", Source: "api"})},
		{"forbidden", refused(run.Refusal{Kind: gitlab.Forbidden, Message: "403 Forbidden", Source: "api"})},
		{"forbidden-without-words", refused(run.Refusal{Kind: gitlab.Forbidden, Source: "api"})},
		{"invalid", refused(invalid("jobs:unit config contains unknown keys: scrpt"))},
		{"invalid-without-words", refused(invalid(""))},
		{"expired", refused(run.Refusal{Expired: true, Kind: gitlab.NotSent})},
		{"waits-for-gitlab", waits(gitlab.NotSent)},
		{"waits-rate-limited", waits(gitlab.RateLimited)},
		{"waits-after-a-lost-answer", edited(waits(gitlab.NotSent), func(r *run.Run) { r.State, r.Unclear = run.Starting, true })},
		{"unknown", requested(inProject(run.Unknown))},
		{"unknown-unreadable", edited(requested(inProject(run.Unknown)), func(r *run.Run) { r.Refusal = &run.Refusal{Kind: gitlab.Forbidden} })},
		{"settings-changed", refused(run.Refusal{Moved: true})},
		{"long-names", edited(refused(invalid("Reference not found")), longNames)},
		{"unicode-names", edited(refused(invalid("Reference not found")), unicodeNames)},
	}
	var list []picture
	for _, c := range runs {
		_, message := bot.NoticeFor(c.run)
		list = append(list, picture{name: "notice-" + c.name, message: message})
	}
	return list
}

// buttonAnswers are what somebody is told whose button did nothing.
func buttonAnswers() []picture {
	list := []picture{
		{name: "button-stale", message: bot.ActionFailed("cancel", bot.ErrStale)},
		{name: "button-no-records", message: bot.ActionFailed("retry", errors.New("nats: timeout"))},
		{name: "working", message: bot.Working("Looking for pipelines")},
		{name: "working-found", message: bot.FoundAfterAll()},
	}
	for _, kind := range []gitlab.Kind{
		gitlab.Unclear, gitlab.NotSent, gitlab.RateLimited, gitlab.Unauthorized, gitlab.Forbidden, gitlab.NotFound, gitlab.Invalid,
	} {
		name := "button-" + strings.ReplaceAll(kind.String(), " ", "-")
		err := fmt.Errorf("pressing: %w", &gitlab.Error{Op: "canceling the pipeline", Kind: kind, Message: "Pipeline is not cancelable"})
		list = append(list, picture{name: name, message: bot.ActionFailed("cancel", err)})
	}
	return list
}

// modals are the form and what may take its place.
func modals() []picture {
	of := func(name string, projects []string, ref *gitlab.Ref) picture {
		view := bot.Modal(bot.Form{Project: projects[0], Channel: channel, ReplyURL: "https://hooks.slack.com/commands/1/2/3"},
			projects, []string{"debug", "release"}, ref, "")
		return picture{name: name, view: &view}
	}
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = fmt.Sprintf("group/a-rather-long-name-of-a-subgroup/%s/app-%03d", strings.Repeat("x", i), i)
	}
	first := requested().Request
	second := first
	second.Ref = gitlab.Ref{Kind: gitlab.Tag, Name: "v1.4.0"}
	long := gitlab.Ref{Kind: gitlab.Branch, Name: "feature/" + strings.Repeat("very-", 40) + "long"}
	acting := bot.Modal(bot.Form{Project: "group/app", Channel: channel}, []string{"group/app"}, []string{"debug", "release"},
		&gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, "In GitLab you are alice. You may run main (debug).")
	return []picture{
		of("modal-one-project", []string{"group/app"}, &gitlab.Ref{Kind: gitlab.Branch, Name: "main"}),
		of("modal-several-projects", []string{"group/app", "group/api", "12345"}, &gitlab.Ref{Kind: gitlab.Branch, Name: "main"}),
		of("modal-100-projects", hundred, &gitlab.Ref{Kind: gitlab.Branch, Name: "main"}),
		of("modal-no-default-branch", []string{"group/app"}, nil),
		of("modal-long-default-branch", []string{"group/app"}, &long),
		{name: "modal-with-whom-one-acts", view: &acting},
		{name: "modal-already-taken", view: bot.Taken(first, second, true).(*slack.ViewSubmissionResponse).View},
	}
}
