package gitlab

import (
	"hash/maphash"
	"strings"
)

// NewIndex builds an index. The default branch, which may be empty, comes first;
// the others follow in the given order. A name that stands in a list several
// times counts where it stands first, so a caller puts the newest names in front
// of a complete list.
func NewIndex(defaultBranch string, branches, tags []string) *Index {
	b := newIndexBuilder(1+len(branches)+len(tags), bytesIn(branches)+bytesIn(tags)+len(defaultBranch))
	if defaultBranch != "" {
		b.add(Ref{Branch, defaultBranch})
		b.x.hasMain = true
	}
	for _, name := range branches {
		b.add(Ref{Branch, name})
	}
	for _, name := range tags {
		b.add(Ref{Tag, name})
	}
	return b.index()
}

type indexBuilder struct {
	x            *Index
	names, lower strings.Builder
	nameOf       []string // until the blobs stand
}

func newIndexBuilder(refs, bytes int) *indexBuilder {
	slots := 4
	for slots < 2*refs {
		slots *= 2
	}
	b := &indexBuilder{
		x: &Index{
			nameEnds:    make([]uint32, 0, refs),
			lowerEnds:   make([]uint32, 0, refs),
			letters:     make([]uint64, 0, refs),
			wordLetters: make([]uint64, 0, refs),
			slots:       make([]int32, slots),
			seed:        maphash.MakeSeed(),
		},
		nameOf: make([]string, 0, refs),
	}
	b.names.Grow(bytes)
	b.lower.Grow(bytes)
	return b
}

// add appends a ref unless it is there already. All branches come before all tags.
func (b *indexBuilder) add(ref Ref) {
	x := b.x
	lower := lowered(ref.Name)
	at := x.slot(lower)
	for ; x.slots[at] != 0; at = x.nextSlot(at) {
		i := x.slots[at] - 1
		if b.nameOf[i] == ref.Name && (i >= x.branches) == (ref.Kind == Tag) {
			return
		}
	}
	b.nameOf = append(b.nameOf, ref.Name)
	x.slots[at] = position(len(b.nameOf))
	if ref.Kind == Branch {
		x.branches = position(len(b.nameOf))
	}
	b.names.WriteString(ref.Name)
	b.lower.WriteString(lower)
	x.nameEnds = append(x.nameEnds, uint32(b.names.Len()))   //nolint:gosec // 4 GB of names do not fit in memory
	x.lowerEnds = append(x.lowerEnds, uint32(b.lower.Len())) //nolint:gosec // as above
	letters, wordLetters := lettersOf(lower)
	x.letters = append(x.letters, letters)
	x.wordLetters = append(x.wordLetters, wordLetters)
}

func (b *indexBuilder) index() *Index {
	b.x.names, b.x.lower = b.names.String(), b.lower.String()
	if b.x.names == b.x.lower {
		b.x.lower = b.x.names
	}
	return b.x
}

func bytesIn(names []string) int {
	n := 0
	for _, name := range names {
		n += len(name)
	}
	return n
}
