package run

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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
}

// Open starts the embedded JetStream, or connects to the outside one. ErrDirInUse
// says that another process has the folder.
func Open(ctx context.Context, cfg StoreConfig) (*Conn, error) {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	c := &Conn{log: cfg.Log, retention: cfg.Retention, replicas: 1}
	var err error
	if cfg.URL == "" {
		err = c.embed(ctx, cfg.Dir)
	} else {
		c.replicas = 3
		err = c.connect(cfg.URL)
	}
	if err == nil {
		c.js, err = jetstream.New(c.nc)
	}
	if err == nil {
		_, err = c.js.AccountInfo(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) connect(natsURL string) error {
	var err error
	c.nc, err = nats.Connect(natsURL, nats.Name("pipebot"), quiet,
		nats.MaxReconnects(-1),
		// A write that failed for want of a connection must not be done later.
		nats.ReconnectBufSize(-1))
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err // the rest is the URL, which can hold a password
	}
	if err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	return nil
}

// quiet keeps nats.go from printing to stderr. What matters of it comes back from
// the calls, and Ready tells of the connection.
func quiet(o *nats.Options) error {
	return nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})(o)
}

// Ready reports why the store cannot be used just now, or nil.
func (c *Conn) Ready() error {
	if c.embedded != nil {
		if err := c.embedded.failed(); err != nil {
			return err
		}
	}
	if !c.nc.IsConnected() {
		return errors.New("no connection to NATS")
	}
	return nil
}

// Close ends the connection and the embedded server.
func (c *Conn) Close() {
	if c.embedded != nil {
		c.embedded.rest(c.js)
	}
	if c.nc != nil {
		c.nc.Close()
	}
	if c.embedded != nil {
		c.embedded.close()
	}
}

// withReplicas makes a stream or bucket with as many replicas as an outside
// cluster has for us, or one where it is no cluster.
func withReplicas[T any](c *Conn, create func(replicas int) (T, error)) (T, error) {
	got, err := create(c.replicas)
	api, ok := errors.AsType[*jetstream.APIError](err)
	if c.replicas > 1 && ok && (api.ErrorCode == errCodeNotClustered || api.ErrorCode == errCodeNoPeers) {
		return create(1)
	}
	return got, err
}

// JetStream's codes for more replicas than servers, which nats.go does not name.
const (
	errCodeNotClustered jetstream.ErrorCode = 10074
	errCodeNoPeers      jetstream.ErrorCode = 10005
)
