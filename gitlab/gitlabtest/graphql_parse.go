package gitlabtest

import (
	"errors"
	"fmt"
	"strconv"
)

// A document is a parsed GraphQL request.
type document struct {
	operations []operation
	fragments  map[string]fragment
}

type operation struct {
	kind      string // query, mutation, subscription
	name      string
	variables []variableDefinition
	fields    []selection
	token     token
}

type variableDefinition struct {
	name, typ  string
	otherwise  any
	hasDefault bool
	token      token
}

type fragment struct {
	on     string
	fields []selection
}

// A selection is a field, or a fragment when spread or on is set or the name is empty.
type selection struct {
	alias, name string
	arguments   []argument
	directives  []directive
	fields      []selection
	hasFields   bool
	spread      string // ...Name
	on          string // ... on Type
	token       token
}

type directive struct {
	name      string
	arguments []argument
}

type argument struct {
	name  string
	value any
	token token
}

// What a value in a document may be besides string, int, float64, bool and nil.
type (
	variableRef string
	enumValue   string
	listValue   []any
	objectValue map[string]any
)

// A parser takes tokens from the front.
type parser struct {
	tokens []token
}

// parseDocument reads a request. Its errors are the sentences that GitLab's clients get.
func parseDocument(source string) (document, error) {
	tokens, err := lex(source)
	if err != nil {
		return document{}, err
	}
	p := &parser{tokens: tokens}
	doc := document{fragments: map[string]fragment{}}
	for p.peek().kind != tokenEnd {
		if err := p.definition(&doc); err != nil {
			return document{}, err
		}
	}
	if len(doc.operations) == 0 {
		return document{}, errors.New("Unexpected end of document") //nolint:staticcheck // GitLab's sentence
	}
	return doc, nil
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// skip takes a punctuator or keyword if it comes next.
func (p *parser) skip(text string) bool {
	if t := p.peek(); t.text == text && (t.kind == tokenPunctuator || t.kind == tokenName) {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if p.skip(text) {
		return nil
	}
	return p.unexpected(text)
}

func (p *parser) unexpected(wanted string) error {
	t := p.peek()
	if t.kind == tokenEnd {
		return errors.New("Unexpected end of document") //nolint:staticcheck // GitLab's sentence
	}
	return fmt.Errorf("Expected %s, actual: %q at [%d, %d]", wanted, t.text, t.line, t.col) //nolint:staticcheck // GitLab's sentence
}

func (p *parser) name() (string, error) {
	if p.peek().kind != tokenName {
		return "", p.unexpected("NAME")
	}
	return p.take().text, nil
}

func (p *parser) definition(doc *document) error {
	if p.skip("fragment") {
		return p.fragment(doc)
	}
	op := operation{kind: "query", token: p.peek()}
	if p.peek().text != "{" {
		kind, err := p.name()
		if err != nil {
			return err
		}
		if kind != "query" && kind != "mutation" && kind != "subscription" {
			return fmt.Errorf("Expected one of query, mutation, subscription, fragment, actual: %q at [%d, %d]", kind, op.token.line, op.token.col) //nolint:staticcheck // GitLab's sentence
		}
		op.kind = kind
		if p.peek().kind == tokenName {
			op.name = p.take().text
		}
		if err := p.variables(&op); err != nil {
			return err
		}
		if _, err := p.directives(); err != nil {
			return err
		}
	}
	var err error
	op.fields, err = p.selections()
	doc.operations = append(doc.operations, op)
	return err
}

func (p *parser) fragment(doc *document) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	if err := p.expect("on"); err != nil {
		return err
	}
	on, err := p.name()
	if err != nil {
		return err
	}
	fields, err := p.selections()
	doc.fragments[name] = fragment{on: on, fields: fields}
	return err
}

func (p *parser) variables(op *operation) error {
	if !p.skip("(") {
		return nil
	}
	for !p.skip(")") {
		v := variableDefinition{token: p.peek()}
		if err := p.expect("$"); err != nil {
			return err
		}
		var err error
		if v.name, err = p.name(); err != nil {
			return err
		}
		if err := p.expect(":"); err != nil {
			return err
		}
		if v.typ, err = p.typeName(); err != nil {
			return err
		}
		if p.skip("=") {
			v.hasDefault = true
			if v.otherwise, err = p.value(); err != nil {
				return err
			}
		}
		op.variables = append(op.variables, v)
	}
	return nil
}

func (p *parser) typeName() (string, error) {
	var typ string
	if p.skip("[") {
		inner, err := p.typeName()
		if err != nil {
			return "", err
		}
		if err := p.expect("]"); err != nil {
			return "", err
		}
		typ = "[" + inner + "]"
	} else {
		name, err := p.name()
		if err != nil {
			return "", err
		}
		typ = name
	}
	if p.skip("!") {
		typ += "!"
	}
	return typ, nil
}

func (p *parser) selections() ([]selection, error) {
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var list []selection
	for !p.skip("}") {
		s, err := p.selection()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, errors.New("Expected a selection, actual: RCURLY (\"}\")") //nolint:staticcheck // GitLab's sentence
	}
	return list, nil
}

func (p *parser) selection() (selection, error) {
	s := selection{token: p.peek()}
	head := p.fieldHead
	if p.skip("...") {
		head = p.fragmentHead
	}
	err := head(&s)
	if err != nil {
		return s, err
	}
	if s.directives, err = p.directives(); err != nil {
		return s, err
	}
	if s.spread == "" && p.peek().kind == tokenPunctuator && p.peek().text == "{" {
		s.hasFields = true
		s.fields, err = p.selections()
	}
	return s, err
}

// fieldHead reads a field up to its directives: alias: name(arguments).
func (p *parser) fieldHead(s *selection) (err error) {
	if s.name, err = p.name(); err != nil {
		return err
	}
	s.alias = s.name
	if p.skip(":") {
		if s.name, err = p.name(); err != nil {
			return err
		}
	}
	s.arguments, err = p.arguments()
	return err
}

// fragmentHead reads what follows the dots: a fragment's name, or on and a type, or nothing.
func (p *parser) fragmentHead(s *selection) (err error) {
	switch {
	case p.skip("on"):
		s.on, err = p.name()
	case p.peek().kind == tokenName:
		s.spread, err = p.name()
	}
	return err
}

func (p *parser) arguments() ([]argument, error) {
	if !p.skip("(") {
		return nil, nil
	}
	var list []argument
	for !p.skip(")") {
		a := argument{token: p.peek()}
		var err error
		if a.name, err = p.name(); err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		if a.value, err = p.value(); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

func (p *parser) directives() ([]directive, error) {
	var list []directive
	for p.skip("@") {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		arguments, err := p.arguments()
		if err != nil {
			return nil, err
		}
		list = append(list, directive{name, arguments})
	}
	return list, nil
}

func (p *parser) value() (any, error) {
	switch t := p.take(); {
	case t.kind == tokenString:
		return t.text, nil
	case t.kind == tokenInt:
		n, err := strconv.Atoi(t.text)
		return n, err
	case t.kind == tokenFloat:
		f, err := strconv.ParseFloat(t.text, 64)
		return f, err
	case t.kind == tokenName:
		return nameValue(t.text), nil
	case t.text == "$":
		name, err := p.name()
		return variableRef(name), err
	case t.text == "[":
		list := listValue{}
		for !p.skip("]") {
			item, err := p.value()
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	case t.text == "{":
		return p.objectValue()
	default:
		p.tokens = append([]token{t}, p.tokens...)
		return nil, p.unexpected("a value")
	}
}

func nameValue(name string) any {
	switch name {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	return enumValue(name)
}

func (p *parser) objectValue() (any, error) {
	object := objectValue{}
	for !p.skip("}") {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		if object[name], err = p.value(); err != nil {
			return nil, err
		}
	}
	return object, nil
}
