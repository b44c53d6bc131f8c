package run

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// StoreConfig says where records are kept.
type StoreConfig struct {
	// URL of an outside NATS with JetStream; empty: embedded in this process.
	URL string
	// Dir is where the embedded one keeps its files.
	Dir string
	// Retention is how long records at rest are kept.
	Retention time.Duration
	// Log is told what the embedded one complains of, such as a full disk, and of
	// watches that a loss of the connection ended.
	Log *zap.Logger
}

// Conn is a connection to JetStream, embedded or outside.
type Conn struct {
	nc        *nats.Conn
	js        jetstream.JetStream
	embedded  *server.Server
	lock      *dirLock
	log       *zap.Logger
	retention time.Duration
	replicas  int
	refused   atomic.Pointer[error] // why the last write that was tried failed
}

// startTimeout is how long JetStream may take to be ready: it reads its folder.
const startTimeout = 30 * time.Second

// Open starts the embedded JetStream, or connects to the outside one, for which it waits
// until ctx ends. ErrDirInUse says that another process has the folder.
func Open(ctx context.Context, cfg StoreConfig) (*Conn, error) {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	c := &Conn{log: cfg.Log, retention: cfg.Retention, replicas: 1}
	var err error
	if cfg.URL == "" {
		err = c.embed(cfg.Dir)
	} else {
		c.replicas = 3
		err = c.persist(ctx, "connecting to NATS", func(context.Context) error { return c.connect(cfg.URL) })
	}
	if err == nil {
		c.js, err = jetstream.New(c.nc)
	}
	if err == nil {
		err = c.persist(ctx, "asking NATS for JetStream", func(ctx context.Context) error {
			_, err := c.js.AccountInfo(ctx)
			return err
		})
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// A server that hangs keeps its connections. By default that is noticed after six minutes,
// here after six seconds; the next server is tried then.
const (
	pingEvery     = 2 * time.Second
	mostPings     = 2
	reconnectWait = 500 * time.Millisecond
)

func (c *Conn) connect(natsURL string) error {
	var err error
	c.nc, err = nats.Connect(natsURL, nats.Name("pipebot"), quiet,
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(mostPings),
		// A write that failed for want of a connection must not be done later.
		nats.ReconnectBufSize(-1))
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err // the rest is the URL, which can hold a password
	}
	return err
}

// quiet keeps nats.go from printing to stderr. What matters of it comes back from
// the calls, and Ready tells of the connection.
func quiet(o *nats.Options) error {
	return nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})(o)
}

func (c *Conn) embed(dir string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	c.lock = lock
	c.embedded, err = server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true,
		// Without it data reaches the disk only every two minutes.
		SyncAlways: true,
	})
	if err != nil {
		return fmt.Errorf("setting up the store in %s: %w", dir, err)
	}
	log := &serverLog{log: c.log}
	c.embedded.SetLogger(log, false, false)
	c.embedded.Start()
	if fault := log.fatal.Load(); fault != nil {
		return fmt.Errorf("opening the store in %s: %s", dir, *fault)
	}
	if !c.embedded.ReadyForConnections(startTimeout) {
		return fmt.Errorf("the store in %s was not ready within %s", dir, startTimeout)
	}
	c.nc, err = nats.Connect("", nats.InProcessServer(c.embedded), quiet)
	if err != nil {
		return fmt.Errorf("connecting to the store in %s: %w", dir, err)
	}
	return nil
}

// serverLog passes the embedded server's complaints on, and keeps the one thing
// that it tells nobody but its log: why it did not start.
type serverLog struct {
	log   *zap.Logger
	fatal atomic.Pointer[string]
}

// Fatalf keeps the first reason; the server goes on and is not ready.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &text)
}

// Errorf passes a failure on.
func (l *serverLog) Errorf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }

// Warnf passes a warning on.
func (l *serverLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Noticef says nothing: what works is no news.
func (*serverLog) Noticef(string, ...any) {}

// Debugf says nothing.
func (*serverLog) Debugf(string, ...any) {}

// Tracef says nothing.
func (*serverLog) Tracef(string, ...any) {}

// Close ends the connection and the embedded server.
func (c *Conn) Close() {
	if c.nc != nil {
		c.nc.Close()
	}
	if c.embedded != nil {
		c.embedded.Shutdown()
		c.embedded.WaitForShutdown()
	}
	if c.lock != nil {
		c.lock.release()
	}
}
