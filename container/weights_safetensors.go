// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
)

// maxSafetensorsHeader is the limit that the format's own implementation has.
const maxSafetensorsHeader = 100_000_000

// maxHeaderValue bounds one tensor's description or one text in a header.
const maxHeaderValue = 1 << 20

// readSafetensors reads the header: its length as 8 bytes, little-endian, then
// a JSON object of tensors (huggingface.co/docs/safetensors, "Format").
func readSafetensors(r *bufio.Reader, info *WeightsInfo) error {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxSafetensorsHeader {
		return errHeaderLarge
	}
	// Token by token, so that memory does not grow with the number of tensors.
	d := json.NewDecoder(io.LimitReader(r, int64(n)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return orInvalid(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name == "__metadata__" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		var tensor struct {
			DType string   `json:"dtype"`
			Shape []uint64 `json:"shape"`
		}
		if err := d.Decode(&tensor); err != nil {
			return err
		}
		parameters, err := product(tensor.Shape)
		if err != nil {
			return err
		}
		if err := info.count(tensor.DType, parameters); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// orInvalid is for a header that reads well and is another thing.
func orInvalid(err error) error {
	if err == nil {
		err = errHeaderInvalid
	}
	return err
}
