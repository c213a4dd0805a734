// SPDX-License-Identifier: Apache-2.0

//go:build linux

package framework

import (
	"fmt"
	"maps"
)

// Result is what a script prints of one load.
type Result struct {
	Version string // of the framework
	Mode    string
	Seconds float64
	Bytes   int64             // of the weights that were loaded
	Tensors map[string]string // name to SHA-256
}

// Alike fails unless both lists have the same results, of something in each: an empty
// one is no equal one.
func Alike(plain, other []Result) error {
	if len(plain) == 0 || len(plain) != len(other) {
		return fmt.Errorf("%d loads, want %d", len(other), len(plain))
	}
	for i, want := range plain {
		got := other[i]
		if want.Bytes == 0 || len(want.Tensors) == 0 {
			return fmt.Errorf("%s: nothing was loaded from the plain folder", want.Mode)
		}
		if got.Mode != want.Mode || got.Bytes != want.Bytes || !maps.Equal(got.Tensors, want.Tensors) {
			return fmt.Errorf("%s: %d tensors of %d bytes differ from the plain folder's %d of %d",
				got.Mode, len(got.Tensors), got.Bytes, len(want.Tensors), want.Bytes)
		}
	}
	return nil
}
