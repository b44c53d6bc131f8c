package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/zap"
)

const (
	// answerWithin is how long a handler has for its answer: Slack waits 3 s, and
	// the frame has to travel.
	answerWithin = 2700 * time.Millisecond
	// handleWithin is how long it may go on after it has acknowledged.
	handleWithin = 15 * time.Second
	// workers is how many envelopes are handled at once. Beyond that people are
	// told to try again, which is kinder than a late answer.
	workers = 64
	// drainWithin bounds the wait for handlers and acknowledgements at the end.
	drainWithin = 5 * time.Second
)

// Slack counts apps.connections.open as tier 1: at least one a minute, with bursts
// allowed. A server that closes each connection at once would have slack-go open
// thousands a second; this stays close to the tier and still comes back soon.
const (
	openBurst = 6
	openEvery = 20 * time.Second
)

// ErrRejected: Slack does not accept the app token, and trying again will not help.
var ErrRejected = errors.New("Slack rejects the app token") //nolint:staticcheck // a name

// Config says how to connect.
type Config struct {
	AppToken string
	// APIURL is Slack's Web API, with the slash at the end.
	APIURL string
	Handle Handler
	// Connections, when set, is told at each hello how many connections of the app are
	// this process's, and how many there are.
	Connections func(own, all int)
	Log         *zap.Logger
}

// Socket is one Socket Mode connection that is opened anew whenever it ends.
type Socket struct {
	cfg       Config
	opening   *paced
	dialer    *websocket.Dialer
	client    *socketmode.Client
	written   *writes
	queued    atomic.Int64
	connected atomic.Bool
}

// New prepares a connection. It opens none before Run.
func New(cfg Config) *Socket {
	opening := newPaced(openEvery, openBurst)
	api := slack.New("", // the bot token is no business of this connection
		slack.OptionAppLevelToken(cfg.AppToken),
		slack.OptionAPIURL(cfg.APIURL),
		slack.OptionHTTPClient(&http.Client{Transport: opening}),
	)
	written := newWrites()
	dialer := &websocket.Dialer{
		NetDialContext:   dialLingering,
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		// Larger than any answer: Slack does not put continuation frames together.
		WriteBufferSize: 32 << 10,
		WriteBufferPool: written,
	}
	client := socketmode.New(api, socketmode.OptionDialer(dialer))
	return &Socket{cfg: cfg, opening: opening, dialer: dialer, client: client, written: written}
}

// Connected reports whether Slack has said hello on the connection that stands.
func (s *Socket) Connected() bool { return s.connected.Load() }

// Run connects and hands out envelopes until ctx ends; then it takes no new ones,
// lets those in hand finish, sends what is acknowledged, and returns nil. It
// returns ErrRejected where connecting again is of no use.
func (s *Socket) Run(ctx context.Context) error {
	defer s.connected.Store(false)
	// The connection outlives ctx, for the acknowledgements.
	connection, disconnect := context.WithCancelCause(context.WithoutCancel(ctx))
	defer disconnect(nil)
	ended := make(chan error, 1)
	connect := func() { ended <- s.client.RunContext(connection) }
	go connect()

	var handlers sync.WaitGroup
	slots := make(chan struct{}, workers)
	for {
		select {
		case <-ctx.Done():
			s.drain(connection, &handlers)
			disconnect(nil)
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				s.cfg.Log.Debug("the connection to Slack ended badly", zap.String("reason", connectReason(err)))
			}
			return nil
		case err := <-ended:
			s.connected.Store(false)
			if cause := context.Cause(connection); cause != nil {
				err = cause
			}
			if rejected(err) {
				handlers.Wait()
				return fmt.Errorf("%w: %w", ErrRejected, err)
			}
			// slack-go gives up at a 404 too, which a proxy may answer.
			s.cfg.Log.Warn("connecting to Slack failed", zap.String("reason", connectReason(err)))
			go connect()
		case event := <-s.client.Events:
			if ctx.Err() != nil {
				continue // nothing new any more
			}
			if err := s.event(connection, event, slots, &handlers); err != nil {
				disconnect(err)
			}
		}
	}
}

