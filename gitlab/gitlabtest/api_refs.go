package gitlabtest

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// listBranches: https://docs.gitlab.com/api/branches/#list-repository-branches.
func (c *call) listBranches() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	sort, bad := c.params.oneOf("sort", "name_asc", "name_asc", "updated_asc", "updated_desc")
	if bad != nil {
		return bad
	}
	refs := sortRefs(c.project.branches.list(), sort)
	refs, searched := searchRefs(refs, c.params.text("search"))
	if pattern := c.params.text("regex"); pattern != "" {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return refuse(http.StatusBadRequest, "400 Bad request - "+err.Error())
		}
		searched = true
		refs = slices.DeleteFunc(slices.Clone(refs), func(r *gitRef) bool { return !re.MatchString(r.name) })
	}
	page, _ := c.params.number("page", 1)
	if c.s.levers.emptyPages && page > 1 && c.params.text("pagination") != "keyset" {
		refs = nil
	}
	return c.refPage(refs, searched, c.branchJSON)
}

// listTags: https://docs.gitlab.com/api/tags/#list-project-repository-tags.
func (c *call) listTags() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	by, bad := c.params.oneOf("order_by", "updated", "name", "updated", "version")
	if bad != nil {
		return bad
	}
	direction, bad := c.params.oneOf("sort", "desc", "asc", "desc")
	if bad != nil {
		return bad
	}
	refs, searched := searchRefs(sortRefs(c.project.tags.list(), by+"_"+direction), c.params.text("search"))
	return c.refPage(refs, searched, c.tagJSON)
}

// sortRefs orders refs that come by name. Refs of the same age stay in the order of their names.
func sortRefs(byName []*gitRef, order string) []*gitRef {
	if order == "name_asc" {
		return byName
	}
	refs := slices.Clone(byName)
	by, direction, _ := strings.Cut(order, "_")
	slices.SortStableFunc(refs, func(a, b *gitRef) int {
		if direction == "desc" {
			a, b = b, a
		}
		switch by {
		case "updated":
			return a.at.Compare(b.at)
		case "version":
			return compareVersions(a.name, b.name)
		default:
			return strings.Compare(a.name, b.name)
		}
	})
	return refs
}

// searchRefs follows GitLab's finder: without ^, $ or * any part of the name matches and an exact match comes
// first; upper and lower case are the same.
func searchRefs(refs []*gitRef, term string) (found []*gitRef, searched bool) {
	if term == "" {
		return refs, false
	}
	lower := strings.ToLower(term)
	if !strings.ContainsAny(term, "^$*") {
		for _, r := range refs {
			name := strings.ToLower(r.name)
			if name == lower {
				found = slices.Insert(found, 0, r)
			} else if strings.Contains(name, lower) {
				found = append(found, r)
			}
		}
		return found, true
	}
	expr := strings.Replace(regexp.QuoteMeta(lower), `\^`, "^", 1)
	expr = strings.ReplaceAll(expr, `\*`, ".*?")
	expr = strings.Replace(expr, `\$`, "$", 1)
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, true
	}
	for _, r := range refs {
		if re.MatchString(strings.ToLower(r.name)) {
			found = append(found, r)
		}
	}
	return found, true
}

// refPage answers with an offset or keyset page. With keyset paging a search is not paged at all: GitLab reads
// every ref for it and sends all that match.
func (c *call) refPage(refs []*gitRef, searched bool, show func(*gitRef) any) *reply {
	list := []any{}
	header := http.Header{}
	from, to := 0, len(refs)
	switch pagination := c.params.text("pagination"); {
	case pagination == "keyset" && searched:
	case pagination == "keyset":
		size, bad := c.perPage()
		if bad != nil {
			return bad
		}
		if token := c.params.text("page_token"); token != "" {
			from = 1 + slices.IndexFunc(refs, func(r *gitRef) bool { return r.name == token })
			if from == 0 {
				return refuse(http.StatusUnprocessableEntity, "422 Unprocessable entity - Invalid page token: "+token)
			}
		}
		to = min(from+size, len(refs))
		if to-from == size { // GitLab links on even when nothing follows
			header = c.next("page_token", refs[to-1].name)
		}
	default:
		var bad *reply
		from, to, header, bad = c.offset(len(refs))
		if bad != nil {
			return bad
		}
	}
	for _, r := range refs[from:to] {
		list = append(list, show(r))
	}
	return &reply{status: http.StatusOK, header: header, body: list}
}

