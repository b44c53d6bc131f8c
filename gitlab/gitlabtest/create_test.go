package gitlabtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab/gitlabtest"
)

type pipeline struct {
	ID     int    `json:"id"`
	IID    int    `json:"iid"`
	Ref    string `json:"ref"`
	Tag    bool   `json:"tag"`
	SHA    string `json:"sha"`
	Source string `json:"source"`
	Status string `json:"status"`
	WebURL string `json:"web_url"`
	User   struct {
		Username string `json:"username"`
	} `json:"user"`
}

func base(message string) string {
	text, _ := json.Marshal(map[string]any{"message": map[string]any{"base": []string{message}}})
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}

func TestTrigger(t *testing.T) {
	w := newWorld(t)
	token := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "bot").Token
	multi := &bytes.Buffer{}
	form := multipart.NewWriter(multi)
	for key, value := range map[string]string{"ref": "main", "token": token, "variables[BUILD_TYPE]": "debug"} {
		if err := form.WriteField(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	const trigger = "/projects/group%2Fapp/trigger/pipeline"
	for _, test := range []struct{ name, path, kind, body string }{
		{"JSON", trigger, "application/json", `{"ref":"main","token":"` + token + `","variables":{"BUILD_TYPE":"debug"}}`},
		{"form", trigger, "application/x-www-form-urlencoded", "ref=main&token=" + token + "&variables%5BBUILD_TYPE%5D=debug"},
		{"multipart", trigger, form.FormDataContentType(), multi.String()},
		{"query", trigger + "?ref=main&token=" + token + "&variables%5BBUILD_TYPE%5D=debug", "", ""},
		{"ref in the path", "/projects/1/ref/main/trigger/pipeline?token=" + token + "&variables%5BBUILD_TYPE%5D=debug", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/api/v4"+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", test.kind)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := decode[pipeline](w, answer{resp.StatusCode, resp.Header, string(body)}, 201)
			if got.Source != "trigger" || got.Status != "created" || got.Ref != "main" || got.User.Username != "developer" {
				t.Errorf("pipeline %+v", got)
			}
			pls := w.app.Pipelines()
			pl := pls[len(pls)-1]
			if v, _ := pl.Variable("BUILD_TYPE"); v != "debug" || pl.ID != got.ID {
				t.Errorf("BUILD_TYPE %q in %d", v, pl.ID)
			}
			payload, ok := pl.Variable("TRIGGER_PAYLOAD")
			if !ok || strings.Contains(payload, token) || !strings.Contains(payload, `"BUILD_TYPE":"debug"`) {
				t.Errorf("TRIGGER_PAYLOAD %q", payload)
			}
		})
	}
}

// TestTriggerRefusals holds the status and the body of each way in which a trigger fails.
func TestTriggerRefusals(t *testing.T) {
	w := newWorld(t)
	other := w.AddProject("group/other")
	other.AddMember(w.users[gitlabtest.Developer], gitlabtest.Developer)
	expired := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "expired")
	expired.Expire(time.Now().Add(-time.Hour))
	deleted := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "deleted")
	deleted.Delete()
	token := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "bot").Token
	const unknown = `{"message":"404 Not Found"}`
	for _, test := range []struct {
		name, path string
		body       any
		status     int
		want       string
	}{
		{"no token", "/projects/1", map[string]any{"ref": "main"}, 400, `{"error":"token is missing"}`},
		{"no ref", "/projects/1", map[string]any{"token": token}, 400, `{"error":"ref is missing"}`},
		{"empty ref", "/projects/1", map[string]any{"token": token, "ref": ""}, 400, `{"error":"ref is empty"}`},
		{"nothing", "/projects/1", map[string]any{}, 400, `{"error":"ref is missing, token is missing"}`},
		{"unknown token", "/projects/1", map[string]any{"ref": "main", "token": "glptt-x"}, 404, unknown},
		{"unknown project", "/projects/99", map[string]any{"ref": "main", "token": token}, 404, unknown},
		{"token of another project", "/projects/group%2Fother", map[string]any{"ref": "main", "token": token}, 404, unknown},
		{"expired token", "/projects/1", map[string]any{"ref": "main", "token": expired.Token}, 404, unknown},
		{"deleted token", "/projects/1", map[string]any{"ref": "main", "token": deleted.Token}, 404, unknown},
		{"numbers as variables", "/projects/1", map[string]any{"ref": "main", "token": token, "variables": map[string]any{"A": 1}}, 400, `{"message":"variables needs to be a map of key-valued strings"}`},
		{"unknown ref", "/projects/1", map[string]any{"ref": "none", "token": token}, 400, base("Reference not found")},
		{"commit id as ref", "/projects/1", map[string]any{"ref": get[struct {
			ID string `json:"id"`
		}](w, "/projects/1/repository/commits/main").ID, "token": token}, 400, base("Reference not found")},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := w.ask("POST", test.path+"/trigger/pipeline", "", test.body)
			if a.Status != test.status || a.Body != test.want {
				t.Errorf("%d %s, want %d %s", a.Status, a.Body, test.status, test.want)
			}
		})
	}
	if n := len(w.app.Pipelines()); n != 0 {
		t.Errorf("%d pipelines were created", n)
	}
}

