package gitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

const marker = "PIPEBOT_RUN_ID"

func TestFindStarted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trigger bool
		ref     gitlab.Ref
	}{
		{"a branch by a trigger token", true, branch("v1")},
		{"a tag by a trigger token", true, tag("v1")},
		{"a branch by the access token", false, branch("v1")},
		{"a tag by the access token", false, tag("v1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.app.AddBranch("v1", time.Now())
			gl.app.AddTag("v1", time.Now())
			start := gl.start(tt.trigger)
			start.Ref = tt.ref
			want := make([]gitlab.Pipeline, 3)
			for i := range want {
				start.Variables = map[string]string{marker: fmt.Sprint("V", i), "BUILD_TYPE": "debug"}
				var err error
				if want[i], err = gl.client.StartPipeline(t.Context(), start); err != nil {
					t.Fatal(err)
				}
			}
			looker := gl.as(t, gitlabtest.Maintainer)
			for i := range want {
				got, err := looker.FindStarted(t.Context(), gitlab.Started{
					Project: gl.project.ID, Ref: tt.ref, Trigger: tt.trigger, Since: time.Now(), Key: marker, Value: fmt.Sprint("V", i),
				})
				if err != nil {
					t.Fatalf("V%d: %v", i, err)
				}
				if diff := cmp.Diff(gitlab.Search{Found: want[i]}, got); diff != "" {
					t.Errorf("V%d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// What was started otherwise is no candidate, whatever it carries, and is not asked
// for its variables.
func TestFindStartedLooksOnlyWhereItCouldBe(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.AddBranch("other", time.Now())
	trigger := gl.start(true)
	trigger.Variables = map[string]string{marker: "V1"}
	other := gl.start(false)
	other.Ref, other.Variables = branch("other"), trigger.Variables
	for _, s := range []gitlab.Start{trigger, other} {
		if _, err := gl.client.StartPipeline(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	gl.ResetRequests()
	found, err := gl.as(t, gitlabtest.Maintainer).FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
	})
	if found.Found.ID != 0 || len(found.Unread) != 0 || err != nil {
		t.Errorf("found: %+v, %v", found, err)
	}
	if n := len(gl.Requests()); n != 1 {
		t.Errorf("it took %d requests", n)
	}
}

// GitLab's clock may be behind ours, or ahead, however far: its answers tell, and where a
// process has had none before, the list itself is the first.
func TestFindStartedAllowsForTheClocks(t *testing.T) {
	for _, behind := range []time.Duration{0, 4 * time.Minute, 6 * time.Minute, 26 * time.Hour, -4 * time.Minute, -26 * time.Hour} {
		for name, anew := range map[string]bool{"by who started it": false, "by a process that has heard nothing yet": true} {
			t.Run(behind.String()+" "+name, func(t *testing.T) {
				server := gitlabtest.NewServer(gitlabtest.Config{Now: func() time.Time { return time.Now().Add(-behind) }})
				t.Cleanup(server.Close)
				user, project := server.AddUser("bot"), server.AddProject("group/app")
				project.AddMember(user, gitlabtest.Maintainer)
				gl, token := instance{Server: server}, server.AddToken(user, "api")
				client := gl.with(t, token)
				want, err := client.StartPipeline(t.Context(), gitlab.Start{
					Project: int64(project.ID), Ref: branch("main"), Variables: map[string]string{marker: "V1"},
				})
				if err != nil {
					t.Fatal(err)
				}
				if anew {
					client = gl.with(t, token)
				}
				server.ResetRequests()
				found, err := client.FindStarted(t.Context(), gitlab.Started{
					Project: int64(project.ID), Ref: branch("main"), Since: time.Now(), Until: time.Now(), Key: marker, Value: "V1",
				})
				if found.Found.ID != want.ID || err != nil {
					t.Errorf("found: %+v, %v", found, err)
				}
				lists := 1
				if anew && behind.Abs() > gitlab.ClockNews {
					lists = 2
				}
				if n := server.Count("GET /api/v4/projects/*/pipelines"); n != lists {
					t.Errorf("it was listed %d times, not %d", n, lists)
				}
			})
		}
	}
}

// A variable that may not be read leaves it open whether the start is there.
func TestFindStartedNamesWhatItMayNotRead(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(true) // another user's trigger token
	start.Variables = map[string]string{marker: "V1"}
	p, err := gl.client.StartPipeline(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gl.client.FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Trigger: true, Since: time.Now(), Key: marker, Value: "V1",
	})
	if diff := cmp.Diff(gitlab.Search{Unread: []gitlab.Pipeline{p}}, got); diff != "" || err != nil || p.User.Username == "" {
		t.Errorf("%v; found (-want +got):\n%s", err, diff)
	}
}

// A person is asked about those that were made next to the POST; the others are counted.
func TestFindStartedNamesTheNearest(t *testing.T) {
	begin := time.Now().Truncate(time.Second)
	var minutes atomic.Int64
	clock := func() time.Time { return begin.Add(time.Duration(minutes.Load()) * time.Minute) }
	server := gitlabtest.NewServer(gitlabtest.Config{Now: clock})
	t.Cleanup(server.Close)
	starter, looker, project := server.AddUser("starter"), server.AddUser("looker"), server.AddProject("group/app")
	project.AddMember(starter, gitlabtest.Maintainer)
	project.AddMember(looker, gitlabtest.Developer)
	gl := instance{Server: server}
	client := gl.with(t, server.AddToken(starter, "api"))
	var ids []int64
	for range 8 {
		p, err := client.StartPipeline(t.Context(), gitlab.Start{Project: int64(project.ID), Ref: branch("main")})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
		minutes.Add(1)
	}
	at := begin.Add(3*time.Minute + time.Second) // a second after the fourth
	found, err := gl.with(t, server.AddToken(looker, "api")).FindStarted(t.Context(), gitlab.Started{
		Project: int64(project.ID), Ref: branch("main"), Since: begin, At: at, Key: marker, Value: "V1",
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, p := range found.Unread {
		got = append(got, p.ID)
	}
	if diff := cmp.Diff([]int64{ids[3], ids[4], ids[2], ids[5], ids[1]}, got); diff != "" || found.More != 3 {
		t.Errorf("%d more than (-want +got):\n%s", found.More, diff)
	}
}

// What was made when nobody waited for it any more is not read, though there is much of it;
// what was made a while after is, since a clock may have been set meanwhile.
func TestFindStartedLooksOnlyWhileItCouldBeMade(t *testing.T) {
	begin := time.Now().Truncate(time.Second)
	var minutes atomic.Int64
	server := gitlabtest.NewServer(gitlabtest.Config{Now: func() time.Time { return begin.Add(time.Duration(minutes.Load()) * time.Minute) }})
	t.Cleanup(server.Close)
	user, project := server.AddUser("bot"), server.AddProject("group/app")
	project.AddMember(user, gitlabtest.Maintainer)
	client := instance{Server: server}.with(t, server.AddToken(user, "api"))
	var last gitlab.Pipeline
	for n := range int64(8) {
		minutes.Store(50 * n)
		var err error
		last, err = client.StartPipeline(t.Context(), gitlab.Start{
			Project: int64(project.ID), Ref: branch("main"), Variables: map[string]string{marker: fmt.Sprint("V", n)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	minutes.Store(0)
	if _, err := client.Pipeline(t.Context(), int64(project.ID), last.ID); err != nil { // tells the time
		t.Fatal(err)
	}
	for value, want := range map[string]int{"V1": 2, "V9": 2} {
		server.ResetRequests()
		found, err := client.FindStarted(t.Context(), gitlab.Started{
			Project: int64(project.ID), Ref: branch("main"), Since: begin, At: begin, Until: begin.Add(time.Minute), Key: marker, Value: value,
		})
		if err != nil || len(found.Unread) != 0 || (found.Found.ID != 0) != (value == "V1") {
			t.Errorf("%s: %+v, %v", value, found, err)
		}
		if n := server.Count("GET /api/v4/projects/*/pipelines/*/variables"); n != want {
			t.Errorf("%s: the variables of %d pipelines were read", value, n)
		}
	}
}

// A pipeline that is deleted while it is looked for is none that anybody waits for; and
// where it is ours, it was started all the same.
func TestFindStartedWhileOneIsDeleted(t *testing.T) {
	for path, ours := range map[string]bool{"/api/v4/projects/*/pipelines/*/variables": false, "/api/v4/projects/*/pipelines/*": true} {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			gl := newInstance(t, nil)
			start := gl.start(false)
			start.Variables = map[string]string{marker: "V1"}
			p, err := gl.client.StartPipeline(t.Context(), start)
			if err != nil {
				t.Fatal(err)
			}
			gl.Fault(gitlabtest.Match{Method: http.MethodGet, PathPattern: path}, gitlabtest.Fault{Status: 404, Body: `{"message":"404 Not found"}`})
			found, err := gl.client.FindStarted(t.Context(), gitlab.Started{
				Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
			})
			if err != nil || len(found.Unread) != 0 || (found.Found.ID == p.ID) != ours {
				t.Errorf("found: %+v, %v", found, err)
			}
		})
	}
}

// Of what people say is another's the variables are read all the same; where they may not
// be, it is asked about only if there is nothing else to ask about.
func TestFindStartedHearsPeopleLast(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(true)
	start.Variables = map[string]string{marker: "V1"}
	var ids []int64
	for range 2 {
		p, err := gl.client.StartPipeline(t.Context(), start)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	for name, tt := range map[string]struct {
		client *gitlab.Client
		said   []int64
		found  bool
		unread int
	}{
		"its variables can be read": {gl.as(t, gitlabtest.Maintainer), ids, true, 0},
		"of one they say it":        {gl.client, ids[:1], false, 1},
		"of all they say it":        {gl.client, ids, false, 2},
	} {
		got, err := tt.client.FindStarted(t.Context(), gitlab.Started{
			Project: gl.project.ID, Ref: branch("main"), Trigger: true, Since: time.Now(), Key: marker, Value: "V1",
			Said: func(id int64) bool { return slices.Contains(tt.said, id) },
		})
		if err != nil || (got.Found.ID != 0) != tt.found || len(got.Unread) != tt.unread {
			t.Errorf("%s: found %+v, %v", name, got, err)
		}
	}
}

// What is known to be another request's is neither read nor asked about.
func TestFindStartedLeavesOthersAlone(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(true)
	start.Variables = map[string]string{marker: "V1"}
	p, err := gl.client.StartPipeline(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	gl.ResetRequests()
	got, err := gl.client.FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Trigger: true, Since: time.Now(), Key: marker, Value: "V1",
		Others: func(id int64) bool { return id == p.ID },
	})
	if diff := cmp.Diff(gitlab.Search{}, got); diff != "" || err != nil {
		t.Errorf("%v; found (-want +got):\n%s", err, diff)
	}
	if n := len(gl.Requests()); n != 1 {
		t.Errorf("it took %d requests", n)
	}
}

// Somebody else's pipeline beside ours, whose variables are their business.
func TestFindStartedPassesOverWhatIsNotOurs(t *testing.T) {
	gl := newInstance(t, nil)
	start := gl.start(false)
	start.Variables = map[string]string{marker: "V1"}
	want, err := gl.client.StartPipeline(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gl.as(t, gitlabtest.Developer).StartPipeline(t.Context(), gl.start(false)); err != nil {
		t.Fatal(err)
	}
	got, err := gl.client.FindStarted(t.Context(), gitlab.Started{
		Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
	})
	if err != nil || got.Found.ID != want.ID {
		t.Errorf("found %+v, %v", got, err)
	}
}

// While GitLab is away nothing is known of the start.
func TestFindStartedTellsThatItCannotLook(t *testing.T) {
	for _, path := range []string{"/api/v4/projects/*/pipelines", "/api/v4/projects/*/pipelines/*/variables", "/api/v4/projects/*/pipelines/*"} {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			gl := newInstance(t, nil)
			start := gl.start(false)
			start.Variables = map[string]string{marker: "V1"}
			if _, err := gl.client.StartPipeline(t.Context(), start); err != nil {
				t.Fatal(err)
			}
			gl.Fault(gitlabtest.Match{Method: http.MethodGet, PathPattern: path}, gitlabtest.Fault{Status: 502})
			found, err := gl.client.FindStarted(t.Context(), gitlab.Started{
				Project: gl.project.ID, Ref: branch("main"), Since: time.Now(), Key: marker, Value: "V1",
			})
			if found.Found.ID != 0 || gitlab.KindOf(err) != gitlab.Unclear || err == nil {
				t.Errorf("found: %+v, %v", found, err)
			}
		})
	}
}
