package gitlab_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

func TestProjectFields(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       gitlab.Project
	}{
		{
			name: "a member",
			body: `{"id":7,"path_with_namespace":"a/b","web_url":"https://x/a/b","default_branch":"trunk",
				"permissions":{"project_access":{"access_level":30},"group_access":null}}`,
			want: gitlab.Project{ID: 7, Path: "a/b", WebURL: "https://x/a/b", DefaultBranch: "trunk", Role: 30},
		},
		{
			name: "a member of the group with the higher role",
			body: `{"id":7,"permissions":{"project_access":{"access_level":20},"group_access":{"access_level":40}}}`,
			want: gitlab.Project{ID: 7, Role: gitlab.Maintainer},
		},
		{
			name: "a member of the project with the higher role",
			body: `{"id":7,"permissions":{"project_access":{"access_level":40},"group_access":{"access_level":10}}}`,
			want: gitlab.Project{ID: 7, Role: gitlab.Maintainer},
		},
		{
			name: "an administrator of an empty repository",
			body: `{"id":7,"default_branch":null,"permissions":{"project_access":null,"group_access":null}}`,
			want: gitlab.Project{ID: 7},
		},
		{name: "no permissions at all", body: `{"id":7}`, want: gitlab.Project{ID: 7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/a%2Fb"}, gitlabtest.Fault{Status: 200, Body: tt.body})
			got, err := gl.client.Project(t.Context(), "a/b")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the project (-want +got):\n%s", diff)
			}
		})
	}
}

// reader stands in for Client.Project. What is not in its map is away.
type reader struct {
	mu    sync.Mutex
	there map[string]gitlab.Project
	asked []string
}

var errAway = errors.New("GitLab is away")

func (r *reader) read(_ context.Context, name string) (gitlab.Project, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, name)
	if project, ok := r.there[name]; ok {
		return project, nil
	}
	return gitlab.Project{}, errAway
}

func (r *reader) put(name string, project gitlab.Project) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.there[name] = project
}

// taken returns what was asked for since the last time.
func (r *reader) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

func newReader(there ...gitlab.Project) *reader {
	r := &reader{there: map[string]gitlab.Project{}}
	for _, project := range there {
		r.there[project.Path] = project
	}
	return r
}

var api = gitlab.Project{ID: 2, Path: "group/api"}

