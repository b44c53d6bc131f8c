// Package args reads what is typed behind a command the way a shell would: words, quotes
// and options, but nothing that a shell puts in their place. A value like $HOME or *
// stays as it is.
//
// People type on telephones and in clients that make “quotes” out of quotes and a dash
// out of two hyphens; both are taken for what was typed.
package args

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"pipebot/bot/policy"
)

// Option is one that a command takes.
type Option struct {
	// Name is what is typed behind the hyphens.
	Name string
	// Value stands for the value in help; empty: the option has none.
	Value string
	// Help says what it is for.
	Help string
}

// String is the option as help shows it.
func (o Option) String() string {
	if o.Value == "" {
		return "--" + o.Name
	}
	return "--" + o.Name + " " + o.Value
}

// Line is what was typed: the words, and the options by their names.
type Line struct {
	Words  []string
	values map[string]string
}

// Has reports whether an option was typed.
func (l Line) Has(name string) bool {
	_, ok := l.values[name]
	return ok
}

// Value is the value of an option, "" where it was not typed.
func (l Line) Value(name string) string { return l.values[name] }

// Error is what is wrong with a line, in words for who typed it.
type Error struct {
	// Text says what is wrong; Meant is what was perhaps meant, often empty.
	Text, Meant string
}

func (e *Error) Error() string {
	if e.Meant == "" {
		return e.Text
	}
	return e.Text + " Did you mean " + e.Meant + "?"
}

// Parse reads a line with these options. Its errors are a *[Error].
//
// An option's value follows it, as --name value or --name=value. Behind a lone -- there
// are only words.
func Parse(text string, options []Option) (Line, error) {
	words, err := Split(text)
	if err != nil {
		return Line{}, err
	}
	line := Line{values: make(map[string]string)}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, isOption := strings.CutPrefix(word.dashed(), "--")
		switch {
		case !isOption || word.quoted:
			line.Words = append(line.Words, word.text)
			continue
		case name == "":
			for _, rest := range words {
				line.Words = append(line.Words, rest.text)
			}
			return line, nil
		}
		name, value, hasValue := strings.Cut(name, "=")
		option, err := find(name, options)
		switch {
		case err != nil:
			return Line{}, err
		case line.Has(option.Name):
			return Line{}, &Error{Text: fmt.Sprintf("--%s is there twice.", option.Name)}
		case option.Value == "" && hasValue:
			return Line{}, &Error{Text: fmt.Sprintf("--%s takes no value.", option.Name)}
		case option.Value != "" && !hasValue:
			if len(words) == 0 {
				return Line{}, &Error{Text: fmt.Sprintf("--%s wants a value.", option.Name), Meant: option.String()}
			}
			value, words = words[0].text, words[1:]
		}
		line.values[option.Name] = value
	}
	return line, nil
}

// Stray is what is wrong with a word that is typed as an option to a command that takes
// none and reads the rest as it is, without quotes; nil where nothing is. Else it would
// be taken for a name, or a reason.
func Stray(typed string) error {
	name, isOption := strings.CutPrefix(Word{text: typed}.dashed(), "--")
	if !isOption {
		return nil
	}
	name, _, _ = strings.Cut(name, "=")
	_, err := find(name, nil)
	return err
}

func find(name string, options []Option) (Option, error) {
	name = strings.ToLower(name)
	if i := slices.IndexFunc(options, func(o Option) bool { return o.Name == name }); i >= 0 {
		return options[i], nil
	}
	fault := &Error{Text: fmt.Sprintf("I do not know the option --%s.", name)}
	var names []string
	for _, o := range options {
		names = append(names, o.Name)
	}
	if meant := policy.Nearest(name, names); meant != "" {
		fault.Meant = "--" + meant
	}
	return Option{}, fault
}

// Word is one of a line.
type Word struct {
	text   string
	quoted bool // from its first letter on
}

// String is the word without its quotes.
func (w Word) String() string { return w.text }

// dashed is the word with the hyphens that a client may have made a dash of.
func (w Word) dashed() string {
	for _, dash := range []string{"—", "–"} {
		if rest, ok := strings.CutPrefix(w.text, dash); ok {
			return "--" + rest
		}
	}
	return w.text
}

// closing are the quotes that end what each quote begins.
var closing = map[rune]string{ //nolint:gochecknoglobals // a table that nobody changes
	'"': `"“”`, '“': `"“”`, '”': `"“”`, '„': `"“”`,
	'\'': `'‘’`, '‘': `'‘’`, '’': `'‘’`,
}

// Split cuts a line into words. Quotes keep spaces, and a backslash keeps the letter
// behind it: everywhere but in single quotes, in double ones only a quote and a
// backslash. The error is a *[Error].
func Split(text string) ([]Word, error) {
	var (
		words  []Word
		word   strings.Builder
		inWord bool
		quoted bool
	)
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch ends := closing[r]; {
		case unicode.IsSpace(r):
			if inWord {
				words = append(words, Word{word.String(), quoted})
				word.Reset()
			}
			inWord = false
			continue
		case ends != "":
			quoted = quoted && inWord || !inWord
			end := quotedTo(runes, i+1, ends, &word)
			if end < 0 {
				return nil, &Error{Text: fmt.Sprintf("The quote that begins at %s has no end.", begins(runes[i:]))}
			}
			i = end
		case r == '\\' && i+1 < len(runes):
			i++
			word.WriteRune(runes[i])
			quoted = quoted && inWord
		default:
			word.WriteRune(r)
			quoted = quoted && inWord
		}
		inWord = true
	}
	if inWord {
		words = append(words, Word{word.String(), quoted})
	}
	return words, nil
}

// quotedTo writes what is between quotes and returns where they end, -1 where they do
// not.
func quotedTo(runes []rune, from int, ends string, word *strings.Builder) int {
	double := strings.ContainsRune(ends, '"')
	for i := from; i < len(runes); i++ {
		switch r := runes[i]; {
		case strings.ContainsRune(ends, r):
			return i
		case double && r == '\\' && i+1 < len(runes) && (strings.ContainsRune(ends, runes[i+1]) || runes[i+1] == '\\'):
			i++
			word.WriteRune(runes[i])
		default:
			word.WriteRune(r)
		}
	}
	return -1
}

// begins is how a text begins.
func begins(runes []rune) string {
	const shown = 12
	if len(runes) <= shown {
		return string(runes)
	}
	return string(runes[:shown]) + "…"
}
