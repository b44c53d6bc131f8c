package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipebot/bot/args"
	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// listing is which of a project's pipelines somebody wants to see.
type listing struct {
	project string // the name in the settings; empty: none was typed
	mine    bool
	filter  gitlab.ListFilter
	page    int // from 1
}

// listOption is an option of the command: how it is typed, read, and written again.
type listOption struct {
	args.Option
	read  func(l *listing, value string, now time.Time) error
	write func(l listing) string    // "" where it was not given
	at    func(l listing) time.Time // of an option whose value is a time; nil of others
}

// listOptions are all filters of GitLab, and --mine.
// https://docs.gitlab.com/api/pipelines/#list-project-pipelines
func listOptions() []listOption {
	return []listOption{
		oneOf("status", "in this status, such as running, failed or manual", statuses(), func(l *listing) *string { return &l.filter.Status }),
		text("ref", "REF", "of this branch or tag", func(l *listing) *string { return &l.filter.Ref }),
		{args.Option{Name: "mine", Help: "that you started, in GitLab or here"}, readMine, func(l listing) string { return flag(l.mine) }, nil},
		text("user", "NAME", "that this user of GitLab started", func(l *listing) *string { return &l.filter.Username }),
		oneOf("scope", "in one of these groups", []string{"finished", "running", "pending", "branches", "tags"}, func(l *listing) *string { return &l.filter.Scope }),
		oneOf("source", "started in this way, such as push, trigger or schedule", sources(), func(l *listing) *string { return &l.filter.Source }),
		{args.Option{Name: "sha", Value: "SHA", Help: "of this commit"}, readSHA, func(l listing) string { return l.filter.SHA }, nil},
		text("name", "NAME", "with this name", func(l *listing) *string { return &l.filter.Name }),
		{args.Option{Name: "yaml-errors", Help: "with errors in .gitlab-ci.yml"}, readYAMLErrors, func(l listing) string { return flag(l.filter.YAMLErrors != nil) }, nil},
		point("updated-after", "changed since then", func(l *listing) *time.Time { return &l.filter.UpdatedAfter }),
		point("updated-before", "not changed since then", func(l *listing) *time.Time { return &l.filter.UpdatedBefore }),
		point("created-after", "started since then", func(l *listing) *time.Time { return &l.filter.CreatedAfter }),
		point("created-before", "started before then", func(l *listing) *time.Time { return &l.filter.CreatedBefore }),
		oneOf("order-by", "in this order", []string{"id", "status", "ref", "updated_at", "user_id"}, func(l *listing) *string { return &l.filter.OrderBy }),
		oneOf("sort", "which end comes first", []string{"asc", "desc"}, func(l *listing) *string { return &l.filter.Sort }),
	}
}

func statuses() []string {
	return []string{
		"created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success", "failed",
		"canceling", "canceled", "skipped", "manual", "scheduled",
	}
}

func sources() []string {
	return []string{
		"push", "web", "trigger", "schedule", "api", "external", "pipeline", "chat", "webide", "merge_request_event",
		"external_pull_request_event", "parent_pipeline", "ondemand_dast_scan", "ondemand_dast_validation",
		"security_orchestration_policy", "container_registry_push", "duo_workflow", "pipeline_execution_policy_schedule", "unknown",
	}
}

// oneOf is an option whose value is one of these, in GitLab's own words.
func oneOf(name, help string, values []string, field func(l *listing) *string) listOption {
	placeholder := strings.ToUpper(name)
	if len(values) <= 5 {
		placeholder = strings.Join(values, "|")
	}
	read := func(l *listing, value string, _ time.Time) error {
		value = strings.ToLower(value)
		if !slices.Contains(values, value) {
			return &args.Error{
				Text:  fmt.Sprintf("GitLab knows no %s %q. It knows %s.", strings.ReplaceAll(name, "-", " "), shortenEnd(value, jobNameSize), strings.Join(values, ", ")),
				Meant: meantOption(name, value, values),
			}
		}
		*field(l) = value
		return nil
	}
	return listOption{args.Option{Name: name, Value: placeholder, Help: help}, read, func(l listing) string { return *field(&l) }, nil}
}

// meantOption is the option with the value that was perhaps meant: one that is nearly
// written so, or what the words on cards are in GitLab's.
func meantOption(name, value string, values []string) string {
	meant := map[string]string{"passed": "success", "blocked": "manual", "stopped": "canceled"}[value]
	if !slices.Contains(values, meant) {
		meant = policy.Nearest(value, values)
	}
	if meant == "" {
		return ""
	}
	return "--" + name + " " + meant
}

// textSize is as much as the value of an option may have: GitLab's longest names.
const textSize = 255

func text(name, placeholder, help string, field func(l *listing) *string) listOption {
	read := func(l *listing, value string, _ time.Time) error {
		if name == "user" {
			value = strings.TrimPrefix(value, "@")
		}
		if name == "ref" {
			value = strings.TrimPrefix(strings.TrimPrefix(value, "refs/heads/"), "refs/tags/")
		}
		if value == "" || len(value) > textSize || oneLine(value) != value {
			return &args.Error{Text: fmt.Sprintf("--%s wants a name.", name), Meant: "--" + name + " " + placeholder}
		}
		*field(l) = value
		return nil
	}
	return listOption{args.Option{Name: name, Value: placeholder, Help: help}, read, func(l listing) string { return *field(&l) }, nil}
}

