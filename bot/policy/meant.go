package policy

import (
	"fmt"
	"strings"
)

// meant says which of the words was meant, if one is near.
func meant(word string, words []string) string {
	if near := Nearest(word, words); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// Nearest is the one of the words, in lower case, that was probably meant by a mistyped
// one: at most two letters wrong, and fewer than half of them. Empty for none.
func Nearest(word string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if d := distance(strings.ToLower(word), w); d < least && 2*d < len(w) {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters have to be put in, left out or changed to make one
// word of the other (Levenshtein). A word far longer than any key is just far.
func distance(a, b string) int {
	const far = 40
	if len(a) > far {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
