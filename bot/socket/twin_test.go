package socket_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

// free lets connections be opened as fast as they come.
func free(context.Context) error { return nil }

func TestTwoConnections(t *testing.T) {
	w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) {})
	w.ConnectElsewhere(3)
	w.connect()
	got := [][2]int{<-w.hellos, <-w.hellos}
	if diff := cmp.Diff([][2]int{{1, 4}, {2, 5}}, got); diff != "" {
		t.Errorf("own connections and all at each hello (-want +got):\n%s", diff)
	}
	if n, fault := w.socket.State(); n != 2 || fault != nil {
		t.Errorf("%d stand, %v", n, fault)
	}
}

func TestRenewal(t *testing.T) {
	const life = 4 * time.Hour
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := begin.Add
	for _, tt := range []struct {
		name  string
		a, b  time.Duration
		life  time.Duration
		which int
		due   time.Time
	}{
		{"opened together", 0, 0, life, 1, at(2 * time.Hour)},
		{"the second a moment later", 0, time.Second, life, 1, at(2*time.Hour + time.Second)},
		{"the first is the younger", time.Second, 0, life, 0, at(2*time.Hour + time.Second)},
		{"close yet", 0, time.Hour - 1, life, 1, at(3*time.Hour - 1)},
		{"a quarter apart", 0, time.Hour, life, 0, time.Time{}},
		{"half apart", 2 * time.Hour, 0, life, 0, time.Time{}},
		{"as it is after that renewal", 0, 2 * time.Hour, life, 0, time.Time{}},
		{"Slack does not say how long", 0, 0, 0, 0, time.Time{}},
		{"nonsense", 0, 0, -time.Hour, 0, time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			which, due := socket.Renewal(at(tt.a), at(tt.b), tt.life)
			if which != tt.which || !due.Equal(tt.due) {
				t.Errorf("renewed are %d at %s, want %d at %s", which, due, tt.which, tt.due)
			}
		})
	}
}

// Whenever the two begin, and however often each is refreshed at the end of its life, from
// the first renewal on they never end within a quarter of it.
func TestRenewalKeepsThemApart(t *testing.T) {
	const life = 100 * time.Second
	for offset := range life / time.Second {
		hellos := [2]time.Time{time.Unix(0, 0), time.Unix(int64(offset), 0)}
		renewals := 0
		for range 20 {
			which, at := socket.Renewal(hellos[0], hellos[1], life)
			first := 0 // which Slack ends next
			if hellos[1].Before(hellos[0]) {
				first = 1
			}
			if end := hellos[first].Add(life); at.IsZero() || at.After(end) {
				which, at = first, end
			} else {
				renewals++
			}
			hellos[which] = at
		}
		if gap := hellos[0].Sub(hellos[1]).Abs(); gap < life/4 || gap > 3*life/4 {
			t.Errorf("begun %ds apart they come to be %s apart", offset, gap)
		}
		if renewals > 1 {
			t.Errorf("begun %ds apart they are renewed %d times", offset, renewals)
		}
	}
}

// Slack ends each connection after its time; one stands at every moment.
func TestOneAlwaysStands(t *testing.T) {
	t.Parallel()
	w := newWorkspaceOf(t, slacktest.Config{ConnectionTime: 4 * time.Second}, func(context.Context, *socket.Envelope) {})
	w.socket.Gate(free)
	w.connect()
	for w.opened() < 6 {
		if err := w.command(); err != nil {
			t.Fatalf("alice sees %v\n%s", err, w.logged())
		}
	}
	if n := w.Gaps(); n != 0 {
		t.Errorf("%d times there was no connection\n%s", n, w.logged())
	}
	if n := strings.Count(w.logged(), "renewing"); n < 1 {
		t.Errorf("no connection was renewed\n%s", w.logged())
	}
	w.clean()
}

