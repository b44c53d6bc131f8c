package socket

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// drainWithin bounds the wait for handlers and acknowledgements at the end.
const drainWithin = 5 * time.Second

// Config says how to connect.
type Config struct {
	AppToken string
	// APIURL is Slack's Web API, with the slash at the end.
	APIURL string
	// HTTP makes the calls of the Web API. It must follow no redirect, which would take the
	// app token along, and has to give each 429 a Retry-After in seconds, since slack-go
	// (v0.35) understands nothing else.
	HTTP   *http.Client
	Handle Handler
	// Connections is told at each hello how many connections stand here, and how many
	// the app has in all its processes. It is called once at a time.
	Connections func(own, all int)
	Log         *zap.Logger
}

// Socket is the two Socket Mode connections of a process.
type Socket struct {
	cfg    Config
	api    *slack.Client
	dialer *websocket.Dialer
	pace   *pace
	waits  waits
	slots  chan struct{}  // one for each envelope in hand
	garble rate.Sometimes // bounds what is said about frames that cannot be read

	fresh   context.Context // ends when nothing new is taken any more
	work    context.Context // of the handlers; ends with Run
	running sync.WaitGroup  // readers, and those who retire connections

	// mu guards what follows, and the lines and connections.
	mu         sync.Mutex
	moved      chan struct{} // is closed and replaced at each change
	lines      [2]*line
	unanswered int // envelopes
	handling   int // envelopes
	garbled    int // frames that could not be read
}

// New prepares the connections. It opens none before Run.
func New(cfg Config) *Socket {
	return &Socket{
		cfg: cfg,
		api: slack.New("", // the bot token is no business of these connections
			slack.OptionAppLevelToken(cfg.AppToken),
			slack.OptionAPIURL(cfg.APIURL),
			slack.OptionHTTPClient(cfg.HTTP),
		),
		dialer: &websocket.Dialer{
			NetDialContext: dialLingering,
			Proxy:          http.ProxyFromEnvironment,
			// Larger than any answer: Slack does not put continuation frames together.
			WriteBufferSize: 32 << 10,
		},
		pace:   newPace(),
		slots:  make(chan struct{}, workers),
		garble: rate.Sometimes{First: 1, Interval: time.Minute},
		waits:  newWaits(),
		moved:  make(chan struct{}),
		lines:  [2]*line{{}, {}},
	}
}

// State is how many connections stand, and why one is missing where that is known.
func (s *Socket) State() (standing int, fault error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l.fault != nil {
			fault = l.fault
		}
	}
	return s.standing(), fault
}

// standing is how many lines have a connection on which Slack has said hello.
func (s *Socket) standing() int {
	n := 0
	for _, l := range s.lines {
		if l.stands() {
			n++
		}
	}
	return n
}

// change changes what mu guards, and wakes those who await it.
func (s *Socket) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.moved)
	s.moved = make(chan struct{})
}

// await returns true once cond holds, which is asked with mu held, or false when ctx ends.
func (s *Socket) await(ctx context.Context, cond func() bool) bool {
	for {
		s.mu.Lock()
		holds, moved := cond(), s.moved
		s.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// Run connects and hands out envelopes until ctx ends; then it takes no new ones,
// lets those in hand finish, sends what is acknowledged, and returns nil. It
// returns ErrRejected where connecting again is of no use.
func (s *Socket) Run(ctx context.Context) error {
	work, end := context.WithCancel(context.WithoutCancel(ctx)) // the acknowledgements come after ctx
	defer end()
	fresh, stop := context.WithCancel(ctx)
	defer stop()
	s.work, s.fresh = work, fresh
	connections, disconnect := context.WithCancel(work)
	defer disconnect()
	lines, connections := errgroup.WithContext(connections)
	for _, l := range s.lines {
		lines.Go(func() error { return s.keep(connections, l) })
	}
	select {
	case <-ctx.Done():
	case <-connections.Done(): // rejected
	}

	drain, cancel := context.WithTimeout(work, drainWithin)
	defer cancel()
	stop()
	// Until then the lines connect anew, if the acknowledgements take that.
	s.await(drain, func() bool { return s.unanswered == 0 || connections.Err() != nil })
	disconnect()
	err := lines.Wait()
	s.running.Wait()
	if !s.await(drain, func() bool { return s.handling == 0 }) {
		s.cfg.Log.Warn("stopping while envelopes are still being handled")
	}
	return err
}
