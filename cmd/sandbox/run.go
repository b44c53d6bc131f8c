package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Exit codes.
const (
	codeStopped = 0 // stopped as asked
	codeFailed  = 1
	codeUsage   = 2
)

// wrong is an error of whoever started the command: a flag, a file or a setting.
type wrong struct{ error }

// run is the command: it serves the page until ctx ends, and returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	stderr = &lockedWriter{w: stderr}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return codeStopped
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v; --help lists the flags\n", err)
		return codeUsage
	}
	err = sandbox(ctx, o, environ, stdout, stderr)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return codeStopped
	}
	fmt.Fprintf(stderr, "sandbox: %v\n", err)
	if _, ok := errors.AsType[wrong](err); ok {
		return codeUsage
	}
	return codeFailed
}

// sandbox makes the world, shows it, and ends it when ctx does.
func sandbox(ctx context.Context, o options, environ []string, stdout, stderr io.Writer) (err error) {
	dataDir, err := os.MkdirTemp("", "pipebot-sandbox-")
	if err != nil {
		return fmt.Errorf("making a folder for the bot: %w", err)
	}
	defer func() {
		if gone := os.RemoveAll(dataDir); err == nil && gone != nil {
			err = fmt.Errorf("removing the bot's folder: %w", gone)
		}
	}()
	w, err := newWorld(ctx, o, environ, dataDir, stderr)
	if err != nil {
		return err
	}
	defer w.close()
	listener, err := listen(ctx, o)
	if err != nil {
		return err
	}
	token := rand.Text()
	address := fmt.Sprintf("http://%s/%s/", listener.Addr(), token)
	fmt.Fprintf(stdout, "%s\n%s\nCtrl+C ends it.\n", address, w.about)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, listener, w.routes(token)) })
	group.Go(func() error { return w.levers.keep(ctx, w.watch()) })
	if w.bot != nil {
		group.Go(func() error { return w.bot.keep(ctx) })
	}
	if !o.noOpen {
		group.Go(func() error { openBrowser(ctx, address, environ); return nil })
	}
	return group.Wait()
}

// lockedWriter lets the parts write one after the other.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