// getBranch: https://docs.gitlab.com/api/branches/#get-single-repository-branch.
func (c *call) getBranch() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	ref := c.project.branches.byName[c.path["name"]]
	if ref == nil {
		return notFound("Branch")
	}
	return ok(c.branchJSON(ref))
}

// getTag: https://docs.gitlab.com/api/tags/#get-a-single-repository-tag.
func (c *call) getTag() *reply {
	if !c.project.canReadCode(c.user) {
		return forbidden("")
	}
	ref := c.project.tags.byName[c.path["name"]]
	if ref == nil {
		return notFound("Tag")
	}
	return ok(c.tagJSON(ref))
}

func (c *call) branchJSON(r *gitRef) any {
	p := c.project
	rules := p.protection(r.name, false)
	push := p.role(c.user) >= Developer
	if len(rules) > 0 {
		push = p.anyAllows(c.user, rules, func(r protectedRef) []AccessLevel { return r.push })
	}
	return object{
		"name": r.name, "commit": p.commitJSON(r), "merged": false, "protected": len(rules) > 0,
		"developers_can_push":  slices.ContainsFunc(rules, func(r protectedRef) bool { return developers(r.push) }),
		"developers_can_merge": slices.ContainsFunc(rules, func(r protectedRef) bool { return developers(r.merge) }),
		"can_push":             push, "default": r.name == p.settings.DefaultBranch, "web_url": p.WebURL + "/-/tree/" + r.name,
	}
}

func (c *call) tagJSON(r *gitRef) any {
	return object{
		"name": r.name, "message": "", "target": c.project.sha(r), "commit": c.project.commitJSON(r), "release": nil,
		"protected": len(c.project.protection(r.name, true)) > 0, "created_at": nil,
	}
}

func (p *Project) commitJSON(r *gitRef) object {
	sha, at := p.sha(r), gitStamp(r.at)
	title := "Work on " + r.name
	return object{
		"id": sha, "short_id": sha[:8], "created_at": at, "parent_ids": []string{}, "title": title, "message": title,
		"author_name": "Dev", "author_email": "dev@example.com", "authored_date": at,
		"committer_name": "Dev", "committer_email": "dev@example.com", "committed_date": at,
		"trailers": object{}, "extended_trailers": object{}, "web_url": p.WebURL + "/-/commit/" + sha,
	}
}

// getCommit: https://docs.gitlab.com/api/commits/#get-a-single-commit. A branch or tag name will do as well.
func (c *call) getCommit() *reply {
	p := c.project
	if !p.canReadCode(c.user) {
		return forbidden("")
	}
	ref := p.findCommit(c.path["ref"])
	if ref == nil {
		return notFound("Commit")
	}
	body := p.commitJSON(ref)
	body["project_id"], body["status"], body["last_pipeline"] = p.ID, nil, nil
	body["stats"] = object{"additions": 1, "deletions": 0, "total": 1}
	for _, pl := range p.pipelines {
		if pl.SHA == body["id"] {
			body["status"], body["last_pipeline"] = pl.status, pl.basicJSON()
		}
	}
	return ok(body)
}

// findCommit looks a commit up by a ref's name or by at least seven digits of its id.
func (p *Project) findCommit(name string) *gitRef {
	if ref, _, _ := p.resolveRef(name); ref != nil {
		return ref
	}
	if len(name) < 7 {
		return nil
	}
	for _, refs := range [][]*gitRef{p.branches.list(), p.tags.list()} {
		for _, r := range refs {
			if strings.HasPrefix(p.sha(r), name) {
				return r
			}
		}
	}
	return nil
}

// compareVersions orders v1.9 before v1.10.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		x, restA := chunk(a)
		y, restB := chunk(b)
		nx, errX := strconv.Atoi(x)
		ny, errY := strconv.Atoi(y)
		order := strings.Compare(x, y)
		if errX == nil && errY == nil {
			order = cmp.Compare(nx, ny)
		}
		if order != 0 {
			return order
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// chunk cuts off the digits, or all that are none, at the start.
func chunk(s string) (head, rest string) {
	digits := unicode.IsDigit(rune(s[0]))
	for i, r := range s {
		if unicode.IsDigit(r) != digits {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
