// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

// hardenProcess does nothing where no setting of the process itself would.
func hardenProcess() {}

// keepHardened does nothing likewise.
func keepHardened() {}

// lockMemory reports false: the process may be swapped out.
func lockMemory() bool { return false }

func unlockMemory() {}
