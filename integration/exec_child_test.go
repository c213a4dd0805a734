// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confined is the role "confined UID PROGRAM ARG…": it runs a program as that user,
// on a system that makes no namespaces, as containers and hardened machines do.
func confined(args []string) (any, error) {
	uid, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread() // the filter and the user are a thread's
	const (
		number, firstArg = 0, 16 // of struct seccomp_data
		refuse           = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		absent           = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS) // whoever asks takes clone instead
	)
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	ret := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	is := func(n uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: n, Jt: yes, Jf: no}
	}
	filter := []unix.SockFilter{
		load(number),
		is(unix.SYS_CLONE3, 6, 0),
		is(unix.SYS_CLONE, 1, 0),
		is(unix.SYS_UNSHARE, 0, 2),
		load(firstArg),
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, Jt: 1, Jf: 0},
		ret(unix.SECCOMP_RET_ALLOW),
		ret(refuse),
		ret(absent),
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return nil, err
	}
	if uid != 0 {
		_, _, groups := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0)
		_, _, group := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(uid), uintptr(uid), uintptr(uid))
		_, _, user := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid))
		for _, errno := range []syscall.Errno{groups, group, user} {
			if errno != 0 {
				return nil, errno
			}
		}
	}
	environ := os.Environ()
	for i, variable := range environ {
		if strings.HasPrefix(variable, childRole+"=") {
			environ = append(environ[:i], environ[i+1:]...)
			break
		}
	}
	return nil, errors.Join(syscall.Exec(args[1], args[1:], environ))
}
