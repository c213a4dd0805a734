// SPDX-License-Identifier: Apache-2.0

//go:build linux

package framework

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tensorguard/tgsp/integration/rig"
)

// Kit is a folder with the scripts, and what they import beside what the system has,
// where any user may read them.
type Kit struct{ dir string }

// NewKit copies the scripts into a folder, which must exist. The caller's working
// directory must lie inside the module.
func NewKit(dir string) (*Kit, error) {
	root, err := sources()
	if err != nil {
		return nil, err
	}
	for _, pattern := range []string{"*.py", "node/*.mjs"} {
		scripts, err := filepath.Glob(filepath.Join(root, "integration/testdata", pattern))
		if err != nil || len(scripts) == 0 {
			return nil, fmt.Errorf("no scripts %s in %s: %w", pattern, root, err)
		}
		for _, script := range scripts {
			if err := place(script, filepath.Join(dir, filepath.Base(script)), false); err != nil {
				return nil, err
			}
		}
	}
	return &Kit{dir}, nil
}

// AddNode adds Node's packages.
func (k *Kit) AddNode() error {
	root, err := sources()
	if err != nil {
		return err
	}
	const lock = "integration/testdata/node/package-lock.json"
	want, err := os.ReadFile(filepath.Join(root, lock))
	if err != nil {
		return err
	}
	from := filepath.Join(root, ".cache/node")
	have, err := os.ReadFile(filepath.Join(from, "installed.json"))
	if err != nil || string(have) != string(want) {
		return fmt.Errorf("the packages of %s are not installed: run .ci/node", lock)
	}
	if err := exec.Command(Node, "--version").Run(); err != nil {
		return fmt.Errorf("%s: %w: run .ci/node", Node, err)
	}
	// Some four thousand files of 500 MiB: a link is made sooner than a copy.
	modules := filepath.Join(from, "node_modules")
	return filepath.WalkDir(modules, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(k.dir, "node_modules", strings.TrimPrefix(path, modules))
		switch {
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		case d.Type().IsRegular():
			return place(path, to, true)
		default:
			return nil // .bin has links to commands; nothing imports them
		}
	})
}

// Args is the command line of a framework's script, for some of its modes.
func (k *Kit) Args(f Framework, modes []string, dir string, flags ...string) []string {
	program := Python
	if f.OnNode() {
		program = Node
	}
	return append([]string{program, filepath.Join(k.dir, f.script), strings.Join(modes, ","), dir}, flags...)
}

// Seconds loads a folder once, as a user, and gives the time that the load itself
// took. For a cold one the caches are emptied once the framework is in memory.
func (k *Kit) Seconds(u *rig.User, f Framework, mode, dir string, cold bool) (float64, error) {
	ready := func() error { return nil }
	if cold {
		ready = rig.DropCaches
	}
	modes := []string{mode}
	args := k.Args(f, modes, dir, noDigest)
	list, err := Run(u.Exec(args[0], args[1:]...), modes, ready)
	if err != nil {
		return 0, err
	}
	return list[0].Seconds, nil
}

// SaveArgs is the command line that adds to a folder with safetensors what
// torch.save makes of the first shard.
func (k *Kit) SaveArgs(dir string) []string {
	return []string{Python, filepath.Join(k.dir, PyTorch.script), "save", dir}
}

// sources is the root of the repository.
func sources() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the scripts: %w: run this inside the repository", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// place makes a file appear under another name too, with a link where one will do
// and the disk is the same.
func place(from, to string, link bool) error {
	if link && os.Link(from, to) == nil {
		return nil
	}
	return rig.CopyFile(from, to)
}
