package gitlabtest

import (
	"fmt"
	"slices"
	"strings"
)

// check compares the operation with the schema. The sentences are those of the graphql-ruby library, which
// GitLab uses.
func (x *execution) check() []gqlError {
	path := []any{strings.TrimSpace(x.op.kind + " " + x.op.name)}
	faults := x.checkVariables()
	faults = append(faults, x.checkFields("Query", x.op.fields, path, 0)...)
	for _, d := range x.op.variables {
		if !x.used[d.name] {
			faults = append(faults, gqlError{
				message: fmt.Sprintf("Variable $%s is declared by %s but not used", d.name, x.operationName()), token: x.op.token, path: path,
				extensions: object{"code": "variableNotUsed", "variableName": d.name},
			})
		}
	}
	return faults
}

func (x *execution) operationName() string {
	if x.op.name == "" {
		return "anonymous query"
	}
	return x.op.name
}

// checkVariables wants a value for every variable that must have one.
func (x *execution) checkVariables() []gqlError {
	var faults []gqlError
	given, _ := x.params["variables"].(params)
	for _, d := range x.op.variables {
		value, ok := given[d.name]
		explanation := ""
		switch {
		case value != nil:
			explanation = enumFault(value, d.typ)
		case strings.HasSuffix(d.typ, "!") && (ok || !d.hasDefault):
			explanation = "Expected value to not be null"
		}
		if explanation != "" {
			faults = append(faults, gqlError{
				message: fmt.Sprintf("Variable $%s of type %s was provided invalid value", d.name, d.typ), token: d.token,
				extensions: object{"value": value, "problems": []any{object{"path": []any{}, "explanation": explanation}}},
			})
		}
	}
	return faults
}

// enumFault says which value of a variable is none of its enum type.
func enumFault(value any, typ string) string {
	allowed := enum(strings.Trim(typ, "[]!"))
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	for _, item := range items {
		if allowed != nil && !slices.Contains(allowed, fmt.Sprint(item)) {
			return fmt.Sprintf("Expected %q to be one of: %s", fmt.Sprint(item), strings.Join(allowed, ", "))
		}
	}
	return ""
}

// under is the path of something below another path.
func under(path []any, name any) []any {
	return append(slices.Clone(path), name)
}

// maxFragments is how deep fragments may be nested; deeper ones spread themselves.
const maxFragments = 20

func (x *execution) checkFields(typ string, list []selection, path []any, depth int) []gqlError {
	var faults []gqlError
	for _, s := range list {
		at := under(path, s.alias)
		for _, d := range s.directives {
			for _, a := range d.arguments {
				faults = append(faults, x.checkUse(a, "Boolean!", path)...)
			}
		}
		switch {
		case s.spread != "":
			fragment, ok := x.doc.fragments[s.spread]
			if !ok || depth > maxFragments {
				faults = append(faults, gqlError{
					message: fmt.Sprintf("Fragment %s was used, but not defined", s.spread), token: s.token, path: path,
					extensions: object{"code": "useAndDefineFragment", "fragmentName": s.spread},
				})
				return faults
			}
			faults = append(faults, x.checkFields(typ, fragment.fields, path, depth+1)...)
		case s.name == "":
			faults = append(faults, x.checkFields(typ, s.fields, path, depth)...)
		case s.name != "__typename":
			faults = append(faults, x.checkField(typ, s, at, depth)...)
		}
	}
	return faults
}

func (x *execution) checkField(typ string, s selection, path []any, depth int) []gqlError {
	f, ok := x.find(typ, s.name)
	if !ok {
		return []gqlError{{
			message: fmt.Sprintf("Field '%s' doesn't exist on type '%s'", s.name, typ), token: s.token, path: path,
			extensions: object{"code": "undefinedField", "typeName": typ, "fieldName": s.name},
		}}
	}
	faults := x.checkArguments(f, s, path)
	object := x.typeOf(f.result()) != nil
	switch {
	case object && !s.hasFields:
		faults = append(faults, gqlError{
			message: fmt.Sprintf("Field must have selections (field '%s' returns %s but has no selections. Did you mean '%s { ... }'?)",
				s.name, f.result(), s.name), token: s.token, path: path,
			extensions: map[string]any{"code": "selectionMismatch", "nodeName": "field '" + s.name + "'", "typeName": f.result()},
		})
	case !object && s.hasFields:
		faults = append(faults, gqlError{
			message: fmt.Sprintf("Selections can't be made on scalars (field '%s' returns %s but has selections)", s.name, f.typ),
			token:   s.token, path: path,
			extensions: map[string]any{"code": "selectionMismatch", "nodeName": "field '" + s.name + "'", "typeName": f.typ},
		})
	}
	return append(faults, x.checkFields(f.result(), s.fields, path, depth)...)
}

