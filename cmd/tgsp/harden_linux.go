// SPDX-License-Identifier: Apache-2.0

package main

import "golang.org/x/sys/unix"

// hardenProcess keeps keys out of core dumps: no file is written for this
// process, and it cannot be dumped or traced by other programs of its user.
// Both only ever lower what the process may do, so failing changes nothing.
func hardenProcess() {
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) //nolint:errcheck,gosec // see above
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)     //nolint:errcheck,gosec // see above
}

// lockMemory keeps the whole process out of swap where the system allows it
// without a limit: with one, a later allocation would end the process. It
// returns whether it did.
func lockMemory() bool {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return false
	}
	if limit.Max == unix.RLIM_INFINITY {
		limit.Cur = limit.Max
		unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit) //nolint:errcheck,gosec // mlockall tells
	} else if !hasIPCLock() {
		return false
	}
	return unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE|unix.MCL_ONFAULT) == nil
}

// hasIPCLock reports CAP_IPC_LOCK, which lifts the limit on locked memory.
func hasIPCLock() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}
