package gitlab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// The price of watching: 1,000 running pipelines are 20 requests.
func TestObserveReadsInBatches(t *testing.T) {
	gl := newInstance(t, nil)
	ids := gl.startMany(t, 1000)
	gl.ResetRequests()
	got, err := gl.client.Observe(t.Context(), gl.project, ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if o, ok := got[id]; !ok || o.Pipeline.ID != id || o.Pipeline.Status != gitlab.StatusCreated || len(o.Progress.Stages) != 1 {
			t.Fatalf("pipeline %d: %+v", id, o)
		}
	}
	if len(got) != len(ids) {
		t.Errorf("%d pipelines, want %d", len(got), len(ids))
	}
	if graphQL, all := gl.Count("POST "+graphQLPath), len(gl.Requests()); graphQL != 20 || all != 20 {
		t.Errorf("it took %d requests, %d of them of GraphQL", all, graphQL)
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

func TestObserveNothing(t *testing.T) {
	gl := newInstance(t, nil)
	got, err := gl.client.Observe(t.Context(), gl.project, nil)
	if err != nil || len(got) != 0 || len(gl.Requests()) != 0 {
		t.Errorf("observed %+v, %v in %d requests", got, err, len(gl.Requests()))
	}
}

// eventful has a pipeline of three stages in each of many states.
func eventful(t *testing.T) (gl instance, ids []int64) {
	t.Helper()
	gl = newInstance(t, nil)
	gl.app.SetCI(gitlabtest.CI{
		Stages: []string{"build", "test", "deploy"},
		Jobs: []gitlabtest.JobSpec{
			{Name: "compile", Stage: "build", Artifacts: []string{"app.zip"}},
			{Name: "unit", Stage: "test"},
			{Name: "lint", Stage: "test", AllowFailure: true},
			{Name: "ship", Stage: "deploy", Manual: true, AllowFailure: true},
		},
	})
	for _, happens := range []func(p *gitlabtest.Pipeline){
		func(*gitlabtest.Pipeline) {},
		func(p *gitlabtest.Pipeline) { p.Start() },
		func(p *gitlabtest.Pipeline) { p.Finish("success") },
		func(p *gitlabtest.Pipeline) { p.Finish("failed") },
		func(p *gitlabtest.Pipeline) { p.Finish("failed"); p.Retry() },
		func(p *gitlabtest.Pipeline) {
			p.Job("compile").Succeed()
			p.Job("lint").Fail("")
			p.Job("unit").Succeed()
		},
		func(p *gitlabtest.Pipeline) { p.Start(); p.Cancel() },
		func(p *gitlabtest.Pipeline) { p.Finish("canceled") },
		func(p *gitlabtest.Pipeline) { p.SetStatus("waiting_for_resource") },
	} {
		there := gl.startHere(t, "main")
		happens(there)
		ids = append(ids, int64(there.ID))
	}
	gl.ResetRequests()
	return gl, ids
}

// Batches and single reads tell the same, but for the fields that batches lack.
func TestObserveTellsTheSameAsSingleReads(t *testing.T) {
	gl, ids := eventful(t)
	batched, err := gl.client.Observe(t.Context(), gl.project, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		want, err := gl.client.ObserveOne(t.Context(), gl.project.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, batched[id],
			cmpopts.IgnoreFields(gitlab.Pipeline{}, "IID", "Source", "Ref", "SHA", "WebURL", "CreatedAt"),
			cmpopts.IgnoreFields(gitlab.Progress{}, "Artifacts", "ArtifactsTotal"),
			cmpopts.IgnoreFields(gitlab.Job{}, "Reason", "Artifacts"),
			cmpopts.EquateApproxTime(time.Second), // GraphQL tells whole seconds
		); diff != "" {
			t.Errorf("pipeline %d, %s (-single +batch):\n%s", i, want.Pipeline.Status, diff)
		}
	}
}

func TestObserveFields(t *testing.T) {
	const body = `{"data":{"project":{"pipelines":{"nodes":[{
		"id":"gid://gitlab/Ci::Pipeline/12","name":"nightly","status":"SUCCESS","refPath":"refs/tags/v1",
		"user":{"id":"gid://gitlab/User/7","username":"alice","name":"Alice"},"updatedAt":"2026-09-01T12:05:00Z",
		"startedAt":"2026-09-01T12:00:00Z","finishedAt":"2026-09-01T12:05:00Z","duration":300,
		"detailedStatus":{"group":"success-with-warnings"},
		"jobs":{"pageInfo":{"hasNextPage":false},"nodes":[
			{"id":"gid://gitlab/Ci::Build/7","name":"unit","status":"FAILED","allowFailure":false,"webPath":"/gitlab/a/b/-/jobs/7","stage":{"name":"test"}},
			{"id":"gid://gitlab/Ci::Bridge/8","name":"child","status":"MANUAL","allowFailure":true,"webPath":null,"stage":null}
		]}}]}}}}`
	gl := newInstance(t, nil)
	gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 200, Body: body})
	project := gitlab.Project{ID: 5, Path: "a/b", WebURL: "https://example.com/gitlab/a/b"}
	got, err := gl.client.Observe(t.Context(), project, []int64{12})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int64]gitlab.Observation{12: {
		Pipeline: gitlab.Pipeline{
			ID: 12, ProjectID: 5, Status: gitlab.StatusSuccess, Warnings: true, Duration: 5 * time.Minute,
			Name: "nightly", Tag: true, User: gitlab.User{ID: 7, Username: "alice", Name: "Alice"},
			UpdatedAt: time.Date(2026, 9, 1, 12, 5, 0, 0, time.UTC), StartedAt: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC),
			FinishedAt: time.Date(2026, 9, 1, 12, 5, 0, 0, time.UTC),
		},
		Progress: gitlab.Progress{
			Stages: []gitlab.Stage{{Name: "test", Status: "failed", Done: 1, Total: 1}, {Name: "", Status: "skipped"}},
			// The path already holds the one under which GitLab is installed.
			Failed:      []gitlab.Job{{ID: 7, Name: "unit", Stage: "test", Status: "failed", WebURL: "https://example.com/gitlab/a/b/-/jobs/7"}},
			FailedTotal: 1,
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the observation (-want +got):\n%s", diff)
	}
}

