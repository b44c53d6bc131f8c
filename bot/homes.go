package bot

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"pipebot/bot/policy"
)

const (
	// homeFor is how long a Home is kept current after it was opened or acted on: Slack
	// does not tell when it is closed.
	homeFor = 10 * time.Minute
	// mostHomes is how many are kept current at once; the oldest go.
	mostHomes = 500
	// homesAtOnce is how many are drawn at the same time.
	homesAtOnce = 8
	// rightsEvery is how often it is asked anew what somebody may see though nothing of
	// it changes.
	rightsEvery = 5 * time.Minute
	// lookEvery is how often it is looked whether somebody's own runs have changed,
	// which takes nothing but memory.
	lookEvery = time.Second
	// publishEvery keeps below what Slack takes, which is 100 views a minute, with
	// publishAtOnce of them in a row.
	// https://docs.slack.dev/reference/methods/views.publish
	publishEvery  = 750 * time.Millisecond
	publishAtOnce = 20
)

// Homes keeps the open Homes current: what is read of a project is shared by all of
// them, and a Home is published only where it looks different from before.
type Homes struct {
	API      *slack.Client
	Gate     *Gate
	History  History
	Projects Projects
	Lists    Lists
	// Linkable: people can link themselves.
	Linkable bool
	// Every is the time between two readings of a project.
	Every time.Duration
	Log   *zap.Logger

	now   func() time.Time
	wake  chan struct{} // something may look different
	hurry chan struct{} // a project is wanted that was not read yet
	pace  *rate.Limiter

	mu    sync.Mutex
	open  map[Asker]*home
	read  map[string]*reading // by the projects' names
	quiet time.Time           // until when Slack takes no more
}

// NewHomes returns Homes that Work keeps current.
func NewHomes(h *Homes) *Homes {
	h.now = time.Now
	h.wake, h.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	h.pace = rate.NewLimiter(rate.Every(publishEvery), publishAtOnce)
	h.open, h.read = make(map[Asker]*home), make(map[string]*reading)
	return h
}

// home is one that somebody has open.
type home struct {
	who Asker // without a channel: there is none

	// By Homes.mu:
	until time.Time
	views map[string]bool // projects of which it shows pipelines
	stale bool            // it has to be drawn, whether something has changed or not

	// By drawing, which is done by one at a time:
	drawing sync.Mutex
	seen    string // what it was drawn from last
	hash    string // of what was published last
	rows    map[string][]row
	again   time.Time // when it is to be drawn though nothing has changed
	gone    bool      // Slack takes none for this person
}

// opened publishes what is in memory at once, and keeps the Home current from now on.
func (h *Homes) opened(ctx context.Context, who Asker) {
	hm, isNew := h.join(who)
	if isNew {
		defer hm.drawing.Unlock() // after a panic too: all Homes would wait for it
		ended, cancel := context.WithCancel(ctx)
		cancel()
		h.draw(ctx, ended, hm)
	}
	signal(h.wake)
}

// join adds somebody's Home, or keeps it for longer. A new one is being drawn: nobody
// else publishes before its first view.
func (h *Homes) join(who Asker) (hm *home, isNew bool) {
	who.Channel = ""
	h.mu.Lock()
	defer h.mu.Unlock()
	if hm = h.open[who]; hm == nil {
		h.makeRoom()
		hm, isNew = &home{who: who, views: make(map[string]bool), rows: make(map[string][]row)}, true
		hm.drawing.Lock()
		h.open[who] = hm
	}
	hm.until, hm.stale = h.now().Add(homeFor), true
	return hm, isNew
}

// makeRoom lets the oldest go where there are too many.
func (h *Homes) makeRoom() {
	if len(h.open) < mostHomes {
		return
	}
	var oldest *home
	for _, hm := range h.open {
		if oldest == nil || hm.until.Before(oldest.until) {
			oldest = hm
		}
	}
	delete(h.open, oldest.who)
}

// touched keeps a Home for longer that somebody acted on, and draws it anew.
func (h *Homes) touched(who Asker) {
	who.Channel = ""
	h.mu.Lock()
	defer h.mu.Unlock()
	if hm := h.open[who]; hm != nil {
		hm.until, hm.stale = h.now().Add(homeFor), true
		signal(h.wake)
	}
}

// Linked draws the Home of somebody anew of whom it has become known who they are.
func (h *Homes) Linked(team, user string) { h.touched(Asker{Team: team, User: user}) }

// refuse tells somebody on their Home that they may not use the bot.
func (h *Homes) refuse(ctx context.Context, who Asker, d policy.Decision) {
	who.Channel = ""
	h.forget(who)
	view := homeView(homePage{refused: &d, linkable: h.Linkable})
	_ = h.publish(ctx, who, view) // it logs; the next visit tries again
}

// Work keeps the Homes current until ctx ends.
func (h *Homes) Work(ctx context.Context) error {
	var working errgroup.Group
	working.Go(func() error { h.keepReading(ctx); return nil })
	working.Go(func() error { h.keepDrawing(ctx); return nil })
	return working.Wait()
}

func (h *Homes) keepDrawing(ctx context.Context) {
	tick := time.NewTicker(min(lookEvery, h.Every))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-h.wake:
		}
		together(h.current(h.now()), homesAtOnce, func(_ int, hm *home) {
			h.guarded(func() { h.refresh(ctx, hm) }, func() { h.forget(hm.who) }) // who comes back has it drawn anew
		})
	}
}

// guarded keeps one bad Home, or project, from ending the process for all others: nobody
// above Work catches a panic.
func (h *Homes) guarded(work, otherwise func()) {
	defer func() {
		if bad := recover(); bad != nil {
			h.Log.Error("keeping the open Homes current panicked", zap.Any("panic", bad), zap.ByteString("stack", debug.Stack()))
			otherwise()
		}
	}()
	work()
}

// forget keeps somebody's Home current no longer.
func (h *Homes) forget(who Asker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, who)
}

// current are the Homes that are open, without those that nobody has come back to.
func (h *Homes) current(now time.Time) []*home {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*home
	for who, hm := range h.open {
		if now.After(hm.until) {
			delete(h.open, who)
			continue
		}
		list = append(list, hm)
	}
	return list
}

// refresh draws a Home where what it shows may have changed.
func (h *Homes) refresh(ctx context.Context, hm *home) {
	hm.drawing.Lock()
	defer hm.drawing.Unlock()
	seen := h.signature(hm)
	h.mu.Lock()
	stale := hm.stale
	hm.stale = false
	h.mu.Unlock()
	if !stale && seen == hm.seen && h.now().Before(hm.again) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if h.draw(ctx, ctx, hm) {
		hm.seen = seen
		return
	}
	h.mu.Lock()
	hm.stale = true
	if hm.gone {
		delete(h.open, hm.who)
	}
	h.mu.Unlock()
}

// signal wakes who waits, now or next.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
