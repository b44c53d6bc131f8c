package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// patience is how long a test waits for a signal before it says that it never came.
const patience = time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open opens an embedded store, until the test ends.
func open(t testing.TB, cfg run.StoreConfig) *run.Conn {
	t.Helper()
	if cfg.Retention == 0 {
		cfg.Retention = time.Hour
	}
	conn, err := run.Open(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func openStore(t testing.TB) *run.Store {
	t.Helper()
	s, err := run.OpenStore(testContext(t), open(t, run.StoreConfig{Dir: t.TempDir()}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCreateTwice(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	first := requested()
	if _, err := s.Create(ctx, first); err != nil {
		t.Fatal(err)
	}
	second := requested(func(r *run.Run) { r.Request.Project = "group/api" })
	if _, err := s.Create(ctx, second); !errors.Is(err, run.ErrExists) {
		t.Errorf("creating it again: %v", err)
	}
	got, err := s.Get(ctx, "V1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, got); diff != "" {
		t.Errorf("(-first +kept):\n%s", diff)
	}
}

func TestIDForm(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	for _, id := range []string{"", "a.b", "*", ">", "a b", "ä", "a/b", strings.Repeat("x", 65)} {
		_, err := s.Create(ctx, requested(func(r *run.Run) { r.Request.ID = id }))
		if err == nil || errors.Is(err, run.ErrExists) {
			t.Errorf("creating %q: %v", id, err)
		}
		if _, err := s.Get(ctx, id); !errors.Is(err, run.ErrNotFound) {
			t.Errorf("reading %q: %v", id, err)
		}
	}
	if _, err := s.Create(ctx, requested(func(r *run.Run) { r.Request.ID = strings.Repeat("V", 62) + "_-" })); err != nil {
		t.Error(err)
	}
}

// A hundred write at once, and nobody's change is lost.
func TestUpdateIsCompareAndSet(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	if _, err := s.Create(ctx, requested()); err != nil {
		t.Fatal(err)
	}
	const writers = 100
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			if _, err := s.Update(ctx, "V1", func(r run.Run) run.Run { r.Lives++; return r }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := s.Get(ctx, "V1")
	if err != nil {
		t.Fatal(err)
	}
	if got.Lives != writers || got.Version != 1+writers {
		t.Errorf("%d changes and version %d, want %d and %d", got.Lives, got.Version, writers, 1+writers)
	}
}

func TestUpdateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ctx, cancel := context.WithCancel(testContext(t))
	if _, err := s.Create(ctx, requested()); err != nil {
		t.Fatal(err)
	}
	// Somebody else is always quicker.
	_, err := s.Update(ctx, "V1", func(r run.Run) run.Run {
		if _, err := s.Update(ctx, "V1", func(r run.Run) run.Run { r.Tries++; return r }); err == nil && r.Tries == 3 {
			cancel()
		}
		r.Lives++
		return r
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReplaceOnlyWhatWasRead(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	read, err := s.Create(ctx, requested())
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Replace(ctx, read, run.Posting(read, gitlab.Project{ID: 7}, time.Now(), time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replace(ctx, read, run.Posting(read, gitlab.Project{ID: 8}, time.Now(), time.Now())); !errors.Is(err, run.ErrMoved) {
		t.Errorf("replacing what has changed: %v", err)
	}
	// What a write returns is what is read from then on, to the last digit of its times.
	if _, err := s.Replace(ctx, first, run.Doubted(first)); err != nil {
		t.Errorf("replacing what was just written: %v", err)
	}
}

func TestNoChangeWritesNothing(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	if _, err := s.Create(ctx, following()); err != nil {
		t.Fatal(err)
	}
	before, err := s.Revision(ctx, "V1")
	if err != nil {
		t.Fatal(err)
	}
	seen := gitlab.Observation{Pipeline: following().Pipeline}
	if _, err := s.Update(ctx, "V1", func(r run.Run) run.Run { return run.Observed(r, seen, true, noon) }); err != nil {
		t.Fatal(err)
	}
	after, err := s.Revision(ctx, "V1")
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("revision %d became %d", before, after)
	}
}

// Version moves with what people see, and with nothing else.
func TestVersion(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	now, deadline := time.Now(), time.Now().Add(time.Second)
	project := gitlab.Project{ID: 7, Path: "group/app"}
	created := gitlab.Pipeline{ID: 42, Status: gitlab.StatusCreated, UpdatedAt: noon}
	steps := []struct {
		name    string
		change  func(run.Run) run.Run
		visible bool
	}{
		{"handed to GitLab", func(r run.Run) run.Run { return run.Posting(r, project, now, deadline) }, false},
		{"not sent", func(r run.Run) run.Run { return run.Posted(r, gitlab.Pipeline{}, gitlabError(gitlab.NotSent), now) }, true},
		{"handed over again", func(r run.Run) run.Run { return run.Posting(r, project, now, deadline) }, false},
		{"not sent again", func(r run.Run) run.Run { return run.Posted(r, gitlab.Pipeline{}, gitlabError(gitlab.NotSent), now) }, false},
		{"and again", func(r run.Run) run.Run { return run.Posting(r, project, now, deadline) }, false},
		{"unclear", run.Doubted, true},
		{"looked for in vain", func(r run.Run) run.Run {
			return run.Looked(r, gitlab.Search{}, gitlabError(gitlab.Unclear), now)
		}, false},
		{"not there", func(r run.Run) run.Run { return run.Looked(r, gitlab.Search{}, nil, now) }, true},
		{"handed over once more", func(r run.Run) run.Run { return run.Posting(r, project, now, deadline) }, false},
		{"started", func(r run.Run) run.Run { return run.Posted(r, created, nil, now) }, true},
		{"shown", func(r run.Run) run.Run { r.Shown = run.Shown{Version: r.Version, Card: "1"}; return r }, false},
		{"touched", func(r run.Run) run.Run { r.Pipeline.UpdatedAt = noon.Add(time.Second); return r }, false},
		{"moved", func(r run.Run) run.Run {
			return run.Observed(r, observation(gitlab.StatusRunning, noon.Add(2*time.Second)), false, noon)
		}, true},
		{"followed by one more", func(r run.Run) run.Run { return run.FollowedBy(r, run.Person{User: "U2"}) }, false},
		{"retried", func(r run.Run) run.Run {
			return run.Acted(r, gitlab.Observation{Pipeline: r.Pipeline}, by("U2", run.Retry))
		}, true},
		{"gone", run.Gone, true},
	}
	before, err := s.Create(ctx, requested())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		after, err := s.Update(ctx, "V1", step.change)
		if err != nil {
			t.Fatal(err)
		}
		if moved := after.Version != before.Version; moved != step.visible {
			t.Errorf("%s: version %d became %d", step.name, before.Version, after.Version)
		}
		before = after
	}
}

// Records at rest expire, through a restart too. One that a retry brought back does
// not, however long ago it was to expire.
func TestExpiry(t *testing.T) {
	t.Parallel()
	ctx, cfg := testContext(t), run.StoreConfig{Dir: t.TempDir(), Retention: 3 * time.Second}
	conn, err := run.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := run.OpenStore(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	end := func(id string) {
		t.Helper()
		if _, err := s.Create(ctx, following(func(r *run.Run) { r.Request.ID = id })); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(ctx, id, run.Gone); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(ctx, id, func(r run.Run) run.Run { r.Shown.Version = r.Version; return r }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create(ctx, following(func(r *run.Run) { r.Request.ID = "followed" })); err != nil {
		t.Fatal(err)
	}
	end("revived")
	revive := func(r run.Run) run.Run { r.State = run.Started; return r }
	if _, err := s.Update(ctx, "revived", revive); err != nil {
		t.Fatal(err)
	}
	end("first")
	conn.Close()

	s, err = run.OpenStore(ctx, open(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	expired, err := s.Expired(ctx)
	if err != nil {
		t.Fatal(err)
	}
	end("second") // at rest after all others, so it goes last
	for _, want := range []string{"first", "second"} {
		if got := <-expired; got != want {
			t.Fatalf("%q expired, want %q", got, want)
		}
		if _, err := s.Get(ctx, want); !errors.Is(err, run.ErrNotFound) {
			t.Errorf("reading %s: %v", want, err)
		}
	}
	for _, id := range []string{"followed", "revived"} {
		if _, err := s.Get(ctx, id); err != nil {
			t.Errorf("reading %s: %v", id, err)
		}
	}
	// An ID that has expired is as good as new.
	if _, err := s.Create(ctx, requested(func(r *run.Run) { r.Request.ID = "first" })); err != nil {
		t.Errorf("creating it anew: %v", err)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conn := open(t, run.StoreConfig{Dir: dir})
	if _, err := run.Open(testContext(t), run.StoreConfig{Dir: dir, Retention: time.Hour}); !errors.Is(err, run.ErrDirInUse) {
		t.Errorf("opening the folder twice: %v", err)
	}
	if err := conn.Ready(); err != nil {
		t.Errorf("the first one was disturbed: %v", err)
	}
}

func TestReopenKeepsRecords(t *testing.T) {
	t.Parallel()
	ctx, cfg := testContext(t), run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour}
	for i := range 3 {
		conn, err := run.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := run.OpenStore(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(ctx, requested(func(r *run.Run) { r.Request.ID = fmt.Sprint("V", i) })); err != nil {
			t.Fatal(err)
		}
		for earlier := range i {
			if _, err := s.Get(ctx, fmt.Sprint("V", earlier)); err != nil {
				t.Errorf("after %d restarts: %v", i, err)
			}
		}
		conn.Close()
	}
}

func TestOtherFormatsAreRefused(t *testing.T) {
	t.Parallel()
	s, ctx := openStore(t), testContext(t)
	for id, data := range map[string]string{
		"newer": `{"format":2,"request":{"id":"newer","ref":"refs/heads/main"}}`,
		"none":  `{}`,
		"text":  `hello`,
		"cut":   `{"format":1,"request":{"id":"cu`,
	} {
		if err := s.PutRaw(ctx, id, data); err != nil {
			t.Fatal(err)
		}
		changed := false
		_, err := s.Update(ctx, id, func(r run.Run) run.Run { changed = true; return r })
		if err == nil || errors.Is(err, run.ErrNotFound) || changed {
			t.Errorf("%s: error %v, changed %t", id, err, changed)
		}
	}
}

func TestStoreThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := run.Open(testContext(t), run.StoreConfig{Dir: dir, Retention: time.Hour})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	open(t, run.StoreConfig{Dir: dir}) // the failure has let go of the folder
}

// NATS_URL can hold a password, and url.Parse puts what it cannot parse into its error.
func TestURLIsNoPartOfErrors(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"nats://bot:s3cret%zz@127.0.0.1:1", "nats://bot:s3cret@127.0.0.1:1", "nats://bot:s3cret@127.0.0.1:x"} {
		var log logged
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // it waits for a server
		_, err := run.Open(ctx, run.StoreConfig{URL: url, Retention: time.Hour, Log: log.logger()})
		cancel()
		if err == nil || strings.Contains(err.Error()+log.String(), "s3cret") {
			t.Errorf("got %v\n%s", err, log.String())
		}
	}
}

// TestIsWrongRevision: a lost race is told from a failure, whatever kind of stream it was on.
func TestIsWrongRevision(t *testing.T) {
	coded := func(code jetstream.ErrorCode) error {
		return fmt.Errorf("writing: %w", &jetstream.APIError{Code: 400, ErrorCode: code})
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":                      {nil, false},
		"the key is there":             {jetstream.ErrKeyExists, true},
		"the key has moved":            {jetstream.ErrKeyRevisionMismatch, true},
		"a stream with one copy":       {coded(10071), true},
		"a stream with several copies": {coded(10164), true},
		"too many tokens":              {coded(10077), false},
		"no answer":                    {context.DeadlineExceeded, false},
	} {
		if got := run.IsWrongRevision(tt.err); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// An outside NATS that elects a leader while the records are looked for or read ends no
// start; records that cannot be read do at once.
func TestReadableIsWaitedFor(t *testing.T) {
	t.Parallel()
	ctx, log, conn := testContext(t), &logged{}, open(t, run.StoreConfig{Dir: t.TempDir()})
	s, err := run.OpenStore(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	faltering := conn.Falters(log.logger(), jetstream.ErrNoStreamResponse, nil, jetstream.ErrNoStreamResponse)
	if err := faltering.Readable(ctx); err != nil {
		t.Errorf("it says %v", err)
	}
	for _, doing := range []string{"looking for the store of the runs", "reading the runs"} {
		if !strings.Contains(log.String(), `"doing":"`+doing+`"`) {
			t.Errorf("the log does not tell of %s:\n%s", doing, log)
		}
	}
	if err := s.PutRaw(ctx, "V1", "{"); err != nil {
		t.Fatal(err)
	}
	if err := faltering.Readable(ctx); !errors.Is(err, run.ErrUnreadable) {
		t.Errorf("it says %v", err)
	}
}