// TestRefusals holds GitLab's sentences for what its pipeline creation refuses, by the trigger API and by
// POST /pipeline, and whether a failed pipeline stays behind.
func TestRefusals(t *testing.T) {
	html := "You do not have sufficient permission to run a pipeline on 'main'. Please select a different branch or contact " +
		"your administrator for assistance. <a href=https://docs.gitlab.com/ee/ci/pipelines/#pipeline-security-on-protected-branches>Learn more</a>"
	const rules = "Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added to the pipeline."
	for _, test := range []struct {
		name            string
		arrange         func(*world)
		variables       map[string]string
		message         string
		trigger, create int // status
	}{
		{"variables restricted", restrict("no_one_allowed"), map[string]string{"A": "1"}, "Insufficient permissions to set pipeline variables", 400, 400},
		{"variables for maintainers", restrict("maintainer"), map[string]string{"A": "1"}, "Insufficient permissions to set pipeline variables", 400, 400},
		{"payload counts as a variable", restrict("no_one_allowed"), nil, "Insufficient permissions to set pipeline variables", 400, 201},
		{"payload is exempt", func(w *world) { restrict("no_one_allowed")(w); w.SetPayloadExempt(true) }, nil, "", 201, 201},
		{"protected branch", func(w *world) { w.app.ProtectBranch("ma*", gitlabtest.Maintainer, gitlabtest.Maintainer) }, nil, html, 400, 400},
		{"protected branch, may merge", func(w *world) { w.app.ProtectBranch("main", gitlabtest.Maintainer, gitlabtest.Developer) }, nil, "", 201, 201},
		{"ambiguous", func(w *world) { w.app.AddTag("main", time.Now()) }, nil, "Ref is ambiguous", 400, 400},
		{"too many", func(w *world) {
			w.app.Configure(func(s *gitlabtest.Settings) { s.PipelinesPerMinute = 1 })
			w.run()
		}, nil, "Too many pipelines created in the last minute. Try again later.", 400, 400},
		{"no jobs", func(w *world) { w.app.SetCI(gitlabtest.CI{}) }, nil, "No stages / jobs for this pipeline.", 400, 400},
		{"rules", func(w *world) {
			w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "never", Rules: func(gitlabtest.Event) bool { return false }}}})
		}, nil, rules, 400, 400},
		{"rules for triggers", func(w *world) {
			w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "only", Rules: func(e gitlabtest.Event) bool { return e.Source == "trigger" }}}})
		}, nil, rules, 201, 400},
		{"YAML", func(w *world) {
			w.app.SetCI(gitlabtest.CI{YAMLErrors: "jobs config should contain at least one visible job"})
		}, nil, "jobs config should contain at least one visible job", 422, 400},
		{"required input", func(w *world) {
			w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "a"}}, Inputs: []gitlabtest.Input{{Name: "env"}}})
		}, nil, "`env` input: required value has not been provided", 400, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.arrange(w)
			before := len(w.app.Pipelines())
			token := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "bot").Token
			body := map[string]any{"ref": "main", "token": token}
			list := []map[string]string{}
			for key, value := range test.variables {
				list = append(list, map[string]string{"key": key, "value": value})
			}
			if test.variables != nil {
				body["variables"] = test.variables
			}
			a := w.ask("POST", "/projects/1/trigger/pipeline", "", body)
			if a.Status != test.trigger || (a.Status != 201 && a.Body != base(test.message)) {
				t.Errorf("trigger: %d %s, want %d %s", a.Status, a.Body, test.trigger, base(test.message))
			}
			created := len(w.app.Pipelines()) - before
			if (created == 1) != (test.trigger == 201 || test.trigger == 422) {
				t.Errorf("%d pipelines after the trigger", created)
			}
			if test.trigger == 422 && w.app.Pipelines()[before].Status() != "failed" {
				t.Error("the pipeline left behind did not fail")
			}
			a = w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], map[string]any{"ref": "main", "variables": list})
			if a.Status != test.create || (a.Status != 201 && a.Body != base(test.message)) {
				t.Errorf("create: %d %s, want %d %s", a.Status, a.Body, test.create, base(test.message))
			}
		})
	}
}

func restrict(role string) func(*world) {
	return func(w *world) {
		w.app.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = role })
	}
}

func TestFullRefNamesResolveAmbiguity(t *testing.T) {
	w := newWorld(t)
	w.app.AddTag("main", time.Now())
	for ref, tag := range map[string]bool{"refs/heads/main": false, "refs/tags/main": true} {
		a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], url.Values{"ref": {ref}})
		if pl := decode[pipeline](w, a, 201); pl.Ref != "main" || pl.Tag != tag {
			t.Errorf("%s: %+v", ref, pl)
		}
	}
}

