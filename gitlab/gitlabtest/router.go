package gitlabtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A call is one request on its way through the server.
type call struct {
	s       *Server
	r       *http.Request
	rawBody []byte
	params  params
	path    map[string]string // :id and the like, unescaped

	token   *accessToken
	user    *User    // nil: nobody signed in
	project *Project // of /projects/:id, visible to the user

	complexity complexity // of a GraphQL query
}

// violate notes that the client did something which GitLab would not like.
func (c *call) violate(message string) {
	c.s.violations = append(c.s.violations, Violation{Method: c.r.Method, Path: c.r.URL.EscapedPath(), Message: message})
}

// A route is an endpoint with the parameters that its page documents; others are ignored, and noted.
type route struct {
	method, pattern string
	handle          func(*call) *reply
	params          string
	anonymous       bool // the handler looks after authentication itself
}

const (
	paged   = " page per_page pagination order_by sort"
	members = "query user_ids skip_users show_seat_info" + paged
)

// routes lists every REST endpoint.
func routes() []route {
	const project = "/projects/:id"
	return []route{
		{"GET", "/version", (*call).version, "", false},
		{"GET", "/metadata", (*call).version, "", false},
		{"GET", "/user", (*call).currentUser, "", false},
		{"GET", "/users", (*call).listUsers, "username search" + paged, false},
		{"GET", "/users/:user_id", (*call).getUser, "", false},
		{"GET", "/personal_access_tokens/self", (*call).currentToken, "", false},

		{"GET", "/projects", (*call).listProjects, "membership search simple archived min_access_level visibility search_namespaces id_after id_before" + paged, true},
		{"GET", project, (*call).getProject, "license statistics with_custom_attributes", true},

		{"GET", project + "/members", (*call).projectMembers, members, false},
		{"GET", project + "/members/all", (*call).allProjectMembers, members, false},
		{"GET", project + "/members/all/:user_id", (*call).anyProjectMember, "", false},
		{"GET", project + "/members/:user_id", (*call).projectMember, "", false},
		{"GET", "/groups/:group_id/members", (*call).groupMembers, members, false},
		{"GET", "/groups/:group_id/members/all", (*call).allGroupMembers, members, false},
		{"GET", "/groups/:group_id/members/all/:user_id", (*call).anyGroupMember, "", false},
		{"GET", "/groups/:group_id/members/:user_id", (*call).groupMember, "", false},

		{"GET", project + "/protected_branches", (*call).listProtectedBranches, "search" + paged, true},
		{"GET", project + "/protected_branches/:name", (*call).getProtectedBranch, "", true},
		{"GET", project + "/protected_tags", (*call).listProtectedTags, paged, true},
		{"GET", project + "/protected_tags/:name", (*call).getProtectedTag, "", true},

		{"GET", project + "/repository/branches", (*call).listBranches, "search regex page_token" + paged, true},
		{"GET", project + "/repository/branches/:name", (*call).getBranch, "", true},
		{"GET", project + "/repository/tags", (*call).listTags, "search page_token" + paged, true},
		{"GET", project + "/repository/tags/:name", (*call).getTag, "", true},
		{"GET", project + "/repository/commits/:ref", (*call).getCommit, "stats", true},

		{"GET", project + "/pipelines", (*call).listPipelines, "scope status ref sha yaml_errors username updated_before updated_after created_before created_after source name" + paged, true},
		{"GET", project + "/pipelines/latest", (*call).latestPipeline, "ref", true},
		{"POST", project + "/pipeline", (*call).createPipeline, "ref variables inputs", false},
		{"GET", project + "/pipelines/:pipeline_id", (*call).getPipeline, "", true},
		{"GET", project + "/pipelines/:pipeline_id/variables", (*call).pipelineVariables, "", true},
		{"GET", project + "/pipelines/:pipeline_id/jobs", (*call).pipelineJobs, "scope include_retried cursor" + paged, true},
		{"GET", project + "/pipelines/:pipeline_id/bridges", (*call).pipelineBridges, "scope" + paged, true},
		{"GET", project + "/pipelines/:pipeline_id/test_report_summary", (*call).testReportSummary, "", true},
		{"PUT", project + "/pipelines/:pipeline_id/metadata", (*call).updateMetadata, "name", false},
		{"POST", project + "/pipelines/:pipeline_id/retry", (*call).retryPipeline, "", false},
		{"POST", project + "/pipelines/:pipeline_id/cancel", (*call).cancelPipeline, "", false},
		{"DELETE", project + "/pipelines/:pipeline_id", (*call).deletePipeline, "", false},

		{"GET", project + "/jobs", (*call).projectJobs, "scope cursor" + paged, false},
		{"GET", project + "/jobs/:job_id", (*call).getJob, "", false},
		{"GET", project + "/jobs/:job_id/trace", (*call).jobTrace, "", false},
		{"POST", project + "/jobs/:job_id/play", (*call).playJob, "job_variables_attributes job_inputs", false},
		{"POST", project + "/jobs/:job_id/retry", (*call).retryJob, "job_variables_attributes job_inputs", false},
		{"POST", project + "/jobs/:job_id/cancel", (*call).cancelJob, "force", false},

		{"POST", project + "/trigger/pipeline", (*call).triggerPipeline, "ref token variables inputs", true},
		{"POST", project + "/ref/:ref/trigger/pipeline", (*call).triggerPipeline, "ref token variables inputs", true},
		{"GET", project + "/triggers", (*call).listTriggers, paged, false},
		{"POST", project + "/triggers", (*call).createTrigger, "description expires_at", false},
		{"GET", project + "/triggers/:trigger_id", (*call).getTrigger, "", false},
		{"PUT", project + "/triggers/:trigger_id", (*call).updateTrigger, "description", false},
		{"DELETE", project + "/triggers/:trigger_id", (*call).deleteTrigger, "", false},
	}
}

