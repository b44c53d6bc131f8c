package gitlabtest

import (
	"fmt"
	"strings"
	"time"
)

// A field is one entry of the schema, a small part of https://docs.gitlab.com/api/graphql/reference/.
type field struct {
	typ        string            // object type, or the name of a scalar
	list       bool              // of typ
	connection bool              // of typ, with first, last, after and before
	arguments  map[string]string // name to type
	gitaly     bool              // costs one more, as it asks the Git server
	cost       int               // fixed complexity besides its children; 0 is 1
	since      int               // major version
	oneOf      string            // what is said when not exactly one argument is given
	resolve    func(c *call, on any, args arguments) any
}

// arguments are the arguments of a field with variables and defaults put in; what was not given is not there.
type arguments map[string]any

// text is an argument that is a string, or an ID, which may be given as a number.
func (a arguments) text(key string) string {
	if n, ok := a[key].(int); ok {
		return itoa(n)
	}
	s, _ := a[key].(string)
	return s
}

func (a arguments) number(key string, otherwise int) int {
	if n, ok := a[key].(int); ok {
		return n
	}
	return otherwise
}

func (a arguments) list(key string) []string {
	var out []string
	items, isList := a[key].([]any)
	if one, given := a[key]; given && !isList {
		items = []any{one} // GraphQL takes one for a list of one
	}
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

// An objectType is an object type of the schema by its field names.
type objectType map[string]field

// get makes a field without arguments whose value comes from an object of a known Go type.
func get[T any](typ string, value func(*call, T) any) field {
	return field{typ: typ, resolve: func(c *call, on any, _ arguments) any {
		t, ok := on.(T)
		if !ok {
			return nil
		}
		return value(c, t)
	}}
}

// with is the field with arguments, given as "ref: String!, first: Int".
func (f field) with(list string, resolve func(c *call, on any, args arguments) any) field {
	f.arguments = map[string]string{}
	for _, pair := range strings.Split(list, ", ") {
		name, typ, _ := strings.Cut(pair, ": ")
		f.arguments[name] = typ
	}
	f.resolve = resolve
	return f
}

// schema is every object type there is.
func schema() map[string]objectType {
	return map[string]objectType{
		"Query":            queryType(),
		"QueryComplexity":  complexityType(),
		"UserCore":         userType(),
		"Project":          projectType(),
		"Repository":       repositoryType(),
		"CiConfigVariable": configVariableType(),
		"CiInputsSpec":     inputType(),
		"Pipeline":         pipelineType(),
		"CiStage":          stageType(),
		"CiJob":            jobType(),
		"CiJobArtifact":    artifactType(),
		"DetailedStatus":   detailedStatusType(),
		"PageInfo":         pageInfoType(),
	}
}

func queryType() objectType {
	return objectType{
		"project": field{typ: "Project"}.with("fullPath: ID!", func(c *call, _ any, args arguments) any {
			p := c.s.findProject(args.text("fullPath"))
			if p == nil || !strings.EqualFold(p.Path, args.text("fullPath")) || !p.visible(c.user) {
				return nil
			}
			return p
		}),
		"currentUser": {typ: "UserCore", resolve: func(c *call, _ any, _ arguments) any {
			if c.user == nil {
				return nil
			}
			return c.user
		}},
		"queryComplexity": {typ: "QueryComplexity", resolve: func(c *call, _ any, _ arguments) any { return c.complexity }},
	}
}

func complexityType() objectType {
	return objectType{
		"score": get("Int", func(_ *call, n complexity) any { return n.score }),
		"limit": get("Int", func(_ *call, n complexity) any { return n.limit }),
	}
}

func userType() objectType {
	return objectType{
		"id":       get("ID", func(_ *call, u *User) any { return fmt.Sprintf("gid://gitlab/User/%d", u.ID) }),
		"username": get("String", func(_ *call, u *User) any { return u.Username }),
		"name":     get("String", func(_ *call, u *User) any { return u.Name }),
		"webUrl":   get("String", func(c *call, u *User) any { return c.s.URL + "/" + u.Username }),
	}
}

func detailedStatusType() objectType {
	return objectType{
		"text":    get("String", func(_ *call, d detailedStatus) any { return d.Text }),
		"label":   get("String", func(_ *call, d detailedStatus) any { return d.Label }),
		"group":   get("String", func(_ *call, d detailedStatus) any { return d.Group }),
		"icon":    get("String", func(_ *call, d detailedStatus) any { return d.Icon }),
		"tooltip": get("String", func(_ *call, d detailedStatus) any { return d.Tooltip }),
	}
}

func pageInfoType() objectType {
	return objectType{
		"hasNextPage":     get("Boolean", func(_ *call, p pageInfo) any { return p.next }),
		"hasPreviousPage": get("Boolean", func(_ *call, p pageInfo) any { return p.previous }),
		"startCursor":     get("String", func(_ *call, p pageInfo) any { return orNull(p.start) }),
		"endCursor":       get("String", func(_ *call, p pageInfo) any { return orNull(p.end) }),
	}
}

// instant formats a time as GitLab's GraphQL API does, in whole seconds; the zero time is null.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// seconds is a duration in whole seconds, null when there is none.
func seconds(d time.Duration, known bool) any {
	if !known {
		return nil
	}
	return int(d / time.Second)
}

// anys turns a slice of anything into nodes.
func anys[T any](items []T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// globalID takes the number out of gid://gitlab/Ci::Pipeline/123.
func globalID(kind, value string) (int, bool) {
	rest, ok := strings.CutPrefix(value, "gid://gitlab/"+kind+"/")
	if !ok {
		return 0, false
	}
	n, bad := params{"id": rest}.number("id", 0)
	return n, bad == nil
}

// enum lists the values of an enum type; nil is another type.
func enum(typ string) []string {
	switch typ {
	case "PipelineStatusEnum", "CiJobStatus":
		list := statuses()
		for i, status := range list {
			list[i] = upper(status)
		}
		return list
	case "PipelineScopeEnum":
		return []string{"RUNNING", "PENDING", "FINISHED", "BRANCHES", "TAGS"}
	case "CiJobKind":
		return []string{"BUILD", "BRIDGE"}
	}
	return nil
}

// upper is a status as an enum value.
func upper(status string) string { return strings.ToUpper(status) }
