package bot_test

import (
	"testing"

	"pipebot/gitlab"
)

// A number is that in the project, but cards and GitLab write # before ids too.
func TestNumbersThatMayBeIDs(t *testing.T) {
	pipelines := []gitlab.Pipeline{
		{ID: 9, IID: 5, ProjectID: 7, Ref: "main", Status: gitlab.StatusRunning},
		{ID: 5, IID: 2, ProjectID: 7, Ref: "main", Status: gitlab.StatusRunning},
		{ID: 4711, IID: 42, ProjectID: 7, Ref: "main", Status: gitlab.StatusRunning},
	}
	for typed, want := range map[string]string{
		"#2":    "Pipeline #5",
		"#4711": "Pipeline #4711",
		"#42":   "Pipeline #4711",
		"#5":    "#5 can be two pipelines: the one with that id, and number 5 in the project, whose id is 9. Write the id without #: 5 or 9.",
		"5":     "Pipeline #5",
		"#7":    "GitLab has no such pipeline",
	} {
		t.Run(typed, func(t *testing.T) {
			o := newOffice(t)
			o.lists.in = map[int64][]gitlab.Pipeline{7: pipelines}
			o.types("follow group/app " + typed)
			o.hears(o.alice, want)
			o.clean()
		})
	}
}
