package app_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pipebot/bot/run"
)

// Whoever starts an older version with a shorter AUDIT_RETENTION loses nothing by it: it is
// refused for the records that it cannot read before anything is made or set.
func TestRecordsOfAnotherVersion(t *testing.T) {
	w, address := newWorld(t), freeAddress(t)
	startNATS(t, address)
	w.env["NATS_URL"], w.env["AUDIT_RETENTION"] = "nats://"+address, "24h"
	logEntries(t, run.StoreConfig{URL: w.env["NATS_URL"]}, run.Entry{ID: "V1", User: "U1"})
	nc, err := nats.Connect(w.env["NATS_URL"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := js.CreateKeyValue(w.ctx, jetstream.KeyValueConfig{Bucket: "pipebot_runs", Description: "another version's"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runs.Put(w.ctx, "run.V1", []byte(`{"format":2}`)); err != nil {
		t.Fatal(err)
	}
	streams := func() map[string]jetstream.StreamConfig {
		configs := make(map[string]jetstream.StreamConfig)
		list := js.ListStreams(w.ctx)
		for info := range list.Info() {
			configs[info.Config.Name] = info.Config
		}
		if list.Err() != nil {
			t.Fatal(list.Err())
		}
		return configs
	}
	before := streams()
	p := w.start()
	if code := p.exit(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if want := "NATS_URL: reading the runs: there are records that this version of pipebot cannot read: run.V1: "; !strings.Contains(p.stderr.String(), want) {
		t.Errorf("it says\n%s\nwithout %q", p.stderr, want)
	}
	if diff := cmp.Diff(before, streams()); diff != "" {
		t.Errorf("the streams (-before +after):\n%s", diff)
	}
}
