package gitlab_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// fakeRights is a GitLab that tells who may do what. What it was asked is counted.
type fakeRights struct {
	mu     sync.Mutex
	roles  map[int64]gitlab.Role // by user, in every project
	groups map[int64]gitlab.Role // by group, of every user
	rules  []gitlab.Protection
	takes  time.Duration
	errs   map[string]error // by method
	calls  map[string]int
}

func (f *fakeRights) change(edit func(f *fakeRights)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *fakeRights) counted() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.calls)
}

// asked counts the call, reads the answer as it is now, and takes its time.
func asked[T any](ctx context.Context, f *fakeRights, method string, read func() T) (T, error) {
	f.mu.Lock()
	f.calls[method]++
	value, err, takes := read(), f.errs[method], f.takes
	f.mu.Unlock()
	if takes > 0 {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		var none T
		return none, err
	}
	return value, nil
}

func (f *fakeRights) Member(ctx context.Context, _, user int64) (gitlab.Role, error) {
	return asked(ctx, f, "Member", func() gitlab.Role { return f.roles[user] })
}

func (f *fakeRights) GroupMember(ctx context.Context, group, _ int64) (gitlab.Role, error) {
	return asked(ctx, f, "GroupMember", func() gitlab.Role { return f.groups[group] })
}

func (f *fakeRights) Protected(ctx context.Context, _ int64, kind gitlab.RefKind) (gitlab.Protections, error) {
	return asked(ctx, f, "Protected "+kind.String(), func() gitlab.Protections { return gitlab.Protections{Kind: kind, Rules: f.rules} })
}

// alice is a developer of project 1; friends is a group that may run main.
const (
	alice   = 7
	friends = 70
)

// newMemberships are Memberships over a GitLab with a protected branch.
func newMemberships(t *testing.T, cfg gitlab.MembershipsConfig) (*gitlab.Memberships, *fakeRights) {
	t.Helper()
	f := &fakeRights{
		roles:  map[int64]gitlab.Role{alice: gitlab.Developer},
		groups: map[int64]gitlab.Role{friends: gitlab.Developer},
		rules:  []gitlab.Protection{rule("main", gitlab.Access{Group: friends})},
		errs:   map[string]error{}, calls: map[string]int{},
	}
	m := gitlab.NewMemberships(f, cfg)
	t.Cleanup(m.Close)
	return m, f
}

func wantRole(t *testing.T, m *gitlab.Memberships, want gitlab.Role) {
	t.Helper()
	if got, err := m.Role(t.Context(), 1, alice); got != want || err != nil {
		t.Errorf("the role is %v, %v; want %v", got, err, want)
	}
}

func wantMay(t *testing.T, m *gitlab.Memberships, ref gitlab.Ref, want bool) {
	t.Helper()
	got, err := m.MayUpdate(t.Context(), 1, ref, gitlab.User{ID: alice}, gitlab.Developer)
	if got != want || err != nil {
		t.Errorf("may update %s: %v, %v; want %v", ref, got, err, want)
	}
}

func wantCalls(t *testing.T, f *fakeRights, want map[string]int) {
	t.Helper()
	if diff := cmp.Diff(want, f.counted()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestWarmMembershipsAskNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		m.Warm(1, alice)
		synctest.Wait()
		wantCalls(t, f, map[string]int{"Member": 1, "Protected branch": 1, "Protected tag": 1})
		wantRole(t, m, gitlab.Developer)
		wantMay(t, m, branch("feature"), true)
		wantMay(t, m, tag("v1"), true)
		wantCalls(t, f, map[string]int{"Member": 1, "Protected branch": 1, "Protected tag": 1})
		wantMay(t, m, branch("main"), true) // which takes a look at the group, once
		wantMay(t, m, branch("main"), true)
		wantCalls(t, f, map[string]int{"Member": 1, "Protected branch": 1, "Protected tag": 1, "GroupMember": 1})
	})
}

// Whatever was taken away is felt when the answer's time is over, and not before it
// has to be.
func TestRevocationIsFeltInTime(t *testing.T) {
	for _, tt := range []struct {
		name       string
		hold, felt time.Duration
	}{
		{"by default", 0, time.Minute},
		{"as configured", 20 * time.Second, 20 * time.Second},
		{"at the latest", time.Hour, 2 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemberships(t, gitlab.MembershipsConfig{Hold: tt.hold})
				wantRole(t, m, gitlab.Developer)
				wantMay(t, m, branch("main"), true)
				f.change(func(f *fakeRights) {
					f.roles[alice], f.groups[friends] = gitlab.NoAccess, gitlab.NoAccess
				})
				later(t, tt.felt-time.Nanosecond)
				wantRole(t, m, gitlab.Developer)
				wantMay(t, m, branch("main"), true)
				later(t, time.Nanosecond)
				wantRole(t, m, gitlab.NoAccess)
				wantMay(t, m, branch("main"), false)
			})
		})
	}
}

