package run_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// natsServer is an outside NATS on a port; 0 is one that is free, and stays so while the
// server is away.
func natsServer(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = ownPort(t)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS is not ready")
	}
	return s
}

// ports counts those that were given away.
var ports atomic.Int32

// ownPort is a free port that no other test gets: those that leave the choice to the machine
// get one from 32768 on.
// https://docs.kernel.org/networking/ip-sysctl.html
func ownPort(t *testing.T) int {
	t.Helper()
	const each = 64 // of the ports from 10240 on, for each process that runs tests
	for range each {
		port := 10240 + os.Getpid()*each%20000 + int(ports.Add(1))%each
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// An outside NATS goes away and comes back: meanwhile nothing is taken, and
// afterwards all goes on, what is new too.
func TestOutsideNATSComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nats := natsServer(t, dir, 0)
	t.Cleanup(func() { nats.Shutdown(); nats.WaitForShutdown() })
	port := nats.Addr().String()
	w := newWorld(t)
	w.cfg = run.StoreConfig{URL: "nats://" + port, Retention: time.Hour}
	w.start()
	w.submit("before")
	w.showsState("before", run.Started)
	if err := w.engine.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}

	nats.Shutdown()
	nats.WaitForShutdown()
	// What was sent before the loss was noticed waits for its answer: a deadline helps.
	short, cancel := context.WithTimeout(w.ctx, time.Second)
	defer cancel()
	if _, created, err := w.engine.Submit(short, request("meanwhile"), nil); err == nil || created {
		t.Errorf("submitted while there is no store: created %t, %v", created, err)
	}
	if err := w.engine.Ready(); err == nil {
		t.Error("ready without a store")
	}
	w.gitlab.moves(1, gitlab.StatusSuccess)

	var number int
	if _, err := fmt.Sscanf(port, "127.0.0.1:%d", &number); err != nil {
		t.Fatal(err)
	}
	nats = natsServer(t, dir, number)
	w.showsState("before", run.Ended)
	if err := w.engine.Ready(); err != nil {
		t.Errorf("not ready again: %v", err)
	}
	w.submit("after")
	w.showsState("after", run.Started)
	if !strings.Contains(w.log.String(), "the connection to the store was lost meanwhile") {
		t.Error("the watch did not begin anew")
	}
	if _, err := w.engine.Find(w.ctx, "meanwhile"); err == nil {
		t.Error("what was not taken was written later")
	}
}

// What another replica writes while a bot's connection is away is not overlooked when it is
// back: nobody acts on a pipeline, or claims one, before its records have been read anew.
func TestActAfterTheConnectionWasAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := natsServer(t, dir, 0)
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	w := newWorld(t)
	w.cfg = run.StoreConfig{URL: "nats://" + server.Addr().String(), Retention: time.Hour}
	w.prepare()
	// The watch hangs while the connection goes and comes, so it does not learn of that.
	hangs, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.engine.OnTold(func() { once.Do(func() { close(hangs); <-goOn }) })
	w.stop = w.work(w.engine)
	if err := w.engine.Knows(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.submit("V1")
	receive(t, "the hanging watch", hangs)
	away, back := w.conn.Statuses(nats.RECONNECTING), w.conn.Statuses(nats.CONNECTED)
	server = restart(t, server, dir, func() { receive(t, "the loss of the connection", away) })
	receive(t, "the connection", back)
	other, err := run.OpenStore(w.ctx, open(t, w.cfg))
	if err != nil {
		t.Fatal(err)
	}
	theirs := ended(func(r *run.Run) { r.Request.ID = "V2" })
	if _, err := other.Create(w.ctx, theirs); err != nil {
		t.Fatal(err)
	}

	retry := func(ctx context.Context) error {
		return w.engine.Act(ctx, theirs.Project, theirs.Pipeline.ID, by("U2", run.Retry), 0)
	}
	gone, cancel := context.WithCancel(w.ctx)
	cancel()
	if err := retry(gone); !errors.Is(err, context.Canceled) || w.gitlab.called("retry") != 0 {
		t.Errorf("before it was read anew: %v, and GitLab was asked %d times", err, w.gitlab.called("retry"))
	}
	intended := 0
	w.gitlab.on(func(ctx context.Context, op string) error {
		if op != "retry" {
			return nil
		}
		r, err := other.Get(ctx, "V2")
		intended = len(r.Doing)
		return errors.Join(err, gitlabError(gitlab.Forbidden))
	}, nil)
	close(goOn)
	if err := retry(w.ctx); gitlab.KindOf(err) != gitlab.Forbidden || intended != 1 {
		t.Errorf("%v, and the record had %d intents when GitLab was asked", err, intended)
	}
}

// restart stops an outside NATS, does something without it, and starts it again where
// it was.
func restart(t *testing.T, s *server.Server, dir string, meanwhile func()) *server.Server {
	t.Helper()
	var port int
	if _, err := fmt.Sscanf(s.Addr().String(), "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	meanwhile()
	return natsServer(t, dir, port)
}

// A wrong password does not pass by itself: the bot ends and says so.
func TestWrongPasswordIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Username: "pipebot", Password: "right",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS is not ready")
	}
	ctx := testContext(t)
	_, err = run.Open(ctx, run.StoreConfig{URL: "nats://pipebot:s3cret@" + s.Addr().String(), Retention: time.Hour})
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "Authorization Violation") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}
