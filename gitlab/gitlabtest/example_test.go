package gitlabtest_test

import (
	"fmt"
	"net/http"
	"net/url"

	"pipebot/gitlab/gitlabtest"
)

func Example() {
	gl := gitlabtest.NewServer(gitlabtest.Config{})
	defer gl.Close()
	alice := gl.AddUser("alice")
	app := gl.AddProject("group/app")
	app.AddMember(alice, gitlabtest.Developer)
	token := app.AddTriggerToken(alice, "bot")

	resp, err := http.PostForm(gl.URL+"/api/v4/projects/group%2Fapp/trigger/pipeline", //nolint:noctx // an example is to be short
		url.Values{"token": {token.Token}, "ref": {"main"}, "variables[BUILD_TYPE]": {"debug"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()

	pl := app.Pipelines()[0]
	fmt.Println(resp.StatusCode, pl.Status())
	pl.Start()
	fmt.Println(pl.Status())
	pl.Job("build").Succeed()
	fmt.Println(pl.Status())
	// Output:
	// 201 created
	// running
	// success
}
