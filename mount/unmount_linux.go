// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// While a mount is busy, unmounting is tried again for this long, this often.
const (
	patience   = 5 * time.Second
	retryEvery = 100 * time.Millisecond
)

// Unmount ends a mount that any process serves, as Server.Unmount does. Failures
// are *Error.
func Unmount(dir string) (lazy bool, err error) {
	real, err := Resolve(dir)
	if err != nil {
		return false, &Error{"unmount", dir, NotMounted, err}
	}
	mounted, err := isMounted(real)
	if err != nil {
		return false, &Error{"unmount", dir, Other, err}
	}
	if !mounted {
		return false, &Error{"unmount", dir, NotMounted, errors.New("no package is mounted there")}
	}
	return unmountPatiently(context.Background(), real)
}

func isMounted(dir string) (bool, error) {
	mounts, err := List()
	return slices.ContainsFunc(mounts, func(m Info) bool { return m.Dir == dir }), err
}

func unmountPatiently(ctx context.Context, dir string) (lazy bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := unmountOnce(dir, false)
		if err == nil {
			return false, nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return false, unmountError(dir, err)
		}
		select {
		case <-ctx.Done():
			if err := unmountOnce(dir, true); err != nil {
				return false, unmountError(dir, err)
			}
			return true, nil
		case <-time.After(retryEvery):
		}
	}
}

func unmountError(dir string, err error) error {
	reason := Other
	switch {
	case errors.Is(err, unix.EBUSY):
		reason = Busy
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		reason = NotAllowed
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		reason = NotMounted
	}
	return &Error{"unmount", dir, reason, err}
}

func unmountOnce(dir string, lazy bool) error {
	if os.Geteuid() == 0 {
		flags := unix.UMOUNT_NOFOLLOW
		if lazy {
			flags |= unix.MNT_DETACH
		}
		return unix.Unmount(dir, flags)
	}
	return fusermount(dir, lazy)
}

// fusermount unmounts for a user. The program tells only by its text that a
// mount is busy.
func fusermount(dir string, lazy bool) error {
	program, err := exec.LookPath("fusermount3")
	if err != nil {
		if program, err = exec.LookPath("fusermount"); err != nil {
			return err
		}
	}
	args := []string{"-u", "--", dir}
	if lazy {
		args = []string{"-u", "-z", "--", dir}
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(string(out))
	switch {
	case strings.Contains(text, "busy"):
		return unix.EBUSY
	case strings.Contains(text, "not permitted"):
		return fmt.Errorf("%w: %s", unix.EPERM, text)
	case strings.Contains(text, "not found in"):
		// It looks for mounts of this user alone.
		if mounted, err := isMounted(dir); err == nil && !mounted {
			return fmt.Errorf("%w: %s", unix.EINVAL, text)
		}
		return fmt.Errorf("%w: %s", unix.EPERM, text)
	}
	return fmt.Errorf("%w: %s", err, text)
}
