package run

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// markerTTL is how long it is written down that a key is gone: watches hear of it
// by this, and one that was away for longer begins anew.
const markerTTL = time.Minute

// openBucket makes a bucket where there is none: the store of what. Each of its keys may
// have a time to live of its own.
func openBucket(ctx context.Context, conn *Conn, name, what string) (jetstream.KeyValue, error) {
	return withReplicas(ctx, conn, "the store of "+what, func(ctx context.Context, replicas int) (jetstream.KeyValue, error) {
		return conn.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Description: "pipebot: " + what, Replicas: replicas, LimitMarkerTTL: markerTTL,
		})
	})
}

// findBucket finds a bucket and leaves it as it is; nil where there is none.
func (c *Conn) findBucket(ctx context.Context, name, what string) (kv jetstream.KeyValue, err error) {
	err = c.persist(ctx, "looking for the store of "+what, func(ctx context.Context) error {
		kv, err = c.js.KeyValue(ctx, name)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			return nil
		}
		return err
	})
	return kv, err
}

// removeKey removes a key that is still as it was read, and what tells of that after a
// while: marks of what is gone would pile up otherwise.
func removeKey(ctx context.Context, kv jetstream.KeyValue, key string, revision uint64) error {
	return kv.Purge(ctx, key, jetstream.LastRevision(revision), jetstream.PurgeTTL(markerTTL))
}
