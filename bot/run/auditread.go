package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Filter picks entries; what is empty picks all.
type Filter struct {
	Project string
	// User and Team are Slack's ids of who did it.
	User, Team string
	// Since leaves out what was written before, by the store's clock.
	Since time.Time
	// Limit is how many are returned at most, 100 where it is 0.
	Limit int
}

func (f Filter) picks(e Entry) bool {
	return (f.Project == "" || f.Project == e.Project) &&
		(f.User == "" || f.User == e.User) && (f.Team == "" || f.Team == e.Team)
}

const (
	findLimit = 100
	// findWindow entries are read at a time, backwards from the newest, and no more than
	// findReach in all: a person waits for the answer.
	findWindow = 1000
	findReach  = 50_000
	findWithin = 10 * time.Second
)

// ErrNotAll comes with the entries that were found: older ones were not looked at,
// since the log is too long. Export reads all.
var ErrNotAll = errors.New("only the newest part of the audit log was looked through")

// Find returns entries, newest first. With ErrNotAll the entries hold, and there may
// be more.
func (a *Audit) Find(ctx context.Context, f Filter) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	if f.Limit <= 0 {
		f.Limit = findLimit
	}
	info, err := a.stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	if info.State.Msgs == 0 {
		return nil, nil
	}
	var found []Entry
	first, last := info.State.FirstSeq, info.State.LastSeq
	oldest := max(first, last-min(last, a.reach)+1)
	for last >= oldest {
		start := max(oldest, last-min(last, a.window)+1)
		entries, err := a.between(ctx, start, last)
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(entries) {
			if e.written.Before(f.Since) {
				return found, nil
			}
			if f.picks(e.Entry) {
				found = append(found, e.Entry)
			}
			if len(found) == f.Limit {
				return found, nil
			}
		}
		last = start - 1
	}
	if oldest > first {
		return found, ErrNotAll
	}
	return found, nil
}

// kept is an entry as the store has it.
type kept struct {
	Seq     uint64    `json:"seq"`
	written time.Time // by the store's clock
	Entry
}

func (a *Audit) between(ctx context.Context, first, last uint64) (entries []kept, err error) {
	from := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: first}
	err = a.each(ctx, from, last, func(e kept) error {
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// Export writes a line of JSON for each entry that was written since then, oldest
// first, with its number in the log as seq, and returns how many. What is appended
// meanwhile is left out. It takes as long as it takes: ctx ends it.
func (a *Audit) Export(ctx context.Context, w io.Writer, since time.Time) (n int, err error) {
	info, err := a.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the audit log: %w", err)
	}
	from := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	if !since.IsZero() {
		from.DeliverPolicy, from.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	err = a.each(ctx, from, info.State.LastSeq, func(e kept) error {
		if err := lines.Encode(e); err != nil {
			return fmt.Errorf("writing the export: %w", err)
		}
		n++
		return nil
	})
	return n, err
}

// each calls do for the entries up to the number last, in order.
func (a *Audit) each(ctx context.Context, from jetstream.OrderedConsumerConfig, last uint64, do func(kept) error) error {
	// Whoever reads learns of a lost connection, and does not wait until it is back.
	from.MaxResetAttempts, from.InactiveThreshold = 1, time.Minute
	consumer, err := a.stream.OrderedConsumer(ctx, from)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() {
		// It would go by itself after a while; many could pile up until then.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		_ = a.stream.DeleteConsumer(ctx, consumer.CachedInfo().Name)
	}()
	if consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer messages.Stop()
	for {
		message, err := messages.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			err = ctx.Err() // though there may be a message at hand
		}
		if err != nil {
			return fmt.Errorf("reading the audit log: %w", err)
		}
		meta, err := message.Metadata()
		if err != nil {
			return fmt.Errorf("reading the audit log: %w", err)
		}
		if meta.Sequence.Stream > last {
			return nil
		}
		if err := do(readEntry(message.Data(), meta)); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// readEntry never fails: one bad entry must not hide the others, and must be seen.
func readEntry(data []byte, meta *jetstream.MsgMetadata) kept {
	e := kept{Seq: meta.Sequence.Stream, written: meta.Timestamp}
	if err := json.Unmarshal(data, &e.Entry); err != nil {
		e.Entry = Entry{At: meta.Timestamp.UTC(), Kind: EntryUnreadable, Reason: clean(err.Error())}
	}
	return e
}
