package run

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
	if refused := c.refused.Load(); refused != nil {
		return fmt.Errorf("NATS takes no writes: %w", *refused)
	}
	return nil
}

const (
	// checkEvery is how often it is tried whether an outside NATS takes writes: a cluster
	// without a quorum keeps its connections.
	checkEvery = 2 * time.Second
	// aliveKey is what is written then. Every replica writes the same.
	aliveKey = "alive"
)

// keepChecking sees until ctx ends whether an outside NATS takes writes. What is embedded
// is not asked: each write would go to the disk.
func (s *store) keepChecking(ctx context.Context) {
	if s.conn.embedded != nil {
		return
	}
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.check(ctx)
		}
	}
}

func (s *store) check(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	nc := s.conn.nc
	reconnects := nc.Stats().Reconnects
	_, err := s.kv.Put(ctx, aliveKey, nil)
	if err == nil || !nc.IsConnected() || nc.Stats().Reconnects != reconnects {
		s.conn.refused.Store(nil) // it takes them, or the connection was lost, which is seen by itself
		return
	}
	s.conn.refused.Store(&err)
}
