package socket_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
)

// frames are some that Slack sends.
func frames(tb testing.TB) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob("testdata/frames/*.json")
	if err != nil || len(names) == 0 {
		tb.Fatalf("%d frames, %v", len(names), err)
	}
	found := make(map[string][]byte)
	for _, name := range names {
		frame, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		found[strings.TrimSuffix(filepath.Base(name), ".json")] = frame
	}
	return found
}

// kinds is how many kinds of thing an envelope says that it is.
func kinds(e *socket.Envelope) int {
	n := 0
	for _, is := range []bool{e.Command != nil, e.Interaction != nil, e.Event != nil} {
		if is {
			n++
		}
	}
	return n
}

// What Slack really sends is understood.
func TestFrames(t *testing.T) {
	for name, frame := range frames(t) {
		t.Run(name, func(t *testing.T) {
			e, id, err := socket.Parse(frame)
			if err != nil {
				t.Fatal(err)
			}
			envelope := name != "hello" && name != "disconnect"
			if (e != nil) != envelope || (id != "") != envelope || envelope && kinds(e) != 1 {
				t.Errorf("it is read as %+v with the id %q", e, id)
			}
		})
	}
}

// Whatever comes, a handler gets exactly one thing to work on, which can be acknowledged.
func FuzzFrame(f *testing.F) {
	for _, frame := range frames(f) {
		f.Add(frame)
	}
	f.Add([]byte(`{"envelope_id":"E1","type":"interactive","payload":{"type":"block_actions","actions":[{"type":"hologram"}]}}`))
	f.Add([]byte(`{"envelope_id":"E1","type":"events_api","payload":{"type":"event_callback","event":{"type":"link_shared","links":7}}}`))
	f.Add([]byte(`{"payload":` + strings.Repeat("[", 1000)))
	f.Fuzz(func(t *testing.T, frame []byte) {
		e, id, err := socket.Parse(frame)
		switch {
		case err != nil && e != nil:
			t.Errorf("an envelope and %v", err)
		case e != nil && (kinds(e) != 1 || id == "" && !bytes.Contains(bytes.ToLower(frame), []byte("nvelope_"))):
			t.Errorf("a handler gets %+v with the id %q", e, id)
		}
	})
}

// The id is found in what cannot be read, as far as it goes.
func TestTheIDOfABrokenFrame(t *testing.T) {
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, tt := range []struct{ name, frame, id string }{
		{"cut off", `{"envelope_id":"E1","type":"slash_commands","payload":{"command":"/pip`, "E1"},
		{"cut off before it", `{"type":"slash_commands","payload":{"command":"/pip`, ""},
		{"nested too deeply", `{"type":"interactive","payload":` + deep + `,"envelope_id":"E1"}`, "E1"},
		{"rubbish after it", `{"type":"hello","envelope_id":"E1"}}}`, "E1"},
		{"another one within", `{"payload":{"envelope_id":"E2"},"envelope_id":"E1"}`, "E1"},
		{"only one within", `{"payload":{"envelope_id":"E2"}}`, ""},
		{"in a list", `[{"envelope_id":"E2"}]`, ""},
		{"as a value", `{"type":"envelope_id","id":"E2"}`, ""},
		{"no text", `{"envelope_id":["E2"]}`, ""},
		{"nothing", ``, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, id, _ := socket.Parse([]byte(tt.frame)); id != tt.id {
				t.Errorf("found %q, want %q", id, tt.id)
			}
		})
	}
}

// What is broken, huge or odd is acknowledged where it has an id, and ends nothing.
func TestBadFrames(t *testing.T) {
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, tt := range []struct {
		name    string
		frame   string
		binary  bool
		handled bool
	}{
		{name: "cut off", frame: `{"envelope_id":"E1","type":"slash_commands","payload":{"command":"/pip`},
		{name: "nested too deeply", frame: `{"envelope_id":"E1","type":"interactive","payload":` + deep + `}`},
		{name: "far too large", frame: `{"envelope_id":"E1","type":"slash_commands","payload":{"text":"` + strings.Repeat("x", socket.MaxFrame) + `"}}`},
		{name: "1 MB", frame: `{"envelope_id":"E1","type":"slash_commands","payload":{"text":"` + strings.Repeat("x", 1<<20) + `"}}`, handled: true},
		{name: "binary", frame: `{"envelope_id":"E1","type":"slash_commands","payload":{}}`, binary: true, handled: true},
		{name: "no UTF-8", frame: "{\"envelope_id\":\"E1\",\"type\":\"slash_commands\",\"payload\":{\"text\":\"\xff\xfe\"}}", handled: true},
		{name: "no JSON at all", frame: "{\"envelope_id\":\"E1\"\x00\xff", binary: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handled := make(chan struct{}, 10)
			w := newWorkspaceOf(t, slacktest.Config{AckTimeout: soon}, func(context.Context, *socket.Envelope) { handled <- struct{}{} })
			w.connect()
			deliver := w.Deliver
			if tt.binary {
				deliver = w.DeliverBinary
			}
			deliver([]byte(tt.frame))
			w.acked("E1")
			if got := len(handled); got > 0 != tt.handled {
				t.Errorf("%d were handled", got)
			}
			if err := w.command(); err != nil {
				t.Errorf("alice sees %v", err)
			}
			if n := w.opened(); n != 2 {
				t.Errorf("it took %d connections", n)
			}
			w.clean()
		})
	}
}

// A flood of them does not flood the log, which tells nothing of what was in them.
func TestBadFramesAreLoggedOnce(t *testing.T) {
	w := start(t, func(context.Context, *socket.Envelope) {})
	for i := range 500 {
		w.Deliver(fmt.Appendf(nil, `{"envelope_id":"E%d","type":"hush","payload":"hush"}`, i))
	}
	for i := range 500 {
		w.acked(fmt.Sprintf("E%d", i))
	}
	if n := w.said("cannot be understood"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	if w.said("hush") > 0 {
		t.Errorf("what was in them is logged:\n%s", w.logged())
	}
}
