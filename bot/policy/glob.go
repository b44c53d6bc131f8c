package policy

import "strings"

// wild is the only character that patterns give a meaning: any run of characters,
// slashes and nothing included, as in GitLab's protected branches.
// https://docs.gitlab.com/user/project/repository/branches/protected/#use-wildcard-rules
const wild = "*"

// covers reports whether the pattern matches the name. If the name is a pattern
// itself, it reports whether all that the name matches is matched by the pattern.
func covers(pattern, name string) bool {
	parts := strings.Split(pattern, wild)
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		// The first place leaves the most for the parts that follow.
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return true
}

// meets reports whether there is a name that both patterns match.
func meets(a, b string) bool {
	// can[j] is whether what is read of a and the first j characters of b can match
	// the same text.
	can := make([]bool, len(b)+1)
	for i := range len(a) + 1 {
		next := make([]bool, len(b)+1)
		for j := range len(b) + 1 {
			switch {
			case i == 0 && j == 0:
				next[j] = true
			case i > 0 && a[i-1] == '*':
				next[j] = can[j] || j > 0 && next[j-1]
			case j > 0 && b[j-1] == '*':
				next[j] = next[j-1] || can[j]
			default:
				next[j] = i > 0 && j > 0 && a[i-1] == b[j-1] && can[j-1]
			}
		}
		can = next
	}
	return can[len(b)]
}

// match says whether a condition holds.
type match uint8

const (
	no match = iota
	maybe
	yes
)

// matchAny matches a name, or a pattern that stands for several names, with a list.
func matchAny(patterns []string, name string) match {
	found := no
	for _, pattern := range patterns {
		if covers(pattern, name) {
			return yes
		}
		if strings.Contains(name, wild) && meets(pattern, name) {
			found = maybe
		}
	}
	return found
}
