package gitlabtest

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxPipelineName is the longest name of a pipeline, in characters: app/models/ci/pipeline_metadata.rb.
const maxPipelineName = 255

// updateMetadata: https://docs.gitlab.com/api/pipelines/#update-pipeline-metadata, for those who may update the
// pipeline, since 16.6. The name is kept beside the pipeline, so updated_at does not move.
func (c *call) updateMetadata() *reply {
	if c.s.before(16, 6) {
		return &reply{status: http.StatusNotFound, body: object{"error": "404 Not Found"}}
	}
	if !c.params.has("name") {
		return invalid("name is missing")
	}
	pl, bad := c.writable()
	if bad != nil {
		return bad
	}
	name := strings.TrimSpace(c.params.text("name"))
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return refuse(http.StatusBadRequest, "Failed to update pipeline - Name is too short (minimum is 1 character)")
	case n > maxPipelineName:
		return refuse(http.StatusBadRequest, "Failed to update pipeline - Name is too long (maximum is 255 characters)")
	}
	pl.name = name
	c.s.changed()
	return ok(c.namedJSON(pl))
}
