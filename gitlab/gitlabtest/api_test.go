package gitlabtest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

func ids(list []pipeline) []int {
	out := []int{}
	for _, pl := range list {
		out = append(out, pl.ID)
	}
	return out
}

func TestListPipelines(t *testing.T) {
	c := &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
	s := gitlabtest.NewServer(gitlabtest.Config{Now: c.Now})
	t.Cleanup(s.Close)
	dev, bot := s.AddUser("dev"), s.AddUser("bot")
	p := s.AddProject("group/app")
	p.AddMember(dev, gitlabtest.Maintainer)
	p.AddMember(bot, gitlabtest.Developer)
	p.AddBranch("x", c.now)
	p.AddTag("v1", c.now)
	w := &world{Server: s, t: t, app: p, token: map[gitlabtest.Role]string{gitlabtest.Maintainer: s.AddToken(dev)}}
	var all []*gitlabtest.Pipeline
	for _, start := range []struct {
		user        *gitlabtest.User
		ref, source string
	}{{dev, "main", "push"}, {bot, "main", "trigger"}, {dev, "x", "web"}, {bot, "v1", "trigger"}, {dev, "main", "api"}} {
		c.pass(time.Minute)
		pl, reason := p.StartPipeline(start.user, start.ref, start.source)
		if reason != "" {
			t.Fatal(reason)
		}
		all = append(all, pl)
	}
	c.pass(time.Minute)
	all[0].Finish("success")
	c.pass(time.Minute)
	all[1].Start()
	sha := all[2].SHA
	p.DeleteBranch("x")
	for _, test := range []struct {
		query string
		want  []int
	}{
		{"", []int{5, 4, 3, 2, 1}},
		{"sort=asc", []int{1, 2, 3, 4, 5}},
		{"ref=main", []int{5, 2, 1}},
		{"source=trigger", []int{4, 2}},
		{"username=bot", []int{4, 2}},
		{"status=success", []int{1}},
		{"status=created", []int{5, 4, 3}},
		{"scope=running", []int{2}},
		{"scope=finished", []int{1}},
		{"scope=tags", []int{4}},
		{"scope=branches", []int{5}},
		{"sha=" + sha, []int{3}},
		{"yaml_errors=true", []int{}},
		{"order_by=updated_at", []int{2, 1, 5, 4, 3}},
		{"order_by=updated_at&updated_after=2026-09-01T12:06:00Z", []int{2, 1}},
		{"updated_after=2026-09-01T12:06:00.001Z", []int{2}},
		{"created_before=2026-09-01T12:02:00Z", []int{2, 1}},
		{"created_after=2026-09-01T12:04:00Z&source=trigger&ref=v1", []int{4}},
		{"per_page=2&page=2", []int{3, 2}},
	} {
		t.Run(test.query, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ids(get[[]pipeline](w, "/projects/1/pipelines?"+test.query))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusedParameters(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	for path, want := range map[string]string{
		"/projects/1/pipelines?status=done":                                 `{"error":"status does not have a valid value"}`,
		"/projects/1/pipelines?scope=new":                                   `{"error":"scope does not have a valid value"}`,
		"/projects/1/pipelines?source=slack":                                `{"error":"source does not have a valid value"}`,
		"/projects/1/pipelines?order_by=created_at":                         `{"error":"order_by does not have a valid value"}`,
		"/projects/1/pipelines?updated_after=yesterday":                     `{"error":"updated_after is invalid"}`,
		"/projects/1/pipelines/latest1":                                     `{"error":"pipeline_id is invalid"}`,
		fmt.Sprintf("/projects/1/pipelines/%d/jobs?scope[]=done", pl.ID):    `{"error":"scope does not have a valid value"}`,
		fmt.Sprintf("/projects/1/pipelines/%d/jobs?per_page=a%%20b", pl.ID): `{"error":"per_page is invalid"}`,
	} {
		a := w.ask("GET", path, w.token[gitlabtest.Maintainer], nil)
		if a.Status != 400 || a.Body != want {
			t.Errorf("%s: %d %s, want 400 %s", path, a.Status, a.Body, want)
		}
	}
	if n := len(w.Violations()); n != 8 {
		t.Errorf("%d violations: %v", n, w.Violations())
	}
}

func TestNotFound(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/projects/99":              `404 {"message":"404 Project Not Found"}`,
		"/projects/group%2Fnone":    `404 {"message":"404 Project Not Found"}`,
		"/projects/1/pipelines/99":  `404 {"message":"404 Not found"}`,
		"/projects/1/jobs/99":       `404 {"message":"404 Not found"}`,
		"/projects/1/nothing":       `404 {"error":"404 Not Found"}`,
		"/projects/1/pipelines/1/x": `404 {"error":"404 Not Found"}`,
	} {
		a := w.ask("GET", path, w.token[gitlabtest.Maintainer], nil)
		if got := fmt.Sprintf("%d %s", a.Status, a.Body); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if a := w.ask("PUT", "/projects/1/pipelines", w.token[gitlabtest.Maintainer], nil); a.Status != 405 {
		t.Errorf("PUT: %d %s", a.Status, a.Body)
	}
	if a := w.ask("GET", "/projects/1/pipelines/latest", w.token[gitlabtest.Maintainer], nil); a.Status != 403 {
		t.Errorf("latest of none: %d %s", a.Status, a.Body)
	}
}

func TestRetryMakesNewJobs(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	old := pl.Job("compile")
	old.Fail("runner_system_failure")
	path := fmt.Sprintf("/projects/1/pipelines/%d", pl.ID)
	retried := decode[pipeline](w, w.ask("POST", path+"/retry", w.token[gitlabtest.Developer], nil), 201)
	if retried.ID != pl.ID || retried.Status != "pending" {
		t.Errorf("retried %+v", retried)
	}
	if pl.Job("compile").ID == old.ID {
		t.Error("the job was not replaced")
	}
	if n := len(get[[]named](w, path+"/jobs")); n != 3 {
		t.Errorf("%d jobs", n)
	}
	if n := len(get[[]named](w, path+"/jobs?include_retried=true")); n != 4 {
		t.Errorf("%d jobs with the retried one", n)
	}
	if n := len(get[[]named](w, path+"/jobs?"+url.Values{"scope[]": {"failed", "pending"}, "include_retried": {"true"}}.Encode())); n != 2 {
		t.Errorf("%d jobs failed or pending", n)
	}
	a := w.ask("POST", fmt.Sprintf("/projects/1/jobs/%d/retry", old.ID), w.token[gitlabtest.Developer], nil)
	if a.Status != 403 || a.Body != `{"message":"403 Forbidden - Job is not retryable"}` {
		t.Errorf("retrying a retried job: %d %s", a.Status, a.Body)
	}
	a = w.ask("POST", fmt.Sprintf("/projects/1/jobs/%d/play", old.ID), w.token[gitlabtest.Developer], nil)
	if a.Status != 400 || a.Body != `{"message":"400 Bad request - Unplayable Job"}` {
		t.Errorf("playing it: %d %s", a.Status, a.Body)
	}
}

func TestJobPages(t *testing.T) {
	w := newWorld(t)
	var specs []gitlabtest.JobSpec
	for _, name := range numbered("j%02d", 45) {
		specs = append(specs, gitlabtest.JobSpec{Name: name})
	}
	w.app.SetCI(gitlabtest.CI{Jobs: specs})
	pl := w.run()
	for _, query := range []string{"", "?pagination=keyset", "?pagination=keyset&order_by=id&sort=desc"} {
		var all []string
		for path := fmt.Sprintf("/projects/1/pipelines/%d/jobs%s", pl.ID, query); path != ""; {
			a := w.ask("GET", path, w.token[gitlabtest.Reporter], nil)
			all = append(all, names(decode[[]named](w, a, 200))...)
			path = a.next()
		}
		if len(all) != 45 || all[0] != "j44" || all[44] != "j00" {
			t.Errorf("%q: %v", query, all)
		}
	}
}

func TestArtifactsAndTrace(t *testing.T) {
	w := newWorld(t)
	w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "a", Artifacts: []string{"app.zip", "junit.xml"}, Log: "hello\n"}}})
	pl := w.run()
	pl.Job("a").Succeed()
	type job struct {
		Artifacts []struct {
			Type string `json:"file_type"`
			Name string `json:"filename"`
		}
		ArtifactsFile struct{ Filename string } `json:"artifacts_file"`
	}
	j := get[job](w, fmt.Sprintf("/projects/1/jobs/%d", pl.Job("a").ID))
	var got []string
	for _, a := range j.Artifacts {
		got = append(got, a.Type+" "+a.Name)
	}
	want := []string{"archive app.zip", "metadata metadata.gz", "junit junit.xml.gz", "trace job.log"}
	if diff := cmp.Diff(want, got); diff != "" || j.ArtifactsFile.Filename != "app.zip" {
		t.Errorf("%s, artifacts_file %q", diff, j.ArtifactsFile.Filename)
	}
	a := w.ask("GET", fmt.Sprintf("/projects/1/jobs/%d/trace", pl.Job("a").ID), w.token[gitlabtest.Reporter], nil)
	if a.Body != "hello\nJob succeeded\n" || a.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("trace %q as %s", a.Body, a.Header.Get("Content-Type"))
	}
}

