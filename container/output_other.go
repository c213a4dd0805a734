// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package container

func createTemp(target string) (outputFile, error) { return createNamedTemp(target) }

func (f *tempFile) reserve(size int64) error { return f.Truncate(size) }

// startWriteback leaves the pace to the system.
func (f *tempFile) startWriteback(_, _ int64) {}

// link has nothing to do: the file has a temporary name from the start.
func (f *tempFile) link(string) error { return nil }

// rename closes the file before, which Windows demands.
func (f *tempFile) rename(target string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return f.moveTo(target)
}

// syncFolder does nothing: the rename is durable with the file system's own pace.
func (f *tempFile) syncFolder(string) error { return nil }
