package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/socketmode"
)

const (
	// openWithin bounds all that it takes to open a connection, hello included.
	openWithin = 20 * time.Second
	// silence ends a connection: Slack pings every few seconds.
	silence = 30 * time.Second
	// writeWithin bounds the writing of one frame.
	writeWithin = 5 * time.Second
	// closeWithin bounds the wait for Slack to close too.
	closeWithin = time.Second
	// maxFrame is far more than Slack sends: a view has at most 250 kB.
	maxFrame = 4 << 20
)

// conn is one WebSocket on which Slack has said hello.
type conn struct {
	ws    *websocket.Conn
	hello hello
	all   int           // connections of the app, says Slack
	gone  chan struct{} // is closed when nothing more is read

	writing sync.Mutex

	// These belong to Socket.mu.
	takes      bool  // acknowledgements
	unanswered int   // envelopes that came on it
	leaving    error // why Slack is about to end it
	ended      bool
}

// dial opens a connection and waits for hello.
func (s *Socket) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	_, address, err := s.api.StartSocketModeContext(ctx)
	if err != nil {
		return nil, err
	}
	ws, response, err := s.dialer.DialContext(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	c := &conn{ws: ws, gone: make(chan struct{})}
	pong := ws.PingHandler()
	ws.SetPingHandler(func(data string) error {
		c.alive()
		return pong(data)
	})
	interrupt := context.AfterFunc(ctx, func() { ws.Close() })
	defer interrupt()
	if err := c.greeted(); err != nil {
		ws.Close()
		return nil, err
	}
	return c, nil
}

// greeted reads until hello, which is the first thing that Slack says where it lets the
// connection be.
func (c *conn) greeted() error {
	for {
		frame, err := c.next()
		if err != nil {
			return errNoHello
		}
		request, _, err := parse(frame)
		switch {
		case err != nil:
		case request.Type == socketmode.RequestTypeDisconnect:
			return refusal(request.Reason)
		case request.Type == socketmode.RequestTypeHello:
			c.all = request.NumConnections
			c.hello = hello{at: time.Now(), life: time.Duration(request.DebugInfo.ApproximateConnectionTime) * time.Second}
			return nil
		}
	}
}

// alive gives the connection more time to be silent.
func (c *conn) alive() { _ = c.ws.SetReadDeadline(time.Now().Add(silence)) }

// next is the next frame, of which no more is kept than maxFrame and a byte.
func (c *conn) next() ([]byte, error) {
	c.alive()
	_, reader, err := c.ws.NextReader()
	if err != nil {
		return nil, fmt.Errorf("reading from Slack: %w", err)
	}
	frame, err := io.ReadAll(io.LimitReader(reader, maxFrame+1))
	if err != nil {
		return nil, fmt.Errorf("reading from Slack: %w", err)
	}
	return frame, nil // NextReader passes over the rest
}

// write returns once the frame is on the wire. After an error nothing more is.
func (c *conn) write(frame []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	err := errors.Join(c.ws.SetWriteDeadline(time.Now().Add(writeWithin)), c.ws.WriteMessage(websocket.TextMessage, frame))
	if err != nil {
		return fmt.Errorf("writing to Slack: %w", err)
	}
	return nil
}

// close says goodbye, and waits for the reader to have had what was under way.
func (c *conn) close() {
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(closeWithin))
	timer := time.NewTimer(closeWithin)
	defer timer.Stop()
	select {
	case <-c.gone:
	case <-timer.C:
		c.ws.Close()
		<-c.gone
	}
}
