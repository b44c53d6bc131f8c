package gitlab_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab"
)

// benchQueries are what people type, and what would hurt most.
var benchQueries = []struct{ name, text string }{
	{"one-letter-e", "e"},
	{"one-letter-v", "v"},
	{"one-digit", "7"},
	{"one-letter-rare", "z"},
	{"separator", "-"},
	{"two-letters", "re"},
	{"two-letters-no-match", "qz"},
	{"prefix", "feat"},
	{"ticket", "1234"},
	{"version", "v1.2"},
	{"capitals", "Release"},
	{"exact", "main"},
	{"long-match", "dependabot/npm_and_yarn"},
	{"long-no-match", "release-candidate-that-nobody-ever-made"},
	{"common-letters-no-match", "tionre"},
	{"two-words", "fix test"},
	{"three-words", "add the of"},
	{"many-letters", "e a t i o n s r"},
	{"many-pairs", "er on in re at ti es or"},
	{"repeated", "eeeeeeee"},
	{"alternating", "eteretet"},
	{"nearly", "ree"},
	{"very-long", strings.Repeat("release-", 60)},
	{"many-words", strings.Repeat("re er es ", 50)},
}

func largeIndex(tb testing.TB) *gitlab.Index {
	tb.Helper()
	return gitlab.NewIndex("main", manyBranches(tb, 80_000), manyTags(tb, 20_000))
}

// keystroke is what one block_suggestion asks: both groups of the select.
func keystroke(x *gitlab.Index, room []int32, query string) []int32 {
	room = x.Search(room[:0], gitlab.Branch, query, 100)
	return x.Search(room, gitlab.Tag, query, 100)
}

func BenchmarkSearch(b *testing.B) {
	x := largeIndex(b)
	for _, q := range benchQueries {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				keystroke(x, make([]int32, 0, 200), q.text)
			}
		})
	}
}

// BenchmarkSearchAllQueries reports the median and the worst of the queries above,
// each by the median of its own runs, so that a busy machine does not count.
func BenchmarkSearchAllQueries(b *testing.B) {
	x := largeIndex(b)
	room := make([]int32, 0, 200)
	runs := make([][]float64, len(benchQueries))
	for b.Loop() {
		for i, q := range benchQueries {
			begin := time.Now()
			room = keystroke(x, room, q.text)
			runs[i] = append(runs[i], float64(time.Since(begin).Nanoseconds())/1e3)
		}
	}
	medians := make([]float64, 0, len(runs))
	for _, times := range runs {
		slices.Sort(times)
		medians = append(medians, times[len(times)/2])
	}
	slices.Sort(medians)
	b.ReportMetric(medians[len(medians)/2], "median-µs")
	b.ReportMetric(medians[len(medians)-1], "worst-µs")
}

// BenchmarkSearchOptions is a keystroke as the bot asks for it.
func BenchmarkSearchOptions(b *testing.B) {
	lister := &fakeLister{main: "main"}
	for _, name := range manyBranches(b, 80_000) {
		lister.refs = append(lister.refs, branch(name))
	}
	for _, name := range manyTags(b, 20_000) {
		lister.refs = append(lister.refs, tag(name))
	}
	refs := gitlab.NewRefs(lister, gitlab.RefsConfig{})
	defer refs.Close()
	refs.Opened(app)
	for refs.State(app).LoadedAt.IsZero() {
		runtime.Gosched()
	}
	b.ReportAllocs()
	for b.Loop() {
		if found, err := refs.Options(b.Context(), app, "fix", 100); err != nil || len(found.Branches) != 100 {
			b.Fatal(len(found.Branches), err)
		}
	}
}

func BenchmarkBuildIndex(b *testing.B) {
	branches, tags := manyBranches(b, 80_000), manyTags(b, 20_000)
	before := heapInUse()
	kept := gitlab.NewIndex("main", branches, tags)
	perRef := float64(heapInUse()-before) / float64(kept.Len())
	b.ReportAllocs()
	for b.Loop() {
		gitlab.NewIndex("main", branches, tags)
	}
	b.ReportMetric(perRef, "B/ref")
	runtime.KeepAlive(kept)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
