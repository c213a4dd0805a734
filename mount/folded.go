// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"strings"
	"unicode"
)

// foldedNames finds items whatever the case of their names is asked for in.
type foldedNames struct {
	names map[*item]map[string]*item // of each folder, by folded name
}

// foldNames returns nil where a folder has two names that are one without their case:
// then case has to matter, and neither is taken for the other.
func foldNames(t *tree) *foldedNames {
	f := &foldedNames{make(map[*item]map[string]*item)}
	if !f.add(t.root) {
		return nil
	}
	return f
}

func (f *foldedNames) add(folder *item) bool {
	names := make(map[string]*item, len(folder.children))
	for _, child := range folder.children {
		key := foldName(child.name)
		if names[key] != nil || child.byName != nil && !f.add(child) {
			return false
		}
		names[key] = child
	}
	f.names[folder] = names
	return true
}

// child returns what a folder has by a name, or nil. Without f case matters.
func (f *foldedNames) child(folder *item, name string) *item {
	if child := folder.byName[name]; child != nil || f == nil {
		return child
	}
	return f.names[folder][foldName(name)]
}

// find returns what lies at a path with slashes, or nil.
func (t *tree) find(path string, names *foldedNames) *item {
	it := t.root
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		if it = names.child(it, name); it == nil {
			return nil
		}
	}
	return it
}

// foldName returns a form that names have in common which a system may take for one:
// it folds more than any does, so that what it keeps apart is apart everywhere.
// Windows maps each character by itself, by a table of its own that knows no longer
// forms (such as ß and ss).
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case 'ı', 'İ':
			return 'I'
		}
		least := r
		for _, from := range []rune{r, unicode.ToUpper(r), unicode.ToLower(r)} {
			least = min(least, from)
			for next := unicode.SimpleFold(from); next != from; next = unicode.SimpleFold(next) {
				least = min(least, next)
			}
		}
		return least
	}, name)
}
