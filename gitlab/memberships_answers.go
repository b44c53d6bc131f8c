package gitlab

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxAnswers is how many answers of a kind are kept. A person in a project takes one
// of each kind, so that all of a large company fit.
const maxAnswers = 10_000

// answers are what GitLab said of one kind of thing, for as long as that counts.
type answers[K comparable, V any] struct {
	owner   *Memberships
	refuses func(V) bool // answers that count for a short time only; nil: none
	read    func(context.Context, K) (V, error)

	mu    sync.Mutex
	known map[K]*known[V]
}

// known is what there is of one thing: an answer, a request under way, or both while
// the answer is renewed.
type known[V any] struct {
	answer *answer[V]
	asking *asking[V]
	rest   time.Time // until then the answer is not renewed, since that failed
}

type answer[V any] struct {
	value V
	err   error
	asked time.Time
	hold  time.Duration
}

func (a *answer[V]) counts(now time.Time) bool { return a != nil && now.Sub(a.asked) < a.hold }

// asking is a request under way.
type asking[V any] struct {
	done   chan struct{} // closed when answer is set
	answer *answer[V]
}

var errMembershipsClosed = errors.New("the memberships are closed")

func newAnswers[K comparable, V any](owner *Memberships, refuses func(V) bool, read func(context.Context, K) (V, error)) *answers[K, V] {
	return &answers[K, V]{owner: owner, refuses: refuses, read: read, known: make(map[K]*known[V])}
}

// get gives the answer that counts, or waits for one. Who stops waiting ends the
// request for nobody else.
func (a *answers[K, V]) get(ctx context.Context, key K) (V, error) {
	a.mu.Lock()
	k := a.of(key)
	if k.answer.counts(time.Now()) {
		defer a.mu.Unlock()
		return k.answer.value, k.answer.err
	}
	under := a.ask(key, k)
	a.mu.Unlock()
	var none V
	if under == nil {
		return none, errMembershipsClosed
	}
	select {
	case <-under.done:
		return under.answer.value, under.answer.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// warm asks where there is no answer, or one that has passed half of its time.
func (a *answers[K, V]) warm(key K) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.of(key)
	now := time.Now()
	if k.answer.counts(now) && (now.Sub(k.answer.asked) < k.answer.hold/2 || now.Before(k.rest)) {
		return
	}
	a.ask(key, k)
}

// ask joins the request under way or begins one; nil says that none can be made.
func (a *answers[K, V]) ask(key K, k *known[V]) *asking[V] {
	if k.asking != nil {
		return k.asking
	}
	under := &asking[V]{done: make(chan struct{})}
	if !a.owner.background(func(ctx context.Context) { a.run(ctx, key, k, under) }) {
		return nil
	}
	k.asking = under
	return under
}

func (a *answers[K, V]) run(ctx context.Context, key K, k *known[V], under *asking[V]) {
	fresh := &answer[V]{asked: time.Now()}
	fresh.err = caught(func() (err error) {
		fresh.value, err = a.read(ctx, key)
		return err
	})
	if fresh.err == nil {
		fresh.hold = a.owner.hold
		if a.refuses != nil && a.refuses(fresh.value) {
			fresh.hold = min(fresh.hold, refusalsHold)
		}
	} else {
		fresh.hold = a.owner.errorHolds(fresh.err)
		if a.owner.ctx.Err() == nil {
			a.owner.failed(fresh.err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	under.answer = fresh
	close(under.done)
	k.asking = nil
	// An answer that still counts outlives a renewal that failed, not its own time.
	if now := time.Now(); fresh.err == nil || !k.answer.counts(now) {
		k.answer = fresh
	} else {
		k.rest = now.Add(fresh.hold)
	}
}

// errorHolds is how long GitLab is not asked again after a failure: as long as it
// asked for itself, within bounds.
func (m *Memberships) errorHolds(err error) time.Duration {
	return max(min(m.hold, refusalsHold), min(retryAfterOf(err), rightsHold))
}

// of is what there is of a thing, made if it has to be.
func (a *answers[K, V]) of(key K) *known[V] {
	if k := a.known[key]; k != nil {
		return k
	}
	if len(a.known) >= maxAnswers {
		a.makeRoom()
	}
	k := &known[V]{}
	a.known[key] = k
	return k
}

// makeRoom drops what does not count any more, and of the rest so much that it is not
// needed again for a while.
func (a *answers[K, V]) makeRoom() {
	now := time.Now()
	for key, k := range a.known {
		if k.asking == nil && !k.answer.counts(now) {
			delete(a.known, key)
		}
	}
	for key := range a.known {
		if len(a.known) <= maxAnswers*9/10 {
			return
		}
		delete(a.known, key)
	}
}
