package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refuses waits until the program has given up, with this exit code and this said.
func (p *process) refuses(t testing.TB, want int, parts ...string) {
	t.Helper()
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != want || !containsAll(p.output(), parts) {
		t.Errorf("exit code %d, want %d and %q said; it said\n%s", code, want, parts, p.output())
	}
}

// folder is what is in a folder: the files with what is in them.
func folder(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// interrupted is a world in which a pipeline runs and somebody has stopped the bot.
func interrupted(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.start()
	w.ask(w.alice, w.channel, "main")
	w.pipeline(1).Start()
	w.card(w.channel, "Running")
	if code := w.bot.stop(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, w.bot.output())
	}
	return w
}

// refused starts the program on its folder, which it has to leave as it is.
func (w *world) refused(code int, parts ...string) {
	w.t.Helper()
	before := folder(w.t, w.env["DATA_DIR"])
	p, err := startProcess(w.env)
	if err != nil {
		w.t.Fatal(err)
	}
	p.refuses(w.t, code, parts...)
	if diff := cmp.Diff(before, folder(w.t, w.env["DATA_DIR"])); diff != "" {
		w.t.Errorf("the folder has changed (-before +after):\n%s", diff)
	}
}

const blockOfRuns = "jetstream/$G/streams/KV_pipebot_runs/msgs/1.blk"

// A damaged folder is refused, as often as it is tried, and nothing in it is changed. With
// the backup in its place the bot goes on with what was running.
func TestDamagedDataDir(t *testing.T) {
	t.Parallel()
	w := interrupted(t)
	dir := w.env["DATA_DIR"]
	if err := os.CopyFS(dir+".backup", os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	block := filepath.Join(dir, blockOfRuns)
	data, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(block, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.refused(1, "DATA_DIR: the data folder is damaged: the runs: "+dir, "nothing in "+dir+" was changed or deleted",
			"restore the folder from a backup, or move it away (mv "+dir+" "+dir+".damaged)")
	}
	if err := os.Rename(dir, dir+".damaged"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".backup", dir); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.project.Pipelines()[0].Finish("success")
	w.reply(w.channel, "passed in")
	w.clean()
}

// Without a backup the folder is moved away, as it says: the bot starts anew and takes
// requests.
func TestDamagedDataDirMovedAway(t *testing.T) {
	t.Parallel()
	w := interrupted(t)
	dir := w.env["DATA_DIR"]
	if err := os.Remove(filepath.Join(dir, blockOfRuns)); err != nil {
		t.Fatal(err)
	}
	w.refused(1, "the data folder is damaged")
	if err := os.Rename(dir, dir+".damaged"); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.ask(w.alice, w.channel, "main")
	w.pipeline(2).Finish("success")
	w.reply(w.channel, "Pipeline #2", "passed in")
}

// A folder that a newer pipebot has written is refused.
func TestDataDirOfAnotherFormat(t *testing.T) {
	t.Parallel()
	w := interrupted(t)
	note := filepath.Join(w.env["DATA_DIR"], "pipebot.json")
	data, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(data), `"format":1`, `"format":2`, 1)
	if err := os.WriteFile(note, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	w.refused(1, "has the format 2 and this version of pipebot reads 1", "start the version that wrote it")
}

// Wherever DATA_DIR points, it says what is in the way.
func TestDataDirThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, says := range map[string]string{
		file:                       "DATA_DIR: making the data folder: mkdir " + file + ": not a directory",
		filepath.Join(file, "sub"): "DATA_DIR: making the data folder: mkdir " + file + ": not a directory",
		"/proc/pipebot":            "DATA_DIR: making the data folder: mkdir /proc/pipebot: no such file or directory",
	} {
		w.env["DATA_DIR"] = dir
		p, err := startProcess(w.env)
		if err != nil {
			t.Fatal(err)
		}
		p.refuses(t, 1, says)
	}
}

// A second process on the folder is refused as wrongly set up, and disturbs nobody.
func TestSecondProcessOnDataDir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p, err := startProcess(w.env)
	if err != nil {
		t.Fatal(err)
	}
	p.refuses(t, 2, "another pipebot is using this data folder; stop it, or give this one a DATA_DIR of its own", w.env["DATA_DIR"])
	w.ask(w.alice, w.channel, "main")
	w.pipeline(1).Finish("success")
	w.reply(w.channel, "passed in")
}