func TestDeletedPipeline(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	path := fmt.Sprintf("/projects/1/pipelines/%d", pl.ID)
	if a := w.ask("DELETE", path, w.token[gitlabtest.Owner], nil); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := w.ask("GET", path, w.token[gitlabtest.Owner], nil); a.Status != 404 || !pl.Deleted() {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestRenamedPipeline(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	path := fmt.Sprintf("/projects/1/pipelines/%d/metadata", pl.ID)
	long := strings.Repeat("é", 256)
	for _, test := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{"name": " nightly "}, "200 nightly"},
		{map[string]any{"name": long[:len(long)-2]}, "200 " + long[:len(long)-2]},
		{map[string]any{"name": long}, `400 {"message":"Failed to update pipeline - Name is too long (maximum is 255 characters)"}`},
		{map[string]any{"name": " "}, `400 {"message":"Failed to update pipeline - Name is too short (minimum is 1 character)"}`},
		{map[string]any{}, `400 {"error":"name is missing"}`},
	} {
		a := w.ask("PUT", path, w.token[gitlabtest.Developer], test.body)
		got := fmt.Sprintf("%d %s", a.Status, strings.TrimSpace(a.Body))
		if a.Status == 200 {
			got = "200 " + decode[named](w, a, 200).Name
			if "200 "+pl.Name() != got {
				t.Errorf("it is called %q", pl.Name())
			}
		}
		if got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
	w.SetVersion("16.5.0")
	if a := w.ask("PUT", path, w.token[gitlabtest.Developer], map[string]any{"name": "x"}); a.Status != 404 {
		t.Errorf("before 16.6: %d %s", a.Status, a.Body)
	}
}

func TestTestReportSummary(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	path := fmt.Sprintf("/projects/1/pipelines/%d/test_report_summary", pl.ID)
	none := w.ask("GET", path, w.token[gitlabtest.Reporter], nil)
	pl.SetTestReport(gitlabtest.TestReport{Success: 3, Failed: 1, Time: 1500 * time.Millisecond})
	some := w.ask("GET", path, w.token[gitlabtest.Reporter], nil)
	want := []string{
		`{"test_suites":[],"total":{"count":0,"error":0,"failed":0,"skipped":0,"success":0,"suite_error":null,"time":0}}`,
		`{"test_suites":[{"build_ids":[],"error_count":0,"failed_count":1,"name":"test","skipped_count":0,"success_count":3,"suite_error":null,"total_count":4,"total_time":1.5}],` +
			`"total":{"count":4,"error":0,"failed":1,"skipped":0,"success":3,"suite_error":null,"time":1.5}}`,
	}
	if diff := cmp.Diff(want, []string{strings.TrimSpace(none.Body), strings.TrimSpace(some.Body)}); diff != "" {
		t.Error(diff)
	}
}

func TestInstance(t *testing.T) {
	w := newWorld(t)
	w.SetVersion("17.11.0")
	for path, part := range map[string]string{
		"/version":                     `"version":"17.11.0"`,
		"/metadata":                    `"enterprise":false`,
		"/user":                        `"username":"maintainer"`,
		"/users/1":                     `"id":1`,
		"/users?username=guest":        `"username":"guest"`,
		"/personal_access_tokens/self": `"scopes":["api"]`,
		"/projects?membership=true":    `"path_with_namespace":"group/app"`,
	} {
		a := w.ask("GET", path, w.token[gitlabtest.Maintainer], nil)
		if a.Status != 200 || !strings.Contains(a.Body, part) {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}

func TestPublicProjectNeedsNoToken(t *testing.T) {
	w := newWorld(t)
	w.app.Configure(func(s *gitlabtest.Settings) { s.Visibility = "public" })
	if a := w.ask("GET", "/projects/1/repository/branches", "", nil); a.Status != 200 {
		t.Errorf("reading: %d %s", a.Status, a.Body)
	}
	if a := w.ask("POST", "/projects/1/pipeline", "", map[string]any{"ref": "main"}); a.Status != 401 {
		t.Errorf("writing: %d %s", a.Status, a.Body)
	}
}

func TestUnknownParameterIsAViolation(t *testing.T) {
	w := newWorld(t)
	get[[]named](w, "/projects/1/pipelines?state=running")
	v := w.Violations()
	if len(v) != 1 || v[0].Message != "sent the parameter state, which this endpoint does not have" {
		t.Errorf("violations %v", v)
	}
}

func TestProjectsByKeyset(t *testing.T) {
	w := newWorld(t)
	for _, path := range numbered("group/p%d", 5) {
		w.AddProject(path).AddMember(w.users[gitlabtest.Maintainer], gitlabtest.Reporter)
	}
	for sort, want := range map[string]string{"asc": "app p0 p1 p2 p3 p4", "desc": "p4 p3 p2 p1 p0 app"} {
		var all []string
		for path := "/projects?membership=true&pagination=keyset&order_by=id&per_page=2&sort=" + sort; path != ""; {
			a := w.ask("GET", path, w.token[gitlabtest.Maintainer], nil)
			all = append(all, names(decode[[]named](w, a, 200))...)
			path = a.next()
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%s: %s", sort, got)
		}
	}
	if n := len(w.Projects()); n != 6 {
		t.Errorf("%d projects", n)
	}
}

func TestProtectedTag(t *testing.T) {
	w := newWorld(t)
	w.app.AddTag("v1", time.Now())
	w.app.ProtectTag("v*", gitlabtest.Maintainer)
	body := map[string]any{"ref": "v1"}
	if a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], body); a.Status != 400 || !strings.Contains(a.Body, "You do not have sufficient permission") {
		t.Errorf("developer: %d %s", a.Status, a.Body)
	}
	if a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Maintainer], body); a.Status != 201 {
		t.Errorf("maintainer: %d %s", a.Status, a.Body)
	}
	pl := w.app.Pipelines()[0]
	if a := w.ask("POST", fmt.Sprintf("/projects/1/pipelines/%d/cancel", pl.ID), w.token[gitlabtest.Developer], nil); a.Status != 403 {
		t.Errorf("developer cancels: %d %s", a.Status, a.Body)
	}
	w.app.DeleteTag("v1")
	if a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Maintainer], body); a.Body != base("Reference not found") {
		t.Errorf("after deletion: %d %s", a.Status, a.Body)
	}
}

func TestAdminIsOwnerEverywhere(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	w.users[gitlabtest.NoAccess].SetAdmin(true)
	a := w.ask("DELETE", fmt.Sprintf("/projects/1/pipelines/%d", pl.ID), w.token[gitlabtest.NoAccess], nil)
	if a.Status != 204 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