func (x *execution) checkArguments(f field, s selection, path []any) []gqlError {
	var faults []gqlError
	given := map[string]bool{}
	for _, a := range s.arguments {
		given[a.name] = true
		typ := x.argumentType(f, a.name)
		if typ == "" {
			faults = append(faults, gqlError{
				message: fmt.Sprintf("Field '%s' doesn't accept argument '%s'", s.name, a.name), token: a.token,
				path:       under(path, a.name),
				extensions: object{"code": "argumentNotAccepted", "name": s.name, "typeName": "Field", "argumentName": a.name},
			})
			x.use(a.value)
			continue
		}
		faults = append(faults, x.checkUse(a, typ, path)...)
	}
	for name, typ := range f.arguments {
		if strings.HasSuffix(typ, "!") && !given[name] {
			faults = append(faults, gqlError{
				message: fmt.Sprintf("Field '%s' is missing required arguments: %s", s.name, name), token: s.token, path: path,
				extensions: object{"code": "missingRequiredArguments", "className": "Field", "name": s.name, "arguments": name},
			})
		}
	}
	return faults
}

// checkUse checks the value of an argument: a variable must be declared with the argument's type, a literal
// must look like it.
func (x *execution) checkUse(a argument, typ string, path []any) []gqlError {
	ref, isVariable := a.value.(variableRef)
	if !isVariable {
		x.use(a.value)
		if literalFits(a.value, typ) {
			return nil
		}
		return []gqlError{{
			message: fmt.Sprintf("Argument '%s' has an invalid value (%v). Expected type '%s'.", a.name, a.value, typ),
			token:   a.token, path: under(path, a.name),
			extensions: object{"code": "argumentLiteralsIncompatible", "argumentName": a.name},
		}}
	}
	x.used[string(ref)] = true
	for _, d := range x.op.variables {
		if d.name != string(ref) {
			continue
		}
		if typeFits(d.typ, typ, d.hasDefault) {
			return nil
		}
		return []gqlError{{
			message: fmt.Sprintf("Type mismatch on variable $%s and argument %s (%s / %s)", ref, a.name, d.typ, typ),
			token:   a.token, path: under(path, a.name),
			extensions: object{"code": "variableMismatch", "variableName": string(ref), "typeName": d.typ, "argumentName": a.name, "errorMessage": "Type mismatch"},
		}}
	}
	return []gqlError{{
		message: fmt.Sprintf("Variable $%s is used by %s but not declared", ref, x.operationName()), token: a.token, path: path,
		extensions: object{"code": "variableNotDefined", "variableName": string(ref)},
	}}
}

// use marks the variables inside of a value as used.
func (x *execution) use(value any) {
	switch v := value.(type) {
	case variableRef:
		x.used[string(v)] = true
	case listValue:
		for _, item := range v {
			x.use(item)
		}
	case objectValue:
		for _, item := range v {
			x.use(item)
		}
	}
}

// typeFits tells whether a variable of one type may stand where the other is wanted: [T!]! fits [T].
func typeFits(have, want string, hasDefault bool) bool {
	if inner, required := strings.CutSuffix(want, "!"); required {
		have, given := strings.CutSuffix(have, "!")
		return (given || hasDefault) && typeFits(have, inner, false)
	}
	have = strings.TrimSuffix(have, "!")
	if strings.HasPrefix(want, "[") && strings.HasPrefix(have, "[") {
		return typeFits(have[1:len(have)-1], want[1:len(want)-1], false)
	}
	return have == want
}

// literalFits tells whether a value in the document can be of the type.
func literalFits(value any, want string) bool {
	inner, required := strings.CutSuffix(want, "!")
	if value == nil {
		return !required
	}
	if items, isList := value.(listValue); isList {
		if !strings.HasPrefix(inner, "[") {
			return false
		}
		for _, item := range items {
			if !literalFits(item, inner[1:len(inner)-1]) {
				return false
			}
		}
		return true
	}
	switch value.(type) {
	case variableRef:
		return true
	case string:
		inner = strings.Trim(inner, "[]!")
		return inner == "String" || inner == "Time" || strings.HasSuffix(inner, "ID")
	case int:
		inner = strings.Trim(inner, "[]!")
		return inner == "Int" || inner == "ID"
	case bool:
		return inner == "Boolean"
	case enumValue:
		return slices.Contains(enum(strings.Trim(inner, "[]!")), fmt.Sprint(value))
	}
	return false
}
