package gitlabtest

import (
	"fmt"
	"strings"
)

// An execution is one operation on its way through checking, weighing and resolving.
type execution struct {
	*call
	schema map[string]objectType
	doc    document
	op     operation
	used   map[string]bool // variables
	faults []gqlError
}

// find looks a field up; instances too old for it do not have it.
func (x *execution) find(typ, name string) (field, bool) {
	f, ok := x.typeOf(typ)[name]
	if !ok || f.since > x.s.major() {
		return field{}, false
	}
	return f, true
}

// result is the name of the type that a field leads to.
func (f field) result() string {
	if f.connection {
		return f.typ + "Connection"
	}
	return f.typ
}

// argumentType is the type of an argument, "" when the field does not take it.
func (x *execution) argumentType(f field, name string) string {
	switch {
	case f.connection && (name == "first" || name == "last"):
		return "Int"
	case f.connection && (name == "after" || name == "before"):
		return "String"
	case name == "ids" && x.s.major() < 19:
		return ""
	}
	return f.arguments[name]
}

// fields flattens fragments and leaves out what @include and @skip exclude.
func (x *execution) fields(list []selection) []selection {
	var out []selection
	for _, s := range list {
		if !x.included(s) {
			continue
		}
		switch {
		case s.spread != "":
			out = append(out, x.fields(x.doc.fragments[s.spread].fields)...)
		case s.name == "":
			out = append(out, x.fields(s.fields)...)
		default:
			out = append(out, s)
		}
	}
	return out
}

func (x *execution) included(s selection) bool {
	for _, d := range s.directives {
		for _, a := range d.arguments {
			on, _ := x.value(a.value).(bool)
			if a.name == "if" && (d.name == "include" && !on || d.name == "skip" && on) {
				return false
			}
		}
	}
	return true
}

// value puts variables into a value of the document.
func (x *execution) value(v any) any {
	switch v := v.(type) {
	case variableRef:
		given, _ := x.params["variables"].(params)
		if value, ok := given[string(v)]; ok {
			return plain(value)
		}
		for _, d := range x.op.variables {
			if d.name == string(v) && d.hasDefault {
				return x.value(d.otherwise)
			}
		}
		return nil
	case enumValue:
		return string(v)
	case listValue:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = x.value(item)
		}
		return out
	default:
		return v
	}
}

// plain turns a JSON number into an int where it is one.
func plain(v any) any {
	if f, ok := v.(float64); ok && f == float64(int(f)) {
		return int(f)
	}
	return v
}

func (x *execution) arguments(s selection) arguments {
	args := arguments{}
	for _, a := range s.arguments {
		if value := x.value(a.value); value != nil {
			args[a.name] = value
		}
	}
	return args
}

// weigh computes the complexity of selections: 1 for a field, 1 more when it asks Gitaly, and for a connection
// a hundredth more for each node that it may return.
func (x *execution) weigh(typ string, list []selection) int {
	total := 0
	for _, s := range x.fields(list) {
		f, ok := x.find(typ, s.name)
		if !ok {
			total++ // __typename
			continue
		}
		children := x.weigh(f.result(), s.fields)
		cost := max(1, f.cost) + children
		if f.gitaly {
			cost++
		}
		if f.connection {
			args := x.arguments(s)
			nodes := min(args.number("first", maxNodes), args.number("last", maxNodes), maxNodes)
			cost += cost * nodes / 100
		}
		total += cost
	}
	return total
}

// object resolves selections on a value.
func (x *execution) object(typ string, on any, list []selection, path []any) object {
	out := object{}
	for _, s := range x.fields(list) {
		if s.name == "__typename" {
			out[s.alias] = typ
			continue
		}
		f, _ := x.find(typ, s.name)
		args := x.arguments(s)
		at := under(path, s.alias)
		if fault := x.checkValues(f, s, args); fault != "" {
			x.faults = append(x.faults, gqlError{message: fault, token: s.token, path: at})
			out[s.alias] = nil
			continue
		}
		value := f.resolve(x.call, on, args)
		if nodes, isList := value.([]any); f.connection && isList {
			value = paginate(f.typ, nodes, args)
		}
		out[s.alias] = x.complete(f, value, s, at)
	}
	// A selection that comes twice under one name is merged by GraphQL; here the last one counts.
	return out
}

// complete turns a resolved value into the answer.
func (x *execution) complete(f field, value any, s selection, path []any) any {
	if value == nil || x.typeOf(f.result()) == nil {
		return value
	}
	if items, ok := value.([]any); ok {
		out := make([]any, len(items))
		for i, item := range items {
			out[i] = x.object(f.typ, item, s.fields, under(path, i))
		}
		return out
	}
	return x.object(f.result(), value, s.fields, path)
}

// checkValues refuses ids that are none, and too many arguments or too few, which GitLab does while it runs the query.
func (x *execution) checkValues(f field, s selection, args arguments) string {
	if f.oneOf != "" && len(args) != 1 {
		return f.oneOf
	}
	for name, value := range args {
		if !strings.Contains(x.argumentType(f, name), "CiPipelineID") {
			continue
		}
		ids, isList := value.([]any)
		if !isList {
			ids = []any{value}
		}
		for _, id := range ids {
			if _, valid := globalID("Ci::Pipeline", fmt.Sprint(id)); !valid {
				return fmt.Sprintf("Argument '%s' on Field '%s': %q is not a valid Global ID", name, s.name, fmt.Sprint(id))
			}
		}
	}
	return ""
}
