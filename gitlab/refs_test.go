package gitlab_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"pipebot/gitlab"
)

// These tests run in bubbles of testing/synctest: the clock is theirs and moves
// only when everything waits, so they sleep for no time and their times are exact.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var app = gitlab.Project{ID: 1, Path: "group/app"}

// typing is how long Slack and GitLab have between a keystroke and its answer.
const typing = 2500 * time.Millisecond

func branch(name string) gitlab.Ref { return gitlab.Ref{Kind: gitlab.Branch, Name: name} }
func tag(name string) gitlab.Ref    { return gitlab.Ref{Kind: gitlab.Tag, Name: name} }

// newRefs are Refs over a lister with a few refs.
func newRefs(t *testing.T) (*gitlab.Refs, *fakeLister) {
	t.Helper()
	lister := &fakeLister{
		main: "main",
		refs: []gitlab.Ref{branch("feature/new"), branch("fix"), branch("main"), branch("old"), tag("v2"), tag("v1"), tag("v0")},
	}
	refs := gitlab.NewRefs(lister, gitlab.RefsConfig{})
	t.Cleanup(refs.Close)
	return refs, lister
}

// settled waits until nothing is left to do in the background.
func settled(refs *gitlab.Refs) {
	refs.Opened(app)
	synctest.Wait()
}

// later moves the clock.
func later(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// typed is what Slack would be answered.
func typed(t *testing.T, refs *gitlab.Refs, query string) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), typing)
	defer cancel()
	found, err := refs.Options(ctx, app, query, 100)
	names := make([]string, 0, len(found.Branches)+len(found.Tags))
	for _, i := range append(found.Branches, found.Tags...) {
		names = append(names, found.Index.Ref(i).String())
	}
	return names, err
}

func wantTyped(t *testing.T, refs *gitlab.Refs, query string, want ...string) {
	t.Helper()
	got, err := typed(t, refs, query)
	if err != nil {
		t.Errorf("%q: %v", query, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: %s", query, diff)
	}
}

func TestWarmRefsAnswerFromMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		before := lister.counted()
		wantTyped(t, refs, "", "refs/heads/main", "refs/heads/feature/new", "refs/heads/fix", "refs/heads/old",
			"refs/tags/v2", "refs/tags/v1", "refs/tags/v0")
		wantTyped(t, refs, "f", "refs/heads/feature/new", "refs/heads/fix")
		wantTyped(t, refs, "v1", "refs/tags/v1")
		if diff := cmp.Diff(before, lister.counted()); diff != "" {
			t.Errorf("GitLab was asked: %s", diff)
		}
	})
}

func TestColdRefsAnswerWhileEverythingIsStillRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) {
			f.takes = 300 * time.Millisecond
			f.hangs = map[string]bool{"BranchNames": true, "TagNames": true}
		})
		begin := time.Now()
		wantTyped(t, refs, "old", "refs/heads/old")
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the first keystroke took %v", took)
		}
		begin = time.Now()
		wantTyped(t, refs, "", "refs/heads/main", "refs/heads/feature/new", "refs/heads/fix", "refs/heads/old", "refs/tags/v2", "refs/tags/v1")
		if took := time.Since(begin); took > 0 {
			t.Errorf("the newest were known, and still it took %v", took)
		}
	})
}

func TestColdRefsDoNotWaitForASearchOnceAllNamesAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) {
			f.takes = 100 * time.Millisecond
			f.hangs = map[string]bool{"SearchRefs": true}
		})
		wantTyped(t, refs, "old", "refs/heads/old")
	})
}

