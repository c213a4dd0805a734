// SPDX-License-Identifier: Apache-2.0

package sha256mb

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// counts are how many messages are hashed in tests: none to all kinds of groups.
var counts = []int{0, 1, Lanes - 1, Lanes, Lanes + 1, 15, 16, 17, 24, 25, 33}

func sumEach(digests [][sha256.Size]byte, data []byte) {
	size := len(data) / max(1, len(digests))
	for i := range digests {
		digests[i] = sha256.Sum256(data[i*size : (i+1)*size])
	}
}

// checkSum compares with crypto/sha256.
func checkSum(t *testing.T, count int, data []byte) {
	t.Helper()
	got, want := make([][sha256.Size]byte, count), make([][sha256.Size]byte, count)
	before := bytes.Clone(data)
	Sum(got, data)
	sumEach(want, data)
	if !slices.Equal(got, want) {
		t.Errorf("%d messages, of %d bytes together: %x, want %x", count, len(data), got, want)
	}
	if !bytes.Equal(data, before) {
		t.Errorf("%d messages, of %d bytes together, were changed", count, len(data))
	}
}

// TestSum tries all lengths around several blocks, at all alignments.
func TestSum(t *testing.T) {
	if !Accelerated() {
		t.Log("this processor lacks the instructions: crypto/sha256 is compared with itself")
	}
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, 33*65600+128)
	random.Read(data) //nolint:errcheck // never fails
	for n := range 300 {
		for shift := range 65 {
			for _, count := range []int{Lanes, 16} {
				checkSum(t, count, data[shift:shift+count*n])
			}
		}
	}
	for _, count := range counts {
		for _, n := range []int{0, 1, 55, 56, 64, 1000, 4095, 65599, 65600} {
			checkSum(t, count, data[1:1+count*n])
		}
	}
}

func FuzzSum(f *testing.F) {
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 119, 120, 128} {
		for i := range counts {
			f.Add(make([]byte, counts[i]*n), uint8(i), uint8(n))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, which, shift uint8) {
		count := counts[int(which)%len(counts)]
		n := len(data) / max(1, count) * count
		room := append(make([]byte, shift), data[:n]...) // aligned as shift says
		checkSum(t, count, room[shift:])
	})
}

// BenchmarkSum hashes messages at once, and one after the other.
func BenchmarkSum(b *testing.B) {
	for _, count := range []int{Lanes, 16} {
		for _, n := range []int{64, 1024, 65600} {
			digests, data := make([][sha256.Size]byte, count), make([]byte, count*n)
			for name, sum := range map[string]func([][sha256.Size]byte, []byte){"once": Sum, "each": sumEach} {
				b.Run(fmt.Sprintf("%s/%dx%d", name, count, n), func(b *testing.B) {
					b.SetBytes(int64(len(data)))
					for b.Loop() {
						sum(digests, data)
					}
				})
			}
		}
	}
}
