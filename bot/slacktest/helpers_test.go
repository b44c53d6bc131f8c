package slacktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"pipebot/bot/slacktest"
)

// soon bounds what a test waits for; it never passes in a test that succeeds.
const soon = 30 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	return ctx
}

func newServer(t *testing.T, cfg slacktest.Config) *slacktest.Server {
	t.Helper()
	s := slacktest.NewServer(cfg)
	t.Cleanup(s.Close)
	return s
}

func newClient(s *slacktest.Server) *slack.Client {
	return slack.New(slacktest.DefaultBotToken, slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(slacktest.DefaultAppToken))
}

// app is a small app over slack-go: the client that this workspace has to satisfy.
type app struct {
	*slack.Client
	socket *socketmode.Client
}

// startApp connects an app whose handle is called for every event; handle acknowledges itself.
func startApp(t *testing.T, s *slacktest.Server, handle func(a *app, e socketmode.Event)) {
	t.Helper()
	a := &app{Client: newClient(s)}
	a.socket = socketmode.New(a.Client)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.socket.RunContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the app's connection ended: %v", err)
		}
	})
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-a.socket.Events:
				handle(a, e)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	if err := s.WaitConnected(testContext(t), 1); err != nil {
		t.Fatal(err)
	}
}

// ack acknowledges and is for handlers: it fails the test instead of returning an error.
func (a *app) ack(t *testing.T, e socketmode.Event, payload ...any) {
	t.Helper()
	var p any
	if len(payload) > 0 {
		p = payload[0]
	}
	if err := a.socket.AckCtx(context.Background(), e.Request.EnvelopeID, p); err != nil {
		t.Errorf("acknowledging: %v", err)
	}
}

func noViolations(t *testing.T, s *slacktest.Server) {
	t.Helper()
	for _, v := range s.Violations() {
		t.Errorf("violation: %s", v)
	}
}

// must gives the value of a call that has to succeed: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// call calls a Web API method with a JSON body and the bot token, and returns Slack's answer.
func call(t *testing.T, s *slacktest.Server, method string, args map[string]any) map[string]any {
	t.Helper()
	return post(t, s.APIURL()+method, slacktest.DefaultBotToken, args)
}

func post(t *testing.T, url, token string, args map[string]any) map[string]any {
	t.Helper()
	body := must(json.Marshal(args))(t)
	req := must(http.NewRequestWithContext(testContext(t), http.MethodPost, url, bytes.NewReader(body)))(t)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// wire is a connection without a library on it, for what libraries do not let a test do.
type wire struct {
	t  *testing.T
	ws *websocket.Conn
}

func dial(t *testing.T, s *slacktest.Server) *wire {
	t.Helper()
	return &wire{t, must(connect(t, socketURL(t, s)))(t)}
}

// socketURL asks for the url of a new connection.
func socketURL(t *testing.T, s *slacktest.Server) string {
	t.Helper()
	return post(t, s.APIURL()+"apps.connections.open", slacktest.DefaultAppToken, nil)["url"].(string)
}

func connect(t *testing.T, url string) (*websocket.Conn, error) {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.DialContext(testContext(t), url, nil)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	t.Cleanup(func() { ws.Close() })
	return ws, nil
}

// read is the next frame; helloed wires begin with a hello.
func (w *wire) read() map[string]any {
	w.t.Helper()
	_ = w.ws.SetReadDeadline(time.Now().Add(soon))
	var out map[string]any
	if err := w.ws.ReadJSON(&out); err != nil {
		w.t.Fatalf("reading a frame: %v", err)
	}
	return out
}

func (w *wire) write(v any) {
	w.t.Helper()
	if err := w.ws.WriteJSON(v); err != nil {
		w.t.Fatalf("writing a frame: %v", err)
	}
}

func (w *wire) ack(envelope map[string]any) {
	w.t.Helper()
	w.write(map[string]any{"envelope_id": envelope["envelope_id"]})
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// closeIdle ends the connections that net/http keeps for later.
func closeIdle() { http.DefaultClient.CloseIdleConnections() }