// route finds the endpoint and calls it. The caller holds the lock.
func (s *Server) route(c *call) reply {
	path := c.r.URL.EscapedPath()
	if path == "/api/graphql" {
		return *c.graphQL()
	}
	if rest, ok := strings.CutPrefix(path, "/oauth"); ok {
		return *c.oauthRoute(rest)
	}
	rest, ok := strings.CutPrefix(path, "/api/v4")
	if !ok {
		return *pageNotFound()
	}
	allowed := false
	for _, r := range s.routes {
		values, ok := matchRoute(r.pattern, rest)
		if !ok {
			continue
		}
		allowed = true
		if r.method != c.r.Method && (r.method != http.MethodGet || c.r.Method != http.MethodHead) {
			continue
		}
		c.path = values
		return *c.run(r)
	}
	if allowed {
		return reply{status: http.StatusMethodNotAllowed, body: object{"error": "405 Not Allowed"}}
	}
	c.violate("asked for an endpoint that is not there")
	return reply{status: http.StatusNotFound, body: object{"error": "404 Not Found"}}
}

func pageNotFound() *reply {
	return &reply{status: http.StatusNotFound, html: fmt.Sprintf(page, "404", "Page not found",
		"This GitLab is simulated. It has an API, and no pages.")}
}

func (c *call) run(r route) *reply {
	known := strings.Fields(r.params + " private_token id")
	for name := range c.params {
		if !slices.Contains(known, name) {
			c.violate("sent the parameter " + name + ", which this endpoint does not have")
		}
	}
	if !strings.HasSuffix(r.pattern, "/trigger/pipeline") { // which has a token of its own kind
		if bad := c.admit(r); bad != nil {
			return bad
		}
	}
	a := r.handle(c)
	if a.status == http.StatusBadRequest {
		if body, ok := a.body.(object); ok && body["error"] != nil {
			c.violate(fmt.Sprint(body["error"]))
		}
	}
	return a
}

// admit finds out who asks and for which project, and whether they may know of it.
func (c *call) admit(r route) *reply {
	if bad := c.authenticate(); bad != nil {
		return bad
	}
	if c.user == nil && !r.anonymous {
		return refuse(http.StatusUnauthorized, "401 Unauthorized")
	}
	id, inProject := c.path["id"]
	if !inProject {
		return nil
	}
	c.project = c.s.findProject(id)
	if c.project == nil || !c.project.visible(c.user) {
		return notFound("Project")
	}
	if c.project.settings.Archived && c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return forbidden("")
	}
	return nil
}

// matchRoute compares an escaped path with a pattern, segment by segment: a%2Fb is one segment.
func matchRoute(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	values := map[string]string{}
	for i, segment := range want {
		name, variable := strings.CutPrefix(segment, ":")
		if !variable {
			if segment != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		values[name] = value
	}
	return values, true
}

// number reads a numeric :id of the path.
func (c *call) number(name string) (int, *reply) {
	return params{name: c.path[name]}.number(name, 0)
}

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body} }

func created(body any) *reply { return &reply{status: http.StatusCreated, body: body} }
