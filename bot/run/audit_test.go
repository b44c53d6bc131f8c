package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pipebot/bot/run"
)

func openAudit(t testing.TB, cfg run.StoreConfig) *run.Audit {
	t.Helper()
	a, err := run.OpenAudit(testContext(t), open(t, cfg), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newAudit(t testing.TB) *run.Audit {
	t.Helper()
	return openAudit(t, run.StoreConfig{Dir: t.TempDir()})
}

// appendAll appends a request by each of the IDs.
func appendAll(t testing.TB, a *run.Audit, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := a.Append(testContext(t), run.Entry{ID: id, Kind: run.EntryRequest}); err != nil {
			t.Fatal(err)
		}
	}
}

type line struct {
	Seq uint64
	run.Entry
}

func exported(t testing.TB, a *run.Audit, since time.Time) (lines []line) {
	t.Helper()
	var out bytes.Buffer
	n, err := a.Export(testContext(t), &out, since)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(out.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, l)
	}
	if n != len(lines) {
		t.Errorf("it says %d lines and writes %d", n, len(lines))
	}
	return lines
}

func found(t testing.TB, a *run.Audit, f run.Filter) []string {
	t.Helper()
	entries, err := a.Find(testContext(t), f)
	if err != nil {
		t.Fatal(err)
	}
	return entryIDs(entries)
}

func entryIDs(entries []run.Entry) (ids []string) {
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func lineIDs(lines []line) (ids []string) {
	for _, l := range lines {
		ids = append(ids, l.ID)
	}
	return ids
}

// What is appended is what is read, through a restart too.
func TestAuditKeepsEntries(t *testing.T) {
	t.Parallel()
	ctx, cfg := testContext(t), run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour}
	want := run.Entry{
		ID: "V1:decision", At: noon, Kind: run.EntryDecision, Action: "run", User: "U1", Team: "T1", GitLabUser: "alice",
		Channel: "C1", Project: "group/app", Ref: "release/<2>", RefKind: "branch", SHA: "abc", BuildType: "release",
		Run: "V1", Pipeline: 42, Outcome: "refused", Rule: "3: no releases", Reason: "it is „late“", Variables: []string{"APP_ENV"},
	}
	for i := range reflect.ValueOf(want).NumField() {
		if reflect.ValueOf(want).Field(i).IsZero() {
			t.Fatalf("this test leaves %s empty", reflect.TypeFor[run.Entry]().Field(i).Name)
		}
	}
	conn, err := run.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	a, err := run.OpenAudit(ctx, conn, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Append(ctx, want); err != nil {
		t.Fatal(err)
	}
	conn.Close()

	a = openAudit(t, cfg)
	appendAll(t, a, "second")
	lines := exported(t, a, time.Time{})
	if len(lines) != 2 || lines[0].Seq != 1 || lines[1].Seq != 2 || lines[1].ID != "second" {
		t.Fatalf("exported: %+v", lines)
	}
	if diff := cmp.Diff(want, lines[0].Entry); diff != "" {
		t.Errorf("(-appended +exported):\n%s", diff)
	}
	entries, err := a.Find(ctx, run.Filter{})
	if err != nil || len(entries) != 2 {
		t.Fatalf("found: %+v, %v", entries, err)
	}
	if diff := cmp.Diff(want, entries[1]); diff != "" {
		t.Errorf("(-appended +found):\n%s", diff)
	}
	if at := entries[0].At; time.Since(at) > patience || time.Until(at) > patience {
		t.Errorf("an entry without a time is of %s", at)
	}
}

// Nobody takes anything out of the log, by no way that JetStream has for it.
func TestAuditIsAppendOnly(t *testing.T) {
	t.Parallel()
	a, ctx := newAudit(t), testContext(t)
	appendAll(t, a, "1", "2", "3")
	for name, take := range map[string]func() error{
		"delete":           func() error { return a.Stream().DeleteMsg(ctx, 2) },
		"delete and erase": func() error { return a.Stream().SecureDeleteMsg(ctx, 2) },
		"purge":            func() error { return a.Stream().Purge(ctx) },
		"purge a part":     func() error { return a.Stream().Purge(ctx, jetstream.WithPurgeSequence(3)) },
		"roll up": func() error {
			return a.PublishRaw(ctx, &nats.Msg{Header: nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupAll}}})
		},
		"let one expire": func() error { return a.PublishRaw(ctx, &nats.Msg{Header: nats.Header{"Nats-TTL": {"1s"}}}) },
		"allow deleting": func() error {
			return a.SetConfig(ctx, func(c *jetstream.StreamConfig) { c.DenyDelete = false })
		},
		"allow purging": func() error {
			return a.SetConfig(ctx, func(c *jetstream.StreamConfig) { c.DenyPurge = false })
		},
		"allow rolling up": func() error {
			return a.SetConfig(ctx, func(c *jetstream.StreamConfig) { c.AllowRollup = true })
		},
	} {
		if err := take(); err == nil {
			t.Errorf("%s: it is done", name)
		}
	}
	if got := lineIDs(exported(t, a, time.Time{})); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("%q are left", got)
	}
}

