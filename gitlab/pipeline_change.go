package gitlab

import (
	"context"
	"fmt"
	"net/http"
)

// Retry runs the failed and canceled jobs of a pipeline again.
// https://docs.gitlab.com/api/pipelines/#retry-jobs-in-a-pipeline
func (c *Client) Retry(ctx context.Context, project, id int64) (Pipeline, error) {
	return c.pipeline(ctx, "retrying the pipeline", http.MethodPost, fmt.Sprintf("projects/%d/pipelines/%d/retry", project, id), nil)
}

// Cancel cancels the jobs of a pipeline that have not ended.
// https://docs.gitlab.com/api/pipelines/#cancel-all-jobs-for-a-pipeline
func (c *Client) Cancel(ctx context.Context, project, id int64) (Pipeline, error) {
	return c.pipeline(ctx, "canceling the pipeline", http.MethodPost, fmt.Sprintf("projects/%d/pipelines/%d/cancel", project, id), nil)
}

// RenamePipeline gives a pipeline another name, of 255 characters at most, in GitLab 16.6
// and later: older ones answer NotFound. It takes who may retry the pipeline.
// https://docs.gitlab.com/api/pipelines/#update-pipeline-metadata
func (c *Client) RenamePipeline(ctx context.Context, project, id int64, name string) (Pipeline, error) {
	return c.pipeline(ctx, "renaming the pipeline", http.MethodPut, fmt.Sprintf("projects/%d/pipelines/%d/metadata", project, id), struct {
		Name string `json:"name"`
	}{name})
}

// DeletePipeline deletes a pipeline with its jobs, logs and artifacts, for good. It takes
// an Owner: others get Forbidden. While GitLab counts the project's artifacts anew it
// refuses with a 409, which is Invalid.
// https://docs.gitlab.com/api/pipelines/#delete-a-pipeline
func (c *Client) DeletePipeline(ctx context.Context, project, id int64) error {
	return c.remove(ctx, "deleting the pipeline", fmt.Sprintf("projects/%d/pipelines/%d", project, id))
}

// remove deletes what is at the path. Only GitLab's 204 says that it is gone: a page that
// a proxy puts in front answers 200.
func (c *Client) remove(ctx context.Context, op, path string) error {
	resp, err := c.request(ctx, op, http.MethodDelete, path, nil, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusNoContent {
		return &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "its answer does not say that it is gone"}
	}
	return nil
}