// The time of an answer begins when GitLab is asked, since it may change its mind
// while the answer is on its way.
func TestAnswersAgeFromWhenTheyWereAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) { f.takes = 9 * time.Second })
		wantRole(t, m, gitlab.Developer)
		f.change(func(f *fakeRights) { f.takes, f.roles[alice] = 0, gitlab.NoAccess })
		later(t, 51*time.Second)
		wantRole(t, m, gitlab.NoAccess)
	})
}

func TestWhoWasJustLetInDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) { f.roles[alice] = gitlab.NoAccess })
		wantRole(t, m, gitlab.NoAccess)
		f.change(func(f *fakeRights) { f.roles[alice] = gitlab.Owner })
		later(t, 4*time.Second)
		wantRole(t, m, gitlab.NoAccess)
		later(t, time.Second)
		wantRole(t, m, gitlab.Owner)
		wantCalls(t, f, map[string]int{"Member": 2})
	})
}

// A GitLab that is away takes every right with it, when the answers' time is over.
func TestMembershipsFailClosed(t *testing.T) {
	for _, method := range []string{"Member", "Protected branch", "GroupMember"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []error
				m, f := newMemberships(t, gitlab.MembershipsConfig{Failed: func(err error) { told = append(told, err) }})
				decide := func() (bool, error) {
					role, err := m.Role(t.Context(), 1, alice)
					if err != nil {
						if role != gitlab.NoAccess {
							t.Errorf("the role is %v", role)
						}
						return false, err
					}
					return m.MayUpdate(t.Context(), 1, branch("main"), gitlab.User{ID: alice}, role)
				}
				if may, err := decide(); !may || err != nil {
					t.Fatalf("%v, %v", may, err)
				}
				f.change(func(f *fakeRights) { f.errs[method] = errAway })
				later(t, time.Minute)
				if may, err := decide(); may || !errors.Is(err, errAway) {
					t.Errorf("%v, %v", may, err)
				}
				before := f.counted()
				later(t, 4*time.Second)
				if may, err := decide(); may || !errors.Is(err, errAway) {
					t.Errorf("%v, %v", may, err)
				}
				wantCalls(t, f, before) // it is left alone for a while
				f.change(func(f *fakeRights) { clear(f.errs) })
				later(t, time.Second)
				if may, err := decide(); !may || err != nil {
					t.Errorf("afterwards: %v, %v", may, err)
				}
				if len(told) != 1 || !errors.Is(told[0], errAway) {
					t.Errorf("told of %v", told)
				}
			})
		})
	}
}

// When one group cannot be asked about, another may let the user in all the same.
func TestDoubtIsNoneWhenSomethingElseLetsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) {
			f.errs["GroupMember"] = errAway
			f.rules = []gitlab.Protection{rule("main", gitlab.Access{Group: 71}, byRole(gitlab.Developer))}
		})
		wantMay(t, m, branch("main"), true)
		wantCalls(t, f, map[string]int{"Protected branch": 1})
	})
}

func TestGroupsTakeADeveloper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) { f.groups[friends] = gitlab.Reporter })
		wantMay(t, m, branch("main"), false)
	})
}

func TestReportersAreRefusedWithoutAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		if may, err := m.MayUpdate(t.Context(), 1, branch("feature"), gitlab.User{ID: alice}, gitlab.Reporter); may || err != nil {
			t.Errorf("%v, %v", may, err)
		}
		wantCalls(t, f, map[string]int{})
	})
}

// GitLab's own wish to be left alone is heeded, for a minute at most.
func TestMembershipsWaitAsLongAsGitLabAsks(t *testing.T) {
	for _, tt := range []struct{ asked, left time.Duration }{{30 * time.Second, 30 * time.Second}, {time.Hour, time.Minute}} {
		t.Run(tt.asked.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, f := newMemberships(t, gitlab.MembershipsConfig{})
				f.change(func(f *fakeRights) {
					f.errs["Member"] = &gitlab.Error{Op: "asking", Kind: gitlab.RateLimited, Status: 429, RetryAfter: tt.asked}
				})
				_, _ = m.Role(t.Context(), 1, alice)
				f.change(func(f *fakeRights) { clear(f.errs) })
				later(t, tt.left-time.Nanosecond)
				if _, err := m.Role(t.Context(), 1, alice); gitlab.KindOf(err) != gitlab.RateLimited {
					t.Errorf("got %v", err)
				}
				later(t, time.Nanosecond)
				wantRole(t, m, gitlab.Developer)
			})
		})
	}
}

func TestManyWaitForOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) { f.takes = time.Second })
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				wantRole(t, m, gitlab.Developer)
				wantMay(t, m, branch("feature"), true)
			})
		}
		m.Warm(1, alice)
		all.Wait()
		wantCalls(t, f, map[string]int{"Member": 1, "Protected branch": 1, "Protected tag": 1})
	})
}

// Who gives up waiting gets an error, and spoils the answer for nobody.
func TestGivingUpEndsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) { f.takes = time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if role, err := m.Role(ctx, 1, alice); role != gitlab.NoAccess || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", role, err)
		}
		wantRole(t, m, gitlab.Developer)
		wantCalls(t, f, map[string]int{"Member": 1})
	})
}

func TestARequestThatHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		f.change(func(f *fakeRights) { f.takes = time.Hour })
		begin := time.Now()
		_, err := m.Role(t.Context(), 1, alice)
		if took := time.Since(begin); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// A form that is opened late in an answer's time is sent when that is over.
func TestWarmRenewsWhatWillSoonBeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		wantRole(t, m, gitlab.Developer)
		later(t, 29*time.Second)
		m.Warm(1, alice)
		synctest.Wait()
		if n := f.counted()["Member"]; n != 1 {
			t.Errorf("asked %d times in the first half", n)
		}
		later(t, 2*time.Second)
		f.change(func(f *fakeRights) { f.takes = time.Second })
		m.Warm(1, alice)
		wantRole(t, m, gitlab.Developer) // the old answer counts on meanwhile
		later(t, 58*time.Second)
		wantRole(t, m, gitlab.Developer)
		if n := f.counted()["Member"]; n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A renewal that fails neither takes the answer away nor makes it last longer, and is
// not tried again at once.
func TestWarmThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		wantRole(t, m, gitlab.Developer)
		later(t, 40*time.Second)
		f.change(func(f *fakeRights) { f.errs["Member"] = errAway })
		for range 10 {
			m.Warm(1, alice)
			synctest.Wait()
		}
		if n := f.counted()["Member"]; n != 2 {
			t.Errorf("asked %d times", n)
		}
		later(t, 19*time.Second)
		wantRole(t, m, gitlab.Developer)
		later(t, time.Second)
		if role, err := m.Role(t.Context(), 1, alice); role != gitlab.NoAccess || !errors.Is(err, errAway) {
			t.Errorf("got %v, %v", role, err)
		}
	})
}

// Close ends what is under way; goleak sees to it that nothing goes on.
func TestClosedMembershipsRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{Failed: func(err error) { t.Errorf("told of %v", err) }})
		f.change(func(f *fakeRights) { f.takes = time.Hour })
		m.Warm(1, alice)
		synctest.Wait()
		m.Close()
		before := f.counted()
		m.Warm(1, alice+1)
		if role, err := m.Role(t.Context(), 1, alice+1); role != gitlab.NoAccess || err == nil {
			t.Errorf("got %v, %v", role, err)
		}
		if may, err := m.MayUpdate(t.Context(), 2, branch("feature"), gitlab.User{ID: alice}, gitlab.Owner); may || err == nil {
			t.Errorf("got %v, %v", may, err)
		}
		wantCalls(t, f, before)
	})
}

// A flood of users makes no more than room for them.
func TestMembershipsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := newMemberships(t, gitlab.MembershipsConfig{})
		for user := range int64(12_000) {
			if _, err := m.Role(t.Context(), 1, user); err != nil {
				t.Fatal(err)
			}
		}
		if n := gitlab.KnownRoles(m); n > 10_000 {
			t.Errorf("%d are kept", n)
		}
		wantRole(t, m, gitlab.Developer)
		if n := f.counted()["Member"]; n < 12_000 {
			t.Errorf("asked %d times", n)
		}
	})
}

// The whole way, from GitLab's answers to a decision, and back when a right is gone.
func TestMembershipsOverGitLab(t *testing.T) {
	o := newOffice(t)
	person := o.people[4]
	before, err := o.memberships.Role(t.Context(), o.project.ID, int64(person.ID))
	if before != gitlab.Maintainer || err != nil {
		t.Fatalf("%v, %v", before, err)
	}
	o.ResetRequests()
	for range 100 {
		if _, err := o.memberships.Role(t.Context(), o.project.ID, int64(person.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if requests := o.Requests(); len(requests) > 0 {
		t.Errorf("warm, it took %s", fmt.Sprint(requests))
	}
	person.Block()
	later := gitlab.NewMemberships(o.as(t, gitlabtest.Maintainer), gitlab.MembershipsConfig{}) // which remembers nothing
	t.Cleanup(later.Close)
	after, err := later.Role(t.Context(), o.project.ID, int64(person.ID))
	if after != gitlab.NoAccess || err != nil {
		t.Errorf("%v, %v", after, err)
	}
}