func TestColdRefsAnswerAtTheDeadlineWithWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) { f.hangs = map[string]bool{"BranchNames": true, "SearchRefs": true} })
		begin := time.Now()
		got, err := typed(t, refs, "fix")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got the error %v", err)
		}
		if took := time.Since(begin); took != typing {
			t.Errorf("took %v", took)
		}
		if diff := cmp.Diff([]string{"refs/heads/fix"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBranchPushedLaterIsFoundWhenNothingElseMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		lister.change(func(f *fakeLister) { f.refs = append([]gitlab.Ref{branch("just-pushed")}, f.refs...) })
		wantTyped(t, refs, "pushed", "refs/heads/just-pushed")
		if !refs.Index(app).Has(branch("just-pushed")) {
			t.Error("it was found but not learned")
		}
	})
}

func TestBranchPushedLaterIsAmongTheNewestOnOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		lister.change(func(f *fakeLister) { f.refs = append([]gitlab.Ref{branch("just-pushed")}, f.refs...) })
		later(t, 15*time.Second)
		settled(refs)
		wantTyped(t, refs, "pushed", "refs/heads/just-pushed")
		if got := lister.searches(); len(got) > 0 {
			t.Errorf("searched for %q", got)
		}
	})
}

func TestNewestComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		lister.change(func(f *fakeLister) { f.refs[0], f.refs[3] = f.refs[3], f.refs[0] }) // old was pushed to
		later(t, 15*time.Second)
		settled(refs)
		wantTyped(t, refs, "", "refs/heads/main", "refs/heads/old", "refs/heads/fix", "refs/heads/feature/new",
			"refs/tags/v2", "refs/tags/v1", "refs/tags/v0")
	})
}

func TestForgottenRefsAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, _ := newRefs(t)
		settled(refs)
		refs.Forget(app, branch("fix"))
		if refs.Index(app).Has(branch("fix")) {
			t.Error("it is still there")
		}
		refs.Forget(app, branch("main"))
		if name, ok := refs.DefaultBranch(app); ok {
			t.Errorf("the default branch is still %s", name)
		}
	})
}

func TestDeletedRefsVanishWithTheNextReadingOfAllNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		lister.change(func(f *fakeLister) { f.refs = append(f.refs[:1:1], f.refs[2:]...) }) // without fix
		later(t, 10*time.Minute)
		settled(refs)
		if refs.Index(app).Has(branch("fix")) {
			t.Error("it is still there")
		}
	})
}

func TestOnlyProjectsInUseCostRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		before := lister.counted()
		later(t, 3*time.Hour)
		if diff := cmp.Diff(before, lister.counted()); diff != "" {
			t.Errorf("GitLab was asked for nobody: %s", diff)
		}
		wantTyped(t, refs, "fix", "refs/heads/fix")
		synctest.Wait()
		if got := lister.counted()["BranchNames"]; got != 2 {
			t.Errorf("all branches were read %d times, want once more on use", got)
		}
	})
}

func TestOpeningManyModalsReadsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) { f.takes = 10 * time.Millisecond })
		for range 20 {
			refs.Opened(app)
		}
		later(t, time.Second)
		// The newest are read on opening, and again when all names are there.
		want := map[string]int{"Project": 2, "BranchNames": 1, "TagNames": 1, "NewestBranches": 2, "NewestTags": 2}
		if diff := cmp.Diff(want, lister.counted()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFastTypingIsOneSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) { f.hangs = map[string]bool{"BranchNames": true} })
		settled(refs)
		answers := make(chan error)
		word := "feature/n"
		for i := range word {
			go func() {
				_, err := typed(t, refs, word[:i+1])
				answers <- err
			}()
			later(t, 100*time.Millisecond)
		}
		for range word {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{word}, lister.searches()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestManyPeopleTypingTheSameIsOneSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		answers := make(chan error)
		for range 50 {
			go func() {
				_, err := typed(t, refs, "nothing like it")
				answers <- err
			}()
		}
		for range 50 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"nothing"}, lister.searches()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNothingFoundIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		for _, query := range []string{"zzz", "zzz", "zzzz", "azzzz", "zz"} {
			wantTyped(t, refs, query, []string{}...)
		}
		if diff := cmp.Diff([]string{"zzz", "zz"}, lister.searches()); diff != "" {
			t.Errorf("what contains a text without matches needs no search: %s", diff)
		}
		later(t, 15*time.Second)
		wantTyped(t, refs, "zzz", []string{}...)
		if got := len(lister.searches()); got != 3 {
			t.Errorf("%d searches, want another one after a while", got)
		}
	})
}

func TestDifferentSearchesAreFewAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		lister.change(func(f *fakeLister) { f.hangs = map[string]bool{"SearchRefs": true} })
		answers := make(chan error)
		for i := range 30 {
			go func() {
				_, err := typed(t, refs, fmt.Sprintf("%c-nothing", 'a'+i))
				answers <- err
			}()
		}
		for range 30 {
			if err := <-answers; !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		if got := len(lister.searches()); got != 2 {
			t.Errorf("%d searches at once, want 2", got)
		}
	})
}

func TestWhatGitForbidsIsNotSearched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		for _, query := range []string{"^x", "x*", "$"} {
			wantTyped(t, refs, query, []string{}...)
		}
		if got := lister.searches(); len(got) > 0 {
			t.Errorf("searched for %q", got)
		}
	})
}

func TestGitLabDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		settled(refs)
		lister.change(func(f *fakeLister) { f.err = errDown })
		later(t, 10*time.Minute)
		wantTyped(t, refs, "fix", "refs/heads/fix")
		synctest.Wait()
		if state := refs.State(app); !errors.Is(state.Err, errDown) || state.Refs != 7 {
			t.Errorf("the state is %+v", state)
		}
		if got, err := typed(t, refs, "nothing"); !errors.Is(err, errDown) {
			t.Errorf("got %v and %v, want what went wrong", got, err)
		}

		before := lister.counted()
		for range 360 {
			refs.Opened(app)
			later(t, 10*time.Second)
		}
		if got := lister.counted()["Project"] - before["Project"]; got > 65 {
			t.Errorf("asked %d times in an hour", got)
		}

		lister.change(func(f *fakeLister) { f.err = nil })
		later(t, time.Minute)
		settled(refs)
		if state := refs.State(app); state.Err != nil || !state.LoadedAt.Equal(time.Now()) {
			t.Errorf("afterwards the state is %+v", state)
		}
	})
}

func TestGitLabDownFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) { f.err = errDown })
		for _, query := range []string{"", "fix"} {
			if got, err := typed(t, refs, query); !errors.Is(err, errDown) || len(got) > 0 {
				t.Errorf("%q gave %v and %v", query, got, err)
			}
		}
	})
}

func TestRetryAfterIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) { f.err = &gitlab.Error{Kind: gitlab.RateLimited, RetryAfter: 10 * time.Minute} })
		settled(refs)
		before := lister.counted()
		later(t, 10*time.Minute-time.Second)
		settled(refs)
		if diff := cmp.Diff(before, lister.counted()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDefaultBranchIsKnownFromMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		if name, ok := refs.DefaultBranch(app); ok {
			t.Errorf("got %q of a project that nobody read", name)
		}
		settled(refs)
		if name, ok := refs.DefaultBranch(app); !ok || name != "main" {
			t.Errorf("got %q, %v", name, ok)
		}
		lister.change(func(f *fakeLister) { f.main = "old" })
		later(t, 10*time.Minute)
		settled(refs)
		if name, _ := refs.DefaultBranch(app); name != "old" {
			t.Errorf("got %q after it was changed", name)
		}
	})
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refs, lister := newRefs(t)
		lister.change(func(f *fakeLister) {
			f.hangs = map[string]bool{"BranchNames": true, "NewestTags": true, "SearchRefs": true}
		})
		answered := make(chan error)
		go func() {
			_, err := typed(t, refs, "fix")
			answered <- err
		}()
		later(t, time.Second)
		refs.Close()
		if err := <-answered; err == nil {
			t.Error("the search that was under way gave no error")
		}
		if _, err := typed(t, refs, "fix"); err == nil {
			t.Error("a search after Close gave no error")
		}
	})
}
