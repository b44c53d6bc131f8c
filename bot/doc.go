// Package bot is what people see and do in Slack: the command and its modal, the
// card of a run with its buttons, the replies in its thread, and the private
// answers.
//
// A request comes in through [Bot.Handle], which sends it to the one file that
// knows it:
//
//	/pipeline                 command.go     opens the modal
//	typing in the ref field   suggest.go     lists branches and tags
//	choosing a project        choose.go      makes the modal anew
//	submitting                submit.go      checks, writes the run down
//	Cancel, Retry             buttons.go     act on the pipeline
//	Approve, Refuse           approve.go     decide about a held request
//	/pipeline freeze ...      commands.go    lists the words and their files
//
// routes.go lists all of it with what the policy is asked on the way. [Gate] asks: it
// learns who somebody is (people.go) and what GitLab lets them, has bot/policy decide
// and writes the decision down. see.go marks in the form what may not be run.
//
// What is shown is drawn by pure functions (form.go, card.go, thread.go,
// words.go: values in, blocks out); [Display] in show.go brings what stands in
// Slack in line with a run. Every error becomes text for people in words.go.
package bot
