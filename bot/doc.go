// Package bot is what people see and do in Slack: the commands and the form, the card
// of a run with its buttons, the replies in its thread, lists, the app's Home, and the
// private answers.
//
// A request comes in through [Bot.Handle] in routes.go, which lists all that people can
// do with what the policy is asked on the way, and sends it to the one file that knows
// it:
//
//	/pipeline                   open.go         opens the form
//	typing into it, choosing    suggest.go, choose.go
//	submitting it               submit.go       checks, writes the run down
//	/pipeline run ...           runtyped.go     does the same with what was typed
//	any other word              commands.go     lists the words; each has its file
//	a card's buttons            acting.go       act on its pipeline
//	cancel, delete              confirm.go      asks first
//	status, Follow              follow.go       shows the card of any pipeline
//	Run again                   rerun.go        opens the form with what it was
//	lists and the Home          list.go, home.go
//	trigger tokens              tokens.go
//	shortcuts, posted links     shortcuts.go, unfurl.go
//	Approve, Refuse             approve.go      decide about a held request
//	This one, None, Look again  unclear.go      say what came of an unclear start
//
// What somebody types behind a word is read by bot/args; which pipeline they mean is
// found by target.go and find.go.
//
// [Gate] asks the policy: it learns who somebody is (people.go) and what GitLab lets
// them, has bot/policy decide and writes the decision down. see.go marks in the form
// what may not be run.
//
// What is shown is drawn by pure functions (form.go, card.go, thread.go, row.go and
// others: values in, blocks out); [Display] in show.go brings what stands in Slack in
// line with a run, as fast as bot/budget lets it, and [Homes] the Homes that are open.
// A start of which nobody knows what came of it is asked about on the card (unclear.go),
// and a reply that offers to start jobs is drawn anew for as long as its buttons can be
// used (waits.go). What comes from another version of the bot is answered by outdated.go,
// and clock.go says how times in records are read when a clock went back.
// Errors become text for people in words.go, and those of lists and trigger tokens beside
// these.
package bot
