// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// wantOverhead fails the test when the package is larger than its payload by
// more than the given number of bytes, or not even as large as the payload.
func wantOverhead(t *testing.T, pkg string, payload, limit int64) {
	t.Helper()
	info, err := os.Stat(pkg)
	if err != nil {
		t.Fatal(err)
	}
	over := info.Size() - payload
	t.Logf("package %d bytes, payload %d, overhead %d (limit %d)", info.Size(), payload, over, limit)
	if over < 0 || over > limit {
		t.Errorf("overhead is %d bytes, want 0 to %d", over, limit)
	}
}

func TestOverheadOfLargeModel(t *testing.T) {
	m := sample(t)
	wantOverhead(t, samplePackage(t, caller(t)), m.bytes, m.bytes*2/1000+256<<10)
}

// sparse makes a file of the given size that takes no room on the disk. To a
// packer it is as good as any: zeros are read, hashed and encrypted like the rest.
func sparse(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

// sparseModel is a folder with one sparse file of the given size.
func sparseModel(t *testing.T, size int64) string {
	t.Helper()
	dir := filepath.Join(folder(t, plainUser()), "model")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sparse(t, filepath.Join(dir, "weights.bin"), size)
	return dir
}
