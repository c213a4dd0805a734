// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// TestHeaderProblems makes sure that each kind of bad header is called what it is,
// at the limits that the formats have and one past them.
func TestHeaderProblems(t *testing.T) {
	length := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	value := func(kind uint32) *gguf {
		g := newGGUF(3, 0, 1)
		g.text("x").u32(kind)
		return g
	}
	arrays := func(levels int) *gguf {
		g := value(ggufArray)
		for range levels - 1 {
			g.u32(ggufArray).u64(1)
		}
		return g.u32(0).u64(0)
	}
	shape := func(dims int) *gguf { return newGGUF(3, 1, 0).tensor("a", 0, make([]uint64, dims)...) }
	for what, c := range map[string]struct {
		file string
		data []byte
		want error
	}{
		"an empty safetensors":    {"s", nil, errHeaderShort},
		"half a length":           {"s", make([]byte, 7), errHeaderShort},
		"a length alone":          {"s", length(10), errHeaderShort},
		"a header cut off":        {"s", safetensorsFile(tinyHeader, 0)[:100], errHeaderShort},
		"the longest header":      {"s", length(maxSafetensorsHeader), errHeaderShort},
		"a longer header":         {"s", length(maxSafetensorsHeader + 1), errHeaderLarge},
		"an empty array":          {"s", safetensorsFile("[]", 0), errHeaderInvalid},
		"a text":                  {"s", safetensorsFile(`"x"`, 0), errHeaderInvalid},
		"no tensors":              {"s", safetensorsFile("{}", 0), nil},
		"an empty GGUF":           {"g", nil, errHeaderShort},
		"another format":          {"g", []byte("GGML\x03\x00\x00\x00"), errHeaderInvalid},
		"no version":              {"g", []byte("GGUF\x03\x00"), errHeaderShort},
		"version 1":               {"g", newGGUF(1, 0, 0).Bytes(), errHeaderVersion},
		"version 2":               {"g", newGGUF(2, 0, 0).Bytes(), nil},
		"version 3":               {"g", newGGUF(3, 0, 0).Bytes(), nil},
		"version 4":               {"g", newGGUF(4, 0, 0).Bytes(), errHeaderVersion},
		"the most tensors":        {"g", newGGUF(3, maxGGUFTensors, 0).Bytes(), errHeaderShort},
		"more tensors":            {"g", newGGUF(3, maxGGUFTensors+1, 0).Bytes(), errHeaderLarge},
		"the most values":         {"g", newGGUF(3, 0, maxGGUFValues).Bytes(), errHeaderShort},
		"more values":             {"g", newGGUF(3, 0, maxGGUFValues+1).Bytes(), errHeaderLarge},
		"the most dimensions":     {"g", shape(maxGGUFDims).Bytes(), nil},
		"more dimensions":         {"g", shape(maxGGUFDims + 1).Bytes(), errHeaderInvalid},
		"dimensions cut off":      {"g", newGGUF(3, 1, 0).text("a").u32(1 << 30).Bytes()[:36], errHeaderShort},
		"the longest name":        {"g", newGGUF(3, 1, 0).u64(maxHeaderValue).Bytes(), errHeaderShort},
		"a longer name":           {"g", newGGUF(3, 1, 0).u64(maxHeaderValue + 1).Bytes(), errHeaderLarge},
		"the longest text":        {"g", value(ggufText).u64(maxGGUFArray).Bytes(), errHeaderShort},
		"a longer text":           {"g", value(ggufText).u64(maxGGUFArray + 1).Bytes(), errHeaderLarge},
		"the longest array":       {"g", value(ggufArray).u32(12).u64(maxGGUFArray).Bytes(), errHeaderShort},
		"a longer array":          {"g", value(ggufArray).u32(12).u64(maxGGUFArray + 1).Bytes(), errHeaderLarge},
		"an array of all lengths": {"g", value(ggufArray).u32(12).u64(1<<64 - 1).Bytes(), errHeaderLarge},
		"arrays in arrays":        {"g", arrays(4).Bytes(), nil},
		"one more":                {"g", arrays(5).Bytes(), errHeaderInvalid},
		"an unknown kind":         {"g", value(13).Bytes(), errHeaderInvalid},
	} {
		name, want := map[string]string{"s": "m.safetensors", "g": "m.gguf"}[c.file], ""
		if c.want != nil {
			want = c.want.Error()
		}
		if info := sniff(t, name, c.data, 4096); info.Problem != want {
			t.Errorf("%s: %q, want %q", what, info.Problem, want)
		}
	}
}

// TestNumberOfParameters multiplies dimensions up to the limit, and adds tensors.
func TestNumberOfParameters(t *testing.T) {
	for want, shape := range map[uint64][]uint64{1: {}, 0: {5, 0, 1 << 40}, 1 << 62: {1 << 31, 1 << 31}, 1<<62 - 2: {2, 1<<61 - 1}} {
		if got, err := product(shape); got != want || err != nil {
			t.Errorf("%v: %d, %v, want %d", shape, got, err, want)
		}
	}
	for _, shape := range [][]uint64{{1 << 31, 1 << 31, 2}, {1<<62 + 1}, {3, 1 << 61}, {1<<64 - 1, 1<<64 - 1}} {
		if got, err := product(shape); err == nil {
			t.Errorf("%v: %d", shape, got)
		}
	}
	info := &WeightsInfo{Parameters: 1<<64 - 6}
	check(t, info.count("F32", 5))
	if err := info.count("F32", 1); err == nil || info.Parameters != 1<<64-1 || info.Tensors != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	check(t, info.count(strings.Repeat("x", maxDTypeName), 0))
	for _, name := range []string{"", strings.Repeat("x", maxDTypeName+1)} {
		if info.count(name, 0) == nil {
			t.Errorf("a type named %q was counted", name)
		}
	}
}

// TestTypesPastTheLimit counts more types than are kept: the last of them together.
func TestTypesPastTheLimit(t *testing.T) {
	info := new(WeightsInfo)
	for i := range uint32(maxDTypes + 9) {
		check(t, info.count(ggmlType(100+i), 1))
		check(t, info.count(ggmlType(100), 1))
	}
	if len(info.DTypes) != maxDTypes || info.DTypes[otherDTypes] != 10 || info.DTypes["type-100"] != maxDTypes+10 || info.DTypes["type-130"] != 1 || info.Tensors != 2*(maxDTypes+9) {
		t.Errorf("%+v", info)
	}
}

// TestFieldCutOff makes sure that what was read of a field before the end is not
// taken for a number.
func TestFieldCutOff(t *testing.T) {
	g := &ggufReader{r: bufio.NewReader(bytes.NewReader([]byte{1, 2, 3}))}
	if n := g.u32(); n != 0 || g.err == nil {
		t.Errorf("%#x, %v", n, g.err)
	}
}

// TestRoomForFindings makes sure that the files that are looked into are those that
// room is kept for.
func TestRoomForFindings(t *testing.T) {
	for name, want := range map[string]bool{"a.gguf": true, "b/C.SafeTensors": true, "gguf": false, "a.gguf.part": false, "": false} {
		s := newWeightsSniffer(name)
		if s != nil {
			s.Result()
		}
		if hasWeightsHeader(name) != want || (s != nil) != want {
			t.Errorf("%q: room is kept: %v, looked into: %v", name, hasWeightsHeader(name), s != nil)
		}
	}
}
