// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// sniff gives a file's bytes to a sniffer in pieces of the given size.
func sniff(t testing.TB, name string, data []byte, piece int) *WeightsInfo {
	t.Helper()
	s := newWeightsSniffer(name)
	if s == nil {
		t.Fatalf("%s: not seen as weights", name)
	}
	for len(data) > 0 {
		n, err := s.Write(data[:min(piece, len(data))])
		check(t, err)
		data = data[n:]
	}
	return s.Result()
}

func safetensorsFile(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

const tinyHeader = `{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},` +
	`"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"c":{"dtype":"F32","shape":[0,5],"data_offsets":[26,26]}}   `

func TestSafetensorsHeader(t *testing.T) {
	for _, piece := range []int{1, 7, 4096, 1 << 20} {
		info := sniff(t, "x/Model.SafeTensors", safetensorsFile(tinyHeader, 100_000), piece)
		if info.Problem != "" || info.Format != "safetensors" || info.Tensors != 3 || info.Parameters != 7 || !maps.Equal(info.DTypes, map[string]uint64{"F32": 2, "BF16": 1}) {
			t.Errorf("in pieces of %d: %+v", piece, info)
		}
	}
}

func TestBadSafetensorsHeaders(t *testing.T) {
	many := `{"a":{"dtype":"F32","shape":[` + strings.TrimSuffix(strings.Repeat("4294967296,", 3), ",") + `]}}`
	for name, data := range map[string][]byte{
		"empty": nil, "short length": {1, 2, 3}, "cut": safetensorsFile(tinyHeader, 0)[:60],
		"huge length": bytes.Repeat([]byte{0xff}, 100), "without an end": safetensorsFile(`{"a":{"dtype":"F32","shape":[1]}`, 0), "no object": safetensorsFile("[1]", 0), "no JSON": safetensorsFile("\x00\x00", 0),
		"a number as tensor": safetensorsFile(`{"a":1}`, 0), "negative shape": safetensorsFile(`{"a":{"dtype":"F32","shape":[-1]}}`, 0),
		"no dtype": safetensorsFile(`{"a":{"shape":[1]}}`, 0), "overflow": safetensorsFile(many, 0), "ends early": safetensorsFile(`{"a":`, 0),
		"long dtype": safetensorsFile(`{"a":{"dtype":"`+strings.Repeat("F", 100)+`","shape":[1]}}`, 0),
	} {
		info := sniff(t, "m.safetensors", data, 4096)
		if info.Problem == "" || info.Tensors != 0 || info.DTypes != nil {
			t.Errorf("%s: %+v", name, info)
		}
	}
}

// gguf builds a header.
type gguf struct{ bytes.Buffer }

func (g *gguf) u32(n uint32) *gguf  { g.Write(binary.LittleEndian.AppendUint32(nil, n)); return g }
func (g *gguf) u64(n uint64) *gguf  { g.Write(binary.LittleEndian.AppendUint64(nil, n)); return g }
func (g *gguf) text(s string) *gguf { g.u64(uint64(len(s))).WriteString(s); return g }

func newGGUF(version uint32, tensors, values uint64) *gguf {
	g := new(gguf)
	g.WriteString("GGUF")
	return g.u32(version).u64(tensors).u64(values)
}

func (g *gguf) tensor(name string, kind uint32, shape ...uint64) *gguf {
	g.text(name).u32(uint32(len(shape)))
	for _, d := range shape {
		g.u64(d)
	}
	return g.u32(kind).u64(0)
}

func tinyGGUF() []byte {
	g := newGGUF(3, 3, 4)
	g.text("general.name").u32(ggufText).text("tiny")
	g.text("x").u32(4).u32(7)
	g.text("tokens").u32(ggufArray).u32(ggufText).u64(2).text("a").text("bc")
	g.text("scores").u32(ggufArray).u32(6).u64(3).u32(0).u32(0).u32(0)
	g.tensor("a", 0, 2, 3).tensor("b", 12, 256).tensor("c", 12345)
	return append(g.Bytes(), make([]byte, 10_000)...)
}

func TestGGUFHeader(t *testing.T) {
	for _, piece := range []int{1, 13, 1 << 20} {
		info := sniff(t, "m.gguf", tinyGGUF(), piece)
		if info.Problem != "" || info.Format != "gguf" || info.Tensors != 3 || info.Parameters != 6+256+1 || !maps.Equal(info.DTypes, map[string]uint64{"F32": 1, "Q4_K": 1, "type-12345": 1}) {
			t.Errorf("in pieces of %d: %+v", piece, info)
		}
	}
}

func TestBadGGUFHeaders(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty": nil, "another magic": []byte("GGML\x03\x00\x00\x00"), "version 1": newGGUF(1, 0, 0).Bytes(), "big-endian": []byte("GGUF\x00\x00\x00\x03xxxxxxxxxxxxxxxx"),
		"too many tensors": newGGUF(3, 1<<40, 0).Bytes(), "too many values": newGGUF(3, 0, 1<<40).Bytes(), "cut": tinyGGUF()[:70],
		"unknown value": newGGUF(3, 0, 1).text("x").u32(99).Bytes(), "long text": newGGUF(3, 0, 1).u64(1 << 60).Bytes(),
		"many dimensions": newGGUF(3, 1, 0).text("a").u32(1000).Bytes(), "overflow": newGGUF(3, 1, 0).tensor("a", 0, 1<<40, 1<<40).Bytes(),
		"long array":   newGGUF(3, 0, 1).text("x").u32(ggufArray).u32(12).u64(1 << 62).Bytes(),
		"deep array":   newGGUF(3, 0, 1).text("x").u32(9).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(0).u64(0).Bytes(),
		"tensors only": newGGUF(3, 5, 0).Bytes(),
	} {
		info := sniff(t, "m.gguf", data, 4096)
		if info.Problem == "" || info.Tensors != 0 {
			t.Errorf("%s: %+v", name, info)
		}
	}
}

