package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gitTime is more than Git takes to list the refs of the largest repositories.
const gitTime = 10 * time.Second

// repository is what the first project is made after.
type repository struct {
	folder        string // of the working copy, or of a bare repository; "" when it is made up
	path          string // as GitLab has it: group/app
	defaultBranch string
	branches      []ref
	tags          []ref
}

// ref is a branch or a tag, with the time of its commit.
type ref struct {
	name string
	at   time.Time
}

// readRepository reads a Git repository by its own command, which knows every format that refs are kept in.
func readRepository(ctx context.Context, folder string, environ []string) (repository, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	git := func(args ...string) (string, error) {
		//nolint:gosec // G204: no shell, and the folder is of whoever runs this
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", folder}, args...)...)
		cmd.Env = environ
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(exit.Stderr) > 0 {
			first, _, _ := strings.Cut(strings.TrimSpace(string(exit.Stderr)), "\n")
			return "", errors.New(strings.TrimPrefix(first, "fatal: "))
		}
		return strings.TrimSpace(string(out)), err
	}
	top, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		top, err = git("rev-parse", "--absolute-git-dir") // a bare repository has no working copy
	}
	if err != nil {
		return repository{}, fmt.Errorf("reading the repository: %w", err)
	}
	listed, err := git("for-each-ref", "--format="+refFormat, "refs/heads", "refs/remotes/origin", "refs/tags")
	if err != nil {
		return repository{}, fmt.Errorf("listing the refs: %w", err)
	}
	r := parseRefs(listed)
	r.folder = top
	if r.defaultBranch == "" {
		current, _ := git("symbolic-ref", "--short", "HEAD") // fails on a detached head, which is no branch
		r.defaultBranch = defaultAmong(r.branches, current)
	}
	remote, _ := git("remote", "get-url", "origin") // fails without one
	r.path = projectPath(remote)
	if r.path == "" {
		r.path = "acme/" + slug(strings.TrimSuffix(filepath.Base(top), ".git"))
	}
	return r, nil
}

// refFormat makes lines that parseRefs reads. A ref's name holds no space.
const refFormat = "%(refname) %(creatordate:unix) %(symref)"

// parseRefs reads the lines of git for-each-ref. A branch that is here and at origin is one branch, of the later time.
func parseRefs(lines string) repository {
	var r repository
	branches, tags := map[string]time.Time{}, map[string]time.Time{}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue // a ref to nothing
		}
		seconds, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue // a ref to something that has no time, such as a file
		}
		at := time.Unix(seconds, 0)
		name, isBranch := strings.CutPrefix(fields[0], "refs/heads/")
		if remote, ok := strings.CutPrefix(fields[0], "refs/remotes/origin/"); ok {
			name, isBranch = remote, true
		}
		tag, isTag := strings.CutPrefix(fields[0], "refs/tags/")
		switch {
		case len(fields) > 2: // origin/HEAD, which is another name for a branch
			if target, ok := strings.CutPrefix(fields[2], "refs/remotes/origin/"); ok {
				r.defaultBranch = target
			}
		case isTag:
			tags[tag] = at
		case isBranch && at.After(branches[name]):
			branches[name] = at
		}
	}
	r.branches, r.tags = byName(branches), byName(tags)
	return r
}

func byName(refs map[string]time.Time) []ref {
	list := make([]ref, 0, len(refs))
	for name, at := range refs {
		list = append(list, ref{name, at})
	}
	slices.SortFunc(list, func(a, b ref) int { return strings.Compare(a.name, b.name) })
	return list
}

// defaultAmong is the default branch where nothing says which it is.
func defaultAmong(branches []ref, current string) string {
	for _, name := range []string{"main", "master", current} {
		if slices.ContainsFunc(branches, func(b ref) bool { return b.name == name }) {
			return name
		}
	}
	if len(branches) > 0 {
		return branches[0].name
	}
	return "main"
}

// projectPath is the path of a project in the URL of a remote: group/app; "" where there is none.
func projectPath(remote string) string {
	var at string
	u, err := url.Parse(remote)
	host, rest, isSCP := strings.Cut(remote, ":") // git@host:group/app.git
	switch {
	case err == nil && u.Host != "":
		at = u.Path
	case isSCP && len(host) > 1 && !strings.ContainsAny(host, `/\`) && !strings.HasPrefix(rest, "//"):
		at = rest
	default:
		return "" // a folder, on Windows too: C:\app
	}
	at = strings.TrimSuffix(strings.Trim(path.Clean("/"+at), "/"), ".git")
	parts := strings.Split(at, "/")
	for i, part := range parts {
		parts[i] = slug(part)
	}
	if len(parts) < 2 {
		return ""
	}
	return strings.Join(parts, "/")
}

// notInPaths are the characters that no path of a project has.
// https://docs.gitlab.com/user/reserved_names/#rules-for-usernames-project-and-group-names-and-slugs
var notInPaths = regexp.MustCompile(`[^A-Za-z0-9_.-]+|^-+`)

// slug is a name as a part of a path.
func slug(name string) string {
	name = notInPaths.ReplaceAllString(name, "")
	if name == "" || strings.Trim(name, ".") == "" {
		return "app"
	}
	return name
}