func TestCreateTakesVariablesOfForms(t *testing.T) {
	w := newWorld(t)
	form := url.Values{
		"ref": {"main"}, "variables[][key]": {"A", "B"}, "variables[][value]": {"1", "2"}, "variables[][variable_type]": {"env_var", "file"},
	}
	decode[pipeline](w, w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], form), 201)
	want := []gitlabtest.Variable{{Key: "A", Value: "1", Type: "env_var"}, {Key: "B", Value: "2", Type: "file"}}
	if diff := cmp.Diff(want, w.app.Pipelines()[0].Variables()); diff != "" {
		t.Error(diff)
	}
	if pl := w.app.Pipelines()[0]; pl.Source != "api" {
		t.Errorf("source %q", pl.Source)
	}
}

func TestInputs(t *testing.T) {
	spec := []gitlabtest.Input{
		{Name: "env", Options: []any{"dev", "prod"}, Default: "dev"},
		{Name: "level", Type: "number", Default: 1},
		{Name: "scan", Type: "boolean", Default: false},
		{Name: "targets", Type: "array", Default: []any{}},
		{Name: "version", Regex: `^v\d+$`, Default: "v1"},
	}
	for _, test := range []struct {
		name   string
		inputs map[string]any
		want   string
	}{
		{"right", map[string]any{"env": "prod", "level": 3, "scan": true, "targets": []string{"a"}, "version": "v2"}, ""},
		{"none", nil, ""},
		{"option", map[string]any{"env": "moon"}, "`env` input: `moon` cannot be used because it is not in the list of allowed options"},
		{"number", map[string]any{"level": "3"}, "`level` input: provided value is not a number"},
		{"boolean", map[string]any{"scan": "true"}, "`scan` input: provided value is not a boolean"},
		{"array", map[string]any{"targets": "a"}, "`targets` input: provided value is not a array"},
		{"regex", map[string]any{"version": "2"}, "`version` input: provided value does not match required RegEx pattern"},
		{"unknown", map[string]any{"hue": "red"}, "unknown input arguments: hue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.app.SetCI(gitlabtest.CI{Jobs: []gitlabtest.JobSpec{{Name: "a"}}, Inputs: spec})
			body := map[string]any{"ref": "main"}
			if test.inputs != nil {
				body["inputs"] = test.inputs
			}
			a := w.ask("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], body)
			if test.want != "" {
				if a.Status != 400 || a.Body != base(test.want) {
					t.Errorf("%d %s, want %s", a.Status, a.Body, base(test.want))
				}
				return
			}
			decode[pipeline](w, a, 201)
			got := fmt.Sprint(w.app.Pipelines()[0].Inputs()["env"])
			if want := "dev"; test.inputs == nil && got != want {
				t.Errorf("env %q, want %q", got, want)
			}
		})
	}
}

func TestTriggerTokens(t *testing.T) {
	type trigger struct {
		ID          int     `json:"id"`
		Token       string  `json:"token"`
		Description string  `json:"description"`
		ExpiresAt   *string `json:"expires_at"`
		LastUsed    *string `json:"last_used"`
	}
	w := newWorld(t)
	others := w.app.AddTriggerToken(w.users[gitlabtest.Developer], "other's")
	mine := decode[trigger](w, w.ask("POST", "/projects/1/triggers", w.token[gitlabtest.Maintainer],
		map[string]any{"description": "mine", "expires_at": "2099-01-01T00:00:00Z"}), 201)
	if !strings.HasPrefix(mine.Token, "glptt-") || mine.ExpiresAt == nil || *mine.ExpiresAt != "2099-01-01T00:00:00.000Z" {
		t.Errorf("created %+v", mine)
	}
	list := get[[]trigger](w, "/projects/1/triggers")
	if len(list) != 2 || list[0].Token != others.Token[6:10] || list[1].Token != mine.Token {
		t.Errorf("list %+v", list)
	}
	w.ask("POST", "/projects/1/trigger/pipeline", "", map[string]any{"ref": "main", "token": mine.Token})
	if used := get[trigger](w, fmt.Sprintf("/projects/1/triggers/%d", mine.ID)); used.LastUsed == nil {
		t.Error("last_used is not set")
	}
	path := fmt.Sprintf("/projects/1/triggers/%d", mine.ID)
	renamed := decode[trigger](w, w.ask("PUT", path, w.token[gitlabtest.Maintainer], map[string]any{"description": "renamed"}), 200)
	if renamed.Description != "renamed" {
		t.Errorf("description %q", renamed.Description)
	}
	if a := w.ask("DELETE", path, w.token[gitlabtest.Maintainer], nil); a.Status != 204 || a.Body != "" {
		t.Errorf("delete: %d %s", a.Status, a.Body)
	}
	if a := w.ask("GET", path, w.token[gitlabtest.Maintainer], nil); a.Status != 404 || a.Body != `{"message":"404 Not found"}` {
		t.Errorf("get: %d %s", a.Status, a.Body)
	}
}
