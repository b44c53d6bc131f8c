package gitlabtest

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config is how a [Server] is made. The zero value is good.
type Config struct {
	Now func() time.Time // the instance's clock; time.Now when nil
}

// A Server is a GitLab instance. All its methods, and those of what it hands out, may be called at any time and
// from any goroutine.
type Server struct {
	URL string // http://127.0.0.1:port, without a slash at the end

	now      func() time.Time
	http     *http.Server
	listener *listener
	closing  chan struct{}
	close    sync.Once
	wakeup   chan struct{}  // automatic mode
	owned    sync.WaitGroup // goroutines that Close waits for

	mu sync.Mutex // guards everything below and everything that hangs on it

	closed    bool
	routes    []route
	schema    map[string]objectType
	ids       map[string]int
	users     []*User
	tokens    map[string]*accessToken
	groups    []*Group
	projects  []*Project
	oauth     oauth
	pipelines map[int]*Pipeline
	jobs      map[int]*Job
	active    map[*Pipeline]bool // not ended
	speed     float64

	levers levers
	faults []*plannedFault
	window window // of the rate limit

	requests   []Request
	violations []Violation
	generation chan struct{} // closed at each change
	watchers   map[chan struct{}]bool
}

// NewServer starts an empty GitLab on a free port of 127.0.0.1. If there is none, URL is an address that refuses
// connections and [Server.Err] says why.
func NewServer(c Config) *Server {
	s := &Server{
		URL:        "http://127.0.0.1:0",
		now:        c.Now,
		closing:    make(chan struct{}),
		wakeup:     make(chan struct{}, 1),
		ids:        map[string]int{},
		tokens:     map[string]*accessToken{},
		oauth:      oauth{applications: map[string]*application{}, flow: DeviceFlow{5 * time.Second, 5 * time.Minute}},
		pipelines:  map[int]*Pipeline{},
		jobs:       map[int]*Job{},
		active:     map[*Pipeline]bool{},
		levers:     levers{version: "19.4.0", graphQL: true},
		generation: make(chan struct{}),
		watchers:   map[chan struct{}]bool{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.routes, s.schema = routes(), schema()
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute}
	s.listener = listen()
	if s.listener.err == nil {
		s.URL = "http://" + s.listener.Addr().String()
		s.owned.Go(func() { _ = s.http.Serve(s.listener) })
	}
	s.owned.Go(s.runAuto)
	return s
}

// Err is why the server could not listen, nil normally.
func (s *Server) Err() error { return s.listener.err }

// Close cuts all connections, drops what was to happen later, and returns when no goroutine is left.
func (s *Server) Close() {
	s.close.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		close(s.closing)
		if s.listener.err == nil {
			_ = s.http.Close() // which does not wait for handlers, but they are counted in s.owned
		}
	})
	s.owned.Wait()
}

// enter counts a handler among the goroutines that Close waits for, unless Close was called already.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.owned.Add(1)
	return true
}

func (s *Server) nextID(kind string) int {
	s.ids[kind]++
	return s.ids[kind]
}

// major is the instance's major version.
func (s *Server) major() int {
	n, _, _ := strings.Cut(s.levers.version, ".")
	major, err := strconv.Atoi(n)
	if err != nil {
		return 0
	}
	return major
}

// A listener is a TCP listener that can reset connections instead of serving them.
type listener struct {
	net.Listener
	err error

	mu     sync.Mutex
	refuse bool
	conns  map[*conn]bool
}

func listen() *listener {
	l := &listener{conns: map[*conn]bool{}}
	l.Listener, l.err = new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, l: l}
		l.mu.Lock()
		refuse := l.refuse
		if !refuse {
			l.conns[c] = true
		}
		l.mu.Unlock()
		if !refuse {
			return c, nil
		}
		c.reset()
	}
}

// setRefuse resets all open connections and every new one, or ends that.
func (l *listener) setRefuse(refuse bool) {
	l.mu.Lock()
	l.refuse = refuse
	var open []*conn
	if refuse {
		for c := range l.conns {
			open = append(open, c)
		}
	}
	l.mu.Unlock()
	for _, c := range open {
		c.reset()
	}
}

type conn struct {
	net.Conn
	l *listener
}

func (c *conn) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c)
	c.l.mu.Unlock()
	return c.Conn.Close()
}

// reset closes the connection with a TCP reset: the other side sees ECONNRESET, not an orderly end.
func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
