package bot_test

import (
	"time"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

const follower = "U0BOB"

// followed is a run that shows a pipeline of which only GitLab's data is known.
func followed(r run.Run, edits ...edit) run.Run {
	return edited(edited(r, func(r *run.Run) {
		r.Request = run.Request{
			ID: "F-C0BUILDS-7-4711", Project: "group/app", Ref: r.Request.Ref, Asker: follower, Team: "T0TEAM", Channel: channel, At: askedAt, Follow: true,
		}
		r.Pipeline.Source, r.Pipeline.User = "push", gitlab.User{ID: 9, Username: "carol"}
	}), edits...)
}

// origin is an edit by which the followed pipeline was started here.
func origin(r *run.Run) {
	r.Request.Origin, r.Request.BuildType = asker, buildType
	r.Pipeline.User = gitlab.User{}
}

func quiet(r *run.Run) { r.Request.Quiet = true }

func ofMergeRequest(r *run.Run) {
	r.Request.Ref = gitlab.Ref{Name: "refs/merge-requests/12/head"}
	r.Pipeline.Ref = r.Request.Ref.Name
}

// did is an edit by which somebody did these things.
func did(acts ...run.Act) edit {
	return func(r *run.Run) { r.Acts = acts }
}

func act(verb run.Verb, job string) run.Act {
	return run.Act{Verb: verb, By: follower, Team: "T0TEAM", At: askedAt.Add(time.Minute), Job: job}
}

// aboutFollowing is what people see of pipelines that are followed and acted upon.
func aboutFollowing(edits ...edit) []picture {
	var list []picture
	add := func(name string, m bot.Message) { list = append(list, picture{name: name, message: m}) }
	ed := func(r run.Run) run.Run { return edited(r, edits...) }
	runs := []struct {
		name string
		run  run.Run
	}{
		{"followed", followed(running())},
		{"followed-started-here", followed(running(), origin)},
		{"followed-by-who-started-it", followed(running(), origin, func(r *run.Run) { r.Request.Asker = asker })},
		{"followed-by-nobody-known", followed(running(), func(r *run.Run) { r.Pipeline.User = gitlab.User{} })},
		{"quiet", followed(running(), quiet)},
		{"quiet-of-nobody-known", followed(running(), quiet, func(r *run.Run) { r.Pipeline.User = gitlab.User{} })},
		{"of-a-merge-request", followed(running(), ofMergeRequest)},
		{"followed-on-a-tag", followed(running(), func(r *run.Run) { r.Request.Ref = gitlab.Ref{Kind: gitlab.Tag, Name: "v1.4.0"} })},
		{"followed-to-its-end", followed(ended(gitlab.StatusSuccess), func(r *run.Run) { r.EndedBefore = true })},
		{"canceled-by", ended(gitlab.StatusCanceled, did(act(run.Cancel, "")))},
		{"canceled-by-in-vain", ended(gitlab.StatusSuccess, did(act(run.Cancel, "")))},
		{"retried-by", running(did(act(run.Cancel, ""), act(run.Retry, "")))},
		{"started-a-job", running(did(act(run.Play, "ship")))},
		{"deleted-by", edited(deleted(), did(act(run.Delete, "")))},
		{"blocked-by-10-jobs", blocked("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")},
	}
	for _, c := range runs {
		add("card-"+c.name, bot.Card(ed(c.run)))
	}
	followers := func(r *run.Run) { r.Followers = []run.Person{{User: "U0CAROL"}, {User: "U0DAVE"}} }
	replies := []struct {
		name string
		run  run.Run
	}{
		{"to-followers", ended(gitlab.StatusSuccess, followers)},
		{"to-followers-alone", followed(ended(gitlab.StatusSuccess), quiet, followers)},
		{"deleted-by", edited(deleted(), did(act(run.Delete, "")))},
	}
	for _, c := range replies {
		for _, reply := range bot.Replies(ed(c.run)) {
			add("reply-"+c.name, reply.Message)
		}
	}
	none := func(r *run.Run) { r.Progress.Manual = nil }
	add("reply-waited", bot.Waited(edited(ed(running()), none), []run.Act{act(run.Play, ed(blocked("ship")).Progress.Manual[0].Name)}))
	add("reply-waited-one-of-3", bot.Waited(ed(blocked("us", "asia")), []run.Act{act(run.Play, ed(blocked("eu")).Progress.Manual[0].Name)}))
	add("reply-waited-in-gitlab", bot.Waited(edited(ed(running()), none), nil))
	add("reply-waited-for-two", bot.Waited(edited(ed(running()), none), []run.Act{act(run.Play, "eu"), act(run.Play, "us")}))

	const card = "https://example.slack.com/archives/C0BUILDS/p1772445602000100"
	add("card-is-here", bot.CardIsHere(ed(running()), card, false))
	add("card-is-here-quiet", bot.CardIsHere(ed(running()), card, true))
	add("card-is-here-ended", bot.CardIsHere(ed(ended(gitlab.StatusSuccess)), card, false))
	add("card-is-here-somewhere", bot.CardIsHere(ed(running()), "", false))
	add("card-is-away", bot.CardIsAway(ed(running()), false))
	add("card-is-away-quiet", bot.CardIsAway(ed(running()), true))
	add("card-is-away-ended", bot.CardIsAway(ed(ended(gitlab.StatusSuccess)), false))
	add("follow", bot.NowFollowed(ed(running())))
	add("follow-ended", bot.NowFollowed(ed(ended(gitlab.StatusFailed))))
	add("no-link", bot.NoLink())
	add("button-not-waiting", bot.ActionFailed(run.Play, bot.ErrNotWaiting))
	add("preview", bot.Preview(ed(followed(running())), readAt))
	add("preview-started-here", bot.Preview(ed(ended(gitlab.StatusFailed, failing(jobs("test", "unit")))), readAt))
	for name, err := range map[string]error{
		"nothing-shown": bot.ErrNothingShown, "no-pipeline": bot.ErrNoPipeline, "no-records": errAway,
		"forbidden": &gitlab.Error{Kind: gitlab.Forbidden}, "rate-limited": &gitlab.Error{Kind: gitlab.RateLimited},
		"away": &gitlab.Error{Kind: gitlab.NotSent}, "no-answer": &gitlab.Error{Kind: gitlab.Unclear},
		"unauthorized": &gitlab.Error{Kind: gitlab.Unauthorized},
	} {
		add("not-found-"+name, bot.NotFoundOut(err))
	}
	for name, err := range map[string]error{"many-cards": bot.ErrManyCards, "many-followers": run.ErrManyFollowers, "deleted": &gitlab.Error{Kind: gitlab.NotFound}} {
		add("not-shown-"+name, bot.NotShown(err))
	}
	return list
}
