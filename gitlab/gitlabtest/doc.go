// Package gitlabtest is a simulated GitLab instance: what net/http/httptest is to an HTTP server, this
// package is to GitLab. It listens on a port of its own, keeps users, groups, projects, refs and pipelines in
// memory, and answers the REST API v4 and those parts of the GraphQL API and of OAuth 2.0 that a client needs to start
// and follow pipelines for people whom it knows.
//
//	gl := gitlabtest.NewServer(gitlabtest.Config{})
//	defer gl.Close()
//	alice := gl.AddUser("alice")
//	token := gl.AddToken(alice, "api")
//	app := gl.AddProject("group/app")
//	app.AddMember(alice, gitlabtest.Developer)
//	app.SetCI(gitlabtest.CI{
//		Stages: []string{"build", "test"},
//		Jobs:   []gitlabtest.JobSpec{{Name: "compile", Stage: "build"}, {Name: "unit", Stage: "test"}},
//	})
//	// ... a client at gl.URL starts a pipeline with token ...
//	app.Pipelines()[0].Job("compile").Succeed()
//
// The tour, from the outside in:
//
//   - server.go: the listener and the life of the [Server].
//   - serve.go, router.go, params.go, paging.go, auth.go: one request, from the socket to a handler.
//   - api_*.go: the REST endpoints, a file for each page of docs.gitlab.com/api/.
//   - graphql*.go: a small parser, the schema as a table, and the executor.
//   - users.go, accounts.go, groups.go, projects.go, refs.go, protect.go, ci.go, triggers.go: what an administrator
//     of a real instance would set up.
//   - oauth.go, api_oauth.go: signing in by the device grant, on the person's side and on the device's.
//   - create.go, pipelines.go, jobs.go, life.go, status.go, auto.go: pipelines, from the rules that refuse one
//     to the way its status follows from its jobs.
//   - faults.go, levers.go: what goes wrong between a client and GitLab, on demand.
//   - observe.go: what clients did, and a way to wait for it without sleeping.
//
// Nothing moves by itself unless [Server.Auto] is called: a new pipeline stays "created" until a test moves it.
// The server is strict. Where GitLab forgives (an unknown parameter, a page of 500), it forgives as well, but
// notes it in [Server.Violations], so that a test can hold its client to the documents.
//
// What it does not do: Git, runners, artifacts' contents, merge requests, custom roles, OAuth by redirects, webhooks.
package gitlabtest
