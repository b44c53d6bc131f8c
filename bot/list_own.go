package bot

import (
	"cmp"
	"context"
	"slices"

	"pipebot/gitlab"
)

// ownPipelines are those that a person started: in GitLab under their name, and here,
// where GitLab names the owner of a token. GitLab lists the former; the latter are found
// by their ids among all that pass the filter. Both lists have the newest first, so they
// are merged as far as a page needs.
type ownPipelines struct {
	lists    Lists
	project  int64
	filter   gitlab.ListFilter
	username string  // empty: GitLab does not know them
	here     []int64 // pipelines that they started here
}

const (
	// mostSearched is how many pipelines are looked through for those that somebody
	// started here, 100 by a request.
	mostSearched = 1000
	// listSize is the largest page that GitLab gives.
	listSize = 100
)

// page is one page of them.
func (o ownPipelines) page(ctx context.Context, number int) (found, error) {
	need := number*rowsShown + 1 // one more tells that another page follows
	list, err := o.underTheirName(ctx, need)
	if err != nil {
		return found{}, err
	}
	started, searched, err := o.startedHere(ctx, list, need)
	if err != nil {
		return found{}, err
	}
	list = merged(list, started)
	last := number == mostSearched/rowsShown
	f := found{more: len(list) >= need && !last, unsearched: !searched || len(list) >= need && last}
	from := min((number-1)*rowsShown, len(list))
	f.pipelines = list[from:min(from+rowsShown, len(list))]
	return f, nil
}

// underTheirName reads as many as are needed, or all there are.
func (o ownPipelines) underTheirName(ctx context.Context, need int) (list []gitlab.Pipeline, err error) {
	if o.username == "" {
		return nil, nil
	}
	filter := o.filter
	filter.Username = o.username
	for page := 1; len(list) < need && page <= mostSearched/listSize+1; page++ {
		part, more, err := o.lists.PipelinesPage(ctx, o.project, filter, page, listSize)
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
		if !more {
			break
		}
	}
	return list, nil
}

// startedHere reads those that were started here, as far back as the page goes with
// them. searched is false where there may be more further back.
func (o ownPipelines) startedHere(ctx context.Context, theirs []gitlab.Pipeline, need int) (list []gitlab.Pipeline, searched bool, err error) {
	if len(o.here) == 0 {
		return nil, true, nil
	}
	oldest := slices.Min(o.here)
	for page := 1; page <= mostSearched/listSize; page++ {
		part, more, err := o.lists.PipelinesPage(ctx, o.project, o.filter, page, listSize)
		if err != nil {
			return nil, false, err
		}
		for _, p := range part {
			if slices.Contains(o.here, p.ID) {
				list = append(list, p)
			}
		}
		if !more || len(part) == 0 {
			return list, true, nil
		}
		reached := part[len(part)-1].ID
		if reached <= oldest || since(merged(theirs, list), reached) >= need {
			return list, true, nil
		}
	}
	return list, false, nil
}

// since counts those that are no older than the pipeline of that id.
func since(list []gitlab.Pipeline, id int64) int {
	count := 0
	for _, p := range list {
		if p.ID >= id {
			count++
		}
	}
	return count
}

// merged are both, the newest first, each once.
func merged(a, b []gitlab.Pipeline) []gitlab.Pipeline {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y gitlab.Pipeline) int { return cmp.Compare(y.ID, x.ID) })
	return slices.CompactFunc(all, func(x, y gitlab.Pipeline) bool { return x.ID == y.ID })
}
