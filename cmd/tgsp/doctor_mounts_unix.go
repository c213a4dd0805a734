// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows

package main

func machineChecks() []func() *doctorCheck { return []func() *doctorCheck{checkMounts} }
