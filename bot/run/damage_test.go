package run_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
)

// folder is a data folder in which there is something of everything: runs, at rest and
// not, a link, a freeze, and what is noted of it.
type folder struct{ dir string }

const (
	runsOf  = 3 // in such a folder
	streams = "jetstream/$G/streams/"
	ofRuns  = streams + "KV_pipebot_runs/"
	ofAudit = streams + "PIPEBOT_AUDIT/"
)

// called is what people call what a stream keeps.
var called = map[string]string{
	"KV_pipebot_runs": "the runs", "KV_pipebot_links": "the links", "KV_pipebot_freezes": "the freezes",
	"PIPEBOT_AUDIT": "the entries of the audit log", "PIPEBOT_WORK": "the tokens of work",
}

// stopped is a folder that was closed as it should be.
func stopped(t *testing.T) folder {
	t.Helper()
	w := newWorld(t)
	conn, err := run.Open(w.ctx, w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.conn = conn
	if w.audit, err = run.OpenAudit(w.ctx, conn, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	newLinker(t, conn).puts(nil, link("T1", "U1", 1))
	freezes, err := run.OpenFreezes(w.ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := freezes.Add(w.ctx, run.Freeze{Project: "group/app"}); err != nil {
		t.Fatal(err)
	}
	w.prepare()
	// A stream that is empty for a moment goes on in another file: this token stays.
	w.engine.Tokens().Publish(w.ctx, "nobody", "works")
	w.stop = w.work(w.engine)
	for i := range runsOf {
		w.submit(fmt.Sprint("V", i))
		w.showsState(fmt.Sprint("V", i), run.Started)
	}
	w.close()
	return folder{w.cfg.Dir}
}

// killed is a copy of it as kill -9 leaves it, after a start or while it is written to.
func (f folder) killed(t *testing.T) folder {
	t.Helper()
	conn := open(t, run.StoreConfig{Dir: f.dir, Retention: time.Hour})
	if _, err := run.OpenStore(testContext(t), conn); err != nil {
		t.Fatal(err)
	}
	return f.copied(t)
}

func (f folder) copied(t *testing.T) folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(f.dir)); err != nil {
		t.Fatal(err)
	}
	return folder{dir}
}

// files are the embedded server's, by their names.
func (f folder) files(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(f.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, f.dir+"/")] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// refuses checks that the folder is not opened, and stays as it is.
func (f folder) refuses(t *testing.T, want error, parts ...string) {
	t.Helper()
	before := f.files(t)
	conn, err := run.Open(testContext(t), run.StoreConfig{Dir: f.dir, Retention: time.Hour})
	if conn != nil {
		conn.Close()
	}
	if !errors.Is(err, want) {
		t.Fatalf("it says %v, want %v", err, want)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("it says\n%v\nwithout %q", err, part)
		}
	}
	if diff := cmp.Diff(before, f.files(t)); diff != "" {
		t.Errorf("the folder has changed (-before +after):\n%s", diff)
	}
}

// hasAll checks that everything is in the folder, when it is opened now and once more.
func (f folder) hasAll(t *testing.T) {
	t.Helper()
	for range 2 {
		f.holds(testContext(t), t)
	}
}

