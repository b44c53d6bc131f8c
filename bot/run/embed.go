package run

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// startTimeout is how long JetStream may take to be ready: it reads its folder.
	startTimeout = 30 * time.Second
	// mostStored keeps the server from a limit of its own, which it would take from the
	// room that the disk has at the start, and keep when there is more.
	mostStored = 1 << 50
	// reconnectEvery is the time between two tries to find the server when it was opened anew.
	reconnectEvery = 50 * time.Millisecond
)

// embedded is the JetStream server in this process, and its data folder.
type embedded struct {
	dir  string
	log  *zap.Logger
	lock *dirLock

	ending  context.CancelFunc
	working sync.WaitGroup

	noted mark // in the folder; keep's, and rest's after it

	fault   atomic.Pointer[error] // why nothing can be written
	faulted chan struct{}         // there is one

	mu     sync.Mutex
	server *server.Server
}

// embed opens the folder and the server, and connects to it.
func (c *Conn) embed(ctx context.Context, dir string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	e := &embedded{dir: dir, log: c.log, lock: lock, ending: func() {}, faulted: make(chan struct{}, 1)}
	c.embedded = e
	if err := e.open(); err != nil {
		return err
	}
	c.nc, err = nats.Connect("", nats.InProcessServer(e), quiet, nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.ReconnectWait(reconnectEvery), nats.ReconnectJitter(0, 0))
	if err == nil {
		c.js, err = jetstream.New(c.nc)
	}
	if err != nil {
		return fmt.Errorf("connecting to the store in %s: %w", dir, err)
	}
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.ending = cancel
	e.working.Go(func() { e.keep(keeping, c.js) })
	return nil
}

// open checks the folder and starts the server on it.
func (e *embedded) open() error {
	found, err := checkFolder(e.dir)
	if err != nil {
		return err
	}
	if err := e.note(found); err != nil {
		return unwritable(e.dir, err)
	}
	if err := e.putAside(); err != nil {
		return err
	}
	if err := e.start(); err != nil {
		e.shutdown()
		return err
	}
	return nil
}

func (e *embedded) start() error {
	s, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: e.dir, NoSigs: true, JetStreamMaxStore: mostStored,
		// Without it data reaches the disk only every two minutes.
		SyncAlways: true,
	})
	if err != nil {
		return fmt.Errorf("setting up the store in %s: %w", e.dir, err)
	}
	e.mu.Lock()
	e.server = s
	e.mu.Unlock()
	log := &serverLog{log: e.log, unwritten: func(err error) { e.fail(unwritable(e.dir, err)) }}
	s.SetLogger(log, false, false)
	s.Start()
	if fault := log.fatal.Load(); fault != nil {
		return fmt.Errorf("opening the store in %s: %s", e.dir, *fault)
	}
	if !s.ReadyForConnections(startTimeout) {
		return fmt.Errorf("the store in %s was not ready within %s", e.dir, startTimeout)
	}
	return nil
}

// InProcessConn connects to the server of the moment.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return nil, errors.New("the store is not open")
	}
	return e.server.InProcessConn()
}

// shutdown stops the server, if one runs.
func (e *embedded) shutdown() (ran bool) {
	e.mu.Lock()
	s := e.server
	e.server = nil
	e.mu.Unlock()
	if s == nil {
		return false
	}
	s.Shutdown()
	s.WaitForShutdown()
	return true
}

// rest ends what the connection is needed for.
func (e *embedded) rest() {
	e.ending()
	e.working.Wait()
}

// close stops the server and notes how it left the folder.
func (e *embedded) close() {
	if e.shutdown() {
		left := e.noted
		var err error
		if left.Files, err = listFiles(e.dir); err == nil {
			err = e.note(left)
		}
		if err != nil {
			e.log.Warn("the next start looks at the data folder as after a crash", zap.Error(err))
		}
	}
	e.lock.release()
}

// serverLog passes the embedded server's complaints on, and keeps what it tells nobody
// but its log.
type serverLog struct {
	log       *zap.Logger
	unwritten func(error)            // is told why nothing can be written any more
	fatal     atomic.Pointer[string] // why it did not start
}

// Fatalf keeps the first reason; the server goes on and is not ready.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &text)
}

// Errorf passes a failure on.
func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error(fmt.Sprintf(format, v...))
	// After this the server writes nothing more to the stream (filestore.go, setWriteErr).
	if !strings.Contains(format, "Critical write error") {
		return
	}
	for _, v := range v {
		if err, ok := v.(error); ok {
			l.unwritten(err)
			return
		}
	}
}

// Warnf passes a warning on.
func (l *serverLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Noticef says nothing: what works is no news.
func (*serverLog) Noticef(string, ...any) {}

// Debugf says nothing.
func (*serverLog) Debugf(string, ...any) {}

// Tracef says nothing.
func (*serverLog) Tracef(string, ...any) {}
