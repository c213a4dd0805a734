// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"encoding/binary"
	"encoding/json"
	"io"
)

const (
	// maxSafetensorsHeader is the limit that the format's own implementation has.
	maxSafetensorsHeader = 100_000_000
	// maxSafetensorsLook bounds how much of the header is read: its first entry.
	maxSafetensorsLook = 64 << 10
)

// isSafetensors: the length of the header as 8 bytes, little-endian, then a JSON
// object of tensors, and perhaps of texts under one name
// (huggingface.co/docs/safetensors, "Format"). The first entry tells.
func isSafetensors(in *input) bool {
	if len(in.head) < 10 || in.head[8] != '{' {
		return false
	}
	length := binary.LittleEndian.Uint64(in.head)
	if length > maxSafetensorsHeader || int64(length) > in.size-8 {
		return false
	}
	d := json.NewDecoder(io.NewSectionReader(in, 8, min(int64(length), maxSafetensorsLook)))
	if _, err := d.Token(); err != nil {
		return false
	}
	name, err := d.Token()
	switch {
	case err != nil:
		return false
	case name == json.Delim('}'): // no tensors, and then no data
		return in.size == 8+int64(length)
	case name == "__metadata__": // may be long
		value, err := d.Token()
		return err == nil && value == json.Delim('{')
	}
	var tensor struct {
		DType   string   `json:"dtype"`
		Shape   []uint64 `json:"shape"`
		Offsets []uint64 `json:"data_offsets"`
	}
	return d.Decode(&tensor) == nil && tensor.DType != "" && tensor.Shape != nil && len(tensor.Offsets) == 2
}
