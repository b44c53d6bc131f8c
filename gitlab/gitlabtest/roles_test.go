package gitlabtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// TestRoles holds the permissions table of docs.gitlab.com/user/permissions/ for every endpoint: the status for a
// stranger, a guest, a reporter, a developer, a maintainer and an owner.
func TestRoles(t *testing.T) {
	roles := []gitlabtest.Role{
		gitlabtest.NoAccess, gitlabtest.Guest, gitlabtest.Reporter, gitlabtest.Developer, gitlabtest.Maintainer, gitlabtest.Owner,
	}
	reader := [6]int{404, 403, 200, 200, 200, 200}
	for _, test := range []struct {
		method, path string
		body         any
		want         [6]int
	}{
		{"GET", "", nil, [6]int{404, 200, 200, 200, 200, 200}},
		{"GET", "/repository/branches", nil, reader},
		{"GET", "/repository/branches/main", nil, reader},
		{"GET", "/repository/tags", nil, reader},
		{"GET", "/repository/tags/v1", nil, reader},
		{"GET", "/repository/commits/main", nil, reader},
		{"GET", "/members", nil, [6]int{404, 200, 200, 200, 200, 200}},
		{"GET", "/members/all", nil, [6]int{404, 200, 200, 200, 200, 200}},
		{"GET", "/members/all/STARTER", nil, [6]int{404, 200, 200, 200, 200, 200}},
		{"GET", "/members/STARTER", nil, [6]int{404, 200, 200, 200, 200, 200}},
		{"GET", "/protected_branches", nil, reader},
		{"GET", "/protected_branches/rules", nil, reader},
		{"GET", "/protected_tags", nil, [6]int{404, 403, 403, 403, 200, 200}},
		{"GET", "/protected_tags/rules", nil, [6]int{404, 403, 403, 403, 200, 200}},
		{"GET", "/pipelines", nil, reader},
		{"GET", "/pipelines/latest", nil, [6]int{404, 403, 200, 200, 200, 200}},
		{"GET", "/pipelines/PIPELINE", nil, reader},
		{"GET", "/pipelines/PIPELINE/variables", nil, [6]int{404, 403, 403, 403, 200, 200}},
		{"GET", "/pipelines/PIPELINE/jobs", nil, reader},
		{"GET", "/pipelines/PIPELINE/bridges", nil, reader},
		{"GET", "/pipelines/PIPELINE/test_report_summary", nil, reader},
		{"PUT", "/pipelines/PIPELINE/metadata", map[string]any{"name": "nightly"}, [6]int{404, 403, 403, 200, 200, 200}},
		{"POST", "/pipeline", map[string]any{"ref": "main"}, [6]int{404, 403, 403, 201, 201, 201}},
		{"POST", "/pipelines/PIPELINE/retry", nil, [6]int{404, 403, 403, 201, 201, 201}},
		{"POST", "/pipelines/PIPELINE/cancel", nil, [6]int{404, 403, 403, 200, 200, 200}},
		{"DELETE", "/pipelines/PIPELINE", nil, [6]int{404, 403, 403, 403, 403, 204}},
		{"GET", "/jobs", nil, reader},
		{"GET", "/jobs/JOB", nil, reader},
		{"GET", "/jobs/JOB/trace", nil, reader},
		{"POST", "/jobs/MANUAL/play", nil, [6]int{404, 403, 403, 200, 200, 200}},
		{"POST", "/jobs/JOB/retry", nil, [6]int{404, 403, 403, 201, 201, 201}},
		{"POST", "/jobs/JOB/cancel", nil, [6]int{404, 403, 403, 201, 201, 201}},
		{"GET", "/triggers", nil, [6]int{404, 403, 403, 403, 200, 200}},
		{"POST", "/triggers", map[string]any{"description": "x"}, [6]int{404, 403, 403, 403, 201, 201}},
		{"GET", "/triggers/TRIGGER", nil, [6]int{404, 403, 403, 403, 200, 200}},
		{"PUT", "/triggers/TRIGGER", map[string]any{"description": "x"}, [6]int{404, 403, 403, 403, 403, 403}},
		{"DELETE", "/triggers/TRIGGER", nil, [6]int{404, 403, 403, 403, 204, 204}},
	} {
		for i, role := range roles {
			t.Run(fmt.Sprintf("%s %s as %d", test.method, test.path, role), func(t *testing.T) {
				w := newWorld(t)
				w.app.AddTag("v1", time.Now())
				w.app.ProtectBranch("rules", gitlabtest.Maintainer, gitlabtest.Maintainer)
				w.app.ProtectTag("rules", gitlabtest.Maintainer)
				w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "compile", Stage: "build"}, {Name: "manual", Stage: "build", Manual: true}}})
				starter := w.AddUser("starter")
				w.app.AddMember(starter, gitlabtest.Developer)
				pl, reason := w.app.StartPipeline(starter, "main", "web")
				if reason != "" {
					t.Fatal(reason)
				}
				pl.Job("compile").Succeed()
				trigger := w.app.AddTriggerToken(starter, "other's")
				path := strings.NewReplacer(
					"PIPELINE", fmt.Sprint(pl.ID), "JOB", fmt.Sprint(pl.Job("compile").ID),
					"STARTER", fmt.Sprint(starter.ID), "MANUAL", fmt.Sprint(pl.Job("manual").ID), "TRIGGER", fmt.Sprint(trigger.ID),
				).Replace(test.path)
				a := w.ask(test.method, "/projects/group%2Fapp"+path, w.token[role], test.body)
				if a.Status != test.want[i] {
					t.Errorf("status %d, want %d: %s", a.Status, test.want[i], a.Body)
				}
			})
		}
	}
}

