package run

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// ErrFreezesUnknown: whether anything is frozen cannot be told just now.
var ErrFreezesUnknown = errors.New("the freezes are not known just now")

// freezeMirror is what the store has, in memory: every start asks for it.
type freezeMirror struct {
	log *zap.Logger

	mu    sync.Mutex
	known map[string]readFreeze
	told  uint64 // the newest revision that the watch has told of
}

// Keep keeps what Current knows up to date until ctx ends.
func (s *Freezes) Keep(ctx context.Context) { s.watch.keep(ctx) }

// Known waits until all that is frozen has been read: before that nobody may start anything.
func (s *Freezes) Known(ctx context.Context) error { return s.watch.waitWhole(ctx) }

// Current is what is frozen now, the oldest first, from memory. It is an error wherever
// that may not be all: unless Keep runs, before it has read all, and while the
// connection to the store is away.
func (s *Freezes) Current(now time.Time) ([]Freeze, error) {
	m := &s.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	if whole, _ := s.watch.isWhole(); !whole {
		return nil, ErrFreezesUnknown
	}
	return inForce(m.known, now)
}

func (m *freezeMirror) began() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.known)
	m.told = 0
}

func (m *freezeMirror) changed(_ context.Context, entry jetstream.KeyValueEntry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = entry.Revision()
	id := strings.TrimPrefix(entry.Key(), freezePrefix)
	if entry.Operation() != jetstream.KeyValuePut {
		delete(m.known, id)
		return
	}
	m.known[id] = decodeFreeze(entry.Key(), entry.Value())
	if err := m.known[id].err; err != nil {
		m.log.Error("nothing can be started before this freeze is removed", zap.Error(err))
	}
}

// added makes a freeze of this process hold before the watch tells of it. A watch that is
// further has told of it, and maybe of its end.
func (m *freezeMirror) added(f Freeze, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision > m.told {
		m.known[f.ID] = readFreeze{Freeze: f}
	}
}

func (m *freezeMirror) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, id)
}
