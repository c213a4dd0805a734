// SPDX-License-Identifier: Apache-2.0

package sha256mb

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkSum compares with crypto/sha256.
func checkSum(t *testing.T, data []byte) {
	t.Helper()
	var got, want [Lanes][sha256.Size]byte
	before := bytes.Clone(data)
	Sum(&got, data)
	sumEach(&want, data)
	if got != want {
		t.Errorf("messages of %d bytes: %x, want %x", len(data)/Lanes, got, want)
	}
	if !bytes.Equal(data, before) {
		t.Errorf("messages of %d bytes were changed", len(data)/Lanes)
	}
}

// TestSum tries all lengths around several blocks, at all alignments.
func TestSum(t *testing.T) {
	if !Accelerated() {
		t.Log("this processor lacks the instructions: crypto/sha256 is compared with itself")
	}
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, 8*65600+64)
	random.Read(data) //nolint:errcheck // never fails
	for n := range 300 {
		for shift := range 17 {
			checkSum(t, data[shift:shift+Lanes*n])
		}
	}
	for _, n := range []int{1000, 4095, 65599, 65600} {
		checkSum(t, data[1:1+Lanes*n])
	}
	checkSum(t, nil)
}

func FuzzSum(f *testing.F) {
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 119, 120, 128} {
		f.Add(make([]byte, Lanes*n), uint8(n))
	}
	f.Fuzz(func(t *testing.T, data []byte, shift uint8) {
		n := len(data) / Lanes * Lanes
		room := append(make([]byte, shift), data[:n]...) // aligned as shift says
		checkSum(t, room[shift:])
	})
}

// BenchmarkSum hashes messages at once, and one after the other.
func BenchmarkSum(b *testing.B) {
	var digests [Lanes][sha256.Size]byte
	for _, n := range []int{64, 1024, 65600} {
		data := make([]byte, Lanes*n)
		b.Run(fmt.Sprintf("once/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				Sum(&digests, data)
			}
		})
		b.Run(fmt.Sprintf("each/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				sumEach(&digests, data)
			}
		})
	}
}
