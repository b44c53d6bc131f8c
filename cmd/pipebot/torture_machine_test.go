package main_test

import (
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// machine keeps one pipebot running, as systemd or Kubernetes would: whatever it dies of,
// it is started again.
type machine struct {
	t       testing.TB
	env     map[string]string
	address string       // of its HTTP port
	count   func(string) // notes what happened

	signals sync.Mutex // held while it is stopped, and while it is asked to end: who is stopped cannot

	mu       sync.Mutex
	now      *process
	all      []*process
	expected map[*process]bool // it is meant to end
	closing  bool
	gone     chan struct{} // closed when it is not started again
}

func newMachine(t *town) *machine {
	w := t.world
	m := &machine{
		t: w.t, env: maps.Clone(w.env), address: freeAddress(w.t), count: t.count,
		expected: make(map[*process]bool), gone: make(chan struct{}),
	}
	m.env["HTTP_ADDR"], m.env["LOG_LEVEL"] = m.address, "info"
	if !m.start() {
		w.t.FailNow()
	}
	go m.watch()
	w.t.Cleanup(m.close)
	return m
}

// start reports whether it runs again.
func (m *machine) start() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return false
	}
	p, err := startProcess(m.env)
	if err != nil {
		m.t.Error(err)
		return false
	}
	m.now, m.all = p, append(m.all, p)
	return true
}

// watch starts it again until it is closed.
func (m *machine) watch() {
	defer close(m.gone)
	for up := true; up; up = m.start() {
		p := m.current()
		<-p.exited
		m.mu.Lock()
		expected := m.expected[p]
		m.mu.Unlock()
		if !expected {
			m.t.Errorf("pipebot ended by itself with %d:\n%s", p.cmd.ProcessState.ExitCode(), lastLines(p.output()))
			<-time.After(time.Second) // as long as an orchestrator would leave it
		}
	}
}

func (m *machine) current() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// ends is the process that is meant to end now.
func (m *machine) ends() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expected[m.now] = true
	return m.now
}

// kill is kill -9.
func (m *machine) kill() {
	m.count("bots killed, in all")
	p := m.ends()
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// terminate is SIGTERM, and pipebot has to take that well.
func (m *machine) terminate() {
	m.signals.Lock()
	defer m.signals.Unlock()
	p := m.ends()
	select {
	case <-p.exited: // just now, and it is about to be started again
		return
	default:
	}
	// One that was started a moment ago does not listen to signals yet: it dies of it, and
	// has not said a word.
	if code := p.stop(); code != 0 && p.output() != "" {
		m.t.Errorf("pipebot exited with %d after SIGTERM:\n%s", code, lastLines(p.output()))
	}
}

// sleep stops it for a while in the middle of whatever it does.
func (m *machine) sleep(d time.Duration) {
	m.signals.Lock()
	defer m.signals.Unlock()
	p := m.current()
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	<-time.After(d)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

func (m *machine) close() {
	m.mu.Lock()
	m.closing = true
	m.mu.Unlock()
	m.terminate()
	<-m.gone
}

// output is what all its processes said.
func (m *machine) output() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var said []string
	for _, p := range m.all {
		said = append(said, p.output())
	}
	return strings.Join(said, "--- it was started again\n")
}

// lastLines is the end of what a process said.
func lastLines(said string) string {
	const most = 2000
	return said[max(0, len(said)-most):]
}
