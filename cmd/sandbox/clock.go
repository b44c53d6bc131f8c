package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of the simulated servers. It is set back while their past is made up.
type clock struct{ back atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(-time.Duration(c.back.Load())) }

// rewind makes it now what it was so long ago.
func (c *clock) rewind(d time.Duration) { c.back.Store(int64(d)) }

// advance lets so much time pass.
func (c *clock) advance(d time.Duration) { c.back.Store(max(0, c.back.Load()-int64(d))) }
