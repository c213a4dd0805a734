// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bufio"
	"bytes"
	"reflect"
	"testing"
)

// fuzzWeights makes sure that findings fit into their room in the index, that a
// header is not half understood, and that it does not matter in which pieces the
// file's bytes come.
func fuzzWeights(f *testing.F, name string, seeds ...[]byte) {
	f.Helper()
	for _, seed := range seeds {
		f.Add(seed)
		f.Add(seed[:len(seed)/2])
	}
	format, read := weightsFormat(name)
	f.Fuzz(func(t *testing.T, data []byte) {
		inMemory(t, len(data), func() {
			info := &WeightsInfo{Format: format}
			if err := read(bufio.NewReader(bytes.NewReader(data)), info); err != nil {
				info = &WeightsInfo{Format: format, Problem: problemOf(err)}
			}
			table := encode(info)
			back := new(WeightsInfo)
			if err := decode("weights", table, back); err != nil || !reflect.DeepEqual(info, back) || len(table) > maxWeightsInfoBytes {
				t.Errorf("%d bytes of findings: %+v comes back as %+v, %v", len(table), info, back, err)
			}
			tensors := uint64(0)
			for _, n := range info.DTypes {
				tensors += n
			}
			if tensors != info.Tensors {
				t.Errorf("%+v: %d tensors have a type", info, tensors)
			}
			if len(data)%8 != 0 {
				return // goroutines take their time
			}
			if pieces := sniff(t, name, data, 100); !reflect.DeepEqual(pieces, info) {
				t.Errorf("in pieces: %+v, as a whole: %+v", pieces, info)
			}
		})
	})
}

func FuzzSafetensors(f *testing.F) {
	fuzzWeights(f, "m.safetensors", safetensorsFile(tinyHeader, 26), safetensorsFile("{"+nested(100)[1:], 0))
}

func FuzzGGUF(f *testing.F) { fuzzWeights(f, "m.gguf", tinyGGUF()[:500]) }
