package gitlabtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Limits of https://docs.gitlab.com/api/graphql/#limits.
const (
	maxComplexity          = 250
	maxComplexityAnonymous = 200
	maxNodes               = 100
)

// complexity is what a query costs and may cost.
type complexity struct{ score, limit int }

// A gqlError is one entry of errors in an answer.
type gqlError struct {
	message    string
	token      token
	path       []any
	extensions object
}

func (e gqlError) json() object {
	body := object{"message": e.message}
	if e.token.line > 0 {
		body["locations"] = []any{object{"line": e.token.line, "column": e.token.col}}
	}
	if len(e.path) > 0 {
		body["path"] = e.path
	}
	if e.extensions != nil {
		body["extensions"] = e.extensions
	}
	return body
}

// graphQL answers POST /api/graphql: parse, check against the schema, weigh, execute.
// https://docs.gitlab.com/api/graphql/
func (c *call) graphQL() *reply {
	if !c.s.levers.graphQL {
		return &reply{status: http.StatusNotFound, html: fmt.Sprintf(page, "404", "Page not found", "GraphQL is turned off here.")}
	}
	if c.r.Method != http.MethodPost {
		return &reply{status: http.StatusNotFound, body: object{"error": "404 Not Found"}}
	}
	if bad := c.authenticateGraphQL(); bad != nil {
		return bad
	}
	doc, err := parseDocument(c.params.text("query"))
	if err != nil {
		return c.gqlErrors(gqlError{message: err.Error()})
	}
	op, fault := chooseOperation(doc, c.params.text("operationName"))
	if fault != nil {
		return c.gqlErrors(*fault)
	}
	x := &execution{call: c, schema: c.s.schema, doc: doc, op: op, used: map[string]bool{}}
	if faults := x.check(); len(faults) > 0 {
		return c.gqlErrors(faults...)
	}
	c.complexity = complexity{score: x.weigh("Query", op.fields), limit: maxComplexity}
	if c.user == nil {
		c.complexity.limit = maxComplexityAnonymous
	}
	if c.complexity.score > c.complexity.limit {
		return c.gqlErrors(gqlError{message: fmt.Sprintf("Query has complexity of %d, which exceeds max complexity of %d",
			c.complexity.score, c.complexity.limit)})
	}
	data := x.object("Query", nil, op.fields, nil)
	body := object{"data": data}
	if len(x.faults) > 0 {
		body["errors"] = errorList(x.faults)
	}
	return ok(body)
}

// authenticateGraphQL takes tokens with api or read_api; its errors are in the form of GraphQL.
func (c *call) authenticateGraphQL() *reply {
	value := tokenOf(c.r)
	if value == "" {
		return nil
	}
	t := c.s.tokens[value]
	if t == nil || t.revoked || (!t.expiresAt.IsZero() && !c.s.now().Before(t.expiresAt)) ||
		(!slices.Contains(t.scopes, "api") && !slices.Contains(t.scopes, "read_api")) {
		c.violate("used an access token that GraphQL does not take")
		return &reply{status: http.StatusUnauthorized, body: object{"errors": []any{object{"message": "Invalid token"}}}}
	}
	t.usedAt = c.s.now()
	c.token, c.user = t, t.user
	return nil
}

// gqlErrors answers with errors only; the HTTP status is 200 all the same.
func (c *call) gqlErrors(faults ...gqlError) *reply {
	for _, f := range faults {
		c.violate(f.message)
	}
	return ok(object{"errors": errorList(faults)})
}

func errorList(faults []gqlError) []any {
	list := make([]any, len(faults))
	for i, f := range faults {
		list[i] = f.json()
	}
	return list
}

func chooseOperation(doc document, name string) (operation, *gqlError) {
	if name == "" && len(doc.operations) > 1 {
		return operation{}, &gqlError{message: "An operation name is required"}
	}
	for _, op := range doc.operations {
		if name == "" || op.name == name {
			if op.kind != "query" {
				return op, &gqlError{message: "Schema is not configured for " + op.kind + "s"}
			}
			return op, nil
		}
	}
	return operation{}, &gqlError{message: fmt.Sprintf("No operation named %q", name)}
}

// A connection is a page of nodes, https://docs.gitlab.com/api/graphql/getting_started/#pagination.
type connection struct {
	typ   string // of the nodes
	nodes []any
	count int
	info  pageInfo
	from  int
}

type pageInfo struct {
	next, previous bool
	start, end     string
}

// paginate cuts a page of at most 100 nodes out of all. The cursors name positions counted from the oldest, so
// that new pipelines and jobs, which come first, do not move them.
func paginate(typ string, all []any, args arguments) connection {
	from, to := 0, len(all)
	if at, valid := readCursor(args.text("after")); valid {
		from = max(0, len(all)-at+1)
	}
	if at, valid := readCursor(args.text("before")); valid {
		to = max(0, min(to, len(all)-at))
	}
	from = min(from, to)
	size := min(args.number("first", maxNodes), args.number("last", maxNodes), maxNodes)
	if _, last := args["last"]; last {
		from = max(from, to-size)
	} else {
		to = min(to, from+size)
	}
	c := connection{typ: typ, nodes: all[from:to], count: len(all), from: from}
	c.info.next, c.info.previous = to < len(all), from > 0
	if from < to {
		c.info.start, c.info.end = cursor(len(all)-from), cursor(len(all)-to+1)
	}
	return c
}

// connectionType is the object type of a page of nodes.
func connectionType(node string) objectType {
	return objectType{
		"nodes":    {typ: node, list: true, resolve: func(_ *call, on any, _ arguments) any { c, _ := on.(connection); return c.nodes }},
		"pageInfo": {typ: "PageInfo", resolve: func(_ *call, on any, _ arguments) any { c, _ := on.(connection); return c.info }},
		"count":    {typ: "Int", resolve: func(_ *call, on any, _ arguments) any { c, _ := on.(connection); return c.count }},
		"edges": {typ: node + "Edge", list: true, resolve: func(_ *call, on any, _ arguments) any {
			c, _ := on.(connection)
			edges := make([]any, len(c.nodes))
			for i, n := range c.nodes {
				edges[i] = edge{n, cursor(c.count - c.from - i)}
			}
			return edges
		}},
	}
}

type edge struct {
	node   any
	cursor string
}

func edgeType(node string) objectType {
	return objectType{
		"node":   {typ: node, resolve: func(_ *call, on any, _ arguments) any { e, _ := on.(edge); return e.node }},
		"cursor": {typ: "String", resolve: func(_ *call, on any, _ arguments) any { e, _ := on.(edge); return e.cursor }},
	}
}

// typeOf finds an object type by name; nil is a scalar.
func (x *execution) typeOf(name string) objectType {
	if node, ok := strings.CutSuffix(name, "Connection"); ok {
		return connectionType(node)
	}
	if node, ok := strings.CutSuffix(name, "Edge"); ok {
		return edgeType(node)
	}
	return x.schema[name]
}
