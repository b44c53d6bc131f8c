package gitlabtest

import (
	"fmt"
	"strconv"
	"strings"
)

// A tokenKind is a kind of lexical token of GraphQL, https://spec.graphql.org/October2021/#sec-Language.
type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenPunctuator
	tokenName
	tokenInt
	tokenFloat
	tokenString
)

type token struct {
	kind tokenKind
	text string
	line int
	col  int
}

// lex cuts a document into tokens; commas, white space and comments fall away.
func lex(source string) ([]token, error) {
	l := &lexer{rest: source, line: 1, col: 1}
	var tokens []token
	for {
		l.skip()
		if l.rest == "" {
			return append(tokens, token{kind: tokenEnd, line: l.line, col: l.col}), nil
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
}

type lexer struct {
	rest      string
	line, col int
}

func (l *lexer) advance(n int) string {
	text := l.rest[:n]
	l.rest = l.rest[n:]
	if lines := strings.Count(text, "\n"); lines > 0 {
		l.line += lines
		l.col = len(text) - strings.LastIndex(text, "\n")
	} else {
		l.col += n
	}
	return text
}

func (l *lexer) skip() {
	for l.rest != "" {
		switch {
		case strings.ContainsRune(" \t\r\n,\ufeff", rune(l.rest[0])):
			l.advance(1)
		case l.rest[0] == '#':
			end := strings.IndexByte(l.rest, '\n')
			if end < 0 {
				end = len(l.rest)
			}
			l.advance(end)
		default:
			return
		}
	}
}

func (l *lexer) next() (token, error) {
	t := token{line: l.line, col: l.col}
	switch c := l.rest[0]; {
	case strings.HasPrefix(l.rest, "..."):
		t.kind, t.text = tokenPunctuator, l.advance(3)
	case strings.IndexByte("!$&()[]{}:=@|", c) >= 0:
		t.kind, t.text = tokenPunctuator, l.advance(1)
	case isNameByte(c) && !isDigit(c):
		t.kind, t.text = tokenName, l.advance(l.span(isNameByte))
	case isDigit(c) || c == '-':
		t.text = l.advance(l.span(func(c byte) bool { return isDigit(c) || strings.IndexByte("+-.eE", c) >= 0 }))
		t.kind = tokenInt
		if strings.ContainsAny(t.text, ".eE") {
			t.kind = tokenFloat
		}
	case c == '"':
		text, err := l.quoted()
		if err != nil {
			return t, err
		}
		t.kind, t.text = tokenString, text
	default:
		return t, fmt.Errorf("Expected one of the tokens, actual: UNKNOWN_CHAR (%q) at [%d, %d]", c, l.line, l.col) //nolint:staticcheck // GitLab's sentence
	}
	return t, nil
}

func (l *lexer) span(in func(byte) bool) int {
	n := 0
	for n < len(l.rest) && in(l.rest[n]) {
		n++
	}
	return n
}

// quoted reads a "string" or a """block string""".
func (l *lexer) quoted() (string, error) {
	if strings.HasPrefix(l.rest, `"""`) {
		end := strings.Index(l.rest[3:], `"""`)
		if end < 0 {
			return "", fmt.Errorf("unterminated string at [%d, %d]", l.line, l.col)
		}
		return strings.TrimSpace(l.advance(end + 6)[3 : end+3]), nil
	}
	for i := 1; i < len(l.rest) && l.rest[i] != '\n'; i++ {
		switch l.rest[i] {
		case '\\':
			i++
		case '"':
			text, err := strconv.Unquote(strings.ReplaceAll(l.rest[:i+1], `\/`, "/"))
			l.advance(i + 1)
			return text, err
		}
	}
	return "", fmt.Errorf("unterminated string at [%d, %d]", l.line, l.col)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}