// Where batches do not work every pipeline is read by itself.
func TestObserveWithoutBatches(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(gl instance)
	}{
		{"an instance that is too old", func(gl instance) { gl.SetVersion("18.5.0") }},
		{"GraphQL is turned off", func(gl instance) { gl.SetGraphQL(false) }},
		{"GraphQL refuses the query", func(gl instance) {
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 400, Body: `{"errors":[{"message":"No"}]}`})
		}},
		{"GraphQL fails with 200", func(gl instance) {
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 200, Body: `{"errors":[{"message":"Query has complexity of 300"}]}`})
		}},
		{"GraphQL leaves out what took it too long", func(gl instance) {
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{
				Status: 200, Body: `{"data":{"project":{"pipelines":{"nodes":[]}}},"errors":[{"message":"Timeout on Pipeline.jobs"}]}`,
			})
		}},
		{"GraphQL does not see the project", func(gl instance) {
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 200, Body: `{"data":{"project":null}}`})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl, ids := eventful(t)
			tt.set(gl)
			got, err := gl.client.Observe(t.Context(), gl.project, ids)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				want, err := gl.client.ObserveOne(t.Context(), gl.project.ID, id)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got[id]); diff != "" {
					t.Errorf("pipeline %d (-want +got):\n%s", id, diff)
				}
			}
		})
	}
}

// GraphQL's page holds 100 jobs; what has more is read by itself.
func TestObserveManyJobs(t *testing.T) {
	for _, tt := range []struct {
		jobs, single int
	}{
		{100, 0},
		{101, 1},
	} {
		t.Run(fmt.Sprint(tt.jobs), func(t *testing.T) {
			gl := newInstance(t, nil)
			small := gl.startHere(t, "main")
			gl.app.SetCI(manyJobs(tt.jobs, 0))
			large := gl.startHere(t, "main")
			gl.ResetRequests()
			got, err := gl.client.Observe(t.Context(), gl.project, []int64{int64(small.ID), int64(large.ID)})
			if err != nil {
				t.Fatal(err)
			}
			if n := gl.Count("GET " + pipelinesPath + "/*"); n != tt.single {
				t.Errorf("%d pipelines were read by themselves", n)
			}
			total := 0
			for _, stage := range got[int64(large.ID)].Progress.Stages {
				total += stage.Total
			}
			if total != tt.jobs || len(got) != 2 {
				t.Errorf("%d jobs, %d pipelines", total, len(got))
			}
		})
	}
}

func TestObserveLeavesOutWhatIsGone(t *testing.T) {
	for _, graphQL := range []bool{true, false} {
		t.Run(fmt.Sprint("GraphQL: ", graphQL), func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.SetGraphQL(graphQL)
			ids := gl.startMany(t, 3)
			gl.app.Pipelines()[1].Delete()
			got, err := gl.client.Observe(t.Context(), gl.project, append(ids, 4711))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := got[ids[1]]; ok || len(got) != 2 {
				t.Errorf("observed %+v", got)
			}
		})
	}
}

// What was read before GitLab failed is not thrown away, and a failure is no reason
// to read everything one by one.
func TestObserveKeepsWhatItGot(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault gitlabtest.Fault
		kind  gitlab.Kind
		// What is unclear may concern one batch alone; what is refused is for all.
		requests int
	}{
		{"502", gitlabtest.Fault{Status: 502}, gitlab.Unclear, 3},
		{"a page of HTML", gitlabtest.Fault{Status: 200, Body: "<html>Sign in</html>"}, gitlab.Unclear, 3},
		{"401", gitlabtest.Fault{Status: 401}, gitlab.Unauthorized, 2},
		{"403", gitlabtest.Fault{Status: 403}, gitlab.Forbidden, 2},
		{"429", gitlabtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}}, gitlab.RateLimited, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			ids := gl.startMany(t, 120)
			gl.ResetRequests()
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Times: 1})
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, tt.fault)
			got, err := gl.client.Observe(t.Context(), gl.project, ids)
			if gitlab.KindOf(err) != tt.kind || err == nil {
				t.Errorf("the error is %v", err)
			}
			noTokens(t, err)
			if len(got) != 50 {
				t.Errorf("%d pipelines were kept", len(got))
			}
			if n := len(gl.Requests()); n != tt.requests {
				t.Errorf("it took %d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestObserveKeepsWhatItGotOneByOne(t *testing.T) {
	gl := newInstance(t, nil)
	gl.SetGraphQL(false)
	ids := gl.startMany(t, 3)
	gl.Fault(gitlabtest.Match{PathPattern: strings.Replace(jobsPath, "*/jobs", fmt.Sprint(ids[2], "/jobs"), 1)}, gitlabtest.Fault{Status: 502})
	got, err := gl.client.Observe(t.Context(), gl.project, ids)
	checkError(t, err, gitlab.Error{Op: "listing jobs", Kind: gitlab.Unclear, Status: 502})
	if len(got) != 2 {
		t.Errorf("%d pipelines were kept", len(got))
	}
}
