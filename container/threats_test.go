// SPDX-License-Identifier: Apache-2.0

package container

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
)

// TestThreatsNameTheirTests makes sure that SECURITY.md's table of threats has a
// proof in every row, and that each test and case of the kit that it names is there.
func TestThreatsNameTheirTests(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	check(t, err)
	_, table, found := strings.Cut(string(text), "| threat | answer | shown by |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("SECURITY.md has lost its table of threats")
	}
	tests := testFunctions(t)
	cases, err := kit.ReadAll(kitDir)
	check(t, err)
	test, prefix := regexp.MustCompile("`((?:Test|Fuzz)\\w+)[/`]"), regexp.MustCompile(`\*([a-z0-9-]+)\*`)
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	for _, row := range rows {
		columns := strings.Split(strings.Trim(row, "| "), " | ")
		proofs := columns[len(columns)-1]
		named := test.FindAllStringSubmatch(proofs, -1)
		for _, name := range named {
			if !tests[name[1]] {
				t.Errorf("there is no %s, which is to show: %s", name[1], columns[0])
			}
		}
		of := prefix.FindAllStringSubmatch(proofs, -1)
		for _, p := range of {
			if !anyCase(cases, p[1]) {
				t.Errorf("the kit has no case %s, which is to show: %s", p[1], columns[0])
			}
		}
		if len(columns) != 3 || len(named)+len(of) == 0 {
			t.Errorf("no test shows: %s", row)
		}
	}
	if len(rows) < 30 {
		t.Errorf("%d threats", len(rows))
	}
}

func anyCase(cases []*kit.Case, prefix string) bool {
	for _, c := range cases {
		if strings.HasPrefix(c.ID, prefix) {
			return true
		}
	}
	return false
}

// testFunctions are the names of all tests and fuzz targets of the project.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	root := os.DirFS("..")
	check(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(root, name)
		for _, f := range function.FindAllSubmatch(source, -1) {
			names[string(f[1])] = true
		}
		return err
	}))
	return names
}
