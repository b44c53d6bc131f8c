package gitlab

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// A key's first letter says what follows: the name itself, or a hash of the whole
// name and as much of its beginning as fits.
const (
	branchKey       = "h:"
	tagKey          = "t:"
	hashedBranchKey = "H:"
	hashedTagKey    = "T:"
)

// hashDigits is how much of the hash a key carries. 64 bits do not collide by
// chance among the refs of a project, and a collision on purpose would have to
// begin with the same name too.
const hashDigits = 16

// Key is the ref in at most limit characters, for a form that carries no more.
// Characters are counted as UTF-16 does, where some count as two. A name that does
// not fit becomes a hash with the beginning of the name, which Refs.Resolve turns
// back into the ref; limit must be 19 or more for that.
func (r Ref) Key(limit int) string {
	plain, hashed := branchKey, hashedBranchKey
	if r.Kind == Tag {
		plain, hashed = tagKey, hashedTagKey
	}
	if key := plain + r.Name; utf8.ValidString(r.Name) && utf16Len(key) <= limit {
		return key
	}
	key := hashed + r.hash() + ":"
	return key + cut(r.Name, limit-len(key))
}

func (r Ref) hash() string {
	sum := sha256.Sum256([]byte(r.String()))
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// refKey is a key taken apart: a ref, or for a hashed one its kind, hash and the
// beginning of its name.
type refKey struct {
	ref       Ref
	hash      string
	beginning string
}

func parseKey(key string) (refKey, bool) {
	for _, form := range []struct {
		letter string
		kind   RefKind
	}{{branchKey, Branch}, {tagKey, Tag}} {
		if name, ok := strings.CutPrefix(key, form.letter); ok {
			return refKey{ref: Ref{form.kind, name}}, name != ""
		}
		if rest, ok := strings.CutPrefix(key, strings.ToUpper(form.letter)); ok {
			hash, beginning, ok := strings.Cut(rest, ":")
			return refKey{Ref{Kind: form.kind}, hash, beginning}, ok && len(hash) == hashDigits
		}
	}
	return refKey{}, false
}

func (k refKey) matches(ref Ref) bool {
	return ref.Kind == k.ref.Kind && strings.HasPrefix(ref.Name, k.beginning) && ref.hash() == k.hash
}

// byKey finds the ref that a hashed key stands for.
func (x *Index) byKey(k refKey) (Ref, bool) {
	if x == nil {
		return Ref{}, false
	}
	from, to := x.span(k.ref.Kind)
	for i := from; i < to; i++ {
		if ref := x.Ref(i); k.matches(ref) {
			return ref, true
		}
	}
	return Ref{}, false
}

// cut is the longest beginning of s that is valid and has at most limit characters
// of UTF-16.
func cut(s string, limit int) string {
	n := 0
	for i, r := range s {
		width := utf16Width(r)
		if n+width > limit || r == utf8.RuneError {
			return s[:i]
		}
		n += width
	}
	return s
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16Width(r)
	}
	return n
}

func utf16Width(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}
