package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
	"pipebot/cmd/internal/app"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The README's table of settings is the program's.
func TestReadmeListsTheSettings(t *testing.T) {
	readme := readme(t)
	table := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|([^|]*)\\|").FindAllStringSubmatch(readme, -1) {
		table[row[1]] = strings.Trim(strings.TrimSpace(row[2]), "`")
	}
	settings := reflect.TypeFor[app.Environment]()
	var files []string
	for i := range settings.NumField() {
		field := settings.Field(i)
		name, byDefault := field.Tag.Get("env"), field.Tag.Get("envDefault")
		if strings.HasSuffix(name, "_FILE") && name != "POLICY_FILE" { // which holds no token
			files = append(files, name)
			continue
		}
		shown, listed := table[name]
		if !listed {
			t.Errorf("the README does not list %s", name)
		}
		if byDefault != "" && shown != byDefault || byDefault == "" && shown != "" && shown != "required" {
			t.Errorf("the README says that %s is %q by default, and it is %q", name, shown, byDefault)
		}
		delete(table, name)
	}
	for name := range table {
		t.Errorf("the README lists %s, and there is no such setting", name)
	}
	for _, name := range files {
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the README does not name %s", name)
		}
	}
	// What it calls required is what an empty environment lacks.
	_, err := app.Load(nil)
	var missing []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		missing = append(missing, name)
	}
	var required []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| required \\|").FindAllStringSubmatch(readme, -1) {
		required = append(required, row[1])
	}
	slices.Sort(missing)
	slices.Sort(required)
	if !slices.Equal(missing, required) {
		t.Errorf("the README says required: %q; missing in an empty environment: %q", required, missing)
	}
}

// The README's table of commands is what help shows.
func TestReadmeListsTheCommands(t *testing.T) {
	var got []bot.Help
	for _, row := range regexp.MustCompile("(?m)^\\| `(/pipeline[^`|]*)` \\| ([^|]*) \\|$").FindAllStringSubmatch(readme(t), -1) {
		got = append(got, bot.Help{Typed: row[1], Summary: row[2]})
	}
	if diff := cmp.Diff(bot.Commands(), got); diff != "" {
		t.Errorf("commands (-program +README):\n%s", diff)
	}
}

// What the README and the page about failures say that a test holds, a test of that name
// holds.
func TestReadmeNamesTestsThatExist(t *testing.T) {
	there := make(map[string]bool)
	err := filepath.WalkDir("../../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			there[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	failures, err := os.ReadFile("../../../deploy/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range map[string]string{"README.md": readme(t), "deploy/failures.md": string(failures)} {
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(text, -1)
		if len(named) == 0 {
			t.Errorf("%s names no test", page)
		}
		for _, name := range named {
			if !there[name[1]] {
				t.Errorf("%s: there is no %s", page, name[1])
			}
		}
	}
}
