// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package main

import "context"

// supervised runs the program. Service managers speak to it in ways of their own, see
// mount_notify.go.
func supervised(run func(context.Context) int) int { return run(context.Background()) }

func tellServiceReady() {}
