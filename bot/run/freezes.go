package run

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Freeze says that nothing is to be started: why, and who said so. What it covers is
// for others to decide; it is only kept here.
type Freeze struct {
	// ID names it among the freezes; Add makes it.
	ID string `json:"id"`
	// Project and Pattern of refs say what is frozen.
	Project string `json:"project,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	// By and Team are Slack's ids of who froze it.
	By     string    `json:"by,omitempty"`
	Team   string    `json:"team,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// Until is when it ends by itself, zero where only Remove ends it.
	Until time.Time `json:"until,omitzero"`
}

func (f Freeze) over(now time.Time) bool { return !f.Until.IsZero() && !now.Before(f.Until) }

const (
	freezesBucket = "pipebot_freezes"
	freezePrefix  = "freeze."
	listWithin    = 5 * time.Second
)

// ErrNoFreeze: there is no freeze of that ID.
var ErrNoFreeze = errors.New("no such freeze")

// Freezes keeps what is frozen. It fails closed: what cannot be read is an error, and
// never taken for something that is not frozen.
type Freezes struct {
	kv     jetstream.KeyValue
	watch  *watch
	mirror freezeMirror
}

// OpenFreezes makes the store of freezes where there is none.
func OpenFreezes(ctx context.Context, conn *Conn) (*Freezes, error) {
	kv, err := openBucket(ctx, conn, freezesBucket, "freezes")
	if err != nil {
		return nil, err
	}
	s := &Freezes{kv: kv, mirror: freezeMirror{log: conn.log, known: make(map[string]readFreeze)}}
	s.watch = &watch{
		conn: conn, kv: kv, keys: freezePrefix + "*", what: "the freezes", log: conn.log,
		began: s.mirror.began, changed: s.mirror.changed,
	}
	return s, nil
}

// Add writes a freeze down and returns it with its ID, and At set where it was not. In
// this process it holds at once.
func (s *Freezes) Add(ctx context.Context, f Freeze) (Freeze, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for _, text := range []string{f.Project, f.Pattern, f.By, f.Team} {
		if clean(text) != text { // changed, it could freeze something else, or nothing
			return Freeze{}, fmt.Errorf("%q cannot be part of a freeze", clean(text))
		}
	}
	now := time.Now()
	if f.At.IsZero() {
		f.At = now
	}
	// Round drops the monotonic clock, so that what is returned is what List returns.
	f.At, f.Until, f.Reason = f.At.UTC().Round(0), f.Until.UTC().Round(0), clean(f.Reason)
	var options []jetstream.KVCreateOpt
	switch {
	case f.over(now):
		return Freeze{}, fmt.Errorf("the freeze would have ended at %s already", f.Until.Format(time.RFC3339))
	case !f.Until.IsZero():
		// The store counts whole seconds; List and Current look at Until.
		options = append(options, jetstream.KeyTTL(f.Until.Sub(now).Truncate(time.Second)+time.Second))
	}
	for {
		f.ID = strings.ToLower(rand.Text()[:6]) // short, since people type it
		data, err := json.Marshal(f)
		if err != nil {
			return Freeze{}, fmt.Errorf("encoding a freeze: %w", err)
		}
		revision, err := s.kv.Create(ctx, freezePrefix+f.ID, data, options...)
		if isWrongRevision(err) {
			continue
		}
		if err != nil {
			return Freeze{}, fmt.Errorf("writing a freeze: %w", err)
		}
		s.mirror.added(f, revision)
		return f, nil
	}
}

// Remove ends a freeze, one that cannot be read too. ErrNoFreeze says that there is none.
func (s *Freezes) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if !idForm.MatchString(id) {
		return ErrNoFreeze
	}
	entry, err := s.kv.Get(ctx, freezePrefix+id)
	if err == nil {
		err = removeKey(ctx, s.kv, freezePrefix+id, entry.Revision())
	}
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), isWrongRevision(err): // another was quicker
		return ErrNoFreeze
	case err != nil:
		return fmt.Errorf("removing a freeze: %w", err)
	}
	s.mirror.forget(id)
	return nil
}

// List reads what is frozen from the store, the oldest first.
func (s *Freezes) List(ctx context.Context) ([]Freeze, error) {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	watcher, err := s.kv.Watch(ctx, freezePrefix+"*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("reading the freezes: %w", err)
	}
	defer stopWatching(watcher)
	known := make(map[string]readFreeze)
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("reading the freezes: %w", ctx.Err())
		case entry, ok := <-watcher.Updates():
			switch {
			case !ok:
				return nil, fmt.Errorf("reading the freezes: %w", errWatchEnded)
			case entry == nil: // that was all
				return inForce(known, time.Now())
			default:
				known[entry.Key()] = decodeFreeze(entry.Key(), entry.Value())
			}
		}
	}
}

// readFreeze is a freeze, or why it cannot be read.
type readFreeze struct {
	Freeze
	err error
}

func decodeFreeze(key string, data []byte) readFreeze {
	id := strings.TrimPrefix(key, freezePrefix)
	var f Freeze
	err := json.Unmarshal(data, &f)
	if err == nil && f.ID != id {
		err = fmt.Errorf("it calls itself %q", clean(f.ID))
	}
	if err != nil {
		return readFreeze{err: fmt.Errorf("the freeze %s cannot be read: %w", id, err)}
	}
	return readFreeze{Freeze: f}
}

// inForce are those that are not over, in order.
func inForce(known map[string]readFreeze, now time.Time) ([]Freeze, error) {
	freezes := make([]Freeze, 0, len(known))
	for _, f := range known {
		if f.err != nil {
			return nil, f.err
		}
		if !f.over(now) {
			freezes = append(freezes, f.Freeze)
		}
	}
	slices.SortFunc(freezes, func(a, b Freeze) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return freezes, nil
}
