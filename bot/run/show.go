package run

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"
)

// showTimeout bounds one call of the display, which may speak to Slack several
// times.
const showTimeout = 30 * time.Second

// A card token that sleeps keeps others of the run from being made, and news that matter
// would wait behind what the nap was for, an edit that shows some progress, say. So it
// sleeps for shortNap at the most, or, where thousands do, as long as it takes for them
// to wake up one after the other, so many a second: each reads its record. Whether Slack
// wants to hear of it is known by the display.
const (
	shortNap      = 2 * time.Second
	wakeUpsSecond = 250
)

// nap is how long a card token sleeps that wants to sleep for so long.
func (e *Engine) nap(wanted time.Duration) time.Duration {
	return min(wanted, max(shortNap, time.Duration(e.Live())*time.Second/wakeUpsSecond))
}

// show brings what people see of a run up to date. Only the holder of the run's
// card token is here, so only one speaks about it. One that hung for longer than a dead
// one's work is left with it may not know that another has the token by now: it learns
// so when it saves what it did or is about to do, which fails where anything was saved
// meanwhile, and then all is drawn anew.
func (e *Engine) show(ctx context.Context, id string) time.Duration {
	r, err := e.store.get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return 0
	}
	if err != nil {
		return e.failed("reading a run", id, err, time.Second)
	}
	if r.current() {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	shown := r.Shown
	save := func(s Shown) error {
		saved, err := e.saveShown(ctx, id, shown, s)
		if err == nil {
			shown = saved
		}
		return err
	}
	after, err := e.Display.Show(ctx, r, func(s Shown) error {
		s.Version = r.Shown.Version // not complete yet
		return save(s)
	})
	if err != nil {
		return e.failed("showing a run", id, err, e.nap(max(after, time.Second)))
	}
	if after > 0 {
		return e.nap(after)
	}
	complete := shown
	complete.Version = r.Version
	if err := save(complete); err != nil {
		return e.failed("writing what was shown of a run", id, err, time.Second)
	}
	return 0 // recheck makes a token if it has moved meanwhile
}

// errShownTwice: a token was given to another one while its holder hung, and both
// show the run. Nobody can tell whose edit Slack saw last.
var errShownTwice = errors.New("the run is being shown by another as well")

// saveShown writes what was shown of a run, if it still stands as it was before.
// Where it does not, nothing is overwritten, and all is drawn anew.
func (e *Engine) saveShown(ctx context.Context, id string, before, after Shown) (Shown, error) {
	moved := false
	r, err := e.keep(ctx, id, func(r Run) Run {
		moved = !reflect.DeepEqual(r.Shown, before)
		if moved {
			r.Shown = shownTwice(r.Shown, after)
		} else {
			r.Shown = after
		}
		return r
	})
	if err == nil && moved {
		err = errShownTwice
	}
	return r.Shown, err
}

// shownTwice merges what two have shown of a run: what is written down, with the replies that
// only the other one knows (their buttons may be that one's edit, or they were posted twice)
// and the later Unsure. All is to be drawn anew.
func shownTwice(written, other Shown) Shown {
	for _, reply := range other.Standing {
		if !slices.ContainsFunc(written.Standing, func(s Standing) bool { return s.TS == reply.TS }) {
			written.Standing = append(written.Standing, reply)
		}
	}
	if other.Unsure.After(written.Unsure) {
		written.Unsure = other.Unsure
	}
	written.Version = 0
	return written.Uncertain()
}
