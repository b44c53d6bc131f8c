package main

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// What the tests use of this package.
var (
	Run           = run
	Listen        = listen
	Browser       = browser
	ContentType   = contentType
	Difference    = difference
	GenerateRefs  = generateRefs
	NewTokens     = newTokens
	NewWorkspace  = newWorkspace
	ParseRefs     = parseRefs
	ProjectPath   = projectPath
	ReadManifest  = readManifest
	Refused       = refused
	PipelineCI    = pipelineCI
	SlowCI        = slow
	SeedWorkspace = seedWorkspace
)

type (
	Change   = change
	Clock    = clock
	Manifest = manifest
	Options  = options
	State    = state
	World    = world
)

// Refs are the names of what was read of a repository.
func (r repository) Refs() (branches, tags []string, defaultBranch string) {
	for _, b := range r.branches {
		branches = append(branches, b.name+" "+b.at.UTC().Format(time.DateOnly))
	}
	for _, t := range r.tags {
		tags = append(tags, t.name+" "+t.at.UTC().Format(time.DateOnly))
	}
	return branches, tags, r.defaultBranch
}

// At are the options for a page at this address.
func At(addr string, given bool) Options { return options{addr: addr, addrGiven: given} }

// StartWorld is a sandbox without its page. stop ends it and returns what went wrong.
func StartWorld(
	ctx context.Context, args []string, dataDir string, stderr io.Writer,
) (w *World, stop func() error, err error) {
	o, err := parse(args)
	if err != nil {
		return nil, nil, err
	}
	w, err = newWorld(ctx, o, nil, dataDir, stderr)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.levers.keep(ctx, w.watch()) })
	group.Go(func() error { return w.bot.keep(ctx) })
	return w, func() error {
		cancel()
		err := group.Wait()
		w.close()
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}, nil
}

func (w *world) Slack() *slacktest.Server   { return w.slack }
func (w *world) GitLab() *gitlabtest.Server { return w.gitlab }

// Pull turns a lever.
func (w *world) Pull(ctx context.Context, id string, on bool) error {
	return w.levers.pull(ctx, id, on)
}

// Levers are the ids of those that there are.
func (w *world) Levers() []string {
	var ids []string
	for _, v := range w.levers.all {
		ids = append(ids, v.id)
	}
	return ids
}

// IsOn tells if a lever is on, and until when if it ends by itself.
func (w *world) IsOn(id string) (on bool, until time.Time) {
	p := w.levers.get(id)
	for _, v := range w.levers.all {
		if v.id == id && v.isOn != nil {
			p.on = v.isOn()
		}
	}
	return p.on, p.until
}

// Wait returns when ok, which is asked after each change of the world.
func (w *world) Wait(ctx context.Context, ok func() bool) error {
	c := w.watch()
	defer c.stop()
	for !ok() {
		c.wait(ctx, time.Hour)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// Now is the clock's time.
func (c *clock) Now() time.Time { return c.now() }

// TimedLever is the only lever of a sandbox in which nothing else happens.
func TimedLever(
	span time.Duration, turned func(on bool),
) (pull func(context.Context, bool) error, keep func(context.Context) error) {
	turn := func(_ context.Context, on bool) error { turned(on); return nil }
	l := newLevers(&bell{}, &lever{id: "x", kind: isPush, span: span, turn: turn})
	own, stop := l.bell.listen()
	pull = func(ctx context.Context, on bool) error { return l.pull(ctx, "x", on) }
	keep = func(ctx context.Context) error { return l.keep(ctx, changes{own: own, stop: stop}) }
	return pull, keep
}
