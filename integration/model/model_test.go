// SPDX-License-Identifier: Apache-2.0

package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func generate(t *testing.T, o Options) (string, Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	sum, err := Generate(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, sum
}

func digest(t *testing.T, dir string) [32]byte {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		h.Write([]byte(p + "\x00"))
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(filepath.Join(dir, p))
		h.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

func TestGenerateIsSeeded(t *testing.T) {
	o := Options{Seed: 1, Size: 4 << 20, Shards: 2}
	a, _ := generate(t, o)
	b, _ := generate(t, o)
	o.Seed = 2
	c, _ := generate(t, o)
	if digest(t, a) != digest(t, b) {
		t.Error("the same seed gave different models")
	}
	if digest(t, a) == digest(t, c) {
		t.Error("two seeds gave the same model")
	}
}

func TestGenerateMeetsSize(t *testing.T) {
	dir, sum := generate(t, Options{Size: 48 << 20, Shards: 2})
	var shards int64
	matches, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(matches) != 2 {
		t.Fatalf("shards: %v, %v", matches, err)
	}
	for _, m := range matches {
		info, err := os.Stat(m)
		if err != nil {
			t.Fatal(err)
		}
		shards += info.Size()
	}
	if want := int64(48 << 20); shards < want-want/1000 || shards > want+want/1000 {
		t.Errorf("shards hold %d bytes, want %d within 0.1 %%", shards, want)
	}
	if sum.Bytes < shards || sum.Files < 15 {
		t.Errorf("summary %+v", sum)
	}
	if _, err := Generate(filepath.Join(t.TempDir(), "m"), Options{Size: 1}); err == nil {
		t.Error("a size too small was accepted")
	}
}

func TestShardHeaders(t *testing.T) {
	dir, _ := generate(t, Options{Size: 2 << 20, Shards: 1})
	b, err := os.ReadFile(filepath.Join(dir, "model-00001-of-00001.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	var header map[string]struct {
		DType   string  `json:"dtype"`
		Shape   []int64 `json:"shape"`
		Offsets []int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	size := map[string]int64{"F32": 4, "F16": 2, "BF16": 2, "I64": 8}
	var end int64
	seen := make(map[string]bool)
	for name, h := range header {
		if name == "__metadata__" {
			continue
		}
		want := size[h.DType]
		for _, d := range h.Shape {
			want *= d
		}
		if h.Offsets[1]-h.Offsets[0] != want {
			t.Errorf("%s: %v bytes for %s %v", name, h.Offsets, h.DType, h.Shape)
		}
		end = max(end, h.Offsets[1])
		seen[h.DType] = true
	}
	if len(seen) != len(size) || int64(8+n)+end != int64(len(b)) || n%8 != 0 {
		t.Errorf("types %v, header %d, data %d, file %d", seen, n, end, len(b))
	}
}

func TestGGUFHeader(t *testing.T) {
	h := ggufHeader([]ggufPair{{"general.architecture", "llama"}}, []ggufTensor{{"a", 128, 0, ggmlTypeF32, bits{}}})
	if !bytes.HasPrefix(h, []byte("GGUF\x03\x00\x00\x00")) || len(h)%ggufAlignment != 0 {
		t.Errorf("header of %d bytes starts with %x", len(h), h[:8])
	}
}

func TestTinyPaths(t *testing.T) {
	dir := t.TempDir()
	sum, err := Tiny(dir, 1, 250)
	if err != nil || sum.Files != 250 || sum.Bytes != 250*TinySize {
		t.Fatalf("%+v, %v", sum, err)
	}
	err = fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && len(p) != 40 {
			t.Fatalf("path %q is %d bytes long", p, len(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