func TestWhoTriggeredSeesVariables(t *testing.T) {
	w := newWorld(t)
	pl := w.run()
	a := w.ask("GET", fmt.Sprintf("/projects/1/pipelines/%d/variables", pl.ID), w.token[gitlabtest.Developer], nil)
	if a.Status != 200 {
		t.Errorf("status %d: %s", a.Status, a.Body)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	u := w.users[gitlabtest.Owner]
	revoked, expired := w.AddToken(u, "api"), w.AddToken(u, "api")
	w.RevokeToken(revoked)
	w.ExpireToken(expired, time.Now().Add(-time.Hour))
	for _, test := range []struct {
		name, method, token string
		status              int
		body                string
	}{
		{"none", "GET", "", 401, `{"message":"401 Unauthorized"}`},
		{"unknown", "GET", "glpat-unknown", 401, `{"message":"401 Unauthorized"}`},
		{"revoked", "GET", revoked, 401, `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`},
		{"expired", "GET", expired, 401, `{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}`},
		{"reads with read_api", "GET", w.AddToken(u, "read_api"), 200, ""},
		{"reads with another scope", "GET", w.AddToken(u, "read_repository"), 403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"read_user api read_api"}`},
		{"reads the user with read_user", "GET", w.AddToken(u, "read_user"), 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := w.ask(test.method, "/user", test.token, nil)
			if a.Status != test.status || (test.body != "" && a.Body != test.body) {
				t.Errorf("%d %s, want %d %s", a.Status, a.Body, test.status, test.body)
			}
		})
	}
	a := w.ask("POST", "/projects/1/pipeline", w.AddToken(u, "read_api"), map[string]any{"ref": "main"})
	if a.Status != 403 || !strings.Contains(a.Body, "insufficient_scope") {
		t.Errorf("writing with read_api: %d %s", a.Status, a.Body)
	}
}

func TestProjectShowsAccess(t *testing.T) {
	w := newWorld(t)
	w.app.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = "no_one_allowed" })
	type project struct {
		Path        string `json:"path_with_namespace"`
		Branch      string `json:"default_branch"`
		Minimum     string `json:"ci_pipeline_variables_minimum_override_role"`
		Permissions struct {
			Project struct {
				Level int `json:"access_level"`
			} `json:"project_access"`
		} `json:"permissions"`
	}
	for role, minimum := range map[gitlabtest.Role]string{gitlabtest.Developer: "", gitlabtest.Maintainer: "no_one_allowed"} {
		p := decode[project](w, w.ask("GET", "/projects/group%2Fapp", w.token[role], nil), 200)
		if p.Path != "group/app" || p.Branch != "main" || p.Minimum != minimum || p.Permissions.Project.Level != int(role) {
			t.Errorf("as %d: %+v", role, p)
		}
	}
}
