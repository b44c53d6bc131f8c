package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrUnreadable: there are records that this version of pipebot cannot read.
var ErrUnreadable = errors.New("there are records that this version of pipebot cannot read")

const (
	readAllWithin = time.Minute
	// mostNamed is how many of those that cannot be read are named.
	mostNamed = 5
)

// allReadable reads everything that the keys name. ErrUnreadable says what cannot be read,
// which another version has written: to start all the same would leave it alone for good.
// An outside NATS may elect a leader just now, which is waited for.
func allReadable(ctx context.Context, conn *Conn, kv jetstream.KeyValue, keys, what string, read func(jetstream.KeyValueEntry) error) error {
	return conn.persistWithin(ctx, readAllWithin, "reading "+what, func(ctx context.Context) error {
		return readEach(ctx, kv, keys, read)
	})
}

func readEach(ctx context.Context, kv jetstream.KeyValue, keys string, read func(jetstream.KeyValueEntry) error) error {
	ctx, cancel := context.WithTimeout(ctx, readAllWithin)
	defer cancel()
	watcher, err := kv.Watch(ctx, keys, jetstream.IgnoreDeletes())
	if err != nil {
		return err
	}
	defer stopWatching(watcher)
	var faults []string
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case entry, ok := <-watcher.Updates():
			switch {
			case !ok:
				return errWatchEnded
			case entry == nil: // that was all
				return unreadableRecords(faults)
			}
			if err := read(entry); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s", entry.Key(), clean(err.Error())))
			}
		}
	}
}

func unreadableRecords(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	named := strings.Join(faults[:min(len(faults), mostNamed)], "; ")
	if more := len(faults) - mostNamed; more > 0 {
		named += fmt.Sprintf("; and %d more", more)
	}
	return fmt.Errorf("%w: %s: nothing was changed or deleted; start the version that wrote them, "+
		"or restore a backup that this version made", ErrUnreadable, named)
}
