package gitlab

import "hash/maphash"

// Index is an immutable list of a project's refs, made to be searched on every
// keystroke. It is safe for concurrent use, and a nil Index is an empty one.
//
// A ref is known by its position. Branches come first, then tags; the default
// branch leads, and the others keep the order in which they were given.
//
// The names lie end to end in two strings, as they are and in lower case: a
// hundred thousand refs are a handful of allocations of about a hundred bytes a
// ref. A name taken out of the Index keeps all of them alive; clone what is kept.
type Index struct {
	branches int32 // positions below are branches, the others tags
	hasMain  bool  // position 0 is the default branch

	names, lower         string
	nameEnds, lowerEnds  []uint32
	letters, wordLetters []uint64 // what Search skips names by, see letterBit

	// slots is a hash table by lower-case name with linear probing: it holds
	// positions plus one, 0 is free, and its length is a power of two.
	slots []int32
	seed  maphash.Seed
}

// Len is the number of refs.
func (x *Index) Len() int {
	if x == nil {
		return 0
	}
	return len(x.nameEnds)
}

// DefaultBranch is the name of the default branch, where there is one.
func (x *Index) DefaultBranch() (string, bool) {
	if x == nil || !x.hasMain {
		return "", false
	}
	return x.name(0), true
}

// Ref is the ref at a position that Search gave.
func (x *Index) Ref(position int32) Ref {
	kind := Branch
	if position >= x.branches {
		kind = Tag
	}
	return Ref{kind, x.name(position)}
}

// Has reports whether the ref, spelled exactly so, is in the index.
func (x *Index) Has(ref Ref) bool {
	if x.Len() == 0 {
		return false
	}
	_, ok := x.find(ref, lowered(ref.Name))
	return ok
}

// span is the range of positions of a kind.
func (x *Index) span(kind RefKind) (from, to int32) {
	if kind == Tag {
		return x.branches, position(len(x.nameEnds))
	}
	return 0, x.branches
}

func (x *Index) name(i int32) string {
	if i == 0 {
		return x.names[:x.nameEnds[0]]
	}
	return x.names[x.nameEnds[i-1]:x.nameEnds[i]]
}

func (x *Index) lowerName(i int32) string {
	if i == 0 {
		return x.lower[:x.lowerEnds[0]]
	}
	return x.lower[x.lowerEnds[i-1]:x.lowerEnds[i]]
}

// namesOf are the names of a kind in the order of the index.
func (x *Index) namesOf(kind RefKind) []string {
	if x == nil {
		return nil
	}
	from, to := x.span(kind)
	names := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		names = append(names, x.name(i))
	}
	return names
}

// find looks a ref up; lower is its name in lower case.
func (x *Index) find(ref Ref, lower string) (int32, bool) {
	from, to := x.span(ref.Kind)
	for at := x.slot(lower); x.slots[at] != 0; at = x.nextSlot(at) {
		if i := x.slots[at] - 1; from <= i && i < to && x.name(i) == ref.Name {
			return i, true
		}
	}
	return 0, false
}

// slot is where the probing for a lower-case name begins.
func (x *Index) slot(lower string) int {
	return int(maphash.String(x.seed, lower) & uint64(len(x.slots)-1)) //nolint:gosec // below len(x.slots)
}

func (x *Index) nextSlot(at int) int { return (at + 1) & (len(x.slots) - 1) }

// position narrows the number of a ref. Two thousand million refs do not fit in a
// repository, nor in memory.
func position(n int) int32 { return int32(n) } //nolint:gosec // see above