func (f folder) holds(ctx context.Context, t *testing.T) {
	t.Helper()
	conn, err := run.Open(ctx, run.StoreConfig{Dir: f.dir, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := run.OpenStore(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range runsOf {
		if r, err := s.Get(ctx, fmt.Sprint("V", i)); err != nil || r.State != run.Started {
			t.Errorf("the run %d: %s, %v", i, r.State, err)
		}
	}
	links, err := run.OpenLinks(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, linked, err := links.Get(ctx, "T1", "U1"); err != nil || !linked {
		t.Errorf("the link: %t, %v", linked, err)
	}
	freezes, err := run.OpenFreezes(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := freezes.List(ctx); err != nil || len(all) != 1 {
		t.Errorf("the freezes: %v, %v", all, err)
	}
	audit, err := run.OpenAudit(ctx, conn, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	// Asked for, handed over and started.
	if entries, err := audit.Find(ctx, run.Filter{}); err != nil || len(entries) != 3*runsOf {
		t.Errorf("%d entries of the audit log, %v", len(entries), err)
	}
}

// damages are what can happen to a file.
var damages = map[string]func(path, data string) error{
	"is gone":          func(path, _ string) error { return os.Remove(path) },
	"is empty":         func(path, _ string) error { return os.Truncate(path, 0) },
	"is cut in half":   func(path, data string) error { return os.Truncate(path, int64(len(data)/2)) },
	"lacks a byte":     func(path, data string) error { return os.Truncate(path, int64(len(data)-1)) },
	"begins otherwise": func(path, data string) error { return flip(path, data, 0) },
	"has a flipped bit": func(path, data string) error {
		return flip(path, data, len(data)/2)
	},
	"ends otherwise": func(path, data string) error { return flip(path, data, len(data)-1) },
	"is garbage":     func(path, _ string) error { return os.WriteFile(path, bytes.Repeat([]byte("garbage "), 99), 0o600) },
	"has more":       func(path, data string) error { return os.WriteFile(path, []byte(data+"more"), 0o600) },
	"is a folder":    func(path, _ string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	"is a pipe":      func(path, _ string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
}

func flip(path, data string, at int) error {
	bytes := []byte(data)
	bytes[at] ^= 4
	return os.WriteFile(path, bytes, 0o600)
}

// refuseAll damages a file in every way that counts, one after the other, and checks that
// the folder is refused and stays as it is.
func (f folder) refuseAll(t *testing.T, name string, counts func(what string) bool, parts ...string) {
	t.Helper()
	path := filepath.Join(f.dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, damage := range damages {
		if !counts(what) {
			continue
		}
		t.Run(name+" "+what, func(t *testing.T) {
			if err := damage(path, string(data)); err != nil {
				t.Fatal(err)
			}
			f.refuses(t, run.ErrDamaged, parts...)
			if err := errors.Join(os.RemoveAll(path), os.WriteFile(path, data, 0o600)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// After a stop a folder is refused whatever has happened to whichever of its files, and
// nothing in it is changed.
func TestDamageAfterStop(t *testing.T) {
	t.Parallel()
	f := stopped(t)
	server := 0
	for name := range f.files(t) {
		if !strings.HasPrefix(name, "jetstream/") {
			continue
		}
		server++
		f.refuseAll(t, name, func(string) bool { return true }, "nothing in "+f.dir+" was changed or deleted",
			"restore the folder from a backup, or move it away")
	}
	if server < 25 {
		t.Errorf("there are only %d files of the server's", server)
	}
	f.refuseAll(t, "pipebot.json", func(what string) bool {
		// Without it the folder is one of an older version; a note says what it says.
		return what != "is gone" && what != "has a flipped bit"
	}, "pipebot.json")
	if err := os.WriteFile(filepath.Join(f.dir, ofRuns+"msgs/2.blk"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.refuses(t, run.ErrDamaged, "2.blk was not there when pipebot stopped")
	if err := os.Remove(filepath.Join(f.dir, ofRuns+"msgs/2.blk")); err != nil {
		t.Fatal(err)
	}
	f.hasAll(t)
}

// After kill -9 what records are in is refused when it is damaged, and so is a bucket or
// the log that is not there at all.
func TestDamageAfterKill(t *testing.T) {
	t.Parallel()
	f := stopped(t).killed(t)
	for stream, name := range called {
		f.refuseAll(t, streams+stream+"/msgs/1.blk", func(what string) bool {
			// Behind the last record may be what was being written. The last one of the work says
			// that a token is done: the note, which counts the tokens, does not miss that.
			newest := what == "lacks a byte" || what == "ends otherwise"
			return what != "has more" && (stream != "PIPEBOT_WORK" || !newest)
		}, "the data folder is damaged: ")
		t.Run(stream+" is gone", func(t *testing.T) {
			f := f.copied(t)
			if err := os.RemoveAll(filepath.Join(f.dir, streams+stream)); err != nil {
				t.Fatal(err)
			}
			f.refuses(t, run.ErrDamaged, name+" are not there")
		})
	}
	if err := os.RemoveAll(filepath.Join(f.dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	f.refuses(t, run.ErrDamaged, "are not there")
}

// Whichever bit of a record flips, it is noticed: in the last one of all it may seem that it
// was not written to its end, and then there is one less than was noted.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	files := stopped(t).files(t)
	for stream := range called {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			data := []byte(files[streams+stream+"/msgs/1.blk"])
			whole, last := 0, 0 // the end of some records, and where the last of them begins
			for range 3 {
				if whole < len(data) {
					whole, last = whole+lengthOf(data[whole:]), whole
				}
			}
			data = data[:whole]
			if most, err := run.ReadBlock(data, stream, 1); most == 0 || err != nil {
				t.Fatalf("as it is the last record is %d, %v", most, err)
			}
			without, err := run.ReadBlock(data[:last], stream, 1)
			if err != nil {
				t.Fatalf("without the last record: %v", err)
			}
			for at := range data {
				for bit := range 8 {
					data[at] ^= 1 << bit
					is, err := run.ReadBlock(data, stream, 1)
					if err == nil || errors.Is(err, run.ErrTorn) && (at < last || is != without) {
						t.Errorf("bit %d of byte %d of %d: the last record is %d, %v", bit, at, whole, is, err)
					}
					data[at] ^= 1 << bit
				}
			}
		})
	}
}

// lengthOf is how long the record is that data begins with.
func lengthOf(data []byte) int { return int(binary.LittleEndian.Uint32(data) &^ (1 << 31)) }

// What kill -9 leaves behind is no damage: everything that was written is there.
func TestWhatKillLeaves(t *testing.T) {
	t.Parallel()
	whole := stopped(t)
	older := whole.files(t)
	killed := whole.killed(t)
	appendTo := func(f folder, name, data string) error {
		file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = file.WriteString(data)
		return errors.Join(err, file.Close())
	}
	block := older[ofRuns+"msgs/1.blk"]
	for name, leave := range map[string]func(folder) error{
		"nothing":                func(folder) error { return nil },
		"a byte of a record":     func(f folder) error { return appendTo(f, ofRuns+"msgs/1.blk", block[:1]) },
		"a header of a record":   func(f folder) error { return appendTo(f, ofRuns+"msgs/1.blk", block[:22]) },
		"a part of a record":     func(f folder) error { return appendTo(f, ofRuns+"msgs/1.blk", block[:100]) },
		"zeros":                  func(f folder) error { return appendTo(f, ofAudit+"msgs/1.blk", strings.Repeat("\x00", 100)) },
		"a new block":            func(f folder) error { return appendTo(f, ofRuns+"msgs/2.blk", "") },
		"a file half written":    func(f folder) error { return appendTo(f, ofRuns+"msgs/index.db.tmp", "half") },
		"a note half written":    func(f folder) error { return appendTo(f, "pipebot.json.tmp", `{"for`) },
		"a try whether it works": func(f folder) error { return appendTo(f, ofRuns+"_test_123", "") },
		"an index of before": func(f folder) error {
			return os.WriteFile(filepath.Join(f.dir, ofRuns+"msgs/index.db"), []byte("old"), 0o600)
		},
		"no index":         func(f folder) error { return os.Remove(filepath.Join(f.dir, ofRuns+"msgs/index.db")) },
		"no times to live": func(f folder) error { return os.Remove(filepath.Join(f.dir, ofRuns+"msgs/thw.db")) },
		"new settings of the log without their checksum": func(f folder) error {
			path := filepath.Join(f.dir, ofAudit+"meta.inf")
			changed := strings.Replace(older[ofAudit+"meta.inf"], `"max_age":86400`, `"max_age":96400`, 1)
			return os.WriteFile(path, []byte(changed), 0o600)
		},
		"a stream half made": func(f folder) error { return os.MkdirAll(filepath.Join(f.dir, streams+"NEW/msgs"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := killed.copied(t)
			if err := leave(f); err != nil {
				t.Fatal(err)
			}
			f.hasAll(t)
		})
	}
}

// A stream whose settings were not written whole is there at each later start too, for those
// as well who only read.
func TestSettingsOfAStreamAreWrittenAnew(t *testing.T) {
	t.Parallel()
	killed := stopped(t).killed(t)
	for what, leave := range map[string]func(path string) error{
		"settings cut off": func(path string) error { return os.Truncate(path+"meta.inf", 10) },
		"no settings":      func(path string) error { return os.Remove(path + "meta.inf") },
		"no checksum":      func(path string) error { return os.Remove(path + "meta.sum") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := killed.copied(t)
			if err := leave(filepath.Join(f.dir, ofAudit) + "/"); err != nil {
				t.Fatal(err)
			}
			f.hasAll(t)
			conn := open(t, run.StoreConfig{Dir: f.dir, Retention: time.Hour})
			if _, err := run.ReadAudit(testContext(t), conn); err != nil {
				t.Errorf("the audit log is not there: %v", err)
			}
		})
	}
}

// Folders of versions that took no notes are taken as they are, and looked at all the same.
func TestFolderWithoutNote(t *testing.T) {
	t.Parallel()
	f := stopped(t)
	if err := os.Remove(filepath.Join(f.dir, "pipebot.json")); err != nil {
		t.Fatal(err)
	}
	damaged := f.copied(t)
	f.hasAll(t)
	path := filepath.Join(damaged.dir, ofRuns+"msgs/1.blk")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const sum = 8
	if err := flip(path, string(data), lengthOf(data)-sum-1); err != nil { // the body's last byte
		t.Fatal(err)
	}
	damaged.refuses(t, run.ErrDamaged, "the runs: "+path, "the checksum of a record is wrong")
}

// Back from an older version, that took no notes, the folder is further than the note.
func TestFolderThatMovedOn(t *testing.T) {
	t.Parallel()
	f := stopped(t)
	note := filepath.Join(f.dir, "pipebot.json")
	before, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	ctx, conn := testContext(t), open(t, run.StoreConfig{Dir: f.dir, Retention: time.Hour})
	s, err := run.OpenStore(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(ctx, requested(func(r *run.Run) { r.Request.ID = "later" })); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := os.WriteFile(note, before, 0o600); err != nil {
		t.Fatal(err)
	}
	f.hasAll(t)
}

// A folder of another format is refused with the version to start.
func TestFolderOfAnotherFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, data := range map[string]string{"lock": "", "pipebot.json": `{"format":2,"streams":[]}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder{dir}.refuses(t, run.ErrOtherFormat, "the data folder "+dir+" has the format 2", "start the version that wrote it")
}

// Records that another version has written, or nobody, are named before anything is made or
// set beside them: whoever would go on with a connection gets none.
func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		write func(ctx context.Context, conn *run.Conn) error
		says  []string
	}{
		"runs of a newer format": {func(ctx context.Context, conn *run.Conn) error {
			s, err := run.OpenStore(ctx, conn)
			for _, id := range []string{"V1", "V2", "V3", "V4", "V5", "V6", "V7"} {
				if err == nil {
					err = s.PutRaw(ctx, id, `{"format":2,"request":["another form"]}`)
				}
			}
			return err
		}, []string{"run.V1: a run has the format 2 and this version of pipebot reads 1", "and 2 more"}},
		"a link": {func(ctx context.Context, conn *run.Conn) error {
			links, err := run.OpenLinks(ctx, conn)
			if err != nil {
				return err
			}
			return links.PutRaw(ctx, "T1", "U1", `{"gitlab_id":"nine"}`)
		}, []string{"person.T1.U1: decoding a link"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cfg := testContext(t), run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour}
			conn, err := run.Open(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = tt.write(ctx, conn)
			before, listErr := conn.Streams(ctx)
			conn.Close()
			if err := errors.Join(err, listErr); err != nil {
				t.Fatal(err)
			}
			conn, err = run.Open(ctx, cfg)
			if !errors.Is(err, run.ErrUnreadable) || conn != nil {
				t.Fatalf("it says %v", err)
			}
			for _, part := range append(tt.says, "no record was changed or deleted; start the version that wrote them") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("it says\n%v\nwithout %q", err, part)
				}
			}
			conn, err = run.Connect(ctx, cfg) // to read the audit log, for one thing
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			after, err := conn.Streams(ctx)
			if diff := cmp.Diff(before, after); diff != "" || err != nil {
				t.Errorf("%v; the streams (-before +after):\n%s", err, diff)
			}
		})
	}
}

func TestWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"the disk is full: there is no room in the data folder data": run.Unwritable("data", &fs.PathError{Err: syscall.ENOSPC}),
		"the disk is full: there is no room in the data folder":      run.Unwritable("data", &fs.PathError{Err: syscall.EDQUOT}),
		"the data folder data cannot be written":                     run.Unwritable("data", &fs.PathError{Err: syscall.EROFS}),
		"has to belong to the user that pipebot runs as":             run.Unreadable("data", &fs.PathError{Err: syscall.EACCES}),
		"the data folder is damaged":                                 run.Unreadable("data", &fs.PathError{Err: syscall.EIO}),
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it says\n%v\nwithout %q", err, want)
		}
	}
}