// event takes note of one event of the connection. An error means that there is no
// use in going on.
func (s *Socket) event(ctx context.Context, event socketmode.Event, slots chan struct{}, handlers *sync.WaitGroup) error {
	switch event.Type {
	case socketmode.EventTypeConnecting:
		s.connected.Store(false)
	case socketmode.EventTypeHello:
		s.connected.Store(true)
		if s.cfg.Connections != nil {
			s.cfg.Connections(1, event.Request.NumConnections)
		}
		s.cfg.Log.Info("connected to Slack", zap.Int("connections", event.Request.NumConnections))
	case socketmode.EventTypeConnectionError:
		if failure, ok := event.Data.(*slack.ConnectionErrorEvent); ok {
			s.cfg.Log.Warn("connecting to Slack failed", zap.String("reason", connectReason(failure.ErrorObj)))
			if rejected(failure.ErrorObj) {
				return failure.ErrorObj
			}
		}
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := event.Data.(*socketmode.ErrorBadMessage); ok {
			s.cfg.Log.Warn("Slack sent what cannot be understood", zap.Int("bytes", len(bad.Message)))
			if id := envelopeID(bad.Message); id != "" {
				s.ack(ctx, id, nil)
			}
		}
	case socketmode.EventTypeErrorWriteFailed:
		s.cfg.Log.Warn("an acknowledgement could not be sent; Slack will send the envelope again")
	case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
		s.dispatch(ctx, s.envelope(ctx, event), slots, handlers)
	default:
	}
	return nil
}

func (s *Socket) envelope(ctx context.Context, event socketmode.Event) *Envelope {
	e := &Envelope{acceptsPayload: event.Request.AcceptsResponsePayload}
	e.send = func(payload any) bool { return s.ack(ctx, event.Request.EnvelopeID, payload) }
	switch data := event.Data.(type) {
	case slack.SlashCommand:
		e.Command = &data
	case slack.InteractionCallback:
		e.Interaction = &data
	case slackevents.EventsAPIEvent:
		e.Event = &data
	}
	return e
}

// dispatch gives the envelope to a worker, or answers for it where none is free.
func (s *Socket) dispatch(ctx context.Context, e *Envelope, slots chan struct{}, handlers *sync.WaitGroup) {
	if e.Command == nil && e.Interaction == nil && e.Event == nil {
		e.Ack(nil) // nothing that anybody here could work on
		return
	}
	select {
	case slots <- struct{}{}:
		handlers.Go(func() {
			defer func() { <-slots }()
			s.handle(ctx, e)
		})
	default:
		s.cfg.Log.Warn("too many envelopes at once; one was turned away")
		s.turnAway(e)
	}
}

// turnAway answers for an envelope that nobody can work on. A submission is left
// alone: Slack then keeps the modal open and asks to try again, and nothing that
// was typed is lost.
func (s *Socket) turnAway(e *Envelope) {
	switch {
	case e.Command != nil:
		e.Ack(map[string]string{"text": "I am busy just now. Please try again in a moment."})
	case !e.submission():
		e.Ack(nil)
	}
}

func (s *Socket) handle(ctx context.Context, e *Envelope) {
	ctx, cancel := context.WithTimeout(ctx, handleWithin)
	defer cancel()
	// Whoever is late with an answer is acknowledged without one.
	late := time.AfterFunc(answerWithin, func() {
		if !e.submission() {
			e.Ack(nil)
		}
	})
	defer late.Stop()
	defer func() {
		if bad := recover(); bad != nil {
			s.cfg.Log.Error("handling an envelope panicked", zap.Any("panic", bad), zap.ByteString("stack", debug.Stack()))
			s.turnAway(e)
			return
		}
		e.Ack(nil)
	}()
	s.cfg.Handle(ctx, e)
}

// ack queues an acknowledgement; slack-go writes it. It reports whether it was
// taken: a payload can be too large.
func (s *Socket) ack(ctx context.Context, id string, payload any) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := s.client.AckCtx(ctx, id, payload); err != nil {
		s.cfg.Log.Warn("acknowledging an envelope failed", zap.Error(err))
		return false
	}
	s.queued.Add(1)
	return true
}

// drain waits for the handlers in hand and then until their acknowledgements are
// written: slack-go forgets what it has only queued.
func (s *Socket) drain(ctx context.Context, handlers *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		handlers.Wait()
		s.written.wait(ctx, s.queued.Load())
	}()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			s.cfg.Log.Warn("stopping while envelopes are still being handled")
			return
		case <-s.client.Events:
			// What comes now is for another connection or the next process. It has
			// to be taken all the same: slack-go neither reads nor reconnects
			// while nobody takes its events.
		}
	}
}

// rejected picks out Slack's answers that stay the same however often it is asked.
// At some of them slack-go gives up, others it would repeat for ever.
// https://docs.slack.dev/reference/methods/apps.connections.open#errors
func rejected(err error) bool {
	switch err.Error() {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type",
		"missing_args", "missing_scope", "team_access_not_granted":
		return true
	default:
		return false
	}
}

// connectReason keeps to what may be logged: a dial error holds the address of the
// connection, whose ticket is a secret.
func connectReason(err error) string {
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return answer.Err
	}
	if _, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return "rate limited"
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return status.Status
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name of the host does not resolve (" + dns.Err + ")"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return "Slack cannot be reached (" + op.Err.Error() + ")"
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted (" + certificate.Err.Error() + ")"
	}
	return "Slack cannot be reached"
}
