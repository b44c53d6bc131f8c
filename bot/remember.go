package bot

import (
	"context"
	"errors"
	"time"

	"pipebot/gitlab"
)

// answer is what was learned about somebody, and until when it counts.
type answer struct {
	value any // nil: there is nobody
	until time.Time
}

// mostKnown bounds what is remembered.
const mostKnown = 10_000

// remember asks once for everybody who needs the same answer at the same time, and
// again once it is too old. Only an answer is remembered, and that somebody is not
// there: a failure is none.
func remember[T any](ctx context.Context, p *People, key string, ask func(context.Context) (T, error)) (T, error) {
	p.mu.Lock()
	kept, ok := p.known[key]
	p.mu.Unlock()
	var none T
	if ok && p.now().Before(kept.until) {
		if value, is := kept.value.(T); is {
			return value, nil
		}
		return none, errNobody
	}
	begun := p.now()
	waiting := p.asking.DoChan(key, func() (any, error) {
		// Whoever asked first may give up before the others.
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
		defer cancel()
		// A panic becomes that of who waits; singleflight would end the process.
		return <-beside(func() learned {
			value, err := ask(asking)
			return p.learn(key, value, err, begun)
		}), nil
	})
	select {
	case got := <-waiting:
		told, is := got.Val.(func() learned)
		if !is {
			return none, errNobody
		}
		l := told()
		if l.err != nil {
			return none, l.err
		}
		value, is := l.value.(T)
		if !is {
			return none, errNobody
		}
		return value, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// learned is what a question brought.
type learned struct {
	value any
	err   error
}

// learn keeps an answer in mind, where it is one.
func (p *People) learn(key string, value any, err error, begun time.Time) learned {
	if err != nil && !gitlab.IsNotFound(err) {
		return learned{err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= mostKnown {
		clear(p.known)
	}
	if err != nil {
		p.known[key] = answer{nil, begun.Add(knownFor / 4)}
		return learned{err: errNobody}
	}
	p.known[key] = answer{value, begun.Add(knownFor)}
	return learned{value: value}
}

var errNobody = errors.New("there is nobody of that name")

// askWithin bounds a question about a person.
const askWithin = 5 * time.Second
