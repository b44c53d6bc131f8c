package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"pipebot/cmd/internal/app"
)

// version is what the bot calls itself.
const version = "sandbox"

// bot runs pipebot in this process, and stops and starts it.
type bot struct {
	environ []string
	stderr  io.Writer
	bell    *bell

	up    atomic.Bool
	wants chan wish
}

// wish is for the bot to run or not; done is closed when that is so.
type wish struct {
	run  bool
	done chan struct{}
}

func newBot(environ []string, stderr io.Writer, b *bell) *bot {
	return &bot{environ: environ, stderr: stderr, bell: b, wants: make(chan wish)}
}

func (b *bot) running() bool { return b.up.Load() }

// want starts or stops the bot and returns when it is done, or with ctx's error.
func (b *bot) want(ctx context.Context, run bool) error {
	w := wish{run: run, done: make(chan struct{})}
	select {
	case b.wants <- w:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep runs the bot until ctx ends, as it is wanted.
func (b *bot) keep(ctx context.Context) error {
	run := b.start(ctx)
	for {
		select {
		case code := <-run.ended:
			b.told(ctx, code)
			run = process{}
		case w := <-b.wants:
			switch {
			case w.run && run.ended == nil:
				run = b.start(ctx)
			case !w.run && run.ended != nil:
				run.stop()
				<-run.ended
				b.set(false)
				run = process{}
			}
			close(w.done)
		case <-ctx.Done():
			if run.ended != nil {
				<-run.ended
			}
			return nil
		}
	}
}

// process is the bot while it runs; the zero process is none.
type process struct {
	stop  context.CancelFunc
	ended chan int // gets the exit code
}

func (b *bot) start(ctx context.Context) process {
	ctx, stop := context.WithCancel(ctx)
	p := process{stop: stop, ended: make(chan int, 1)}
	b.set(true)
	go func() { // owned by keep, which waits for its end
		defer stop()
		p.ended <- app.Main(ctx, version, nil, b.environ, io.Discard, b.stderr)
	}()
	return p
}

// told says that the bot has ended though nobody asked it to.
func (b *bot) told(ctx context.Context, code int) {
	if ctx.Err() == nil {
		fmt.Fprintf(b.stderr, "sandbox: the bot has stopped by itself, exit code %d; what it said is above\n", code)
	}
	b.set(false)
}

func (b *bot) set(up bool) {
	b.up.Store(up)
	b.bell.ring()
}
