package gitlab

import (
	"slices"
	"strings"
)

// rank says how well a word matches a name; less is better.
type rank int

const (
	exact     rank = iota // the whole name
	prefix                // its beginning
	wordStart             // the beginning of a word in it
	substring             // anywhere else
	none
)

const (
	// maxQuery and maxWords bound what a query costs. They are in bytes and in
	// words, and more than anybody types.
	maxQuery = 512
	maxWords = 16
	// searchRoom is the limit up to which Search allocates nothing. A list to
	// choose from is not longer.
	searchRoom = 100

	// After so many names that had the letters of the query but not the words, and
	// where these are the most, Search goes from one occurrence of the longest word
	// to the next instead of from name to name. Go finds words below 64 bytes in
	// long texts the fastest.
	manyMisses = 1000
	longWord   = 64
)

// Search appends the positions of the best matches of a kind to dst, at most
// limit of them, and returns it. Up to a limit of 100 it allocates nothing but
// the lower case of a query that has capitals, and room in dst.
//
// Case does not matter. The query is split on spaces, and a ref matches when all
// of the words occur in its name. A word ranks, best first: the whole name, its
// beginning, the beginning of a word in it (after one of / - _ .), anywhere else.
// The rank of a ref is that of its worst word; within a rank the order is that of
// the index, newest first. The empty query matches everything. Of a query the
// first 512 bytes count, and of these the first 16 words.
func (x *Index) Search(dst []int32, kind RefKind, query string, limit int) []int32 {
	limit = min(limit, x.Len())
	if limit <= 0 {
		return dst
	}
	from, to := x.span(kind)
	var room [maxWords]string
	words := queryWords(room[:0], query)
	if len(words) == 0 {
		for i := from; i < min(to, from+position(limit)); i++ {
			dst = append(dst, i)
		}
		return dst
	}

	var first, second, third, fourth [searchRoom]int32
	best := [none][]int32{first[:0], second[:0], third[:0], fourth[:0]}
	if len(words) == 1 {
		best[exact] = x.exactly(best[exact], kind, words[0])
	}
	// worst is the worst rank that can still get into the answer. It improves as
	// the better ones fill up, and with it the names that have to be looked at.
	worst := worstNeeded(&best, substring, limit)
	has, begins := lettersIn(words)
	misses := 0
	for i := from; i < to && worst > exact; i++ {
		if x.letters[i]&has != has || worst < substring && x.wordLetters[i]&begins != begins {
			continue
		}
		r := rankOf(x.lowerName(i), words, worst)
		if exact < r && r <= worst {
			best[r] = append(best[r], i)
			worst = worstNeeded(&best, worst, limit)
		}
		if r == none {
			misses++
		}
		if misses > manyMisses && position(misses) > (i-from)/2 && len(words[0]) < longWord {
			i = x.nextWith(words[0], i+1, to) - 1
		}
	}
	for _, found := range best {
		dst = append(dst, found[:min(limit, len(found))]...)
		limit -= min(limit, len(found))
	}
	return dst
}

// nextWith is the first position from i on whose name may contain the word; to
// where there is none. The word may also run across the end of the name.
func (x *Index) nextWith(word string, i, to int32) int32 {
	if i >= to {
		return to
	}
	begin := x.lowerEnds[i-1]
	hit := strings.Index(x.lower[begin:x.lowerEnds[to-1]], word)
	if hit < 0 {
		return to
	}
	for at := begin + uint32(hit); x.lowerEnds[i] <= at; { //nolint:gosec // an offset like lowerEnds
		i++
	}
	return i
}

// exactly appends the positions of all spellings of a name, in order.
func (x *Index) exactly(dst []int32, kind RefKind, lower string) []int32 {
	from, to := x.span(kind)
	for at := x.slot(lower); x.slots[at] != 0; at = x.nextSlot(at) {
		if i := x.slots[at] - 1; from <= i && i < to && x.lowerName(i) == lower {
			dst = append(dst, i)
		}
	}
	slices.Sort(dst)
	return dst
}

// worstNeeded is the worst rank, none worse than worst, that does not come after
// limit better or equal matches.
func worstNeeded(best *[none][]int32, worst rank, limit int) rank {
	n := 0
	for r := exact; r <= worst; r++ {
		if n += len(best[r]); n >= limit {
			return r - 1
		}
	}
	return worst
}

// rankOf is the rank of the worst word, or none as soon as one ranks worse than
// worst. Several words are never a whole name: they differ, and names have no
// spaces.
func rankOf(name string, words []string, worst rank) rank {
	result := exact
	for _, word := range words {
		result = max(result, rankWord(name, word, worst))
		if result > worst {
			return none
		}
	}
	return result
}

func rankWord(name, word string, worst rank) rank {
	if worst <= prefix && !strings.HasPrefix(name, word) {
		return none
	}
	result := none
	for at := 0; ; at++ {
		i := strings.Index(name[at:], word)
		if i < 0 {
			return result
		}
		switch at += i; {
		case len(name) == len(word):
			return exact
		case at == 0:
			return prefix
		case separates(name[at-1]):
			return wordStart
		}
		result = substring
	}
}

// separates reports whether a new word begins after c.
func separates(c byte) bool { return c == '/' || c == '-' || c == '_' || c == '.' }

// queryWords appends the different words of a query in lower case, the longest
// first: it is the one that most names fail.
func queryWords(words []string, query string) []string {
	if len(query) > maxQuery {
		query = strings.ToValidUTF8(query[:maxQuery], "")
	}
	for word := range strings.FieldsSeq(lowered(query)) {
		if len(words) < maxWords && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

// lowered is the one way in which names and queries lose their case.
func lowered(s string) string { return strings.ToLower(s) }

// lettersIn are the letters that a matching name must have, and those that must
// begin a word in it for a rank better than substring.
func lettersIn(words []string) (has, begins uint64) {
	for _, word := range words {
		letters, _ := lettersOf(word)
		has |= letters
		begins |= letterBit(word[0])
	}
	return has, begins
}

// lettersOf are the sets of all bytes of a lower-case name, and of those that
// begin a word, as bits.
func lettersOf(lower string) (letters, wordLetters uint64) {
	begins := true
	for i := range len(lower) {
		bit := letterBit(lower[i])
		letters |= bit
		if begins {
			wordLetters |= bit
		}
		begins = separates(lower[i])
	}
	return letters, wordLetters
}

// letterBit gives a to z, 0 to 9 and the separators a bit each; all other bytes
// share the rest. Most names are passed over by comparing one such set, which
// keeps a scan of 100,000 names well below a millisecond.
func letterBit(c byte) uint64 {
	switch {
	case 'a' <= c && c <= 'z':
		return 1 << (c - 'a')
	case '0' <= c && c <= '9':
		return 1 << (26 + c - '0')
	case c == '/':
		return 1 << 36
	case c == '-':
		return 1 << 37
	case c == '_':
		return 1 << 38
	case c == '.':
		return 1 << 39
	default:
		return 1 << (40 + c%24)
	}
}
