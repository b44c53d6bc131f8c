package gitlabtest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

// query sends a GraphQL query and returns the answer with the keys in order.
func (w *world) query(role gitlabtest.Role, query string, variables map[string]any) string {
	w.t.Helper()
	a := w.ask("POST", w.URL+"/api/graphql", w.token[role], map[string]any{"query": query, "variables": variables})
	if a.Status != 200 {
		w.t.Fatalf("%d %s", a.Status, a.Body)
	}
	return a.Body
}

func TestGraphQL(t *testing.T) {
	c := &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
	s := gitlabtest.NewServer(gitlabtest.Config{Now: c.Now})
	t.Cleanup(s.Close)
	u := s.AddUser("dev")
	p := s.AddProject("group/app")
	p.AddMember(u, gitlabtest.Developer)
	p.AddBranches([]string{"release/1", "release/2"})
	p.AddTag("v1", c.now)
	ci := gitlabtest.CI{Jobs: []gitlabtest.JobSpec{
		{Name: "compile", Stage: "build", Artifacts: []string{"app.zip"}},
		{Name: "lint", Stage: "test", AllowFailure: true},
		{Name: "deploy", Stage: "deploy", Manual: true},
	}}
	p.SetCI(ci)
	w := &world{Server: s, t: t, app: p, token: map[gitlabtest.Role]string{gitlabtest.Developer: s.AddToken(u, "read_api")}}
	pl, reason := p.StartPipeline(u, "main", "trigger")
	if reason != "" {
		t.Fatal(reason)
	}
	ci.Inputs = []gitlabtest.Input{{Name: "env", Default: "dev", Options: []any{"dev", "prod"}}, {Name: "level", Type: "number"}}
	p.SetCI(ci)
	pl.Job("compile").Fail("")
	pl.Retry()
	pl.Job("compile").Succeed()
	c.pass(time.Second)
	pl.Job("lint").Fail("")
	for _, test := range []struct {
		name, query string
		variables   map[string]any
		want        string
	}{
		{
			"names", `{ project(fullPath: "group/app") { id fullPath repository { rootRef branchCount tagCount branchNames(searchPattern: "release*", offset: 0, limit: 10) } } }`,
			nil, `{"data":{"project":{"fullPath":"group/app","id":"gid://gitlab/Project/1","repository":{"branchCount":3,"branchNames":["release/1","release/2"],"rootRef":"main","tagCount":1}}}}`,
		},
		{
			"names beyond the end", `{ project(fullPath: "group/app") { repository { branchNames(searchPattern: "*", offset: 9, limit: 10) } } }`,
			nil, `{"data":{"project":{"repository":{"branchNames":null}}}}`,
		},
		{
			"unknown project", `{ project(fullPath: "group/none") { id } }`, nil, `{"data":{"project":null}}`,
		},
		{
			"pipelines by id",
			`query P($path: ID!, $ids: [CiPipelineID!]) { project(fullPath: $path) { pipelines(ids: $ids, first: 10) { nodes { id iid status updatedAt complete warnings detailedStatus { label } stages { nodes { name status } } } } } }`,
			map[string]any{"path": "group/app", "ids": []string{"gid://gitlab/Ci::Pipeline/1", "gid://gitlab/Ci::Pipeline/99"}},
			`{"data":{"project":{"pipelines":{"nodes":[{"complete":false,"detailedStatus":{"label":"waiting for manual action"},"id":"gid://gitlab/Ci::Pipeline/1","iid":"1","stages":{"nodes":[{"name":"build","status":"success"},{"name":"test","status":"success"},{"name":"deploy","status":"manual"}]},"status":"MANUAL","updatedAt":"2026-09-01T12:00:01Z","warnings":true}]}}}}`,
		},
		{
			"jobs without retried ones",
			`{ project(fullPath: "group/app") { pipeline(iid: "1") { jobs(retried: false) { count nodes { name status kind allowFailure manualJob stage { name } detailedStatus { label } } } } } }`,
			nil,
			`{"data":{"project":{"pipeline":{"jobs":{"count":3,"nodes":[` +
				`{"allowFailure":false,"detailedStatus":{"label":"passed"},"kind":"BUILD","manualJob":false,"name":"compile","stage":{"name":"build"},"status":"SUCCESS"},` +
				`{"allowFailure":false,"detailedStatus":{"label":"manual play action"},"kind":"BUILD","manualJob":true,"name":"deploy","stage":{"name":"deploy"},"status":"MANUAL"},` +
				`{"allowFailure":true,"detailedStatus":{"label":"failed (allowed to fail)"},"kind":"BUILD","manualJob":false,"name":"lint","stage":{"name":"test"},"status":"FAILED"}]}}}}}`,
		},
		{
			"alias, fragment, directive and filter",
			`query($no: Boolean!) { project(fullPath: "group/app") { last: pipeline(iid: "1") { ...P path @include(if: $no) jobs(statuses: [FAILED]) { nodes { name retried } } } } } fragment P on Pipeline { ref source ... on Pipeline { __typename } }`,
			map[string]any{"no": false},
			`{"data":{"project":{"last":{"__typename":"Pipeline","jobs":{"nodes":[{"name":"lint","retried":false},{"name":"compile","retried":true}]},"ref":"main","source":"trigger"}}}}`,
		},
		{
			"artifacts", `{ project(fullPath: "group/app") { pipeline(id: "gid://gitlab/Ci::Pipeline/1") { jobs(statuses: SUCCESS) { nodes { webPath artifacts { nodes { name fileType downloadPath } } } } } } }`,
			nil,
			`{"data":{"project":{"pipeline":{"jobs":{"nodes":[{"artifacts":{"nodes":[` +
				`{"downloadPath":"/group/app/-/jobs/4/artifacts/download?file_type=archive","fileType":"ARCHIVE","name":"app.zip"},` +
				`{"downloadPath":"/group/app/-/jobs/4/artifacts/download?file_type=metadata","fileType":"METADATA","name":"metadata.gz"},` +
				`{"downloadPath":"/group/app/-/jobs/4/artifacts/download?file_type=trace","fileType":"TRACE","name":"job.log"}]},"webPath":"/group/app/-/jobs/4"}]}}}}}`,
		},
		{
			"inputs", `{ project(fullPath: "group/app") { ciPipelineCreationInputs(ref: "main") { name type required default options } } }`,
			nil,
			`{"data":{"project":{"ciPipelineCreationInputs":[{"default":"dev","name":"env","options":["dev","prod"],"required":false,"type":"STRING"},{"default":null,"name":"level","options":null,"required":true,"type":"NUMBER"}]}}}`,
		},
		{
			"unknown id", `{ project(fullPath: "group/app") { pipelines(ids: ["7"]) { nodes { id } } } }`, nil,
			`{"data":{"project":{"pipelines":null}},"errors":[{"locations":[{"column":36,"line":1}],"message":"Argument 'ids' on Field 'pipelines': \"7\" is not a valid Global ID","path":["project","pipelines"]}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, w.query(gitlabtest.Developer, test.query, test.variables)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGraphQLErrors(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		name, query string
		variables   map[string]any
		want        string
	}{
		{"field", `{ project(fullPath: "a") { hue } }`, nil, "Field 'hue' doesn't exist on type 'Project'"},
		{"argument", `{ project(fullPath: "a") { pipelines(hue: 1) { nodes { id } } } }`, nil, "Field 'pipelines' doesn't accept argument 'hue'"},
		{"missing argument", `{ project { id } }`, nil, "Field 'project' is missing required arguments: fullPath"},
		{"no selections", `{ project(fullPath: "a") }`, nil, "Field must have selections (field 'project' returns Project but has no selections. Did you mean 'project { ... }'?)"},
		{"selections on a scalar", `{ project(fullPath: "a") { id { x } } }`, nil, "Selections can't be made on scalars (field 'id' returns ID but has selections)"},
		{"undeclared variable", `query Q { project(fullPath: $p) { id } }`, nil, "Variable $p is used by Q but not declared"},
		{"unused variable", `query Q($p: ID!) { project(fullPath: "a") { id } }`, map[string]any{"p": "a"}, "Variable $p is declared by Q but not used"},
		{"missing variable", `query Q($p: ID!) { project(fullPath: $p) { id } }`, nil, "Variable $p of type ID! was provided invalid value"},
		{"type of variable", `query Q($p: String!) { project(fullPath: $p) { id } }`, map[string]any{"p": "a"}, "Type mismatch on variable $p and argument fullPath (String! / ID!)"},
		{"literal", `{ project(fullPath: "a") { pipelines(first: "2") { nodes { id } } } }`, nil, "Argument 'first' has an invalid value (2). Expected type 'Int'."},
		{"enum", `{ project(fullPath: "a") { pipelines(status: DONE) { nodes { id } } } }`, nil, "Argument 'status' has an invalid value (DONE). Expected type 'PipelineStatusEnum'."},
		{"enum in a variable", `query Q($s: [CiJobStatus!]) { project(fullPath: "a") { pipeline(iid: "1") { jobs(statuses: $s) { nodes { id } } } } }`, map[string]any{"s": []string{"done"}}, "Variable $s of type [CiJobStatus!] was provided invalid value"},
		{"syntax", `{ project(fullPath: "a") { id }`, nil, "Unexpected end of document"},
		{"nothing", ``, nil, "Unexpected end of document"},
		{"fragment", `{ ...X }`, nil, "Fragment X was used, but not defined"},
		{"mutation", `mutation { x }`, nil, "Schema is not configured for mutations"},
		{"complexity", `{ project(fullPath: "a") { repository { a: branchNames(searchPattern: "a", offset: 0, limit: 1) b: branchNames(searchPattern: "b", offset: 0, limit: 1) } } }`, nil, "Query has complexity of 342, which exceeds max complexity of 250"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var body struct {
				Data   any
				Errors []struct{ Message string }
			}
			if err := json.Unmarshal([]byte(w.query(gitlabtest.Developer, test.query, test.variables)), &body); err != nil {
				t.Fatal(err)
			}
			if len(body.Errors) == 0 || body.Errors[0].Message != test.want || body.Data != nil {
				t.Errorf("%+v, want %s", body, test.want)
			}
		})
	}
	if n := len(w.Violations()); n < 15 {
		t.Errorf("only %d violations", n)
	}
}

// TestComplexity weighs queries by hand: a field is 1, a connection adds a hundredth for each node it may have.
func TestComplexity(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string]int{
		`{ queryComplexity { score } }`:                                             2,
		`{ queryComplexity { score limit } project(fullPath: "group/app") { id } }`: 5,
		// nodes 2, pipelines (1+2)*2 = 6, project 7, and the 2 that it costs to ask
		`{ queryComplexity { score } project(fullPath: "group/app") { pipelines { nodes { id } } } }`: 9,
		// The jobs are (1+1+3) doubled: 10. The pipelines are (1+1+2+10) and a half: 21.
		`{ queryComplexity { score } project(fullPath: "group/app") { pipelines(first: 50) { nodes { id status jobs { nodes { id name status } } } } } }`: 24,
	} {
		if got := w.query(gitlabtest.Developer, query, nil); !strings.Contains(got, fmt.Sprintf(`"score":%d`, want)) {
			t.Errorf("%s: %s, want %d", query, got, want)
		}
	}
}

func TestGraphQLPages(t *testing.T) {
	w := newWorld(t)
	for range 250 {
		w.run()
	}
	var got []string
	after := any(nil)
	for page := range 3 {
		var body struct {
			Data struct {
				Project struct {
					Pipelines struct {
						Count    int
						Nodes    []struct{ IID string }
						PageInfo struct {
							HasNextPage bool
							EndCursor   string
						}
					}
				}
			}
		}
		const query = `query($after: String) { project(fullPath: "group/app") { pipelines(after: $after, first: 200) { count nodes { iid } pageInfo { hasNextPage endCursor } } } }`
		if err := json.Unmarshal([]byte(w.query(gitlabtest.Developer, query, map[string]any{"after": after})), &body); err != nil {
			t.Fatal(err)
		}
		pls := body.Data.Project.Pipelines
		for _, n := range pls.Nodes {
			got = append(got, n.IID)
		}
		if pls.PageInfo.HasNextPage != (page < 2) {
			t.Errorf("page %d: %+v", page, pls.PageInfo)
		}
		after = pls.PageInfo.EndCursor
		w.run() // a new pipeline in front does not shift the pages
	}
	if len(got) != 250 || got[0] != "250" || got[249] != "1" {
		t.Errorf("%d pipelines: %v", len(got), got)
	}
}

func TestConfigVariablesAreComputed(t *testing.T) {
	w := newWorld(t)
	w.app.SetCI(gitlabtest.CI{
		Jobs:      []gitlabtest.JobSpec{{Name: "a"}},
		Variables: []gitlabtest.ConfigVariable{{Key: "BUILD_TYPE", Value: "debug", Description: "What to build", Options: []string{"debug", "release"}}},
	})
	const query = `{ project(fullPath: "group/app") { ciConfigVariables(ref: "main") { key value description valueOptions } } }`
	first := w.query(gitlabtest.Developer, query, nil)
	second := w.query(gitlabtest.Developer, query, nil)
	guest := w.query(gitlabtest.Guest, query, nil)
	want := []string{
		`{"data":{"project":{"ciConfigVariables":null}}}`,
		`{"data":{"project":{"ciConfigVariables":[{"description":"What to build","key":"BUILD_TYPE","value":"debug","valueOptions":["debug","release"]}]}}}`,
		`{"data":{"project":{"ciConfigVariables":null}}}`,
	}
	if diff := cmp.Diff(want, []string{first, second, guest}); diff != "" {
		t.Error(diff)
	}
}

func TestOldInstance(t *testing.T) {
	w := newWorld(t)
	w.SetVersion("17.11.0")
	for query, want := range map[string]string{
		`{ project(fullPath: "group/app") { pipelines(ids: ["gid://gitlab/Ci::Pipeline/1"]) { nodes { id } } } }`: "Field 'pipelines' doesn't accept argument 'ids'",
		`{ project(fullPath: "group/app") { ciPipelineCreationInputs(ref: "main") { name } } }`:                   "Field 'ciPipelineCreationInputs' doesn't exist on type 'Project'",
	} {
		if got := w.query(gitlabtest.Developer, query, nil); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestPipelineByOneArgument(t *testing.T) {
	w := newWorld(t)
	w.app.AddTag("v1", time.Now())
	w.run()
	if _, reason := w.app.StartPipeline(w.users[gitlabtest.Developer], "v1", "push"); reason != "" {
		t.Fatal(reason)
	}
	for arguments, want := range map[string]string{
		`iid: "1"`:                          `{"iid":"1","refPath":"refs/heads/main"}`,
		`iid: 2`:                            `{"iid":"2","refPath":"refs/tags/v1"}`,
		`id: "gid://gitlab/Ci::Pipeline/2"`: `{"iid":"2","refPath":"refs/tags/v1"}`,
		`iid: "3"`:                          `null`,
		`id: "gid://gitlab/Ci::Pipeline/3"`: `null`,
		`iid: "1", sha: "x"`:                `Provide one of an ID, IID or SHA`,
		`id: "2"`:                           `is not a valid Global ID`,
		`sha: "` + w.app.Pipelines()[1].SHA + `"`: `{"iid":"2","refPath":"refs/tags/v1"}`,
	} {
		got := w.query(gitlabtest.Developer, `{ project(fullPath: "group/app") { pipeline(`+arguments+`) { iid refPath } } }`, nil)
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", arguments, got, want)
		}
	}
	if got := w.query(gitlabtest.Developer, `{ project(fullPath: "group/app") { pipeline { iid } } }`, nil); !strings.Contains(got, "Provide one of an ID, IID or SHA") {
		t.Errorf("without arguments: %s", got)
	}
}

func TestGraphQLTokens(t *testing.T) {
	w := newWorld(t)
	revoked := w.AddToken(w.users[gitlabtest.Owner])
	w.RevokeToken(revoked)
	body := map[string]any{"query": `{ currentUser { username } project(fullPath: "group/app") { id } }`}
	a := w.ask("POST", w.URL+"/api/graphql", "", body)
	if a.Status != 200 || a.Body != `{"data":{"currentUser":null,"project":null}}` {
		t.Errorf("without a token: %d %s", a.Status, a.Body)
	}
	a = w.ask("POST", w.URL+"/api/graphql", revoked, body)
	if a.Status != 401 || a.Body != `{"errors":[{"message":"Invalid token"}]}` {
		t.Errorf("with a revoked token: %d %s", a.Status, a.Body)
	}
	w.SetGraphQL(false)
	if a := w.ask("POST", w.URL+"/api/graphql", w.token[gitlabtest.Owner], body); a.Status != 404 {
		t.Errorf("turned off: %d %s", a.Status, a.Body)
	}
}

// TestEveryField asks for every field of the schema once, by edges and with a job of each kind.
func TestEveryField(t *testing.T) {
	w := newWorld(t)
	w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{
		{Name: "a", Stage: "1", Coverage: 50},
		{Name: "down", Stage: "1", Downstream: &gitlabtest.Downstream{CI: &gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "inner"}}}}},
	}})
	w.run().Finish("success")
	const jobs = `{ edges { cursor node { id name status kind allowFailure retried manualJob playable retryable cancelable createdAt
		queuedAt startedAt finishedAt duration failureMessage webPath detailedStatus { text label group icon tooltip }
		stage { id name status detailedStatus { text } } pipeline { iid } downstreamPipeline { iid } } } }`
	for _, query := range []string{
		`{ currentUser { id username name webUrl } project(fullPath: "group/app") { path name webUrl archived repository { empty exists } } }`,
		`# a comment
		{ project(fullPath: """group/app""") { pipelines(source: "web", status: SUCCESS, scope: FINISHED, first: 1) {
			edges { cursor node { id name sha ref source path createdAt startedAt finishedAt duration queuedDuration coverage yamlErrors
				active cancelable retryable user { name } project { path } downstream { nodes { iid } } stages { nodes { jobs { nodes { name } } } } } }
			pageInfo { hasPreviousPage startCursor } } } }`,
		`{ project(fullPath: "group/app") { pipeline(iid: "1") { jobs(jobKind: BUILD, last: 1) ` + jobs + ` } } }`,
		`{ project(fullPath: "group/app") { pipeline(iid: "1") { jobs(jobKind: BRIDGE) ` + jobs + ` } } }`,
	} {
		got := w.query(gitlabtest.Developer, query, nil)
		if strings.Contains(got, `"errors"`) || strings.Contains(got, `"edges":[]`) {
			t.Errorf("%s\n%s", query, got)
		}
	}
}
