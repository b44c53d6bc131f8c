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

// readable fails with ErrUnreadable where a run or a link cannot be read, which another
// version has written: to start all the same would leave it alone for good. It only looks,
// and makes nothing where there is nothing.
func (c *Conn) readable(ctx context.Context) error {
	for _, kept := range []struct {
		bucket, keys, what string
		read               func(data []byte) error
	}{
		{bucketName, runPrefix + "*", "the runs", func(data []byte) error { _, err := decode(data); return err }},
		{linksBucket, personPrefix + ">", "the links", func(data []byte) error { _, err := decodeLink(data); return err }},
	} {
		kv, err := c.findBucket(ctx, kept.bucket, kept.what)
		if err != nil {
			return err
		}
		if kv == nil {
			continue
		}
		err = c.persistWithin(ctx, readAllWithin, "reading "+kept.what, func(ctx context.Context) error {
			return readEach(ctx, kv, kept.keys, kept.read)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func readEach(ctx context.Context, kv jetstream.KeyValue, keys string, read func(data []byte) error) error {
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
			if err := read(entry.Value()); err != nil {
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
	return fmt.Errorf("%w: %s: no record was changed or deleted; start the version that wrote them, "+
		"or restore a backup that this version made", ErrUnreadable, named)
}
