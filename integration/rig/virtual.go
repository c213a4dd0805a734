// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Virtual is a machine with arm64 processors that qemu emulates: two of them, 1 GiB of
// memory, a disk and no network. What it runs is a kernel of Debian and one program,
// beside which there is busybox.
type Virtual struct {
	Kernel string            // a folder that .ci/arm64 has made
	Files  map[string]string // what lies in its memory, by path there; one is /init
	Disk   string            // an image of a file system, which it may change
	Env    []string          // of /init
}

// Run starts the machine and returns what it has written to its console when it has
// turned itself off, or when ctx has ended. It writes into the folder work.
func (v *Virtual) Run(ctx context.Context, work string) (console string, err error) {
	initial := filepath.Join(work, "initramfs")
	if err := v.archive(ctx, work, initial); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "qemu-system-aarch64",
		"-M", "virt", "-cpu", "max,pauth-impdef=on", "-smp", "2", "-m", "1024", "-nic", "none",
		"-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
		"-drive", "if=none,id=disk,format=raw,cache=unsafe,file="+v.Disk, "-device", "virtio-blk-pci,drive=disk",
		"-kernel", filepath.Join(v.Kernel, "Image"), "-initrd", initial,
		// A panic turns it off; of the kernel's words only those about one are shown.
		"-append", "console=ttyAMA0 loglevel=1 panic=-1 "+strings.Join(v.Env, " "))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r := Collect(cmd)
	if r.Code != 0 {
		err = fmt.Errorf("qemu: exit %d: %s", r.Code, r.Stderr)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("the machine has not turned itself off: %w", ctx.Err())
	}
	return strings.ReplaceAll(r.Stdout, "\r", ""), err
}

// archive writes the files and the kernel's modules in the form in which a kernel
// takes them into its memory.
func (v *Virtual) archive(ctx context.Context, work, to string) error {
	root := filepath.Join(work, "root")
	files := map[string]string{"/bin/busybox": filepath.Join(v.Kernel, "busybox")}
	modules, err := filepath.Glob(filepath.Join(v.Kernel, "*.ko"))
	if err != nil {
		return err
	}
	for _, module := range modules {
		files["/modules/"+filepath.Base(module)] = module
	}
	for name, from := range v.Files {
		files[name] = from
	}
	names := []string{}
	for name, from := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := CopyFile(from, path); err != nil {
			return err
		}
		if err := os.Chmod(path, 0o755); err != nil {
			return err
		}
		for ; name != "/"; name = filepath.Dir(name) {
			if !slices.Contains(names, name[1:]) {
				names = append(names, name[1:])
			}
		}
	}
	slices.Sort(names) // folders before what is in them
	cmd := exec.CommandContext(ctx, "cpio", "--create", "--format=newc", "--owner=+0:+0", "--quiet")
	cmd.Dir = root
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cpio: %w: %s", err, words.String())
	}
	return nil
}

// MakeDisk writes an image of a file system of a size in bytes that holds a folder.
func MakeDisk(image, folder string, size int64) error {
	// Without what takes more modules of the kernel to read it.
	out, err := exec.Command("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-E", "root_owner=0:0", "-d", folder, image, fmt.Sprint(size>>10)+"k").CombinedOutput()
	if err != nil {
		return fmt.Errorf("mke2fs: %w: %s", err, out)
	}
	return nil
}

// FromDisk copies a file out of such an image.
func FromDisk(image, name, to string) error {
	out, err := exec.Command("debugfs", "-R", fmt.Sprintf("dump %s %s", name, to), image).CombinedOutput()
	if _, missing := os.Stat(to); err == nil {
		err = missing
	}
	if err != nil {
		return fmt.Errorf("debugfs: %w: %s", err, out)
	}
	return nil
}
