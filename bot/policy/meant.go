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
// one: at most two mistakes, and fewer than half of its letters. Empty for none.
func Nearest(word string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if d := distance(strings.ToLower(word), w); d < least && 2*d < len(w) {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters have to be put in, left out, changed or exchanged with the
// next one to make one word of the other. A word far longer than any key is just far.
func distance(a, b string) int {
	const far = 40
	if len(a) > far {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) {
		rows[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			change := rows[i][j]
			if a[i] != b[j] {
				change++
			}
			least := min(change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = least
		}
	}
	return rows[len(a)][len(b)]
}
