package app_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pipebot/cmd/internal/app"
)

// The README's table of settings is the program's.
func TestReadmeListsTheSettings(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|([^|]*)\\|").FindAllStringSubmatch(string(readme), -1) {
		table[row[1]] = strings.Trim(strings.TrimSpace(row[2]), "`")
	}
	settings := reflect.TypeFor[app.Environment]()
	var files []string
	for i := range settings.NumField() {
		field := settings.Field(i)
		name, byDefault := field.Tag.Get("env"), field.Tag.Get("envDefault")
		if strings.HasSuffix(name, "_FILE") {
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
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("the README does not name %s", name)
		}
	}
	// What it calls required is what an empty environment lacks.
	_, err = app.Load(nil)
	var missing []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		missing = append(missing, name)
	}
	var required []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| required \\|").FindAllStringSubmatch(string(readme), -1) {
		required = append(required, row[1])
	}
	slices.Sort(missing)
	slices.Sort(required)
	if !slices.Equal(missing, required) {
		t.Errorf("the README says required: %q; missing in an empty environment: %q", required, missing)
	}
}
