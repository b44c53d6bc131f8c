package gitlab_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// manyBranches are the names of a large project, derived from a sample of real ones.
func manyBranches(tb testing.TB, n int) []string {
	tb.Helper()
	return deriveNames(tb, "branches.txt", n)
}

// manyTags is the same for tags.
func manyTags(tb testing.TB, n int) []string {
	tb.Helper()
	return deriveNames(tb, "tags.txt", n)
}

// deriveNames makes n different names out of a sample: first the sample itself,
// then its names with a number, the way people number tickets and attempts.
func deriveNames(tb testing.TB, file string, n int) []string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "refs", file))
	if err != nil {
		tb.Fatal(err)
	}
	sample := strings.Fields(string(text))
	names := make([]string, 0, n)
	for i := range n {
		name := sample[i%len(sample)]
		if round := i / len(sample); round > 0 {
			name = fmt.Sprintf("%s-%d", name, round)
		}
		names = append(names, name)
	}
	shuffle := rand.New(rand.NewPCG(1, 2))
	shuffle.Shuffle(n, func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}
