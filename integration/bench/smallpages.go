// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tensorguard/tgsp/integration/rig"
)

// smallPages puts a plain copy of the weights where the page cache holds them in
// pages of the smallest size, as it does for every FUSE file system. Some kernels
// use larger ones for disks: what they gain when all is cached is no cost of a
// mount's own, and this tells the two apart. It needs root.
func (b *bench) smallPages() (file string, end func() error, err error) {
	dir := filepath.Join(b.scratch, "small-pages")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", nil, err
	}
	size := fmt.Sprintf("size=%d,huge=never", b.size+b.size/16)
	if err := syscall.Mount("none", dir, "tmpfs", 0, size); err != nil {
		return "", nil, os.NewSyscallError("mount tmpfs", err)
	}
	end = func() error { return os.NewSyscallError("unmount tmpfs", syscall.Unmount(dir, 0)) }
	file = filepath.Join(dir, shard)
	if err := rig.CopyFile(filepath.Join(b.model, shard), file); err != nil {
		return "", nil, errors.Join(err, end())
	}
	return file, end, nil
}
