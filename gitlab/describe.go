package gitlab

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// describeQuery asks for what lists of pipelines leave out. There is no field that says
// whether the ref is a tag, but refPath has it in full.
// https://docs.gitlab.com/api/graphql/reference/#pipeline
const describeQuery = `query($path: ID!, $ids: [CiPipelineID!], $n: Int) {
  project(fullPath: $path) {
    pipelines(ids: $ids, first: $n) {
      nodes {
        id name refPath
        detailedStatus { group }
        user { id username name }
      }
    }
  }
}`

// Describe returns the pipelines with what lists leave out: User, Tag, Name and Warnings.
// It takes one request for 50 pipelines of one project, and one for each where the
// instance is too old for that. Pipelines that are gone, or that could not be read, stay
// as they were; the error says why the latter could not.
func (c *Client) Describe(ctx context.Context, project Project, pipelines []Pipeline) ([]Pipeline, error) {
	described := slices.Clone(pipelines)
	var failed error
	for batch := range slices.Chunk(described, observeBatch) { // which shares described's memory
		err := c.describeBatch(ctx, project, batch)
		if errors.Is(err, errNoBatches) {
			err = c.describeEach(ctx, project.ID, batch)
		}
		failed = cmp.Or(failed, err)
		if err != nil && KindOf(err) != Unclear || ctx.Err() != nil {
			break // what is refused is refused for all
		}
	}
	return described, failed
}

// describeBatch fills in one batch.
func (c *Client) describeBatch(ctx context.Context, project Project, batch []Pipeline) error {
	ids := make([]int64, len(batch))
	for i, p := range batch {
		ids[i] = p.ID
	}
	nodes, err := c.pipelineNodes(ctx, "describing pipelines", describeQuery, project, ids)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		for i := range batch {
			if batch[i].ID == globalID(node.ID) {
				batch[i].describe(node.pipeline(project.ID))
			}
		}
	}
	return nil
}

// describeEach fills in pipelines one by one.
func (c *Client) describeEach(ctx context.Context, project int64, pipelines []Pipeline) error {
	return each(pipelines, func(p *Pipeline) error {
		read, err := c.Pipeline(ctx, project, p.ID)
		if err == nil {
			p.describe(read)
		}
		return err
	})
}

func (p *Pipeline) describe(read Pipeline) {
	p.User, p.Tag, p.Name, p.Warnings = read.User, read.Tag, read.Name, read.Warnings
}
