package run

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// startTimeout is how long JetStream may take to be ready: it reads its folder.
const startTimeout = 30 * time.Second

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
