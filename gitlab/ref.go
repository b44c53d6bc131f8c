package gitlab

import (
	"fmt"
	"strings"
)

// RefKind tells a branch from a tag.
type RefKind uint8

// The two kinds of ref that a pipeline can be started for.
const (
	Branch RefKind = iota + 1
	Tag
)

func (k RefKind) String() string {
	if k == Tag {
		return "tag"
	}
	return "branch"
}

const (
	headsPrefix = "refs/heads/"
	tagsPrefix  = "refs/tags/"
)

// Ref names a branch or a tag. A branch and a tag of one name are two refs.
type Ref struct {
	Kind RefKind
	Name string
}

// String is the whole name, refs/heads/x or refs/tags/x, which GitLab takes
// wherever a short name would be ambiguous.
func (r Ref) String() string {
	if r.Kind == Tag {
		return tagsPrefix + r.Name
	}
	return headsPrefix + r.Name
}

// MarshalText writes the whole name.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the whole name.
func (r *Ref) UnmarshalText(text []byte) error {
	parsed, err := ParseRef(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// ParseRef reads a whole name as String writes it.
func ParseRef(full string) (Ref, error) {
	if name, ok := strings.CutPrefix(full, headsPrefix); ok && name != "" {
		return Ref{Branch, name}, nil
	}
	if name, ok := strings.CutPrefix(full, tagsPrefix); ok && name != "" {
		return Ref{Tag, name}, nil
	}
	return Ref{}, fmt.Errorf("%q begins with neither refs/heads/ nor refs/tags/", full)
}
