// SPDX-License-Identifier: Apache-2.0

package main

import "golang.org/x/sys/unix"

// coreLimit is the limit on core files that this process was started with.
var coreLimit unix.Rlimit

// hardenProcess keeps keys out of core dumps: no file is written for this
// process, and it cannot be dumped or traced by other programs of its user.
// Both only ever lower what the process may do, so failing changes nothing.
func hardenProcess() {
	if unix.Getrlimit(unix.RLIMIT_CORE, &coreLimit) == nil {
		none := coreLimit
		none.Cur = 0                            // see keepHardened
		unix.Setrlimit(unix.RLIMIT_CORE, &none) //nolint:errcheck,gosec // see above
	}
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) //nolint:errcheck,gosec // see above
}

// keepHardened is for verbs that read keys: nothing can raise the limit again.
func keepHardened() {
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) //nolint:errcheck,gosec // it is as low as that already
}

// loosenProcess is for a process without keys, before it starts a program that is
// none of ours, or becomes one: that one's limits are its user's. It also lets a
// user namespace be set up, which goes by files of this process.
func loosenProcess() {
	unix.Setrlimit(unix.RLIMIT_CORE, &coreLimit) //nolint:errcheck,gosec // then the program has a lower one
	unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) //nolint:errcheck,gosec // what needs it says so
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

// unlockMemory lets memory go back to the system.
func unlockMemory() {
	unix.Munlockall() //nolint:errcheck,gosec // then some of it stays until this process ends
}
