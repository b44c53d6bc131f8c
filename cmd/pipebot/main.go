// Command pipebot starts GitLab pipelines from Slack and follows them there.
// It is set up by environment variables; README.md lists them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"pipebot/cmd/internal/app"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return app.Main(ctx, version, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
}
