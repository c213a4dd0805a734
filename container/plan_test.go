// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestPlanIsWhatPackMakes compares sizes for models of many shapes, weights with
// findings among them.
func TestPlanIsWhatPackMakes(t *testing.T) {
	for what, files := range map[string]map[string][]byte{
		"small":  smallModel(),
		"large":  randomFiles(map[string]int{"w.bin": 3<<20 + 5, "x": 10}),
		"header": {"w.safetensors": safetensorsFile(`{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), "w.gguf": []byte("GGUF and no more")},
		"empty":  {"nothing": nil},
	} {
		var planned *PackSummary
		x := pack(t, files, func(o *PackOptions) {
			src, err := Scan(writeModel(t, files), SourceOptions{})
			check(t, err)
			planned, err = Plan(src, *o)
			check(t, err)
		})
		data := x.bytes(t)
		r, err := x.open(data)
		check(t, err)
		if planned.Size != int64(len(data)) || planned.Files != len(r.Files()) || planned.Envelope != nil {
			t.Errorf("%s: planned %+v, and %d bytes were made", what, planned, len(data))
		}
	}
}

func TestPlanRefusesWhatPackRefuses(t *testing.T) {
	src, err := Scan(writeModel(t, smallModel()), SourceOptions{})
	check(t, err)
	if _, err := Plan(src, PackOptions{Author: tgspcrypto.GenerateAuthorKey()}); err == nil {
		t.Error("a plan without recipients")
	}
	x := &fixture{author: tgspcrypto.GenerateAuthorKey(), identity: newIdentity(t, tgspcrypto.X25519)}
	o := x.options()
	o.PackageID = "Not An Id"
	if _, err := Plan(src, o); err == nil || errors.As(err, new(*SourceError)) {
		t.Errorf("a plan with a bad id: %v", err)
	}
}

// TestSeededPackagesHaveTheSameBody packs a model twice with one seed and once with
// another.
func TestSeededPackagesHaveTheSameBody(t *testing.T) {
	files := smallModel()
	body := func(seed byte) []byte {
		x := pack(t, files, func(o *PackOptions) { o.Seed = &[32]byte{seed} })
		check(t, x.verify())
		data := x.bytes(t)
		return data[mustLayout(t, data).indexOffset():]
	}
	first := body(1)
	if !bytes.Equal(first, body(1)) {
		t.Error("one seed gives two bodies")
	}
	if other := body(2); bytes.Equal(first[:32], other[:32]) || bytes.Equal(first[len(first)-1000:], other[len(other)-1000:]) {
		t.Error("another seed gives the same bytes")
	}
}
