package run_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/run"
)

// linker is a store of links.
type linker struct {
	testing.TB
	*run.Links
}

func newLinker(t testing.TB, conn *run.Conn) linker {
	t.Helper()
	l, err := run.OpenLinks(testContext(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	return linker{t, l}
}

func link(team, user string, account int64) run.Link {
	return run.Link{Team: team, User: user, GitLabID: account, GitLabUser: fmt.Sprint("user", account), At: noon}
}

// puts links, and checks that it is refused or not.
func (l linker) puts(want error, links ...run.Link) {
	l.Helper()
	for _, link := range links {
		if err := l.Put(testContext(l), link); !errors.Is(err, want) || want == nil && err != nil {
			l.Errorf("linking %+v: %v, want %v", link, err, want)
		}
	}
}

// has checks that these links are there.
func (l linker) has(links ...run.Link) {
	l.Helper()
	for _, want := range links {
		got, ok, err := l.Get(testContext(l), want.Team, want.User)
		if diff := cmp.Diff(want, got); !ok || err != nil || diff != "" {
			l.Errorf("%s in %s: linked %t, %v (-want +got):\n%s", want.User, want.Team, ok, err, diff)
		}
	}
}

// hasNone checks that these people are not linked.
func (l linker) hasNone(team string, users ...string) {
	l.Helper()
	for _, user := range users {
		if got, ok, err := l.Get(testContext(l), team, user); ok || err != nil || got != (run.Link{}) {
			l.Errorf("%s in %s is linked: %+v, %t, %v", user, team, got, ok, err)
		}
	}
}

func (l linker) deletes(team, user string) {
	l.Helper()
	if err := l.Delete(testContext(l), team, user); err != nil {
		l.Errorf("unlinking %s in %s: %v", user, team, err)
	}
}

func TestLinksAreKept(t *testing.T) {
	t.Parallel()
	cfg := run.StoreConfig{Dir: t.TempDir(), Retention: time.Hour}
	conn, err := run.Open(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := newLinker(t, conn)
	l.hasNone("T1", "U1")
	l.puts(nil, link("T1", "U1", 1), link("T1", "U2", 2))
	conn.Close()

	l = newLinker(t, open(t, cfg))
	l.has(link("T1", "U1", 1), link("T1", "U2", 2))
	renamed := link("T1", "U1", 1)
	renamed.GitLabUser = "renamed"
	l.puts(nil, renamed)
	l.has(renamed)
	l.deletes("T1", "U1")
	l.deletes("T1", "U1")
	l.hasNone("T1", "U1")
	l.has(link("T1", "U2", 2))
	l.puts(nil, run.Link{Team: "T1", User: "U1", GitLabID: 1})
	if got, _, err := l.Get(testContext(t), "T1", "U1"); err != nil || time.Since(got.At) > patience {
		t.Errorf("linked at %s, %v", got.At, err)
	}
}

// An account is one person's in a workspace, and anybody's in another one.
func TestLinkedToAnother(t *testing.T) {
	t.Parallel()
	l := newLinker(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	l.puts(nil, link("T1", "U1", 1), link("T1", "U2", 2), link("T2", "U1", 1), link("T2", "U3", 3))
	l.puts(run.ErrLinkedToAnother, link("T1", "U3", 1), link("T1", "U2", 1), link("T2", "U2", 1))
	l.hasNone("T1", "U3")
	l.hasNone("T2", "U2")
	l.has(link("T1", "U1", 1), link("T1", "U2", 2), link("T2", "U1", 1), link("T2", "U3", 3))
	if text := run.ErrLinkedToAnother.Error(); strings.ContainsAny(text, "0123456789") {
		t.Errorf("it says %q", text)
	}
}

// Whoever unlinks, or links another account, gives theirs up.
func TestAccountIsGivenUp(t *testing.T) {
	t.Parallel()
	l := newLinker(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	l.puts(nil, link("T1", "U1", 1))
	l.deletes("T1", "U1")
	l.puts(nil, link("T1", "U2", 1))
	l.puts(run.ErrLinkedToAnother, link("T1", "U1", 1))
	l.puts(nil, link("T1", "U2", 2), link("T1", "U1", 1))
	l.has(link("T1", "U2", 2), link("T1", "U1", 1))
	l.deletes("T1", "U1")
	l.deletes("T1", "U2")
	if left, err := l.Keys(testContext(t)); err != nil || len(left) > 0 {
		t.Errorf("of whom has unlinked it keeps %q, %v", left, err)
	}
}

// Somebody died between claiming an account and writing the link: the account is not
// lost, and if they wrote after another took it, theirs does not count.
func TestClaimWithoutLink(t *testing.T) {
	t.Parallel()
	l := newLinker(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	ctx := testContext(t)
	dead := link("T1", "U1", 1)
	if err := l.Claim(ctx, dead); err != nil {
		t.Fatal(err)
	}
	l.hasNone("T1", "U1")
	l.puts(nil, link("T1", "U2", 1))
	if err := l.WriteLink(ctx, dead); err != nil {
		t.Fatal(err)
	}
	l.hasNone("T1", "U1")
	l.puts(run.ErrLinkedToAnother, dead)
	l.deletes("T1", "U1")
	l.has(link("T1", "U2", 1))

	mine := link("T1", "U3", 3)
	if err := l.Claim(ctx, mine); err != nil {
		t.Fatal(err)
	}
	l.puts(nil, mine)
	l.has(mine)
}

// Two want one account, and one is overtaken at its worst moment: only one is told that
// they have it.
func TestLinkingIsOvertaken(t *testing.T) {
	t.Parallel()
	conn := open(t, run.StoreConfig{Dir: t.TempDir()})
	for name, hooked := range map[string]func(l linker, team string, once func()) *run.Links{
		"between the claim and the link": func(l linker, _ string, once func()) *run.Links { return l.Hooked(once, func() {}) },
		"between looking and taking over": func(l linker, team string, once func()) *run.Links {
			if err := l.Claim(testContext(t), link(team, "U2", 1)); err != nil {
				t.Fatal(err)
			}
			return l.Hooked(func() {}, once)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, team := newLinker(t, conn), fmt.Sprint("T", len(name))
			var once sync.Once
			overtaken := hooked(l, team, func() { once.Do(func() { l.puts(nil, link(team, "U2", 1)) }) })
			linker{t, overtaken}.puts(run.ErrLinkedToAnother, link(team, "U1", 1))
			l.hasNone(team, "U1")
			l.has(link(team, "U2", 1))
		})
	}
}

// Many want one account at once: one gets it, and the others hear so.
func TestLinkingAtOnce(t *testing.T) {
	t.Parallel()
	l := newLinker(t, open(t, run.StoreConfig{Dir: t.TempDir()}))
	const people = 20
	var group sync.WaitGroup
	errs := make([]error, people)
	for i := range people {
		group.Go(func() { errs[i] = l.Put(testContext(t), link("T1", fmt.Sprint("U", i), 1)) })
	}
	group.Wait()
	winners := 0
	for i, err := range errs {
		switch {
		case err == nil:
			winners++
			l.has(link("T1", fmt.Sprint("U", i), 1))
		case errors.Is(err, run.ErrLinkedToAnother):
			l.hasNone("T1", fmt.Sprint("U", i))
		default:
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d were linked", winners, people)
	}
}

// An id that could leave its place in a key is refused, for a person as for an account.
func TestLinksRefuseIDs(t *testing.T) {
	t.Parallel()
	l, ctx := newLinker(t, open(t, run.StoreConfig{Dir: t.TempDir()})), testContext(t)
	for _, id := range []string{"", "a.b", "*", ">", "a b", "ä", "U1\n", strings.Repeat("U", 65)} {
		for _, link := range []run.Link{link("T1", id, 1), link(id, "U1", 1)} {
			if err := l.Put(ctx, link); err == nil {
				t.Errorf("linked: %+v", link)
			}
			if _, ok, err := l.Get(ctx, link.Team, link.User); ok || err == nil {
				t.Errorf("asked for: %+v, %t", link, ok)
			}
			if err := l.Delete(ctx, link.Team, link.User); err == nil {
				t.Errorf("unlinked: %+v", link)
			}
		}
	}
	for _, account := range []int64{0, -1} {
		if err := l.Put(ctx, link("T1", "U1", account)); err == nil {
			t.Errorf("linked to the account %d", account)
		}
	}
	l.hasNone("T1", "U1")
}

// While the store is away nobody is linked and nobody is not: it is an error.
func TestLinksAndAuditOfAnOutsideNATS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := natsServer(t, dir, 0)
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	cfg := run.StoreConfig{URL: "nats://" + server.Addr().String()}
	conn := open(t, cfg)
	l := newLinker(t, conn)
	audit, err := run.OpenAudit(testContext(t), conn, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	l.puts(nil, link("T1", "U1", 1))
	appendAll(t, audit, "before")
	server = restart(t, server, dir, func() {
		if err := l.Put(testContext(t), link("T1", "U2", 2)); err == nil {
			t.Error("linked without a store")
		}
		if got, ok, err := l.Get(testContext(t), "T1", "U1"); err == nil {
			t.Errorf("asked without a store: %+v, %t", got, ok)
		}
		if err := audit.Append(testContext(t), run.Entry{ID: "meanwhile", Kind: run.EntryRequest}); err == nil {
			t.Error("appended without a store")
		}
		if entries, err := audit.Find(testContext(t), run.Filter{}); err == nil {
			t.Errorf("found without a store: %+v", entries)
		}
	})
	// Another process, which need not wait until the first one is back.
	conn = open(t, cfg)
	l = newLinker(t, conn)
	l.has(link("T1", "U1", 1))
	l.hasNone("T1", "U2")
	if audit, err = run.ReadAudit(testContext(t), conn); err != nil {
		t.Fatal(err)
	}
	appendAll(t, audit, "after")
	if got := strings.Join(lineIDs(exported(t, audit, time.Time{})), " "); got != "before after" {
		t.Errorf("the log has %q", got)
	}
}
