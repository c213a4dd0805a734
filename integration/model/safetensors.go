// SPDX-License-Identifier: Apache-2.0

package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
)

// tensor is one entry of a safetensors header.
type tensor struct {
	name  string
	dtype string
	shape []int64
	bytes int64
}

// layerBytes bounds a layer, so that no tensor of a large shard dwarfs the others.
const layerBytes = 32 << 20

// planShard divides size bytes into layers of four tensors, one of each type.
// first is the number of the shard's first layer; the next shard's comes back.
func planShard(first int, size int64) (list []tensor, next int) {
	for next = first; size >= 1<<20; next++ {
		part := min(size, layerBytes)
		if size-part < 1<<20 {
			part = size
		}
		size -= part
		prefix := fmt.Sprintf("model.layers.%d.", next)
		ids := tensor{prefix + "position_ids", "I64", []int64{512}, 512 * 8}
		norm := matrix(prefix+"input_layernorm.weight", "F32", part/8)
		attn := matrix(prefix+"self_attn.qkv_proj.weight", "F16", part/4)
		mlp := matrix(prefix+"mlp.gate_up_proj.weight", "BF16", part-ids.bytes-norm.bytes-attn.bytes)
		list = append(list, ids, norm, attn, mlp)
	}
	return list, next
}

// matrix is the largest one of the given type and of width columns that fits into size bytes.
func matrix(name, dtype string, size int64) tensor {
	row := int64(2 * width)
	if dtype == "F32" {
		row = 4 * width
	}
	rows := size / row
	return tensor{name, dtype, []int64{rows, width}, rows * row}
}

// shards writes all weights and the index that says which shard holds a tensor.
func (w *writer) shards(o Options) {
	var (
		total int64
		layer int
		where = make(map[string]string)
	)
	for i := range o.Shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, o.Shards)
		var list []tensor
		list, layer = planShard(layer, o.Size/int64(o.Shards))
		for _, t := range list {
			where[t.name] = name
			total += t.bytes
		}
		w.create(name, 0o644, func(f *os.File) error { return writeShard(f, w.newStream(name), list) })
	}
	w.text(IndexName, 0o644, mustJSON(map[string]any{
		"metadata": map[string]any{"total_size": total}, "weight_map": where,
	}))
}

// writeShard writes one file as https://huggingface.co/docs/safetensors says:
// the header's length in eight bytes, the header as JSON padded with spaces to
// a multiple of eight, and the tensors' bytes in the header's order.
func writeShard(f *os.File, s *stream, list []tensor) error {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var end int64
	for _, t := range list {
		header[t.name] = map[string]any{"dtype": t.dtype, "shape": t.shape, "data_offsets": []int64{end, end + t.bytes}}
		end += t.bytes
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	text = append(text, bytes.Repeat([]byte{' '}, -len(text)&7)...)
	if _, err := f.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))); err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	for _, t := range list {
		if err := s.write(f, t.bytes, shapes[t.dtype]); err != nil {
			return err
		}
	}
	return nil
}
