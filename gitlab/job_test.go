package gitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

const jobsPath = "/api/v4/projects/*/pipelines/*/jobs"

// job is a job of the stage test.
func job(id int64, name string, status gitlab.Status) gitlab.Job {
	return gitlab.Job{ID: id, Name: name, Stage: "test", Status: status}
}

func in(stage string, j gitlab.Job) gitlab.Job {
	j.Stage = stage
	return j
}

func optional(j gitlab.Job) gitlab.Job {
	j.AllowFailure = true
	return j
}

func TestSummarize(t *testing.T) {
	for _, tt := range []struct {
		name string
		jobs []gitlab.Job
		want gitlab.Progress
	}{
		{name: "no jobs"},
		{
			name: "stages in the order of their jobs, whatever the order they come in",
			jobs: []gitlab.Job{in("deploy", job(3, "ship", "created")), job(2, "unit", "running"), in("build", job(1, "compile", "success"))},
			want: gitlab.Progress{Stages: []gitlab.Stage{
				{Name: "build", Status: "success", Done: 1, Total: 1},
				{Name: "test", Status: "running", Done: 0, Total: 1},
				{Name: "deploy", Status: "created", Done: 0, Total: 1},
			}},
		},
		{
			name: "of a retried job the newest counts, and its stage stays where it was",
			jobs: []gitlab.Job{
				in("build", job(1, "compile", "failed")), job(2, "unit", "skipped"), in("build", job(3, "compile", "running")),
			},
			want: gitlab.Progress{Stages: []gitlab.Stage{
				{Name: "build", Status: "running", Total: 1},
				{Name: "test", Status: "skipped", Done: 1, Total: 1},
			}},
		},
		{
			name: "jobs of one name in two stages are two",
			jobs: []gitlab.Job{in("build", job(1, "check", "failed")), job(2, "check", "success")},
			want: gitlab.Progress{
				Stages: []gitlab.Stage{
					{Name: "build", Status: "failed", Done: 1, Total: 1},
					{Name: "test", Status: "success", Done: 1, Total: 1},
				},
				Failed: []gitlab.Job{in("build", job(1, "check", "failed"))}, FailedTotal: 1,
			},
		},
		{
			name: "a job that two pages show counts once",
			jobs: []gitlab.Job{job(2, "lint", "running"), job(1, "unit", "failed"), job(1, "unit", "failed")},
			want: gitlab.Progress{
				Stages: []gitlab.Stage{{Name: "test", Status: "failed", Done: 1, Total: 2}},
				Failed: []gitlab.Job{job(1, "unit", "failed")}, FailedTotal: 1,
			},
		},
		{
			name: "an optional manual job that nobody started is no work to do",
			jobs: []gitlab.Job{job(1, "unit", "success"), optional(job(2, "extra", "manual"))},
			want: gitlab.Progress{
				Stages: []gitlab.Stage{{Name: "test", Status: "success", Done: 1, Total: 1}},
			},
		},
		{
			name: "one that somebody started is",
			jobs: []gitlab.Job{job(1, "unit", "success"), optional(job(2, "extra", "running"))},
			want: gitlab.Progress{Stages: []gitlab.Stage{{Name: "test", Status: "running", Done: 1, Total: 2}}},
		},
		{
			name: "a stage of nothing but optional manual jobs",
			jobs: []gitlab.Job{optional(job(1, "extra", "manual"))},
			want: gitlab.Progress{
				Stages: []gitlab.Stage{{Name: "test", Status: "skipped"}},
			},
		},
		{
			name: "a manual job that blocks",
			jobs: []gitlab.Job{job(1, "unit", "success"), job(2, "approve", "manual")},
			want: gitlab.Progress{
				Stages: []gitlab.Stage{{Name: "test", Status: "manual", Done: 1, Total: 2}},
				Manual: []gitlab.Job{job(2, "approve", "manual")}, ManualTotal: 1,
			},
		},
		{
			name: "a job that may fail and did",
			jobs: []gitlab.Job{job(1, "unit", "success"), optional(job(2, "lint", "failed"))},
			want: gitlab.Progress{Stages: []gitlab.Stage{{Name: "test", Status: "success", Done: 2, Total: 2}}},
		},
		{
			name: "a job that may fail and was canceled",
			jobs: []gitlab.Job{job(1, "unit", "success"), optional(job(2, "lint", "canceled"))},
			want: gitlab.Progress{Stages: []gitlab.Stage{{Name: "test", Status: "success", Done: 2, Total: 2}}},
		},
		{
			name: "artifacts of all jobs, failed ones too",
			jobs: []gitlab.Job{
				{ID: 1, Name: "unit", Stage: "test", Status: "failed", Artifacts: true, Reason: "script_failure"},
				{ID: 2, Name: "lint", Stage: "test", Status: "success", Artifacts: true},
			},
			want: gitlab.Progress{
				Stages:      []gitlab.Stage{{Name: "test", Status: "failed", Done: 2, Total: 2}},
				Failed:      []gitlab.Job{{ID: 1, Name: "unit", Stage: "test", Status: "failed", Artifacts: true, Reason: "script_failure"}},
				FailedTotal: 1,
				Artifacts: []gitlab.Job{
					{ID: 1, Name: "unit", Stage: "test", Status: "failed", Artifacts: true, Reason: "script_failure"},
					{ID: 2, Name: "lint", Stage: "test", Status: "success", Artifacts: true},
				},
				ArtifactsTotal: 2,
			},
		},
		{
			name: "of a job that was retried nothing is named",
			jobs: []gitlab.Job{
				{ID: 1, Name: "unit", Stage: "test", Status: "failed", Artifacts: true},
				{ID: 2, Name: "unit", Stage: "test", Status: "success"},
			},
			want: gitlab.Progress{Stages: []gitlab.Stage{{Name: "test", Status: "success", Done: 1, Total: 1}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			given := slices.Clone(tt.jobs)
			got := gitlab.Summarize(tt.jobs)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the progress (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(given, tt.jobs); diff != "" {
				t.Errorf("the jobs were changed (-want +got):\n%s", diff)
			}
		})
	}
}

// A message that names jobs must not grow with the pipeline.
func TestSummarizeNamesTheFirstTen(t *testing.T) {
	var jobs []gitlab.Job
	for i := range int64(30) {
		failed := job(i+1, fmt.Sprint("job ", i), "failed")
		failed.Artifacts = true
		jobs = append(jobs, failed, job(i+100, fmt.Sprint("approve ", i), "manual"))
	}
	got := gitlab.Summarize(jobs)
	for _, named := range []struct {
		name  string
		jobs  []gitlab.Job
		total int
		first string
	}{
		{"failed", got.Failed, got.FailedTotal, "job 0"},
		{"manual", got.Manual, got.ManualTotal, "approve 0"},
		{"with artifacts", got.Artifacts, got.ArtifactsTotal, "job 0"},
	} {
		if len(named.jobs) != 10 || named.total != 30 || named.jobs[0].Name != named.first {
			t.Errorf("%s: %d named of %d, %q first", named.name, len(named.jobs), named.total, named.jobs[0].Name)
		}
	}
}

func TestStageStatus(t *testing.T) {
	for _, tt := range []struct {
		want     gitlab.Status
		statuses []gitlab.Status
	}{
		{"failed", []gitlab.Status{"failed", "running", "success"}},
		{"failed", []gitlab.Status{"failed", "canceled"}},
		{"canceling", []gitlab.Status{"canceling", "running"}},
		{"running", []gitlab.Status{"running", "pending", "success"}},
		{"running", []gitlab.Status{"running", "manual"}},
		{"running", []gitlab.Status{"success", "created"}},
		{"running", []gitlab.Status{"success", "pending"}},
		{"manual", []gitlab.Status{"manual", "success"}},
		{"manual", []gitlab.Status{"manual", "created"}},
		{"scheduled", []gitlab.Status{"scheduled", "success"}},
		{"canceled", []gitlab.Status{"canceled", "success"}},
		{"success", []gitlab.Status{"success", "success"}},
		{"success", []gitlab.Status{"success", "skipped"}},
		{"skipped", []gitlab.Status{"skipped", "skipped"}},
		{"created", []gitlab.Status{"created", "created"}},
		{"pending", []gitlab.Status{"pending", "created"}},
		{"pending", []gitlab.Status{"waiting_for_resource"}},
		{"pending", []gitlab.Status{"preparing"}},
		{"pending", []gitlab.Status{"of a later version"}},
	} {
		t.Run(fmt.Sprint(tt.statuses), func(t *testing.T) {
			var jobs []gitlab.Job
			for i, status := range tt.statuses {
				jobs = append(jobs, job(int64(i+1), fmt.Sprint(i), status))
			}
			if got := gitlab.Summarize(jobs).Stages[0].Status; got != tt.want {
				t.Errorf("the stage is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestJobs(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.SetCI(gitlabtest.CI{
		Stages: []string{"build", "test", "deploy"},
		Jobs: []gitlabtest.JobSpec{
			{Name: "compile", Stage: "build", Artifacts: []string{"app.zip"}},
			{Name: "unit", Stage: "test", Artifacts: []string{"junit.xml"}},
			{Name: "lint", Stage: "test", AllowFailure: true},
			{Name: "child", Stage: "deploy", AllowFailure: true, Downstream: &gitlabtest.Downstream{CI: &gitlabtest.CI{
				Stages: []string{"ship"}, Jobs: []gitlabtest.JobSpec{{Name: "ship", Stage: "ship"}},
			}}},
		},
	})
	there := gl.startHere(t, "main")
	there.Start()
	there.Job("compile").Succeed()
	there.Job("unit").Succeed()
	there.Job("lint").Fail("runner_system_failure")
	got, err := gl.client.Jobs(t.Context(), gl.project.ID, int64(there.ID))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b gitlab.Job) int { return int(a.ID - b.ID) })
	page := func(name string) string { return fmt.Sprintf("%s/-/jobs/%d", gl.app.WebURL, there.Job(name).ID) }
	want := []gitlab.Job{
		{ID: 1, Name: "compile", Stage: "build", Status: "success", WebURL: page("compile"), Artifacts: true},
		{ID: 2, Name: "unit", Stage: "test", Status: "success", WebURL: page("unit"), Artifacts: true},
		{
			ID: 3, Name: "lint", Stage: "test", Status: "failed", AllowFailure: true, WebURL: page("lint"),
			Reason: "runner_system_failure",
		},
		{
			ID: 4, Name: "child", Stage: "deploy", Status: "success", AllowFailure: true,
			WebURL: there.Downstream()[0].WebURL(), // what a person wants to see
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

// A log is no download, and neither are the reports that GitLab shows itself.
func TestArtifactsAreWhatAPersonFetches(t *testing.T) {
	for _, tt := range []struct {
		name, artifacts string
		want            bool
	}{
		{"nothing", `[]`, false},
		{"the log", `[{"file_type":"trace","filename":"job.log"}]`, false},
		{"a report", `[{"file_type":"junit","filename":"junit.xml.gz"}]`, false},
		{"an archive", `[{"file_type":"trace"},{"file_type":"archive","filename":"artifacts.zip"}]`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{PathPattern: jobsPath}, gitlabtest.Fault{
				Status: 200, Body: `[{"id":1,"name":"unit","stage":"test","status":"success","artifacts":` + tt.artifacts + `}]`,
			})
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/*/pipelines/*/bridges"}, gitlabtest.Fault{Status: 200, Body: `[]`})
			got, err := gl.client.Jobs(t.Context(), gl.project.ID, 1)
			if err != nil || len(got) != 1 {
				t.Fatalf("jobs: %+v, %v", got, err)
			}
			if got[0].Artifacts != tt.want {
				t.Errorf("artifacts: %v", got[0].Artifacts)
			}
		})
	}
}

// manyJobs is a pipeline definition with n jobs in two stages, and bridges besides.
func manyJobs(n, bridges int) gitlabtest.CI {
	ci := gitlabtest.CI{Stages: []string{"build", "test"}}
	for i := range n {
		ci.Jobs = append(ci.Jobs, gitlabtest.JobSpec{Name: fmt.Sprint("job ", i), Stage: ci.Stages[i%2]})
	}
	for i := range bridges {
		ci.Jobs = append(ci.Jobs, gitlabtest.JobSpec{Name: fmt.Sprint("bridge ", i), Stage: "test", Downstream: &gitlabtest.Downstream{}})
	}
	return ci
}

func TestJobsReadsEveryPage(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.SetCI(manyJobs(250, 120))
	there := gl.startHere(t, "main")
	got, err := gl.client.Jobs(t.Context(), gl.project.ID, int64(there.ID))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int64]bool{}
	for _, j := range got {
		ids[j.ID] = true
	}
	if len(got) != 370 || len(ids) != 370 {
		t.Errorf("%d jobs, %d of them different", len(got), len(ids))
	}
	if n := len(gl.Requests()); n != 5 {
		t.Errorf("it took %d requests", n)
	}
}

// The stage of a job that is retried stays in its place, which takes the retried one.
func TestJobsWithRetriedOnes(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.SetCI(gitlabtest.CI{Stages: []string{"build", "test"}, Jobs: []gitlabtest.JobSpec{{Name: "compile", Stage: "build"}, {Name: "unit", Stage: "test"}}})
	there := gl.startHere(t, "main")
	there.Finish("failed")
	there.Retry()
	got, err := gl.client.Jobs(t.Context(), gl.project.ID, int64(there.ID))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Errorf("%d jobs", len(got))
	}
	if stages := gitlab.Summarize(got).Stages; len(stages) != 2 || stages[0].Name != "build" || stages[0].Total != 1 {
		t.Errorf("stages: %+v", stages)
	}
}

func TestJobsFailWhole(t *testing.T) {
	for _, tt := range []struct{ path, op string }{
		{jobsPath, "listing jobs"},
		{"/api/v4/projects/*/pipelines/*/bridges", "listing bridges"},
	} {
		t.Run(tt.op, func(t *testing.T) {
			gl := newInstance(t, nil)
			there := gl.startHere(t, "main")
			gl.Fault(gitlabtest.Match{Method: http.MethodGet, PathPattern: tt.path}, gitlabtest.Fault{Status: 403})
			got, err := gl.client.Jobs(t.Context(), gl.project.ID, int64(there.ID))
			checkError(t, err, gitlab.Error{Op: tt.op, Kind: gitlab.Forbidden, Status: 403})
			if got != nil {
				t.Errorf("half of the jobs: %+v", got)
			}
		})
	}
}
