package gitlab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// Whichever way it takes, a list is described as reading its pipelines one by one would.
func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		name     string
		set      func(gl instance)
		requests int
	}{
		{"in one request", func(instance) {}, 1},
		{"an instance that is too old", func(gl instance) { gl.SetVersion("18.5.0") }, 6},
		{"GraphQL is turned off", func(gl instance) { gl.SetGraphQL(false) }, 6},
		{"GraphQL ran out of time", func(gl instance) {
			gl.Fault(gitlabtest.Match{PathPattern: graphQLPath}, gitlabtest.Fault{Status: 200, Body: `{"data":{"project":null},"errors":[{"message":"Timeout"}]}`})
		}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl, _ := history(t)
			list, err := gl.client.ListPipelines(t.Context(), gl.project.ID, gitlab.ListFilter{})
			if err != nil {
				t.Fatal(err)
			}
			list[0].Status = "of the caller's own" // what is not described stays
			before := append([]gitlab.Pipeline(nil), list...)
			tt.set(gl)
			gl.ResetRequests()
			got, err := gl.client.Describe(t.Context(), gl.project, list)
			if n := len(gl.Requests()); err != nil || n != tt.requests {
				t.Errorf("%v in %d requests", err, n)
			}
			want := append([]gitlab.Pipeline(nil), list...)
			for i := range want {
				p, err := gl.client.Pipeline(t.Context(), gl.project.ID, want[i].ID)
				if err != nil {
					t.Fatal(err)
				}
				want[i].User, want[i].Tag, want[i].Name, want[i].Warnings = p.User, p.Tag, p.Name, p.Warnings
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("described (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, list); diff != "" {
				t.Errorf("the caller's list was changed (-before +after):\n%s", diff)
			}
			if got[1].User.Username != "bob" || !got[1].Tag || got[1].Name != "nightly" || got[0].Tag {
				t.Errorf("described as %+v and %+v", got[0], got[1])
			}
		})
	}
}

func TestDescribeWarnings(t *testing.T) {
	for _, graphQL := range []bool{true, false} {
		gl := newInstance(t, nil)
		gl.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "unit"}, {Name: "lint", AllowFailure: true}}})
		p := gl.startHere(t, "main")
		p.Job("lint").Fail("")
		p.Job("unit").Succeed()
		gl.SetGraphQL(graphQL)
		got, err := gl.client.Describe(t.Context(), gl.project, []gitlab.Pipeline{{ID: int64(p.ID)}})
		if err != nil || len(got) != 1 || !got[0].Warnings {
			t.Errorf("GraphQL: %v: %+v, %v", graphQL, got, err)
		}
	}
}

// A page of 100 is two requests, and nothing is none.
func TestDescribeInBatches(t *testing.T) {
	for pipelines, requests := range map[int]int{0: 0, 1: 1, 50: 1, 51: 2, 100: 2} {
		gl := newInstance(t, nil)
		var list []gitlab.Pipeline
		for _, id := range gl.startMany(t, pipelines) {
			list = append(list, gitlab.Pipeline{ID: id})
		}
		gl.ResetRequests()
		got, err := gl.client.Describe(t.Context(), gl.project, list)
		if n := len(gl.Requests()); err != nil || n != requests || len(got) != pipelines {
			t.Errorf("%d pipelines: %d described, %v in %d requests", pipelines, len(got), err, n)
		}
		for _, p := range got {
			if p.User.Username != "pusher" {
				t.Fatalf("%d of %d is by %+v", p.ID, pipelines, p.User)
			}
		}
		for _, v := range gl.Violations() {
			t.Error(v)
		}
	}
}

