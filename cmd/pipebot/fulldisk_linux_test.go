package main_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// diskFull lets the program write no file longer than a byte, or lets it write again. That
// takes no privileges, as a disk of its own would; the error is another one.
func (p *process) diskFull(t testing.TB, full bool) {
	t.Helper()
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if full {
		limit.Cur = 1
	}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// With no room for the data the bot takes no requests and says so, to people and to its
// probes. Nothing that it has taken is lost, and once there is room it goes on by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["HTTP_ADDR"] = freeAddress(t)
	w.start()
	w.ask(w.alice, w.channel, "main")
	running := w.pipeline(1)
	running.Start()
	w.card(w.channel, "Running")
	modal := w.open(w.alice, w.channel)
	w.choose(modal, "feature/login")

	w.bot.diskFull(t, true)
	result, err := modal.Submit(w.ctx)
	if err != nil || result.Closed || !strings.Contains(modal.Text(), "my own records cannot be written") {
		t.Fatalf("closed: %t, %v; the modal reads\n%s", result.Closed, err, modal.Text())
	}
	w.readyz(w.env["HTTP_ADDR"], 503, "store: the data folder "+w.env["DATA_DIR"]+" cannot be written")
	running.Finish("success")

	w.bot.diskFull(t, false)
	w.reply(w.channel, "Pipeline #1", "passed in")
	w.card(w.channel, "Passed")
	for !result.Closed && w.ctx.Err() == nil { // what reads the freezes tries again in its own time
		if result, err = anyway(w.ctx, modal); err != nil {
			t.Fatal(err)
		}
	}
	w.pipeline(2).Finish("success")
	w.reply(w.channel, "Pipeline #2", "passed in")
	if got := len(w.project.Pipelines()); got != 2 {
		t.Errorf("%d pipelines, want 2", got)
	}
	w.readyz(w.env["HTTP_ADDR"], 200, "ready")
	w.clean()
}

// Where there is no room at the start, it does not start, says so, and leaves the folder
// as it was; with room it goes on where it was.
func TestStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.ask(w.alice, w.channel, "main")
	w.pipeline(1).Start()
	w.card(w.channel, "Running")
	w.bot.kill()

	before := folder(t, w.env["DATA_DIR"])
	// A limit from the first instruction on; see diskFull.
	full, err := startCommand(exec.Command("sh", "-c", `ulimit -f 0 && exec "$0"`, binary), w.env)
	if err != nil {
		t.Fatal(err)
	}
	full.refuses(t, 1, "DATA_DIR: the data folder "+w.env["DATA_DIR"]+" cannot be written")
	if diff := cmp.Diff(before, folder(t, w.env["DATA_DIR"])); diff != "" {
		t.Errorf("the folder has changed (-before +after):\n%s", diff)
	}
	w.start()
	w.project.Pipelines()[0].Finish("success")
	w.reply(w.channel, "passed in")
}
