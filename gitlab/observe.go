package gitlab

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// observeBatch is how many pipelines one GraphQL request reads. With a page of 100
// jobs each the query's complexity is about 60, far below GitLab's limit of 250 for
// signed-in users, and the answer stays around 1 MB.
// https://docs.gitlab.com/api/graphql/#limits
const observeBatch = 50

// observeQuery asks for pipelines by id. Retried jobs are asked for too: Summarize
// needs them for the order of the stages.
const observeQuery = `query($path: ID!, $ids: [CiPipelineID!], $n: Int) {
  project(fullPath: $path) {
    pipelines(ids: $ids, first: $n) {
      nodes {
        id name status refPath updatedAt startedAt finishedAt duration
        detailedStatus { group }
        user { id username name }
        jobs(first: 100) {
          pageInfo { hasNextPage }
          nodes { id name status allowFailure webPath stage { name } }
        }
      }
    }
  }
}`

// Observation is how a pipeline and its jobs stood at one moment.
type Observation struct {
	Pipeline Pipeline
	Progress Progress
}

// Observe reads many pipelines of one project in as few requests as it can:
// batches by GraphQL, and one by one where the instance is too old for that or a
// pipeline has more jobs than a page. Pipelines that are missing in the result
// were not found. On an error the result holds what could be read all the same.
//
// Batches know no source, ref, sha or artifacts: those fields are left empty.
func (c *Client) Observe(ctx context.Context, project Project, pipelines []int64) (map[int64]Observation, error) {
	found := make(map[int64]Observation, len(pipelines))
	var failed error
	for batch := range slices.Chunk(pipelines, observeBatch) {
		rest, err := c.observeBatch(ctx, project, batch, found)
		if err == nil {
			err = c.observeEach(ctx, project, rest, found)
		}
		failed = cmp.Or(failed, err)
		// What GitLab could not answer may be this batch alone; what it refuses,
		// it refuses for all.
		if err != nil && KindOf(err) != Unclear || ctx.Err() != nil {
			break
		}
	}
	return found, failed
}

// observedAtOnce is how many pipelines are read at once where they have to be read
// one by one.
const observedAtOnce = 4

// observeEach reads pipelines one by one into found.
func (c *Client) observeEach(ctx context.Context, project Project, pipelines []int64, found map[int64]Observation) error {
	var mu sync.Mutex
	return each(pipelines, func(id *int64) error {
		observation, err := c.ObserveOne(ctx, project.ID, *id)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			found[*id] = observation
		}
		return err
	})
}

// each calls read for every item, a few at once, and returns the first failure. One item
// that cannot be read keeps no other from being read, and one that is gone is no failure.
func each[T any](items []T, read func(item *T) error) error {
	var (
		group  errgroup.Group
		mu     sync.Mutex
		failed error
	)
	group.SetLimit(observedAtOnce)
	for i := range items {
		group.Go(func() error {
			if err := caught(func() error { return read(&items[i]) }); err != nil && !IsNotFound(err) {
				mu.Lock()
				defer mu.Unlock()
				failed = cmp.Or(failed, err)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in failed
	return failed
}

// ObserveOne reads one pipeline with all its fields and all its jobs.
func (c *Client) ObserveOne(ctx context.Context, project, id int64) (Observation, error) {
	pipeline, err := c.Pipeline(ctx, project, id)
	if err != nil {
		return Observation{}, err
	}
	jobs, err := c.Jobs(ctx, project, id)
	if err != nil {
		return Observation{}, err
	}
	return Observation{Pipeline: pipeline, Progress: Summarize(jobs)}, nil
}

type jobNode struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Status       string `json:"status"`
	AllowFailure bool   `json:"allowFailure"`
	WebPath      string `json:"webPath"`
	Stage        struct {
		Name string `json:"name"`
	} `json:"stage"`
}

// observeBatch reads one batch into found and returns those that have to be read
// one by one.
func (c *Client) observeBatch(ctx context.Context, project Project, batch []int64, found map[int64]Observation) ([]int64, error) {
	nodes, err := c.pipelineNodes(ctx, "observing pipelines", observeQuery, project, batch)
	if errors.Is(err, errNoBatches) {
		return batch, nil
	}
	if err != nil {
		return nil, err
	}
	var rest []int64
	base, err := url.Parse(project.WebURL)
	if err != nil {
		base = &url.URL{}
	}
	for _, node := range nodes {
		if node.Jobs.PageInfo.HasNextPage {
			rest = append(rest, globalID(node.ID))
			continue
		}
		observation := node.observation(project.ID, base)
		found[observation.Pipeline.ID] = observation
	}
	return rest, nil
}

// observation makes the node one. Paths of the web interface start at the root of
// base's host, also where the instance is installed under a path.
func (n pipelineNode) observation(project int64, base *url.URL) Observation {
	jobs := make([]Job, len(n.Jobs.Nodes))
	for i, j := range n.Jobs.Nodes {
		jobs[i] = Job{
			ID: globalID(j.ID), Name: j.Name, Stage: j.Stage.Name,
			Status: Status(strings.ToLower(j.Status)), AllowFailure: j.AllowFailure,
		}
		if j.WebPath != "" {
			jobs[i].WebURL = base.ResolveReference(&url.URL{Path: j.WebPath}).String()
		}
	}
	return Observation{Pipeline: n.pipeline(project), Progress: Summarize(jobs)}
}
