// Command sandbox is pipebot in a browser, with nothing to set up: a simulated Slack, a simulated GitLab, the real bot
// between them, and a page that looks and behaves like Slack with GitLab beside it.
//
//	go run ./cmd/sandbox
//
// The page is for trying pipebot out and for working on it: acting as several people, running pipelines, and pulling
// levers that make things go wrong. Everything is on loopback, and gone when the command ends.
//
// The tour:
//
//   - options.go, run.go, settings.go: what was asked for, and the parts that run until it is enough.
//   - world.go: all there is, put together.
//   - manifest.go, workspace.go: the Slack workspace, with the app of a manifest installed.
//   - repo.go, refs.go, project.go, ci.go, history.go: GitLab's projects, the first made after a Git repository.
//   - bot.go: cmd/internal/app, started and stopped.
//   - levers*.go: what goes wrong on demand.
//   - server.go, guard.go: the page's side. It gets a flat map of what its person may see, then what changes in it
//     (events.go, state.go, slackstate.go, gitlabstate.go), and posts what that person does (*actions.go).
//   - page/: the page.
//
// What it is not: a test, though it stands on the servers that the tests use, and a service: it listens on loopback
// alone.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
