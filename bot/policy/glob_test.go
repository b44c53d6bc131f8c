package policy_test

import (
	"regexp"
	"strings"
	"testing"

	"pipebot/bot/policy"
)

// texts are all of at most n letters.
func texts(letters string, n int) []string {
	all := []string{""}
	for from := 0; n > 0; n-- {
		end := len(all)
		for _, text := range all[from:end] {
			for _, letter := range letters {
				all = append(all, text+string(letter))
			}
		}
		from = end
	}
	return all
}

// asRegexp is how GitLab makes a regular expression of a wildcard.
func asRegexp(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`\A` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*?`) + `\z`)
}

// All short patterns with all short names.
func TestPatterns(t *testing.T) {
	names := texts("ab/", 5)
	for _, pattern := range texts("ab*", 4) {
		expr := asRegexp(pattern)
		for _, name := range names {
			if got, want := policy.Covers(pattern, name), expr.MatchString(name); got != want {
				t.Fatalf("%q matches %q: %t, want %t", pattern, name, got, want)
			}
		}
	}
}

// Nothing but the asterisk is special.
func TestPatternsTakeTheRestLiterally(t *testing.T) {
	for _, pattern := range []string{"v1.2", "a?", "[ab]", "a+b", `a\*`, "{a,b}", "ä*ß", "(a|b)"} {
		same := strings.ReplaceAll(pattern, "*", "x")
		if !policy.Covers(pattern, same) {
			t.Errorf("%q does not match %q", pattern, same)
		}
		for _, other := range []string{"v1x2", "ab", "a", "aab", "b", "aß", "V1.2"} {
			if policy.Covers(pattern, other) {
				t.Errorf("%q matches %q", pattern, other)
			}
		}
	}
}

// Two patterns against all short names.
func TestPatternsOfPatterns(t *testing.T) {
	names := texts("ab", 7)
	patterns := texts("ab*", 3)
	for _, a := range patterns {
		for _, b := range patterns {
			meets, covers := false, true
			for _, name := range names {
				inA, inB := policy.Covers(a, name), policy.Covers(b, name)
				meets = meets || inA && inB
				covers = covers && (inA || !inB)
			}
			if policy.Meets(a, b) != meets {
				t.Errorf("%q and %q have a name in common: %t", a, b, meets)
			}
			if policy.Covers(a, b) && !covers {
				t.Errorf("%q is said to cover all of %q", a, b)
			}
		}
	}
}
