// SPDX-License-Identifier: Apache-2.0

package container

import "testing"

// TestReadsAreCounted reads a batch, a page and the same page again.
func TestReadsAreCounted(t *testing.T) {
	r, _ := openViewed(t, nil)
	if got := r.Stats(); got != (ReadStats{}) {
		t.Errorf("before a read: %+v", got)
	}
	buf := make([]byte, batchPlaintext)
	_, err := r.ReadFileAt(0, buf, 0)
	check(t, err)
	want := ReadStats{Hashed: batchCiphertext, Decrypted: batchPlaintext}
	if got := r.Stats(); got != want {
		t.Errorf("a batch: %+v, want %+v", got, want)
	}
	for range 2 {
		_, err = r.ReadFileAt(0, buf[:4096], 17*leafPlaintext+4096)
		check(t, err)
	}
	want = ReadStats{want.Hashed + LeafSize, want.Decrypted + 16384, 1, 1}
	if got := r.Stats(); got != want {
		t.Errorf("and a page, twice: %+v, want %+v", got, want)
	}
	v := r.ViewFileAt(0, leafPlaintext, leafPlaintext)
	v.Release()
	want.Hashed, want.Decrypted = want.Hashed+LeafSize, want.Decrypted+leafPlaintext
	if got := r.Stats(); got != want {
		t.Errorf("and a view: %+v, want %+v", got, want)
	}
	check(t, r.Close())
	if got := r.Stats(); got != (ReadStats{}) {
		t.Errorf("closed: %+v", got)
	}
}
