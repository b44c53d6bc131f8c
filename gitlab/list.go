package gitlab

import (
	"context"
	"fmt"
	"net/http"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// NewestBranches are up to 100 branches, those with the newest commits first.
// https://docs.gitlab.com/api/branches/#list-repository-branches
func (c *Client) NewestBranches(ctx context.Context, project Project) ([]string, error) {
	names, _, err := c.branchPage(ctx, "reading the newest branches", project, &gl.ListBranchesOptions{
		ListOptions: gl.ListOptions{Sort: "updated_desc", PerPage: perPage},
	})
	return names, err
}

// NewestTags are up to 100 tags, the newest first.
// https://docs.gitlab.com/api/tags/#list-project-repository-tags
func (c *Client) NewestTags(ctx context.Context, project Project) ([]string, error) {
	names, _, err := c.tagPage(ctx, "reading the newest tags", project, tagOptions(""))
	return names, err
}

// TagNames are all tags, the newest first. GraphQL has no names of tags, so this
// takes a request for every hundred of them, one after the other.
// https://docs.gitlab.com/api/tags/#list-project-repository-tags
func (c *Client) TagNames(ctx context.Context, project Project) ([]string, error) {
	const op = "listing tags"
	options := tagOptions("")
	options.Pagination = "keyset"
	return everyPage(op, func(next ...gl.RequestOptionFunc) ([]string, *gl.Response, error) {
		return c.tagPage(ctx, op, project, options, next...)
	})
}

// SearchRefs asks GitLab for the branches and tags whose names contain text, in
// any case; ^text means names that begin with it. It gives at most limit of each
// kind, the newest first, or all where limit is 0.
//
// GitLab reads all refs for every such request: ask rarely.
// https://docs.gitlab.com/api/branches/#list-repository-branches
// https://docs.gitlab.com/api/tags/#list-project-repository-tags
func (c *Client) SearchRefs(ctx context.Context, project Project, text string, limit int) ([]Ref, error) {
	var branches, tags []string
	group, ctx := newGroup(ctx)
	group.Go(func() (err error) {
		const op = "searching branches"
		options := &gl.ListBranchesOptions{
			ListOptions: gl.ListOptions{Sort: "updated_desc", PerPage: perPage},
			Search:      &text,
		}
		branches, err = upTo(limit, func(next ...gl.RequestOptionFunc) ([]string, *gl.Response, error) {
			return c.branchPage(ctx, op, project, options, next...)
		})
		return err
	})
	group.Go(func() (err error) {
		const op = "searching tags"
		options := tagOptions(text)
		tags, err = upTo(limit, func(next ...gl.RequestOptionFunc) ([]string, *gl.Response, error) {
			return c.tagPage(ctx, op, project, options, next...)
		})
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	refs := make([]Ref, 0, len(branches)+len(tags))
	for _, name := range branches {
		refs = append(refs, Ref{Branch, name})
	}
	for _, name := range tags {
		refs = append(refs, Ref{Tag, name})
	}
	return refs, nil
}

// RefExists asks whether the project has the ref now. A project that cannot be
// read is an error, not an absence.
// https://docs.gitlab.com/api/branches/#get-single-repository-branch
// https://docs.gitlab.com/api/tags/#get-a-single-repository-tag
func (c *Client) RefExists(ctx context.Context, project Project, ref Ref) (bool, error) {
	op := "looking up a " + ref.Kind.String()
	there := false
	resp, err := c.call(op, func() (*gl.Response, error) {
		if ref.Kind == Tag {
			tag, resp, err := c.gl.Tags.GetTag(project.ID, ref.Name, gl.WithContext(ctx))
			there = tag != nil && tag.Name != ""
			return resp, err
		}
		branch, resp, err := c.gl.Branches.GetBranch(project.ID, ref.Name, gl.WithContext(ctx))
		there = branch != nil && branch.Name != ""
		return resp, err
	})
	if err == nil && !there {
		err = unreadable(op, resp, "its answer names no "+ref.Kind.String())
	}
	if !IsNotFound(err) {
		return err == nil, err
	}
	// 404 is also the answer for a project that may not be seen.
	_, err = c.Project(ctx, fmt.Sprint(project.ID))
	return false, err
}

// RefSHA is the id of the commit that a branch or tag points at now; of an annotated
// tag, that of the commit and not of the tag, as in its pipelines. An error of the
// kind NotFound says that the project has no such ref, or may not be seen.
// https://docs.gitlab.com/api/branches/#get-single-repository-branch
// https://docs.gitlab.com/api/tags/#get-a-single-repository-tag
func (c *Client) RefSHA(ctx context.Context, project int64, ref Ref) (string, error) {
	op := "reading the commit of a " + ref.Kind.String()
	var commit *gl.Commit
	_, err := c.call(op, func() (*gl.Response, error) {
		if ref.Kind == Tag {
			tag, resp, err := c.gl.Tags.GetTag(project, ref.Name, gl.WithContext(ctx))
			if err == nil && tag != nil {
				commit = tag.Commit
			}
			return resp, err
		}
		branch, resp, err := c.gl.Branches.GetBranch(project, ref.Name, gl.WithContext(ctx))
		if err == nil && branch != nil {
			commit = branch.Commit
		}
		return resp, err
	})
	if err != nil {
		return "", err
	}
	if commit == nil || commit.ID == "" {
		return "", &Error{Op: op, Kind: Unclear, Status: http.StatusOK, Message: "its answer names no commit"}
	}
	return commit.ID, nil
}

func tagOptions(search string) *gl.ListTagsOptions {
	options := &gl.ListTagsOptions{
		ListOptions: gl.ListOptions{PerPage: perPage},
		OrderBy:     gl.Ptr("updated"),
		Sort:        gl.Ptr("desc"),
	}
	if search != "" {
		options.Search = &search
	}
	return options
}

// branchPage reads one page of branches.
func (c *Client) branchPage(ctx context.Context, op string, project Project, options *gl.ListBranchesOptions, more ...gl.RequestOptionFunc) ([]string, *gl.Response, error) {
	var list []*gl.Branch
	resp, err := c.call(op, func() (resp *gl.Response, err error) {
		list, resp, err = c.gl.Branches.ListBranches(project.ID, options, append(more, gl.WithContext(ctx))...)
		return resp, err
	})
	if err == nil {
		err = wholeList(op, resp, list, func(b *gl.Branch) bool { return b != nil && b.Name != "" })
	}
	if err != nil {
		return nil, resp, err
	}
	names := make([]string, len(list))
	for i, b := range list {
		names[i] = b.Name
	}
	return names, resp, nil
}

// tagPage reads one page of tags.
func (c *Client) tagPage(ctx context.Context, op string, project Project, options *gl.ListTagsOptions, more ...gl.RequestOptionFunc) ([]string, *gl.Response, error) {
	var list []*gl.Tag
	resp, err := c.call(op, func() (resp *gl.Response, err error) {
		list, resp, err = c.gl.Tags.ListTags(project.ID, options, append(more, gl.WithContext(ctx))...)
		return resp, err
	})
	if err == nil {
		err = wholeList(op, resp, list, func(t *gl.Tag) bool { return t != nil && t.Name != "" })
	}
	if err != nil {
		return nil, resp, err
	}
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.Name
	}
	return names, resp, nil
}