// One that comes twice is written once, though the bot died in between; one without an
// ID is another one each time.
func TestAuditDedupe(t *testing.T) {
	t.Parallel()
	ctx, cfg := testContext(t), run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour}
	for range 2 {
		conn, err := run.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		a, err := run.OpenAudit(ctx, conn, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, a, "V1:request", "V1:request", "")
		conn.Close()
	}
	if got := lineIDs(exported(t, openAudit(t, cfg), time.Time{})); !slices.Equal(got, []string{"V1:request", "", ""}) {
		t.Errorf("%q were written", got)
	}
}

// The retention is what the bot was started with last. Who only reads changes nothing.
func TestAuditRetention(t *testing.T) {
	t.Parallel()
	ctx, conn := testContext(t), open(t, run.StoreConfig{Dir: t.TempDir()})
	if _, err := run.ReadAudit(ctx, conn); !errors.Is(err, run.ErrNoAudit) {
		t.Errorf("reading a log that is not there: %v", err)
	}
	for _, retention := range []time.Duration{24 * time.Hour, 8760 * time.Hour, time.Minute} {
		a, err := run.OpenAudit(ctx, conn, retention)
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, a, fmt.Sprint(retention))
		if a, err = run.ReadAudit(ctx, conn); err != nil {
			t.Fatal(err)
		}
		info, err := a.Stream().Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if info.Config.MaxAge != retention || info.Config.Storage != jetstream.FileStorage {
			t.Errorf("kept for %s in %s, want %s", info.Config.MaxAge, info.Config.Storage, retention)
		}
		if want := min(2*time.Hour, retention); info.Config.Duplicates != want {
			t.Errorf("IDs are known for %s, want %s", info.Config.Duplicates, want)
		}
	}
}