// flag is how an option without a value is written.
func flag(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

func readMine(l *listing, _ string, _ time.Time) error {
	l.mine = true
	return nil
}

func readYAMLErrors(l *listing, _ string, _ time.Time) error {
	l.filter.YAMLErrors = new(true)
	return nil
}

var wholeSHA = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func readSHA(l *listing, value string, _ time.Time) error {
	l.filter.SHA = strings.ToLower(value)
	if !wholeSHA.MatchString(l.filter.SHA) {
		return &args.Error{Text: "GitLab looks for whole commits: their sha has 40 digits, of 0 to 9 and a to f."}
	}
	return nil
}

// point is an option whose value is a time.
func point(name, help string, field func(l *listing) *time.Time) listOption {
	read := func(l *listing, value string, now time.Time) error {
		at, ok := timeTyped(value, now)
		if !ok {
			return &args.Error{Text: fmt.Sprintf(
				"I do not understand the time %q. Write how long ago, like 30m, 2h or 7d, or a date, like 2026-11-01.", shortenEnd(value, jobNameSize))}
		}
		*field(l) = at
		return nil
	}
	write := func(l listing) string {
		if field(&l).IsZero() {
			return ""
		}
		return field(&l).Format(time.RFC3339)
	}
	return listOption{args.Option{Name: name, Value: "TIME", Help: help + " (dates in UTC)"}, read, write, func(l listing) time.Time { return *field(&l) }}
}

var daysAgo = regexp.MustCompile(`^([0-9]{1,4})([dw])$`)

// timeTyped reads how long ago something was, or a time in UTC.
func timeTyped(value string, now time.Time) (at time.Time, ok bool) {
	if found := daysAgo.FindStringSubmatch(value); found != nil {
		count, err := strconv.Atoi(found[1])
		if found[2] == "w" {
			count *= 7
		}
		return now.UTC().Truncate(time.Second).AddDate(0, 0, -count), err == nil && count > 0
	}
	if d, err := time.ParseDuration(value); err == nil {
		return now.UTC().Truncate(time.Second).Add(-d), d > 0
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(layout, value); err == nil && at.Year() >= 2000 && at.Year() <= 2200 {
			return at.UTC().Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}

// parseListing reads what follows the word. project knows projects as people type them,
// known are all their names. Its errors are a *[args.Error].
func parseListing(line args.Line, project func(string) (string, bool), known []string, now time.Time) (listing, error) {
	l := listing{page: 1}
	if len(line.Words) > 0 {
		name, ok := project(line.Words[0])
		switch {
		case !ok:
			return l, &args.Error{
				Text:  fmt.Sprintf("I do not know the project %q.", shortenMiddle(line.Words[0], jobNameSize)),
				Meant: policy.Nearest(strings.ToLower(line.Words[0]), known),
			}
		case len(line.Words) > 1:
			return l, &args.Error{Text: fmt.Sprintf("I do not know what %q is for. I list one project at a time, and names with spaces go into quotes.", shortenMiddle(line.Words[1], jobNameSize))}
		}
		l.project = name
	}
	for _, o := range listOptions() {
		if !line.Has(o.Name) {
			continue
		}
		if err := o.read(&l, line.Value(o.Name), now); err != nil {
			return l, err
		}
	}
	return l, l.check()
}

// check finds what does not go together.
func (l listing) check() error {
	switch {
	case l.mine && l.filter.Username != "":
		return &args.Error{Text: "--mine and --user do not go together: whose pipelines do you mean?"}
	case l.mine && (l.filter.Scope == "branches" || l.filter.Scope == "tags"):
		return &args.Error{Text: fmt.Sprintf("--scope %s is the newest of each, whoever started it, so it does not go with --mine.", l.filter.Scope)}
	case l.mine && (l.filter.OrderBy != "" || l.filter.Sort != ""):
		return &args.Error{Text: "--mine has the newest first; leave --order-by and --sort out."}
	case len(l.typed()) > typedSize:
		return &args.Error{Text: "That is more than I can carry from page to page. Leave something out."}
	default:
		return nil
	}
}

// typedSize keeps a list with its buttons within what Slack takes for an answer.
const typedSize = 700

// typed is the listing as it could be typed, behind the word and without the page.
func (l listing) typed() string {
	typed := []string{args.Quote(l.project)}
	for _, o := range listOptions() {
		switch value := o.write(l); {
		case value == "":
		case o.Value == "":
			typed = append(typed, "--"+o.Name)
		default:
			typed = append(typed, "--"+o.Name+"="+args.Quote(value))
		}
	}
	return strings.Join(typed, " ")
}

// value is what the button of another page carries.
func (l listing) value() string { return fmt.Sprintf("%d %s", l.page, l.typed()) }

// mostPages keeps pages within GitLab's largest offset.
// https://docs.gitlab.com/administration/instance_limits/#max-offset-allowed-by-the-rest-api-for-offset-based-pagination
const mostPages = 50_000 / rowsShown

// parseValue reads the value of such a button, which comes from outside: it has to be
// one that value wrote.
func parseValue(value string, project func(string) (string, bool), now time.Time) (l listing, ok bool) {
	page, typed, _ := strings.Cut(value, " ")
	number, err := strconv.Atoi(page)
	if err != nil || number < 1 || number > mostPages {
		return l, false
	}
	line, err := args.Parse(typed, listArgs())
	if err != nil {
		return l, false
	}
	if l, err = parseListing(line, project, nil, now); err != nil {
		return l, false
	}
	l.page = number
	return l, l.project != "" && l.value() == value
}

// listArgs are the options as help and the parser want them.
func listArgs() []args.Option {
	var options []args.Option
	for _, o := range listOptions() {
		options = append(options, o.Option)
	}
	return options
}
