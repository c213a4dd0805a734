// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// What reading a bundle may allocate, whatever it claims about itself: so many
// bytes for each of its bytes, and so many besides for the fleet file in it.
const (
	memoryPerByte = 16
	memoryBase    = 1 << 20
)

// parseInMemory parses a bundle, and fails the test where that allocates too much.
// The runtime's counter is cheap to read and rises in steps, so only what seems
// too much is measured exactly.
func parseInMemory(t *testing.T, data []byte) (*Bundle, error) {
	t.Helper()
	bound := uint64(memoryBase + memoryPerByte*len(data))
	counter := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(counter)
	before := counter[0].Value.Uint64()
	b, err := ParseBundle(data)
	metrics.Read(counter)
	if counter[0].Value.Uint64()-before <= bound {
		return b, err
	}
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	b, err = ParseBundle(data)
	runtime.ReadMemStats(&to)
	if n := to.TotalAlloc - from.TotalAlloc; n > bound {
		t.Errorf("%d bytes allocated for a bundle of %d", n, len(data))
	}
	return b, err
}

// list is an array of so many of the same element.
func list(n int, element []byte) cbor.RawMessage {
	head := dcbor.Encode(n) // of a number, which differs in the three bits of the kind
	head[0] |= 4 << 5
	return append(head, bytes.Repeat(element, n)...)
}

// Anybody can make these: none is signed.
func TestMemoryOfABundle(t *testing.T) {
	const size = 4 << 20
	file := newAuthority(t, tgspcrypto.X25519, 1).rotate().Bytes()
	type parts struct {
		File    []byte          `cbor:"fleet_file"`
		Members cbor.RawMessage `cbor:"members"`
		Absent  cbor.RawMessage `cbor:"absent"`
	}
	member := dcbor.Encode(memberDoc{})
	absent := dcbor.Encode(absentDoc{})
	full := dcbor.Encode(absentDoc{Left: &neighbourDoc{}, Right: &neighbourDoc{}})
	longest := dcbor.Encode(memberDoc{Proof: make([]Hash, maxProof)})
	none := cbor.RawMessage{4 << 5}
	for name, data := range map[string][]byte{
		"numbers as members":  dcbor.Encode(parts{file, list(size, []byte{0}), none}),
		"maps as members":     dcbor.Encode(parts{file, list(size, []byte{0xa0}), none}),
		"arrays as members":   dcbor.Encode(parts{file, list(size/8, []byte("\x81\x81\x81\x81\x81\x81\x81\x80")), none}),
		"empty members":       dcbor.Encode(parts{file, list(size/len(member), member), none}),
		"proofs":              dcbor.Encode(parts{file, list(size/len(longest), longest), none}),
		"one long proof":      dcbor.Encode(parts{file, append(append([]byte{4<<5 | 1}, member[:len(member)-1]...), list(size, []byte{0x40})...), none}),
		"numbers as absences": dcbor.Encode(parts{file, none, list(size, []byte{0})}),
		"maps as absences":    dcbor.Encode(parts{file, none, list(size, []byte{0xa0})}),
		"absences":            dcbor.Encode(parts{file, none, list(size/len(absent), absent)}),
		"full absences":       dcbor.Encode(parts{file, none, list(size/len(full), full)}),
		"a long fleet file":   dcbor.Encode(parts{make([]byte, size), none, none}),
		"a fleet file alone":  dcbor.Encode(map[string][]byte{"document": make([]byte, size), "signature": nil}),
		"many keys":           append([]byte{5<<5 | 26, 0, size >> 24, size >> 16 & 0xff, 0}, bytes.Repeat([]byte{0x41, 1, 0}, size)...),
		"a list as a key":     append(append([]byte(bundleStart), none...), append(list(size, []byte{0x80}), 0, 0, 0)...),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseInMemory(t, data); !typed(err) {
				t.Error(err)
			}
		})
	}
}

// The bound on elements leaves room for whatever can be right.
func TestLongestElements(t *testing.T) {
	const last = 1<<64 - 1
	proof := make([]Hash, maxProof)
	for _, kem := range kems {
		member := memberDoc{Entry{Enc: make([]byte, kem.EncapsulationSize()), Sealed: make([]byte, sealedSize)}, last, proof}
		if n := len(dcbor.Encode(member)); n > maxElement {
			t.Errorf("%s: a member has %d bytes", kem, n)
		}
	}
	neighbour := &neighbourDoc{Index: last, Proof: proof}
	if n := len(dcbor.Encode(absentDoc{Left: neighbour, Right: neighbour})); n > maxElement {
		t.Errorf("an absence has %d bytes", n)
	}
}