// Every text of an entry is made harmless: this goes through all fields there are.
func TestAuditCleansEveryText(t *testing.T) {
	t.Parallel()
	a, ctx := newAudit(t), testContext(t)
	hostile := "one\ntwo\r\u2028three \x00\x1b[31m\xff glptt-s3cret " + strings.Repeat("ä", 1000)
	e := run.Entry{}
	fields := reflect.ValueOf(&e).Elem()
	for i := range fields.NumField() {
		if fields.Field(i).Kind() == reflect.String {
			fields.Field(i).SetString(hostile)
		}
	}
	e.ID, e.Kind, e.Variables = "", run.EntryAction, slices.Repeat([]string{hostile}, 150)
	if err := a.Append(ctx, e); err != nil {
		t.Fatal(err)
	}
	if e.Variables[0] != hostile {
		t.Error("the caller's entry was changed")
	}
	entries, err := a.Find(ctx, run.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, text string) {
		if !strings.HasPrefix(text, "one two  three   [31m\uFFFD *** ää") || utf8.RuneCountInString(text) != run.LongestText {
			t.Errorf("%s is %q", name, text)
		}
	}
	fields = reflect.ValueOf(entries[0])
	for i := range fields.NumField() {
		if name := fields.Type().Field(i).Name; fields.Field(i).Kind() == reflect.String && name != "ID" && name != "Kind" {
			check(name, fields.Field(i).String())
		}
	}
	variables := entries[0].Variables
	check("the first variable", variables[0])
	if len(variables) != 101 || variables[100] != "and 50 more" {
		t.Errorf("%d variables, the last is %q", len(variables), variables[len(variables)-1])
	}
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "",
		" feature/login ":                 "feature/login",
		"ünïcödé 🚀":                       "ünïcödé 🚀",
		"glptt-0123_ab-c.d= x":            "*** x",
		"token:glpat-abc,xoxb-1-2-a":      "token:***,***",
		"XAPP-1-A and xoxp-2 and xoxe.3":  "*** and *** and ***",
		"gl\u200bpat-abc":                 "***",
		"safe\u202Egpj.exe":               "safegpj.exe",
		"feature/global-search gl-x xox-": "feature/global-search gl-x xox-",
		"a\tb\nc":                         "a b c",
		strings.Repeat("a", 500):          strings.Repeat("a", 500),
		strings.Repeat("a", 501):          strings.Repeat("a", 499) + "…",
		strings.Repeat("a", 498) + "glptt-" + strings.Repeat("b", 20): strings.Repeat("a", 498) + "*…",
	} {
		if got := run.CleanText(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// What cannot be kept as it is meant is refused, and the refusal repeats no token.
func TestAuditRefuses(t *testing.T) {
	t.Parallel()
	a, ctx := newAudit(t), testContext(t)
	for name, e := range map[string]run.Entry{
		"no kind":          {},
		"another kind":     {Kind: "glptt-s3cret"},
		"unreadable":       {Kind: run.EntryUnreadable},
		"an id of 2 lines": {Kind: run.EntryRequest, ID: "a\nNats-TTL: 1s"},
		"an id too long":   {Kind: run.EntryRequest, ID: strings.Repeat("a", 201)},
		"an id with token": {Kind: run.EntryRequest, ID: "V1:glptt-s3cret"},
	} {
		if err := a.Append(ctx, e); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if lines := exported(t, a, time.Time{}); len(lines) > 0 {
		t.Errorf("written: %+v", lines)
	}
}

// One that cannot be read is shown as such, and hides no other.
func TestAuditShowsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	a, ctx := newAudit(t), testContext(t)
	appendAll(t, a, "1")
	if err := a.PublishRaw(ctx, &nats.Msg{Data: []byte("hello\nworld")}); err != nil {
		t.Fatal(err)
	}
	appendAll(t, a, "3")
	lines := exported(t, a, time.Time{})
	if len(lines) != 3 || lines[1].Kind != run.EntryUnreadable || lines[1].At.IsZero() || lines[2].ID != "3" {
		t.Errorf("exported: %+v", lines)
	}
}

func TestAuditFind(t *testing.T) {
	t.Parallel()
	a, ctx := newAudit(t), testContext(t)
	a.SetReach(3, 100) // so that it takes several parts
	if got := found(t, a, run.Filter{}); got != nil {
		t.Errorf("found in an empty log: %q", got)
	}
	var middle time.Time
	for i := range 10 {
		if i == 5 {
			middle = time.Now()
		}
		e := run.Entry{
			ID: fmt.Sprint(i), Kind: run.EntryRequest, At: noon, // not when it was written
			Project: []string{"group/app", "group/api"}[i%2], User: []string{"U1", "U2", "U3"}[i%3], Team: []string{"T1", "T2"}[i/5],
		}
		if err := a.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		filter run.Filter
		want   string
	}{
		"all":               {run.Filter{}, "9 8 7 6 5 4 3 2 1 0"},
		"of a project":      {run.Filter{Project: "group/app"}, "8 6 4 2 0"},
		"of a person":       {run.Filter{User: "U1"}, "9 6 3 0"},
		"of a team":         {run.Filter{Team: "T2"}, "9 8 7 6 5"},
		"of all three":      {run.Filter{Project: "group/app", User: "U1", Team: "T1"}, "0"},
		"since":             {run.Filter{Since: middle}, "9 8 7 6 5"},
		"the newest":        {run.Filter{Limit: 1}, "9"},
		"a part exactly":    {run.Filter{Limit: 3}, "9 8 7"},
		"several, of a few": {run.Filter{Limit: 2, Project: "group/app", Since: middle}, "8 6"},
		"nothing":           {run.Filter{Project: "group"}, ""},
		"nothing yet":       {run.Filter{Since: time.Now().Add(time.Hour)}, ""},
	} {
		if got := strings.Join(found(t, a, tt.filter), " "); got != tt.want {
			t.Errorf("%s: found %q, want %q", name, got, tt.want)
		}
	}
	if list := a.Stream().ListConsumers(ctx); readers(list) > 0 {
		t.Error("readers are left behind")
	}
}

// It reads so much and no more, says so, and gives what it has.
func TestAuditFindIsBounded(t *testing.T) {
	t.Parallel()
	a, ctx := newAudit(t), testContext(t)
	for i := range 10 {
		appendAll(t, a, fmt.Sprint(i))
	}
	for reach, want := range map[uint64]string{7: "9 8 7 6 5 4 3", 9: "9 8 7 6 5 4 3 2 1", 10: "9 8 7 6 5 4 3 2 1 0"} {
		a.SetReach(3, reach)
		entries, err := a.Find(ctx, run.Filter{})
		if got := strings.Join(entryIDs(entries), " "); got != want || errors.Is(err, run.ErrNotAll) != (reach < 10) {
			t.Errorf("reading %d: %q, %v", reach, got, err)
		}
	}
	a.SetReach(3, 7)
	if entries, err := a.Find(ctx, run.Filter{Limit: 7}); err != nil || len(entries) != 7 {
		t.Errorf("as many as were asked for: %d, %v", len(entries), err)
	}
}

func TestAuditFindDefaultLimit(t *testing.T) {
	t.Parallel()
	a := newAudit(t)
	for i := range 101 {
		appendAll(t, a, fmt.Sprint(i))
	}
	if got := found(t, a, run.Filter{}); len(got) != 100 || got[99] != "1" {
		t.Errorf("found %d, the last is %s", len(got), got[len(got)-1])
	}
}

func TestAuditExportSince(t *testing.T) {
	t.Parallel()
	a := newAudit(t)
	if got := exported(t, a, time.Time{}); got != nil {
		t.Errorf("of an empty log: %+v", got)
	}
	appendAll(t, a, "1", "2")
	middle := time.Now()
	appendAll(t, a, "3", "4")
	for name, tt := range map[string]struct {
		since time.Time
		want  string
	}{
		"all": {time.Time{}, "1 2 3 4"}, "long ago": {middle.Add(-time.Hour), "1 2 3 4"},
		"since": {middle, "3 4"}, "in an hour": {middle.Add(time.Hour), ""},
	} {
		if got := strings.Join(lineIDs(exported(t, a, tt.since)), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// brokenWriter takes a while of lines.
type brokenWriter struct{ left int }

var errBroken = errors.New("no space left")

func (w *brokenWriter) Write(data []byte) (int, error) {
	if w.left == 0 {
		return 0, errBroken
	}
	w.left--
	return len(data), nil
}

// An export that was not complete is an error, and says how far it came.
func TestAuditExportFails(t *testing.T) {
	t.Parallel()
	a := newAudit(t)
	appendAll(t, a, "1", "2", "3")
	if n, err := a.Export(testContext(t), &brokenWriter{left: 2}, time.Time{}); n != 2 || !errors.Is(err, errBroken) {
		t.Errorf("to a full disk: %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	n, err := a.Export(ctx, writerFunc(func() { cancel() }), time.Time{})
	if n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped after the first: %d, %v", n, err)
	}
}

type writerFunc func()

func (f writerFunc) Write(data []byte) (int, error) { f(); return len(data), nil }

// What is appended while it exports is left out: it comes to an end.
func TestAuditExportEnds(t *testing.T) {
	t.Parallel()
	a := newAudit(t)
	const entries = 600 // more than come at a time
	appendAll(t, a, slices.Repeat([]string{""}, entries)...)
	var once sync.Once
	oneMore := func() { once.Do(func() { appendAll(t, a, "") }) }
	if n, err := a.Export(testContext(t), writerFunc(oneMore), time.Time{}); n != entries || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}

func readers(list jetstream.ConsumerInfoLister) (n int) {
	for range list.Info() {
		n++
	}
	return n
}

// Of several who write the same entry down, one is told that it is the first.
func TestAuditAppendOnce(t *testing.T) {
	a := newAudit(t)
	ctx := testContext(t)
	e := run.Entry{ID: "trigger-token/V1", Kind: run.EntryAction, Action: "tokens"}
	firsts := make(chan bool)
	for range 8 {
		go func() {
			first, err := a.AppendOnce(ctx, e)
			if err != nil {
				t.Error(err)
			}
			firsts <- first
		}()
	}
	count := 0
	for range 8 {
		if <-firsts {
			count++
		}
	}
	if got := len(exported(t, a, time.Time{})); count != 1 || got != 1 {
		t.Errorf("%d were told that they are the first, and there are %d entries", count, got)
	}
	if first, err := a.AppendOnce(ctx, run.Entry{Kind: run.EntryAction}); first || err == nil {
		t.Errorf("an entry without an id: %t, %v", first, err)
	}
}
