package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// tryWithin bounds one try to set something up. A cluster answers one of those who
	// make the same stream at once, or nobody; who asks again learns that it is there.
	tryWithin = 2 * time.Second
	// sayEvery is how often it is said what is waited for.
	sayEvery = 10 * time.Second
)

// persist does something at the start, again and again where an outside NATS may be able
// to later: it starts at the same time, it elects a leader, a node of it is down. Only ctx
// ends that. An embedded one is there or fails for good.
func (c *Conn) persist(ctx context.Context, doing string, do func(context.Context) error) error {
	return c.persistWithin(ctx, tryWithin, doing, do)
}

// persistWithin is persist where one try may take a time of its own.
func (c *Conn) persistWithin(ctx context.Context, within time.Duration, doing string, do func(context.Context) error) error {
	var said time.Time
	for {
		err := c.try(ctx, within, do)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			return fmt.Errorf("%s: %w (%w)", doing, err, ctx.Err())
		}
		if ctx.Err() != nil || c.embedded != nil || !passes(err) {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if time.Since(said) >= sayEvery {
			c.log.Warn("waiting for NATS", zap.String("doing", doing), zap.Error(err))
			said = time.Now()
		}
		// Those who got into each other's way should not do so again.
		pauseFor(ctx, rand.N(time.Second)) //nolint:gosec // nobody gains by guessing it
	}
}

func (c *Conn) try(ctx context.Context, within time.Duration, do func(context.Context) error) error {
	if c.embedded != nil {
		// It answers in a moment, and is stopped after that: what it makes of a stream while
		// it stops would be left over.
		return do(context.WithoutCancel(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return do(ctx)
}

// passes reports whether a failure may be over in a while, without anybody changing a
// setting here or there.
func passes(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrSecureConnRequired),
		errors.Is(err, ErrUnreadable), errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return false
	case ok && api.Code == http.StatusBadRequest:
		// The last one: another made it at the same time, with other settings.
		return api.ErrorCode == errCodeNoPeers || api.ErrorCode == jetstream.JSErrCodeStreamNameInUse
	}
	return true
}

// withReplicas makes a stream or bucket with as many replicas as an outside cluster has
// for us, or one where it is no cluster. A cluster that has too few servers up just now is
// waited for: what is made with one replica would go with the one server that has it.
func withReplicas[T any](ctx context.Context, c *Conn, what string, create func(ctx context.Context, replicas int) (T, error)) (got T, err error) {
	err = c.persist(ctx, "opening "+what, func(ctx context.Context) error {
		got, err = create(ctx, c.replicas)
		if api, ok := errors.AsType[*jetstream.APIError](err); ok && c.replicas > 1 && api.ErrorCode == errCodeNotClustered {
			c.replicas = 1
			got, err = create(ctx, c.replicas)
		}
		return err
	})
	return got, err
}

// JetStream's codes for more replicas than servers, which nats.go does not name.
const (
	errCodeNotClustered jetstream.ErrorCode = 10074
	errCodeNoPeers      jetstream.ErrorCode = 10005
)
