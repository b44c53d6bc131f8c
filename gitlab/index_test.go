package gitlab_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
)

// search gives the whole names of the best branches, then of the best tags.
func search(x *gitlab.Index, query string, limit int) []string {
	positions := x.Search(nil, gitlab.Branch, query, limit)
	positions = x.Search(positions, gitlab.Tag, query, limit)
	names := make([]string, 0, len(positions))
	for _, i := range positions {
		names = append(names, x.Ref(i).String())
	}
	return names
}

func heads(names ...string) []string { return whole(gitlab.Branch, names) }
func tags(names ...string) []string  { return whole(gitlab.Tag, names) }

func whole(kind gitlab.RefKind, names []string) []string {
	full := make([]string, 0, len(names))
	for _, name := range names {
		full = append(full, gitlab.Ref{Kind: kind, Name: name}.String())
	}
	return full
}

func TestSearchRanks(t *testing.T) {
	for _, tt := range []struct {
		name     string
		branches []string
		query    string
		want     []string
	}{
		{
			"the whole name, its beginning, the beginning of a word, anywhere",
			[]string{"prefix", "hot-fix", "fixtures", "fix", "suffix/a"},
			"fix",
			[]string{"fix", "fixtures", "hot-fix", "prefix", "suffix/a"},
		},
		{
			"words begin after each of / - _ .",
			[]string{"xlog", "a/log", "a-log", "a_log", "a.log", "a+log"},
			"log",
			[]string{"a/log", "a-log", "a_log", "a.log", "xlog", "a+log"},
		},
		{
			"the best place in the name counts",
			[]string{"xlog", "catalog/log"},
			"log",
			[]string{"catalog/log", "xlog"},
		},
		{
			"within a rank the order is that of the index",
			[]string{"feature/c", "feature/a", "feature/b"},
			"feat",
			[]string{"feature/c", "feature/a", "feature/b"},
		},
		{"case of the query does not matter", []string{"Release/One"}, "rELEASE/o", []string{"Release/One"}},
		{"case of the name does not matter", []string{"RELEASE"}, "release", []string{"RELEASE"}},
		{"all spellings of a name are whole", []string{"mainly", "MAIN", "main"}, "Main", []string{"MAIN", "main", "mainly"}},
		{"beyond ASCII too", []string{"größe/ÄNDERN", "grosse"}, "GRÖ änd", []string{"größe/ÄNDERN"}},
		{
			"all words have to match, in any order",
			[]string{"login-fix", "fix-login", "fix", "login"},
			"fix login",
			[]string{"login-fix", "fix-login"},
		},
		{
			"the worst word decides",
			[]string{"fix-unlogin", "fix-login", "a-fix-login"},
			"fix login",
			[]string{"fix-login", "a-fix-login", "fix-unlogin"},
		},
		{"words may overlap", []string{"feature"}, "feat eatu feature", []string{"feature"}},
		{"a word that comes twice counts once", []string{"mainly", "main"}, "main  main", []string{"main", "mainly"}},
		{"separators are letters of a query", []string{"a-b", "a/b"}, "a/", []string{"a/b"}},
		{"a name does not run into the next", []string{"ab", "cd"}, "bc", nil},
		{"nothing matches", []string{"main"}, "develop", nil},
		{"no query", []string{"z", "a"}, "  ", []string{"z", "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := search(gitlab.NewIndex("", tt.branches, nil), tt.query, 100)
			if diff := cmp.Diff(heads(tt.want...), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSearchFindsExactNameBehindManyThatBeginSo(t *testing.T) {
	names := make([]string, 0, 300)
	for _, name := range manyTags(t, 299) {
		names = append(names, "v1"+name)
	}
	names = append(names, "v1")
	got := search(gitlab.NewIndex("", nil, names), "v1", 10)
	if want := tags(append([]string{"v1"}, names[:9]...)...); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSearchLooksAtTheBeginningOfAnEndlessQuery(t *testing.T) {
	name := "x" + strings.Repeat("ä", 300) // the limit of 512 bytes falls into a letter
	x := gitlab.NewIndex("", []string{name}, nil)
	if diff := cmp.Diff(heads(name), search(x, name+" "+name, 10)); diff != "" {
		t.Error(diff)
	}
}

func TestIndexOrder(t *testing.T) {
	x := gitlab.NewIndex("main", []string{"new", "main", "old", "new"}, []string{"v2", "v1", "v2"})
	want := append(heads("main", "new", "old"), tags("v2", "v1")...)
	if diff := cmp.Diff(want, search(x, "", 100)); diff != "" {
		t.Error(diff)
	}
	if x.Len() != len(want) {
		t.Errorf("Len is %d, want %d", x.Len(), len(want))
	}
}

func TestBranchAndTagOfOneNameAreTwo(t *testing.T) {
	x := gitlab.NewIndex("main", []string{"v1"}, []string{"v1", "main"})
	if diff := cmp.Diff(append(heads("v1"), tags("v1")...), search(x, "v1", 100)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(append(heads("main"), tags("main")...), search(x, "main", 100)); diff != "" {
		t.Error(diff)
	}
}

func TestHas(t *testing.T) {
	x := gitlab.NewIndex("main", []string{"Feature"}, []string{"v1"})
	for _, tt := range []struct {
		ref  gitlab.Ref
		want bool
	}{
		{gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, true},
		{gitlab.Ref{Kind: gitlab.Branch, Name: "Feature"}, true},
		{gitlab.Ref{Kind: gitlab.Branch, Name: "feature"}, false},
		{gitlab.Ref{Kind: gitlab.Tag, Name: "v1"}, true},
		{gitlab.Ref{Kind: gitlab.Branch, Name: "v1"}, false},
		{gitlab.Ref{Kind: gitlab.Tag, Name: "main"}, false},
	} {
		if got := x.Has(tt.ref); got != tt.want {
			t.Errorf("Has(%v) is %v", tt.ref, got)
		}
	}
}

func TestDefaultBranch(t *testing.T) {
	if name, ok := gitlab.NewIndex("main", nil, nil).DefaultBranch(); !ok || name != "main" {
		t.Errorf("got %q, %v", name, ok)
	}
	if name, ok := gitlab.NewIndex("", []string{"main"}, nil).DefaultBranch(); ok {
		t.Errorf("got %q of an index that has none", name)
	}
}

func TestNilIndexIsEmpty(t *testing.T) {
	var x *gitlab.Index
	_, ok := x.DefaultBranch()
	if ok || x.Len() != 0 || x.Has(gitlab.Ref{Kind: gitlab.Branch, Name: "main"}) || len(search(x, "", 10)) != 0 {
		t.Error("a nil index is not empty")
	}
}

func TestSearchAllocatesNothing(t *testing.T) {
	x := gitlab.NewIndex("main", manyBranches(t, 1000), manyTags(t, 1000))
	room := make([]int32, 0, 200)
	for _, q := range benchQueries {
		if q.text != strings.ToLower(q.text) {
			continue // the lower case of the query has to be somewhere
		}
		if n := testing.AllocsPerRun(10, func() { keystroke(x, room, q.text) }); n > 0 {
			t.Errorf("%s: %v allocations", q.name, n)
		}
	}
}

// TestSearchOfManyNamesAgreesWithTheDefinition is the test below at a size where
// Search takes its shortcuts.
func TestSearchOfManyNamesAgreesWithTheDefinition(t *testing.T) {
	branches, tagNames := manyBranches(t, 6000), manyTags(t, 4000)
	x := gitlab.NewIndex("", branches, tagNames)
	texts := []string{"er", "ere", "ee", "tionre", "-1-1", "12", "s-1", "e-1f", "eeeeeeee", "e s", "re-1 e"}
	for _, q := range benchQueries {
		texts = append(texts, q.text)
	}
	for _, query := range texts {
		for _, limit := range []int{3, 100, 2000} {
			want := append(heads(defined(branches, query, limit)...), tags(defined(tagNames, query, limit)...)...)
			if diff := cmp.Diff(want, search(x, query, limit)); diff != "" {
				t.Errorf("%q, limit %d:\n%s", query, limit, diff)
			}
		}
	}
}

// TestSearchAgreesWithTheDefinition compares Search with its documentation put into
// code as plainly as possible, on names and queries of few letters, where
// everything happens often.
func TestSearchAgreesWithTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	text := func(letters string, longest int) string {
		var b strings.Builder
		for range 1 + random.IntN(longest) {
			runes := []rune(letters)
			b.WriteRune(runes[random.IntN(len(runes))])
		}
		return b.String()
	}
	list := func() []string {
		names := make([]string, random.IntN(60))
		for i := range names {
			names[i] = text("aAbeEÄäİ9-/._", 9)
		}
		return names
	}
	for range 5000 {
		defaultBranch, branches, tagNames := "", list(), list()
		if random.IntN(2) == 0 {
			defaultBranch = text("ab", 3)
		}
		query, limit := text("aAbEä9-/ İ", 6), 1+random.IntN(12)
		got := search(gitlab.NewIndex(defaultBranch, branches, tagNames), query, limit)

		if defaultBranch != "" {
			branches = append([]string{defaultBranch}, branches...)
		}
		want := append(heads(defined(branches, query, limit)...), tags(defined(tagNames, query, limit)...)...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("query %q, limit %d, default %q, branches %q, tags %q:\n%s", query, limit, defaultBranch, branches, tagNames, diff)
		}
	}
}

// defined is what Search is documented to find.
func defined(names []string, query string, limit int) []string {
	words := strings.Fields(strings.ToLower(query))
	byRank := make([][]string, 4)
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		worst := 0
		for _, word := range words {
			worst = max(worst, definedRank(strings.ToLower(name), word))
		}
		if worst < len(byRank) {
			byRank[worst] = append(byRank[worst], name)
		}
	}
	all := slices.Concat(byRank...)
	return all[:min(limit, len(all))]
}

func definedRank(name, word string) int {
	if name == word {
		return 0
	}
	if strings.HasPrefix(name, word) {
		return 1
	}
	rank := 4
	for i := range name {
		if !strings.HasPrefix(name[i:], word) {
			continue
		}
		rank = min(rank, 3)
		if i > 0 && strings.ContainsRune("/-_.", rune(name[i-1])) {
			return 2
		}
	}
	return rank
}
