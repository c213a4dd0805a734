// SPDX-License-Identifier: Apache-2.0

// Package model writes models for tests: the folder layouts that people
// publish, with valid headers and seeded contents, at any size and in constant
// memory. Equal options give equal bytes on every machine.
package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Options choose what [Generate] writes.
type Options struct {
	Seed   uint64 // contents depend on nothing but the seed and a file's path
	Size   int64  // bytes in all safetensors shards together, met within 0.1 % from 16 MiB on
	Shards int    // number of safetensors shards; 0 means 1
}

// Summary says what was written.
type Summary struct {
	Files int   // regular files
	Bytes int64 // sum of their sizes
}

// EdgeSizes are the sizes of the files under "edge/": nothing, one byte, and
// those at which an encrypted chunk or a leaf of four chunks begins or ends.
var EdgeSizes = []int64{0, 1, 16384, 65536, 65600}

// IndexName is the file that maps tensors to shards, as Hugging Face names it.
const IndexName = "model.safetensors.index.json"

// Generate writes a model in Hugging Face layout into dir, which is created
// when it is missing: sharded weights with their index, configuration,
// tokenizer, a GGUF file, an executable script, names with spaces and letters
// outside ASCII, files of [EdgeSizes] and an empty folder.
func Generate(dir string, o Options) (Summary, error) {
	if o.Shards == 0 {
		o.Shards = 1
	}
	if o.Size < 1<<20*int64(o.Shards) {
		return Summary{}, fmt.Errorf("model of %d bytes in %d shards: a shard needs at least 1 MiB", o.Size, o.Shards)
	}
	w := newWriter(dir, o.Seed)
	w.folder("empty folder")
	w.shards(o)
	w.gguf("model.gguf")
	for _, n := range EdgeSizes {
		w.random(fmt.Sprintf("edge/%d.bin", n), n, 0o644)
	}
	w.text("config.json", 0o644, mustJSON(map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama",
		"hidden_size": width, "torch_dtype": "bfloat16", "vocab_size": vocabulary,
	}))
	w.text("generation_config.json", 0o644, mustJSON(map[string]any{"bos_token_id": 1, "eos_token_id": 2}))
	w.text("tokenizer_config.json", 0o644, mustJSON(map[string]any{"tokenizer_class": "LlamaTokenizer"}))
	w.text("special_tokens_map.json", 0o644, mustJSON(map[string]any{"bos_token": "<s>", "eos_token": "</s>"}))
	w.text("tokenizer.json", 0o644, mustJSON(map[string]any{"version": "1.0", "model": map[string]any{"type": "BPE", "vocab": vocab()}}))
	w.text("convert.sh", 0o755, []byte("#!/bin/sh\nexec cat \"$@\"\n"))
	w.text("notes and samples/Größe – façade.txt", 0o644, []byte("a name with spaces and letters outside ASCII\n"))
	w.random("分词器/语料 обучение.bin", 300_000, 0o644)
	return w.sum, w.err
}

const (
	width      = 1024 // columns of every weight matrix
	vocabulary = 4096 // entries in tokenizer.json
)

func vocab() map[string]int {
	v := make(map[string]int, vocabulary)
	for i := range vocabulary {
		v[fmt.Sprintf("▁token%04d", i)] = i
	}
	return v
}

// writer creates files below dir; the first error sticks and stops the rest.
type writer struct {
	dir  string
	seed uint64
	buf  []byte // one for all files: ten thousand tiny ones need no more
	sum  Summary
	err  error
}

func newWriter(dir string, seed uint64) *writer {
	return &writer{dir: dir, seed: seed, buf: make([]byte, 1<<18)}
}

func (w *writer) folder(name string) {
	if w.err == nil {
		w.err = os.MkdirAll(filepath.Join(w.dir, filepath.FromSlash(name)), 0o755)
	}
}

func (w *writer) text(name string, mode os.FileMode, data []byte) {
	w.create(name, mode, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

func (w *writer) random(name string, size int64, mode os.FileMode) {
	w.create(name, mode, func(f *os.File) error {
		return w.newStream(name).write(f, size, bits{and: ^uint64(0)})
	})
}

// create makes one file with fill's bytes. The mode is set once more at the
// end so that the process's umask does not decide what a test compares.
func (w *writer) create(name string, mode os.FileMode, fill func(*os.File) error) {
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		w.folder(name[:i])
	} else {
		w.folder(".")
	}
	if w.err != nil {
		return
	}
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		w.err = err
		return
	}
	defer func() {
		if err := f.Close(); w.err == nil {
			w.err = err
		}
	}()
	if w.err = fill(f); w.err != nil {
		return
	}
	if w.err = f.Chmod(mode); w.err != nil {
		return
	}
	info, err := f.Stat()
	if err != nil {
		w.err = err
		return
	}
	w.sum.Files++
	w.sum.Bytes += info.Size()
}

// mustJSON encodes values that this package builds itself: maps of strings,
// numbers and lists, which encoding/json never refuses.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}
