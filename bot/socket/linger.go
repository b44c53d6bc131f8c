package socket

import (
	"context"
	"io"
	"net"
	"time"
)

// lingerWithin bounds the wait for the other side to close too.
const lingerWithin = time.Second

// lingering is a TCP connection that is closed gently. Closed with something unread
// (an envelope that came just now), TCP resets it, and the acknowledgements that
// are under way are lost with it.
type lingering struct{ *net.TCPConn }

// Close says that nothing more comes, reads until the other side has had
// everything and closes as well, and closes.
func (c lingering) Close() error {
	if c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerWithin)) == nil {
		_, _ = io.Copy(io.Discard, c.TCPConn)
	}
	return c.TCPConn.Close()
}

// dialLingering is the standard dialer, for connections that linger.
func dialLingering(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		return lingering{tcp}, err
	}
	return conn, err
}
