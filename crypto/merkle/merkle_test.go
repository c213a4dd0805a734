// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"crypto/sha256"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// node is RFC 6962, section 2.1, written down as it stands there.
func node(records [][]byte) tlog.Hash {
	switch len(records) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, records[0]...))
	}
	k := 1
	for 2*k < len(records) {
		k *= 2
	}
	left, right := node(records[:k]), node(records[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func TestBuilderIsRFC6962(t *testing.T) {
	var records [][]byte
	var b Builder
	stored := int64(0)
	for n := range 70 {
		root, err := b.Root()
		if err != nil || root != node(records) || b.Records() != int64(n) {
			t.Fatalf("%d records: %x, %v", n, root, err)
		}
		record := []byte{byte(n), byte(n * n)}
		hashes, err := b.Add(record)
		if err != nil {
			t.Fatal(err)
		}
		stored += int64(len(hashes))
		if stored != tlog.StoredHashCount(int64(n)+1) {
			t.Fatalf("%d records store %d hashes", n+1, stored)
		}
		records = append(records, record)
	}
}
