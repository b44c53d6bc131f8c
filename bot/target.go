package bot

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// target is the pipeline that somebody means. Without id and iid it is the one that was
// shown last where they are.
type target struct {
	project string // the name in the settings; empty: any of them
	id, iid int64
}

// targetUsage is how people name a pipeline.
const targetUsage = "[project] [id, #number or URL]"

// parseTarget reads the words that name a pipeline.
func (b *Bot) parseTarget(typed []string) (t target, fault string) {
	if name, ok := b.projectTyped(first(typed)); ok {
		t.project, typed = name, typed[1:]
	}
	switch {
	case len(typed) > 1:
		return t, "I take one pipeline at a time."
	case len(typed) == 0:
		return t, ""
	}
	word := strings.Trim(typed[0], "<>")
	word, _, _ = strings.Cut(word, "|") // as Slack writes links
	if strings.Contains(word, "://") {
		path, id, ok := pipelineIn(word, b.GitLabURL)
		name, known := b.projectTyped(path)
		switch {
		case !ok:
			return t, "That is not the address of a pipeline in this GitLab."
		case !known:
			return t, "That pipeline's project is not set up here."
		}
		return target{project: name, id: id}, ""
	}
	digits, isIID := strings.CutPrefix(word, "#")
	number, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || number <= 0:
		return t, "I do not understand which pipeline " + strconv.Quote(shortenMiddle(word, jobNameSize)) + " is. It takes its id, # and its number in the project, or its address."
	case isIID:
		t.iid = number
	default:
		t.id = number
	}
	return t, ""
}

// projectTyped is the settings' name of a project that somebody typed by that name or by
// GitLab's path. GitLab tells no case apart in paths.
func (b *Bot) projectTyped(word string) (name string, ok bool) {
	names := b.Projects.Names()
	for _, list := range [][]string{names, b.paths()} {
		if i := slices.IndexFunc(list, func(p string) bool { return strings.EqualFold(p, word) }); i >= 0 {
			return names[i], true
		}
	}
	return "", false
}

// pipelineIn takes the project's path and the pipeline's id out of an address of a
// pipeline's page, or of a page behind it, in the instance at base.
func pipelineIn(address, base string) (path string, id int64, ok bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", 0, false
	}
	home, err := url.Parse(base)
	if err != nil || !strings.EqualFold(u.Host, home.Host) {
		return "", 0, false
	}
	rest, ok := strings.CutPrefix(u.Path, strings.TrimSuffix(home.Path, "/")+"/")
	if !ok {
		return "", 0, false
	}
	path, number, ok := strings.Cut(rest, "/-/pipelines/")
	if !ok || path == "" {
		return "", 0, false
	}
	number, _, _ = strings.Cut(number, "/")
	id, err = strconv.ParseInt(number, 10, 64)
	return path, id, err == nil && id > 0
}
