// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
)

// maxModels bounds how many packages one program gets: each has a process that serves
// it, and a descriptor in one message.
const maxModels = 64

// execModel is one package for a program.
type execModel struct {
	name string // of its folder; "" for the only one
	pkg  string // absolute
}

// in is where the package lies below the folder of all of them.
func (m *execModel) in(dir string) string { return filepath.Join(dir, m.name) }

// execModels reads the arguments before the --, or those of --at.
func execModels(args, at []string) ([]execModel, error) {
	if len(args) > 0 {
		pkg, err := filepath.Abs(args[0])
		return []execModel{{"", pkg}}, err
	}
	if len(at) > maxModels {
		return nil, usagef("%d packages, and a program gets at most %d", len(at), maxModels)
	}
	seen := map[string]bool{}
	models := make([]execModel, len(at))
	for i, arg := range at {
		name, pkg, ok := strings.Cut(arg, "=")
		switch {
		case !ok || pkg == "":
			return nil, usagef("--at %q: want NAME=PKG", arg)
		case name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') || !isPrintable(name):
			return nil, usagef("--at %q: the name is no folder's", arg)
		case seen[name]:
			return nil, usagef("--at %s stands there twice", name)
		}
		seen[name] = true
		var err error
		if models[i].pkg, err = filepath.Abs(pkg); err != nil {
			return nil, err
		}
		models[i].name = name
	}
	return models, nil
}
