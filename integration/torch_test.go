// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"maps"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// loaded is what load.py prints.
type loaded struct {
	Seconds float64
	Bytes   int64
	Tensors map[string]string // name to SHA-256
}

// loadTensors loads a folder with PyTorch in another process, as the user.
func loadTensors(t *testing.T, u *rig.User, mode, dir string) loaded {
	t.Helper()
	var l loaded
	decode(t, rig.Collect(u.Exec(python, lab.loader, mode, dir)), &l)
	return l
}

// TestTorchLoadsEqualTensors loads the weights in every way that frameworks
// use, from the plain folder and through the mount, cold where root can make it so.
func TestTorchLoadsEqualTensors(t *testing.T) {
	plain := sample(t)
	want := make(map[string]loaded)
	for _, mode := range []string{"read", "mmap-shared", "mmap-private", "torch"} {
		want[mode] = loadTensors(t, caller(t), mode, plain.dir)
	}
	// The sample holds 192 MiB of weights; an empty answer must not pass for an equal one.
	if l := want["read"]; l.Bytes < 190<<20 || len(l.Tensors) < 20 {
		t.Fatalf("loaded %d tensors of %d bytes from the plain folder", len(l.Tensors), l.Bytes)
	}
	for name, digest := range want["torch"].Tensors {
		if want["read"].Tensors[name] != digest {
			t.Fatalf("torch.save changed tensor %s", name)
		}
	}
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		for mode, w := range want {
			dropCaches(t)
			got := loadTensors(t, u, mode, m.Dir)
			if !maps.Equal(got.Tensors, w.Tensors) || got.Bytes != w.Bytes {
				t.Errorf("%s: %d tensors of %d bytes differ from the plain folder's %d of %d",
					mode, len(got.Tensors), got.Bytes, len(w.Tensors), w.Bytes)
			}
		}
		unmount(t, m)
	})
}
