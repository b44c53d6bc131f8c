package gitlab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

func TestRenamePipeline(t *testing.T) {
	for _, tt := range []struct {
		name, to, message string
	}{
		{"a name", "nightly — für alle", ""},
		{"the longest", strings.Repeat("é", 255), ""},
		{"too long", strings.Repeat("é", 256), "Failed to update pipeline - Name is too long (maximum is 255 characters)"},
		{"none", " ", "Failed to update pipeline - Name is too short (minimum is 1 character)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			p := gl.startHere(t, "main")
			got, err := gl.client.RenamePipeline(t.Context(), gl.project.ID, int64(p.ID), tt.to)
			if tt.message != "" {
				checkError(t, err, gitlab.Error{Op: "renaming the pipeline", Kind: gitlab.Invalid, Status: 400, Message: tt.message})
				if p.Name() != "" {
					t.Errorf("it is called %q", p.Name())
				}
				return
			}
			if err != nil || got.Name != tt.to || p.Name() != tt.to {
				t.Errorf("renamed to %q, %v; in GitLab it is called %q", got.Name, err, p.Name())
			}
		})
	}
}

func TestRenamePipelineOfAnOldInstance(t *testing.T) {
	gl := newInstance(t, nil)
	p := gl.startHere(t, "main")
	gl.SetVersion("16.5.9")
	_, err := gl.client.RenamePipeline(t.Context(), gl.project.ID, int64(p.ID), "nightly")
	checkError(t, err, gitlab.Error{Op: "renaming the pipeline", Kind: gitlab.NotFound, Status: 404})
}

func TestDeletePipeline(t *testing.T) {
	at := newThere(t, nil)
	p := at.app.Pipelines()[0]
	if err := at.as(t, gitlabtest.Owner).DeletePipeline(t.Context(), at.project.ID, at.pipeline); err != nil || !p.Deleted() {
		t.Errorf("deleted: %v, %v", p.Deleted(), err)
	}
}

// Nobody knows of a pipeline whose answer was lost, and looking tells.
func TestDeletePipelineWhoseAnswerIsLost(t *testing.T) {
	at := newThere(t, nil)
	owner := at.as(t, gitlabtest.Owner)
	at.Fault(gitlabtest.Match{}, gitlabtest.Fault{Cut: true, Applied: true, Times: 1})
	checkError(t, owner.DeletePipeline(t.Context(), at.project.ID, at.pipeline), gitlab.Error{Op: "deleting the pipeline"})
	if _, err := owner.Pipeline(t.Context(), at.project.ID, at.pipeline); !gitlab.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestPlayJob(t *testing.T) {
	at := newThere(t, nil)
	job := at.app.Pipelines()[0].Job("ship")
	got, err := at.client.PlayJob(t.Context(), at.project.ID, at.job)
	want := gitlab.Job{ID: at.job, Name: "ship", Stage: job.Stage, Status: gitlab.StatusPending, WebURL: got.WebURL}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || job.Status() != "pending" {
		t.Errorf("%v; in GitLab it is %s (-want +got):\n%s", err, job.Status(), diff)
	}
	_, err = at.client.PlayJob(t.Context(), at.project.ID, at.job)
	checkError(t, err, gitlab.Error{Op: "playing the job", Kind: gitlab.Invalid, Status: 400, Message: "400 Bad request - Unplayable Job"})
}

func TestTestReportSummary(t *testing.T) {
	at := newThere(t, nil)
	for _, tt := range []struct {
		name string
		set  gitlabtest.TestReport
		want gitlab.TestReport
	}{
		{"none", gitlabtest.TestReport{}, gitlab.TestReport{}},
		{
			"of each sort",
			gitlabtest.TestReport{Success: 8, Failed: 3, Skipped: 2, Error: 1, Time: 1500 * time.Millisecond},
			gitlab.TestReport{Total: 14, Success: 8, Failed: 3, Skipped: 2, Error: 1, Duration: 1500 * time.Millisecond},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at.app.Pipelines()[0].SetTestReport(tt.set)
			got, err := at.client.TestReportSummary(t.Context(), at.project.ID, at.pipeline)
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}
