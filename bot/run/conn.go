package run

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"time"

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
	embedded  *embedded // nil: outside
	log       *zap.Logger
	retention time.Duration
	replicas  int
	refused   atomic.Pointer[error] // why the last write that was tried failed
}

// Open is Connect, and then a look at what is there. It fails with ErrUnreadable where another
// version wrote runs or links that this one cannot read; nothing has been made or changed by
// then.
func Open(ctx context.Context, cfg StoreConfig) (*Conn, error) {
	c, err := Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := c.readable(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Connect starts the embedded JetStream, or connects to the outside one, for which it waits
// until ctx ends. ErrDirInUse says that another process has the folder.
func Connect(ctx context.Context, cfg StoreConfig) (*Conn, error) {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	c := &Conn{log: cfg.Log, retention: cfg.Retention, replicas: 1}
	var err error
	if cfg.URL == "" {
		err = c.embed(ctx, cfg.Dir)
	} else {
		c.replicas = 3
		err = c.persist(ctx, "connecting to NATS", func(context.Context) error { return c.connect(cfg.URL) })
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
	if err == nil {
		c.js, err = jetstream.New(c.nc)
	}
	return err
}

// quiet keeps nats.go from printing to stderr. What matters of it comes back from
// the calls, and Ready tells of the connection.
func quiet(o *nats.Options) error {
	return nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})(o)
}

// Close ends the connection and the embedded server.
func (c *Conn) Close() {
	if c.embedded != nil {
		c.embedded.rest()
	}
	if c.nc != nil {
		c.nc.Close()
	}
	if c.embedded != nil {
		c.embedded.close()
	}
}