func TestOnlyWeightsAreSniffed(t *testing.T) {
	for _, name := range []string{"config.json", "pytorch_model.bin", "safetensors", "x.safetensors.index.json", ""} {
		if newWeightsSniffer(name) != nil {
			t.Errorf("%s: seen as weights", name)
		}
	}
}

// TestWeightsInfoFitsItsRoom fills a header with as many and as long types as
// are kept: the index keeps room for no more.
func TestWeightsInfoFitsItsRoom(t *testing.T) {
	tensors := map[string]any{}
	for i := range 1000 {
		dtype := fmt.Sprintf("%0*d", maxDTypeName, i)
		tensors[fmt.Sprint(i)] = map[string]any{"dtype": dtype, "shape": []uint64{1 << 50}}
	}
	header, err := json.Marshal(tensors)
	check(t, err)
	info := sniff(t, "m.safetensors", safetensorsFile(string(header), 0), 4096)
	if info.Problem != "" || info.Tensors != 1000 || len(info.DTypes) > maxDTypes {
		t.Errorf("%+v", info)
	}
	if n := len(encode(info)); n > maxWeightsInfoBytes {
		t.Errorf("%d bytes, and there is room for %d", n, maxWeightsInfoBytes)
	}
}

// TestPackFindsWeights looks up the finding in the index of a package.
func TestPackFindsWeights(t *testing.T) {
	x := pack(t, map[string][]byte{"a.safetensors": safetensorsFile(tinyHeader, 26), "b.gguf": tinyGGUF(), "bad.gguf": []byte("no"), "c.json": []byte("{}")}, nil)
	r, err := x.open(x.bytes(t))
	check(t, err)
	found := map[string]WeightsInfo{}
	for _, w := range r.Weights() {
		found[r.Files()[w.File].Path] = w.Info
	}
	if len(found) != 3 || found["a.safetensors"].Parameters != 7 || found["b.gguf"].Tensors != 3 || found["bad.gguf"].Problem == "" {
		t.Errorf("%+v", found)
	}
}
