package bot_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// fakeRights is what GitLab and the records say about people: who they are, what they
// may, what is frozen, and what was written down.
type fakeRights struct {
	mu       sync.Mutex
	users    map[string]gitlab.User // by username
	emails   map[string]gitlab.User
	roles    map[int64]gitlab.Role // by user
	closed   []string              // refs that are protected, and nobody may update
	freezes  []run.Freeze
	links    map[string]run.Link
	entries  []run.Entry
	failing  error // of everything
	silent   error // of writing entries
	shas     map[string]string
	asked    int
	warmed   int
	unfrozen int
}

const mainSHA = "7bc5278e00112233445566778899aabbccddeeff"

func newRights() *fakeRights {
	return &fakeRights{
		users: map[string]gitlab.User{"alice": {ID: 1, Username: "alice"}, "bob": {ID: 2, Username: "bob"}},
		roles: map[int64]gitlab.Role{1: gitlab.Developer, 2: gitlab.Maintainer},
		links: map[string]run.Link{}, emails: map[string]gitlab.User{},
		shas: map[string]string{"main": mainSHA, "feature/login": mainSHA, "v1": mainSHA},
	}
}

// change changes what it says from now on.
func (f *fakeRights) change(edit func(f *fakeRights)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func notThere(what string) error {
	return &gitlab.Error{Op: what, Kind: gitlab.NotFound, Status: 404}
}

func (f *fakeRights) UserByName(_ context.Context, name string) (gitlab.User, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u, ok := f.users[name]; ok && f.failing == nil {
		return u, nil
	}
	return gitlab.User{}, errOr(f.failing, notThere("finding a user"))
}

func (f *fakeRights) UserByEmail(_ context.Context, email string) (gitlab.User, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u, ok := f.emails[email]; ok && f.failing == nil {
		return u, nil
	}
	return gitlab.User{}, errOr(f.failing, notThere("finding a user"))
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (f *fakeRights) Role(_ context.Context, _, user int64) (gitlab.Role, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.roles[user], f.failing
}

func (f *fakeRights) MayUpdate(_ context.Context, _ int64, ref gitlab.Ref, _ gitlab.User, _ gitlab.Role) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !slices.Contains(f.closed, ref.Name), f.failing
}

func (f *fakeRights) Rights(_ context.Context, _ int64, ref gitlab.Ref) (gitlab.Rights, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return gitlab.Rights{Open: !slices.Contains(f.closed, ref.Name)}, f.failing
}

func (f *fakeRights) Warm(int64, int64) { f.change(func(f *fakeRights) { f.warmed++ }) }

func (f *fakeRights) RefSHA(_ context.Context, _ int64, ref gitlab.Ref) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shas[ref.Name], f.failing
}

func (f *fakeRights) Add(_ context.Context, freeze run.Freeze) (run.Freeze, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	freeze.ID = "F" + strings.Repeat("1", len(f.freezes)+1)
	f.freezes = append(f.freezes, freeze)
	return freeze, nil
}

func (f *fakeRights) Remove(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freezes = slices.DeleteFunc(f.freezes, func(freeze run.Freeze) bool { return freeze.ID == id })
	f.unfrozen++
	return nil
}

func (f *fakeRights) Current(time.Time) ([]run.Freeze, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.freezes), f.failing
}

func (f *fakeRights) Append(_ context.Context, e run.Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent == nil {
		f.entries = append(f.entries, e)
	}
	return f.silent
}

func (f *fakeRights) AppendOnce(_ context.Context, e run.Entry) (first bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent != nil || slices.ContainsFunc(f.entries, func(other run.Entry) bool { return other.ID == e.ID }) {
		return false, f.silent
	}
	f.entries = append(f.entries, e)
	return true, nil
}

func (f *fakeRights) Find(context.Context, run.Filter) ([]run.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries), nil
}

// noted are the entries of the audit log so far.
func (f *fakeRights) noted() []run.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

// fakeLinks keeps links in memory.
type fakeLinks struct{ *fakeRights }

func (l fakeLinks) Get(_ context.Context, team, user string) (run.Link, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, ok := l.links[team+"/"+user]
	return link, ok, l.failing
}

func (l fakeLinks) Put(_ context.Context, link run.Link) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.links[link.Team+"/"+link.User] = link
	return nil
}

func (l fakeLinks) Delete(_ context.Context, team, user string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.links, team+"/"+user)
	return nil
}