// What cannot be read stays as it was, and what is gone is no failure.
func TestDescribeLeavesWhatItCannotRead(t *testing.T) {
	for _, tt := range []struct {
		name      string
		graphQL   bool
		set       func(gl instance)
		kind      gitlab.Kind // -1: no error
		described []int64
	}{
		{"one is gone", true, func(gl instance) { gl.app.Pipelines()[1].Delete() }, -1, []int64{1, 3}},
		{"one is gone, one by one", false, func(gl instance) { gl.app.Pipelines()[1].Delete() }, -1, []int64{1, 3}},
		{"GitLab is down", true, func(gl instance) { gl.Down(true) }, gitlab.Unclear, nil},
		{"a limit", true, func(gl instance) {
			gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}})
		}, gitlab.RateLimited, nil},
		{"403", true, func(gl instance) { gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 403}) }, gitlab.Forbidden, nil},
		{"one fails, one by one", false, func(gl instance) {
			gl.Fault(gitlabtest.Match{PathPattern: "/api/v4/projects/1/pipelines/2"}, gitlabtest.Fault{Status: 502})
		}, gitlab.Unclear, []int64{1, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			var list []gitlab.Pipeline
			for _, id := range gl.startMany(t, 3) {
				list = append(list, gitlab.Pipeline{ID: id, Ref: fmt.Sprint("ref ", id)})
			}
			gl.SetGraphQL(tt.graphQL)
			tt.set(gl)
			got, err := gl.client.Describe(t.Context(), gl.project, list)
			if (err != nil) != (tt.kind >= 0) || err != nil && gitlab.KindOf(err) != tt.kind {
				t.Errorf("the error is %v", err)
			}
			noTokens(t, err)
			var described []int64
			for i, p := range got {
				if p.User.ID != 0 {
					described = append(described, p.ID)
					continue
				}
				if diff := cmp.Diff(list[i], p); diff != "" {
					t.Errorf("it was changed (-before +after):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tt.described, described); diff != "" || len(got) != 3 {
				t.Errorf("described (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelineByIID(t *testing.T) {
	gl := newInstance(t, nil)
	other := gl.AddProject("group/other")
	user := gl.AddUser("somebody")
	other.AddMember(user, gitlabtest.Developer)
	if _, reason := other.StartPipeline(user, "main", "push"); reason != "" { // so that ids and iids differ
		t.Fatal(reason)
	}
	gl.startHere(t, "main")
	want, err := gl.client.Pipeline(t.Context(), gl.project.ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gl.client.PipelineByIID(t.Context(), gl.project, 1)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || got.IID != 1 {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

func TestPipelineByIIDThatIsNotRead(t *testing.T) {
	const op = "looking up the pipeline"
	none := gitlab.Error{Op: op, Kind: gitlab.NotFound, Status: 200, Message: "the project has no pipeline 1"}
	for _, tt := range []struct {
		name string
		set  func(gl *instance)
		want gitlab.Error
	}{
		{"there is none", func(gl *instance) { gl.app.Pipelines()[0].Delete() }, none},
		{"the project is not seen", func(gl *instance) { gl.project.Path = "group/none" }, none},
		{"a guest", func(gl *instance) { gl.app.AddMember(gl.user, gitlabtest.Guest) }, none},
		{"no GraphQL", func(gl *instance) { gl.SetGraphQL(false) }, gitlab.Error{Op: op, Kind: gitlab.Invalid, Status: 404, Message: "the instance has no GraphQL API"}},
		{"an error of GraphQL", func(gl *instance) {
			gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 200, Body: `{"errors":[{"message":"Timeout on\n <b>Project</b>"},{"message":"again"}]}`})
		}, gitlab.Error{Op: op, Kind: gitlab.Unclear, Status: 200, Message: "Timeout on Project; again"}},
		{"down", func(gl *instance) { gl.Down(true) }, gitlab.Error{Op: op, Kind: gitlab.Unclear, Status: 503}},
		{"a limit", func(gl *instance) { gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 429}) }, gitlab.Error{Op: op, Kind: gitlab.RateLimited, Status: 429}},
		{"it is deleted meanwhile", func(gl *instance) {
			gl.Fault(gitlabtest.Match{PathPattern: pipelinesPath + "/*"}, gitlabtest.Fault{Status: 404, Body: "{}"})
		}, gitlab.Error{Op: "reading the pipeline", Kind: gitlab.NotFound, Status: 404}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.startHere(t, "main")
			tt.set(&gl)
			_, err := gl.client.PipelineByIID(t.Context(), gl.project, 1)
			checkError(t, err, tt.want)
		})
	}
}

// Records of before the fields had names of their own are read, and new ones are small.
func TestUserInRecords(t *testing.T) {
	want := gitlab.User{ID: 7, Username: "alice", Name: "Alice"}
	for _, text := range []string{`{"ID":7,"Username":"alice","Name":"Alice"}`, `{"id":7,"username":"alice","name":"Alice"}`} {
		var got gitlab.User
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
	}
	for _, p := range []struct {
		pipeline gitlab.Pipeline
		want     string
	}{
		{gitlab.Pipeline{ID: 1, Status: "created"}, `{"id":1,"iid":0,"project_id":0,"status":"created"}`},
		{
			gitlab.Pipeline{ID: 1, Status: "created", Name: "nightly", Tag: true, User: gitlab.User{ID: 7, Username: "alice"}},
			`{"id":1,"iid":0,"project_id":0,"status":"created","name":"nightly","tag":true,"user":{"id":7,"username":"alice"}}`,
		},
	} {
		text, err := json.Marshal(p.pipeline)
		if err != nil || string(text) != p.want {
			t.Errorf("written as %s, %v, want %s", text, err, p.want)
		}
	}
}
