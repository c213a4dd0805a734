// SPDX-License-Identifier: Apache-2.0

package model

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFrameworkModels writes models that real frameworks load in other tests: here
// they are seeded, of the size that was asked for, and no smaller than one part.
func TestFrameworkModels(t *testing.T) {
	for name, m := range map[string]struct {
		generate func(dir string, seed uint64, size int64) (Summary, error)
		weights  string // a file that has little else in it
		size     int64
	}{
		"ONNX":  {ONNX, "inline.onnx", 8 << 20},
		"llama": {Llama, "llama.gguf", 20 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			generate := func(seed uint64) []byte {
				dir := filepath.Join(t.TempDir(), "model")
				if _, err := m.generate(dir, seed, m.size); err != nil {
					t.Fatal(err)
				}
				b, err := os.ReadFile(filepath.Join(dir, m.weights))
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			a, b, c := generate(1), generate(1), generate(2)
			if !bytes.Equal(a, b) {
				t.Error("the same seed gave different models")
			}
			if bytes.Equal(a, c) {
				t.Error("two seeds gave the same model")
			}
			if n := int64(len(a)); n < m.size || n > m.size+2<<20 {
				t.Errorf("%d bytes, want %d and little more", n, m.size)
			}
			if _, err := m.generate(filepath.Join(t.TempDir(), "model"), 1, 1<<20); err == nil {
				t.Error("a size too small was accepted")
			}
		})
	}
}

// TestONNXLayouts has the same weights in both layouts.
func TestONNXLayouts(t *testing.T) {
	dir := t.TempDir()
	if _, err := ONNX(dir, 1, 8<<20); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(dir, onnxData))
	if err != nil {
		t.Fatal(err)
	}
	inline, err := os.ReadFile(filepath.Join(dir, "inline.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for half := range 2 {
		if part := weights[half*onnxMatrix:][:onnxMatrix]; !bytes.Contains(inline, part) {
			t.Errorf("matrix %d is not in the model's own file", half)
		}
	}
	if len(weights) != 2*onnxMatrix {
		t.Errorf("%d bytes of external data, want %d", len(weights), 2*onnxMatrix)
	}
}
