package args

import "strings"

// Quote writes words as a line of which [Parse] makes the same words again, and none of
// them an option.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// plain are the letters that need no quotes wherever they stand.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:@,+%"

func quote(word string) string {
	rest := strings.TrimLeft(word, plain)
	if rest != word && strings.Trim(rest, plain+"-") == "" { // a hyphen in front would make an option
		return word
	}
	// Each of these ends what a double quote begins, whichever a client made of it.
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `“`, `\“`, `”`, `\”`).Replace(word) + `"`
}