// The next connection stands before the old one is given up, which finishes what it has in
// hand and takes what comes yet.
func TestAWarningIsHeeded(t *testing.T) {
	started, release := make(chan struct{}, 20), make(chan struct{})
	w := start(t, func(_ context.Context, e *socket.Envelope) {
		started <- struct{}{}
		<-release
	})
	seen := make(chan error, 20)
	ask := func() { seen <- w.command() }
	for range 10 {
		go ask()
		<-started
	}
	w.DisconnectOldest("warning")
	if err := w.WaitConnected(w.ctx, 3); err != nil {
		t.Fatalf("the next one is not there before the old one goes: %v", err)
	}
	for range 10 {
		go ask()
		<-started
	}
	close(release)
	for range 20 {
		if err := <-seen; err != nil {
			t.Errorf("alice sees %v", err)
		}
	}
	if err := w.Wait(w.ctx, func() bool { return w.Connections() == 2 }); err != nil {
		t.Errorf("the old connection stays: %v", err)
	}
	if n := len(w.Acks()); n != 20 {
		t.Errorf("%d acknowledgements of 20 deliveries", n)
	}
	w.clean()
}

// While one is lost, and may not be opened again, the other serves.
func TestOneIsLost(t *testing.T) {
	granted := make(chan struct{}, 2)
	w := newWorkspace(t, func(context.Context, *socket.Envelope) {})
	w.socket.Gate(func(ctx context.Context) error {
		select {
		case <-granted:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	granted <- struct{}{}
	granted <- struct{}{}
	w.connect()
	w.DropConnection()
	w.stand(1)
	for range 10 {
		if err := w.command(); err != nil {
			t.Errorf("alice sees %v", err)
		}
	}
	if n := w.Gaps(); n != 0 {
		t.Errorf("%d times there was no connection", n)
	}
	granted <- struct{}{}
	w.stand(2)
	w.clean()
}

// An acknowledgement that gets lost with its connection brings the same thing once more,
// under another envelope_id.
func TestALostAcknowledgement(t *testing.T) {
	triggers := make(chan string, 2)
	w := newWorkspace(t, func(_ context.Context, e *socket.Envelope) { triggers <- e.Command.TriggerID })
	w.connect()
	w.LoseAcks(1)
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
	if first, second := <-triggers, <-triggers; first == "" || first != second {
		t.Errorf("the deliveries have the triggers %q and %q", first, second)
	}
	w.clean()
}

// said is how often the log has a text.
func (w *workspace) said(text string) int { return strings.Count(w.logged(), text) }

// A process that gets no second connection goes on with one, says so once, and has the
// second as soon as there is room.
func TestTooManyConnections(t *testing.T) {
	w := newWorkspace(t, func(context.Context, *socket.Envelope) {})
	w.socket.Hasten(time.Millisecond)
	w.socket.Gate(free)
	w.ConnectElsewhere(9)
	w.run()
	if err := w.Wait(w.ctx, func() bool { return w.opened() > 6 }); err != nil {
		t.Fatal(err)
	}
	w.stand(1)
	if n, fault := w.socket.State(); n != 1 || !errors.Is(fault, socket.ErrTooMany) {
		t.Errorf("%d stand, %v", n, fault)
	}
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
	if n := w.said("10 connections"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, w.logged())
	}
	w.ConnectElsewhere(0)
	w.stand(2)
	if _, fault := w.socket.State(); fault != nil {
		t.Errorf("what is wrong is still %v", fault)
	}
}

// Where Slack allows no third connection, the old one goes first, while the other stands.
func TestARenewalAtTheLimit(t *testing.T) {
	w := newWorkspace(t, func(context.Context, *socket.Envelope) {})
	w.socket.Hasten(time.Millisecond)
	w.socket.Gate(free)
	w.connect()
	w.ConnectElsewhere(8)
	old := w.Hellos()[0]
	w.DisconnectOldest("warning")
	if err := w.Wait(w.ctx, func() bool { at := w.Hellos(); return len(at) == 2 && at[0] != old && at[1] != old }); err != nil {
		t.Fatalf("not renewed: %v\n%s", err, w.logged())
	}
	if gaps, most := w.Gaps(), w.MostConnections(); gaps != 0 || most != 2 {
		t.Errorf("%d times there was no connection, and up to %d at once", gaps, most)
	}
	w.clean()
}

// The old one counts until it has ended, which takes until all that came on it is
// acknowledged. The next one is not asked for before.
func TestARenewalAtTheLimitWaitsForTheOldOne(t *testing.T) {
	t.Parallel()
	const envelopes = 4
	started, release := make(chan struct{}, envelopes), make(chan struct{})
	w := newWorkspaceOf(t, slacktest.Config{AckTimeout: soon}, func(context.Context, *socket.Envelope) {
		started <- struct{}{}
		<-release // and what is in hand is acknowledged when it becomes late
	})
	w.socket.Hasten(time.Millisecond)
	turn, acked := 0, make(chan int, 1)
	w.socket.Gate(func(context.Context) error {
		if turn++; turn == 4 { // after the two of the start, and the one that is refused
			acked <- len(w.Acks())
		}
		return nil
	})
	w.connect()
	var asking sync.WaitGroup
	for range envelopes {
		asking.Go(func() {
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
		})
		<-started
	}
	w.ConnectElsewhere(8)
	w.DisconnectOldest("warning")
	if n := <-acked; n == 0 {
		t.Error("the next one is asked for while the old one has something in hand")
	}
	w.stand(2)
	close(release)
	asking.Wait()
	if n := w.Gaps(); n != 0 {
		t.Errorf("%d times there was no connection", n)
	}
}

// Connections of a process that was killed count for a while: where none stands, a line
// comes again soon. Where one does, nothing is missed.
func TestTheWaitForRoom(t *testing.T) {
	const first, most = 100 * time.Millisecond, 30 * time.Second
	for _, tt := range []struct {
		name     string
		err      error
		failures int
		other    bool
		from, to time.Duration
	}{
		{"none stands, at first", socket.ErrTooMany, 0, false, first / 2, first},
		{"none stands, later", socket.ErrTooMany, 3, false, 4 * first, 8 * first},
		{"none stands for long", socket.ErrTooMany, 1000, false, most / 2, most},
		{"one stands, at first", socket.ErrTooMany, 0, true, first / 2, first},
		{"one stands, the last soon", socket.ErrTooMany, socket.Several - 1, true, 8 * first, 16 * first},
		{"one stands for long", socket.ErrTooMany, socket.Several, true, 5 * time.Minute, 5 * time.Minute},
		{"switched off", socket.ErrDisabled, 0, false, time.Minute, time.Minute},
		{"a connection ended", errors.New("ended"), 0, true, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := socket.RetryAfter(tt.err, tt.failures, tt.other); d < tt.from || d > tt.to {
				t.Errorf("it waits %s, want %s to %s", d, tt.from, tt.to)
			}
		})
	}
}

// Socket Mode that is switched off is said once, and tried again now and then: it may be
// switched on again.
func TestSocketModeIsSwitchedOff(t *testing.T) {
	w := newWorkspace(t, func(context.Context, *socket.Envelope) {})
	w.socket.Hasten(time.Millisecond)
	w.socket.Gate(free)
	w.connect()
	w.SocketMode(false)
	if err := w.Wait(w.ctx, func() bool { return w.opened() > 8 }); err != nil {
		t.Fatal(err)
	}
	if n, fault := w.socket.State(); n != 0 || !errors.Is(fault, socket.ErrDisabled) {
		t.Errorf("%d stand, %v", n, fault)
	}
	if n := w.said("switched off"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, w.logged())
	}
	w.SocketMode(true)
	w.stand(2)
	if err := w.command(); err != nil {
		t.Errorf("alice sees %v", err)
	}
}
