package run

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// watch tells a mirror of every change in a bucket, so that it need not be read
// again and again. An outside NATS can end it: then it begins anew.
type watch struct {
	conn *Conn
	kv   jetstream.KeyValue
	keys string // those that are watched, as in a subject
	what string // they are called in the log
	log  *zap.Logger

	// began: what was known is out of date, and all that there is follows.
	began func()
	// changed is called for everything there was at the start, and each change.
	changed func(context.Context, jetstream.KeyValueEntry)
	// complete, where it is set, follows what there was at the start.
	complete func()

	connection atomic.Uint64 // that it was begun on

	mu    sync.Mutex
	whole bool          // the mirror was told of all there was, and is of each change
	next  chan struct{} // closed when it is whole for the next time; nil: nobody waits
}

var (
	errWatchEnded  = errors.New("the watch was ended by the store")
	errReconnected = errors.New("the connection to the store was lost meanwhile")
)

// keep watches until ctx ends.
func (w *watch) keep(ctx context.Context) {
	for ctx.Err() == nil {
		if err := guarded(func() error { return w.once(ctx) }); err != nil && ctx.Err() == nil {
			w.log.Warn("watching "+w.what+" ended, beginning anew", zap.Error(err))
			pause(ctx)
		}
	}
}

func (w *watch) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The server's end of a watch may be gone with the connection, and the client
	// would take a quarter of a minute to miss its heartbeats.
	connected := w.conn.nc.StatusChanged(nats.CONNECTED)
	defer w.conn.nc.RemoveStatusListener(connected)
	w.connection.Store(w.conn.nc.Stats().Reconnects)
	watcher, err := w.kv.Watch(ctx, w.keys)
	if err != nil {
		return err
	}
	defer stopWatching(watcher)
	w.began()
	defer w.becomes(false)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-connected:
			return errReconnected
		case entry, ok := <-watcher.Updates():
			switch {
			case !ok:
				return errWatchEnded
			case entry == nil: // the end of what was there at the start
				if w.complete != nil {
					w.complete()
				}
				w.becomes(true)
			default:
				w.changed(ctx, entry)
			}
		}
	}
}

func (w *watch) becomes(whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = whole
	if whole && w.next != nil {
		close(w.next)
		w.next = nil
	}
}

// isWhole reports whether the mirror has all that there is; next is closed when it has
// again. once learns of a lost connection a moment after it stands again: in that moment
// what came while it was away is missing, and nobody has said so yet.
func (w *watch) isWhole() (whole bool, next <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = make(chan struct{})
	}
	unbroken := w.conn.nc.IsConnected() && w.conn.nc.Stats().Reconnects == w.connection.Load()
	return w.whole && unbroken, w.next
}

// waitWhole waits until the mirror has all that there is.
func (w *watch) waitWhole(ctx context.Context) error {
	for {
		whole, next := w.isWhole()
		if whole {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stopWatching returns when the watcher has ended. It takes what was on its way: the watcher
// waits for its reader.
//
// One whose connection ends while it begins never says that it has ended, since it takes
// note of that only after it has subscribed: hence stopWithin.
func stopWatching(watcher jetstream.KeyWatcher) {
	_ = watcher.Stop() // nothing to do about a watcher that is gone
	patience := time.NewTimer(stopWithin)
	defer patience.Stop()
	for {
		select {
		case _, more := <-watcher.Updates():
			if !more {
				return
			}
		case <-patience.C:
			return
		}
	}
}

// stopWithin is much longer than a watcher takes to end.
const stopWithin = time.Second