func TestProjectsKnowTheSettings(t *testing.T) {
	projects := gitlab.NewProjects(newReader().read, []string{app.Path, api.Path}, map[string]string{api.Path: secretTrigger})
	if diff := cmp.Diff([]string{app.Path, api.Path}, projects.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got, known := projects.TriggerToken(app.Path); got != "" || !known {
		t.Errorf("a project without a trigger token has %q", got)
	}
	if got, known := projects.TriggerToken(api.Path); got != secretTrigger || !known {
		t.Errorf("the trigger token is %q", got)
	}
	if _, known := projects.TriggerToken("group/gone"); known {
		t.Error("a project is known that the settings do not name")
	}
	if projects.Triggers(app.Path) || !projects.Triggers(api.Path) {
		t.Error("the project with the trigger token is the other one")
	}
}

func TestResolveAsksOnce(t *testing.T) {
	r := newReader(app)
	projects := gitlab.NewProjects(r.read, []string{app.Path}, nil)
	for range 2 {
		if got, err := projects.Resolve(t.Context(), app.Path); err != nil || got != app {
			t.Fatalf("resolved %+v, %v", got, err)
		}
	}
	if asked := r.taken(); len(asked) != 1 {
		t.Errorf("GitLab was asked for %q", asked)
	}
}

func TestKnownAsksNobody(t *testing.T) {
	r := newReader(app)
	projects := gitlab.NewProjects(r.read, []string{app.Path}, nil)
	if got, ok := projects.Known(app.Path); ok {
		t.Errorf("known before anybody asked: %+v", got)
	}
	if asked := r.taken(); asked != nil {
		t.Errorf("GitLab was asked for %q", asked)
	}
}

func TestResolveTellsWhyNot(t *testing.T) {
	r := newReader()
	projects := gitlab.NewProjects(r.read, []string{app.Path}, nil)
	if _, err := projects.Resolve(t.Context(), app.Path); !errors.Is(err, errAway) {
		t.Errorf("the error is %v", err)
	}
	r.put(app.Path, app)
	if got, err := projects.Resolve(t.Context(), app.Path); err != nil || got != app {
		t.Errorf("resolved %+v, %v after GitLab was back", got, err)
	}
}

func TestFaults(t *testing.T) {
	r := newReader(app)
	projects := gitlab.NewProjects(r.read, []string{app.Path, api.Path, "group/web"}, nil)
	_, _ = projects.Resolve(t.Context(), app.Path)
	_, _ = projects.Resolve(t.Context(), api.Path)
	var faults []string
	for _, err := range projects.Faults() {
		faults = append(faults, err.Error())
	}
	want := []string{"project group/api: GitLab is away", "project group/web: not read yet"}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestFaultsEnd(t *testing.T) {
	r := newReader()
	projects := gitlab.NewProjects(r.read, []string{app.Path}, nil)
	_, _ = projects.Resolve(t.Context(), app.Path)
	r.put(app.Path, app)
	_, _ = projects.Resolve(t.Context(), app.Path)
	if faults := projects.Faults(); faults != nil {
		t.Errorf("faults: %v", faults)
	}
}

func TestUnreadable(t *testing.T) {
	role := func(name string, role gitlab.Role) gitlab.Project { return gitlab.Project{Path: name, Role: role} }
	projects := gitlab.NewProjects(
		newReader(role("g/developer", 30), role("g/maintainer", 40), role("g/owner", 50), role("g/api", 30), role("g/unread", 30)).read,
		[]string{"g/developer", "g/maintainer", "g/owner", "g/api", "g/unread"},
		map[string]string{"g/developer": secretTrigger, "g/maintainer": secretTrigger, "g/owner": secretTrigger, "g/unread": secretTrigger},
	)
	for _, name := range projects.Names()[:4] {
		if _, err := projects.Resolve(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"g/developer"}, projects.Unreadable()); diff != "" {
		t.Errorf("unreadable (-want +got):\n%s", diff)
	}
}

// keep runs Keep until the test ends, on the bubble's clock.
func keep(t *testing.T, projects *gitlab.Projects) (learned func() []gitlab.Project) {
	t.Helper()
	var mu sync.Mutex
	var all []gitlab.Project
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		projects.Keep(ctx, func(_ string, p gitlab.Project) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, p)
		}, func(string, error) {})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return func() []gitlab.Project {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func TestKeepGetsOverGitLabBeingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		projects := gitlab.NewProjects(r.read, []string{app.Path}, nil)
		learned := keep(t, projects)
		later(t, time.Minute)
		if faults := projects.Faults(); len(faults) != 1 {
			t.Fatalf("faults while GitLab is away: %v", faults)
		}
		r.put(app.Path, app)
		later(t, 10*time.Second)
		if got, ok := projects.Known(app.Path); !ok || got != app {
			t.Errorf("known after GitLab was back: %+v, %v", got, ok)
		}
		if faults := projects.Faults(); faults != nil {
			t.Errorf("faults after GitLab was back: %v", faults)
		}
		if diff := cmp.Diff([]gitlab.Project{app}, learned()); diff != "" {
			t.Errorf("learned (-want +got):\n%s", diff)
		}
	})
}

// A project that is misspelled must not have all others read every few seconds.
func TestKeepAsksSoonerOnlyForWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(app)
		projects := gitlab.NewProjects(r.read, []string{app.Path, "group/misspelled"}, nil)
		keep(t, projects)
		later(t, time.Second)
		if diff := cmp.Diff([]string{app.Path, "group/misspelled"}, r.taken()); diff != "" {
			t.Fatalf("asked first (-want +got):\n%s", diff)
		}
		later(t, time.Minute)
		asked := r.taken()
		if slices.Contains(asked, app.Path) || len(asked) < 5 {
			t.Errorf("asked within a minute: %q", asked)
		}
	})
}

// A default branch changes, and roles do.
func TestKeepReadsAgainWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(app)
		projects := gitlab.NewProjects(r.read, []string{app.Path, "group/misspelled"}, nil)
		keep(t, projects)
		later(t, time.Second)
		changed := gitlab.Project{ID: 1, Path: app.Path, DefaultBranch: "trunk"}
		r.put(app.Path, changed)
		later(t, 15*time.Minute)
		if got, _ := projects.Known(app.Path); got != changed {
			t.Errorf("known a quarter of an hour later: %+v", got)
		}
	})
}

// What was learned is good enough while GitLab is away.
func TestKeepForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(app)
		projects := gitlab.NewProjects(r.read, []string{app.Path}, nil)
		keep(t, projects)
		later(t, time.Second)
		r.mu.Lock()
		delete(r.there, app.Path)
		r.mu.Unlock()
		later(t, 15*time.Minute)
		if got, ok := projects.Known(app.Path); !ok || got != app {
			t.Errorf("known while GitLab is away: %+v, %v", got, ok)
		}
		if faults := projects.Faults(); len(faults) != 1 {
			t.Errorf("faults while GitLab is away: %v", faults)
		}
	})
}
