package policy_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pipebot/bot/policy"
)

// kept is a policy file that is looked at. It is not looked at while the test reads
// or writes.
type kept struct {
	*policy.File
	t    *testing.T
	path string
	told []error
}

const (
	allAllowed = "rules: [{then: allow}]"
	allRefused = "rules: [{then: refuse, reason: no}]"
	faulty     = "rules: [{then: alow}]"
)

func keep(t *testing.T, content string) *kept {
	t.Helper()
	k := &kept{t: t, path: filepath.Join(t.TempDir(), "policy.yaml")}
	k.write(content)
	file, err := policy.OpenFile(k.path, policy.ModePolicy)
	if err != nil {
		t.Fatal(err)
	}
	k.File = file
	return k
}

func (k *kept) write(content string) {
	k.t.Helper()
	if err := os.WriteFile(k.path, []byte(content), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kept) remove() {
	k.t.Helper()
	if err := os.Remove(k.path); err != nil {
		k.t.Fatal(err)
	}
}

// look has the file looked at n times.
func (k *kept) look(n int) {
	ctx, cancel := context.WithCancel(k.t.Context())
	ticks, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		k.Keep(ctx, ticks, func(err error) { k.told = append(k.told, err) })
	}()
	for range n {
		ticks <- now
	}
	cancel()
	<-done
}

// settled has the file looked at until nothing more can come of it, and returns what
// was told since.
func (k *kept) settled() []error {
	k.look(4)
	told := k.told
	k.told = nil
	return told
}

func (k *kept) outcome() policy.Outcome {
	return k.Current().Decide(running(), alice(), policy.Facts{}, now).Outcome
}

func TestFileIsReadAgain(t *testing.T) {
	k := keep(t, allAllowed)
	if told := k.settled(); len(told) != 0 || k.outcome() != policy.Allow {
		t.Fatalf("at first: %s, %v", k.outcome(), told)
	}
	k.write(allRefused)
	if told := k.settled(); len(told) != 1 || told[0] != nil || k.outcome() != policy.Refuse {
		t.Errorf("after a change: %s, %v", k.outcome(), told)
	}
	if k.Current().Mode != policy.ModePolicy {
		t.Errorf("the mode is %s", k.Current().Mode)
	}
}

// A change of the same size and at the same time as before is seen.
func TestFileIsReadAgainThoughItLooksTheSame(t *testing.T) {
	k := keep(t, "rules: [{then: allow, refs: [main]}]")
	stat, err := os.Stat(k.path)
	if err != nil {
		t.Fatal(err)
	}
	k.write("rules: [{then: allow, refs: [niam]}]")
	if err := os.Chtimes(k.path, stat.ModTime(), stat.ModTime()); err != nil {
		t.Fatal(err)
	}
	if k.settled(); k.outcome() != policy.Refuse {
		t.Error("it is not seen")
	}
}

// The old policy holds on while the new one is faulty, and that is said once.
func TestFaultyFileKeepsTheOldPolicy(t *testing.T) {
	k := keep(t, allAllowed)
	for what, change := range map[string]func(){
		"faults":    func() { k.write(faulty) },
		"nothing":   func() { k.write("") },
		"too large": func() { k.write(allRefused + strings.Repeat("#", 1<<20)) },
		"no file":   k.remove,
	} {
		change()
		if told := k.settled(); len(told) != 1 || told[0] == nil || !strings.Contains(told[0].Error(), k.path) {
			t.Errorf("%s: told %v", what, told)
		}
		if k.outcome() != policy.Allow {
			t.Errorf("%s: the old policy does not hold", what)
		}
		k.write(allAllowed)
		if told := k.settled(); len(told) != 1 || told[0] != nil {
			t.Errorf("after %s, when it is as it was: told %v", what, told)
		}
	}
}

// Each faulty version is told, though its fault reads the same.
func TestEachFaultyVersionIsTold(t *testing.T) {
	k := keep(t, allAllowed)
	for _, content := range []string{faulty, faulty + " # still", faulty} {
		k.write(content)
		if told := k.settled(); len(told) != 1 || told[0] == nil || !strings.Contains(told[0].Error(), "\nline 1: rules[0].then: ") {
			t.Errorf("told %v", told)
		}
	}
	k.write(allRefused)
	if told := k.settled(); len(told) != 1 || told[0] != nil || k.outcome() != policy.Refuse {
		t.Errorf("after the last: %s, %v", k.outcome(), told)
	}
}

// A file that is just being written is not taken: its beginning can be a policy too.
func TestHalfAFileIsNotTaken(t *testing.T) {
	k := keep(t, allRefused)
	const gone = ""
	for _, content := range []string{"rules: [", allAllowed, allAllowed + " #", allAllowed, allRefused, allAllowed, gone, allAllowed, allRefused} {
		if content == gone {
			k.remove()
		} else {
			k.write(content)
		}
		k.look(1)
		if k.outcome() != policy.Refuse {
			t.Fatalf("%q was taken at first sight", content)
		}
	}
	k.told = nil // that it was gone, and is there again
	if told := k.settled(); len(told) != 0 || k.outcome() != policy.Refuse {
		t.Errorf("%s, told %v", k.outcome(), told)
	}
}

func TestOpenFile(t *testing.T) {
	if _, err := policy.OpenFile(filepath.Join(t.TempDir(), "none.yaml"), policy.ModeGitLab); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte("rules:\n  - then: alow\n  - then: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := policy.OpenFile(path, policy.ModeGitLab)
	if err == nil || file != nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "\nline 2: ") || !strings.Contains(err.Error(), "\nline 3: ") {
		t.Errorf("with faults: %v", err)
	}
	if _, err := policy.OpenFile("", "gitlap"); err == nil || !strings.Contains(err.Error(), "gitlab, policy, open") {
		t.Errorf("with an unknown mode: %v", err)
	}
}

// Without a file there are no rules, and nothing to look at.
func TestNoFile(t *testing.T) {
	file, err := policy.OpenFile("", policy.ModeOpen)
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{File: file, t: t}
	if told := k.settled(); len(told) != 0 {
		t.Errorf("told %v", told)
	}
	if got := short(file.Current().Decide(running(), alice(), policy.Facts{}, now)); got != "allow open" {
		t.Error(got)
	}
}
