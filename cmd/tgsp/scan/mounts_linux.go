// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"fmt"

	"github.com/moby/sys/mountinfo"

	"github.com/tensorguard/tgsp/mount"
)

// pseudo are the types of file systems that show the system's state, or what
// other programs make up, and keep no files. Reading in some of them has effects
// or never ends.
var pseudo = map[string]bool{
	"autofs": true, "binfmt_misc": true, "bpf": true, "cgroup": true, "cgroup2": true, "configfs": true, "debugfs": true,
	"devpts": true, "efivarfs": true, "fuse.gvfsd-fuse": true, "fuse.lxcfs": true, "fuse.portal": true, "fusectl": true,
	"mqueue": true, "nsfs": true, "proc": true, "pstore": true, "resctrl": true, "rpc_pipefs": true, "securityfs": true,
	"selinuxfs": true, "smackfs": true, "sysfs": true, "tracefs": true,
}

func readMounts() (mountTable, error) {
	ours, err := mount.List()
	if err != nil {
		return nil, err
	}
	packages := make(map[int]bool)
	for _, m := range ours {
		packages[m.ID] = true
	}
	all, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil, fmt.Errorf("reading the table of mounts: %w", err)
	}
	table := make(mountTable)
	for _, m := range all { // a later mount hides an earlier one
		e := mountEntry{source: m.Source}
		switch {
		case packages[m.ID]:
			e.kind = mountPackage
		case pseudo[m.FSType]:
			e.kind = mountPseudo
		}
		table[m.Mountpoint] = e
	}
	return table, nil
}

// resolve returns the path without symbolic links by which the table of mounts
// knows a file or folder, which need not answer: a dead mount's does not.
func resolve(path string) (string, error) { return mount.Resolve(path) }
