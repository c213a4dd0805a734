// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package container

import "os"

func createTemp(target string) (*os.File, string, error) { return createNamedTemp(target) }

func reserve(f *os.File, size int64) error { return f.Truncate(size) }

// startWriteback leaves the pace to the system.
func startWriteback(*os.File, int64, int64) {}

// publish closes the file before the rename, which Windows demands.
func publish(f *os.File, temp, target string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temp, target)
}

// syncFolder does nothing: the rename is durable with the file system's own pace.
func syncFolder(string) error { return nil }
