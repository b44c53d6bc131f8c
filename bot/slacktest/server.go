package slacktest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// obj is a JSON object as it came: payloads are kept and echoed as Slack does, known field or not.
type obj = map[string]any

// Server is one simulated workspace with one app installed. All methods may be called from any goroutine.
type Server struct {
	cfg     Config
	kit     kit
	methods map[string]method
	base    string // "http://127.0.0.1:PORT"
	err     error  // why it does not listen
	http    *http.Server
	ctx     context.Context // ends with Close
	close   context.CancelFunc
	wg      sync.WaitGroup // every goroutine of the server

	// mu guards all that follows and all state reachable from it.
	mu     sync.Mutex
	closed bool
	subs   map[chan struct{}]struct{}
	serial int    // of ids
	lastTS string // timestamps only grow

	users        map[string]*User
	userOrder    []*User
	bot          *User
	channels     map[string]*Channel
	channelOrder []*Channel
	groups       map[string][]string // user group id -> members
	handles      map[string]string   // user group id -> handle
	names        *names              // replaced, never changed: Messages keep what was current

	views        map[string]*view
	stacks       map[string][]*view // open modals of a person, bottom first
	homes        map[string]*view
	triggers     map[string]*trigger
	responseURLs map[string]*responseURL

	socket socketState
	faults map[string][]fault
	rates  rateState

	down, cutNext bool // see Down

	calls         []Call
	acks          []Ack
	violations    []Violation
	notifications []Notification
}

// NewServer starts a workspace on a free port of 127.0.0.1. It has no people and no channels yet.
// If there is none, Err says so and nobody can connect.
func NewServer(cfg Config) *Server {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg:          cfg.withDefaults(),
		kit:          newKit(),
		methods:      methods(),
		err:          err,
		ctx:          ctx,
		close:        cancel,
		subs:         map[chan struct{}]struct{}{},
		users:        map[string]*User{},
		channels:     map[string]*Channel{},
		groups:       map[string][]string{},
		handles:      map[string]string{},
		views:        map[string]*view{},
		stacks:       map[string][]*view{},
		homes:        map[string]*view{},
		triggers:     map[string]*trigger{},
		responseURLs: map[string]*responseURL{},
		socket:       newSocketState(),
		faults:       map[string][]fault{},
	}
	s.bot = s.addUser(User{Name: s.cfg.BotUser, Kind: Bot})

	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.owned(s.serveAPI))
	mux.HandleFunc("/link/", s.owned(s.serveSocket))
	mux.HandleFunc("POST /response/{secret}", s.owned(s.serveResponseURL))
	s.http = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	if err == nil {
		s.base = "http://" + ln.Addr().String()
		s.wg.Go(func() { _ = s.http.Serve(ln) }) // returns when Close closes it
	}
	return s
}

// Err is why the server could not listen, nil normally.
func (s *Server) Err() error { return s.err }

// owned makes Close wait for a handler: http.Server forgets about the connections that became WebSockets.
func (s *Server) owned(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		s.wg.Add(1)
		s.mu.Unlock()
		defer s.wg.Done()
		h(w, r)
	}
}

// Close ends every connection and waits until nothing of the server runs any more.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.close()
	_ = s.http.Close()
	s.wg.Wait()
}

// APIURL is the base of the Web API with the slash at its end, as slack.OptionAPIURL wants it.
func (s *Server) APIURL() string { return s.base + "/api/" }

// BotUserID is the id of the app's bot user, as auth.test gives it.
func (s *Server) BotUserID() string { return s.bot.ID }

// after runs f with the lock held once d has passed, unless the server closes first.
func (s *Server) after(d time.Duration, f func()) {
	if s.closed {
		return
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-s.ctx.Done():
		case <-timer.C:
			s.mu.Lock()
			defer s.mu.Unlock()
			f()
		}
	}()
}

// Subscribe returns a channel that gets a value after something changed: a message, a modal, a connection.
// Changes that come together may be told once. The returned function ends the subscription.
func (s *Server) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.subs[ch] = struct{}{}
	s.mu.Unlock()
	return ch, func() {
		s.mu.Lock()
		delete(s.subs, ch)
		s.mu.Unlock()
	}
}

// changed tells the subscribers. The lock is held.
func (s *Server) changed() {
	for ch := range s.subs {
		select {
		case ch <- struct{}{}:
		default: // it has one waiting already
		}
	}
}

// Wait returns once cond is true, or with ctx's error. cond is called after every change of the workspace and
// may call any method of the server.
func (s *Server) Wait(ctx context.Context, cond func() bool) error {
	ch, cancel := s.Subscribe()
	defer cancel()
	for !cond() {
		select {
		case <-ch:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the workspace: %w", ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("waiting for the workspace: %w", ErrClosed)
		}
	}
	return nil
}

// id makes ids that look like Slack's and count up, so that they are the same in every run of a test.
func (s *Server) id(prefix string) string {
	s.serial++
	n := strings.ToUpper(strconv.FormatInt(int64(s.serial), 36))
	return prefix + strings.Repeat("0", max(0, 10-len(n))) + n
}

// secret makes what must not be guessed: tickets, response urls, triggers.
func secret() string { return rand.Text() }

// ts is the next message timestamp: the seconds of the clock and a part that makes it unique.
func (s *Server) ts() string {
	now := s.cfg.Now()
	ts := fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
	if ts <= s.lastTS {
		sec, frac, _ := strings.Cut(s.lastTS, ".")
		n, _ := strconv.Atoi(frac)
		ts = fmt.Sprintf("%s.%06d", sec, n+1)
	}
	s.lastTS = ts
	return ts
}
