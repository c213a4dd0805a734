// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"

	"github.com/moby/sys/mountinfo"
)

// List returns this program's mounts that the calling process can see.
func List() ([]Info, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("fuse." + fsName))
	if err != nil {
		return nil, fmt.Errorf("reading the table of mounts: %w", err)
	}
	infos := make([]Info, len(mounts))
	for i, m := range mounts {
		infos[i] = Info{Dir: m.Mountpoint, Source: m.Source, ID: m.ID}
	}
	return infos, nil
}

// deviceNumber returns major and minor number of the mount at dir; a later mount
// hides an earlier one.
func deviceNumber(dir string) (major, minor int, err error) {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	if err != nil {
		return 0, 0, err
	}
	if len(mounts) == 0 {
		return 0, 0, fmt.Errorf("%s is not in the table of mounts", dir)
	}
	m := mounts[len(mounts)-1]
	return m.Major, m.Minor, nil
}
